"""The curves of the perceptual intent are those of the picture, and none where its clip serves better."""

from __future__ import annotations

import numpy as np
import pytest

from gamutcli.arrays import DoubleArray
from gamutcli.color.icc import profile_of
from gamutcli.color.spaces import PROPHOTO, SRGB, apply_matrix, rgb_to_rgb
from gamutcli.fitting.curves import BRIGHTEST, DARKEST, KNEE, choose_compression
from gamutcli.images.original import Original, read_source
from tests.support.pictures import SAMPLES


@pytest.fixture(scope="module")
def dahlia() -> Original:
    original = read_source(SAMPLES / "dahlia.tif").original
    return original.part(original.codes[::2, ::2].copy())


def picture_of(srgb_linear: DoubleArray) -> Original:
    """A picture of (height, width, 3) light, as far as 16 bits of ProPhoto RGB hold it."""
    linear = apply_matrix(srgb_linear.astype(np.float32), rgb_to_rgb(SRGB, PROPHOTO)).clip(0, 1)
    return Original(np.round(65535 * PROPHOTO.cctf_encoding(linear)).astype(np.uint16), profile_of(PROPHOTO))


def spread(low: tuple[float, ...], high: tuple[float, ...]) -> Original:
    """A picture of colours evenly spread between two."""
    return picture_of(np.random.default_rng(3).uniform(low, high, (96, 96, 3)))


def test_saturated_colours_are_moved_as_far_as_they_go(dahlia: Original) -> None:
    curves = choose_compression(dahlia, "bradford")
    assert curves is not None
    assert curves.above.knee == KNEE
    assert curves.above.limit > 8192


def test_far_colours_need_farther_limits() -> None:
    near, far = (choose_compression(spread((0.9, 0.1, 0.1), (red, 0.3, 0.3)), "bradford") for red in (1.15, 1.6))
    assert near is not None
    assert far is not None
    assert near.above.limit < far.above.limit


def test_dark_and_pale_colours_which_rounding_would_spoil_are_clipped() -> None:
    # Codes are coarse there: what a clip loses is less than what rounding does when it is stretched.
    assert choose_compression(spread((-0.0005, 0.008, 0.004), (0.0, 0.012, 0.008)), "bradford") is None
    assert choose_compression(spread((0.99, 0.7, 0.7), (1.01, 0.78, 0.78)), "bradford") is None


def test_one_kind_of_colours_may_be_left_to_the_clip_where_they_would_spoil_all() -> None:
    dark = np.random.default_rng(1).uniform((-0.0005, 0.0055, 0.004), (0.0, 0.0075, 0.006), (96, 60, 3))
    vivid = np.random.default_rng(2).uniform((-0.08, 0.3, 0.2), (0.0, 0.6, 0.4), (96, 36, 3))
    curves = choose_compression(picture_of(np.concatenate([dark, vivid], axis=1)), "bradford")
    assert curves is not None
    assert curves.below.bound >= DARKEST
    assert curves.above.bound <= BRIGHTEST


def test_a_lossy_file_has_no_fractions_and_a_nearer_limit(dahlia: Original) -> None:
    exact, lossy = (choose_compression(dahlia, "bradford", lossless) for lossless in (True, False))
    assert exact is not None
    assert lossy is not None
    assert (lossy.below.levels, lossy.above.levels) == (1, 1)
    assert lossy.above.limit < exact.above.limit


def test_a_picture_without_colours_beyond_has_no_curves() -> None:
    greys = np.repeat(np.linspace(3000, 60000, 64 * 64).astype(np.uint16).reshape(64, 64, 1), 3, axis=2)
    assert choose_compression(Original(greys, profile_of(PROPHOTO)), "bradford") is None
