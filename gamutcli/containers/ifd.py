"""TIFF directories: read them, and set or remove one entry without moving anything else.

EXIF blocks and TIFF files share this structure. Pixel strips, thumbnails and maker notes are found by absolute
offsets, so nothing that exists is ever moved: a longer directory and a new value are appended, pointers are patched.

Source: TIFF 6.0, section 2; BigTIFF (offsets of 8 bytes).
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Literal

from gamutcli.errors import InputError

EXIF_POINTER = 0x8769
GPS_POINTER = 0x8825
INTEROP_POINTER = 0xA005
MAKER_NOTE = 0x927C

BYTE, ASCII, SHORT, LONG, UNDEFINED = 1, 2, 3, 4, 7
LONG8 = 16

_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}

# Bytes of the numbers that a value consists of: a RATIONAL is two of 4 bytes.
_NUMBERS = {**_SIZES, 5: 4, 10: 4}

# Where pixels start, and how many bytes they take: of strips, tiles, and thumbnails.
_STORES = ((273, 279), (324, 325), (513, 514))

ByteOrder = Literal["<", ">"]

#: Field types and bytes, by tag.
Values = Mapping[int, tuple[int, bytes]]


@dataclass(frozen=True)
class Entry:
    """One entry of a directory; `field` is its value, or the value's offset, as stored."""

    tag: int
    type: int
    count: int
    field: bytes

    @property
    def size(self) -> int:
        """Bytes that the value takes; 0 for a type that nobody has defined."""
        return _SIZES.get(self.type, 0) * self.count


@dataclass(frozen=True)
class Directory:
    """One directory.

    Attributes:
        offset: Where it starts.
        size: Its bytes. For the directories that tags point at, without the offset of a next one: piexif leaves it
            out, and values may stand in its place.
        entries: Its entries as stored.
        following: Offset of the next directory in the file's chain, 0 for none.
    """

    offset: int
    size: int
    entries: tuple[Entry, ...]
    following: int

    def get(self, tag: int) -> Entry | None:
        """Return the first entry with this tag."""
        return next((entry for entry in self.entries if entry.tag == tag), None)


