"""Read a wide-gamut picture: 16 bits stay 16 bits, and nothing unexpected passes in silence."""

from __future__ import annotations

import zlib
from pathlib import Path

import numpy as np

from gamutcli.arrays import Code16Array, StrPath
from gamutcli.color.cicp import named_space
from gamutcli.color.icc import Profile, read_profile, write_profile
from gamutcli.color.spaces import SRGB
from gamutcli.errors import InputError
from gamutcli.images.files import PngHeader, damaged, png_header, read_bytes, without_pixels
from gamutcli.images.heif import read_avif
from gamutcli.images.kinds import HEAD, refusal, sniff
from gamutcli.images.picture import EIGHT_BITS, Picture, check_size, widened
from gamutcli.images.raw import RAW_SUFFIXES, read_raw
from gamutcli.images.reading import AS_IT_IS, Reading
from gamutcli.images.tiff import read_tiff
from gamutcli.metadata import read_metadata

_MAX_PROFILE = 1 << 24
_FULL_RANGE_RGB = (0, 1)
_PNG_KINDS = {0: "grey", 3: "a palette picture", 4: "grey with alpha", 6: "RGB with alpha"}


def read_wide(path: StrPath, reading: Reading = AS_IT_IS) -> Picture:
    """Read a TIFF, BigTIFF or PNG of 16 bits (8 are widened, with a note), an AVIF, or a camera RAW.

    Raises:
        InputError: The file cannot be read, or holds anything but one complete RGB picture.
    """
    file = Path(path)
    kind = sniff(read_bytes(file, 16))
    if kind == "raw" or (kind in ("tiff", "unknown") and file.suffix.lower() in RAW_SUFFIXES):
        return read_raw(file, reading)
    if kind == "tiff":
        codes, icc, notes = read_tiff(file)
        profile = None if icc is None else read_profile(icc, str(file))
        return Picture(codes, profile, read_metadata(file), notes)
    if kind == "png":
        return _read_png(str(file), read_bytes(file))
    if kind == "avif":
        return read_avif(str(file), read_bytes(file))
    raise refusal(str(file), read_bytes(file, HEAD))


def _read_png(name: str, data: bytes) -> Picture:
    import imagecodecs

    header = png_header(name, data)
    check_size(name, header.width, header.height)
    if header.color_type != 2:
        kind = _PNG_KINDS.get(header.color_type, "of an unknown kind")
        raise InputError(f"{name}: is {kind}, not RGB; convert it to 16-bit RGB without alpha.")
    if b"tRNS" in header.chunks:
        raise InputError(f"{name}: has a transparent colour; flatten it to plain RGB.")
    profile = _png_profile(name, header)
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


def _png_profile(name: str, header: PngHeader) -> Profile | None:
    """Find out what a PNG's codes mean.

    cICP comes before iCCP, and that before sRGB; gAMA and cHRM alone say too little.

    Source: PNG specification, third edition, section 4.3, "Colour spaces".
    """
    cicp = header.chunks.get(b"cICP", b"")
    if len(cicp) == 4 and tuple(cicp[2:]) == _FULL_RANGE_RGB:
        space = named_space(name, cicp[0], cicp[1])
        if space is not None:
            return read_profile(write_profile(space), name)
    if b"iCCP" in header.chunks:
        compressed = header.chunks[b"iCCP"].partition(b"\0")[2][1:]
        try:
            return read_profile(zlib.decompressobj().decompress(compressed, _MAX_PROFILE), name)
        except zlib.error as error:
            raise damaged(name, "PNG") from error
    return read_profile(write_profile(SRGB), name) if b"sRGB" in header.chunks else None
