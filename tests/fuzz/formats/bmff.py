"""AVIF, HEIC, JPEG XL and JPEG 2000: boxes with right lengths; items are found where `iloc` says.

An AVIF is taken apart into its boxes and its items, so that any of them may grow; `iloc` is made anew.
"""

from __future__ import annotations

import struct
from dataclasses import replace
from random import Random

import imagecodecs

from tests.fuzz.chance import odd_number, scrambled, spliced
from tests.fuzz.formats.pieces import Format, Inside, Piece, scrambled_piece

#: Boxes that hold boxes, and how many bytes come before those.
_PREFIXES = {b"meta": 4, b"iprp": 0, b"ipco": 0, b"iinf": 6, b"iref": 4, b"jp2h": 0, b"moov": 0}
#: Before the kind of a box: its length is to be written with 64 bits.
_LONG = b"!"
_ITEM = b"item"
#: A piece that disturbs `iloc`; its body says how.
_LIE = b"lie"
_KINDS = (b"meta", b"mdat", b"iloc", b"iinf", b"infe", b"idat", b"iref", b"ipma", b"irot", b"imir", b"clap", b"colr")
_MORE_KINDS = (
    b"ispe",
    b"pixi",
    b"av1C",
    b"free",
    b"uuid",
    b"Exif",
    b"xml ",
    b"jxlc",
    b"jxlp",
    b"brob",
    b"jbrd",
    b"jp2c",
)


def boxes(data: bytes) -> list[Piece]:
    pieces, at = [], 0
    while at + 8 <= len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        head = 16 if size == 1 else 8
        size = int.from_bytes(data[at + 8 : at + 16], "big") if size == 1 else size or len(data) - at
        pieces.append(Piece(kind, data[at + head : at + size]))
        at += max(8, size)
    return pieces


def packed(pieces: list[Piece]) -> bytes:
    return b"".join(
        struct.pack(">I4sQ", 1, piece.kind[1:], len(piece.body) + 16) + piece.body
        if piece.kind.startswith(_LONG)
        else struct.pack(">I4s", len(piece.body) + 8, piece.kind) + piece.body
        for piece in pieces
    )


def split_items(data: bytes) -> list[Piece]:
    whole = boxes(data)
    (meta,) = (piece for piece in whole if piece.kind == b"meta")
    children = boxes(meta.body[4:])
    (located,) = (piece.body for piece in children if piece.kind == b"iloc")
    others = [piece for piece in children if piece.kind != b"iloc"]
    held = [Piece(_ITEM + bytes([number]), data[start:end]) for number, start, end in _places(located)]
    rest = [piece for piece in whole if piece.kind not in (b"meta", b"mdat")]
    return [*rest, Piece(b"meta", meta.body[:4] + packed(others)), *held]


def join_items(pieces: list[Piece]) -> bytes:
    items = [piece for piece in pieces if piece.kind.startswith(_ITEM)]
    lies = [piece.body for piece in pieces if piece.kind == _LIE]
    rest = [piece for piece in pieces if not piece.kind.startswith(_ITEM) and piece.kind != _LIE]
    first = next((at for at, piece in enumerate(rest) if piece.kind == b"meta"), None)
    if first is None:
        return packed([*rest, Piece(b"mdat", b"".join(item.body for item in items))])

    def located(start: int) -> list[Piece]:
        rows, at = [], start
        for item in items:
            number = int.from_bytes(item.kind[len(_ITEM) :], "big")
            rows.append(struct.pack(">HHHII", number, 0, 1, at, len(item.body)))
            at += len(item.body)
        body = struct.pack(">IHH", 0, 0x4400, len(items)) + b"".join(rows)
        for lie in lies:
            body = scrambled(Random(lie), body, same_length=True)
        meta = rest[first].body + packed([Piece(b"iloc", body)])
        return [*rest[:first], Piece(b"meta", meta), *rest[first + 1 :]]

    before = packed(located(0))
    return packed(located(len(before) + 8)) + packed([Piece(b"mdat", b"".join(item.body for item in items))])


def inside(piece: Piece) -> Inside | None:
    # The Exif item of an AVIF and the box of a JPEG XL both begin with the offset of the block in them.
    if piece.kind == b"Exif" or (piece.kind.startswith(_ITEM) and piece.body[4:8] in (b"II*\0", b"MM\0*")):
        return Inside("exif", piece.body[4:], lambda content: Piece(piece.kind, piece.body[:4] + content))
    if piece.kind == b"xml " or (piece.kind.startswith(_ITEM) and b"<x:xmpmeta" in piece.body[:200]):
        return Inside("xmp", piece.body, lambda content: Piece(piece.kind, content))
    return None


