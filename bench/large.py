#!/usr/bin/env python3
"""Makes a picture as large as a camera's, 24 megapixels, of a sample: the sample and its mirror images side by side.

With grain, as a sensor's noise, no two of them are equal, and codecs find no repetition that a photograph has not.

Use: large.py [--megapixels N] [--grain] OUT.tif [TIFF]
(default: the astronaut of sample_images, 30 % of which is out of gamut)
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import tifffile
from files import SAMPLES
from numpy.typing import NDArray

#: Of the grain: standard deviation in 16-bit codes, and the rows that it is added to at a time.
GRAIN, ROWS = 150, 64


def main() -> None:
    """Read, repeat, write; the profile is the sample's."""
    parser = argparse.ArgumentParser(description="Makes a large picture of a sample.")
    parser.add_argument("out", type=Path)
    parser.add_argument("picture", nargs="?", type=Path, default=SAMPLES / "astronaut.tif")
    parser.add_argument("--megapixels", type=int, default=24)
    parser.add_argument("--grain", action="store_true")
    given = parser.parse_args()
    with tifffile.TiffFile(given.picture) as file:
        page = file.pages.first
        codes, profile = page.asarray(), page.iccprofile
    height, width, _ = codes.shape
    high = round((given.megapixels * 1e6 / 1.5) ** 0.5)
    wide = round(given.megapixels * 1e6 / high)
    large = np.pad(codes, ((0, high - height), (0, wide - width), (0, 0)), mode="symmetric")
    if given.grain:
        add_grain(large)
    tifffile.imwrite(given.out, large, photometric="rgb", rowsperstrip=64, iccprofile=profile)


def add_grain(codes: NDArray[np.uint16]) -> None:
    """Add noise, the same in every run."""
    chance = np.random.default_rng(0)
    for top in range(0, len(codes), ROWS):
        rows = codes[top : top + ROWS]
        rows[:] = np.clip(rows + chance.normal(0, GRAIN, rows.shape), 0, 65535)


if __name__ == "__main__":
    main()
