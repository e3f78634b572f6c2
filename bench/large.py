#!/usr/bin/env python3
"""Makes a picture as large as a camera's, 24 megapixels, of a sample: the sample and its mirror images side by side.

Use: large.py OUT.tif [TIFF]      (default: the astronaut of sample_images, 30 % of which is out of gamut)
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import tifffile
from files import SAMPLES

HEIGHT, WIDTH = 4000, 6000


def main() -> None:
    """Read, repeat, write; the profile is the sample's."""
    parser = argparse.ArgumentParser(description="Makes a picture of 24 megapixels of a sample.")
    parser.add_argument("out", type=Path)
    parser.add_argument("picture", nargs="?", type=Path, default=SAMPLES / "astronaut.tif")
    given = parser.parse_args()
    with tifffile.TiffFile(given.picture) as file:
        page = file.pages.first
        codes, profile = page.asarray(), page.iccprofile
    height, width, _ = codes.shape
    large = np.pad(codes, ((0, HEIGHT - height), (0, WIDTH - width), (0, 0)), mode="symmetric")
    tifffile.imwrite(given.out, large, photometric="rgb", rowsperstrip=64, iccprofile=profile)


if __name__ == "__main__":
    main()
