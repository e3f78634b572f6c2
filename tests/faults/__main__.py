"""`python -m tests.faults` tries moments and places, prints a table, and ends with 1 where a file is lost or left."""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import replace

# Everything that commands use is imported once, here.
import gamutcli.evaluation
import gamutcli.expand
import gamutcli.payload_files
import gamutcli.reduce  # noqa: F401
from gamutcli.fitting.presets import PRESETS
from tests.faults import batches, moments, places, races
from tests.faults.moments import Tally
from tests.faults.scenes import scenes


def table(tallies: dict[str, Tally]) -> str:
    """Moments of each kind, and what they came to, as Markdown."""
    rows = [
        "| fault | moments | command not finished | something left at first | lost, torn, or left after the next run |",
        "|---|---:|---:|---:|---:|",
    ]
    rows += [
        f"| {name} | {one.moments} | {one.hit} | {one.left} | {len(one.problems)} |" for name, one in tallies.items()
    ]
    total = sum(one.moments for one in tallies.values())
    problems = sum(len(one.problems) for one in tallies.values())
    return "\n".join([*rows, f"| all | {total} | | | {problems} |"])


def main(words: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--moments", type=int, default=400, help="signals to send (default 400)")
    parser.add_argument("--places", type=int, default=60, help="tries of each kind of bad place (default 60)")
    parser.add_argument("--races", type=int, default=20, help="races (default 20)")
    parser.add_argument("--batches", type=int, default=100, help="faults in the middle of batches (default 100)")
    parser.add_argument("--first", type=int, default=int(time.time()), help="decides about all moments (now)")
    parser.add_argument("--batch", type=float, default=0.06, help="share of moments in batches, which take seconds")
    chosen = parser.parse_args(words)
    PRESETS["fast"] = replace(PRESETS["fast"], hidden=8, steps=40, batch=128, samples=1024)
    known = scenes(with_batch=chosen.batch > 0)
    tallies = moments.run_all(known, chosen.moments, chosen.first, chosen.batch)
    tallies |= places.run_all(known, chosen.places, chosen.first)
    tallies |= races.run_all(chosen.races, chosen.first)
    tallies |= batches.run_all(chosen.batches, chosen.first)
    print(f"moments from number {chosen.first} on\n\n{table(tallies)}")
    for problem, count in moments.summed_up(tallies).items():
        print(f"{count} x {problem}")
    return int(any(tally.problems for tally in tallies.values()))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
