"""The optional fields of a payload of version 2: what version 1 had no word for.

    offset  bytes  field
    0       2      bytes of all fields that follow
    ..      1      number of a field; each is higher than the one before
    ..      2      bytes of its content
    ..             its content, then the next field

    1  the space of the base picture: 1 byte, 0 for sRGB
    2  how colours were moved into it: 1 byte, 1 for perceptual; of the step below, then of the one above: knee (2),
       limit (2), levels (1), bound (2)
    3  the blocks that hold lost colours: raw deflate of one bit a block

A field that a reader does not know may change every colour: it is refused, never skipped.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass

from gamutcli.color.compression import LIMIT_UNIT, MOST_LEVELS, Compression, Side
from gamutcli.errors import PayloadError
from gamutcli.fingerprint.blocks import LostBlocks, shape_of

SPACE, INTENT, BLOCKS = 1, 2, 3
_SRGB, _PERCEPTUAL = b"\0", 1
_LENGTH, _HEAD = struct.Struct("<H"), struct.Struct("<BH")
_INTENT = struct.Struct("<BHHBHHHBH")
#: Bounds of what a field may claim.
MOST_KNEE, MOST_BLOCKS = 1 << 15, 1 << 24
MOST_BYTES = (1 << 16) - 1


@dataclass(frozen=True)
class Fields:
    """What the fields say.

    Attributes:
        compression: How colours were moved; None: they were clipped.
        blocks: Where lost colours are; None: wherever pixels look like it.
    """

    compression: Compression | None = None
    blocks: LostBlocks | None = None

    def __bool__(self) -> bool:
        return self.compression is not None or self.blocks is not None


def pack_fields(fields: Fields) -> bytes:
    """Turn fields into bytes, their length first; nothing where there are none, for version 1 has no length."""
    if not fields:
        return b""
    contents = {SPACE: _SRGB}
    if fields.compression:
        below, above = fields.compression.below, fields.compression.above
        numbers = [number for side in (below, above) for number in (side.knee, side.limit, side.levels, side.bound)]
        contents[INTENT] = _INTENT.pack(_PERCEPTUAL, *numbers)
    if fields.blocks:
        contents[BLOCKS] = _deflated(fields.blocks.bits)
    packed = b"".join(_HEAD.pack(number, len(content)) + content for number, content in contents.items())
    return _LENGTH.pack(len(packed)) + packed


def unpack_fields(data: bytes, height: int, width: int) -> tuple[Fields, int]:
    """Read fields.

    Args:
        data: They are at its start.
        height: Of the picture, pixels.
        width: Likewise.

    Returns:
        The fields, and how many bytes they take.

    Raises:
        PayloadError: They make no sense, or there is one that is not known here.
    """
    if len(data) < _LENGTH.size:
        raise PayloadError("the payload's fields are cut short")
    end = _LENGTH.size + _LENGTH.unpack_from(data)[0]
    contents: dict[int, bytes] = {}
    at = _LENGTH.size
    while at < end:
        if end > len(data) or at + _HEAD.size > end:
            raise PayloadError("the payload's fields are cut short")
        number, size = _HEAD.unpack_from(data, at)
        at += _HEAD.size + size
        if at > end or number <= max(contents, default=0):
            raise PayloadError("the payload's fields make no sense")
        if number not in (SPACE, INTENT, BLOCKS):
            raise PayloadError(f"the payload holds field {number}, which is unknown here; a newer gamutcli is needed")
        contents[number] = data[at - size : at]
    if contents.get(SPACE, _SRGB) != _SRGB:
        raise PayloadError("the payload's base space is unknown here: only sRGB is; a newer gamutcli is needed")
    compression = _compression(contents[INTENT]) if INTENT in contents else None
    blocks = _blocks(contents[BLOCKS], height, width) if BLOCKS in contents else None
    return Fields(compression, blocks), end


def _compression(content: bytes) -> Compression:
    if len(content) != _INTENT.size or content[0] != _PERCEPTUAL:
        raise PayloadError("the payload's intent is unknown here: only perceptual is; a newer gamutcli is needed")
    _, *numbers = _INTENT.unpack(content)
    sides = Side(*numbers[:4]), Side(*numbers[4:])
    for side in sides:
        sane = side.knee <= MOST_KNEE and side.limit >= LIMIT_UNIT and side.levels % 2 == 1
        if not sane or side.levels > MOST_LEVELS:
            raise PayloadError("the payload's curves make no sense")
    return Compression(*sides)


def _blocks(content: bytes, height: int, width: int) -> LostBlocks:
    rows, columns = shape_of(height, width)
    if rows * columns > MOST_BLOCKS:
        raise PayloadError("the payload's blocks are of a picture larger than any")
    size = -(-rows * columns // 8)
    inflater = zlib.decompressobj(wbits=-15)
    try:
        bits = inflater.decompress(content, size + 1)
    except zlib.error as error:
        raise PayloadError(f"the payload is damaged: {error}") from error
    if len(bits) != size or not inflater.eof or inflater.unused_data:
        raise PayloadError("the payload's blocks do not match its picture")
    return LostBlocks(height, width, bits)


def _deflated(data: bytes) -> bytes:
    deflater = zlib.compressobj(9, wbits=-15, memLevel=9)
    return deflater.compress(data) + deflater.flush()