class Tiff:
    """A TIFF block or file in memory; the first edit copies it."""

    def __init__(self, data: bytes | bytearray) -> None:
        self.data = data
        heads: dict[bytes, tuple[ByteOrder, int]]
        heads = {b"II*\0": ("<", 4), b"MM\0*": (">", 4), b"II+\0": ("<", 8), b"MM\0+": (">", 8)}
        if bytes(data[:4]) not in heads:
            raise InputError("not a TIFF structure")
        self.order, self.width = heads[bytes(data[:4])]
        if self.width == 8 and bytes(data[4:8]) != struct.pack(self.order + "HH", 8, 0):
            raise InputError("the BigTIFF header is damaged")
        self._root = 4 if self.width == 4 else 8  # where the pointer to the first directory stands
        self._pointer = self.order + ("I" if self.width == 4 else "Q")
        self._count = self.order + ("H" if self.width == 4 else "Q")
        self._entry = self.order + ("HHI4s" if self.width == 4 else "HHQ8s")

    def directory(self, path: tuple[int, ...] = ()) -> Directory | None:
        """Return the first directory, or the one that a chain of pointer tags leads to; None when there is none."""
        offset = self._unpack(self._pointer, self._root)
        for depth, tag in enumerate(path):
            directory = self._directory_at(offset, chained=depth == 0)
            pointer = None if directory is None else directory.get(tag)
            if pointer is None or not 0 < pointer.size <= self.width or pointer.type not in (LONG, 13, LONG8, 18):
                return None
            offset = self._number(pointer)
        return self._directory_at(offset, chained=not path)

    def following(self, directory: Directory) -> Directory | None:
        """Return the directory that comes after this one."""
        return self._directory_at(directory.following, chained=True)

    def value(self, entry: Entry) -> bytes:
        """Return an entry's value as stored.

        Raises:
            InputError: It lies outside the file.
        """
        if entry.size <= self.width:
            return entry.field[: entry.size]
        start, end = self.extent(entry)
        if end > len(self.data):
            raise InputError(f"the value of TIFF tag {entry.tag} lies outside the file")
        return bytes(self.data[start:end])

    def value_in_order(self, entry: Entry, order: str) -> bytes:
        """Return an entry's value with its numbers in another byte order, "<" or ">"."""
        value = self.value(entry)
        width = _NUMBERS.get(entry.type, 1)
        if order == self.order or width == 1:
            return value
        return b"".join(value[start : start + width][::-1] for start in range(0, len(value), width))

    def number(self, directory: Directory, tag: int) -> int | None:
        """Return the first number of a SHORT or LONG entry, or None."""
        entry = directory.get(tag)
        if entry is None or entry.count < 1 or entry.type not in (BYTE, SHORT, LONG, 13, LONG8, 18):
            return None
        return self._number(entry) if entry.size <= self.width else None

    def numbers(self, directory: Directory, tag: int) -> tuple[int, ...]:
        """Return all numbers of a SHORT or LONG entry; none where it is not there, or lies outside the file."""
        entry = directory.get(tag)
        layout = None if entry is None else {SHORT: "H", LONG: "I", 13: "I", LONG8: "Q", 18: "Q"}.get(entry.type)
        if entry is None or layout is None or self.extent(entry)[1] > len(self.data):
            return ()
        return struct.unpack(f"{self.order}{entry.count}{layout}", self.value(entry))

    def extent(self, entry: Entry) -> tuple[int, int]:
        """Return where an entry's value starts and ends; an empty range when it stands in the entry itself."""
        if entry.size <= self.width:
            return 0, 0
        start: int = struct.unpack(self._pointer, entry.field)[0]
        return start, start + entry.size

    def set(self, path: tuple[int, ...], tag: int, kind: int, value: bytes) -> None:
        """Set one entry; see `update`."""
        self.update(path, {tag: (kind, value)})

    def update(
        self,
        path: tuple[int, ...],
        values: Values,
        places: Mapping[int, int] = MappingProxyType({}),
    ) -> None:
        """Set entries, each a field type and its bytes, making the directories on the way where they are missing.

        A directory that has all of these tags stays where it is; otherwise a longer one is appended.

        Args:
            path: Pointer tags that lead to the directory.
            values: By tag.
            places: Where values stand in the file already, by tag; the others are appended.
        """
        directory = self.directory(path)
        for tag in values:
            old = None if directory is None else directory.get(tag)
            if directory is not None and old is not None:
                self._forget(old, directory)
        old_entries = () if directory is None else directory.entries
        following = 0 if directory is None else directory.following
        set_entries = {
            tag: Entry(tag, kind, len(value) // _SIZES[kind], value.ljust(self.width, b"\0"))
            for tag, (kind, value) in values.items()
        }

        def packed() -> bytes:
            entries = [set_entries.get(entry.tag, entry) for entry in old_entries]
            if not stays:  # other tags that are there twice stay so: which of them counts is the reader's choice
                rest = [entry for entry in old_entries if entry.tag not in set_entries]
                entries = sorted([*rest, *set_entries.values()], key=lambda entry: entry.tag)
            return self._packed(entries, following)

        stays = all(sum(entry.tag == tag for entry in old_entries) == 1 for tag in values)
        if directory is not None and stays:
            offset, size = directory.offset, directory.size
        else:
            offset, size = self._append(packed()), len(packed())
            self._point(path, offset)
        for tag, (_, value) in values.items():
            if len(value) > self.width:
                place = places[tag] if tag in places else self._append(value)
                set_entries[tag] = replace(set_entries[tag], field=struct.pack(self._pointer, place))
        self._own()[offset : offset + size] = packed()[:size]

    def remove(self, path: tuple[int, ...], tag: int) -> None:
        """Remove an entry; its directory stays where it is, its value is wiped."""
        directory = self.directory(path)
        if directory is None or directory.get(tag) is None:
            return
        entries = [entry for entry in directory.entries if entry.tag != tag]
        end = directory.offset + directory.size
        self._own()[directory.offset : end] = self._packed(entries, directory.following).ljust(directory.size, b"\0")
        for entry in directory.entries:
            if entry.tag == tag:
                self._forget(entry, directory)

    def unlink(self, directory: Directory) -> None:
        """Make a directory the last of its chain."""
        struct.pack_into(self._pointer, self._own(), directory.offset + directory.size - self.width, 0)

    def _directory_at(self, offset: int, *, chained: bool) -> Directory | None:
        if offset == 0:
            return None
        count = self._unpack(self._count, offset)
        size = struct.calcsize(self._count) + count * struct.calcsize(self._entry) + (self.width if chained else 0)
        if offset + size > len(self.data):
            raise InputError("a TIFF directory lies outside the file")
        start = offset + struct.calcsize(self._count)
        step = struct.calcsize(self._entry)
        block = bytes(self.data[start : start + count * step])
        entries = tuple(Entry(*fields) for fields in struct.iter_unpack(self._entry, block))
        following = self._unpack(self._pointer, offset + size - self.width) if chained else 0
        return Directory(offset, size, entries, following)

    def _unpack(self, layout: str, offset: int) -> int:
        if offset + struct.calcsize(layout) > len(self.data):
            raise InputError("a TIFF directory lies outside the file")
        number: int = struct.unpack_from(layout, self.data, offset)[0]
        return number

    def _number(self, entry: Entry) -> int:
        layout = {1: "B", 2: "H", 4: "I", 8: "Q"}[_SIZES[entry.type]]
        number: int = struct.unpack_from(self.order + layout, entry.field)[0]
        return number

    def _packed(self, entries: list[Entry], following: int) -> bytes:
        packed = [struct.pack(self._entry, entry.tag, entry.type, entry.count, entry.field) for entry in entries]
        return struct.pack(self._count, len(entries)) + b"".join(packed) + struct.pack(self._pointer, following)

    def _point(self, path: tuple[int, ...], offset: int) -> None:
        """Let the pointer that `path` ends with point to a directory."""
        if path:
            self.set(path[:-1], path[-1], LONG if self.width == 4 else LONG8, struct.pack(self._pointer, offset))
        else:
            struct.pack_into(self._pointer, self._own(), self._root, offset)

    def _append(self, value: bytes) -> int:
        """Append at an even offset and return that offset."""
        data = self._own()
        data += b"\0" * (len(data) & 1)
        offset = len(data)
        if self.width == 4 and offset + len(value) > 0xFFFFFFFF:
            raise InputError("the file would grow beyond the 4 GB of a classic TIFF")
        data += value
        return offset

    def _forget(self, entry: Entry, directory: Directory) -> None:
        """Wipe a value; cut it off where it ends the file. One that overlaps anything else is a lie, and let alone."""
        start, end = self.extent(entry)
        others = [self.extent(other) for other in directory.entries if other.tag != entry.tag]
        others += [(0, self._root + self.width), (directory.offset, directory.offset + directory.size)]
        others += self._stores(directory)
        if any(start < other_end and other_start < end for other_start, other_end in others):
            return
        data = self._own()
        if end == len(data):
            del data[start:]
        elif end < len(data):
            data[start:end] = bytes(end - start)

    def _stores(self, directory: Directory) -> list[tuple[int, int]]:
        """Where pixels stand; where that is not said for each strip, it may be anywhere behind its start."""
        found: list[tuple[int, int]] = []
        for offsets_tag, sizes_tag in _STORES:
            offsets, sizes = self.numbers(directory, offsets_tag), self.numbers(directory, sizes_tag)
            if len(sizes) < len(offsets):
                sizes = (len(self.data),) * len(offsets)
            found += [(offset, offset + size) for offset, size in zip(offsets, sizes, strict=False)]
        return found

    def _own(self) -> bytearray:
        """Return the data, made editable."""
        if not isinstance(self.data, bytearray):
            self.data = bytearray(self.data)
        return self.data
