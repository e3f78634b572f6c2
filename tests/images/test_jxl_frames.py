"""Frames of a JPEG XL as encoders rarely write them, put together bit by bit behind the header of a real one."""

from __future__ import annotations

import imagecodecs
import numpy as np
import pytest

from gamutcli.images.jxl_bits import BitWriter
from gamutcli.images.jxl_frames import Frame, frames_of
from gamutcli.images.jxl_header import read_header

WIDE = np.random.default_rng(0).integers(0, 255, (300, 700, 4), np.uint8)
AS_USUAL = "1"
NO_NAME = "00"
USUAL_FILTERS, NO_EXTENSIONS = "1", "00"


def low(count: int, value: int) -> str:
    """A number of so many bits, the lowest first."""
    return f"{value:0{count}b}"[::-1]


def written(header: str, sizes: list[int]) -> bytes:
    """A frame: its header, the sizes of its parts in the order they stand, and the parts."""
    body = BitWriter()
    for bit in header.replace(" ", "") + "0":  # the parts stand in their own order
        body.put(1, int(bit))
    table = BitWriter()
    for size in sizes:
        table.put_one_of(((10, 0), (14, 1024), (22, 17408), (30, 4211712)), size)
    return body.whole_bytes() + table.whole_bytes() + b"\xff" * sum(sizes)


def behind_a_header(frames: list[bytes], channels: int, **settings: object) -> bytes:
    picture = np.ascontiguousarray(WIDE[..., :channels])
    data = bytes(imagecodecs.jpegxl_encode(picture, usecontainer=False, **settings))
    return data[: -(-read_header(data).end // 8)] + b"".join(frames)


def found(codestream: bytes) -> list[Frame]:
    return list(frames_of(codestream, read_header(codestream)))


LAST = written(AS_USUAL, [1])
OF_LOW_FREQUENCIES = written(
    f"0 {low(2, 1)} 1 00 0 00 {low(2, 1)} 00 {low(2, 0)} {NO_NAME} {USUAL_FILTERS} {NO_EXTENSIONS}", [2000]
)
SMOOTHED = f"0 1 1 {'0' * 96} {low(2, 1)} 1 {'0' * 80} 1 {'0' * 48} {'0' * 16} {NO_EXTENSIONS}"
NAMED = f"{low(2, 1)} {low(4, 3)} {'1' * 24}"
FOR_REFERENCE = written(
    f"0 {low(2, 2)} 1 00 0 00 {low(2, 1)}  1 00 {low(8, 100)} 00 {low(8, 50)}"
    f"  {low(2, 1)} 1 {NAMED} {SMOOTHED} {NO_EXTENSIONS}",
    [20_000],
)
PLACED = f"1 00 {low(8, 20)} 00 {low(8, 30)} 00 {low(8, 200)} 00 {low(8, 100)}"
IN_TWO_PASSES = f"{low(2, 1)} {low(2, 1)} {'0' * 4} 00"
SHARPENED = f"0 0 {low(2, 2)} 1 {'0' * 128} 0 1 {'0' * 64} {NO_EXTENSIONS}"
# Stored at half its size and its colours at half of that: 100 x 50 pixels, five parts for two passes.
ADDED = written(
    f"0 00 0 00 1 {low(2, 1)} 00 00 {low(2, 1)} {IN_TWO_PASSES} {PLACED} {low(2, 1)} 00 0 {low(2, 1)}"
    f" {NO_NAME} {SHARPENED} {NO_EXTENSIONS}",
    [3, 0, 1025, 7, 1],
)


def test_frames_that_are_kept_for_others_and_parts_of_the_picture_are_found() -> None:
    codestream = behind_a_header([OF_LOW_FREQUENCIES, FOR_REFERENCE, ADDED, LAST], 3, lossless=True)
    assert found(codestream) == [
        Frame(88, 38, is_shown=False, is_last=False),
        Frame(100, 50, is_shown=False, is_last=False),
        Frame(200, 100, is_shown=True, is_last=False),
        Frame(700, 300, is_shown=True, is_last=True),
    ]


def test_frames_that_are_laid_upon_others_by_their_transparency_are_found() -> None:
    blended = f"{low(2, 2)} 00 1 00  {low(2, 3)} {low(2, 1)} 1 00"  # colours blended, transparency multiplied
    header = f"0 00 1 00 0 00 00 {low(2, 3)} 00 0 {blended} 0 {low(2, 1)} {NO_NAME} {USUAL_FILTERS} {NO_EXTENSIONS}"
    assert found(behind_a_header([written(header, [9]), LAST], 4, lossless=True)) == [
        Frame(700, 300, is_shown=True, is_last=False),
        Frame(700, 300, is_shown=True, is_last=True),
    ]


def test_frames_in_the_codec_s_own_colours_have_fields_of_their_own() -> None:
    header = f"0 00 0 00 00 {'0' * 6} 00 0 00 0 {low(2, 1)} 0 {NO_NAME} {USUAL_FILTERS} {NO_EXTENSIONS}"
    groups = 3 * 2  # of 256 x 256 pixels; their blocks of 8 x 8 fit one
    assert found(behind_a_header([written(header, [5] * (2 + 1 + groups)), LAST], 3, distance=1.0)) == [
        Frame(700, 300, is_shown=True, is_last=False),
        Frame(700, 300, is_shown=True, is_last=True),
    ]


@pytest.mark.parametrize("missing", [len(LAST) + 1, len(LAST) + len(ADDED), len(LAST) + len(ADDED) + 20_000])
def test_frames_that_are_cut_short_are_told(missing: int) -> None:
    codestream = behind_a_header([FOR_REFERENCE, ADDED, LAST], 3, lossless=True)
    with pytest.raises(EOFError):
        found(codestream[:-missing])
