#!/usr/bin/env python3
"""Measures what a GPU is worth: fits, the network over 24 megapixels, whole commands beside the CPU, pretraining.

Use: gpu.py [--out FOLDER] [--limit SECONDS] [--rehearse]        (`make gpu` makes the environment, tests, and runs it)

Every measurement is a process of its own.  The most telling come first, and FOLDER/gpu.json and FOLDER/gpu.md are
written anew after each: what was measured is kept, whatever happens next.  --rehearse needs no GPU: torch's CPU device
plays it, over a small picture and with short fits, so its figures say nothing.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from files import SAMPLES
from gpu_tables import markdown
from processes import Failed, Run, run

Found = dict[str, Any]
PRESETS = ("fast", "balanced", "best", "paper")
#: Seconds that no measurement is begun with less than.
LEAST = 8.0
#: The devices may lie so many 16-bit codes apart.
ALLOWED_CODES = 2


class Bench:
    """Runs measurements until the time is up, and writes down each.

    Args:
        out: Folder of the results.
        limit: Seconds for all.
        rehearse: Whether torch's CPU device plays the GPU.
    """

    def __init__(self, out: Path, limit: float, rehearse: bool) -> None:
        self._out, self._end, self._rehearse = out, time.monotonic() + limit, rehearse
        script = str(Path(__file__).with_name("gpu_inside.py"))
        self._inside = [script, "--rehearse"] if rehearse else [script]
        self.results: Found = {"rehearsal": rehearse, "limit_s": limit, "tests": tests_in(out), "steps": {}}

    @property
    def left(self) -> float:
        """Seconds left."""
        return self._end - time.monotonic()

    def inside(self, name: str, *words: object, needs: tuple[Path, ...] = ()) -> Found:
        """Measure something inside a process: see gpu_inside.py."""
        return self._step(name, [*self._inside, *map(str, words)], needs, lambda found: json.loads(found.output))

    def gamut(self, name: str, *words: object, device: str, needs: tuple[Path, ...] = ()) -> Found:
        """Measure a whole command, start-up included."""
        gamut = [*self._inside, "command"] if self._rehearse else ["-m", "gamutcli"]
        command = [*gamut, *map(str, words), "--device", device, "--json", "--overwrite"]
        return self._step(name, command, needs, lambda found: {"command": json.loads(found.output)})

    def batch(self, name: str, *words: object, device: str) -> Found:
        """Measure a run over many pictures; a rehearsal has no GPU to lend to other processes."""
        device = "cpu" if self._rehearse else device
        command = ["-m", "gamutcli", "batch", *map(str, words), "--device", device, "--json"]
        return self._step(name, command, (), lambda found: {"pictures": found.output.count('"state": "done"')})

    def _step(self, name: str, command: list[str], needs: tuple[Path, ...], read: Callable[[Run], Found]) -> Found:
        missing = [path.name for path in needs if not path.exists()]
        if self.left < LEAST:
            step: Found = {"status": "not reached", "reason": "no time was left"}
        elif missing:
            step = {"status": "not reached", "reason": f"there is no {missing[0]}"}
        else:
            step = self._run(command, read)
        self.results["steps"][name] = step
        print(
            f"{name:28s} {step['status']:12s} {step.get('process_s', 0.0):6.1f} s  {step.get('reason', '')}", flush=True
        )
        self.write()
        return step

    def _run(self, command: list[str], read: Callable[[Run], Found]) -> Found:
        with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as told:
            start = time.monotonic()
            try:
                found = run([sys.executable, *command], max(self.left, 1.0), told)
                step = {"status": "done", "process_s": found.seconds, "peak_mib": found.peak_mib, **read(found)}
            except (Failed, ValueError) as failed:
                told.seek(0)
                lines = told.read().strip().splitlines()
                reason = f"{failed}: {lines[-1]}" if lines else str(failed)
                step = {"status": "failed", "process_s": time.monotonic() - start, "reason": reason}
                step |= {"messages": lines[-20:]}
        return step

    def write(self) -> None:
        """Write down what is known so far."""
        self._out.mkdir(parents=True, exist_ok=True)
        for name, text in (("gpu.json", json.dumps(self.results, indent=1)), ("gpu.md", markdown(self.results))):
            new = self._out / f".{name}.new"
            new.write_text(text + "\n", encoding="utf-8")
            new.replace(self._out / name)


def tests_in(out: Path) -> Found | None:
    """What `pytest --junitxml` left in the folder."""
    try:
        suite = next(ElementTree.parse(out / "tests.xml").iter("testsuite"))
    except (OSError, ElementTree.ParseError, StopIteration):
        return None
    counts = {name: int(suite.get(name, 0)) for name in ("tests", "failures", "errors", "skipped")}
    return {**counts, "seconds": float(suite.get("time", 0))}


def measure(bench: Bench, place: Path, megapixels: float, learning: float) -> None:
    """Take all measurements, the most telling first."""
    large, small = place / "large.tif", SAMPLES / "dahlia.tif"
    machine = bench.inside("machine", "machine", "cuda")
    if machine["status"] != "done":
        return
    bench.results["machine"] = machine
    bench.inside("picture", "picture", large, megapixels)
    for preset in PRESETS:
        bench.inside(f"fit {preset}, cuda", "fit", small, preset, "cuda")
    bench.inside("fits together", "fits", small, "balanced", "cuda")
    compare(bench, place, "balanced")
    many(bench, place, 4 if megapixels < 1 else 48)
    bench.gamut("reduce balanced, cpu", *reducing(place, "balanced", "cpu"), device="cpu", needs=(large,))
    for preset in ("fast", "balanced", "best"):
        bench.inside(f"fit {preset}, cpu", "fit", small, preset, "cpu")
    compare(bench, place, "paper")
    bench.inside("fit paper, cpu", "fit", small, "paper", "cpu")
    # Its process comes up first.
    bench.inside("pretrain, cuda", "pretrain", f"{max(1.0, min(learning, bench.left - LEAST)):.1f}", "cuda")
    bench.gamut("reduce paper, cpu", *reducing(place, "paper", "cpu"), device="cpu", needs=(large,))
    bench.inside("pretrain, cpu", "pretrain", f"{max(1.0, min(learning / 4, bench.left - LEAST)):.1f}", "cpu")


def reducing(place: Path, preset: str, device: str) -> tuple[object, ...]:
    """The words of a `gamut reduce`."""
    return "reduce", place / "large.tif", place / f"{preset}-{device}.jpg", "--preset", preset


def many(bench: Bench, place: Path, count: int) -> None:
    """Reduce and expand a folder, on the GPU and on the CPU, as many pictures at a time as there are cores."""
    bench.inside("pictures", "pictures", place / "many", count)
    for device in ("cuda", "cpu"):
        bench.batch(
            f"batch reduce, {device}", "reduce", place / "many", "-o", place / f"reduced-{device}", device=device
        )
    for device in ("cuda", "cpu"):
        source, target = place / "reduced-cpu", place / f"restored-{device}"
        bench.batch(f"batch expand, {device}", "expand", source, "-o", target, device=device)


def compare(bench: Bench, place: Path, preset: str) -> None:
    """Reduce on the GPU, expand on both devices, set both pictures side by side, and time the network alone."""
    reduced = place / f"{preset}-cuda.jpg"
    pair = place / "cuda.tif", place / "cpu.tif"
    bench.gamut(f"reduce {preset}, cuda", *reducing(place, preset, "cuda"), device="cuda", needs=(place / "large.tif",))
    for device, restored in zip(("cuda", "cpu"), pair, strict=True):
        bench.gamut(f"expand {preset}, {device}", "expand", reduced, restored, device=device, needs=(reduced,))
    bench.inside(f"difference {preset}", "difference", *pair, needs=pair)
    bench.inside(f"network {preset}", "network", reduced, "cuda", needs=(reduced,))
    for restored in pair:
        restored.unlink(missing_ok=True)


def faults(results: Found) -> list[str]:
    """What went wrong; what the time did not suffice for is no fault."""
    found = [f"{name}: {step['reason']}" for name, step in results["steps"].items() if step["status"] == "failed"]
    for name, step in results["steps"].items():
        if step.get("largest_codes", 0) > ALLOWED_CODES:
            found.append(f"{name}: the devices are {step['largest_codes']} codes apart, not {ALLOWED_CODES} at most")
    return found


def main(words: list[str] | None = None) -> int:
    """Measure, and say where the results are."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--out", type=Path, default=Path("build/gpu"), metavar="FOLDER")
    parser.add_argument("--limit", type=float, default=300.0, metavar="SECONDS", help="for all measurements together")
    parser.add_argument(
        "--rehearse", action="store_true", help="without a GPU: little work, to see that all of it runs"
    )
    given = parser.parse_args(words)
    bench = Bench(given.out, given.limit, given.rehearse)
    with tempfile.TemporaryDirectory() as folder:
        if given.rehearse:
            measure(bench, Path(folder), megapixels=0.2, learning=1.0)
        else:
            measure(bench, Path(folder), megapixels=24.0, learning=60.0)
    print(f"results: {given.out / 'gpu.json'}, {given.out / 'gpu.md'}")
    problems = faults(bench.results)
    for problem in problems:
        print(f"gpu.py: {problem}", file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
