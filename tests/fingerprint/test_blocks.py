"""Blocks of 16 x 16 pixels say where lost colours are, in a picture of whatever size, turned or cut."""

from __future__ import annotations

import numpy as np

from gamutcli.fingerprint.blocks import LostPixels
from gamutcli.fingerprint.frame import Frame, Orientation
from tests.support.blocks import lost_blocks

LOST = np.zeros((40, 50), bool)
LOST[3, 17] = LOST[39, 49] = True
BLOCKS = lost_blocks(LOST)


def test_a_block_is_marked_where_a_pixel_of_it_is_lost() -> None:
    expected = np.zeros((3, 4), bool)
    expected[0, 1] = expected[2, 3] = True
    np.testing.assert_array_equal(BLOCKS.mark_blocks(), expected)
    assert BLOCKS.bits == bytes([0b01000000, 0b00010000])


def test_strips_of_any_height_mark_the_same_blocks() -> None:
    lost = np.random.default_rng(0).random((75, 50)) < 0.01
    for height in (1, 7, 16, 40):
        pixels = LostPixels(75, 50)
        for top in range(0, 75, height):
            rows = slice(top, min(75, top + height))
            pixels.add(rows, lost[rows])
        assert pixels.count == lost.sum()
        assert pixels.blocks() == lost_blocks(lost)


def kept(shape: tuple[int, int], frame: Frame | None = None) -> set[tuple[int, int]]:
    places = BLOCKS.keep(slice(0, shape[0]), np.arange(shape[0] * shape[1]), shape, frame)
    return {divmod(int(place), shape[1]) for place in places}


def test_pixels_of_marked_blocks_are_kept() -> None:
    assert kept((40, 50)) == {(y, x) for y in range(16) for x in range(16, 32)} | {
        (y, x) for y in range(32, 40) for x in (48, 49)
    }


def test_a_strip_is_part_of_the_picture() -> None:
    strip = BLOCKS.keep(slice(30, 40), np.arange(10 * 50), (40, 50))
    assert {divmod(int(place), 50) for place in strip} == {(y, x) for y in range(2, 10) for x in (48, 49)}


def test_a_picture_of_another_size_has_its_blocks_at_the_same_places() -> None:
    assert kept((80, 100)) == {(y, x) for y in range(32) for x in range(32, 64)} | {
        (y, x) for y in range(64, 80) for x in range(96, 100)
    }


def test_a_turned_picture_has_them_where_they_lay() -> None:
    turned = Orientation(rows_reversed=True, columns_reversed=True)
    assert kept((40, 50), Frame(40, 50, orientation=turned)) == {(39 - y, 49 - x) for y, x in kept((40, 50))}


def test_a_crop_has_those_of_its_place() -> None:
    assert kept((10, 20), Frame(40, 50, top=2, left=10)) == {(y, x) for y in range(10) for x in range(6, 20)}
