"""What a camera RAW's own directories say of its pixels, and whether the file holds them.

LibRaw fills what is missing with whatever lies in memory, in many formats without a word.

Source: TIFF 6.0, section 2; DNG 1.7, "SubIFD Trees"; the magic numbers of ORF (Olympus) and RW2 (Panasonic), RAF's
header and RW2's RawOffset as ExifTool documents them; ISO/IEC 14496-12, 4.2 (boxes of CR3).
"""

from __future__ import annotations

import os
import struct
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from gamutcli.errors import InputError
from gamutcli.images.files import read_bytes

#: The numbers of one directory by tag; texts and fractions are left out.
Numbers = dict[int, tuple[int, ...]]

WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC = 256, 257, 258, 259, 262
OFFSETS, SAMPLES, COUNTS, ICC = 273, 277, 279, 34675
_SUBFILE, _TILE_OFFSETS, _TILE_COUNTS, _SUB_DIRECTORIES, _RAW_OFFSET = 254, 324, 325, 330, 280
_ELSEWHERE = 0xFFFFFFFF
_REDUCED, _UNCOMPRESSED, _RGB, _LINEAR = 1, 1, 2, 34892
_TYPES = {1: "B", 7: "B", 3: "H", 4: "I", 13: "I", 16: "Q", 18: "Q"}
_MAGICS = frozenset({42, 43, 0x55, 0x4F52, 0x5352})
_MAX_DIRECTORIES, _MAX_ENTRIES, _MAX_VALUES = 64, 4096, 1 << 20
# Fewer stored bits than this for a pixel are no photograph: the smallest lossy DNG needs some tenths.
_LEAST_BITS = 0.02
# Compressed pixels do not end in so large a part of one value, and sensors always see some noise.
_EMPTY_PART, _LEAST_EMPTY = 64, 512


def check_layout(path: Path) -> None:
    """Refuse a RAW that ends before its pixels do, or whose end was never written.

    Raises:
        InputError: It is cut short, holds no pixels, or cannot be read.
    """
    size = path.stat().st_size
    directories = read_directories(path)
    with path.open("rb") as file:
        end = max(_ends(file, directories), default=0)
        if end > size:
            raise incomplete(path, f"its pixels should end at byte {end:,}, and the file ends at {size:,}")
        if any(map(_is_hollow, directories)):
            raise incomplete(path, "its directories describe a picture whose pixels are not in the file")
        if _ends_empty(file, size) and not any(map(_is_plain, directories)):
            raise incomplete(path, "the end of the file was never written")


def incomplete(path: Path, reason: str) -> InputError:
    """Make the error for a RAW without all of its pixels."""
    return InputError(
        f"{path}: is a camera RAW that is damaged or cut short ({reason}); copy it from the camera's card again, or "
        "have its own program export it."
    )


def read_directories(path: Path) -> list[Numbers]:
    """Read all directories of a RAW that is a TIFF inside, those of its subdirectories too; none of another file.

    Raises:
        InputError: The file cannot be read.
    """
    head = read_bytes(path, 16)
    order = {b"II": "<", b"MM": ">"}.get(head[:2])
    if order is None or len(head) < 16 or struct.unpack_from(f"{order}H", head, 2)[0] not in _MAGICS:
        return []
    with path.open("rb") as file:
        return list(_Directories(file, order, head).walk())


