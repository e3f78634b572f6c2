#!/usr/bin/env python3
"""Stores the lost colours as a small AVIF picture, what a codec engineer would try instead of a network.

Use: avif_residual.py [--bytes N,N...] TIFF...      (`quality.py` prints it beside everything else)
"""

from __future__ import annotations

import argparse
from pathlib import Path

from gamutcli.experiments.avif import AvifResidual


def main() -> None:
    """Print a line for each picture and size."""
    from originals import Picture

    parser = argparse.ArgumentParser(description="Stores the lost colours of pictures as AVIF files.")
    parser.add_argument("pictures", nargs="+", type=Path)
    parser.add_argument("--bytes", default="5000,12000,23000", help="sizes of the files (default: %(default)s)")
    parser.add_argument("--speed", type=int, default=6, help="of the encoder, 0 to 10 (default: %(default)s)")
    given = parser.parse_args()
    for path in given.pictures:
        picture = Picture(path, "png")
        residual = AvifResidual(picture.original, picture.plain, picture.corrected, given.speed)
        for size in map(int, given.bytes.split(",")):
            found = residual.within(size)
            told = f"{found.psnr_og:6.2f} dB  {found.size:6,} bytes  {found}" if found else "nothing fits"
            print(f"{path.stem:24s} {size:6,} bytes: {told}", flush=True)


if __name__ == "__main__":
    main()
