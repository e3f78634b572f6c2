"""Fields of version 2 come back, and whatever is unknown or makes no sense is refused."""

from __future__ import annotations

import struct
import zlib
from dataclasses import replace

import numpy as np
import pytest

from gamutcli.color.compression import Compression, Side
from gamutcli.color.gamut import Correction
from gamutcli.errors import PayloadError
from gamutcli.fingerprint.blocks import LostBlocks
from gamutcli.fingerprint.match import fingerprint
from gamutcli.payload.fields import BLOCKS, INTENT, MOST_BLOCKS, SPACE, Fields, pack_fields, unpack_fields
from gamutcli.payload.format import Payload, overhead_bytes, pack, unpack
from tests.support.blocks import lost_blocks
from tests.support.networks import network, noise

PICTURE = noise(40, 50)
CURVES = Compression(Side(6553, 12288, 3, 328), Side(9000, 11469, 5, 52428))
MARKED = lost_blocks(np.arange(40 * 50).reshape(40, 50) % 50 < 20)
FIELDS = Fields(CURVES, MARKED)
PLAIN = Payload(fingerprint(PICTURE), "bradford", Correction(6), network(hidden=8))


def packed(contents: list[tuple[int, bytes]]) -> bytes:
    body = b"".join(struct.pack("<BH", number, len(content)) + content for number, content in contents)
    return struct.pack("<H", len(body)) + body


def deflated(data: bytes) -> bytes:
    return zlib.compress(data, wbits=-15)


@pytest.mark.parametrize(
    "fields", [FIELDS, Fields(CURVES), Fields(None, MARKED), Fields(CURVES, lost_blocks(PICTURE[..., 0] < 0))]
)
def test_fields_come_back(fields: Fields) -> None:
    data = pack_fields(fields)
    assert unpack_fields(data + b"body", 40, 50) == (fields, len(data))


def test_a_payload_is_of_version_2_where_it_has_fields_and_of_version_1_where_not() -> None:
    assert pack(PLAIN)[4] == 1
    moved = replace(PLAIN, correction=replace(PLAIN.correction, compression=CURVES))
    for payload in (moved, replace(PLAIN, blocks=MARKED), replace(moved, blocks=MARKED, network=None)):
        data = pack(payload)
        assert data[4] == 2
        found = unpack(data)
        assert (found.correction, found.blocks) == (payload.correction, payload.blocks)
        assert pack(found) == data


def test_fields_count_as_overhead() -> None:
    side, inputs = PLAIN.fingerprint.grid.shape[0], PLAIN.network.inputs if PLAIN.network else None
    assert inputs
    more = overhead_bytes(side, inputs, FIELDS) - overhead_bytes(side, inputs)
    assert (
        more
        == len(pack_fields(FIELDS))
        == len(pack(replace(PLAIN, correction=Correction(6, False, CURVES), blocks=MARKED))) - len(pack(PLAIN))
    )


SIDE = struct.pack("<HHBH", 6553, 12288, 3, 328)
HOSTILE = {
    "an unknown field": ([(4, b"")], "field 4"),
    "field 0": ([(0, b"")], "make no sense"),
    "the same twice": ([(SPACE, b"\0"), (SPACE, b"\0")], "make no sense"),
    "another order": ([(INTENT, b"\1" + 2 * SIDE), (SPACE, b"\0")], "make no sense"),
    "another space": ([(SPACE, b"\1")], "base space"),
    "no space": ([(SPACE, b"")], "base space"),
    "another intent": ([(INTENT, b"\2" + 2 * SIDE)], "intent"),
    "a short intent": ([(INTENT, b"\1" + SIDE)], "intent"),
    "a wide knee": ([(INTENT, b"\1" + struct.pack("<HHBH", 40000, 12288, 3, 0) + SIDE)], "curves"),
    "a limit below 1": ([(INTENT, b"\1" + SIDE + struct.pack("<HHBH", 6553, 8191, 3, 0))], "curves"),
    "no levels": ([(INTENT, b"\1" + SIDE + struct.pack("<HHBH", 6553, 12288, 0, 0))], "curves"),
    "even levels": ([(INTENT, b"\1" + SIDE + struct.pack("<HHBH", 6553, 12288, 4, 0))], "curves"),
    "many levels": ([(INTENT, b"\1" + SIDE + struct.pack("<HHBH", 6553, 12288, 17, 0))], "curves"),
    "few blocks": ([(BLOCKS, deflated(b"\0"))], "do not match"),
    "many blocks": ([(BLOCKS, deflated(bytes(1 << 20)))], "do not match"),
    "blocks that are none": ([(BLOCKS, b"\xff\xff")], "damaged"),
    "blocks and more": ([(BLOCKS, deflated(bytes(2)) + b"x")], "do not match"),
}


@pytest.mark.parametrize(("contents", "words"), HOSTILE.values(), ids=HOSTILE.keys())
def test_what_makes_no_sense_is_refused(contents: list[tuple[int, bytes]], words: str) -> None:
    with pytest.raises(PayloadError, match=words):
        unpack_fields(packed(contents), 40, 50)


def test_fields_that_end_too_soon_are_refused() -> None:
    data = pack_fields(FIELDS)
    for length in range(len(data)):
        with pytest.raises(PayloadError):
            unpack_fields(data[:length], 40, 50)


def test_no_picture_is_so_large_that_its_blocks_take_the_memory() -> None:
    side = 1 << 20
    assert (side // 16) ** 2 > MOST_BLOCKS
    with pytest.raises(PayloadError, match="larger than any"):
        unpack_fields(pack_fields(Fields(None, LostBlocks(16, 16, b"\x80"))), side, side)
