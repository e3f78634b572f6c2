"""How many pixels an AV1 still asks for is read from its sequence header, however much stands before the size."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from gamutcli.containers import bmff
from gamutcli.images import av1

SEQUENCE_HEADER, FRAME = 1, 6
TIMING = f"1 {5:032b} {30:032b} 1 00100"  # equal intervals of 0b00100, in code of variable length: 3
MODEL = f"1 {9:05b} {1:032b} {4:05b} {4:05b}"  # delays have ten bits
NO_MODEL = "0"
HEADERS = {
    "reduced": "000 1 1 00100",
    "plain": f"000 0 0  0  0 {0:05b}  {0:012b} {5:05b}",
    "of a high tier": f"000 0 0  0  0 {0:05b}  {0:012b} {8:05b} 1",
    "of three operating points": f"000 0 0  0  0 {2:05b}" + f"{0:012b} {5:05b}" * 3,
    "with timing": f"000 0 0  {TIMING} {NO_MODEL}  0 {0:05b}  {0:012b} {5:05b}",
    "with a decoder's model": f"000 0 0  {TIMING} {MODEL}  0 {1:05b}"
    + f"{0:012b} {5:05b} 1 {700:010b} {300:010b} 0"
    + f"{0:012b} {9:05b} 0 0",
    "with delays": f"000 0 0  0  1 {1:05b}" + f"{0:012b} {5:05b} 1 0011" + f"{0:012b} {5:05b} 0",
}


def unit(kind: int, body: bytes, sized: bool = True, extended: bool = False) -> bytes:
    """An OBU: kind, body, and a size of up to 14 bits where wanted."""
    size = bytes([len(body) & 0x7F | 0x80, len(body) >> 7]) if sized else b""
    return bytes([kind << 3 | extended << 2 | sized << 1]) + b"\0" * extended + size + body


def header(bits: str, width: int, height: int) -> bytes:
    """A sequence header: what stands before the size, and the size in 11 and 9 bits."""
    whole = (bits + f"{10:04b} {8:04b} {width - 1:011b} {height - 1:09b}").replace(" ", "")
    return int(whole.ljust(-(-len(whole) // 8) * 8, "0"), 2).to_bytes(-(-len(whole) // 8), "big")


@pytest.mark.parametrize("kind", HEADERS)
def test_the_size_is_read_behind_whatever_a_header_says_before(kind: str) -> None:
    coded = unit(SEQUENCE_HEADER, header(HEADERS[kind], 1234, 321)) + unit(FRAME, bytes(200))
    assert av1.pixels_of(coded) == 1234 * 321


@pytest.mark.parametrize("size", [(48, 34), (300, 20)])
def test_what_an_encoder_writes_of_moving_pictures_is_read(size: tuple[int, int]) -> None:
    stream = io.BytesIO()
    frames = [Image.fromarray(np.full((*size[::-1], 3), shade, np.uint8)) for shade in (10, 200, 90)]
    frames[0].save(stream, "AVIF", save_all=True, append_images=frames[1:])
    (item,) = bmff.items_of(stream.getvalue(), b"av01")
    assert av1.pixels_of(item) == size[0] * size[1]


def test_units_may_be_extended_and_the_last_without_its_size() -> None:
    coded = unit(2, b"") + unit(SEQUENCE_HEADER, header(HEADERS["reduced"], 40, 30), extended=True)
    assert av1.pixels_of(coded + unit(FRAME, bytes(50), sized=False)) == 40 * 30
    assert av1.pixels_of(coded + unit(FRAME, bytes(50)) * 3) == 3 * 40 * 30
    assert av1.pixels_of(coded) == 0


@pytest.mark.parametrize(
    "coded",
    [
        unit(SEQUENCE_HEADER, header(HEADERS["reduced"], 40, 30))[:-1],
        bytes([SEQUENCE_HEADER << 3 | 2]) + b"\xff" * 6,
        bytes([SEQUENCE_HEADER << 3 | 2]) + b"\x80",
    ],
    ids=["body", "size without end", "size"],
)
def test_what_is_cut_short_is_damaged(coded: bytes) -> None:
    with pytest.raises(ValueError, match="cut short"):
        av1.pixels_of(coded)
