"""Tag directories of TIFF and EXIF: read into entries, and written again with every value unchanged.

An EXIF block is a TIFF file without pixels, so one reader and one writer serve a block in a JPEG, the same block in a
PNG, and the tags of a TIFF. Values stay bytes: a tag that nobody here has heard of survives as it was.

Source: TIFF 6.0 (Adobe, 1992), section 2; BigTIFF as read by libtiff; CIPA DC-008 (Exif 2.32), section 4.6.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import BinaryIO

from gamutcli.containers.ifd import ByteOrder

BYTE, ASCII, SHORT, LONG, RATIONAL, UNDEFINED = 1, 2, 3, 4, 5, 7

EXIF_POINTER, GPS_POINTER, _INTEROP_POINTER = 0x8769, 0x8825, 0xA005
MAKER_NOTE = 0x927C

# Field type -> (bytes of one value, bytes of the numbers that it consists of). Types above 12 point to other
# directories or exist in BigTIFF only.
_SIZES = {
    1: (1, 1),
    2: (1, 1),
    3: (2, 2),
    4: (4, 4),
    5: (8, 4),
    6: (1, 1),
    7: (1, 1),
    8: (2, 2),
    9: (4, 4),
    10: (8, 4),
    11: (4, 4),
    12: (8, 8),
}
#: Bytes of one value of each field type, that of a directory included.
FIELD_SIZES = {kind: size for kind, (size, _) in _SIZES.items()} | {13: 4}
_POINTER_FORMATS = {4: "I", 13: "I", 16: "Q", 18: "Q"}

_MAX_ENTRIES = 4096
_MAX_VALUE = 1 << 24  # bytes; no tag that is kept comes near
_MAX_VALUES = 1 << 26
"""Bytes of all values of a file together. Nor are they more than its own bytes: only values that overlap could be."""


@dataclass(frozen=True)
class Entry:
    """One tag's value.

    Attributes:
        kind: Field type.
        count: Number of values.
        data: Their bytes, in the order of the directory.
        place: Of a value that holds offsets of its own, where it has to stand, counted from the TIFF header.
    """

    kind: int
    count: int
    data: bytes
    place: int | None = None


Directory = Mapping[int, Entry]


@dataclass(frozen=True)
class Directories:
    """The first image's tags, its Exif tags and its GPS tags; what else there is in a file is not read."""

    order: ByteOrder = "<"
    image: Directory = field(default_factory=dict)
    exif: Directory = field(default_factory=dict)
    gps: Directory = field(default_factory=dict)


