"""TIFF: XMP in tag 700, EXIF as directories of the file itself.

Strips and tiles are found by absolute offsets, so they stay where they are: a new directory and new values are
appended. Only the first picture of a file is looked at.

Source: TIFF 6.0; XMP specification part 3, 1.1.8; Exif 3.0 (CIPA DC-008), 4.6.3.
"""

from __future__ import annotations

import struct

from gamutcli.containers import ifd
from gamutcli.containers.blocks import Blocks, Written
from gamutcli.errors import InputError

NOTE_LEFT_OUT = "the camera's maker note was left out: the file has no room for it where its offsets hold"

_XMP_TAG, _IPTC_TAG = 700, 33723
_BITS_PER_SAMPLE, _STRIP_OFFSETS, _STRIP_SIZES, _SUB_DIRECTORIES = 258, 273, 279, 330

#: Tags of TIFF 6.0 that describe a photograph; the others below 700 say how its own pixels are stored. What exiv2
#: processed it with, names of document and page, description, make, model, orientation, resolution (x, y, unit),
#: software, date and time, artist, host computer.
DESCRIPTIVE = frozenset({11, 269, 270, 271, 272, 274, 282, 283, 285, 296, 305, 306, 315, 316})
# Later ones that belong to the file: XMP, IPTC, ICC profile, Photoshop's layers, pointers.
_OF_THE_FILE = frozenset({_XMP_TAG, _IPTC_TAG, 34675, 37724, ifd.EXIF_POINTER, ifd.GPS_POINTER})


def recognises(data: bytes) -> bool:
    """Tell whether this is a TIFF or BigTIFF file."""
    return data.startswith((b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"))


def read(data: bytes) -> Blocks:
    """Return the XMP packet of a file; its EXIF is its own directories, which are no block.

    Raises:
        InputError: Damaged, or without a picture.
    """
    return Blocks(xmp=_packets(ifd.Tiff(data)))


def write(data: bytes, blocks: Blocks) -> Written:
    """Return the file with this packet and no other; the tags of EXIF blocks are copied into its own directories.

    Raises:
        InputError: Damaged, or without a picture.
    """
    tiff = ifd.Tiff(data)
    current = _packets(tiff)
    notes: tuple[str, ...] = ()
    for block in blocks.exif:
        source = ifd.Tiff(block)
        roomy = _with_room(tiff, source)
        if roomy is None:
            notes = (NOTE_LEFT_OUT,)
        tiff = roomy or tiff
        _copy_exif(source, tiff, with_note=roomy is not None)
    if blocks.iptc is not None:
        tiff.set((), _IPTC_TAG, ifd.UNDEFINED, blocks.iptc)
    # What is set last ends the file, where it can be cut off again.
    if not blocks.xmp:
        tiff.remove((), _XMP_TAG)
    elif blocks.xmp[:1] != current:
        tiff.set((), _XMP_TAG, ifd.BYTE, blocks.xmp[0])
    return Written(bytes(tiff.data), notes)


def _packets(tiff: ifd.Tiff) -> tuple[bytes, ...]:
    directory = tiff.directory()
    if directory is None:
        raise InputError("the TIFF file holds no picture")
    entry = directory.get(_XMP_TAG)
    return () if entry is None else (tiff.value(entry),)


def _copy_exif(source: ifd.Tiff, target: ifd.Tiff, *, with_note: bool) -> None:
    """Copy a camera's tags into a file: those of its first directory that describe, and all of Exif and GPS."""
    for path in ((), (ifd.EXIF_POINTER,), (ifd.GPS_POINTER,)):
        directory = source.directory(path)
        entries = () if directory is None else directory.entries
        values = {
            entry.tag: (entry.type, source.value_in_order(entry, target.order))
            for entry in entries
            if entry.size and (_describes(entry.tag) if not path else entry.tag != ifd.INTEROP_POINTER)
        }
        places = {entry.tag: source.extent(entry)[0] for entry in entries if entry.tag == ifd.MAKER_NOTE}
        if not with_note:
            values.pop(ifd.MAKER_NOTE, None)
        if values:
            target.update(path, values, places)


def _with_room(target: ifd.Tiff, source: ifd.Tiff) -> ifd.Tiff | None:
    """Return a file with a camera's maker note at its place, and in its byte order; its pixels stand behind.

    A note's offsets are counted from the header, so it has to stand where it stood, and its numbers, as those in other
    values without a type, are read in the order of the file. That is done for a plain file, as encoders write it.

    Returns:
        The file, the same one where there are no such values; None where it cannot be laid out anew.
    """
    directory = source.directory((ifd.EXIF_POINTER,))
    entries = () if directory is None else directory.entries
    note = next((entry for entry in entries if entry.tag == ifd.MAKER_NOTE and source.extent(entry)[1]), None)
    ordered = any(entry.type == ifd.UNDEFINED and entry.size > 4 for entry in entries)
    if note is None and (target.order == source.order or not ordered):
        return target
    old = target.directory()
    if old is None or not _is_plain(target, old):
        return None if note else target
    data = bytearray(source.data[:4]) + bytes(4)
    if note is not None:
        start, end = source.extent(note)
        data += bytes(max(0, end - len(data)))
        data[start:end] = source.value(note)
    offsets = []
    for at, size in zip(target.numbers(old, _STRIP_OFFSETS), target.numbers(old, _STRIP_SIZES), strict=True):
        data += bytes(len(data) % 2)
        offsets.append(len(data))
        data += target.data[at : at + size]
    roomy = ifd.Tiff(data)
    values = {entry.tag: (entry.type, target.value_in_order(entry, roomy.order)) for entry in old.entries if entry.size}
    values[_STRIP_OFFSETS] = (ifd.LONG, struct.pack(f"{roomy.order}{len(offsets)}I", *offsets))
    roomy.update((), values)
    return roomy


def _is_plain(tiff: ifd.Tiff, directory: ifd.Directory) -> bool:
    """Tell whether a file holds one picture of 8 bits in strips, and nothing that is found by other offsets."""
    return (
        tiff.width == 4
        and not directory.following
        and set(tiff.numbers(directory, _BITS_PER_SAMPLE)) == {8}
        and 0 < len(tiff.numbers(directory, _STRIP_OFFSETS)) == len(tiff.numbers(directory, _STRIP_SIZES))
        and sum(tiff.numbers(directory, _STRIP_SIZES)) < len(tiff.data)
        and not any(directory.get(tag) for tag in (_SUB_DIRECTORIES, ifd.EXIF_POINTER, ifd.GPS_POINTER))
    )


def _describes(tag: int) -> bool:
    return tag in DESCRIPTIVE or (tag >= 700 and tag not in _OF_THE_FILE)