def change(chance: Random, piece: Piece) -> Piece:
    kind = piece.kind.removeprefix(_LONG)
    if kind in _PREFIXES and chance.random() < 0.85:
        size = _PREFIXES[kind]
        prefix, children = piece.body[:size], boxes(piece.body[size:])
        if chance.random() < 0.4:
            children = spliced(chance, children, lambda: make(chance))
        elif children:
            at = chance.randrange(len(children))
            children[at] = change(chance, children[at])
        children = [child for child in children if not child.kind.startswith(_ITEM) and child.kind != _LIE]
        if kind == b"iinf" and chance.random() < 0.9:
            prefix = prefix[:4] + struct.pack(">H", min(65535, len(children)))
        return replace(piece, body=prefix + packed(children))
    if kind in (b"Exif", b"xml ") and chance.random() < 0.5:
        body = kind + imagecodecs.brotli_encode(piece.body)
        return Piece(b"brob", scrambled(chance, body) if chance.random() < 0.3 else body)
    if kind == b"jxlc" and chance.random() < 0.5:  # the header is bits: most of it stands in the first bytes
        return replace(piece, body=scrambled(chance, piece.body[:40], same_length=True) + piece.body[40:])
    if kind == b"jxlc" and chance.random() < 0.3:
        return Piece(b"jxlp", struct.pack(">I", 0x80000000 | odd_number(chance, 2)) + piece.body)
    if len(piece.kind) == 4 and chance.random() < 0.1:
        return Piece(chance.choice((_LONG + piece.kind, *_KINDS, *_MORE_KINDS)), piece.body)
    return scrambled_piece(chance, piece, same_length=chance.random() < 0.5)


def make(chance: Random) -> Piece:
    if chance.random() < 0.25:
        return Piece(_LIE, chance.randbytes(4))
    if chance.random() < 0.15:
        return Piece(_ITEM + bytes([chance.randrange(1, 6)]), chance.randbytes(40))
    kind = chance.choice(_KINDS + _MORE_KINDS)
    size = chance.choice((0, 1, 4, 8, 12, 40, 300))
    return Piece(kind, bytes(min(size, 4)) + chance.randbytes(max(0, size - 4)))


def wrap(name: str, content: bytes, chance: Random) -> Piece:
    offset = struct.pack(">I", odd_number(chance, 32) if chance.random() < 0.1 else 0)
    piece = Piece(b"Exif", offset + content) if name == "exif" else Piece(b"xml ", content)
    if name == "icc":
        return Piece(b"colr", b"prof" + content)
    if chance.random() < 0.3:
        return Piece(b"brob", piece.kind + imagecodecs.brotli_encode(piece.body))
    return piece


def wrap_item(name: str, content: bytes, chance: Random) -> Piece:
    """The items of an AVIF that goldens are made of: 2 is Exif, 3 is XMP."""
    if name == "icc":
        return Piece(b"colr", b"prof" + content)
    return Piece(_ITEM + (b"\2" if name == "exif" else b"\3"), (bytes(4) if name == "exif" else b"") + content)


def _places(located: bytes) -> list[tuple[int, int, int]]:
    """Number, start and end of items, as `iloc` says in any of its versions; one extent each."""
    version, sizes = located[0], int.from_bytes(located[4:6], "big")
    offset_size, length_size, base_size = sizes >> 12, sizes >> 8 & 15, sizes >> 4 & 15
    wide = 4 if version == 2 else 2
    count, at = int.from_bytes(located[6 : 6 + wide], "big"), 6 + wide
    places = []
    for _ in range(count):
        number = int.from_bytes(located[at : at + wide], "big")
        at += wide + (2 if version else 0) + 2
        base, at = int.from_bytes(located[at : at + base_size], "big"), at + base_size
        at += 2
        start, at = base + int.from_bytes(located[at : at + offset_size], "big"), at + offset_size
        length, at = int.from_bytes(located[at : at + length_size], "big"), at + length_size
        places.append((number, start, start + length))
    return places


AVIF = Format(split_items, join_items, inside, change, make, wrap_item)
JXL = Format(boxes, packed, inside, change, make, wrap)
JP2 = Format(boxes, packed, inside, change, make, wrap)
