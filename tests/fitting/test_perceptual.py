"""The perceptual picture: greys as ever, texture where the clip is flat, and codes that are chosen with care."""

from __future__ import annotations

import numpy as np
import pytest

from gamutcli.arrays import FloatArray
from gamutcli.color.gamut import Correction
from gamutcli.color.spaces import PROPHOTO, SRGB, apply_matrix, rgb_to_rgb
from gamutcli.fitting.perceptual import choose_compression, perceptual_codes
from gamutcli.images.original import Original, clip_to_srgb, read_source
from tests.support.pictures import SAMPLES


@pytest.fixture(scope="module")
def dahlia() -> Original:
    original = read_source(SAMPLES / "dahlia.tif").original
    return original.part(original.codes[::2, ::2].copy())


def light_of(original: Original) -> FloatArray:
    linear = original.strip(slice(0, original.size[0]))
    return apply_matrix(linear, rgb_to_rgb(PROPHOTO, SRGB))


def test_what_lies_inside_is_what_the_clip_makes_of_it(dahlia: Original) -> None:
    codes, moved = perceptual_codes(dahlia, choose_compression(dahlia, "bradford"), "bradford", exact=True)
    assert 0.05 < moved.mean() < 0.95
    np.testing.assert_array_equal(codes[~moved], clip_to_srgb(dahlia)[~moved])


def test_codes_chosen_with_care_come_closer_and_lie_within_two_of_the_nearest(dahlia: Original) -> None:
    curves = choose_compression(dahlia, "bradford")
    truth = dahlia.strip(slice(0, dahlia.size[0])).reshape(-1, 3)
    found = {exact: perceptual_codes(dahlia, curves, "bradford", exact)[0] for exact in (False, True)}
    errors = {
        exact: float(np.square(Correction(0, False, curves).before(codes.reshape(-1, 3), "bradford") - truth).mean())
        for exact, codes in found.items()
    }
    assert errors[True] < 0.6 * errors[False]
    assert np.abs(found[True].astype(int) - found[False]).max() <= 2


def test_texture_stays_where_the_clip_is_flat(dahlia: Original) -> None:
    light = light_of(dahlia)
    flat = light[..., 0] > 1.02
    codes = perceptual_codes(dahlia, choose_compression(dahlia, "bradford"), "bradford", exact=True)[0]
    assert flat.mean() > 0.02
    assert clip_to_srgb(dahlia)[..., 0][flat].std() == 0
    assert np.corrcoef(codes[..., 0][flat], light[..., 0][flat])[0, 1] > 0.5


def test_a_lossy_file_has_no_fractions_and_a_nearer_limit(dahlia: Original) -> None:
    exact, lossy = (choose_compression(dahlia, "bradford", lossless) for lossless in (True, False))
    assert (lossy.below.levels, lossy.above.levels) == (1, 1)
    assert lossy.above.limit < exact.above.limit


def test_a_picture_without_colours_beyond_has_no_curves() -> None:
    greys = np.repeat(np.linspace(3000, 60000, 64 * 64).astype(np.uint16).reshape(64, 64, 1), 3, axis=2)
    from gamutcli.color.icc import profile_of

    curves = choose_compression(Original(greys, profile_of(PROPHOTO)), "bradford")
    assert curves.below.knee == curves.above.knee == 0
