"""Small camera RAWs of known light, as a camera might write them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image

from gamutcli.arrays import CodeArray

_MATRIX = (10000, 10000, -3000, 10000, -1000, 10000, -3000, 10000, 12000, 10000, 1000, 10000, 0, 10000, 1000, 10000)
#: tifffile's settings for the lossless JPEG that most DNGs hold, in tiles.
LOSSLESS = {"compression": "jpeg", "compressionargs": {"lossless": True, "bitspersample": 16}, "tile": (64, 64)}


def dng(
    path: Path,
    light: NDArray[np.float64],
    orientation: int = 1,
    preview: CodeArray | None = None,
    xmp: bytes = b"",
    **settings: Any,
) -> Path:
    """A DNG of a grey scene of this brightness, (height, width): its camera sees red and blue weaker than green.

    Args:
        path: Where to write it.
        light: 0 to 1.
        orientation: As in EXIF.
        preview: (height, width, 3) uint8; the file then begins with it, and its RAW is a subdirectory.
        xmp: A packet.
        settings: tifffile's, for the RAW.
    """
    mosaic = np.round(light * 65535)
    mosaic[::2, ::2] *= 0.6
    mosaic[1::2, 1::2] *= 0.7
    camera = [
        (50706, "B", 4, (1, 4, 0, 0), True),
        (50708, "s", 0, "Test Camera", True),
        (50721, "2i", 9, (*_MATRIX, 7000, 10000), True),
        (50728, "2I", 3, (6, 10, 10, 10, 7, 10), True),  # the light was neutral to it at these
        (50778, "H", 1, 21, True),
        (274, "H", 1, orientation, True),
        (271, "s", 0, "Cam", True),
        *([(700, "B", len(xmp), xmp, True)] if xmp else []),
    ]
    sensor = [
        (33421, "H", 2, (2, 2), True),
        (33422, "B", 4, (0, 1, 1, 2), True),
        (50717, "I", 1, 65535, True),
    ]
    plain: dict[str, Any] = {"metadata": None, "software": False}
    with tifffile.TiffWriter(path) as file:
        if preview is not None:
            shown = {"photometric": "ycbcr", "compression": "jpeg", "subfiletype": 1, "subifds": 1, **plain}
            as_stored = np.asarray(Image.fromarray(preview).convert("YCbCr"))
            file.write(as_stored, extratags=camera, **shown)
            camera = []
        codes = mosaic.astype(np.uint16)
        file.write(codes, **{"photometric": 32803, "extratags": [*camera, *sensor], **plain, **settings})
    return path


def scan(path: Path, codes: NDArray[Any], order: str = ">", icc: bytes | None = None) -> Path:
    """What Nikon Scan keeps of a film: a preview, and (height, width, 3) codes of 8 or 16 bits in a subdirectory."""
    plain: dict[str, Any] = {"photometric": "rgb", "metadata": None, "software": False}
    names = [(271, "s", 0, "Nikon", True), (272, "s", 0, "Nikon COOLSCAN IV ED", True)]
    with tifffile.TiffWriter(path, byteorder=order) as file:
        preview = (codes[::2, ::2] >> (8 * (codes.itemsize - 1))).astype(np.uint8)
        file.write(preview, subfiletype=1, subifds=1, extratags=names, iccprofile=icc, **plain)
        file.write(codes, subfiletype=0, **plain)
    return path
