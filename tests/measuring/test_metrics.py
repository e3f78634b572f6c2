"""RMSE, PSNR and CIEDE2000 over all, out-of-gamut and in-gamut pixels."""

from __future__ import annotations

import math

import colour
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gamutcli.arrays import FloatArray
from gamutcli.color.spaces import PROPHOTO, SRGB, prophoto_linear_to_lab, rgb_to_rgb
from gamutcli.measuring.metrics import (
    Comparison,
    ErrorSum,
    PairSample,
    ciede2000,
    original_og_mask,
    squared_error,
)

# Sharma, Wu, Dalal, "The CIEDE2000 color-difference formula", Color Res. Appl. 30 (2005), table 1.
SHARMA = [
    ((50.0, 2.6772, -79.7751), (50.0, 0.0, -82.7485), 2.0425),
    ((50.0, 3.1571, -77.2803), (50.0, 0.0, -82.7485), 2.8615),
    ((50.0, 2.8361, -74.0200), (50.0, 0.0, -82.7485), 3.4412),
    ((50.0, -1.3802, -84.2814), (50.0, 0.0, -82.7485), 1.0000),
    ((50.0, -1.1848, -84.8006), (50.0, 0.0, -82.7485), 1.0000),
    ((50.0, -0.9009, -85.5211), (50.0, 0.0, -82.7485), 1.0000),
    ((50.0, 0.0, 0.0), (50.0, -1.0, 2.0), 2.3669),
    ((50.0, -1.0, 2.0), (50.0, 0.0, 0.0), 2.3669),
    ((50.0, 2.4900, -0.0010), (50.0, -2.4900, 0.0009), 7.1792),
    ((50.0, 2.4900, -0.0010), (50.0, -2.4900, 0.0010), 7.1792),
    ((50.0, 2.4900, -0.0010), (50.0, -2.4900, 0.0011), 7.2195),
    ((50.0, 2.4900, -0.0010), (50.0, -2.4900, 0.0012), 7.2195),
    ((50.0, -0.0010, 2.4900), (50.0, 0.0009, -2.4900), 4.8045),
    ((50.0, -0.0010, 2.4900), (50.0, 0.0010, -2.4900), 4.8045),
    ((50.0, -0.0010, 2.4900), (50.0, 0.0011, -2.4900), 4.7461),
    ((50.0, 2.5, 0.0), (50.0, 0.0, -2.5), 4.3065),
    ((50.0, 2.5, 0.0), (73.0, 25.0, -18.0), 27.1492),
    ((50.0, 2.5, 0.0), (61.0, -5.0, 29.0), 22.8977),
    ((50.0, 2.5, 0.0), (56.0, -27.0, -3.0), 31.9030),
    ((50.0, 2.5, 0.0), (58.0, 24.0, 15.0), 19.4535),
    ((50.0, 2.5, 0.0), (50.0, 3.1736, 0.5854), 1.0000),
    ((50.0, 2.5, 0.0), (50.0, 3.2972, 0.0), 1.0000),
    ((50.0, 2.5, 0.0), (50.0, 1.8634, 0.5757), 1.0000),
    ((50.0, 2.5, 0.0), (50.0, 3.2592, 0.3350), 1.0000),
    ((60.2574, -34.0099, 36.2677), (60.4626, -34.1751, 39.4387), 1.2644),
    ((63.0109, -31.0961, -5.8663), (62.8187, -29.7946, -4.0864), 1.2630),
    ((61.2901, 3.7196, -5.3901), (61.4292, 2.2480, -4.9620), 1.8731),
    ((35.0831, -44.1164, 3.7933), (35.0232, -40.0716, 1.5901), 1.8645),
    ((22.7233, 20.0904, -46.6940), (23.0331, 14.9730, -42.5619), 2.0373),
    ((36.4612, 47.8580, 18.3852), (36.2715, 50.5065, 21.2231), 1.4146),
    ((90.8027, -2.0831, 1.4410), (91.1528, -1.6435, 0.0447), 1.4441),
    ((90.9257, -0.5406, -0.9208), (88.6381, -0.8985, -0.7239), 1.5381),
    ((6.7747, -0.2908, -2.4247), (5.8714, -0.0985, -2.2286), 0.6377),
    ((2.0776, 0.0795, -1.1350), (0.9033, -0.0636, -0.5514), 0.9082),
]

