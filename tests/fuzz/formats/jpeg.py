"""JPEG: segments with right lengths, then scans."""

from __future__ import annotations

import hashlib
import struct
from random import Random

from tests.fuzz.chance import near, odd_number, scrambled
from tests.fuzz.formats.pieces import Format, Inside, Piece, scrambled_piece

_EXIF, _XMP, _MORE_XMP = b"Exif\0\0", b"http://ns.adobe.com/xap/1.0/\0", b"http://ns.adobe.com/xmp/extension/\0"
_ICC = b"ICC_PROFILE\0"
_MARKERS = bytes((0xE0, 0xE1, 0xE1, 0xE2, 0xED, 0xEE, 0xC0, 0xC2, 0xC3, 0xC4, 0xDB, 0xDD, 0xDA, 0xFE, 0xD8, 0xD9, 0x01))
_MOST = 65533
#: The kind of what follows the first start of a scan: all that is not looked into.
_REST = b"rest"


def split(data: bytes) -> list[Piece]:
    pieces, at = [], 2
    while at + 4 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        (length,) = struct.unpack_from(">H", data, at + 2)
        pieces.append(Piece(bytes([marker]), data[at + 4 : at + 2 + length]))
        at += 2 + length
        if marker == 0xDA:
            break
    return [*pieces, Piece(_REST, data[at:])]


def join(pieces: list[Piece]) -> bytes:
    return b"\xff\xd8" + b"".join(
        piece.body if piece.kind == _REST else _segment(piece.kind, piece.body) for piece in pieces
    )


def inside(piece: Piece) -> Inside | None:
    for name, head in (("exif", _EXIF), ("xmp", _XMP), ("icc", _ICC + b"\1\1")):
        if piece.body.startswith(head):
            return Inside(name, piece.body[len(head) :], lambda content, head=head: Piece(piece.kind, head + content))
    return None


def change(chance: Random, piece: Piece) -> Piece:
    if piece.kind[0] in (0xC0, 0xC2) and len(piece.body) > 6 and chance.random() < 0.7:
        depth, height, width, channels = struct.unpack_from(">BHHB", piece.body)
        height, width = (near(chance, side, 16) if chance.random() < 0.5 else side for side in (height, width))
        depth = chance.choice((8, 8, 8, 12, 16, 0))
        return Piece(piece.kind, struct.pack(">BHHB", depth, height, width, channels) + piece.body[6:])
    if piece.kind == _REST:
        return scrambled_piece(chance, piece, same_length=chance.random() < 0.6)
    if chance.random() < 0.15:
        return Piece(bytes([chance.choice(_MARKERS)]), piece.body)
    return scrambled_piece(chance, piece)


def make(chance: Random) -> Piece:
    heads = (_EXIF, _XMP, _MORE_XMP + b"0123456789ABCDEF" * 2 + bytes(8), _ICC + b"\1\2", b"MPF\0", b"Photoshop 3.0\0")
    head = chance.choice((*heads, b"", b"JFIF\0", b"Adobe"))
    return Piece(bytes([chance.choice(_MARKERS)]), head + chance.randbytes(chance.choice((0, 1, 12, 300))))


def wrap(name: str, content: bytes, chance: Random) -> Piece:
    if name == "exif":
        return Piece(b"\xe1", _EXIF + content)
    if name == "icc":
        return Piece(b"\xe2", _ICC + bytes(chance.choice(((1, 1), (1, 1), (1, 2), (2, 2), (0, 0)))) + content)
    if chance.random() < 0.3:  # as an extension, whose digest is right or not
        digest = hashlib.md5(content, usedforsecurity=False).hexdigest().upper().encode()
        digest = scrambled(chance, digest) if chance.random() < 0.2 else digest
        size = near(chance, len(content), 32) if chance.random() < 0.3 else len(content)
        start = odd_number(chance, 32) if chance.random() < 0.2 else 0
        return Piece(b"\xe1", _MORE_XMP + digest + struct.pack(">II", size, start) + content)
    return Piece(b"\xe1", _XMP + content)


def _segment(marker: bytes, body: bytes) -> bytes:
    body = body[:_MOST]
    return b"\xff" + marker + struct.pack(">H", len(body) + 2) + body


JPEG = Format(split, join, inside, change, make, wrap)
