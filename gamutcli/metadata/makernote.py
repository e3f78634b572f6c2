"""Maker notes: where a camera's own directory has to stand in another file, and how one is moved.

A note that counts its offsets from its own start, or holds none, can stand anywhere. Most count from the TIFF header of
the file: they keep their place, and the rest of the EXIF is laid out around them. Where that place is too far away for
an EXIF block, the offsets of notes whose layout is known are counted anew; the others are left out, and that is said.

Source: what exiftool (MakerNotes.pm) and exiv2 (makernote documentation) say of each maker's note.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, replace

from gamutcli.containers.ifd import ByteOrder
from gamutcli.metadata.ifd import FIELD_SIZES, MAKER_NOTE, UNDEFINED, Directories, Entry, lay_out

TOO_LARGE = "the EXIF data exceed one segment, left out: the maker note"
_UNMOVABLE = "the camera's maker note was left out: its values are found by where it stood in the source, byte {:,}"

# Beginnings of notes that say all by themselves: offsets from their own start, or text.
_FREE = (
    *(b"Nikon\0\2", b"OLYMPUS\0", b"OM SYSTEM\0", b"FUJIFILM", b"PENTAX \0", b"Apple iOS\0"),
    *(b"[ae_dbg_info:", b"Rev", b"Rv", b"HDRP"),
)
# Beginning -> where the directory starts in a note that counts from the TIFF header.
_HEADS = {
    b"SONY DSC \0": 12,
    b"SONY CAM \0": 12,
    b"SONY MOBILE\0": 12,
    b"\0\0SONY PIC\0": 12,
    b"VHAB     \0": 12,
    b"Panasonic\0": 12,
    b"SIGMA\0\0\0": 10,
    b"FOVEON\0\0": 10,
    b"OLYMP\0": 8,
    b"EPSON\0": 8,
    b"MINOL\0": 8,
    b"SANYO\0": 8,
    b"Ricoh\0": 8,
    b"RICOH\0": 8,
    b"Nikon\0\1": 8,
    b"AOC\0": 6,
    b"QVC\0": 6,
}
# Makers whose notes are directories from their first byte on.
_BARE = (b"canon", b"minolta", b"konica minolta", b"sony", b"nikon", b"casio")
# Tags that hold further directories, whose offsets are not followed here: Olympus, Ricoh, Nikon, Sony's A100.
_NESTED = {
    b"OLYMP\0": frozenset({0x2010, 0x2020, 0x2030, 0x2031, 0x2040, 0x2050, 0x3000, 0x4000, 0x5000}),
    b"Ricoh\0": frozenset({0x2001}),
    b"RICOH\0": frozenset({0x2001}),
    b"Nikon\0\1": frozenset({0x0011, 0x0E10}),
    b"SONY DSC \0": frozenset({0xB028}),
}
_MAX_ENTRIES = 512
_DNG_PRIVATE_DATA = 0xC634
_FOOTER = 8  # of Canon's notes: a TIFF mark, and where the note stood


def settle(directories: Directories, limit: int) -> tuple[Directories, tuple[str, ...]]:
    """Give the maker note a place at which its offsets hold.

    Args:
        directories: As read; the note's place is the one that it had.
        limit: Bytes of the EXIF block that they go into.

    Returns:
        The same with the note at its old place, at another one with its offsets counted anew, or without it; and what
        to tell the user of that.
    """
    note = directories.exif.get(MAKER_NOTE)
    if note is None or note.place is None:
        return directories, ()
    if note.data.startswith(_FREE):
        return _with_note(directories, replace(note, place=None)), ()
    if lay_out(directories, 8).end <= limit:
        return directories, ()
    place = lay_out(_with_note(directories, Entry(note.kind, 4, bytes(4))), 8).end
    if place + len(note.data) > limit:
        return _with_note(directories, None), (TOO_LARGE,)
    maker = directories.image.get(0x010F)
    moved = _move(note.data, maker.data if maker else b"", note.place, place, directories.order)
    if moved is None:
        return _with_note(directories, None), (_UNMOVABLE.format(note.place),)
    return _with_note(directories, Entry(note.kind, len(moved), moved, place)), ()


def from_dng(directories: Directories) -> Directories:
    """Put a maker note back to where cameras have it; Adobe's converter keeps it in a tag of its own, with its place.

    Source: Adobe DNG specification 1.4, tag DNGPrivateData; exiftool's DNG.pm on the block "MakN".
    """
    kept = directories.image.get(_DNG_PRIVATE_DATA)
    if kept is None or not kept.data.startswith(b"Adobe\0") or MAKER_NOTE in directories.exif:
        return directories
    at = 6
    while at + 8 <= len(kept.data):
        kind, size = struct.unpack_from(">4sI", kept.data, at)
        block = kept.data[at + 8 : at + 8 + size]
        is_of_this_order = block[:2] == (b"II" if directories.order == "<" else b"MM")
        if kind == b"MakN" and size > 10 and len(block) == size and (is_of_this_order or block[6:].startswith(_FREE)):
            place = int.from_bytes(block[2:6], "big")
            return _with_note(directories, Entry(UNDEFINED, size - 6, block[6:], max(place, 8)))
        at += 8 + size + size % 2
    return directories


def _with_note(directories: Directories, note: Entry | None) -> Directories:
    rest = {tag: item for tag, item in directories.exif.items() if tag != MAKER_NOTE}
    return replace(directories, exif=rest if note is None else {**rest, MAKER_NOTE: note})


@dataclass(frozen=True)
class _Table:
    """A note's directory: its byte order, where it starts and ends, and where values stand that it points to."""

    order: ByteOrder
    start: int
    end: int
    values: tuple[tuple[int, int, int], ...]  # position of the offset in the note, the offset, the value's size
    tags: frozenset[int]


