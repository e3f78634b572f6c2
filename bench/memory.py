#!/usr/bin/env python3
"""Measures the most memory that whole processes take, start-up included, for every format.

The picture is a sample, repeated and with a sensor's grain, which keeps codecs from living off the repetition
(bench/large.py).  It is reduced to every format, and what became a JPEG is expanded to every format; with --sources,
every reduced file is expanded to a TIFF as well, and every expanded one reduced to a JPEG.

Use: memory.py [--megapixels N ...] [--sources] [--folder FOLDER]      (8 GB of room for 100 megapixels)
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from figures import table
from machine import described
from processes import command, gamut

HERE = Path(__file__).parent
REDUCED = ("jpg", "png", "tif", "webp", "avif", "jxl")
EXPANDED = ("png", "tif", "avif", "jxl")


def measured(folder: Path, megapixels: int, with_sources: bool) -> dict[str, list[str]]:
    """A row for every format: reduced to it, expanded to it; expanded from it, reduced from it."""
    original = folder / "original.tif"
    command(sys.executable, HERE / "large.py", original, "--megapixels", megapixels, "--grain")
    rows = {}
    for name in REDUCED:
        reduced, restored = folder / f"reduced.{name}", folder / f"restored.{name}"
        row = [_reduce(original, reduced)]
        row.append(_expand(folder / "reduced.jpg", restored) if name in EXPANDED else "")
        if with_sources:
            row.append(_expand(reduced, folder / "back.tif"))
            row.append(_reduce(restored, folder / "again.jpg") if name in EXPANDED else "")
        rows[name] = row
        print(megapixels, name, *row, sep=" | ", file=sys.stderr, flush=True)
        for path in folder.iterdir():
            if path.name not in ("original.tif", "reduced.jpg"):
                path.unlink()
    return rows


def _reduce(source: Path, target: Path) -> str:
    return f"{gamut('reduce', source, target, '--preset', 'fast').peak_mib * 1.048576 / 1000:.2f}"


def _expand(source: Path, target: Path) -> str:
    space = "displayp3" if target.suffix in (".avif", ".jxl") else "prophoto"
    return f"{gamut('expand', source, target, '--to', space).peak_mib * 1.048576 / 1000:.2f}"


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description="Measures the most memory that every format takes.")
    parser.add_argument("--folder", type=Path, help="where the files go")
    parser.add_argument("--megapixels", nargs="+", type=int, default=[50, 100])
    parser.add_argument("--sources", action="store_true", help="measure every format as a source, too")
    given = parser.parse_args()
    columns = ["reduce to it", "expand to it", *(["expand from it", "reduce from it"] if given.sources else [])]
    rows: dict[str, list[str]] = {name: [] for name in REDUCED}
    for megapixels in given.megapixels:
        with tempfile.TemporaryDirectory(dir=given.folder) as folder:
            for name, row in measured(Path(folder), megapixels, given.sources).items():
                rows[name] += row
    head = ["GB", *(f"{column}, {megapixels} MP" for megapixels in given.megapixels for column in columns)]
    print(table(head, [[name, *row] for name, row in rows.items()]))
    print(f"\nMeasured on: {described()}.")


if __name__ == "__main__":
    main()