Lab = tuple[float, float, float]


@pytest.mark.parametrize(("lab1", "lab2", "expected"), SHARMA)
def test_ciede2000_of_sharmas_pairs(lab1: Lab, lab2: Lab, expected: float) -> None:
    assert ciede2000(np.array(lab1), np.array(lab2)) == pytest.approx(expected, abs=5e-5)
    assert ciede2000(np.array(lab2), np.array(lab1)) == pytest.approx(expected, abs=5e-5)


def test_ciede2000_agrees_with_colour_science() -> None:
    lab1, lab2 = np.random.default_rng(1).uniform((0, -90, -90), (100, 90, 90), (2, 1000, 3))
    np.testing.assert_allclose(ciede2000(lab1, lab2), colour.delta_E(lab1, lab2, method="CIE 2000"), atol=1e-9)


@given(lab=st.tuples(st.floats(0, 100), st.floats(-120, 120), st.floats(-120, 120)))
def test_a_color_does_not_differ_from_itself(lab: Lab) -> None:
    assert ciede2000(np.array(lab), np.array(lab)) == 0


def picture_and_original(rows: int = 60, noise: float = 0.01) -> tuple[FloatArray, FloatArray]:
    random = np.random.default_rng(2)
    original = random.random((rows, 40, 3), dtype=np.float32) ** 2
    picture = original + random.normal(0, noise, original.shape).astype(np.float32)
    return np.clip(picture, 0, 1), original


def test_scores_are_the_definitions_word_for_word() -> None:
    picture, original = picture_and_original()
    comparison = Comparison()
    comparison.add(picture, original)
    scores = comparison.scores()

    srgb_linear = original.astype(np.float64) @ rgb_to_rgb(PROPHOTO, SRGB).T
    low, high = srgb_linear < 0, srgb_linear > 1
    og = (low | high).any(-1) & ~low.all(-1) & ~high.all(-1)
    assert 0.1 < og.mean() < 0.9
    assert comparison.og_pct == pytest.approx(100 * og.mean())
    for region, where in (("all", np.ones_like(og)), ("og", og), ("in", ~og)):
        error = (picture[where].astype(np.float64) - original[where]) ** 2
        assert getattr(scores, f"rmse_{region}") == pytest.approx(np.sqrt(error.mean()), rel=1e-6)
        assert getattr(scores, f"psnr_{region}") == pytest.approx(-10 * np.log10(error.mean()), abs=1e-5)
        differences = ciede2000(prophoto_linear_to_lab(picture[where]), prophoto_linear_to_lab(original[where]))
        assert getattr(scores, f"de2000_{region}_mean") == pytest.approx(differences.mean())
        assert getattr(scores, f"de2000_{region}_p99") == pytest.approx(np.percentile(differences, 99))


def test_a_known_error_gives_a_known_psnr() -> None:
    original = np.full((4, 5, 3), 0.5, np.float32)
    comparison = Comparison(color_differences=False)
    comparison.add(original + np.float32(0.125), original)
    assert comparison.scores().rmse_all == pytest.approx(0.125)
    assert comparison.scores().psnr_all == pytest.approx(18.0618, abs=1e-4)


@pytest.mark.parametrize("strip", [1, 7, 60])
def test_strips_of_any_height_give_the_same_scores(strip: int) -> None:
    picture, original = picture_and_original()
    whole, parts = Comparison(), Comparison()
    whole.add(picture, original)
    for top in range(0, len(original), strip):
        parts.add(picture[top : top + strip], original[top : top + strip])
    for name, value in vars(whole.scores()).items():
        assert getattr(parts.scores(), name) == pytest.approx(value, rel=1e-9), name


def test_the_mask_can_be_given() -> None:
    picture, original = picture_and_original()
    found, given_mask = Comparison(), Comparison()
    found.add(picture, original)
    given_mask.add(picture, original, original_og_mask(original))
    assert found.scores() == given_mask.scores()


