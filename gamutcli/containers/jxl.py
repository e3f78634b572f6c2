"""JPEG XL: XMP and EXIF as boxes of the container.

A bare codestream gets a container around it; the codestream itself is untouched.

Source: ISO/IEC 18181-2, section 9 (boxes of the container).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from gamutcli.containers.blocks import Blocks, Written, with_iptc_in_exif
from gamutcli.containers.xmp import MAX_PACKET
from gamutcli.errors import InputError

_CODESTREAM = b"\xff\x0a"
_SIGNATURE = b"\0\0\0\x0cJXL \r\n\x87\n"
_FILE_TYPE = b"\0\0\0\x14ftypjxl \0\0\0\0jxl "
_EXIF, _XMP, _COMPRESSED = b"Exif", b"xml ", b"brob"


@dataclass(frozen=True)
class _Box:
    """One box: its kind, its content, and all its bytes."""

    kind: bytes
    body: bytes
    raw: bytes


def recognises(data: bytes) -> bool:
    """Tell whether this is a JPEG XL file, with or without a container."""
    return data.startswith((_CODESTREAM, _SIGNATURE))


def read(data: bytes) -> Blocks:
    """Return the metadata of a JPEG XL file, Brotli-compressed or not.

    Raises:
        InputError: Not a JPEG XL file, cut short, or its metadata cannot be decompressed.
    """
    boxes, room = [], 2 * MAX_PACKET
    for box in filter(_is_metadata, _boxes(data)):
        boxes.append(_decompress(box, room))
        room -= len(boxes[-1].body)
    return Blocks(
        exif=tuple(_tiff_block(box.body) for box in boxes if box.kind == _EXIF),
        xmp=tuple(box.body for box in boxes if box.kind == _XMP),
    )


def write(data: bytes, blocks: Blocks) -> Written:
    """Return the file with these blocks and no other XMP or EXIF; every other box stays as it is.

    Raises:
        InputError: Not a JPEG XL file, or cut short.
    """
    blocks = with_iptc_in_exif(blocks)
    kept = [box for box in _boxes(data) if not _is_metadata(box)]
    ours = [_pack(_EXIF, bytes(4) + block) for block in blocks.exif] + [_pack(_XMP, packet) for packet in blocks.xmp]
    first = next((index for index, box in enumerate(kept) if box.kind in (b"jxlc", b"jxlp")), None)
    if first is None:
        raise InputError("the JPEG XL file holds no pixels")
    return Written(b"".join([*(box.raw for box in kept[:first]), *ours, *(box.raw for box in kept[first:])]))


def has_gain_map(data: bytes) -> bool:
    """Tell whether the picture comes with a map of how much brighter an HDR screen is to show it.

    Raises:
        InputError: Not a JPEG XL file, or cut short.
    """
    return any(b"jhgm" in (box.kind, box.body[:4] if box.kind == _COMPRESSED else b"") for box in _boxes(data))


def codestream(data: bytes) -> bytes:
    """Return the codestream, or as much of it as the first box of pixels holds.

    Raises:
        InputError: Not a JPEG XL file, cut short, or without pixels.
    """
    for box in _boxes(data):
        if box.kind in (b"jxlc", b"jxlp"):
            return box.body[4 if box.kind == b"jxlp" else 0 :]  # a partial one is preceded by its number
    raise InputError("the JPEG XL file holds no pixels")


def whole_codestream(data: bytes) -> bytes:
    """Return the codestream, all its parts joined.

    Raises:
        InputError: Not a JPEG XL file, cut short, or without pixels.
    """
    parts = [box.body[4 if box.kind == b"jxlp" else 0 :] for box in _boxes(data) if box.kind in (b"jxlc", b"jxlp")]
    if not parts:
        raise InputError("the JPEG XL file holds no pixels")
    return b"".join(parts)


def _boxes(data: bytes) -> Iterator[_Box]:
    if data.startswith(_CODESTREAM):
        yield _Box(b"JXL ", _SIGNATURE[8:], _SIGNATURE)
        yield _Box(b"ftyp", _FILE_TYPE[8:], _FILE_TYPE)
        yield _Box(b"jxlc", data, _pack(b"jxlc", data))
        return
    if not recognises(data):
        raise InputError("not a JPEG XL file")
    position = 0
    while position < len(data):
        head = 8
        if position + head > len(data):
            raise InputError("the JPEG XL file is cut short")
        size, kind = struct.unpack_from(">I4s", data, position)
        if size == 1:
            head = 16
            size = int.from_bytes(data[position + 8 : position + 16], "big")
        elif size == 0:
            size = len(data) - position
        if size < head or position + size > len(data):
            raise InputError("the JPEG XL file is cut short")
        yield _Box(kind, data[position + head : position + size], data[position : position + size])
        position += size


def _is_metadata(box: _Box) -> bool:
    return (box.body[:4] if box.kind == _COMPRESSED else box.kind) in (_EXIF, _XMP)


def _decompress(box: _Box, room: int) -> _Box:
    """Return a box without its compression by Brotli.

    Raises:
        InputError: Damaged, or larger than metadata are.
    """
    if box.kind != _COMPRESSED:
        return box
    import imagecodecs

    try:
        body = bytes(imagecodecs.brotli_decode(box.body[4:], out=max(room, 1)))
    except (imagecodecs.BrotliError, ValueError) as error:
        raise InputError("its Brotli-compressed metadata are damaged or too large") from error
    return _Box(box.body[:4], body, box.raw)


def _pack(kind: bytes, body: bytes) -> bytes:
    if len(body) + 8 > 0xFFFFFFFF:
        return struct.pack(">I4sQ", 1, kind, len(body) + 16) + body
    return struct.pack(">I4s", len(body) + 8, kind) + body


def _tiff_block(body: bytes) -> bytes:
    """Return the TIFF block of an Exif box, which starts with the block's offset in the rest."""
    return body[4 + int.from_bytes(body[:4], "big") :]
