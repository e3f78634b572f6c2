#!/usr/bin/env python3
"""Draws what a colour difference looks like: pairs of patches that are 1, 3 and 6 dE2000 apart.

The right half of each pair is the left half moved towards grey of the same luminance, as a clipped colour is; of the
grey, towards black. All are within sRGB, so that any screen shows them.

Use: differences.py OUT.png
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from gamutcli.arrays import DoubleArray
from gamutcli.color.spaces import PROPHOTO, SRGB, prophoto_linear_to_lab, rgb_to_rgb, rgb_to_xyz
from gamutcli.measuring.metrics import ciede2000

COLORS = {
    "red": (200, 40, 45),
    "orange": (225, 130, 30),
    "leaf": (70, 125, 50),
    "sky": (80, 140, 205),
    "violet": (115, 65, 165),
    "grey": (120, 120, 120),
}
DIFFERENCES = (1, 3, 6)
WIDTH, HEIGHT, GAP, LEFT, TOP = 150, 120, 14, 76, 34


def linear(code: tuple[int, int, int]) -> DoubleArray:
    """Linear sRGB of 8-bit codes."""
    return SRGB.cctf_decoding(np.array(code) / 255)


def difference(first: DoubleArray, second: DoubleArray) -> float:
    """CIEDE2000 between two colours of linear sRGB."""
    to_prophoto = rgb_to_rgb(SRGB, PROPHOTO).T
    return float(ciede2000(*(prophoto_linear_to_lab(color @ to_prophoto) for color in (first, second))))


def moved(color: DoubleArray, by: float) -> DoubleArray:
    """The colour that is so many dE2000 nearer to grey, or to black where it is grey."""
    grey = np.full(3, rgb_to_xyz(SRGB)[1] @ color)
    target = grey * 0 if np.ptp(color) < 1e-6 else grey
    low, high = 0.0, 1.0
    for _ in range(40):
        middle = (low + high) / 2
        if difference(color, color + middle * (target - color)) < by:
            low = middle
        else:
            high = middle
    return color + low * (target - color)


def drawn() -> Image.Image:
    """All pairs, a row for each difference."""
    size = (LEFT + len(COLORS) * (WIDTH + GAP), TOP + len(DIFFERENCES) * (HEIGHT + GAP))
    picture = Image.new("RGB", size, (238, 238, 238))
    pen = ImageDraw.Draw(picture)
    font = ImageFont.load_default(20)
    for row, by in enumerate(DIFFERENCES):
        top = TOP + row * (HEIGHT + GAP)
        pen.text((10, top + HEIGHT // 2), f"{by} dE", "black", font, "lm")
        for column, (name, code) in enumerate(COLORS.items()):
            left = LEFT + column * (WIDTH + GAP)
            pen.text((left + WIDTH // 2, TOP // 2), name, "black", font, "mm")
            other = tuple(np.round(SRGB.cctf_encoding(moved(linear(code), by)) * 255).astype(int).tolist())
            pen.rectangle((left, top, left + WIDTH // 2 - 1, top + HEIGHT), code)
            pen.rectangle((left + WIDTH // 2, top, left + WIDTH, top + HEIGHT), other)
    return picture


def main() -> None:
    """Draw and save."""
    parser = argparse.ArgumentParser(description="Draws what a colour difference looks like.")
    parser.add_argument("out", type=Path)
    drawn().save(parser.parse_args().out, optimize=True)


if __name__ == "__main__":
    main()
