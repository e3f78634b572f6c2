"""EXIF blocks: the payload's text in the user comment.

A camera's block is never rebuilt, because that moves its maker note, whose offsets then point nowhere: the comment is
appended, and pointers are patched. (piexif rebuilds, and loses the tags that it does not know.) Where there is no
block, piexif makes one; and it reads a camera's block before and after, so that no tag is lost to our surgery.

Source: Exif 3.0 (CIPA DC-008), 4.6.6: UserComment is 8 bytes that name the characters, then the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import piexif
from piexif.helper import UserComment

from gamutcli.carriers import ifd, reread
from gamutcli.carriers.parts import MARK, body_room
from gamutcli.errors import InputError

USER_COMMENT = 0x9286
XMP = 700
IPTC = 33723

_EXIF_IFD = (ifd.EXIF_POINTER,)
_EMPTY = b"MM\0*\0\0\0\0"
_UNICODE = b"UNICODE\0"
# A part in any encoding of ASCII; `comment` reads without NUL bytes.
_PART = re.compile(rb"\0*".join(re.escape(MARK[i : i + 1]) for i in range(len(MARK))) + rb"[A-Za-z0-9+/:=\s\0]*")
_CODECS = {"ascii": 1, "utf-16-le": 2, "utf-16-be": 2}  # with bytes a character


def made(image: Mapping[int, object], tags: Mapping[int, object]) -> bytes:
    """Return a new EXIF block, for a picture whose camera left none.

    Args:
        image: Tags of the picture itself, as `piexif.dump` takes them.
        tags: Tags of the Exif directory, of at most 4 bytes each.
    """
    block: bytes = piexif.dump({"0th": dict(image), "Exif": dict(tags)})
    # piexif leaves out the offset of a next directory, the last 4 bytes of this one; exiv2 complains without them.
    return block.removeprefix(b"Exif\0\0") + bytes(4)


def small() -> bytes:
    """Return the least EXIF block that every reader accepts; it says nothing but its version."""
    return made({}, {piexif.ExifIFD.ExifVersion: b"0232"})


def with_iptc(block: bytes | None, iptc: bytes) -> bytes:
    """Return the block with IPTC records in the tag that TIFF has for them, for formats without a place of their own.

    Args:
        block: A TIFF block; None starts a new one.
        iptc: IPTC-IIM records.
    """
    tiff = ifd.Tiff(block or _EMPTY)
    tiff.set((), IPTC, ifd.UNDEFINED, iptc)
    return bytes(tiff.data)


def comment(block: bytes) -> bytes:
    """Return the user comment as ASCII where it is ASCII in any of its encodings; empty when there is none.

    A block that is damaged is searched as a whole, so that its parts are still found.
    """
    try:
        tiff = ifd.Tiff(block)
        value = _comment_value(tiff)
    except InputError:
        value = bytes(8) + block if MARK in block else b""
    return value[8:].replace(b"\0", b"")


def packet(block: bytes) -> bytes | None:
    """Return the XMP packet in the tag that TIFF has for it: some programs turn a TIFF's tags into EXIF as they are."""
    try:
        tiff = ifd.Tiff(block)
        directory = tiff.directory()
        entry = None if directory is None else directory.get(XMP)
        return None if entry is None else tiff.value(entry)
    except InputError:
        return None


def with_packet(block: bytes, rest: bytes | None) -> bytes:
    """Return the block with another packet in that tag; None removes it."""
    tiff = ifd.Tiff(block)
    if rest is None:
        tiff.remove((), XMP)
    else:
        tiff.set((), XMP, ifd.BYTE, rest)
    return bytes(tiff.data)


def insert(block: bytes | None, line: bytes) -> bytes:
    """Return the block with a part in its user comment, behind what the comment says already.

    Args:
        block: A TIFF block without a part in it; None starts a new one.
        line: The part, ASCII.

    Raises:
        InputError: The block cannot be read, or its tags stand in each other's place, so that one would be lost.
    """
    before = block or small()
    tiff = ifd.Tiff(before)
    said = _comment_value(tiff)
    if not said[8:].strip(b"\0 "):
        value = UserComment.dump(line.decode(), UserComment.ASCII)
    elif said.startswith(_UNICODE):
        value = said + f"\n{line.decode()}".encode("utf-16-le" if tiff.order == "<" else "utf-16-be")
    else:
        value = said.rstrip(b"\0") + b"\n" + line
    tiff.set(_EXIF_IFD, USER_COMMENT, ifd.UNDEFINED, value)
    filled = bytes(tiff.data)
    if not reread.same_but_comment(before, filled):
        raise InputError("the EXIF block cannot take a comment without losing another tag")
    return filled


def room(block: bytes | None, limit: int) -> int:
    """Return how many bytes of payload fit the user comment when the block may grow to `limit` bytes."""
    try:
        characters = limit - len(insert(block, b""))
        wide = block is not None and _comment_value(ifd.Tiff(block)).startswith(_UNICODE)
    except InputError:
        return 0
    return body_room(characters // 2 if wide else characters)


def remove(block: bytes) -> bytes | None:
    """Return the block without our part, or None when nothing else was in it.

    In a block that is damaged, the part is blanked where it stands.
    """
    if MARK not in comment(block):
        return None if _says_nothing(block) else block
    try:
        tiff = ifd.Tiff(block)
        value = _without_part(_comment_value(tiff))
        if value[8:].strip(b"\0 "):
            tiff.set(_EXIF_IFD, USER_COMMENT, ifd.UNDEFINED, value)
        else:
            tiff.remove(_EXIF_IFD, USER_COMMENT)
            directory = tiff.directory(_EXIF_IFD)
            if directory is not None and not directory.entries:
                tiff.remove((), ifd.EXIF_POINTER)
        rest = bytes(tiff.data)
    except InputError:
        return _blanked(block)
    if MARK in comment(rest):
        return _blanked(rest)
    return None if _says_nothing(rest) else rest


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


def _comment_value(tiff: ifd.Tiff) -> bytes:
    directory = tiff.directory(_EXIF_IFD)
    entry = None if directory is None else directory.get(USER_COMMENT)
    return b"" if entry is None else tiff.value(entry)


def _without_part(value: bytes) -> bytes:
    """Cut a user comment where our part begins; it is always last."""
    for codec, width in _CODECS.items():
        mark = re.escape(MARK.decode().encode(codec))
        for match in re.finditer(b"(?s)(?=" + mark + b")", value[8:]):
            if match.start() % width == 0:
                return value[: 8 + match.start()].removesuffix("\n".encode(codec))
    return value


def _blanked(block: bytes) -> bytes:
    """Return the block with every part overwritten by spaces, nothing moved."""
    return _PART.sub(lambda match: b" " * len(match[0]), block)


def _says_nothing(block: bytes) -> bool:
    """Tell whether a block says what `small` says, however it is laid out."""
    try:
        return _said(ifd.Tiff(block)) == _said(ifd.Tiff(small()))
    except InputError:
        return False


def _said(tiff: ifd.Tiff) -> set[tuple[int, bytes]]:
    """Return all tags and values of a block, pointers left out, or something unequal to anything when it is odd."""
    said: set[tuple[int, bytes]] = set()
    try:
        first = tiff.directory()
        for directory in (first, tiff.directory(_EXIF_IFD), tiff.directory((ifd.GPS_POINTER,))):
            entries = () if directory is None else directory.entries
            said |= {(entry.tag, tiff.value(entry)) for entry in entries if entry.tag != ifd.EXIF_POINTER}
        if first is None or first.following:
            said.add((-1, b""))
    except InputError:
        said.add((-1, b""))
    return said


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