def _move(note: bytes, maker: bytes, old: int, new: int, order: ByteOrder) -> bytes | None:
    """Return a note with its offsets counted anew; None where that is not known to be right."""
    head = next((head for head in _HEADS if note.startswith(head)), None)
    if head is None and not maker.lower().startswith(_BARE):
        return None
    start = 0 if head is None else _HEADS[head]
    for base in (old, *_old_place(note)):
        for table in _tables(note, start, order):
            # Offsets that all lead into the note show that they are counted from here.
            if all(table.end <= at - base and at - base + size <= len(note) for _, at, size in table.values):
                nested = _NESTED.get(head or b"", frozenset())
                return None if nested & table.tags else _patch(note, table, new - base, new)
    return None


def _old_place(note: bytes) -> Iterator[int]:
    """Yield where a Canon note stood when its camera wrote it, which its last bytes say."""
    mark = note[-_FOOTER:-4]
    if mark in (b"II*\0", b"MM\0*"):
        yield int.from_bytes(note[-4:], "little" if mark == b"II*\0" else "big")


def _tables(note: bytes, start: int, order: ByteOrder) -> Iterator[_Table]:
    """Yield the note's directory as read in the byte order of the block, and in the other, where that makes sense."""
    orders: tuple[ByteOrder, ByteOrder] = (order, ">" if order == "<" else "<")
    for each in orders:
        if start + 2 > len(note):
            return
        (count,) = struct.unpack_from(f"{each}H", note, start)
        end = start + 2 + 12 * count
        if not 0 < count <= _MAX_ENTRIES or end > len(note):
            continue
        rows = list(struct.iter_unpack(f"{each}HHII", note[start + 2 : end]))
        if not all(kind in FIELD_SIZES for _, kind, _, _ in rows):
            continue
        values = tuple(
            (start + 2 + 12 * number + 8, at, FIELD_SIZES[kind] * size)
            for number, (_, kind, size, at) in enumerate(rows)
            if FIELD_SIZES[kind] * size > 4
        )
        yield _Table(each, start, end, values, frozenset(row[0] for row in rows))


def _patch(note: bytes, table: _Table, shift: int, place: int) -> bytes:
    patched = bytearray(note)
    for position, at, _ in table.values:
        struct.pack_into(f"{table.order}I", patched, position, at + shift)
    for _ in _old_place(note):
        struct.pack_into("<I" if note[-_FOOTER:-4] == b"II*\0" else ">I", patched, len(note) - 4, place)
    return bytes(patched)
