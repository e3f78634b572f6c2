#!/usr/bin/env python3
"""Makes many pictures of 1.6 megapixels of a sample: ten that differ, under as many names as are wanted.

Use: variants.py FOLDER COUNT [--grey] [TIFF]      (default: the dahlia of sample_images; grey: nothing to fit)
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import numpy as np
import tifffile
from files import SAMPLES

HEIGHT, WIDTH = 1032, 1552
KINDS = 10


def main() -> None:
    """Read, repeat, shift, write; the profile is the sample's."""
    parser = argparse.ArgumentParser(description="Makes many pictures of 1.6 megapixels of a sample.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("count", type=int)
    parser.add_argument("picture", nargs="?", type=Path, default=SAMPLES / "dahlia.tif")
    parser.add_argument("--grey", action="store_true", help="without colours, so that no network is fitted")
    given = parser.parse_args()
    with tifffile.TiffFile(given.picture) as file:
        page = file.pages.first
        codes, profile = page.asarray(), page.iccprofile
    if given.grey:
        codes = np.repeat(codes[..., 1:2], 3, axis=2)
    height, width, _ = codes.shape
    whole = np.pad(codes, ((0, HEIGHT - height), (0, WIDTH - width), (0, 0)), mode="symmetric")
    for number in range(given.count):
        path = given.folder / f"day{number // 100:02}" / f"{number:06}.tif"
        path.parent.mkdir(parents=True, exist_ok=True)
        if number < KINDS:
            shifted = np.roll(whole, (37 * number, 71 * number), (0, 1))
            tifffile.imwrite(path, shifted, photometric="rgb", rowsperstrip=64, iccprofile=profile)
        else:
            os.link(given.folder / "day00" / f"{number % KINDS:06}.tif", path)


if __name__ == "__main__":
    main()
