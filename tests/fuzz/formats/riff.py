"""WebP: chunks of RIFF, whose lengths are right."""

from __future__ import annotations

import struct
from random import Random

from tests.fuzz.chance import near, odd_number
from tests.fuzz.formats.pieces import Format, Inside, Piece, scrambled_piece

_KINDS = (b"VP8 ", b"VP8L", b"VP8X", b"EXIF", b"XMP ", b"ICCP", b"ALPH", b"ANIM", b"ANMF", b"zzzz")
_CONTENT = {b"EXIF": "exif", b"XMP ": "xmp", b"ICCP": "icc"}


def split(data: bytes) -> list[Piece]:
    pieces, at = [], 12
    while at + 8 <= len(data):
        kind, length = struct.unpack_from("<4sI", data, at)
        pieces.append(Piece(kind, data[at + 8 : at + 8 + length]))
        at += 8 + length + length % 2
    return pieces


def join(pieces: list[Piece]) -> bytes:
    chunks = b"".join(
        piece.kind + struct.pack("<I", len(piece.body)) + piece.body + bytes(len(piece.body) % 2) for piece in pieces
    )
    return b"RIFF" + struct.pack("<I", len(chunks) + 4) + b"WEBP" + chunks


def inside(piece: Piece) -> Inside | None:
    name = _CONTENT.get(piece.kind)
    return None if name is None else Inside(name, piece.body, lambda content: Piece(piece.kind, content))


def change(chance: Random, piece: Piece) -> Piece:
    if piece.kind == b"VP8X" and len(piece.body) == 10 and chance.random() < 0.8:
        width, height = (int.from_bytes(piece.body[at : at + 3], "little") for at in (4, 7))
        width, height = (near(chance, side, 24) if chance.random() < 0.4 else side for side in (width, height))
        flags = bytes([odd_number(chance, 8)]) if chance.random() < 0.6 else piece.body[:1]
        return Piece(b"VP8X", flags + bytes(3) + width.to_bytes(3, "little") + height.to_bytes(3, "little"))
    if chance.random() < 0.15:
        return Piece(chance.choice(_KINDS), piece.body)
    return scrambled_piece(chance, piece, same_length=piece.kind in (b"VP8 ", b"VP8L") and chance.random() < 0.6)


def make(chance: Random) -> Piece:
    return Piece(chance.choice(_KINDS), chance.randbytes(chance.choice((0, 1, 6, 10, 16, 300))))


def wrap(name: str, content: bytes, chance: Random) -> Piece:
    body = b"Exif\0\0" + content if name == "exif" and chance.random() < 0.3 else content
    return Piece(next(kind for kind, held in _CONTENT.items() if held == name), body)


WEBP = Format(split, join, inside, change, make, wrap)
