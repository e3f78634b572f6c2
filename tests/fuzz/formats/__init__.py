"""File formats as lists of pieces: `split` takes a file apart, `join` puts it together with right lengths and sums."""

from __future__ import annotations

from tests.fuzz.formats import bmff, exr, jpeg, png, riff, tiff
from tests.fuzz.formats.pieces import Format

#: By the suffix of a file.
FORMATS: dict[str, Format] = {
    ".jpg": jpeg.JPEG,
    ".png": png.PNG,
    ".tif": tiff.TIFF,
    ".webp": riff.WEBP,
    ".avif": bmff.AVIF,
    ".heic": bmff.AVIF,
    ".jxl": bmff.JXL,
    ".jp2": bmff.JP2,
    ".exr": exr.EXR,
    ".dng": tiff.TIFF,
    ".nef": tiff.TIFF,
}
