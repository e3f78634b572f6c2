#!/usr/bin/env python3
"""Times whole processes, start-up included: the best and the median wall time of a few runs, and the peak memory.

Use: speed.py [--runs N] [TIFF]      (default: the largest picture of sample_images)
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SAMPLES = sorted((Path(__file__).parents[1] / "sample_images").glob("*.tif"), key=lambda path: path.stat().st_size)


def timed(words: list[str]) -> tuple[float, float]:
    """Wall seconds and peak MiB of one `gamut WORDS`."""
    start = time.perf_counter()
    child = subprocess.Popen([sys.executable, "-m", "gamutcli", *words], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"gamut {' '.join(words)}: exit code {child.returncode}")
    return time.perf_counter() - start, usage.ru_maxrss / 1024


def main() -> None:
    """Print a line for each command."""
    parser = argparse.ArgumentParser(description="Times whole processes.")
    parser.add_argument("picture", nargs="?", default=SAMPLES[-1] if SAMPLES else None)
    parser.add_argument("--runs", type=int, default=3)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        reduced, restored, original = f"{folder}/reduced.jpg", f"{folder}/restored.tif", str(given.picture)
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
            runs = [timed(words) for _ in range(given.runs)]
            seconds = [wall for wall, _ in runs]
            name = " ".join(word for word in words if "/" not in word and word != "--overwrite")
            print(
                f"gamut {name:22s} best {min(seconds):6.2f} s   median {statistics.median(seconds):6.2f} s   "
                f"peak {max(peak for _, peak in runs):5.0f} MiB",
                flush=True,
            )


if __name__ == "__main__":
    main()
