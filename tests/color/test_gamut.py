"""The out-of-gamut mask and the rounding to 8-bit sRGB."""

from __future__ import annotations

import numpy as np
import pytest

from gamutcli.arrays import FloatArray
from gamutcli.color.gamut import og_mask, srgb_codes
from gamutcli.color.spaces import SRGB


@pytest.mark.parametrize(
    ("srgb_linear", "out_of_gamut"),
    [
        ((0.0, 0.5, 1.0), False),
        ((-0.01, 0.5, 0.5), True),
        ((0.5, 1.01, 0.5), True),
        ((-0.01, -0.01, 0.5), True),
        ((1.01, 1.01, 0.99), True),
        ((-0.01, 0.5, 1.01), True),
        ((-0.01, -0.01, 1.01), True),
        ((-0.01, -0.02, -0.03), False),
        ((1.01, 1.02, 1.03), False),
    ],
)
def test_a_pixel_is_og_when_some_channels_leave_but_not_all_on_one_side(
    srgb_linear: tuple[float, float, float], out_of_gamut: bool
) -> None:
    assert og_mask(np.array(srgb_linear, np.float32)) == out_of_gamut


def random_pixels() -> FloatArray:
    return np.random.default_rng(5).uniform(-0.5, 1.5, (40, 50, 3)).astype(np.float32)


@pytest.mark.parametrize("tolerance", [0.0, 0.1])
def test_og_mask_is_the_definition_word_for_word(tolerance: float) -> None:
    pixels = random_pixels()
    low, high = pixels < np.float32(-tolerance), pixels > np.float32(1 + tolerance)
    expected = (low | high).any(-1) & ~low.all(-1) & ~high.all(-1)
    mask = og_mask(pixels, tolerance)
    assert mask.shape == (40, 50)
    assert mask.dtype == np.bool_
    np.testing.assert_array_equal(mask, expected)


def test_tolerance_forgives_small_excursions() -> None:
    pixel = np.array([-0.001, 0.5, 1.001], np.float32)
    assert og_mask(pixel)
    assert not og_mask(pixel, tolerance=0.002)


def test_srgb_codes_clip_encode_and_round() -> None:
    pixels = random_pixels()
    exact = SRGB.cctf_encoding(np.clip(pixels.astype(np.float64), 0, 1)) * 255
    codes = srgb_codes(pixels)
    assert codes.dtype == np.uint8
    assert codes.shape == pixels.shape
    np.testing.assert_array_equal(codes, np.floor(exact + 0.5))


def test_srgb_codes_have_no_bias_of_truncation() -> None:
    pixels = np.random.default_rng(6).random((100_000, 3), dtype=np.float32)
    exact = SRGB.cctf_encoding(pixels.astype(np.float64)) * 255
    assert abs(float(np.mean(srgb_codes(pixels) - exact))) < 0.01
