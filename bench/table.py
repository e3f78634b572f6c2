#!/usr/bin/env python3
"""Prints the table of quality as Markdown: what a plain sRGB file keeps of each picture, and what gamut gives back.

Every figure comes from files that the command line wrote, judged by `gamut eval` against the original.

Use: table.py [--preset NAME] [--ext png,jpg] [TIFF...]      (default: the pictures of sample_images)
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from files import listed
from processes import gamut

HEAD = (
    "picture",
    "out of gamut",
    "PSNR out of gamut, dB",
    "PSNR all, dB",
    "dE2000 out of gamut",
    "payload, bytes",
    "fit, s",
)


def figures(picture: Path, reduced: Path, preset: str) -> list[float]:
    """Reduce and judge one picture; the order is that of HEAD, plain before restored."""
    told = gamut("reduce", picture, reduced, "--preset", preset, "--overwrite", "--json", "-q").json
    found = gamut("eval", reduced, "--gt", picture, "--json", "-q").json
    plain, restored = found["plain"], found["restored"]
    pairs = [(plain[name], restored[name]) for name in ("psnr_og", "psnr_all", "de2000_og_mean")]
    return [found["og_pct"], *(value for pair in pairs for value in pair), found["payload_bytes"], told["fit_seconds"]]


def row(name: str, values: list[float]) -> str:
    """One line of Markdown."""
    og_pct, plain_og, og, plain_all, everything, plain_de, de, payload, fit_seconds = values
    cells = (
        name,
        f"{og_pct:.1f} %",
        f"{plain_og:.1f} -> **{og:.1f}**",
        f"{plain_all:.1f} -> **{everything:.1f}**",
        f"{plain_de:.2f} -> **{de:.2f}**",
        f"{payload:,.0f}",
        f"{fit_seconds:.1f}",
    )
    return f"| {' | '.join(cells)} |"


def main() -> None:
    """Print one table for each kind of file."""
    parser = argparse.ArgumentParser(description="Prints the table of quality as Markdown.")
    parser.add_argument("pictures", nargs="*", type=Path)
    parser.add_argument("--preset", default="balanced")
    parser.add_argument("--ext", default="png,jpg", help="kinds of reduced files (default: %(default)s)")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for extension in given.ext.split(","):
            print(f"\n{extension.upper()}, preset {given.preset}, plain -> restored:\n")
            print(f"| {' | '.join(HEAD)} |\n|{'---|' * len(HEAD)}")
            rows = []
            for picture in listed(given.pictures):
                rows.append(figures(picture, Path(folder) / f"reduced.{extension}", given.preset))
                print(row(picture.stem, rows[-1]), flush=True)
            print(row("mean", [sum(column) / len(rows) for column in zip(*rows, strict=True)]), flush=True)


if __name__ == "__main__":
    main()