def test_og_pixels_are_those_of_the_original_not_of_the_picture() -> None:
    original = np.zeros((2, 2, 3), np.float32)
    original[0] = (0, 1, 0)
    comparison = Comparison(color_differences=False)
    comparison.add(np.full_like(original, 0.5), original)
    assert comparison.og_pct == 50


def test_no_error_is_an_infinite_psnr() -> None:
    _, original = picture_and_original()
    comparison = Comparison()
    comparison.add(original, original)
    scores = comparison.scores()
    assert (scores.rmse_all, scores.psnr_all, scores.psnr_og, scores.psnr_in) == (0, math.inf, math.inf, math.inf)
    assert scores.de2000_all_mean < 1e-9
    assert scores.de2000_og_p99 < 1e-9  # numpy may round one half of a pair otherwise than the other


def test_a_region_without_a_pixel_has_no_figures() -> None:
    grey = np.full((3, 3, 3), 0.25, np.float32)
    comparison = Comparison()
    comparison.add(grey, grey * np.float32(0.5))
    scores = comparison.scores()
    assert scores.psnr_in is not None
    assert (scores.rmse_og, scores.psnr_og, scores.de2000_og_mean, scores.de2000_og_p99) == (None,) * 4
    assert Comparison().scores().psnr_all is None
    assert Comparison().og_pct == 0


def test_color_differences_are_left_out_on_request() -> None:
    picture, original = picture_and_original()
    comparison = Comparison(color_differences=False)
    comparison.add(picture, original)
    scores = comparison.scores()
    assert scores.psnr_og is not None
    assert scores.de2000_all_mean is scores.de2000_og_p99 is None


def test_color_differences_are_of_the_regions_and_of_so_many_pixels_as_asked_for() -> None:
    picture, original = picture_and_original()
    comparison = Comparison(regions=("og",), pixels=50)
    comparison.add(picture, original)
    scores = comparison.scores()
    assert scores.de2000_og_p99 is not None
    assert scores.de2000_all_mean is scores.de2000_in_p99 is None
    assert 25 <= comparison.differences("og").size <= 50


def test_squared_error_is_the_mean_over_the_channels_and_leaves_its_inputs_alone() -> None:
    picture, original = picture_and_original()
    before = picture.copy(), original.copy()
    expected = ((picture.astype(np.float64) - original) ** 2).mean(-1)
    np.testing.assert_allclose(squared_error(picture, original), expected, rtol=1e-5, atol=1e-12)
    np.testing.assert_array_equal(picture, before[0])
    np.testing.assert_array_equal(original, before[1])


def test_small_errors_are_not_lost_among_many_pixels() -> None:
    errors = ErrorSum()
    errors.add(np.ones(1, np.float32))
    for _ in range(100):
        errors.add(np.full(1000, 1e-9, np.float32))
    assert errors.rmse == pytest.approx(math.sqrt((1 + 1e-4) / 100_001), rel=1e-9)


@given(strips=st.lists(st.integers(0, 30), min_size=1, max_size=12), limit=st.integers(1, 40))
def test_the_sample_is_evenly_spaced_and_within_its_limit(strips: list[int], limit: int) -> None:
    stream = np.arange(sum(strips), dtype=np.float32)
    pixels = np.repeat(stream[:, None], 3, axis=1)
    sample = PairSample(limit)
    for start, size in zip(np.cumsum([0, *strips]), strips, strict=False):
        part = pixels[start : start + size]
        sample.add(part, part + 1)
    kept = sample.pairs[:, 0, 0]
    step = next(2**n for n in range(20) if -(-len(stream) // 2**n) <= limit)
    np.testing.assert_array_equal(kept, stream[::step])
    np.testing.assert_array_equal(sample.pairs[:, 1, 0], kept + 1)


def test_the_sample_counts_only_the_pixels_of_its_region() -> None:
    pixels = np.repeat(np.arange(12, dtype=np.float32)[:, None], 3, axis=1).reshape(3, 4, 3)
    sample = PairSample(limit=3)
    sample.add(pixels, pixels, where=pixels[..., 0] >= 7)
    np.testing.assert_array_equal(sample.pairs[:, 0, 0], [7, 9, 11])
