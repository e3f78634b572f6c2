"""`python -m tests.fuzz` tries mutants for ten minutes, prints a table, and keeps what it finds in build/fuzz."""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

from tests.fuzz.parent import Hunt, table
from tests.fuzz.targets import TARGETS


def main(words: list[str]) -> int:
    """Do what the words say; the exit code is 1 where something was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=f"one or more of: {', '.join(TARGETS)}")
    parser.add_argument("--seconds", type=float, default=600, help="of wall time, for all targets (default 600)")
    parser.add_argument("--jobs", type=int, default=min(4, os.cpu_count() or 1), help="children at a time")
    parser.add_argument("--first", type=int, default=int(time.time()), help="number of the first mutants (now)")
    parser.add_argument("--out", type=Path, default=Path("build/fuzz"), help="folder for findings")
    chosen = parser.parse_args(words)
    unknown = set(chosen.targets) - set(TARGETS)
    if unknown:
        parser.error(f"unknown targets: {', '.join(sorted(unknown))}")
    hunt = Hunt(chosen.out, grow=True)
    hunt.run(chosen.targets or TARGETS, chosen.seconds, chosen.jobs, chosen.first)
    print(f"mutants from number {chosen.first} on\n\n{table(hunt.tallies)}")
    found = any(tally.findings for tally in hunt.tallies.values())
    if found:
        print(f"\nfindings are in {chosen.out}")
    return int(found)


sys.exit(main(sys.argv[1:]))
