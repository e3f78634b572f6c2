#!/usr/bin/env python3
"""Times whole processes, start-up included: the best and the median wall time of a few runs, and the peak memory.

Use: speed.py [--runs N] [TIFF]      (default: the largest picture of sample_images)
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
from pathlib import Path

from files import listed
from processes import gamut


def main() -> None:
    """Print a line for each command."""
    parser = argparse.ArgumentParser(description="Times whole processes.")
    parser.add_argument("picture", nargs="?", type=Path)
    parser.add_argument("--runs", type=int, default=3)
    given = parser.parse_args()
    picture = given.picture or max(listed([]), key=lambda path: path.stat().st_size)
    with tempfile.TemporaryDirectory() as folder:
        reduced, restored, original = f"{folder}/reduced.jpg", f"{folder}/restored.tif", str(picture)
        commands = [
            ["--help"],
            ["reduce", original, reduced, "--preset", "fast", "--overwrite"],
            ["reduce", original, reduced, "--overwrite"],
            ["info", reduced],
            ["expand", reduced, restored, "--overwrite"],
            ["eval", reduced, "--gt", original],
        ]
        print(f"{original}, {given.runs} runs, {os.cpu_count()} cores")
        for words in commands:
            runs = [gamut(*words) for _ in range(given.runs)]
            seconds = [run.seconds for run in runs]
            name = " ".join(word for word in words if "/" not in word and word != "--overwrite")
            print(
                f"gamut {name:22s} best {min(seconds):6.2f} s   median {statistics.median(seconds):6.2f} s   "
                f"peak {max(run.peak_mib for run in runs):5.0f} MiB",
                flush=True,
            )


if __name__ == "__main__":
    main()
