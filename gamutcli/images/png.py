"""Read a PNG of any kind: grey, palette or RGB, of 1 to 16 bits, with or without transparency."""

from __future__ import annotations

from gamutcli.images.channels import picture_of, samples_of
from gamutcli.images.claims import check_png
from gamutcli.images.files import damaged, decoding, png_header, without_pixels
from gamutcli.images.named import named_by_png
from gamutcli.images.picture import Picture, check_size
from gamutcli.images.reading import Reading, choose
from gamutcli.images.silence import silenced
from gamutcli.metadata import read_metadata

_GREY = (0, 4)  # types of colour
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
    check_png(name, data, header.width, header.height, header.bits)
    meaning = named_by_png(name, header.chunks, header.color_type in _GREY)
    with decoding(name, "PNG"), silenced():
        codes = imagecodecs.png_decode(data)
    if codes.shape[:2] != (header.height, header.width):
        raise damaged(name, "PNG")
    notes = (_ANIMATED,) if b"acTL" in header.chunks else ()
    return picture_of(name, samples_of(codes), meaning, read_metadata(without_pixels(name, data)), reading, notes)
