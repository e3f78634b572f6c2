"""Grey, transparency and further channels: what of them becomes red, green and blue, and what is said."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
from numpy.typing import NDArray

from gamutcli.color.icc import read_profile, write_profile
from gamutcli.color.spaces import DISPLAY_P3, PROPHOTO, SRGB, RGBSpace
from gamutcli.errors import InputError
from gamutcli.images import Picture, read_wide
from gamutcli.images.channels import Samples, mix_with_background, picture_of, samples_of, to_8_bits, to_16_bits
from gamutcli.images.original import read_source
from gamutcli.images.reading import AS_IT_IS, Reading
from gamutcli.metadata import Metadata
from tests.support.pictures import wide_codes, write_tiff

CODES = wide_codes(30, 40)
OPAQUE = np.full((30, 40, 1), 65535, np.uint16)
HALF = np.full((30, 40, 1), 32768, np.uint16)


def with_channels(*more: NDArray[Any]) -> NDArray[Any]:
    return np.concatenate([CODES, *more], axis=2)


def picture(samples: Samples, reading: Reading = AS_IT_IS, space: RGBSpace | None = PROPHOTO) -> Picture:
    meaning = None if space is None else write_profile(space)
    return picture_of("a.tif", samples, meaning, Metadata(), reading)


@pytest.mark.parametrize("bits", range(1, 17))
def test_the_darkest_and_the_lightest_code_stay_so_whatever_the_depth(bits: int) -> None:
    white = (1 << bits) - 1
    codes = np.arange(white + 1).astype(np.uint16).reshape(1, -1)
    wide = to_16_bits(codes, white)
    assert (wide[0, 0], wide[0, -1]) == (0, 65535)
    np.testing.assert_array_equal(np.round(wide / 65535 * white), codes)
    np.testing.assert_array_equal(to_8_bits(codes, white), np.floor(codes / white * 255 + 0.5))


def test_codes_of_sixteen_bits_are_not_copied() -> None:
    assert np.shares_memory(picture(samples_of(CODES)).codes, CODES)


@pytest.mark.parametrize("kind", ["unassalpha", "assocalpha"])
def test_an_opaque_alpha_channel_goes_without_a_word(tmp_path: Path, kind: str) -> None:
    write_tiff(tmp_path / "a.tif", with_channels(OPAQUE), extrasamples=[kind])
    (tmp_path / "a.png").write_bytes(imagecodecs.png_encode(with_channels(OPAQUE)))
    for name in ("a.tif", "a.png"):
        read = read_wide(tmp_path / name)
        np.testing.assert_array_equal(read.codes, CODES)
        assert (read.notes, read.alpha) == ((), None)


def test_a_transparent_picture_says_what_to_do(tmp_path: Path) -> None:
    write_tiff(tmp_path / "a.tif", with_channels(HALF), extrasamples=["unassalpha"])
    with pytest.raises(InputError, match=r"a\.tif: is transparent in places; .* --background white"):
        read_wide(tmp_path / "a.tif")


def test_the_background_shows_through_as_much_as_the_picture_lets_it(tmp_path: Path) -> None:
    share = np.linspace(0, 65535, 40).round().astype(np.uint16)
    alpha = np.broadcast_to(share, (30, 40))[..., None]
    write_tiff(tmp_path / "a.tif", with_channels(alpha), extrasamples=["unassalpha"])
    shown = read_source(tmp_path / "a.tif", Reading(background=(255, 255, 255))).original.codes
    expected = CODES * (alpha / 65535) + 65535 * (1 - alpha / 65535)
    np.testing.assert_allclose(shown, expected, atol=0.51)


def test_associated_alpha_gives_the_same_picture(tmp_path: Path) -> None:
    associated = np.round(CODES * (HALF / 65535)).astype(np.uint16)
    write_tiff(tmp_path / "a.tif", with_channels(HALF), extrasamples=["unassalpha"])
    write_tiff(tmp_path / "b.tif", np.concatenate([associated, HALF], 2), extrasamples=["assocalpha"])
    reading = Reading(background=(40, 200, 90))
    straight, other = (read_source(tmp_path / name, reading).original.codes for name in ("a.tif", "b.tif"))
    np.testing.assert_allclose(straight.astype(int), other, atol=2)
    assert np.abs(straight.astype(int) - CODES).mean() > 3000


@pytest.mark.parametrize("space", [SRGB, DISPLAY_P3, PROPHOTO])
def test_the_background_is_an_srgb_colour_in_whatever_space_the_picture_is(space: RGBSpace) -> None:
    clear = picture(samples_of(with_channels(np.zeros_like(OPAQUE))), Reading(background=(200, 120, 40)), space)
    assert clear.profile is not None
    pixel = mix_with_background(clear.codes, clear.alpha, clear.profile, (200, 120, 40))[0, 0] / 65535
    light = clear.profile.to_rgb(SRGB) @ space.cctf_decoding(pixel)
    np.testing.assert_allclose(SRGB.cctf_encoding(light) * 255, (200, 120, 40), atol=0.02)


def test_a_background_needs_no_profile_of_the_file_where_one_is_assumed(tmp_path: Path) -> None:
    write_tiff(tmp_path / "a.tif", with_channels(np.zeros_like(OPAQUE)), None, extrasamples=["unassalpha"])
    source = read_source(tmp_path / "a.tif", Reading("prophoto", background=(255, 255, 255)))
    assert (source.original.codes == 65535).all()


@pytest.mark.parametrize("count", [1, 3])
def test_channels_of_no_colour_are_left_out_and_said(tmp_path: Path, count: int) -> None:
    write_tiff(tmp_path / "a.tif", with_channels(*[HALF] * count), extrasamples=["unspecified"] * count)
    read = read_wide(tmp_path / "a.tif")
    np.testing.assert_array_equal(read.codes, CODES)
    (note,) = read.notes
    assert note.startswith("left out a channel" if count == 1 else f"left out {count} channels")


def test_an_alpha_channel_behind_a_mask_is_found(tmp_path: Path) -> None:
    kinds = ["unspecified", "unassalpha"]
    write_tiff(tmp_path / "a.tif", with_channels(HALF, OPAQUE), extrasamples=kinds)
    np.testing.assert_array_equal(read_wide(tmp_path / "a.tif").codes, CODES)
    write_tiff(tmp_path / "b.tif", with_channels(OPAQUE, HALF), extrasamples=kinds)
    with pytest.raises(InputError, match="transparent"):
        read_wide(tmp_path / "b.tif")


def test_grey_is_three_equal_channels_with_a_note(tmp_path: Path) -> None:
    write_tiff(tmp_path / "a.tif", CODES[..., 0], None, photometric="minisblack")
    write_tiff(tmp_path / "b.tif", 65535 - CODES[..., 0], None, photometric="miniswhite")
    (tmp_path / "c.png").write_bytes(imagecodecs.png_encode(CODES[..., 0].copy()))
    (tmp_path / "d.png").write_bytes(imagecodecs.png_encode(np.dstack([CODES[..., 0], OPAQUE])))
    for name in ("a.tif", "b.tif", "c.png", "d.png"):
        read = read_wide(tmp_path / name)
        np.testing.assert_array_equal(read.codes, np.repeat(CODES[..., :1], 3, axis=2))
        (note,) = read.notes
        assert note.startswith("is grey")


def test_grey_without_a_profile_is_shown_as_screens_show_it(tmp_path: Path) -> None:
    write_tiff(tmp_path / "a.tif", CODES[..., 0], None, photometric="minisblack")
    source = read_source(tmp_path / "a.tif")
    assert "curve" in source.notes[1]
    light = SRGB.cctf_decoding(CODES[..., :1] / 65535)
    np.testing.assert_allclose(source.original.strip(slice(None)), np.repeat(light, 3, axis=2), atol=1e-5)
    assumed = read_source(tmp_path / "a.tif", Reading("prophoto"))
    light = PROPHOTO.cctf_decoding(CODES[..., :1] / 65535)
    np.testing.assert_allclose(assumed.original.strip(slice(None)), np.repeat(light, 3, axis=2), atol=1e-5)


def grey_profile(gamma: float) -> bytes:
    """A grey profile with this gamma: an RGB one of ours, its colorants and further curves never looked at."""
    rgb = bytearray(write_profile(SRGB))
    rgb[16:20] = b"GRAY"
    at = rgb.index(b"rTRC", 128)
    rgb[at : at + 4] = b"kTRC"
    start = int.from_bytes(rgb[at + 4 : at + 8], "big")
    rgb[start : start + 14] = b"curv" + bytes(4) + (1).to_bytes(4, "big") + round(gamma * 256).to_bytes(2, "big")
    return bytes(rgb)


def test_a_grey_profile_is_believed(tmp_path: Path) -> None:
    write_tiff(tmp_path / "a.tif", CODES[..., 0], None, photometric="minisblack", iccprofile=grey_profile(1.75))
    source = read_source(tmp_path / "a.tif")
    light = (CODES[..., :1] / 65535) ** 1.75
    np.testing.assert_allclose(source.original.strip(slice(None)), np.repeat(light, 3, axis=2), atol=1e-5)


def test_a_grey_profile_says_nothing_of_a_picture_in_colour(tmp_path: Path) -> None:
    write_tiff(tmp_path / "a.tif", CODES, None, iccprofile=grey_profile(1.75))
    with pytest.raises(InputError, match="a grey ICC profile"):
        read_wide(tmp_path / "a.tif")
    with pytest.raises(InputError):
        read_profile(grey_profile(1.75))


def test_inks_without_a_profile_are_named() -> None:
    with pytest.raises(InputError, match=r"a\.tif: is CMYK without a profile"):
        picture(Samples(with_channels(HALF), 65535, "cmyk"), space=None)
