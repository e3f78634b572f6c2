"""Soft clip: everything goes into sRGB, and comes back."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from gamutcli.arrays import Code16Array
from gamutcli.color.gamut import Correction, srgb_codes
from gamutcli.color.spaces import PROPHOTO, SRGB, rgb_to_rgb
from gamutcli.experiments.judging import compare
from gamutcli.experiments.pictures import open_subject
from gamutcli.experiments.softclip import (
    DISTANCE_START,
    LARGEST_START,
    Limits,
    SoftRestoration,
    bend,
    compress,
    limits_of,
    soft_clip,
    straighten,
    stretch,
)
from gamutcli.images.original import Original, clip_to_srgb
from gamutcli.restore import Restoration
from tests.support.pictures import sample_crop, wide_codes, write_tiff

WIDE = Limits((1.9, 1.2, 1.3), 2.0)
NONE = Limits((1.0, 1.0, 1.0), 1.0)


def original_of(codes: Code16Array, folder: Path) -> Original:
    return open_subject(write_tiff(folder / "wide.tif", codes)).original


def within(limits: Limits, count: int = 20_000, seed: int = 0) -> NDArray[np.float32]:
    """(count, 3) linear sRGB colours up to the limits, all corners included."""
    random = np.random.default_rng(seed)
    largest = random.uniform(0, limits.largest, (count, 1))
    distances = random.uniform(0, 1, (count, 3)) * limits.distances
    distances[np.arange(count), random.integers(0, 3, count)] = 0
    edges = slice(0, count // 4)
    largest[edges] = limits.largest
    distances[edges] = np.where(distances[edges] > 0, limits.distances, 0)
    return (largest * (1 - distances)).astype(np.float32)


# The curve


def test_the_curve_leaves_alone_what_lies_below_its_start() -> None:
    below = np.linspace(-1, 0.8, 50, dtype=np.float32)
    np.testing.assert_array_equal(bend(below, 0.8, 1.7), below)
    np.testing.assert_array_equal(straighten(below, 0.8, 1.7), below)


@pytest.mark.parametrize("start", [0.5, 0.8, 0.9])
@pytest.mark.parametrize("limit", [1.0, 1.001, 1.4, 2.0, 30.0])
def test_the_curve_takes_its_limit_to_one_and_rises(start: float, limit: float) -> None:
    values = np.linspace(0, limit, 1000, dtype=np.float32)
    found = bend(values, start, limit)
    assert found[-1] == pytest.approx(1, abs=1e-6)
    assert (np.diff(found) > 0).all()
    assert (found <= values + 1e-6).all()


def test_the_curve_starts_smoothly() -> None:
    just_above = np.float32(0.8) + np.array([0.001, 0.002], np.float32)
    slope = np.diff(bend(just_above, 0.8, 1.5)) / np.diff(just_above)
    assert slope == pytest.approx(1, abs=0.02)


def test_without_anything_beyond_the_curve_is_the_identity() -> None:
    values = np.linspace(0, 1, 100, dtype=np.float32)
    np.testing.assert_allclose(bend(values, 0.8, 1.0), values, atol=1e-6)


# Colours


@pytest.mark.parametrize("limits", [WIDE, NONE, Limits((1.4, 1.0, 1.05), 1.3)])
def test_what_was_compressed_comes_back(limits: Limits) -> None:
    colors = within(limits)
    np.testing.assert_allclose(stretch(compress(colors, limits), limits), colors, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("limits", [WIDE, NONE])
def test_compressed_colours_lie_in_srgb(limits: Limits) -> None:
    found = compress(within(limits), limits)
    assert found.min() >= 0
    assert found.max() <= 1


@given(arrays(np.float32, (7, 3), elements=st.floats(-3, 3, width=32)))
def test_colours_beyond_the_limits_are_clipped_to_them(colors: NDArray[np.float32]) -> None:
    found = compress(colors, Limits((1.2, 1.1, 1.1), 1.1))
    assert np.isfinite(found).all()
    assert found.min() >= 0
    assert found.max() <= 1


def test_colours_well_within_srgb_are_left_alone() -> None:
    random = np.random.default_rng(1)
    largest = random.uniform(0, LARGEST_START, (1000, 1))
    colors = (largest * random.uniform(1 - DISTANCE_START, 1, (1000, 3))).astype(np.float32)
    np.testing.assert_allclose(compress(colors, WIDE), colors, atol=1e-6)


def test_greys_stay_grey_and_black_stays_black() -> None:
    greys = np.repeat(np.linspace(0, 2, 9, dtype=np.float32)[:, None], 3, axis=1)
    found = compress(greys, WIDE)
    np.testing.assert_array_equal(found, found[:, :1].repeat(3, axis=1))
    assert not compress(np.array([[0, 0, 0], [-0.1, 0, -0.2]], np.float32), WIDE).any()


def test_after_rounding_to_8_bits_colours_come_back_within_what_the_curves_may_magnify() -> None:
    limits = Limits((1.5, 1.1, 1.1), 1.4)
    colors = within(limits)
    codes = srgb_codes(compress(colors, limits))
    decoded = SRGB.cctf_decoding(codes / 255).astype(np.float32)
    error = np.abs(stretch(decoded, limits) - colors)
    # A curve is flattest at its limit: there it magnifies by the square of (limit - start) / (1 - start).
    most = ((1.4 - LARGEST_START) / (1 - LARGEST_START)) ** 2 * np.diff(SRGB.cctf_decoding(np.array([254, 255]) / 255))
    assert error.max() < most
    assert np.sqrt((error**2).mean()) < most / 4


# Pictures


def test_the_limits_are_those_of_the_picture(tmp_path: Path) -> None:
    original = original_of(wide_codes(40, 60), tmp_path)
    srgb_linear = original.strip(slice(None)).astype(np.float64) @ rgb_to_rgb(PROPHOTO, SRGB).T
    largest = srgb_linear.max(axis=-1)
    distances = ((largest[..., None] - srgb_linear) / largest[..., None]).max(axis=(0, 1))
    limits = limits_of(original)
    assert limits.largest == pytest.approx(max(1, largest.max()), rel=1e-5)
    assert limits.distances == pytest.approx(np.maximum(1, distances), rel=1e-5)
    assert limits.float_bytes == 4 * 4


def test_a_picture_within_srgb_has_no_limits(tmp_path: Path) -> None:
    assert limits_of(original_of(np.full((4, 5, 3), 30_000, np.uint16), tmp_path)) == NONE


def test_a_black_picture_comes_back(tmp_path: Path) -> None:
    original = original_of(np.zeros((4, 5, 3), np.uint16), tmp_path)
    assert compare(SoftRestoration(soft_clip(original)), original).rmse_all == 0


@pytest.mark.parametrize("name", ["wide", "dahlia", "fabrics"])
def test_a_picture_comes_back_far_better_than_from_the_plain_clip(tmp_path: Path, name: str) -> None:
    original = original_of(wide_codes(64, 96) if name == "wide" else sample_crop(name, 150, 250), tmp_path)
    scores = compare(SoftRestoration(soft_clip(original)), original)
    clip = compare(Restoration(clip_to_srgb(original), "bradford", Correction(), None), original)
    assert scores.psnr_og is not None
    assert clip.psnr_og is not None
    assert scores.psnr_og > clip.psnr_og + 8


def test_strips_make_no_difference(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    original = original_of(wide_codes(40, 60), tmp_path)
    whole = soft_clip(original)
    monkeypatch.setattr("gamutcli.parallel.STRIP_PIXELS", 60 * 7)
    parts = soft_clip(original)
    np.testing.assert_array_equal(whole.srgb_codes, parts.srgb_codes)
    assert whole.limits == parts.limits
