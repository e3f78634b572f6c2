"""Small wide-gamut pictures, as files that an editor might write."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray

from gamutcli.arrays import Code16Array
from gamutcli.color.icc import write_profile
from gamutcli.color.spaces import SPACES

SAMPLES = Path(__file__).parents[2] / "sample_images"


def wide_codes(height: int, width: int) -> Code16Array:
    """(height, width, 3) ROMM RGB codes: a smooth picture of which a good part lies outside sRGB."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float64)
    y, x = (y + 0.5) / height, (x + 0.5) / width
    red = 0.25 + 0.6 * x
    green = 0.65 - 0.45 * x * y
    blue = 0.2 + 0.5 * y + 0.1 * np.sin(9 * x)
    return np.round(np.stack([red, green, blue], -1) * 65535).astype(np.uint16)


def write_tiff(path: Path, codes: NDArray[Any], space: str | None = "prophoto", **settings: Any) -> Path:
    """Write a TIFF, tagged with the space's profile unless that is None; settings are tifffile's."""
    profile = write_profile(SPACES[space]) if space else None
    tifffile.imwrite(path, codes, **{"photometric": "rgb", "iccprofile": profile, "metadata": None, **settings})
    return path


def sample_crop(name: str, top: int, left: int, height: int = 64, width: int = 96) -> Code16Array:
    """A part of one of the sample pictures: (height, width, 3) ROMM RGB codes."""
    codes: Code16Array = tifffile.imread(SAMPLES / f"{name}.tif")[top : top + height, left : left + width]
    return codes
