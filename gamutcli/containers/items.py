"""The items of ISO base media files: boxes, the ``meta`` box, and where what it lists lies. Nothing is written here.

Source: ISO/IEC 14496-12, 4.2 (boxes) and 8.11 (items).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from gamutcli.errors import InputError

_MAX_ITEMS = _MAX_EXTENTS = 4096
CUT = "the AVIF or HEIF file is cut short or damaged"


@dataclass(frozen=True)
class Box:
    """One box; positions in the file."""

    kind: bytes
    start: int
    body: int
    end: int


@dataclass(frozen=True)
class Item:
    """What ``iinf`` says of an item, and the whole entry that says it."""

    number: int
    kind: bytes
    content_type: bytes
    raw: bytes


@dataclass(frozen=True)
class Location:
    """Where an item's bytes are: extents of (offset, length); method 0 counts from the start of the file, 1 in idat."""

    number: int
    method: int
    reference: int
    extents: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Meta:
    """The ``meta`` box, its children, and the three of them that list items."""

    box: Box
    children: tuple[Box, ...]
    primary: int
    items: tuple[Item, ...]
    locations: tuple[Location, ...]


def boxes_of(data: bytes, position: int, end: int) -> Iterator[Box]:
    """Yield the boxes that lie one after the other between two positions.

    Raises:
        InputError: One is cut short.
    """
    while position < end:
        body = position + 8
        if body > end:
            raise InputError(CUT)
        size, kind = struct.unpack_from(">I4s", data, position)
        if size == 1:
            body += 8
            size = int.from_bytes(data[position + 8 : position + 16], "big")
        elif size == 0:
            size = end - position
        if position + size > end or body > position + size:
            raise InputError(CUT)
        yield Box(kind, position, body, position + size)
        position += size


def read_meta(data: bytes) -> Meta:
    """Read the ``meta`` box of a file.

    Raises:
        InputError: There is none, or it is damaged.
    """
    box = next((box for box in boxes_of(data, 0, len(data)) if box.kind == b"meta"), None)
    if box is None:
        raise InputError("the AVIF or HEIF file holds no picture")
    children = tuple(boxes_of(data, box.body + 4, box.end))
    found = {child.kind: data[child.body : child.end] for child in reversed(children)}
    try:
        return Meta(
            box,
            children,
            int.from_bytes(found[b"pitm"][4:], "big"),
            tuple(_read_items(found[b"iinf"])),
            tuple(_read_locations(found[b"iloc"])),
        )
    except (KeyError, IndexError, struct.error) as error:
        raise InputError(CUT) from error


def _read_items(body: bytes) -> Iterator[Item]:
    """Read an ``iinf`` box."""
    for index, entry in enumerate(boxes_of(body, 6 if body[0] == 0 else 8, len(body))):
        if index == _MAX_ITEMS:
            raise InputError(CUT)
        version = body[entry.body]
        if entry.kind != b"infe" or version not in (2, 3):
            continue
        start = entry.body + 4
        width = 2 if version == 2 else 4
        number = int.from_bytes(body[start : start + width], "big")
        start += width + 2  # the protection index
        kind = body[start : start + 4]
        strings = body[start + 4 : entry.end].split(b"\0")
        content_type = strings[1] if kind == b"mime" and len(strings) > 1 else b""
        yield Item(number, kind, content_type, body[entry.start : entry.end])


def _read_locations(body: bytes) -> Iterator[Location]:
    """Read an ``iloc`` box."""
    cursor = _Cursor(body)
    version = cursor.number(1)
    cursor.number(3)
    sizes = cursor.number(2)
    offset_size, length_size, base_size, index_size = (sizes >> shift & 15 for shift in (12, 8, 4, 0))
    count = cursor.number(2 if version < 2 else 4)
    if version > 2 or count > _MAX_ITEMS:
        raise InputError(CUT)
    room = _MAX_EXTENTS
    for _ in range(count):
        number = cursor.number(2 if version < 2 else 4)
        method = cursor.number(2) & 15 if version else 0
        reference = cursor.number(2)
        base = cursor.number(base_size)
        extents = []
        extent_count = cursor.number(2)
        room -= extent_count
        if room < 0:
            raise InputError(CUT)
        for _ in range(extent_count):
            cursor.number(index_size if version else 0)
            extents.append((base + cursor.number(offset_size), cursor.number(length_size)))
        yield Location(number, method, reference, tuple(extents))


class _Cursor:
    """Reads big-endian numbers one after the other."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._position = 0

    def number(self, size: int) -> int:
        end = self._position + size
        if end > len(self._data):
            raise InputError(CUT)
        value = int.from_bytes(self._data[self._position : end], "big")
        self._position = end
        return value


def ranges_of(data: bytes, meta: Meta, number: int) -> list[tuple[int, int]]:
    """Return where in the file an item's bytes are; empty when they are in another file or described otherwise."""
    place = next((place for place in meta.locations if place.number == number), None)
    if place is None or place.reference or place.method > 1:
        return []
    idat = next((child for child in meta.children if child.kind == b"idat"), None)
    start, end = (0, len(data)) if place.method == 0 else (idat.body, idat.end) if idat is not None else (0, 0)
    ranges = []
    for offset, length in place.extents:
        stop = start + offset + length if length else end
        if stop > end or start + offset > stop:
            raise InputError(CUT)
        ranges.append((start + offset, stop))
    return ranges
