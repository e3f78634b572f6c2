"""Read a wide-gamut picture: 16 bits stay 16 bits, and nothing unexpected passes in silence."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from gamutcli.arrays import Code16Array, StrPath
from gamutcli.color.icc import read_profile
from gamutcli.errors import InputError
from gamutcli.images.files import damaged, png_header, read_bytes, sniff, title, without_pixels
from gamutcli.images.heif import read_avif
from gamutcli.images.named import named_by_png
from gamutcli.images.picture import EIGHT_BITS, Picture, check_size, widened
from gamutcli.images.raw import RAW_SUFFIXES, read_raw
from gamutcli.images.reading import AS_IT_IS, Reading
from gamutcli.images.tiff import read_tiff
from gamutcli.metadata import read_metadata

_PNG_KINDS = {0: "grey", 3: "a palette picture", 4: "grey with alpha", 6: "RGB with alpha"}


def read_wide(path: StrPath, reading: Reading = AS_IT_IS) -> Picture:
    """Read a TIFF, BigTIFF or PNG of 16 bits (8 are widened, with a note), an AVIF, or a camera RAW.

    Raises:
        InputError: The file cannot be read, or holds anything but one complete RGB picture.
    """
    file = Path(path)
    kind = sniff(read_bytes(file, 16))
    if kind == "raw" or file.suffix.lower() in RAW_SUFFIXES:
        return read_raw(file)
    if kind == "tiff":
        codes, icc, notes = read_tiff(file)
        profile = None if icc is None else read_profile(icc, str(file))
        return Picture(codes, profile, read_metadata(file), notes)
    if kind == "png":
        return _read_png(str(file), read_bytes(file))
    if kind == "avif":
        return read_avif(str(file), read_bytes(file))
    raise InputError(f"{file}: is {title(kind)}; export the picture as a 16-bit ProPhoto TIFF or PNG.")


def _read_png(name: str, data: bytes) -> Picture:
    import imagecodecs

    header = png_header(name, data)
    check_size(name, header.width, header.height)
    if header.color_type != 2:
        kind = _PNG_KINDS.get(header.color_type, "of an unknown kind")
        raise InputError(f"{name}: is {kind}, not RGB; convert it to 16-bit RGB without alpha.")
    if b"tRNS" in header.chunks:
        raise InputError(f"{name}: has a transparent colour; flatten it to plain RGB.")
    profile = named_by_png(name, header.chunks)
    try:
        codes = imagecodecs.png_decode(data)
    except MemoryError as error:
        raise InputError(f"{name}: does not fit into memory; split it into parts.") from error
    except (imagecodecs.PngError, ValueError) as error:
        raise damaged(name, "PNG") from error
    if codes.shape != (header.height, header.width, 3):
        raise damaged(name, "PNG")
    metadata = read_metadata(without_pixels(name, data))
    if codes.dtype == np.uint8:
        return Picture(widened(codes), profile, metadata, (EIGHT_BITS,))
    wide: Code16Array = codes
    return Picture(wide, profile, metadata)