class _Directories:
    def __init__(self, file: BinaryIO, order: str, head: bytes) -> None:
        self._file = file
        self._big = head[2:4] in (b"+\0", b"\0+")
        self._word = order + ("Q" if self._big else "I")
        self._count = order + ("Q" if self._big else "H")
        self._order = order
        # Values of a file are no more than its bytes, unless they overlap.
        self._room = file.seek(0, os.SEEK_END)
        self._first: int = struct.unpack_from(self._word, head, 8 if self._big else 4)[0]

    def walk(self) -> Iterator[Numbers]:
        waiting, seen = deque([self._first]), {0}
        while waiting and len(seen) <= _MAX_DIRECTORIES:
            offset = waiting.popleft()
            if offset in seen:
                continue
            seen.add(offset)
            numbers, following = self._directory(offset)
            waiting += [*numbers.get(_SUB_DIRECTORIES, ()), following]
            yield numbers

    def _directory(self, offset: int) -> tuple[Numbers, int]:
        """Return one directory and the offset of the next; empty and 0 where the file has ended."""
        (count,) = self._unpack(self._count, offset, 1) or (0,)
        if not 0 < count <= _MAX_ENTRIES:
            return {}, 0
        start = offset + struct.calcsize(self._count)
        step = 20 if self._big else 12
        table = self._bytes(start, count * step)
        numbers = {}
        for at in range(0, len(table) - step + 1, step):
            tag, kind = struct.unpack_from(f"{self._order}HH", table, at)
            (length,) = struct.unpack_from(self._word, table, at + 4)
            field = table[at + step // 2 + 2 : at + step]
            if kind in _TYPES and 0 < length <= _MAX_VALUES:
                numbers[tag] = self._values(_TYPES[kind], length, field)
        (following,) = self._unpack(self._word, start + count * step, 1) or (0,)
        return {tag: values for tag, values in numbers.items() if values}, following

    def _values(self, code: str, count: int, field: bytes) -> tuple[int, ...]:
        if struct.calcsize(f"={count}{code}") <= len(field):
            return struct.unpack_from(f"{self._order}{count}{code}", field)
        self._room -= struct.calcsize(f"={count}{code}")
        if self._room < 0:
            return ()
        (offset,) = struct.unpack(self._word, field)
        return self._unpack(self._order + code, offset, count)

    def _unpack(self, layout: str, offset: int, count: int) -> tuple[int, ...]:
        """Return numbers that stand at an offset, none where the file has ended before."""
        layout = f"{layout[0]}{count}{layout[1]}"
        size = struct.calcsize(layout)
        data = self._bytes(offset, size)
        return struct.unpack(layout, data) if len(data) == size else ()

    def _bytes(self, offset: int, size: int) -> bytes:
        if offset >= 1 << 62:
            return b""
        self._file.seek(offset)
        return self._file.read(size)


def strips_of(numbers: Numbers) -> list[tuple[int, int]]:
    """Offset and length of every strip or tile of a directory."""
    offsets = numbers.get(OFFSETS) or numbers.get(_TILE_OFFSETS) or ()
    counts = numbers.get(COUNTS) or numbers.get(_TILE_COUNTS) or ()
    if offsets[:1] == (_ELSEWHERE,):
        offsets = numbers.get(_RAW_OFFSET, (0,))
    return list(zip(offsets, counts, strict=False))


def is_full_size(numbers: Numbers) -> bool:
    """Tell a directory of the picture itself from one of a preview."""
    return not numbers.get(_SUBFILE, (0,))[0] & _REDUCED


def _ends(file: BinaryIO, directories: list[Numbers]) -> Iterator[int]:
    """Yield where parts of a RAW must end."""
    for numbers in filter(is_full_size, directories):
        yield from (offset + count for offset, count in strips_of(numbers))
    file.seek(0)
    head = file.read(108)
    if head.startswith(b"FUJIFILMCCD-RAW") and len(head) == 108:
        # The preview, the header of the pixels, the pixels.
        offsets_and_lengths = struct.unpack_from(">6I", head, 84)
        yield from (sum(offsets_and_lengths[at : at + 2]) for at in (0, 2, 4))
    if head[4:8] == b"ftyp":
        yield from _box_ends(file)


def _box_ends(file: BinaryIO) -> Iterator[int]:
    """Yield where the outermost boxes of a file end, as far as it holds their headers."""
    at = 0
    while True:
        file.seek(at)
        head = file.read(16)
        if len(head) < 8:
            return
        (size,) = struct.unpack_from(">I", head)
        if size == 1 and len(head) == 16:
            (size,) = struct.unpack_from(">Q", head, 8)
        if size < 8:  # 0: up to the end of the file
            return
        at += size
        yield at


def _is_hollow(numbers: Numbers) -> bool:
    """Tell a directory that describes a picture in far fewer bytes than it can be in.

    Olympus says "uncompressed" of what it has compressed, so nothing is made of that.
    """
    width, height = (numbers.get(tag, (0,))[0] for tag in (WIDTH, HEIGHT))
    stored = 8 * sum(count for _, count in strips_of(numbers))
    return is_full_size(numbers) and 0 < stored < width * height * _LEAST_BITS


def _is_plain(numbers: Numbers) -> bool:
    """Tell a picture that is stored as it is and may be black at its end: no mosaic of a sensor."""
    photometric = numbers.get(PHOTOMETRIC, (0,))[0]
    return (
        is_full_size(numbers)
        and photometric in (_RGB, _LINEAR)
        and numbers.get(COMPRESSION, (_UNCOMPRESSED,)) == (_UNCOMPRESSED,)
    )


def _ends_empty(file: BinaryIO, size: int) -> bool:
    part = max(size // _EMPTY_PART, _LEAST_EMPTY)
    if part > size:
        return False
    file.seek(-part, os.SEEK_END)
    end = file.read(part)
    return not end.strip(b"\0") or not end.strip(b"\xff")  # of a disk, of a memory card
