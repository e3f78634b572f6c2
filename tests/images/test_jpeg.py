"""A JPEG from a camera, a phone or an editor is read as libjpeg-turbo shows it, or refused in one clear line."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
from PIL import Image

from gamutcli.color.icc import write_profile
from gamutcli.color.spaces import ADOBE_RGB, DISPLAY_P3, PROPHOTO, SPACES
from gamutcli.containers import segments
from gamutcli.errors import InputError
from gamutcli.images import Picture, read_wide
from gamutcli.images.reading import Reading
from gamutcli.metadata import orientation_of
from tests.support.pictures import wide_codes

NARROW = (wide_codes(45, 62) >> 8).astype(np.uint8)


def jpeg(path: Path, codes: Any = NARROW, mode: str | None = None, **settings: Any) -> Path:
    settings = {"quality": 95, "subsampling": 0, "icc_profile": write_profile(DISPLAY_P3)} | settings
    Image.fromarray(codes, mode).save(path, "JPEG", **settings)
    return path


def with_segments(data: bytes, *more: tuple[int, bytes]) -> bytes:
    """The same JPEG with segments before all others."""
    return data[:2] + b"".join(segments.make(marker, body).raw for marker, body in more) + data[2:]


def space_of(picture: Picture) -> str | None:
    return picture.profile.space.name if picture.profile and picture.profile.space else None


@pytest.mark.parametrize("space", [ADOBE_RGB, DISPLAY_P3, PROPHOTO])
def test_a_jpeg_means_what_its_profile_says(tmp_path: Path, space: Any) -> None:
    picture = read_wide(jpeg(tmp_path / "a.jpg", icc_profile=write_profile(space)))
    assert space_of(picture) == space.name
    with Image.open(tmp_path / "a.jpg") as opened:
        np.testing.assert_array_equal(picture.codes, np.asarray(opened).astype(np.uint16) * 257)
    (note,) = picture.notes
    assert note.startswith("8-bit input")


def test_an_untagged_jpeg_says_no_colours(tmp_path: Path) -> None:
    assert read_wide(jpeg(tmp_path / "a.jpg", icc_profile=None)).profile is None


def in_parts(profile: bytes, count: int) -> list[tuple[int, bytes]]:
    step = -(-len(profile) // count)
    return [
        (segments.APP2, b"ICC_PROFILE\0" + bytes([n + 1, count]) + profile[n * step : (n + 1) * step])
        for n in range(count)
    ]


def test_a_profile_in_several_segments_is_joined_by_their_numbers(tmp_path: Path) -> None:
    plain = jpeg(tmp_path / "a.jpg", icc_profile=None).read_bytes()
    parts = in_parts(write_profile(SPACES["adobergb"]), 3)
    (tmp_path / "a.jpg").write_bytes(with_segments(plain, parts[2], parts[0], parts[1]))
    assert space_of(read_wide(tmp_path / "a.jpg")) == "adobergb"
    (tmp_path / "a.jpg").write_bytes(with_segments(plain, parts[0], parts[2]))
    with pytest.raises(InputError, match="profile is not all there"):
        read_wide(tmp_path / "a.jpg")


@pytest.mark.parametrize("settings", [{"subsampling": 1}, {"subsampling": 2}, {"subsampling": 2, "progressive": True}])
def test_colours_at_half_the_size_are_spread_smoothly_and_said(tmp_path: Path, settings: dict[str, Any]) -> None:
    picture = read_wide(jpeg(tmp_path / "a.jpg", **settings))
    assert any("half its size" in note for note in picture.notes)
    # Pillow asks libjpeg-turbo for its own default, which is to interpolate.
    with Image.open(tmp_path / "a.jpg") as opened:
        np.testing.assert_array_equal(picture.codes // 257, np.asarray(opened))


def test_identify_of_jpeg_beside_the_usual_one(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(imagecodecs.jpeg8_encode(NARROW, 100, colorspace="RGB", outcolorspace="RGB"))
    assert np.abs(read_wide(path).codes / 257 - NARROW).max() <= 1
    path.write_bytes(imagecodecs.jpeg8_encode(NARROW, lossless=True))
    np.testing.assert_array_equal(read_wide(path).codes, NARROW.astype(np.uint16) * 257)
    wide = wide_codes(45, 62)
    path.write_bytes(imagecodecs.jpeg8_encode(wide, lossless=True, bitspersample=16))
    picture = read_wide(path)
    np.testing.assert_array_equal(picture.codes, wide)
    assert picture.notes == ()
    path.write_bytes(imagecodecs.jpeg8_encode(wide >> 4, 100, bitspersample=12))
    picture = read_wide(path)
    assert np.abs(picture.codes.astype(int) - wide).mean() < 100
    assert not any("8-bit" in note for note in picture.notes)


def test_a_grey_jpeg_becomes_rgb(tmp_path: Path) -> None:
    picture = read_wide(jpeg(tmp_path / "a.jpg", NARROW[..., 0], icc_profile=None))
    assert picture.is_grey
    assert (picture.codes[..., 0] == picture.codes[..., 2]).all()


def test_a_cmyk_jpeg_is_named(tmp_path: Path) -> None:
    four = np.dstack([NARROW, NARROW[..., 0]])
    with pytest.raises(InputError, match="is CMYK without a profile"):
        read_wide(jpeg(tmp_path / "a.jpg", four, "CMYK", icc_profile=None))


def test_orientation_stays_metadata_as_in_a_tiff(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    picture = read_wide(jpeg(tmp_path / "a.jpg", exif=exif))
    assert picture.codes.shape == (45, 62, 3)
    assert orientation_of(picture.metadata) == 6


def test_the_first_picture_of_several_is_read_and_said(tmp_path: Path) -> None:
    other = Image.fromarray(255 - NARROW)
    with Image.fromarray(NARROW) as image:
        image.save(tmp_path / "a.jpg", "MPO", save_all=True, append_images=[other, other], subsampling=0, quality=95)
    picture = read_wide(tmp_path / "a.jpg")
    assert np.abs(picture.codes / 257 - NARROW).mean() < 2
    assert "2 other pictures in the file were left out" in picture.notes


GAIN_MAPS = {
    "Ultra HDR": (segments.APP1, segments.XMP + b'<x xmlns:hdrgm="http://ns.adobe.com/hdr-gain-map/1.0/"/>'),
    "ISO 21496-1": (segments.APP2, b"urn:iso:std:iso:ts:21496:-1\0\0\0\0\0"),
    "Apple": (segments.APP1, segments.XMP + b'<x xmlns:HDRGainMap="http://ns.apple.com/HDRGainMap/1.0/"/>'),
}


@pytest.mark.parametrize("kind", GAIN_MAPS)
def test_a_gain_map_is_left_out_and_said(tmp_path: Path, kind: str) -> None:
    base, gain = jpeg(tmp_path / "a.jpg").read_bytes(), jpeg(tmp_path / "b.jpg", NARROW[::4, ::4]).read_bytes()
    (tmp_path / "a.jpg").write_bytes(with_segments(base, GAIN_MAPS[kind]) + gain)
    picture = read_wide(tmp_path / "a.jpg")
    assert picture.codes.shape == (45, 62, 3)
    assert any("gain map" in note for note in picture.notes)


@pytest.mark.parametrize("settings", [{}, {"progressive": True}, {"subsampling": 2}])
def test_a_jpeg_cut_anywhere_is_refused(tmp_path: Path, settings: dict[str, Any]) -> None:
    whole = jpeg(tmp_path / "a.jpg", **settings).read_bytes()
    for length in sorted({*range(1, len(whole), len(whole) // 60), *range(len(whole) - 9, len(whole) - 1)}):
        (tmp_path / "a.jpg").write_bytes(whole[:length])
        with pytest.raises(InputError):
            read_wide(tmp_path / "a.jpg")


def test_absurd_sizes_are_refused_before_anything_is_decoded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = bytearray(jpeg(tmp_path / "a.jpg").read_bytes())
    at = data.index(b"\xff\xc0") + 5
    data[at : at + 4] = struct.pack(">HH", 65535, 65535)
    (tmp_path / "a.jpg").write_bytes(data)
    monkeypatch.setattr(imagecodecs, "jpeg8_decode", lambda *_: pytest.fail("the pixels were decoded"))
    with pytest.raises(InputError, match="megapixels"):
        read_wide(tmp_path / "a.jpg")


def test_a_page_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    assert read_wide(jpeg(tmp_path / "a.jpg"), Reading(page=1)).codes.shape == (45, 62, 3)
    with pytest.raises(InputError, match="holds one picture, none of them number 2"):
        read_wide(tmp_path / "a.jpg", Reading(page=2))
