"""The out-of-gamut mask and the rounding to 8-bit sRGB."""

from __future__ import annotations

import numpy as np
import pytest

from gamutcli.arrays import FloatArray
from gamutcli.color.gamut import (
    Correction,
    codes_to_prophoto,
    depth_of,
    og_beyond_rounding,
    og_mask,
    rounding_of,
    srgb_codes,
)
from gamutcli.color.icc import MatrixProfile, profile_of
from gamutcli.color.spaces import (
    PROPHOTO,
    SPACES,
    SRGB,
    Adaptation,
    RGBSpace,
    apply_matrix,
    decoding_table,
    rgb_to_rgb,
)
from gamutcli.images.original import Original, clip_and_mark
from gamutcli.measuring.metrics import original_og_mask
from tests.support import reference
from tests.support.pictures import wide_codes


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


# What is out of gamut by more than rounding.


def og_pixels(original: Original) -> int:
    return clip_and_mark(original)[1].count


def stored(srgb_encoded: FloatArray, space: RGBSpace, bits: int) -> Original:
    """Colours of sRGB, in a file of another space and depth."""
    linear = SRGB.cctf_decoding(srgb_encoded.astype(np.float64)) @ rgb_to_rgb(SRGB, space).T
    white = (1 << bits) - 1
    codes = np.rint(space.cctf_encoding(np.clip(linear, 0, 1)) * white).astype(np.int64)
    return Original(((codes * 65535 + white // 2) // white).astype(np.uint16), profile_of(space))


def boundary_colors() -> FloatArray:
    """Colours on the faces of sRGB, where any rounding outwards leaves it: (90, 1000, 3) encoded."""
    colors = np.random.default_rng(9).random((90, 1000, 3), dtype=np.float32)
    for channel in range(3):
        colors[channel * 20 : channel * 20 + 10, :, channel] = 0
        colors[channel * 20 + 10 : channel * 20 + 20, :, channel] = 1
    colors[60:70] = colors[60:70, :, :1]
    colors[70:80] = 1
    colors[80:] = 0
    return colors


@pytest.mark.parametrize("bits", [8, 10, 12, 16])
@pytest.mark.parametrize("space", SPACES.values(), ids=SPACES.keys())
def test_what_was_srgb_stays_in_gamut_in_every_space_and_depth(space: RGBSpace, bits: int) -> None:
    original = stored(boundary_colors(), space, bits)
    assert depth_of(original.codes) == bits
    assert og_pixels(original) == 0


@pytest.mark.parametrize("space", [space for space in SPACES.values() if space != SRGB], ids=lambda space: space.name)
def test_half_a_percent_beyond_srgb_is_out_of_gamut_in_16_bits(space: RGBSpace) -> None:
    beyond = np.array([[[-0.005, 0.4, 0.5], [0.5, -0.005, 0.2], [1.005, 0.5, 0.3], [0.9, 0.8, 1.005]]])
    linear = np.clip(beyond @ rgb_to_rgb(SRGB, space).T, 0, 1)
    inside = (np.abs(linear @ rgb_to_rgb(space, SRGB).T - beyond).max(axis=-1) < 1e-6).sum()
    codes = np.rint(space.cctf_encoding(linear) * 65535).astype(np.uint16)
    assert inside > 1
    assert og_pixels(Original(codes, profile_of(space))) >= inside


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("space", [space for space in SPACES.values() if space != SRGB], ids=lambda space: space.name)
def test_far_outside_the_slack_is_not_asked_for_and_decides_nothing(space: RGBSpace, bits: int) -> None:
    generator = np.random.default_rng(3)
    near_white = 65535 - generator.integers(0, 40, (20_000, 3))
    greyish = generator.integers(0, 65536, (20_000, 1)) + generator.integers(-600, 600, (20_000, 3))
    codes = np.concatenate([generator.integers(0, 65536, (20_000, 3)), near_white, greyish]).clip(0, 65535)
    codes = codes.astype(np.uint16)
    light = np.tile(decoding_table(space, 65536), (3, 1))
    rounding = rounding_of(light, rgb_to_rgb(space, SRGB), bits)
    linear = apply_matrix(light[0][codes], rgb_to_rgb(space, SRGB))
    expected = og_mask(linear, rounding.tolerance(codes)) & og_mask(linear)
    np.testing.assert_array_equal(og_beyond_rounding(linear, codes, rounding), expected)


@pytest.mark.parametrize("colorant", [0.7141, 0.71391, 0.7139])
def test_a_profile_of_srgb_by_any_maker_holds_srgb(colorant: float) -> None:
    colorants = np.array([[0.4361, 0.3851, 0.1431], [0.2225, 0.7169, 0.0606], [0.0139, 0.0971, colorant]])
    profile = MatrixProfile("sRGB", colorants, profile_of(SRGB).curves)
    codes = np.rint(boundary_colors() * 65535).astype(np.uint16)
    assert og_pixels(Original(codes, profile)) == 0


def test_of_prophoto_light_the_figures_are_those_of_its_codes() -> None:
    original = Original(wide_codes(60, 80), profile_of(PROPHOTO))
    rows = slice(0, 60)
    mask = original.og_mask(rows)
    assert 0.1 < mask.mean() < 0.9
    np.testing.assert_array_equal(original_og_mask(original.strip(rows)), mask)


@pytest.mark.parametrize("bits", [8, 10, 12, 16])
def test_the_depth_of_a_file_is_seen_in_its_codes(bits: int) -> None:
    white = (1 << bits) - 1
    codes = np.arange(white + 1)
    spread = ((codes * 65535 + white // 2) // white).astype(np.uint16)
    assert depth_of(spread.reshape(-1, 1)) == bits
    spread[-2] -= 1
    assert depth_of(spread.reshape(-1, 1)) == (16 if bits != 16 else bits)


@pytest.mark.parametrize("adaptation", ["bradford", "cat02"])
def test_codes_become_linear_prophoto(adaptation: Adaptation) -> None:
    codes = np.random.default_rng(0).integers(0, 256, (20, 30, 3)).astype(np.uint8)
    found = codes_to_prophoto(codes, adaptation)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, reference.plain(codes, adaptation), atol=2e-6)


def test_white_stays_white() -> None:
    np.testing.assert_allclose(codes_to_prophoto(np.full((1, 3), 255, np.uint8), "bradford"), 1, atol=1e-6)


def test_clipped_pixels_are_corrected_or_all() -> None:
    codes = np.array([[[0, 9, 9], [9, 9, 255], [9, 9, 9], [0, 0, 0], [255, 255, 255], [3, 9, 9]]], np.uint8)
    assert Correction(0).mask(codes).tolist() == [[True, True, False, False, False, False]]
    assert Correction(3).mask(codes).tolist() == [[True, True, False, False, False, True]]
    assert Correction(0, every_pixel=True).mask(codes).all()
