"""Light, tables and other exposures become 16-bit ProPhoto codes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray

from gamutcli.color.icc import MatrixProfile, profile_of, read_profile, write_profile
from gamutcli.color.icc.profile import SampledCurve
from gamutcli.color.spaces import (
    ADOBE_RGB,
    PROPHOTO,
    REC2020,
    SPACES,
    SRGB,
    lab_to_prophoto_linear,
    prophoto_linear_to_lab,
    rgb_to_rgb,
)
from gamutcli.errors import InputError
from gamutcli.images.convert import is_plain, to_prophoto
from gamutcli.images.original import Source, read_source
from gamutcli.images.reading import Reading
from tests.support.pictures import wide_codes, write_tiff
from tests.support.profiles import matrix_tags, para_curve, table_curve, table_profile
from tests.support.profiles import profile_of as icc_of

CODES = wide_codes(40, 30)
SRGB_CURVE = para_curve(3, 2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
LIGHT = PROPHOTO.cctf_decoding(CODES / 65535)


def light_of(source: Source) -> NDArray[np.float32]:
    return source.original.strip(slice(0, source.original.size[0]))


def linear_profile(space: str) -> bytes:
    """A profile of a space for light, as darktable and RawTherapee embed."""
    return icc_of(matrix_tags(read_matrix(space), table_curve([])))


def read_matrix(space: str) -> NDArray[np.float64]:
    profile = read_profile(write_profile(SPACES[space]))
    assert isinstance(profile, MatrixProfile)
    return profile.to_xyz_d50


# Floating point.


@pytest.mark.parametrize("kind", ["float16", "float32", "float64"])
@pytest.mark.parametrize("space", ["prophoto", "rec2020", "srgb"])
def test_light_under_a_linear_profile_is_that_light(tmp_path: Path, space: str, kind: str) -> None:
    own = (LIGHT @ rgb_to_rgb(PROPHOTO, SPACES[space]).T).astype(kind)
    source = read_source(write_tiff(tmp_path / "a.tif", own, None, iccprofile=linear_profile(space)))
    np.testing.assert_allclose(light_of(source), LIGHT, atol=2e-3 if kind == "float16" else 5e-5)
    assert not any("clipped" in note for note in source.notes)


@pytest.mark.parametrize("space", SPACES)
def test_encoded_values_are_decoded_by_their_profile(tmp_path: Path, space: str) -> None:
    own = SPACES[space].cctf_encoding(np.clip(LIGHT @ rgb_to_rgb(PROPHOTO, SPACES[space]).T, 0, 1))
    floats = read_source(write_tiff(tmp_path / "f.tif", own.astype(np.float32), space))
    codes = read_source(write_tiff(tmp_path / "c.tif", np.rint(own * 65535).astype(np.uint16), space))
    np.testing.assert_allclose(light_of(floats), light_of(codes), atol=5e-5)


@pytest.mark.parametrize("curve", [table_curve([]), SRGB_CURVE])
def test_a_narrow_space_holds_wide_colours_below_0_and_above_1(tmp_path: Path, curve: bytes) -> None:
    own = (LIGHT @ rgb_to_rgb(PROPHOTO, SRGB).T).astype(np.float32)
    assert own.min() < -0.1
    assert own.max() > 1
    values = SRGB.cctf_encoding(own) if curve == SRGB_CURVE else own
    profile = icc_of(matrix_tags(read_matrix("srgb"), curve))
    source = read_source(write_tiff(tmp_path / "a.tif", values, None, iccprofile=profile))
    np.testing.assert_allclose(light_of(source), LIGHT, atol=1e-4)


def test_what_16_bits_cannot_hold_is_clipped_and_counted(tmp_path: Path) -> None:
    own = np.full((10, 10, 3), 0.5, np.float32)
    own[0, :3] = 4.0
    own[1, 0, 0] = -0.25
    own[2, 0, 1] = np.nan
    own[3, 0, 2] = np.inf
    source = read_source(write_tiff(tmp_path / "a.tif", own, None, iccprofile=linear_profile("prophoto")))
    assert "1 of 100 pixels holds no number (NaN), and became black there" in source.notes
    assert any(note.startswith("5 of 100 pixels hold light outside 0 to 1, which was clipped") for note in source.notes)
    found = source.original.codes
    assert found[0, 0].tolist() == [65535] * 3
    assert (found[1, 0, 0], found[2, 0, 1], found[3, 0, 2]) == (0, 0, 65535)


def test_the_note_says_which_exposure_keeps_the_highlights(tmp_path: Path) -> None:
    own = np.full((4, 5, 3), 0.25, np.float32)
    own[0, 0] = 4.0
    path = write_tiff(tmp_path / "a.tif", own, None, iccprofile=linear_profile("rec2020"))
    assert "--exposure -2.0 would keep the brightest (4)" in read_source(path).notes[-1]
    darker = read_source(path, Reading(exposure=-2))
    assert not any("clipped" in note for note in darker.notes)
    assert any("2 EV darker" in note for note in darker.notes)
    np.testing.assert_allclose(light_of(darker)[1:], 0.0625, atol=1e-5)
    np.testing.assert_allclose(light_of(darker)[0, 0], 1, atol=1e-4)


def test_light_without_a_profile_needs_the_users_word(tmp_path: Path) -> None:
    own = (LIGHT @ rgb_to_rgb(PROPHOTO, REC2020).T).astype(np.float32)
    path = write_tiff(tmp_path / "a.tif", own, None)
    with pytest.raises(InputError, match="--assume-profile"):
        read_source(path)
    source = read_source(path, Reading(assume_profile="rec2020", linear=True))
    np.testing.assert_allclose(light_of(source), LIGHT, atol=5e-5)


def test_other_floating_point_is_refused(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((4, 5, 4), np.float32), photometric="separated")
    with pytest.raises(InputError, match="CMYK of floating point"):
        read_source(tmp_path / "a.tif")
    tifffile.imwrite(tmp_path / "b.tif", np.zeros((4, 5, 3), np.complex64), photometric="rgb")
    with pytest.raises(InputError):
        read_source(tmp_path / "b.tif")


def test_grey_light_becomes_grey(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, LIGHT[..., 1].astype(np.float32), photometric="minisblack", metadata=None)
    source = read_source(path, Reading(assume_profile="prophoto", linear=True))
    np.testing.assert_allclose(light_of(source), np.repeat(LIGHT[..., 1:2], 3, axis=-1), atol=5e-5)


@pytest.mark.parametrize("samples", [(0, 65535), (0, 20000, 65535)])
def test_sampled_curves_go_on_beyond_0_and_1(samples: tuple[int, ...]) -> None:
    curve = SampledCurve(samples)
    outside = curve.decode(np.array([-0.5, 0.0, 1.0, 1.5]))
    step = len(samples) - 1
    assert outside[1:3].tolist() == [0, 1]
    assert outside[0] == pytest.approx(-0.5 * step * samples[1] / 65535)
    assert outside[3] == pytest.approx(1 + 0.5 * step * (65535 - samples[-2]) / 65535)


# Exposure of whole numbers.


@pytest.mark.parametrize("space", ["prophoto", "adobergb"])
def test_exposure_scales_light_of_any_source(tmp_path: Path, space: str) -> None:
    path = write_tiff(tmp_path / "a.tif", CODES, space)
    plain, darker = read_source(path), read_source(path, Reading(exposure=-1))
    np.testing.assert_allclose(light_of(darker), light_of(plain) / 2, atol=2e-5)
    brighter = read_source(path, Reading(exposure=3))
    assert any("1 EV" not in note and "brighter" in note for note in brighter.notes)
    assert any("outside 0 to 1" in note for note in brighter.notes)


def test_codes_stay_as_they_are_where_nothing_is_to_be_done() -> None:
    profile = profile_of(ADOBE_RGB)
    assert is_plain(CODES, profile, 0.0)
    assert not is_plain(CODES, profile, 0.5)
    assert not is_plain(CODES.astype(np.float32), profile, 0.0)


# Tables, inks and Lab.


def soft_lab(codes: NDArray[np.float64]) -> NDArray[np.float64]:
    return prophoto_linear_to_lab((0.02 + 0.95 * codes) ** 2)


def ink_lab(codes: NDArray[np.float64]) -> NDArray[np.float64]:
    return prophoto_linear_to_lab(0.85 * (1 - 0.6 * codes[..., :3]) * (1 - 0.9 * codes[..., 3:]))


def test_a_picture_under_tables_is_converted_and_said_so(tmp_path: Path) -> None:
    path = write_tiff(tmp_path / "a.tif", CODES, None, iccprofile=table_profile(3, 33, soft_lab))
    source = read_source(path)
    expected = (0.02 + 0.95 * CODES / 65535) ** 2
    np.testing.assert_allclose(light_of(source), expected, atol=2e-3)
    assert any("LittleCMS followed (relative colorimetric)" in note for note in source.notes)
    darker = read_source(path, Reading(exposure=-1))
    np.testing.assert_allclose(light_of(darker), light_of(source) / 2, atol=5e-5)


@pytest.mark.parametrize("kind", ["u1", "u2"])
def test_inks_are_read_by_their_profile(tmp_path: Path, kind: str) -> None:
    white = np.iinfo(kind).max
    inks = (np.random.default_rng(1).random((20, 30, 4)) * white).astype(kind)
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, inks, photometric="separated", metadata=None, iccprofile=table_profile(4, 9, ink_lab))
    expected = 0.85 * (1 - 0.6 * inks[..., :3] / white) * (1 - 0.9 * inks[..., 3:] / white)
    np.testing.assert_allclose(light_of(read_source(path)), expected, atol=0.02)


def test_inks_without_a_profile_need_one(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, np.zeros((4, 5, 4), np.uint8), photometric="separated", metadata=None)
    with pytest.raises(InputError, match=r"CMYK without a profile.*--assume-profile"):
        read_source(path)
    (tmp_path / "press.icc").write_bytes(table_profile(4, 5, ink_lab))
    source = read_source(path, Reading(assume_profile=str(tmp_path / "press.icc")))
    np.testing.assert_allclose(light_of(source), 0.85, atol=0.01)
    with pytest.raises(InputError, match="4 channels of colour"):
        read_source(path, Reading(assume_profile="prophoto"))


def lab_picture() -> NDArray[np.float64]:
    return prophoto_linear_to_lab(LIGHT)


def test_lab_is_read_as_tiff_defines_it(tmp_path: Path) -> None:
    lab = lab_picture()
    wide = np.empty(lab.shape, np.uint16)
    wide[..., 0] = np.rint(lab[..., 0] * 655.35)
    wide[..., 1:] = np.rint(lab[..., 1:] * 256).astype(np.int16).view(np.uint16)
    tifffile.imwrite(tmp_path / "cie.tif", wide, photometric="cielab", metadata=None)
    np.testing.assert_allclose(light_of(read_source(tmp_path / "cie.tif")), LIGHT, atol=2e-4)
    narrow = np.empty(lab.shape, np.uint8)
    narrow[..., 0] = np.rint(lab[..., 0] * 2.55)
    narrow[..., 1:] = np.rint(lab[..., 1:].clip(-128, 127)).astype(np.int8).view(np.uint8)
    tifffile.imwrite(tmp_path / "cie8.tif", narrow, photometric="cielab", metadata=None)
    assert np.abs(light_of(read_source(tmp_path / "cie8.tif")) - LIGHT).mean() < 0.01


def test_lab_is_read_as_version_2_of_icc_stores_it(tmp_path: Path) -> None:
    lab = lab_picture()
    wide = np.rint(np.stack([lab[..., 0] * 652.8, (lab[..., 1] + 128) * 256, (lab[..., 2] + 128) * 256], axis=-1))
    tifffile.imwrite(tmp_path / "icc.tif", wide.clip(0, 65535).astype(np.uint16), photometric="icclab", metadata=None)
    np.testing.assert_allclose(light_of(read_source(tmp_path / "icc.tif")), LIGHT, atol=2e-4)


def test_lab_there_and_back() -> None:
    np.testing.assert_allclose(lab_to_prophoto_linear(prophoto_linear_to_lab(LIGHT)), LIGHT, atol=1e-12)


def test_a_damaged_table_names_the_file() -> None:
    profile = read_profile(table_profile(3, 5, soft_lab).replace(b"mft2", b"junk"))
    with pytest.raises(InputError, match=r"^a\.tif: "):
        to_prophoto("a.tif", CODES, profile, 0.0)