def entry(kind: int, *values: int, order: ByteOrder = "<") -> Entry:
    """Make an entry of whole numbers; a RATIONAL takes numerator and denominator."""
    size, part = _SIZES[kind]
    data = struct.pack(f"{order}{len(values)}{'BHxI'[part - 1]}", *values)
    return Entry(kind, len(data) // size, data)


def data_entry(data: bytes) -> Entry:
    """Make an entry of bytes without a meaning of their own."""
    return Entry(UNDEFINED, len(data), data)


def read_directories(stream: BinaryIO) -> Directories:
    """Read the tags of a TIFF, BigTIFF or EXIF block.

    Entries that are damaged, huge or of an unknown type are left out; so is a directory that cannot be reached.

    Args:
        stream: Seekable, at any position; byte 0 is the TIFF header.

    Raises:
        ValueError: There is no TIFF header.
    """
    reader = _Reader(stream)
    image = reader.directory(reader.first)
    return Directories(
        reader.order,
        image,
        reader.directory(reader.pointers.get(EXIF_POINTER, 0)),
        reader.directory(reader.pointers.get(GPS_POINTER, 0)),
    )


def in_byte_order(directories: Directories, order: ByteOrder) -> Directories:
    """Return the same tags with their numbers in another byte order.

    Bytes of type UNDEFINED stay as they are: their order is their writer's own affair; see `depends_on_order`.
    """
    if order == directories.order:
        return directories

    def swapped(directory: Directory) -> Directory:
        return {tag: replace(old, data=_swap(old)) for tag, old in directory.items()}

    return Directories(order, swapped(directories.image), swapped(directories.exif), swapped(directories.gps))


def depends_on_order(directories: Directories) -> bool:
    """Tell whether there are values, such as a maker note, whose readers go by the byte order of the whole."""
    parts = (directories.image, directories.exif, directories.gps)
    return any(item.kind == UNDEFINED and len(item.data) > 4 for part in parts for item in part.values())


@dataclass(frozen=True)
class Layout:
    """Directories and values, each at its place.

    Attributes:
        first: Where the image's directory stands.
        pieces: Places and bytes of all.
        end: Behind the last of them.
    """

    first: int
    pieces: tuple[tuple[int, bytes], ...]
    end: int

    def behind(self, start: int) -> bytes:
        """Return what stands from a place on."""
        found = bytearray(self.end - start)
        for place, data in self.pieces:
            if place >= start:
                found[place - start : place - start + len(data)] = data
        return bytes(found)


def lay_out(directories: Directories, start: int) -> Layout:
    """Find a place for every directory and value, from `start` on, around those that have theirs."""
    order = directories.order
    parts = {EXIF_POINTER: directories.exif, GPS_POINTER: directories.gps}
    parts = {tag: part for tag, part in parts.items() if part}
    image = {**directories.image, **{tag: entry(LONG, 0) for tag in parts}}
    kept = [item for part in (image, *parts.values()) for item in part.values() if item.place is not None]
    room = _Room(start, [(item.place or 0, len(item.data)) for item in kept])
    tables: list[tuple[int, list[tuple[int, Entry, int]]]] = []
    pieces: list[tuple[int, bytes]] = []
    for directory in (image, *parts.values()):
        table = room.take(2 + 12 * len(directory) + 4)
        rows = []
        for tag, item in sorted(directory.items()):
            place = 0
            if len(item.data) > 4:
                place = room.take(len(item.data)) if item.place is None else item.place
                pieces.append((place, item.data))
            rows.append((tag, item, place))
        tables.append((table, rows))
    places = dict(zip(parts, (table for table, _ in tables[1:]), strict=True))
    for table, rows in tables:
        packed = [struct.pack(f"{order}H", len(rows))]
        for tag, item, place in rows:
            pointed = places.get(tag, place) if table == tables[0][0] else place
            value = struct.pack(f"{order}I", pointed) if pointed else item.data.ljust(4, b"\0")
            packed.append(struct.pack(f"{order}HHI", tag, item.kind, item.count) + value)
        pieces.append((table, b"".join([*packed, bytes(4)])))  # nothing follows in the chain of directories
    end = max(place + len(data) for place, data in pieces)
    return Layout(tables[0][0], tuple(pieces), end + end % 2)


def write_block(directories: Directories) -> bytes:
    """Write an EXIF block: a TIFF header, then the directories; a value that has its place stands there."""
    layout = lay_out(directories, 8)
    return header(directories.order, layout.first) + layout.behind(8)


def header(order: ByteOrder, first: int) -> bytes:
    """Write a TIFF header: byte order, and where the first directory stands."""
    return (b"II" if order == "<" else b"MM") + struct.pack(f"{order}HI", 42, first)


class _Room:
    """Free bytes from a place on, around ranges that are taken."""

    def __init__(self, start: int, taken: list[tuple[int, int]]) -> None:
        self.gaps: list[list[int]] = []
        for place, size in sorted(taken):
            if place >= start:
                self.gaps.append([start, place])
                start = place + size
        self.start = start

    def take(self, size: int) -> int:
        """Take the first range of so many bytes that begins at an even place."""
        for gap in self.gaps:
            at = gap[0] + gap[0] % 2
            if at + size <= gap[1]:
                gap[0] = at + size
                return at
        at = self.start + self.start % 2
        self.start = at + size
        return at


def _swap(item: Entry) -> bytes:
    width = _SIZES[item.kind][1]
    swapped = bytearray(len(item.data))
    for k in range(width):
        swapped[k::width] = item.data[width - 1 - k :: width]
    return bytes(swapped)


class _Reader:
    """Reads directories from one stream, within its bounds."""

    def __init__(self, stream: BinaryIO) -> None:
        self.stream = stream
        self.size = stream.seek(0, 2)
        self.room = min(self.size, _MAX_VALUES)
        self.pointers: dict[int, int] = {}
        head = self._bytes(0, 16)
        # The last three are Olympus's RAW files.
        if head[:4] in (b"II*\0", b"MM\0*", b"IIRO", b"IIRS", b"MMOR") and len(head) >= 8:
            self.order: ByteOrder = "<" if head[:1] == b"I" else ">"
            self.big = False
            self.first = self._number("I", head[4:8])
        elif head[:8] in (b"II+\0\x08\0\0\0", b"MM\0+\0\x08\0\0") and len(head) == 16:
            self.order = "<" if head[:1] == b"I" else ">"
            self.big = True
            self.first = self._number("Q", head[8:16])
        else:
            raise ValueError("no TIFF header")

    def directory(self, offset: int) -> dict[int, Entry]:
        """Read one directory; note where its Exif and GPS pointers lead."""
        count_format, length = ("Q", 20) if self.big else ("H", 12)
        start = offset + struct.calcsize("=" + count_format)
        count_bytes = self._bytes(offset, start - offset)
        if offset < 8 or len(count_bytes) < start - offset:
            return {}
        count = min(self._number(count_format, count_bytes), _MAX_ENTRIES)
        table = self._bytes(start, count * length)
        found: dict[int, Entry] = {}
        for at in range(0, len(table) - length + 1, length):
            tag, kind = struct.unpack_from(f"{self.order}HH", table, at)
            item = self._entry(tag, kind, table[at + 4 : at + length])
            if item is not None:
                found.setdefault(tag, item)
        return found

    def _entry(self, tag: int, kind: int, rest: bytes) -> Entry | None:
        """Read one value; `rest` is the count and the place of the value."""
        word = "Q" if self.big else "I"
        half = len(rest) // 2
        count, place = self._number(word, rest[:half]), rest[half:]
        if tag in (EXIF_POINTER, GPS_POINTER, _INTEROP_POINTER) and kind in _POINTER_FORMATS:
            layout = _POINTER_FORMATS[kind]
            if struct.calcsize(f"={layout}") <= len(place):  # types of BigTIFF do not fit into a classic entry
                self.pointers.setdefault(tag, self._number(layout, place))
            return None
        if kind not in _SIZES or count == 0 or count * _SIZES[kind][0] > _MAX_VALUE:
            return None
        size = count * _SIZES[kind][0]
        at = None if size <= half else self._number(word, place)
        if at is not None:
            self.room -= size
            if self.room < 0:
                return None
        data = place[:size] if at is None else self._bytes(at, size)
        if len(data) < size or (tag == MAKER_NOTE and at is not None and at < 8):
            return None
        return Entry(kind, count, data, at if tag == MAKER_NOTE else None)

    def _number(self, code: str, data: bytes) -> int:
        number: int = struct.unpack_from(self.order + code, data)[0]
        return number

    def _bytes(self, offset: int, size: int) -> bytes:
        if offset >= self.size:
            return b""
        self.stream.seek(offset)
        return self.stream.read(size)
