"""The two sides of a picture: the original in linear light, and what the decoder will see."""

from __future__ import annotations

import numpy as np
import pytest

from gamutcli import parallel
from gamutcli.color.gamut import Correction
from gamutcli.color.icc import read_profile, write_profile
from gamutcli.color.spaces import PROPHOTO, SPACES, Adaptation, rgb_to_rgb
from gamutcli.errors import InputError, UsageError
from gamutcli.fitting.scene import Scene
from gamutcli.images import Picture
from gamutcli.images.original import Original, profile_of
from gamutcli.metadata import Metadata
from tests.support import reference
from tests.support.pictures import wide_codes

CODES = wide_codes(40, 30)


def original(space: str = "prophoto") -> Original:
    return Original(CODES, read_profile(write_profile(SPACES[space])))


def picture(space: str | None) -> Picture:
    profile = read_profile(write_profile(SPACES[space])) if space else None
    return Picture(CODES, profile, Metadata(), ("a note of the file's own",))


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


# What the codes of a file mean.


def test_a_prophoto_file_needs_no_words() -> None:
    profile, notes = profile_of("a.tif", picture("prophoto"), None)
    assert profile.space == PROPHOTO
    assert notes == ("a note of the file's own",)


def test_another_space_is_converted_and_said_so() -> None:
    profile, notes = profile_of("a.tif", picture("adobergb"), None)
    assert profile.space == SPACES["adobergb"]
    assert any("Adobe RGB" in note and "converted" in note for note in notes)


def test_a_file_without_a_profile_is_refused_with_what_to_do() -> None:
    with pytest.raises(InputError, match=r"a\.tif: .*--assume-profile prophoto"):
        profile_of("a.tif", picture(None), None)


def test_an_assumed_profile_is_taken_where_there_is_none() -> None:
    profile, notes = profile_of("a.tif", picture(None), "prophoto")
    assert profile.space == PROPHOTO
    assert notes == ("a note of the file's own",)


def test_the_files_own_profile_wins_over_an_assumed_one() -> None:
    profile, notes = profile_of("a.tif", picture("displayp3"), "prophoto")
    assert profile.space == SPACES["displayp3"]
    assert any("--assume-profile prophoto" in note for note in notes)
    same, no_notes = profile_of("a.tif", picture("prophoto"), "prophoto")
    assert same.space == PROPHOTO
    assert no_notes == ("a note of the file's own",)


def test_an_unknown_space_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="prophoto"):
        profile_of("a.tif", picture(None), "technicolor")
