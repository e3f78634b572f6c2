"""The perceptual picture: greys as ever, texture where the clip is flat, and codes that are chosen with care."""

from __future__ import annotations

import numpy as np
import pytest

from gamutcli.arrays import FloatArray
from gamutcli.color.compression import Compression, Side
from gamutcli.color.gamut import Correction
from gamutcli.color.spaces import PROPHOTO, SRGB, apply_matrix, rgb_to_rgb
from gamutcli.fitting.curves import BRIGHTEST, DARKEST, KNEE
from gamutcli.fitting.perceptual import move_colors, perceptual_codes
from gamutcli.images.original import Original, clip_to_srgb, read_source
from tests.support.pictures import SAMPLES

CURVES = Compression(Side(KNEE, 12000, 3, DARKEST), Side(KNEE, 12000, 3, BRIGHTEST))


@pytest.fixture(scope="module")
def dahlia() -> Original:
    original = read_source(SAMPLES / "dahlia.tif").original
    return original.part(original.codes[::2, ::2].copy())


def light_of(original: Original) -> FloatArray:
    linear = original.strip(slice(0, original.size[0]))
    return apply_matrix(linear, rgb_to_rgb(PROPHOTO, SRGB))


def test_what_lies_inside_is_what_the_clip_makes_of_it(dahlia: Original) -> None:
    codes, lost = perceptual_codes(dahlia, CURVES, "bradford", exact=True)
    truth = dahlia.strip(slice(0, dahlia.size[0])).reshape(-1, 3)
    moved = move_colors(truth, CURVES, "bradford", exact=True)[1].reshape(dahlia.size)
    assert 0.05 < moved.mean() < 0.95
    assert lost.count == moved.sum()
    np.testing.assert_array_equal(codes[~moved], clip_to_srgb(dahlia)[~moved])


def test_codes_chosen_with_care_come_closer_and_lie_within_two_of_the_nearest(dahlia: Original) -> None:
    truth = dahlia.strip(slice(0, dahlia.size[0])).reshape(-1, 3)
    found = {exact: perceptual_codes(dahlia, CURVES, "bradford", exact)[0] for exact in (False, True)}
    errors = {
        exact: float(np.square(Correction(0, False, CURVES).before(codes.reshape(-1, 3), "bradford") - truth).mean())
        for exact, codes in found.items()
    }
    assert errors[True] < 0.6 * errors[False]
    assert np.abs(found[True].astype(int) - found[False]).max() <= 2


def test_texture_stays_where_the_clip_is_flat(dahlia: Original) -> None:
    light = light_of(dahlia)
    flat = light[..., 0] > 1.02
    codes = perceptual_codes(dahlia, CURVES, "bradford", exact=True)[0]
    assert flat.mean() > 0.02
    assert clip_to_srgb(dahlia)[..., 0][flat].std() == 0
    assert np.corrcoef(codes[..., 0][flat], light[..., 0][flat])[0, 1] > 0.5


def test_what_is_clipped_beside_a_bound_and_looks_moved_stays_near() -> None:
    # Of less luminance than the bound, but clipping its red makes up for that: a decoder moves it, as far as codes say.
    truth = apply_matrix(np.array([[-0.003, 0.0074, 0.004]], np.float32), rgb_to_rgb(SRGB, PROPHOTO))
    nearest, chosen = (move_colors(truth, CURVES, "bradford", exact)[0] for exact in (False, True))
    assert CURVES.mask(nearest).all()
    errors = [
        np.abs(Correction(0, False, CURVES).before(codes, "bradford") - truth).max() for codes in (nearest, chosen)
    ]
    assert errors[1] < 0.7 * errors[0]
