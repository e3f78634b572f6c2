"""Read a wide-gamut picture: 16 bits stay 16 bits, and nothing unexpected passes in silence.

What reads a format is imported with the first file of it: all together they take as long as numpy.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from gamutcli.arrays import StrPath
from gamutcli.images.channels import picture_of
from gamutcli.images.files import read_bytes
from gamutcli.images.identify import HEAD, RAW_SUFFIXES, refusal, sniff
from gamutcli.images.picture import Picture
from gamutcli.images.reading import AS_IT_IS, Reading
from gamutcli.images.tiff import read_tiff
from gamutcli.metadata import read_metadata


def read_wide(path: StrPath, reading: Reading = AS_IT_IS) -> Picture:
    """Read a picture of any of the formats that are known here, widened to 16 bits, or develop a camera RAW.

    Raises:
        InputError: The file cannot be read, is not complete, or leaves a choice that was not made.
    """
    file = Path(path)
    format = sniff(read_bytes(file, 16))
    if format == "raw" or (format in ("tiff", "unknown") and file.suffix.lower() in RAW_SUFFIXES):
        from gamutcli.images.raw import read_raw

        return read_raw(file, reading)
    if format == "exr":
        from gamutcli.images.exr import read_exr

        return read_exr(file, reading)
    if format == "tiff":
        samples, icc, notes = read_tiff(file, str(file), reading)
        return picture_of(str(file), samples, icc, read_metadata(file), reading, notes)
    read = _reader_of(format)
    if read is None:
        raise refusal(str(file), read_bytes(file, HEAD))
    return read(str(file), read_bytes(file), reading)


def _reader_of(format: str) -> Callable[[str, bytes, Reading], Picture] | None:
    """Find what reads the whole bytes of a file of some format; None where there is none."""
    match format:
        case "jpeg":
            from gamutcli.images.jpeg import read_jpeg as read
        case "png":
            from gamutcli.images.png import read_png as read
        case "avif":
            from gamutcli.images.heif import read_avif as read
        case "heic":
            from gamutcli.images.heif import read_heic as read
        case "jp2":
            from gamutcli.images.jp2 import read_jp2 as read
        case "jxl":
            from gamutcli.images.jxl_read import read_jxl as read
        case "webp":
            from gamutcli.images.webp import read_webp as read
        case _:
            return None
    return read
