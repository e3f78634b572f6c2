#!/usr/bin/env python3
"""Prints what moved beyond noise between two files of ``bench.py``.

Figures of one series were measured in turn, A B A B, and are compared run by run: a time has moved where every pair of
runs says so, and by 3 % at least.  Those of two series are compared by their ranges, which must lie 10 % apart.

Use: compare.py OLD.json NEW.json
"""

from __future__ import annotations

import argparse
import json
import statistics
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from figures import table
from table import COLUMNS

#: What the three figures of a run are.
RUN = ("wall s", "CPU s", "peak MiB")
#: How far apart figures must be, as shares: in one series, and in two.
PAIRED, APART = 0.03, 0.10
#: Figures without noise have moved by this share of what may differ between processors.
STEP = 0.2


def moved(old: dict[str, Any], new: dict[str, Any]) -> Iterator[tuple[str, str, str, str, str]]:
    """What was measured, which figure of it, before, after, and by how much: only what moved."""
    paired = old["series"] == new["series"]
    for what in [name for name in old["figures"] if name in new["figures"]]:
        before, after = old["figures"][what], new["figures"][what]
        if isinstance(before, dict):
            for name, was, now in zip(
                RUN, zip(*before["runs"], strict=True), zip(*after["runs"], strict=True), strict=True
            ):
                ratio = statistics.median(now) / statistics.median(was)
                if _runs_differ(list(was), list(now), paired):
                    yield what, name, f"{statistics.median(was):.2f}", f"{statistics.median(now):.2f}", f"x {ratio:.2f}"
            continue
        for column, was, now in zip(COLUMNS, before, after, strict=True):
            if abs(now - was) >= STEP * column.tolerance:
                yield what, column.title, f"{was:.2f}", f"{now:.2f}", f"{now - was:+.2f}"


def _runs_differ(was: list[float], now: list[float], paired: bool) -> bool:
    if paired:
        ratios = [new / old for old, new in zip(was, now, strict=True)]
        far = abs(statistics.median(ratios) - 1) >= PAIRED
        return far and (min(ratios) > 1 or max(ratios) < 1)
    return min(now) > max(was) * (1 + APART) or max(now) * (1 + APART) < min(was)


def told(old: dict[str, Any], new: dict[str, Any]) -> str:
    """The table, with what it is worth."""
    rows = list(moved(old, new))
    names = set(old["figures"]) ^ set(new["figures"])
    lines = [table(("what", "figure", "before", "after", "change"), rows) if rows else "Nothing moved beyond noise."]
    if old["series"] != new["series"]:
        lines.append("The two were not measured in turn: smaller changes cannot be told from the machine's drift.")
        lines += [f"{name}: {_circumstances(side)}" for name, side in (("before", old), ("after", new))]
    if names:
        lines.append(f"Only in one of them: {'; '.join(sorted(names))}.")
    return "\n".join(lines)


def _circumstances(side: dict[str, Any]) -> str:
    load = side.get("load")
    return f"{side['machine']}, {side['date']}" + (f", {load:g} processes at the start" if load is not None else "")


def main() -> None:
    """Read, compare, print."""
    parser = argparse.ArgumentParser(description="Prints what moved beyond noise between two files of bench.py.")
    parser.add_argument("old", type=Path)
    parser.add_argument("new", type=Path)
    given = parser.parse_args()
    print(told(*(json.loads(path.read_text(encoding="utf-8")) for path in (given.old, given.new))))


if __name__ == "__main__":
    main()
