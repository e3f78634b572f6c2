#!/usr/bin/env python3
"""Times whole processes, start-up included: the median wall time of a few runs, and the peak memory.

Without a picture, it makes one of 24 megapixels from a sample (bench/large.py).  With pyvips installed, libvips
converts the same picture to an sRGB JPEG and back to a TIFF, without a network, to show what is due to reading and
writing alone.

Use: speed.py [--runs N] [--write] [TIFF]
"""

from __future__ import annotations

import argparse
import compileall
import statistics
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

from figures import publish, table
from machine import described
from processes import Run, command, gamut

HERE = Path(__file__).parent
#: What libvips does: open, convert through the profiles, write.
VIPS = """\
import sys, pyvips
source, target, profile = sys.argv[1:4]
pyvips.Image.new_from_file(source).icc_transform(profile, embedded=True, depth=int(sys.argv[4])).write_to_file(target)
"""


def row(name: str, runs: list[Run]) -> tuple[str, ...]:
    """One line of the table."""
    seconds = [run.seconds for run in runs]
    return name, f"{statistics.median(seconds):.1f}", f"{min(seconds):.1f}", f"{max(run.peak_mib for run in runs):.0f}"


def timed(original: Path, folder: Path, runs: int) -> list[tuple[str, ...]]:
    """Every command, so often each."""
    reduced, restored = folder / "reduced.jpg", folder / "restored.tif"
    rows = []
    for name, words in (
        ("`gamut --help`", ["--help"]),
        ("`gamut reduce --preset fast`, TIFF to JPEG", ["reduce", original, reduced, "--preset", "fast"]),
        ("`gamut reduce`, TIFF to JPEG", ["reduce", original, reduced]),
        ("`gamut info`", ["info", reduced]),
        ("`gamut expand`, JPEG to TIFF (Deflate)", ["expand", reduced, restored]),
        ("`gamut expand --compression zstd`", ["expand", reduced, restored, "--compression", "zstd"]),
        ("`gamut expand --compression none`", ["expand", reduced, restored, "--compression", "none"]),
        ("`gamut eval`", ["eval", reduced, "--gt", original]),
    ):
        overwrite = ["--overwrite"] if words[0] in ("reduce", "expand") else []
        found = row(name, [gamut(*words, *overwrite) for _ in range(runs)])
        rows.append((*found, f"{restored.stat().st_size / 1e6:.0f}" if words[0] == "expand" else ""))
        print(" | ".join(rows[-1]), file=sys.stderr, flush=True)
    if find_spec("pyvips"):
        plain, back = folder / "plain.jpg", folder / "back.tif"
        for name, words in (
            ("libvips without a network, TIFF to JPEG", [original, plain, "srgb", 8]),
            ("libvips without a network, JPEG to TIFF", [plain, back, "srgb", 16]),
        ):
            rows.append((*row(name, [command(sys.executable, "-c", VIPS, *words) for _ in range(runs)]), ""))
    return rows


def main() -> None:
    """Time, and print or write."""
    parser = argparse.ArgumentParser(description="Times whole processes.")
    parser.add_argument("picture", nargs="?", type=Path)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--write", action="store_true", help="put the table into the README")
    given = parser.parse_args()
    # As pip leaves them: some machines write no bytecode, and would compile all modules at every start.
    compileall.compile_dir(HERE.parent / "gamutcli", quiet=1)
    with tempfile.TemporaryDirectory() as folder:
        original = given.picture or Path(folder) / "large.tif"
        if not given.picture:
            command(sys.executable, HERE / "large.py", original)
        lines = timed(original, Path(folder), given.runs)
    name = given.picture.name if given.picture else "24 megapixels, made from a sample"
    head = (name, "seconds, median", "least", "peak memory, MiB", "TIFF, MB")
    peer = "" if find_spec("pyvips") else " libvips was not compared: pyvips is not installed here."
    measured = f"{given.runs} runs each, start-up included.{peer} Measured on: {described()}."
    publish("speed", f"\n{table(head, lines)}\n\n{measured}\n", given.write)


if __name__ == "__main__":
    main()
