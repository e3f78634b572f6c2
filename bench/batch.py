#!/usr/bin/env python3
"""Measures what `gamut batch` and `gamut audit` promise of many pictures, and says whether they keep it.

    course    200 pictures of 1.6 megapixels, --preset fast: two at a time against one
    overhead  what a picture costs more in a batch than in one process that does nothing else
    memory    resident memory of all processes, from the 50th picture to the last
    planning  a listing of a million names: memory, and when the first picture is begun
    audit     10,000 delivered pictures

On a machine that others use as well, seconds of processors say more than those of the clock; both are told.

Use: batch.py [course|overhead|memory|planning|audit]... [--pictures N] [--names N] [--files N] [--runs N]
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from machine import described
from processes import Run, command

HERE = Path(__file__).parent
FAST = ("--preset", "fast", "-q")
GAMUT = (sys.executable, "-m", "gamutcli")
#: The work alone: one picture after the other by the library.
ALONE = """\
import sys
from pathlib import Path
from gamutcli import parallel
from gamutcli.reduce import reduce_image
parallel.use_threads(1)
for number, source in enumerate(sys.argv[2:]):
    reduce_image(source, Path(sys.argv[1], f"{number}.jpg"), preset="fast")
"""
#: Pictures and pairs from which the overhead is taken. They are grey, so that nothing is fitted: that takes longest,
#: and never the same.
PAIRED, PAIRS = 50, 5
#: Runs a command on so many cores.
ON_CORES = "import os, sys; os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:int(sys.argv[1])]); "
ON_CORES += "os.execvp(sys.argv[2], sys.argv[2:])"


class Bars:
    """What was promised, and what was measured."""

    def __init__(self) -> None:
        self.missed = 0

    def tell(self, what: str, limit: float, measured: float, unit: str, more: str = "") -> None:
        """Print one of them."""
        is_met = measured <= limit
        self.missed += not is_met
        verdict = "kept" if is_met else "MISSED"
        print(f"{what}: {measured:.3g} of at most {limit:g} {unit}: {verdict}{more}", flush=True)


def on_cores(count: int, *words: object) -> Run:
    """Run a command where only so many cores are to be seen."""
    return command(sys.executable, "-c", ON_CORES, count, *words)


def course(pictures: Path, folder: Path, runs: int, bars: Bars) -> None:
    """Two at a time against one, in turn."""
    found: dict[str, list[Run]] = {}
    for number in range(runs):
        for name, jobs, cores in (("one, held to a thread", 1, 1), ("two", 2, 2), ("one", 1, 2)):
            target = folder / f"{name}-{number}"
            run = on_cores(cores, *GAMUT, "batch", "reduce", pictures, "-o", target, "-j", jobs, *FAST)
            found.setdefault(name, []).append(run)
            print(f"  {name} at a time: {run.seconds:.1f} s, of processors {run.cpu_seconds:.1f} s", flush=True)
    clock = {name: statistics.median(run.seconds for run in some) for name, some in found.items()}
    processor = {name: statistics.median(run.cpu_seconds for run in some) for name, some in found.items()}
    for name, limit, called in (("one, held to a thread", 0.65, "held to a thread"), ("one", 1.0, "with all cores")):
        more = f" (of processors {processor['two'] / processor[name]:.3f})"
        bars.tell(f"-j 2 against -j 1 {called}", limit, clock["two"] / clock[name], "of its time", more)


def overhead(folder: Path, bars: Bars) -> None:
    """A batch of some pictures against one process that does the work alone, in turn; both start anew."""
    command(sys.executable, HERE / "variants.py", folder / "grey", PAIRED, "--grey")
    some = sorted(folder.rglob("*.tif"))
    clock, processor = [], []
    for number in range(PAIRS):
        (folder / f"alone-{number}").mkdir()
        alone = on_cores(1, sys.executable, "-c", ALONE, folder / f"alone-{number}", *some)
        batch = on_cores(1, *GAMUT, "batch", "reduce", *some, "-o", folder / f"batch-{number}", "-j", 1, *FAST)
        print(f"  {len(some)} alone: {alone.seconds:.1f} s; as a batch: {batch.seconds:.1f} s", flush=True)
        clock.append((batch.seconds - alone.seconds) / len(some))
        processor.append((batch.cpu_seconds - alone.cpu_seconds) / len(some))
    more = f" ({min(clock):.3f} to {max(clock):.3f}; of processors {statistics.median(processor):.3f} s)"
    bars.tell("overhead a picture", 0.15, statistics.median(clock), "s", more)


def memory(pictures: Path, folder: Path, bars: Bars) -> None:
    """Look at all processes again and again, and compare the first half, from the 50th picture on, with the second."""
    count = sum(1 for _ in pictures.rglob("*.tif"))
    words = [*GAMUT, "batch", "reduce", pictures, "-o", folder / "memory", "-j", "2", "--preset", "fast", "--json"]
    samples: list[tuple[int, int, int]] = []  # pictures done, bytes of who gives the work, bytes of all
    done, ended = [0], threading.Event()
    with subprocess.Popen([*map(str, words)], stdout=subprocess.PIPE, text=True, start_new_session=True) as process:

        def sample() -> None:
            while not ended.wait(0.05):
                held = _resident(process.pid)
                samples.append((done[0], held.get(process.pid, 0), sum(held.values())))

        threading.Thread(target=sample, daemon=True).start()
        assert process.stdout is not None
        for line in process.stdout:
            done[0] += '"state": "done"' in line
        ended.set()
    if process.returncode or done[0] != count:
        raise SystemExit(f"batch: exit code {process.returncode}, {done[0]} of {count} pictures done")
    first = min(50, count // 4)
    middle = (first + count) // 2
    for name, place in (("of who gives the work", 1), ("of all processes", 2)):
        early = max(sample[place] for sample in samples if first <= sample[0] < middle) / 1e6
        late = max(sample[place] for sample in samples if sample[0] >= middle) / 1e6
        more = f" ({early:.0f} MB from picture {first} to {middle}, {late:.0f} MB from there to {count})"
        bars.tell(f"memory {name}, later peak against earlier", 1.05, late / early, "times", more)


def _resident(session: int) -> dict[int, int]:
    """Bytes of every process of a session."""
    held = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal():
            with contextlib.suppress(OSError, IndexError):
                fields = (folder / "stat").read_text().rpartition(")")[2].split()
                if int(fields[3]) == session:
                    held[int(folder.name)] = int(fields[21]) * os.sysconf("SC_PAGE_SIZE")
    return held


def planning(pictures: Path, folder: Path, names: int, bars: Bars) -> None:
    """Go through a listing, once for the first picture and once to its end."""
    first = next(pictures.rglob("*.tif"))
    words = [*GAMUT, "batch", "reduce", "-", "-o", folder / "planned", "--base", "/", *FAST]
    with _listing(first, names) as listing:
        began = time.perf_counter()
        with subprocess.Popen([*map(str, words)], stdin=listing, start_new_session=True) as process:
            while not any((folder / "planned/.gamut-batch").glob("*.jsonl")) and process.poll() is None:
                time.sleep(0.005)
            seconds = time.perf_counter() - began
            os.killpg(process.pid, signal.SIGKILL)
    bars.tell(f"{names:,} names: the first picture is begun", 5, seconds, "s after the start")
    for name, more in (("planned to the end", ("--dry-run",)), ("in parts", ("--shard", f"1/{names}"))):
        with (
            _listing(first, names) as listing,
            subprocess.Popen(
                [*map(str, words), *more], stdin=listing, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            ) as process,
        ):
            began = time.perf_counter()
            _, _, usage = os.wait4(process.pid, 0)
            process.returncode = 0
            seconds = time.perf_counter() - began
        more = f" ({seconds:.0f} s, of processors {usage.ru_utime + usage.ru_stime:.0f} s)"
        bars.tell(f"{names:,} names, {name}: memory", 300, usage.ru_maxrss * 1024 / 1e6, "MB", more)


@contextlib.contextmanager
def _listing(first: Path, names: int) -> Iterator[int]:
    """Give a pipe out of which names come: of a picture that is there, and of others that are not."""
    read, write = os.pipe()

    def fill() -> None:
        with contextlib.suppress(BrokenPipeError), os.fdopen(write, "wb") as file:
            file.write(f"{first}\n".encode())
            for number in range(1, names):
                file.write(b"/archive/%04d/%02d/photo-%07d.tif\n" % (1950 + number % 70, number % 12, number))

    thread = threading.Thread(target=fill, daemon=True)
    thread.start()
    try:
        yield read
    finally:
        os.close(read)
        thread.join()


def audit(pictures: Path, folder: Path, files: int, bars: Bars) -> None:
    """Ten pictures that were reduced, and their originals, under many names."""
    made = folder / "made"
    command(*GAMUT, "batch", "reduce", pictures / "day00", "-o", made, "--include", "00000?.tif", *FAST)
    delivered, originals = sorted(made.glob("*.jpg")), sorted((pictures / "day00").glob("00000?.tif"))
    for number in range(files):
        for kind, some in (("web", delivered), ("photos", originals)):
            place = folder / f"{kind}/{number // 500:03}"
            place.mkdir(parents=True, exist_ok=True)
            source = some[number % len(some)]
            os.link(source, place / f"{number:06}{source.suffix}")
    run = on_cores(2, *GAMUT, "audit", folder / "web", "--against", folder / "photos", "--json", "--fail-on", "any")
    counts = json.loads(run.output.splitlines()[-1])["counts"]
    if counts != {"ok": files}:
        raise SystemExit(f"audit: found {counts}")
    more = f" (of processors {run.cpu_seconds:.1f} s; {run.peak_mib:.0f} MiB)"
    bars.tell(
        f"{files:,} files audited against their originals on two cores", 120 * files / 10_000, run.seconds, "s", more
    )


def main() -> int:
    """Measure what is named, or everything."""
    parser = argparse.ArgumentParser(description="Measures what is promised of many pictures.")
    parser.add_argument("what", nargs="*", help="course, overhead, memory, planning, audit; all where none is named")
    parser.add_argument("--pictures", type=int, default=200, help="that a batch reduces (200)")
    parser.add_argument("--names", type=int, default=1_000_000, help="that are planned (1000000)")
    parser.add_argument("--files", type=int, default=10_000, help="that are audited (10000)")
    parser.add_argument("--runs", type=int, default=1, help="of every batch that is timed, in turn (1)")
    given = parser.parse_args()
    known = ("course", "overhead", "memory", "planning", "audit")
    if unknown := set(given.what) - set(known):
        parser.error(f"{', '.join(sorted(unknown))}: there are {', '.join(known)}")
    bars = Bars()
    print(f"measured on: {described()}", flush=True)
    with tempfile.TemporaryDirectory(prefix="gamut-bench-") as place:
        folder, pictures = Path(place), Path(place, "pictures")
        command(sys.executable, HERE / "variants.py", pictures, max(10, given.pictures))
        for name in given.what or known:
            (folder / name).mkdir()
            if name == "course":
                course(pictures, folder / name, given.runs, bars)
            elif name == "overhead":
                overhead(folder / name, bars)
            elif name == "memory":
                memory(pictures, folder / name, bars)
            elif name == "planning":
                planning(pictures, folder / name, given.names, bars)
            else:
                audit(pictures, folder / name, given.files, bars)
    return int(bars.missed > 0)


if __name__ == "__main__":
    sys.exit(main())
