"""PNG: chunks with right lengths and CRCs."""

from __future__ import annotations

import struct
import zlib
from random import Random

from tests.fuzz.chance import odd_number, scrambled
from tests.fuzz.formats.pieces import Format, Inside, Piece, scrambled_piece

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_XMP = b"XML:com.adobe.xmp"
_KINDS = (b"tEXt", b"zTXt", b"iTXt", b"eXIf", b"iCCP", b"tRNS", b"PLTE", b"gAMA", b"cHRM", b"sRGB", b"cICP", b"acTL")
_MORE_KINDS = (b"fcTL", b"fdAT", b"IDAT", b"IEND", b"IHDR", b"sBIT", b"bKGD", b"pHYs", b"caBX", b"zzZz")


def split(data: bytes) -> list[Piece]:
    pieces, at = [], len(SIGNATURE)
    while at + 12 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        pieces.append(Piece(kind, data[at + 8 : at + 8 + length]))
        at += 12 + length
    return pieces


def join(pieces: list[Piece]) -> bytes:
    chunks = (
        struct.pack(">I", len(piece.body))
        + piece.kind
        + piece.body
        + struct.pack(">I", zlib.crc32(piece.kind + piece.body))
        for piece in pieces
    )
    return SIGNATURE + b"".join(chunks)


def inside(piece: Piece) -> Inside | None:
    if piece.kind == b"eXIf":
        return Inside("exif", piece.body, lambda content: Piece(b"eXIf", content))
    if piece.kind == b"iTXt" and piece.body.startswith(_XMP + b"\0\0"):
        head = _XMP + bytes(5)
        return Inside("xmp", piece.body[len(head) :], lambda content: Piece(b"iTXt", head + content))
    if piece.kind == b"iCCP":
        name, _, rest = piece.body.partition(b"\0")
        content = _inflated(rest[1:])
        return Inside("icc", content, lambda content: Piece(b"iCCP", name + b"\0\0" + zlib.compress(content)))
    return None


def change(chance: Random, piece: Piece) -> Piece:
    if piece.kind == b"IHDR" and len(piece.body) == 13:
        width, height, *kinds = struct.unpack(">II5B", piece.body)
        sides = [odd_number(chance, 32) if chance.random() < 0.4 else side for side in (width, height)]
        kinds = [chance.choice((0, 1, 2, 3, 4, 6, 8, 16)) if chance.random() < 0.3 else kind for kind in kinds]
        return Piece(b"IHDR", struct.pack(">II5B", *sides, *kinds))
    if piece.kind == b"IDAT" and chance.random() < 0.8:
        rows = scrambled(chance, _inflated(piece.body), same_length=chance.random() < 0.8)
        return Piece(b"IDAT", zlib.compress(rows))
    if piece.kind in (b"iTXt", b"zTXt") and chance.random() < 0.5:
        keyword, _, rest = piece.body.partition(b"\0")
        text = rest[4:] if piece.kind == b"iTXt" else _inflated(rest[1:])
        return text_chunk(chance, keyword, text)
    if chance.random() < 0.2:
        return Piece(chance.choice(_KINDS + _MORE_KINDS), piece.body)
    return scrambled_piece(chance, piece)


def make(chance: Random) -> Piece:
    kind = chance.choice(_KINDS + _MORE_KINDS)
    if kind in (b"iTXt", b"zTXt", b"tEXt"):
        keyword = chance.choice((_XMP, b"Raw profile type exif", b"Raw profile type APP1", b"Comment", b""))
        text = b"\nexif\n      20\n45786966000049492a000800000000000000" if b"Raw" in keyword else bytes(4000)
        return text_chunk(chance, keyword, scrambled(chance, text))
    return Piece(kind, chance.randbytes(chance.choice((0, 1, 4, 8, 13, 26, 32, 300))))


def text_chunk(chance: Random, keyword: bytes, text: bytes) -> Piece:
    """A text in any of the ways that PNG has for it, packed or not, and now and then endless."""
    if chance.random() < 0.1:
        text = text.ljust(chance.choice((1 << 16, 1 << 20, 20 << 20)), b" ")
    kind = chance.choice((b"tEXt", b"zTXt", b"iTXt", b"iTXt"))
    if kind == b"tEXt":
        return Piece(kind, keyword + b"\0" + text[: 1 << 16])
    packed = zlib.compress(text)
    packed = scrambled(chance, packed) if chance.random() < 0.2 else packed
    if kind == b"zTXt":
        return Piece(kind, keyword + b"\0" + bytes([odd_number(chance, 1)]) + packed)
    language = chance.choice((b"", b"de", b"x" * 90))
    return Piece(kind, keyword + b"\0\1\0" + language + b"\0\0" + packed)


def wrap(name: str, content: bytes, chance: Random) -> Piece:
    if name == "exif":
        return Piece(b"eXIf", content)
    if name == "icc":
        return Piece(b"iCCP", b"a\0\0" + zlib.compress(content))
    return text_chunk(chance, _XMP, content) if chance.random() < 0.3 else Piece(b"iTXt", _XMP + bytes(5) + content)


def _inflated(data: bytes) -> bytes:
    try:
        return zlib.decompressobj().decompress(data, 1 << 22)
    except zlib.error:
        return data


PNG = Format(split, join, inside, change, make, wrap)
