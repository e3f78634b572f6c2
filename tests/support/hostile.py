"""Small files that claim far more than they hold: made of honest ones by a few bytes, or put together by hand."""

from __future__ import annotations

import io
import struct
from typing import Any

import imagecodecs
import numpy as np
import tifffile
from PIL import Image

PLAIN = np.full((64, 64, 3), 200, np.uint8)


def encoded(form: str, picture: Any = PLAIN, **settings: Any) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, form, **settings)
    return stream.getvalue()


def tiled(tile: bytes, side: int, compression: int, times: int = 1) -> bytes:
    """A TIFF of so many tiles along a side, each of the same bytes that a codec wrote."""
    stream = io.BytesIO()
    shape = (side * times, side * times, 3)
    tifffile.imwrite(
        stream,
        iter([tile] * times**2),
        shape=shape,
        dtype="u1",
        tile=(side, side),
        compression=compression,
        photometric="rgb",
    )
    return stream.getvalue()


def tile_of(side: int) -> bytes:
    """A TIFF of 64 x 64 pixels in one tile that is far larger, and compressed to nothing."""
    stream = io.BytesIO()
    tifffile.imwrite(stream, PLAIN, tile=(64, 64), compression="zlib", photometric="rgb")
    data = bytearray(stream.getvalue())
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        for tag in (322, 323):
            struct.pack_into("<H", data, file.pages.first.tags[tag].valueoffset, side)
    return bytes(data)


def jpeg_of(side: int) -> bytes:
    """A JPEG of 64 x 64 whose frame says another size."""
    data = bytearray(encoded("JPEG"))
    at = data.index(b"\xff\xc0")
    data[at + 5 : at + 9] = struct.pack(">HH", side, side)
    return bytes(data)


def jpeg_of_scans(count: int, picture: Any = PLAIN) -> bytes:
    """A progressive JPEG whose last scan is repeated."""
    data = encoded("JPEG", picture, progressive=True)
    last, end = data.rindex(b"\xff\xda"), data.rindex(b"\xff\xd9")
    return data[:last] + data[last:end] * count + data[end:]


def jp2_of(
    side: int, *, block: int = 4, precinct: int | None = None, layers: int = 1, components: int = 3, body: int = 64
) -> bytes:
    """A JPEG 2000 codestream of one tile without anything in it: a bit says so of each packet.

    Args:
        side: Of the picture.
        block: Code-blocks have sides of 2 to the power of this and two.
        precinct: Likewise, without the two; None for one that holds all.
        layers: Of quality.
        components: How many.
        body: Bytes of packets.
    """

    def segment(marker: int, content: bytes) -> bytes:
        return struct.pack(">HH", marker, len(content) + 2) + content

    levels = 5
    sizes = struct.pack(">H8IH", 0, side, side, 0, 0, side, side, 0, 0, components) + bytes([7, 1, 1]) * components
    style = struct.pack(">BBHB", precinct is not None, 0, layers, 0) + bytes([levels, block, block, 0, 1])
    if precinct is not None:
        style += bytes([precinct | precinct << 4]) * (levels + 1)
    steps = bytes([0x40]) + bytes([8 << 3]) * (3 * levels + 1)
    part = struct.pack(">HIBB", 0, 14 + body, 0, 1)
    head = segment(0xFF51, sizes) + segment(0xFF52, style) + segment(0xFF5C, steps) + segment(0xFF90, part)
    return b"\xff\x4f" + head + b"\xff\x93" + bytes(body) + b"\xff\xd9"


def jxl_of(count: int, side: int = 512) -> bytes:
    """A JPEG XL of so many frames of one colour."""
    frame = np.full((side, side, 3), 200, np.uint8)
    return bytes(imagecodecs.jpegxl_encode(np.stack([frame] * count), lossless=True, effort=3))


def avif_claiming(side: int) -> bytes:
    """An AVIF of 64 x 64 whose header says another size."""
    data = bytearray(encoded("AVIF"))
    at = data.index(b"ispe") + 8
    data[at : at + 8] = struct.pack(">II", side, side)
    return bytes(data)


def avif_of_hidden(side: int) -> bytes:
    """An AVIF whose header says 64 x 64, and what is coded in it far more."""
    data = bytearray(encoded("AVIF", np.full((side, side, 3), 200, np.uint8), quality=50, speed=10))
    at = data.index(b"ispe") + 8
    data[at : at + 8] = struct.pack(">II", 64, 64)
    return bytes(data)


def avif_of_shared(items: int) -> bytes:
    """What stands in an AVIF before its pixels: so many items, and each is the whole file."""

    def box(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I4s", len(content) + 8, kind) + content

    numbers = range(1, items + 1)
    infos = b"".join(box(b"infe", struct.pack(">IHH4s", 2 << 24, number, 0, b"av01") + b"\0") for number in numbers)
    places = b"".join(struct.pack(">HHH", number, 0, 1) for number in numbers)  # one extent: no numbers, all there is
    meta = [
        box(b"pitm", struct.pack(">IH", 0, 1)),
        box(b"iinf", struct.pack(">IH", 0, items) + infos),
        box(b"iloc", struct.pack(">IHH", 0, 0, items) + places),
    ]
    return box(b"ftyp", b"avif\0\0\0\0avif") + box(b"meta", bytes(4) + b"".join(meta))
