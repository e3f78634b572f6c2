#!/usr/bin/env python3
"""Draws the README's picture: a photograph as its reduced file shows it, and what it lost without and with the network.

Use: figure.py OUT.jpg [TIFF]      (default: the dahlia of sample_images)
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from files import SAMPLES
from PIL import Image
from processes import gamut

MARGIN = 16


def main() -> None:
    """Reduce, compare, and set photograph and maps beside each other."""
    parser = argparse.ArgumentParser(description="Draws the README's picture.")
    parser.add_argument("out", type=Path)
    parser.add_argument("picture", nargs="?", type=Path, default=SAMPLES / "dahlia.tif")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        reduced, maps = Path(folder) / "reduced.png", Path(folder) / "maps.png"
        gamut("reduce", given.picture, reduced, "-q")
        gamut("eval", reduced, "--gt", given.picture, "--map", maps, "-q")
        photograph, drawn = Image.open(reduced).convert("RGB"), Image.open(maps).convert("RGB")
    figure = Image.new("RGB", (max(photograph.width, drawn.width), photograph.height + drawn.height + MARGIN), "white")
    figure.paste(photograph, ((figure.width - photograph.width) // 2, MARGIN))
    figure.paste(drawn, ((figure.width - drawn.width) // 2, photograph.height + MARGIN))
    figure.save(given.out, quality=88)


if __name__ == "__main__":
    main()
