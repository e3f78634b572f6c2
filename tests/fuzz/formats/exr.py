"""OpenEXR: attributes of the header with right sizes; the table of offsets moves with them."""

from __future__ import annotations

import struct
from random import Random

from tests.fuzz.chance import near, odd_number, scrambled
from tests.fuzz.formats.pieces import Format, Inside, Piece, scrambled_piece

_HEAD, _REST = b"head", b"rest"
_NAMES = (b"channels", b"chromaticities", b"compression", b"dataWindow", b"displayWindow", b"lineOrder", b"tiles")
_KINDS = (b"chlist", b"chromaticities", b"compression", b"box2i", b"float", b"string", b"tiledesc", b"v2f", b"preview")


def split(data: bytes) -> list[Piece]:
    pieces, at = [Piece(_HEAD, data[:8])], 8
    while data[at]:
        name_end = data.index(b"\0", at) + 1
        kind_end = data.index(b"\0", name_end) + 1
        (size,) = struct.unpack_from("<I", data, kind_end)
        pieces.append(Piece(data[at:kind_end], data[kind_end + 4 : kind_end + 4 + size]))
        at = kind_end + 4 + size
    return [*pieces, Piece(_REST + struct.pack("<I", at + 1), data[at + 1 :])]


def join(pieces: list[Piece]) -> bytes:
    head = b"".join(piece.body for piece in pieces if piece.kind == _HEAD)
    rows = [piece for piece in pieces if piece.kind != _HEAD and not piece.kind.startswith(_REST)]
    head += b"".join(row.kind + struct.pack("<I", len(row.body)) + row.body for row in rows) + b"\0"
    return head + b"".join(_moved(piece, len(head)) for piece in pieces if piece.kind.startswith(_REST))


def _moved(rest: Piece, start: int) -> bytes:
    """The table of offsets, each moved as far as the header has grown, and what follows."""
    was = int.from_bytes(rest.kind[len(_REST) :], "little")
    body, at, before = bytearray(rest.body), 0, was
    while at + 8 <= len(body):
        (offset,) = struct.unpack_from("<Q", body, at)
        if not before < offset < was + len(body):
            break
        struct.pack_into("<Q", body, at, offset + start - was)
        at, before = at + 8, offset
    return bytes(body)


def inside(piece: Piece) -> Inside | None:
    return None


def change(chance: Random, piece: Piece) -> Piece:
    if piece.kind.startswith(_REST):
        return scrambled_piece(chance, piece, same_length=chance.random() < 0.7)
    if piece.kind.endswith(b"box2i\0") and len(piece.body) == 16:
        numbers = [
            near(chance, side, 31) if chance.random() < 0.4 else side for side in struct.unpack("<4i", piece.body)
        ]
        return Piece(piece.kind, struct.pack("<4i", *numbers))
    if piece.kind != _HEAD and chance.random() < 0.2:
        return Piece(chance.choice(_NAMES) + b"\0" + chance.choice(_KINDS) + b"\0", piece.body)
    return Piece(piece.kind, scrambled(chance, piece.body, same_length=chance.random() < 0.7))


def make(chance: Random) -> Piece:
    kind = chance.choice(_NAMES) + b"\0" + chance.choice(_KINDS) + b"\0"
    return Piece(kind, struct.pack("<I", odd_number(chance, 32)) * chance.choice((0, 1, 4, 8)))


def wrap(name: str, content: bytes, chance: Random) -> Piece:
    return Piece(name.encode() + b"\0string\0", content)


EXR = Format(split, join, inside, change, make, wrap)
