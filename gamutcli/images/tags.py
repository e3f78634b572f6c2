"""The few tags of Exif that say how pixels are to be understood, and that nobody carries on."""

from __future__ import annotations

import struct
from typing import BinaryIO

_EXIF, _INTEROPERABILITY = 0x8769, 0xA005
_ASCII, _MOST_TAGS = 2, 4096
# Types of whole numbers and of pointers, of TIFF and BigTIFF.
_FORMATS = {3: "H", 4: "I", 13: "I", 16: "Q", 18: "Q"}

Tags = dict[int, "int | bytes"]


def read_exif_tags(stream: BinaryIO) -> tuple[Tags, Tags]:
    """Read the short tags of the Exif directory and of the interoperability directory in it.

    Args:
        stream: Seekable; a TIFF or BigTIFF file, or a block of Exif, from its header on.

    Returns:
        By number: whole numbers, and text of at most as many bytes as fit into an entry. Empty where there are none.

    Source: TIFF 6.0 (Adobe, 1992), section 2; CIPA DC-008 (Exif 2.32), section 4.6.
    """
    try:
        order, is_big, first = _header(stream)
        image = _directory(stream, order, is_big, first)
        exif = _directory(stream, order, is_big, _place(image, _EXIF))
        return exif, _directory(stream, order, is_big, _place(exif, _INTEROPERABILITY))
    except (struct.error, OSError, ValueError, OverflowError):
        return {}, {}


def _header(stream: BinaryIO) -> tuple[str, bool, int]:
    stream.seek(0)
    head = stream.read(16)
    order = {b"II": "<", b"MM": ">"}[head[:2]] if head[:2] in (b"II", b"MM") else ""
    if not order:
        raise ValueError("no TIFF header")
    is_big = struct.unpack_from(order + "H", head, 2)[0] == 43
    return order, is_big, struct.unpack_from(order + ("Q" if is_big else "I"), head, 8 if is_big else 4)[0]


def _place(tags: Tags, tag: int) -> int:
    place = tags.get(tag, 0)
    return place if isinstance(place, int) else 0


def _directory(stream: BinaryIO, order: str, is_big: bool, offset: int) -> Tags:
    if not offset:
        return {}
    stream.seek(offset)
    count_format, length, word = ("Q", 20, "Q") if is_big else ("H", 12, "I")
    (count,) = struct.unpack(order + count_format, stream.read(struct.calcsize("=" + count_format)))
    table = stream.read(min(count, _MOST_TAGS) * length)
    tags: Tags = {}
    for at in range(0, len(table) - length + 1, length):
        tag, kind, number = struct.unpack_from(order + "HH" + word, table, at)
        value = table[at + 4 + (8 if is_big else 4) : at + length]
        if kind == _ASCII and number <= len(value):
            tags[tag] = value[:number]
        elif number == 1 and kind in _FORMATS:
            tags[tag] = struct.unpack_from(order + _FORMATS[kind], value)[0]
    return tags
