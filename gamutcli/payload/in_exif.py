"""The payload in EXIF blocks: a part at the end of the user comment.

Source: Exif 3.0 (CIPA DC-008), 4.6.6: UserComment is 8 bytes that name the characters, then the text.
"""

from __future__ import annotations

import re

from piexif.helper import UserComment

from gamutcli.containers import exif, reread
from gamutcli.errors import InputError
from gamutcli.payload.parts import MARK, body_room

_UNICODE = b"UNICODE\0"
# A part in any encoding of ASCII; `text_of` reads without NUL bytes.
_PART = re.compile(rb"\0*".join(re.escape(MARK[i : i + 1]) for i in range(len(MARK))) + rb"[A-Za-z0-9+/:=\s\0]*")
_CODECS = {"ascii": 1, "utf-16-le": 2, "utf-16-be": 2}  # with bytes a character


def text_of(block: bytes) -> bytes:
    """Return the user comment as ASCII where it is ASCII in any of its encodings; empty when there is none.

    A block that is damaged is searched as a whole, so that its parts are still found.
    """
    try:
        value, _ = exif.comment(block)
    except InputError:
        value = bytes(8) + block if MARK in block else b""
    return value[8:].replace(b"\0", b"")


def insert(block: bytes | None, line: bytes) -> bytes:
    """Return the block with a part in its user comment, behind what the comment says already.

    Args:
        block: A TIFF block without a part in it; None starts a new one.
        line: The part, ASCII.

    Raises:
        InputError: The block cannot be read, or its tags stand in each other's place, so that one would be lost.
    """
    block = block or exif.least_block()
    said, order = exif.comment(block)
    if not said[8:].strip(b"\0 "):
        value = UserComment.dump(line.decode(), UserComment.ASCII)
    elif said.startswith(_UNICODE):
        value = said + f"\n{line.decode()}".encode("utf-16-le" if order == "<" else "utf-16-be")
    else:
        value = said.rstrip(b"\0") + b"\n" + line
    filled = exif.with_comment(block, value)
    if not reread.same_but_comment(block, filled):
        raise InputError("the EXIF block cannot take a comment without losing another tag")
    return filled


def room(block: bytes | None, limit: int) -> int:
    """Return how many bytes of payload fit the user comment when the block may grow to `limit` bytes."""
    try:
        characters = limit - len(insert(block, b""))
        wide = block is not None and exif.comment(block)[0].startswith(_UNICODE)
    except InputError:
        return 0
    return body_room(characters // 2 if wide else characters)


def remove(block: bytes) -> bytes | None:
    """Return the block without our part, or None when nothing else was in it.

    In a block that is damaged, the part is blanked where it stands.
    """
    if MARK not in text_of(block):
        return None if exif.is_silent(block) else block
    try:
        value = _without_part(exif.comment(block)[0])
        rest = exif.with_comment(block, value if value[8:].strip(b"\0 ") else None)
    except InputError:
        return _blank(block)
    if MARK in text_of(rest):
        return _blank(rest)
    return None if exif.is_silent(rest) else rest


def _without_part(value: bytes) -> bytes:
    """Cut a user comment where our part begins; it is always last."""
    for codec, width in _CODECS.items():
        mark = re.escape(MARK.decode().encode(codec))
        for match in re.finditer(b"(?s)(?=" + mark + b")", value[8:]):
            if match.start() % width == 0:
                return value[: 8 + match.start()].removesuffix("\n".encode(codec))
    return value


def _blank(block: bytes) -> bytes:
    """Return the block with every part overwritten by spaces, nothing moved."""
    return _PART.sub(lambda match: b" " * len(match[0]), block)
