"""Small crops of photographs, and what a reduced file holds, for tests of the whole way."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from gamutcli.arrays import Code16Array, CodeArray
from gamutcli.expand import expand_image
from gamutcli.reduce import reduce_image
from gamutcli.restore import Restoration, open_reduced
from tests.support.pictures import sample_crop, write_tiff

CROPS = {
    "espresso": sample_crop("espresso", 224, 288),
    "pavilion": sample_crop("pavilion", 352, 96),
    "astronaut": sample_crop("astronaut", 64, 144),
    "fabrics": sample_crop("fabrics", 320, 432),
}
PHOTO = CROPS["espresso"]
extensions = pytest.mark.parametrize("extension", ["png", "jpg"])


def pixels(path: Path) -> CodeArray:
    """What a viewer shows."""
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))


def plain_codes(path: Path) -> Code16Array:
    """The reduced picture as 16-bit ProPhoto codes, without its network."""
    reduced = open_reduced(path)
    payload = reduced.payload
    restoration = Restoration(reduced.srgb_codes, payload.adaptation, payload.correction, None)
    return np.concatenate(list(restoration.encoded_strips()))


def corrected(path: Path) -> NDArray[np.bool_]:
    """The pixels that the decoder corrects."""
    reduced = open_reduced(path)
    return reduced.payload.correction.mask(reduced.srgb_codes)


def make_album(folder: Path) -> Path:
    """Fill a folder: photo.tif, and what `reduce_image` and `expand_image` make of it as a PNG and a JPEG."""
    write_tiff(folder / "photo.tif", PHOTO)
    for extension in ("png", "jpg"):
        reduce_image(folder / "photo.tif", folder / f"photo.{extension}", preset="fast")
        expand_image(folder / f"photo.{extension}", folder / f"photo-{extension}.tif")
    return folder
