"""Read a wide-gamut picture: 16 bits stay 16 bits, and nothing unexpected passes in silence."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from gamutcli.arrays import StrPath
from gamutcli.images.channels import picture_of
from gamutcli.images.exr import read_exr
from gamutcli.images.files import read_bytes
from gamutcli.images.heif import read_avif, read_heic
from gamutcli.images.identify import HEAD, refusal, sniff
from gamutcli.images.jp2 import read_jp2
from gamutcli.images.jpeg import read_jpeg
from gamutcli.images.jxl_read import read_jxl
from gamutcli.images.picture import Picture
from gamutcli.images.png import read_png
from gamutcli.images.raw import RAW_SUFFIXES, read_raw
from gamutcli.images.reading import AS_IT_IS, Reading
from gamutcli.images.tiff import read_tiff
from gamutcli.images.webp import read_webp
from gamutcli.metadata import read_metadata

# What reads the whole bytes of a file.
_READERS: dict[str, Callable[[str, bytes, Reading], Picture]] = {
    "avif": read_avif,
    "heic": read_heic,
    "jp2": read_jp2,
    "jpeg": read_jpeg,
    "jxl": read_jxl,
    "png": read_png,
    "webp": read_webp,
}


def read_wide(path: StrPath, reading: Reading = AS_IT_IS) -> Picture:
    """Read a picture of any of the formats that are known here, widened to 16 bits, or develop a camera RAW.

    Raises:
        InputError: The file cannot be read, is not complete, or leaves a choice that was not made.
    """
    file = Path(path)
    format = sniff(read_bytes(file, 16))
    if format == "raw" or (format in ("tiff", "unknown") and file.suffix.lower() in RAW_SUFFIXES):
        return read_raw(file, reading)
    if format == "exr":
        return read_exr(file, reading)
    if format == "tiff":
        samples, icc, notes = read_tiff(file, str(file), reading)
        return picture_of(str(file), samples, icc, read_metadata(file), reading, notes)
    if format in _READERS:
        return _READERS[format](str(file), read_bytes(file), reading)
    raise refusal(str(file), read_bytes(file, HEAD))
