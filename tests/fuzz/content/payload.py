"""Payloads: header, boxes and inflated body, packed again with a right checksum; and the lines that carry them.

Written from docs/FORMAT.md, not with the package's own packing.
"""

from __future__ import annotations

import base64
import hashlib
import re
import struct
import zlib
from itertools import pairwise
from random import Random

from tests.fuzz.chance import near, odd_number, scrambled

_HEADER = struct.Struct("<4sBBBBII16sBBbBHBBf")
#: Of its fields: the bits that each has, 0 where it stays; the last is a float.
_BITS = (0, 8, 8, 8, 8, 32, 32, 0, 8, 8, 8, 8, 16, 8, 8, 0)
_LINE = re.compile(rb"gamut1:(\d+)/(\d+):([0-9a-f]{16}):([A-Za-z0-9+/=]*)")
_FLOATS = (0.0, -0.0, 1e-40, 1e30, 3e38, float("inf"), float("nan"), -1.0, 0.0625)


def disturbed(chance: Random, data: bytes) -> bytes:
    """A payload with other fields, boxes or numbers, and a right checksum, most often of a right length, too."""
    fields = list(_HEADER.unpack_from(data))
    count = fields[13]
    boxes = data[_HEADER.size : _HEADER.size + 2 * count]
    body = zlib.decompressobj(wbits=-15).decompress(data[_HEADER.size + 2 * count : -4], 1 << 24)
    for _ in range(chance.choice((1, 1, 2, 3))):
        way = chance.random()
        if way < 0.5:
            at = chance.choice([at for at, bits in enumerate(_BITS) if bits])
            signed = at == 10
            value = near(chance, fields[at], _BITS[at])
            fields[at] = value - 256 if signed and value > 127 else value
        elif way < 0.6:
            fields[-1] = chance.choice(_FLOATS)
        elif way < 0.7:
            fields[13] = count = chance.choice((0, 1, 8, 9, 255))
            boxes = bytes(chance.choice((1, 5, 57, 64, 65, 129, 193, 255)) for _ in range(2 * count))
        else:
            body = scrambled(chance, body, same_length=chance.random() < 0.6)
    if chance.random() < 0.6:
        body = _fitting(fields, boxes, body)
    packed = _HEADER.pack(*fields) + boxes + _deflated(chance, body)
    return packed + struct.pack("<I", zlib.crc32(packed) ^ (chance.random() < 0.03))


def in_lines(chance: Random, payload: bytes) -> bytes:
    """The lines that carry a payload, whole or not: in one part or many, some twice, torn or misnumbered."""
    total = chance.choice((1, 1, 1, 2, 3, 64, 65))
    digest = hashlib.sha256(payload).hexdigest()[:16].encode()
    size = -(-len(payload) // total)
    lines = [
        b"gamut1:%d/%d:%s:%s" % (at + 1, total, digest, base64.b64encode(payload[at * size : (at + 1) * size]))
        for at in range(total)
    ]
    if chance.random() < 0.5:
        at = chance.randrange(len(lines))
        lines.insert(chance.randrange(len(lines) + 1), disturbed_line(chance, lines[at]))
    if chance.random() < 0.3:
        lines[chance.randrange(len(lines))] = disturbed_line(chance, chance.choice(lines))
    if chance.random() < 0.2:
        chance.shuffle(lines)
    if chance.random() < 0.05:
        lines *= 200
    return chance.choice((b"\n", b" ", b"", b"\r\n\t")).join(lines)


def disturbed_line(chance: Random, line: bytes) -> bytes:
    """One line with another number, digest or body."""
    match = _LINE.search(line)
    if match is None or chance.random() < 0.3:
        return scrambled(chance, line)
    index, total, digest, body = match.groups()
    way = chance.randrange(4)
    if way == 0:
        index, total = (b"%d" % odd_number(chance, bits) for bits in (10, 10))
    elif way == 1:
        digest = scrambled(chance, digest, same_length=True)
    else:
        whole = body.rstrip(b"=")[: len(body) // 4 * 4 - 4]
        body = scrambled(chance, body) if way == 2 else base64.b64encode(scrambled(chance, base64.b64decode(whole)))
    return b"gamut1:%s/%s:%s:%s" % (index, total, digest, body)


def _fitting(fields: list[int], boxes: bytes, body: bytes) -> bytes:
    """A body of the length that header and boxes call for, as long as that is not absurd."""
    side, position, color, depth, hidden = (fields[at] for at in (4, 8, 9, 11, 12))
    octaves = sum(boxes[1::2])
    fan_in = 4 * position + 6 * color + 6 * octaves
    sizes = [fan_in, *[hidden] * depth, 3]
    weights = sum(outputs * (inputs + 2) for inputs, outputs in pairwise(sizes)) if depth else 0
    length = side * side * 3 + weights
    return (body * (length // max(1, len(body)) + 1))[:length] if length < 1 << 24 else body


def _deflated(chance: Random, body: bytes) -> bytes:
    deflater = zlib.compressobj(9, wbits=-15)
    packed = deflater.compress(body) + deflater.flush()
    return scrambled(chance, packed) if chance.random() < 0.05 else packed
