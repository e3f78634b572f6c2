"""Colours that are moved into sRGB come back, greys stay where they are, and nothing near the middle moves."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gamutcli.arrays import FloatArray
from gamutcli.color.compression import SRGB_LIGHT, Compression, Side, fraction_of

KNEE = 6553
CURVES = Compression(Side(KNEE, 12288, 1, 328), Side(KNEE, 11469, 1, 52428))
FRACTIONS = Compression(Side(KNEE, 12288, 3, 328), Side(KNEE, 11469, 5, 52428))
LUMINANCE = np.array([0.2126, 0.7152, 0.0722], np.float32)


def all_codes(step: int = 5) -> np.ndarray[tuple[int, int], np.dtype[np.uint8]]:
    axis = np.arange(0, 256, step, dtype=np.uint8)
    return np.stack(np.meshgrid(axis, axis, axis), axis=-1).reshape(-1, 3)


def wide_colors() -> FloatArray:
    """Colours on all sides of sRGB, bright enough for the step below and dark enough for the one above."""
    random = np.random.default_rng(3)
    return random.uniform(-0.3, 1.4, (20_000, 3)).astype(np.float32)


def test_what_is_moved_back_and_moved_again_is_the_picture_as_it_was() -> None:
    codes = all_codes()
    again, _ = CURVES.compress(CURVES.undo(codes))
    np.testing.assert_allclose(again, SRGB_LIGHT[codes], atol=2e-5)


def test_greys_stay_as_they_are() -> None:
    greys = np.repeat(np.arange(256, dtype=np.uint8)[:, None], 3, axis=1)
    assert not FRACTIONS.mask(greys).any()
    light = SRGB_LIGHT[greys]
    moved, places = FRACTIONS.compress(light)
    np.testing.assert_array_equal(moved, light)
    assert not places.any()


def test_colours_within_nine_tenths_of_the_way_stay_as_they_are() -> None:
    colors = np.random.default_rng(4).uniform(0, 1, (20_000, 3)).astype(np.float32)
    luminance = colors @ LUMINANCE
    smallest, largest = colors.min(axis=1), colors.max(axis=1)
    inside = (smallest > 0.101 * luminance) & (1 - largest > 0.101 * (1 - smallest))
    moved, places = CURVES.compress(colors)
    assert inside.sum() > 1000
    assert not places[inside].any()
    np.testing.assert_array_equal(moved[inside], colors[inside])


def test_a_channel_below_0_comes_in_at_the_same_luminance_and_the_same_side_of_the_grey() -> None:
    colors = wide_colors()
    colors = colors[(colors.max(axis=1) < 0.8) & (colors @ LUMINANCE > 0.1) & (colors.min(axis=1) < -0.01)]
    moved, places = CURVES.compress(colors)
    assert places.all()
    assert moved.min() >= -1e-6
    np.testing.assert_allclose(moved @ LUMINANCE, colors @ LUMINANCE, atol=1e-4)
    grey = (colors @ LUMINANCE)[:, None]
    lengths = np.linalg.norm(moved - grey, axis=1) * np.linalg.norm(colors - grey, axis=1)
    np.testing.assert_allclose(((moved - grey) * (colors - grey)).sum(axis=1) / lengths, 1, atol=1e-4)


def test_a_channel_above_1_comes_in_and_the_smallest_stays() -> None:
    colors = wide_colors()
    colors = colors[(colors.min(axis=1) > 0.2) & (colors.min(axis=1) < 0.5) & (colors.max(axis=1) > 1.01)]
    moved, places = CURVES.compress(colors)
    assert places.all()
    assert moved.max() <= 1 + 1e-6
    np.testing.assert_allclose(moved.min(axis=1), colors.min(axis=1), atol=1e-6)


def test_curves_are_even_where_they_begin() -> None:
    for curves, line in ((CURVES, (0.5, 0.5, 0.0)), (CURVES, (1.0, 0.3, 0.3))):
        grey = np.float32(0.3)
        way = np.linspace(0.5, 1.2, 4000, dtype=np.float32)[:, None]
        colors = grey + (np.array(line, np.float32) - grey) * way
        moved, _ = curves.compress(colors)
        assert np.abs(np.diff(moved, axis=0)).max() < 5e-4


@given(st.integers(0, 255), st.integers(0, 255), st.sampled_from([1, 3, 5, 7]))
def test_a_step_of_one_of_two_channels_reaches_every_fraction_of_three_and_five(a: int, b: int, levels: int) -> None:
    steps = np.array([(a, b), (a + 1, b), (a - 1, b), (a, b + 1), (a, b - 1)])
    found = set(fraction_of(steps[:, 0], steps[:, 1], levels).tolist())
    assert found <= set(range(levels))
    if levels <= 5:
        assert len(found) == levels


def test_fractions_move_the_limiting_channel_by_less_than_a_code_and_inwards() -> None:
    codes = all_codes(7)
    whole, told = CURVES.undo(codes), FRACTIONS.undo(codes)
    _, above = CURVES.zones(codes)
    assert (told.max(axis=1) <= whole.max(axis=1) + 1e-6)[above].all()
    np.testing.assert_array_equal(
        FRACTIONS.undo(codes, exact=False)[~CURVES.mask(codes)], SRGB_LIGHT[codes][~CURVES.mask(codes)]
    )


def test_a_side_without_a_knee_moves_nothing() -> None:
    none = Compression(Side(), Side())
    codes, colors = all_codes(15), wide_colors()
    assert not none.mask(codes).any()
    np.testing.assert_array_equal(none.undo(codes), SRGB_LIGHT[codes])
    np.testing.assert_array_equal(none.compress(colors)[0], colors)


@pytest.mark.parametrize("side", [Side(1 << 15, 65535, 15, 0), Side(1, 8192, 1, 0), Side(1 << 15, 8192, 15, 65535)])
def test_whatever_the_format_allows_gives_numbers(side: Side) -> None:
    light = Compression(side, side).undo(all_codes())
    assert np.isfinite(light).all()
    assert np.abs(light).max() < 1e4
