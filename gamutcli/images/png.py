"""Read a PNG of any kind: grey, palette or RGB, of 1 to 16 bits, with or without transparency."""

from __future__ import annotations

import zlib

from gamutcli.color.cicp import named_space
from gamutcli.color.icc import Profile, read_profile, write_profile
from gamutcli.color.spaces import SRGB
from gamutcli.images.channels import picture_of, usual
from gamutcli.images.files import PngHeader, damaged, decoding, png_header, without_pixels
from gamutcli.images.picture import Picture, check_size
from gamutcli.images.reading import Reading, choose
from gamutcli.metadata import read_metadata

_MAX_PROFILE = 1 << 24
_FULL_RANGE_RGB = (0, 1)
_ANIMATED = "is an animation, of which the still picture was read"


def read_png(name: str, data: bytes, reading: Reading) -> Picture:
    """Read a PNG.

    Raises:
        InputError: It is damaged, absurdly large, HDR, or transparent without a background.
    """
    import imagecodecs

    choose(name, reading, 1)
    header = png_header(name, data)
    check_size(name, header.width, header.height)
    meaning = _png_profile(name, header)
    with decoding(name, "PNG"):
        codes = imagecodecs.png_decode(data)
    if codes.shape[:2] != (header.height, header.width):
        raise damaged(name, "PNG")
    notes = (_ANIMATED,) if b"acTL" in header.chunks else ()
    return picture_of(name, usual(codes), meaning, read_metadata(without_pixels(name, data)), reading, notes)


def _png_profile(name: str, header: PngHeader) -> bytes | Profile | None:
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
            return zlib.decompressobj().decompress(compressed, _MAX_PROFILE)
        except zlib.error as error:
            raise damaged(name, "PNG") from error
    return read_profile(write_profile(SRGB), name) if b"sRGB" in header.chunks else None
