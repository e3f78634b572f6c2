"""EXIF blocks: the user comment, and the tags that TIFF has for other blocks, set without moving anything else.

A camera's block is never rebuilt, because that moves its maker note, whose offsets then point nowhere: values are
appended, and pointers are patched. (piexif rebuilds, and loses the tags that it does not know.) Where there is no
block, piexif makes one.

Source: Exif 3.0 (CIPA DC-008), 4.6.6: UserComment is 8 bytes that name the characters, then the text.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import piexif

from gamutcli.containers import ifd
from gamutcli.errors import InputError

USER_COMMENT = 0x9286
XMP = 700
IPTC = 33723

_EXIF_IFD = (ifd.EXIF_POINTER,)
_EMPTY = b"MM\0*\0\0\0\0"


def make_block(image: Mapping[int, object], tags: Mapping[int, object]) -> bytes:
    """Return a new EXIF block, for a picture whose camera left none.

    Args:
        image: Tags of the picture itself, as `piexif.dump` takes them.
        tags: Tags of the Exif directory, of at most 4 bytes each.
    """
    block: bytes = piexif.dump({"0th": dict(image), "Exif": dict(tags)})
    # piexif leaves out the offset of a next directory, the last 4 bytes of this one; exiv2 complains without them.
    return block.removeprefix(b"Exif\0\0") + bytes(4)


def least_block() -> bytes:
    """Return the least EXIF block that every reader accepts; it says nothing but its version."""
    return make_block({}, {piexif.ExifIFD.ExifVersion: b"0232"})


def with_iptc(block: bytes | None, iptc: bytes) -> bytes:
    """Return the block with IPTC records in the tag that TIFF has for them, for formats without a place of their own.

    Args:
        block: A TIFF block; None starts a new one.
        iptc: IPTC-IIM records.
    """
    tiff = ifd.Tiff(block or _EMPTY)
    tiff.set((), IPTC, ifd.UNDEFINED, iptc)
    return bytes(tiff.data)


def order_of(block: bytes | None) -> ifd.ByteOrder:
    """Return the byte order of a block, that of a new one where there is none.

    Raises:
        InputError: The block has no header.
    """
    return ifd.Tiff(block or _EMPTY).order


def with_missing(block: bytes | None, image: ifd.Values, tags: ifd.Values) -> bytes | None:
    """Return the block with tags that it lacks; None, or the very same, where it lacks none.

    Args:
        block: A TIFF block; None starts a new one.
        image: Tags of the picture itself.
        tags: Tags of the Exif directory.

    Raises:
        InputError: The block cannot be read.
    """
    tiff = ifd.Tiff(block or _EMPTY)
    for path, values in (((), image), (_EXIF_IFD, tags)):
        directory = tiff.directory(path)
        missing = {tag: value for tag, value in values.items() if directory is None or directory.get(tag) is None}
        if missing:
            tiff.update(path, missing)
            block = b""
    return bytes(tiff.data) if block == b"" else block


def packet(block: bytes) -> bytes | None:
    """Return the XMP packet in the tag that TIFF has for it: some programs turn a TIFF's tags into EXIF as they are."""
    try:
        tiff = ifd.Tiff(block)
        directory = tiff.directory()
        entry = None if directory is None else directory.get(XMP)
        return None if entry is None else tiff.value(entry)
    except InputError:
        return None


def with_packet(block: bytes, packet: bytes | None) -> bytes:
    """Return the block with another packet in that tag; None removes it."""
    tiff = ifd.Tiff(block)
    if packet is None:
        tiff.remove((), XMP)
    else:
        tiff.set((), XMP, ifd.BYTE, packet)
    return bytes(tiff.data)


def comment(block: bytes) -> tuple[bytes, str]:
    """Return the user comment as stored, and the block's byte order, "<" or ">"; empty when there is no comment.

    Args:
        block: A TIFF block, or a whole TIFF file.

    Raises:
        InputError: The block cannot be read.
    """
    tiff = ifd.Tiff(block)
    directory = tiff.directory(_EXIF_IFD)
    entry = None if directory is None else directory.get(USER_COMMENT)
    return b"" if entry is None else tiff.value(entry), tiff.order


def with_comment(block: bytes, value: bytes | None) -> bytes:
    """Return the block with another user comment, 8 bytes that name the characters and the text; None removes it.

    Raises:
        InputError: The block cannot be read.
    """
    tiff = ifd.Tiff(block)
    if value is not None:
        tiff.set(_EXIF_IFD, USER_COMMENT, ifd.UNDEFINED, value)
        return bytes(tiff.data)
    tiff.remove(_EXIF_IFD, USER_COMMENT)
    directory = tiff.directory(_EXIF_IFD)
    if directory is not None and not directory.entries:
        tiff.remove((), ifd.EXIF_POINTER)
    return bytes(tiff.data)


def is_silent(block: bytes) -> bool:
    """Tell a block that says no more than `least_block`, wherever its directories stand."""
    said = _said(block)
    return said is not None and said == _said(least_block())


def without_thumbnail(block: bytes) -> bytes:
    """Return the block without its thumbnail, shorter when the thumbnail was the end of it.

    Returns:
        The block; the same one when it has no thumbnail or cannot be read.
    """
    try:
        tiff = ifd.Tiff(block)
        first = tiff.directory()
        thumbnail = None if first is None else tiff.following(first)
        if first is None or thumbnail is None:
            return block
        start = min(start for start, _ in _thumbnail_extents(tiff, thumbnail))
        end = max(end for _, end in _kept_extents(tiff))
        tiff.unlink(first)
    except InputError:
        return block
    return bytes(tiff.data[: max(start, end)]) if start >= end else bytes(tiff.data)


def _said(block: bytes) -> set[tuple[int, bytes]] | None:
    """Return all tags and values of a block, pointers left out; None when it cannot be read, or holds a thumbnail."""
    said: set[tuple[int, bytes]] = set()
    try:
        tiff = ifd.Tiff(block)
        first = tiff.directory()
        for directory in (first, tiff.directory(_EXIF_IFD), tiff.directory((ifd.GPS_POINTER,))):
            entries = () if directory is None else directory.entries
            if sum(entry.size for entry in entries) > len(block):
                return None  # values that overlap
            said |= {(entry.tag, tiff.value(entry)) for entry in entries if entry.tag != ifd.EXIF_POINTER}
    except InputError:
        return None
    return None if first is None or first.following else said


def _thumbnail_extents(tiff: ifd.Tiff, thumbnail: ifd.Directory) -> Iterator[tuple[int, int]]:
    yield from _extents(tiff, thumbnail)
    start, length = tiff.number(thumbnail, 0x0201), tiff.number(thumbnail, 0x0202)
    if start is not None and length is not None:
        yield start, start + length


def _kept_extents(tiff: ifd.Tiff) -> Iterator[tuple[int, int]]:
    paths = ((), _EXIF_IFD, (ifd.GPS_POINTER,), (*_EXIF_IFD, ifd.INTEROP_POINTER))
    for path in paths:
        directory = tiff.directory(path)
        if directory is not None:
            yield from _extents(tiff, directory)


def _extents(tiff: ifd.Tiff, directory: ifd.Directory) -> Iterator[tuple[int, int]]:
    yield directory.offset, directory.offset + directory.size
    yield from (extent for entry in directory.entries if (extent := tiff.extent(entry))[1])
