#!/usr/bin/env python3
"""Measures the whole tool, and keeps every run's figures in a file of JSON that ``compare.py`` reads.

Times, CPU seconds and memory are of whole processes over 24 megapixels made from samples, start-up included; quality
and bytes are of the sample pictures.  With ``--against``, another checkout is measured in turn with this one, A B A B:
only so a difference of some percent can be seen on a machine whose speed drifts.

What others do on the machine shows in "load": how many processes wanted a core before the first run. Modules are
compiled first, as pip leaves them: some machines write no bytecode, and would compile all of them at every start.

Use: bench.py OUT.json [--runs N] [--against CHECKOUT OTHER.json] [--only TEXT]
"""

from __future__ import annotations

import argparse
import compileall
import json
import os
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from files import SAMPLES, listed
from machine import described
from processes import command, gamut
from table import figures

HERE = Path(__file__).parent
#: What is enlarged to 24 megapixels, by the share that is out of gamut.
LARGE = {"8 %": "fabrics", "30 %": "astronaut", "64 %": "dahlia"}
Line = list[object]


@dataclass
class Side:
    """One of the checkouts that are measured.

    Attributes:
        checkout: Its folder.
        out: Where its figures go.
        figures: What was found, by what was measured: for each run (wall seconds, CPU seconds, peak MiB), or a row of
            ``table.COLUMNS``, which has no noise.
    """

    checkout: Path
    out: Path
    figures: dict[str, Any] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        """Where its own modules come before others."""
        return {**os.environ, "PYTHONPATH": str(self.checkout)}


def timed(large: Path, share: str, folder: Path) -> Iterator[tuple[str, Line]]:
    """Every command that is timed over one large picture, with its name; later ones use what earlier ones wrote."""
    reduced, lossless, restored = folder / "reduced.jpg", folder / "reduced.png", folder / "restored.tif"
    if share == next(iter(LARGE)):
        yield "gamut --help", ["--help"]
    overwrite = "--overwrite"
    for preset in ("fast", "balanced"):
        yield f"reduce, {preset}, to JPEG, {share}", ["reduce", large, reduced, "--preset", preset, overwrite]
    yield f"reduce, balanced, to PNG, {share}", ["reduce", large, lossless, overwrite]
    yield f"info, {share}", ["info", reduced]
    for compression in ("deflate", "zstd", "none"):
        words: Line = ["expand", reduced, restored, "--compression", compression, overwrite]
        yield f"expand, JPEG to TIFF, {compression}, {share}", words
    yield f"expand, PNG to TIFF, deflate, {share}", ["expand", lossless, restored, overwrite]
    yield f"expand, JPEG to PNG, {share}", ["expand", reduced, folder / "restored.png", overwrite]
    yield f"eval, {share}", ["eval", reduced, "--gt", large]


def measure_time(sides: list[Side], runs: int, only: str) -> None:
    """Time every command on every side in turn."""
    for share, sample in LARGE.items():
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            large = folder / "large.tif"
            command(sys.executable, HERE / "large.py", large, SAMPLES / f"{sample}.tif")
            for turn in range(runs):
                for side in sides:
                    own = folder / f"side{sides.index(side)}"
                    own.mkdir(exist_ok=True)
                    for what, words in timed(large, share, own):
                        if only in what:
                            run = gamut(*words, environment=side.environment)
                            kept = side.figures.setdefault(what, {"runs": []})
                            kept["runs"].append([round(run.seconds, 3), round(run.cpu_seconds, 3), round(run.peak_mib)])
                            print(
                                f"{turn + 1}/{runs} {side.checkout.name}: {what}: {run.seconds:.1f} s", file=sys.stderr
                            )


def measure_quality(sides: list[Side], only: str) -> None:
    """What ``make table`` measures of the sample pictures: decibels, colour differences and bytes."""
    for picture in listed([SAMPLES]):
        for side in sides:
            if only in (what := f"quality, {picture.stem}"):
                with tempfile.TemporaryDirectory() as folder:
                    row = figures(picture, Path(folder), "balanced", side.environment)
                side.figures[what] = row


def load() -> float | None:
    """How many processes wanted a core in the last minute, this one among them; None where the system does not say."""
    return round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None


def main() -> None:
    """Measure, and write what was found; what an interruption leaves is what was found until then."""
    parser = argparse.ArgumentParser(description="Measures the whole tool, into a file of JSON.")
    parser.add_argument("out", type=Path)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--against", nargs=2, type=Path, metavar=("CHECKOUT", "OTHER.json"))
    parser.add_argument("--only", default="", metavar="TEXT", help="only what holds this text in its name")
    given = parser.parse_args()
    sides = [Side(HERE.parent, given.out)]
    if given.against:
        sides.insert(0, Side(*given.against))
    for side in sides:
        compileall.compile_dir(side.checkout / "gamutcli", quiet=1)
    told = {"series": uuid.uuid4().hex, "date": time.strftime("%Y-%m-%d"), "machine": described(), "load": load()}
    try:
        measure_time(sides, given.runs, given.only)
        measure_quality(sides, given.only)
    finally:
        for side in sides:
            side.out.parent.mkdir(parents=True, exist_ok=True)
            side.out.write_text(json.dumps({**told, "figures": side.figures}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
