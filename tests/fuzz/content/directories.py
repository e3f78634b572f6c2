"""TIFF structures as trees: directories of entries, values and further directories, written anew with right offsets.

A value is bytes, a directory that the entry points at, or a store: bytes somewhere in the file whose place and
length stand in two entries, as pixel strips and thumbnails do.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field, replace
from random import Random
from typing import Literal

from tests.fuzz.chance import near, odd_number, scrambled, spliced

SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
_POINTERS = (0x8769, 0x8825, 0xA005, 330)
#: Offsets, and the tag that has their lengths.
_STORES = {273: 279, 324: 325, 513: 514}
#: Tags that programs look at: orientation, sizes, colours, XMP, profiles, comments, notes, offsets.
_TAGS = (
    *(254, 256, 257, 258, 259, 262, 273, 274, 277, 278, 279, 282, 284, 296, 305, 317, 322, 323, 324, 325, 330, 338),
    *(339, 513, 514, 529, 530, 531, 700, 33723, 34675, 37500, 37510, 40961, 40962, 0x8769, 0x8825, 0xA005, 50706),
)


@dataclass(frozen=True)
class Entry:
    """A tag with its value; what it claims of type and count may differ from that.

    Attributes:
        tag: Its number.
        kind: Its type.
        value: As stored, in the order of the file.
        count: What it claims; None for what is true.
        below: Directories that it points at.
        stores: Bytes that its values point at.
        place: Where its value is claimed to be; None for where it is.
    """

    tag: int
    kind: int
    value: bytes = b""
    count: int | None = None
    below: tuple[Directory, ...] = ()
    stores: tuple[bytes, ...] = ()
    place: int | None = None


@dataclass(frozen=True)
class Directory:
    """Entries, and the directory behind it."""

    entries: tuple[Entry, ...]
    following: Directory | None = None


@dataclass
class Tree:
    """A whole structure.

    Attributes:
        order: "<" or ">".
        first: Its first directory.
        big: Whether it is a BigTIFF.
    """

    order: str
    first: Directory
    big: bool = False
    _parts: list[bytes] = field(default_factory=list, repr=False)

    def packed(self) -> bytes:
        """The bytes; values come behind their directory, directories behind their values."""
        start = 16 if self.big else 8
        head = b"II" if self.order == "<" else b"MM"
        head += struct.pack(self.order + "HHH", 43, 8, 0) if self.big else struct.pack(self.order + "H", 42)
        self._parts, self._at = [], start
        offset = self._place(self.first)
        return head + struct.pack(self.order + ("Q" if self.big else "I"), offset) + b"".join(self._parts)

    def _place(self, directory: Directory) -> int:
        following = self._place(directory.following) if directory.following else 0
        rows = [self._row(entry) for entry in directory.entries]
        count, last = ("Q", "Q") if self.big else ("H", "I")
        body = struct.pack(self.order + count, len(rows)) + b"".join(rows) + struct.pack(self.order + last, following)
        return self._append(body)

    def _row(self, entry: Entry) -> bytes:
        width = 8 if self.big else 4
        value = entry.value
        if entry.below:
            value = b"".join(struct.pack(self.order + "I", self._place(below)) for below in entry.below)
        elif entry.stores:
            value = b"".join(struct.pack(self.order + "I", self._append(store)) for store in entry.stores)
        count = len(value) // SIZES.get(entry.kind, 1) if entry.count is None else entry.count
        if entry.place is not None or len(value) > width:
            place = self._append(value) if entry.place is None else entry.place
            value = struct.pack(self.order + ("Q" if self.big else "I"), place & (1 << 8 * width) - 1)
        layout = "HHQ" if self.big else "HHI"
        limit = (1 << (64 if self.big else 32)) - 1
        return struct.pack(self.order + layout, entry.tag, entry.kind, count & limit) + value.ljust(width, b"\0")

    def _append(self, data: bytes) -> int:
        place = self._at
        data += bytes(len(data) % 2)
        self._parts.append(data)
        self._at += len(data)
        return place


def parse(data: bytes) -> Tree:
    """The tree of a sound structure of classic TIFF."""
    order = "<" if data[:2] == b"II" else ">"
    return Tree(order, _directory(data, order, *struct.unpack_from(order + "I", data, 4)))


def disturbed(chance: Random, tree: Tree) -> Tree:
    """A tree in which one to three things are others."""
    first, order, big = tree.first, tree.order, tree.big
    for _ in range(chance.choice((1, 1, 2, 3))):
        if chance.random() < 0.06:
            big = not big
        else:
            first = disturbed_directory(chance, first, order)
    return Tree(order, first, big)


def disturbed_directory(chance: Random, directory: Directory, order: str) -> Directory:
    entries = list(directory.entries)
    way = chance.random()
    below = [at for at, entry in enumerate(entries) if entry.below]
    if below and way < 0.3:
        at = chance.choice(below)
        inner = [disturbed_directory(chance, each, order) for each in entries[at].below]
        entries[at] = replace(entries[at], below=tuple(inner))
    elif way < 0.5:
        entries = spliced(chance, entries, lambda: new_entry(chance, order))
    elif way < 0.55:
        return replace(directory, following=chance.choice((None, directory, Directory(()))))
    elif entries:
        at = chance.randrange(len(entries))
        entries[at] = disturbed_entry(chance, entries[at], order)
    return replace(directory, entries=tuple(entries[:65535]))


def disturbed_entry(chance: Random, entry: Entry, order: str) -> Entry:
    """An entry with another tag, type, count, place or value."""
    way = chance.randrange(7)
    if way == 0:
        return replace(entry, tag=chance.choice(_TAGS))
    if way == 1:
        return replace(entry, kind=chance.choice((*SIZES, 0, 14, 15, 19, 129, 65535)))
    if way == 2:
        return replace(entry, count=near(chance, len(entry.value) // SIZES.get(entry.kind, 1), 32))
    if way == 3:
        return replace(entry, place=chance.choice((0, 4, 8, odd_number(chance, 32), odd_number(chance, 12))))
    if entry.stores:
        return replace(entry, stores=tuple(spliced(chance, entry.stores, lambda: chance.randbytes(40))[:300]))
    size = SIZES.get(entry.kind, 1)
    if way == 4 and entry.kind in (1, 3, 4) and entry.value:
        ends: Literal["little", "big"] = "little" if order == "<" else "big"
        number = near(chance, int.from_bytes(entry.value[:size], ends), 8 * size)
        return replace(entry, value=number.to_bytes(size, ends) + entry.value[size:])
    return replace(entry, value=scrambled(chance, entry.value))


def new_entry(chance: Random, order: str) -> Entry:
    """An entry that may be new: of any type, with a value of any size, or a circle of directories."""
    kind = chance.choice((*SIZES, 0, 19))
    size = SIZES.get(kind, 1) * chance.choice((0, 1, 1, 2, 3, 300, 9000))
    entry = Entry(chance.choice(_TAGS), kind, chance.randbytes(size))
    if chance.random() < 0.2:
        return replace(entry, kind=4, value=b"", below=(Directory((Entry(274, 3, b"\6\0"),)),))
    return replace(entry, place=8, count=1) if chance.random() < 0.1 else entry


def _directory(data: bytes, order: str, at: int, depth: int = 0) -> Directory:
    (count,) = struct.unpack_from(order + "H", data, at)
    rows = [struct.unpack_from(order + "HHI4s", data, at + 2 + 12 * row) for row in range(count)]
    numbers = {tag: _numbers(data, order, kind, count, raw) for tag, kind, count, raw in rows if kind in (3, 4, 13)}
    entries = []
    for tag, kind, count, raw in rows:
        size = SIZES.get(kind, 1) * count
        place = struct.unpack(order + "I", raw)[0]
        value = raw[:size] if size <= 4 else data[place : place + size]
        entry = Entry(tag, kind, value)
        if tag in _POINTERS and depth < 3:
            entry = replace(entry, kind=4, below=tuple(_directory(data, order, at, depth + 1) for at in numbers[tag]))
        elif tag in _STORES and _STORES[tag] in numbers:
            lengths = numbers[_STORES[tag]]
            stores = tuple(data[at : at + length] for at, length in zip(numbers[tag], lengths, strict=False))
            entry = replace(entry, kind=4, stores=stores)
        entries.append(entry)
    if depth:  # values may stand where the offset of the next one should
        return Directory(tuple(entries))
    (following,) = struct.unpack_from(order + "I", data, at + 2 + 12 * len(rows))
    return Directory(tuple(entries), _directory(data, order, following, 1) if following else None)


def _numbers(data: bytes, order: str, kind: int, count: int, raw: bytes) -> tuple[int, ...]:
    letter, size = ("H", 2) if kind == 3 else ("I", 4)
    if size * count <= 4:
        return struct.unpack_from(f"{order}{count}{letter}", raw)
    return struct.unpack_from(f"{order}{count}{letter}", data, struct.unpack(order + "I", raw)[0])
