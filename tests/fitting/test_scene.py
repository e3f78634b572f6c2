"""The two sides of a picture: the original in linear light, and what the decoder will see."""

from __future__ import annotations

import numpy as np
import pytest

from gamutcli import parallel
from gamutcli.color.gamut import Correction
from gamutcli.color.icc import profile_of
from gamutcli.color.spaces import PROPHOTO, SPACES, Adaptation, rgb_to_rgb
from gamutcli.fitting.scene import Scene
from gamutcli.images.original import Original
from tests.support import reference
from tests.support.pictures import wide_codes

CODES = wide_codes(40, 30)


def original(space: str = "prophoto") -> Original:
    return Original(CODES, profile_of(SPACES[space]))


def test_prophoto_codes_become_linear_light() -> None:
    found = original().strip(slice(0, 40))
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, reference.prophoto_linear(CODES), atol=1e-6)


@pytest.mark.parametrize("space", ["srgb", "displayp3", "adobergb", "rec2020"])
def test_other_spaces_become_linear_prophoto(space: str) -> None:
    linear = SPACES[space].cctf_decoding(CODES / 65535)
    expected = linear @ rgb_to_rgb(SPACES[space], PROPHOTO).T
    np.testing.assert_allclose(original(space).strip(slice(0, 40)), expected, atol=2e-4)


def test_strips_are_parts_of_the_whole() -> None:
    whole = original().strip(slice(0, 40))
    np.testing.assert_array_equal(original().strip(slice(7, 19)), whole[7:19])
    assert original().size == (40, 30)


@pytest.mark.parametrize("adaptation", ["bradford", "cat02"])
def test_a_residual_is_the_original_less_the_plain_picture(adaptation: Adaptation) -> None:
    srgb = reference.reduced(CODES, adaptation)
    scene = Scene(original(), srgb, adaptation, Correction())
    expected = reference.prophoto_linear(CODES) - reference.plain(srgb, adaptation)
    assert np.abs(expected).max() > 0.02
    inside = np.array([0, 31, 31, 209])
    found = scene.residuals(slice(5, 12), inside)
    np.testing.assert_allclose(found, expected[5:12].reshape(-1, 3)[inside], atol=3e-6)


def test_a_scene_is_walked_in_strips(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parallel, "STRIP_PIXELS", 300)
    scene = Scene(original(), reference.reduced(CODES), "bradford", Correction())
    assert scene.strips() == [slice(0, 10), slice(10, 20), slice(20, 30), slice(30, 40)]


def test_bands_are_low_evenly_spread_and_about_as_many_pixels_as_asked_for() -> None:
    codes = wide_codes(400, 30)
    scene = Scene(Original(codes, profile_of(PROPHOTO)), reference.reduced(codes), "bradford", Correction())
    bands = scene.bands(400 * 30 // 10)
    assert [band.stop - band.start for band in bands] == [8] * 5
    assert [band.start for band in bands] == [36, 116, 196, 276, 356]


def test_a_small_picture_is_looked_at_whole() -> None:
    scene = Scene(original(), reference.reduced(CODES), "bradford", Correction())
    assert scene.bands(CODES.size) == scene.strips()
