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
    """One box: its kind, what stands before its content, and that content, of which nothing is copied unasked."""

    kind: bytes
    head: bytes
    content: memoryview

    @property
    def body(self) -> bytes:
        return bytes(self.content)


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
        room -= len(boxes[-1].content)
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
    return Written(b"".join([*_pieces(kept[:first]), *ours, *_pieces(kept[first:])]))


def has_gain_map(data: bytes) -> bool:
    """Tell whether the picture comes with a map of how much brighter an HDR screen is to show it.

    Raises:
        InputError: Not a JPEG XL file, or cut short.
    """
    return any(_kind_inside(box) == b"jhgm" for box in _boxes(data))


def codestream(data: bytes) -> bytes:
    """Return the codestream, or as much of it as the first box of pixels holds.

    Raises:
        InputError: Not a JPEG XL file, cut short, or without pixels.
    """
    if data.startswith(_CODESTREAM):
        return data
    for part in _codestreams(data):
        return bytes(part)
    raise InputError("the JPEG XL file holds no pixels")


def whole_codestream(data: bytes) -> bytes:
    """Return the codestream, all its parts joined.

    Raises:
        InputError: Not a JPEG XL file, cut short, or without pixels.
    """
    if data.startswith(_CODESTREAM):
        return data
    parts = list(_codestreams(data))
    if not parts:
        raise InputError("the JPEG XL file holds no pixels")
    return b"".join(parts)


def _codestreams(data: bytes) -> Iterator[memoryview]:
    """Yield the parts of the codestream; each but a whole one is preceded by its number."""
    for box in _boxes(data):
        if box.kind in (b"jxlc", b"jxlp"):
            yield box.content[4 if box.kind == b"jxlp" else 0 :]


def _boxes(data: bytes) -> Iterator[_Box]:
    if data.startswith(_CODESTREAM):
        yield _Box(b"JXL ", _SIGNATURE[:8], memoryview(_SIGNATURE)[8:])
        yield _Box(b"ftyp", _FILE_TYPE[:8], memoryview(_FILE_TYPE)[8:])
        yield _Box(b"jxlc", _head(b"jxlc", len(data)), memoryview(data))
        return
    if not recognises(data):
        raise InputError("not a JPEG XL file")
    whole, position = memoryview(data), 0
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
        yield _Box(kind, data[position : position + head], whole[position + head : position + size])
        position += size


def _is_metadata(box: _Box) -> bool:
    return _kind_inside(box) in (_EXIF, _XMP)


def _kind_inside(box: _Box) -> bytes:
    """Return the kind of a box, of one that is compressed the kind of what is in it."""
    return bytes(box.content[:4]) if box.kind == _COMPRESSED else box.kind


def _pieces(boxes: list[_Box]) -> Iterator[bytes | memoryview]:
    for box in boxes:
        yield from (box.head, box.content)


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
    return _Box(_kind_inside(box), box.head, memoryview(body))


def _pack(kind: bytes, body: bytes) -> bytes:
    return _head(kind, len(body)) + body


def _head(kind: bytes, length: int) -> bytes:
    """Return what stands before the content of a box."""
    if length + 8 > 0xFFFFFFFF:
        return struct.pack(">I4sQ", 1, kind, length + 16)
    return struct.pack(">I4s", length + 8, kind)


def _tiff_block(body: bytes) -> bytes:
    """Return the TIFF block of an Exif box, which starts with the block's offset in the rest."""
    return body[4 + int.from_bytes(body[:4], "big") :]
