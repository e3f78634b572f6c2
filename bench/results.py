#!/usr/bin/env python3
"""Makes the README's main table of what `gamut experiment table` measured: presets beside the paper's recipe and AVIF.

Use: results.py [--write] TABLE.json      (`make results` measures the public set first)
"""

from __future__ import annotations

import argparse
import json
import statistics
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from figures import publish, table
from machine import described

PAPER = "23kb"
#: The command measures these; the order is that of the table.
METHODS = {
    "clip": "plain sRGB (clip)",
    "soft": "soft clip (see below)",
    PAPER: "the paper's recipe",
    "max-3000": "`--max-payload 3000`",
    "fast": "`--preset fast`",
    "balanced": "`balanced`, the default",
    "best": "`--preset best`",
}
#: Each AVIF of the residual, and what of ours takes as many bytes.
PEERS = {"avif-3000": "max-3000", "avif-14000": "balanced", "avif-23000": "best"}
SOFT = """\
Soft clip, an invertible gamut compression, is the cheapest peer: it bends colours near the boundary inwards instead of
clipping them. The price is the delivered picture, which no longer shows colours within sRGB as they are (mean dE2000
{:.2f}). All others deliver the plain clip."""
AVIF = """\
An AVIF picture of what was lost, the answer that a codec engineer would give, is at the same size (3, 14, 23 KB at
most)"""
HEAD = (
    "method",
    "payload, mean",
    "PSNR out of gamut, mean",
    "over the paper, dB: mean / median / worst",
    "dE2000 out of gamut",
    "fit, of the paper's seconds",
)

Figures = Mapping[str, Mapping[str, Any]]


def gains(ours: Figures, theirs: Figures) -> list[float]:
    """By how many dB out of gamut one method is ahead of another, by picture."""
    return [ours[picture]["psnr_og"] - theirs[picture]["psnr_og"] for picture in ours]


def mean(figures: Figures, name: str) -> float | None:
    """Over the pictures; None where the method does not have this figure."""
    values = [row[name] for row in figures.values()]
    return None if None in values else statistics.fmean(values)


def row(key: str, figures: Figures, paper: Figures | None) -> tuple[str, ...]:
    """One line of the table."""
    size = mean(figures, "bytes")
    spread = effort = "-"
    if paper and key not in ("clip", PAPER):
        ahead = gains(figures, paper)
        spread = f"{statistics.fmean(ahead):+.1f} / {statistics.median(ahead):+.1f} / {min(ahead):+.1f}"
    # On the same picture, in the same run: seconds differ more between machines than their ratios.
    if paper and None not in [row["fit_seconds"] for row in figures.values()]:
        effort = (
            f"{statistics.median(row['fit_seconds'] / paper[name]['fit_seconds'] for name, row in figures.items()):.2f}"
        )
    return (
        METHODS[key],
        f"{size / 1000:.1f} KB" if size and size >= 1000 else f"{size:.0f} bytes" if size else "-",
        f"{mean(figures, 'psnr_og'):.1f} dB",
        spread,
        f"{mean(figures, 'de2000_og_mean'):.2f}",
        effort,
    )


def told(data: Mapping[str, Any]) -> str:
    """The table, and the sentences on soft clip and AVIF; what was not measured is named."""
    by_method: dict[str, dict[str, Any]] = {}
    for each in data["rows"]:
        by_method.setdefault(each["method"], {})[each["picture"]] = each
    peers = {ours: avif for avif, ours in PEERS.items() if avif in by_method and ours in by_method}
    paper, missing = by_method.get(PAPER), [name for key, name in METHODS.items() if key not in by_method]
    rows = [row(key, by_method[key], paper) for key in METHODS if key in by_method]
    parts = ["", table(HEAD, rows), ""]
    if "soft" in by_method:
        parts += [SOFT.format(mean(by_method["soft"], "shown_de2000_mean")), ""]
    if peers:
        ahead = (
            f"{statistics.fmean(gains(by_method[ours], by_method[avif])):.1f} dB behind {METHODS[ours].split(',')[0]}"
            for ours, avif in peers.items()
        )
        parts += [f"{AVIF} {', '.join(ahead)}.", ""]
    if missing:
        parts += [f"Not measured in this run: {', '.join(missing)}.", ""]
    count = len(next(iter(by_method.values())))
    return "\n".join((*parts, f"Mean over {count} pictures. Measured on: {described()}.", ""))


def main() -> None:
    """Read, and print or write."""
    parser = argparse.ArgumentParser(description="Makes the main table of what `gamut experiment table` measured.")
    parser.add_argument("measured", type=Path, metavar="TABLE.json")
    parser.add_argument("--write", action="store_true", help="put the table into the README")
    given = parser.parse_args()
    publish("results", told(json.loads(given.measured.read_text(encoding="utf-8"))), given.write)


if __name__ == "__main__":
    main()
