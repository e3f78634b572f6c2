"""ICC profiles: tags of other kinds and sizes, that overlap or point nowhere."""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace
from random import Random

from tests.fuzz.chance import near, odd_number, scrambled, spliced

_NAMES = (b"rXYZ", b"gXYZ", b"bXYZ", b"rTRC", b"gTRC", b"bTRC", b"kTRC", b"wtpt", b"chad", b"desc", b"A2B0", b"cicp")
_KINDS = (b"XYZ ", b"curv", b"para", b"mft1", b"mft2", b"mAB ", b"sf32", b"desc", b"mluc", b"cicp", b"text")
_HEADS = (b"mntr", b"scnr", b"prtr", b"RGB ", b"GRAY", b"CMYK", b"Lab ", b"XYZ ", b"acsp", b"\2\0\0\0", b"\4\0\0\0")


@dataclass(frozen=True)
class Tag:
    """A tag: its name and bytes; what it claims of its place and size, or None for what is true."""

    name: bytes
    data: bytes
    place: int | None = None
    size: int | None = None


def disturbed(chance: Random, data: bytes) -> bytes:
    """A profile with another header, other tags, or tags of other content; its size is right."""
    head, tags = parse(data)
    if not tags or chance.random() < 0.05:
        return scrambled(chance, data)
    for _ in range(chance.choice((1, 1, 2, 3))):
        way = chance.random()
        if way < 0.2:
            at = chance.choice((8, 12, 16, 20, 36, 64))
            head = head[:at] + chance.choice(_HEADS) + head[at + 4 :]
        elif way < 0.45:
            tags = spliced(chance, tags, lambda: _new(chance))
        else:
            at = chance.randrange(len(tags))
            tags[at] = _disturbed_tag(chance, tags[at])
    packed = pack(head, tags[:2000])
    return scrambled(chance, packed) if chance.random() < 0.03 else packed


def parse(data: bytes) -> tuple[bytes, list[Tag]]:
    if len(data) < 132:
        return data.ljust(128, b"\0"), []
    count = min(struct.unpack_from(">I", data, 128)[0], (len(data) - 132) // 12)
    rows = (struct.unpack_from(">4sII", data, 132 + 12 * row) for row in range(count))
    return data[:128], [Tag(name, data[place : place + size]) for name, place, size in rows]


def pack(head: bytes, tags: list[Tag]) -> bytes:
    rows, stored, at = [], [], 132 + 12 * len(tags)
    for tag in tags:
        place = at if tag.place is None else tag.place
        rows.append(struct.pack(">4sII", tag.name, place, len(tag.data) if tag.size is None else tag.size))
        stored.append(tag.data + bytes(-len(tag.data) % 4))
        at += len(stored[-1])
    body = struct.pack(">I", len(tags)) + b"".join(rows) + b"".join(stored)
    return struct.pack(">I", 128 + len(body)) + head[4:128] + body


def _disturbed_tag(chance: Random, tag: Tag) -> Tag:
    way = chance.randrange(6)
    if way == 0:
        return replace(tag, name=chance.choice(_NAMES))
    if way == 1:
        return replace(tag, data=chance.choice(_KINDS) + tag.data[4:])
    if way == 2:
        return replace(tag, place=odd_number(chance, chance.choice((8, 32))))
    if way == 3:
        return replace(tag, size=near(chance, len(tag.data), 32))
    if way == 4 and len(tag.data) >= 12:  # how many points a curve has, or which function it is
        count = chance.choice((0, 1, 2, 4095, 65537, odd_number(chance, 32)))
        points = chance.randbytes(2 * min(count, 70_000)) if chance.random() < 0.5 else tag.data[12:]
        return replace(tag, data=b"curv" + bytes(4) + struct.pack(">I", count) + points)
    return replace(tag, data=tag.data[:8] + scrambled(chance, tag.data[8:]))


def _new(chance: Random) -> Tag:
    data = chance.choice(_KINDS) + bytes(4) + chance.randbytes(chance.choice((0, 4, 12, 40, 300)))
    return Tag(chance.choice(_NAMES), data)
