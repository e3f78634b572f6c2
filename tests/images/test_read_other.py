"""Wide-gamut pictures from phones: AVIF of 8 to 12 bits."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from gamutcli.color.icc import write_profile
from gamutcli.color.spaces import ADOBE_RGB, DISPLAY_P3, PROPHOTO
from gamutcli.errors import InputError
from gamutcli.images import Picture, read_wide
from gamutcli.images.picture import turn
from gamutcli.images.reading import Reading
from gamutcli.metadata import orientation_of
from tests.support.pictures import wide_codes

CODES = wide_codes(40, 60)
P3 = {"primaries": 12, "transfer": 13, "matrix": 6}


def avif(path: Path, depth: int = 10, codes: NDArray[Any] = CODES, **settings: Any) -> Path:
    samples = np.round(codes / 65535 * (2**depth - 1)).astype(np.uint8 if depth == 8 else np.uint16)
    path.write_bytes(imagecodecs.avif_encode(samples, level=100, bitspersample=depth, **{**P3, **settings}))
    return path


def space_of(picture: Picture) -> str | None:
    return picture.profile.space.name if picture.profile and picture.profile.space else None


@pytest.mark.parametrize("depth", [8, 10, 12])
def test_an_avif_is_widened_to_sixteen_bits(tmp_path: Path, depth: int) -> None:
    picture = read_wide(avif(tmp_path / "a.avif", depth))
    assert space_of(picture) == "displayp3"
    assert np.abs(picture.codes.astype(int) - CODES).mean() < 65535 / 2**depth
    assert ("8-bit" in "".join(picture.notes)) == (depth == 8)


def test_white_and_black_of_an_avif_are_white_and_black(tmp_path: Path) -> None:
    for value in (0, 65535):
        flat = np.full((16, 16, 3), value, np.uint16)
        assert (read_wide(avif(tmp_path / "a.avif", codes=flat)).codes == value).all()


def test_an_icc_profile_comes_before_numbers(tmp_path: Path) -> None:
    image = Image.fromarray((CODES >> 8).astype(np.uint8))
    image.save(tmp_path / "a.avif", icc_profile=write_profile(ADOBE_RGB), quality=90)
    assert space_of(read_wide(tmp_path / "a.avif")) == "adobergb"


@pytest.mark.parametrize(
    ("numbers", "words"),
    [
        ({"primaries": 9, "transfer": 16, "matrix": 9}, r"HDR \(PQ\)"),
        ({"primaries": 9, "transfer": 18, "matrix": 9}, r"HDR \(HLG\)"),
        ({"primaries": 1, "transfer": 9}, "primaries 1, transfer 9"),
    ],
)
def test_colours_that_are_not_known_are_refused(tmp_path: Path, numbers: dict[str, int], words: str) -> None:
    with pytest.raises(InputError, match=words):
        read_wide(avif(tmp_path / "a.avif", **numbers))


@pytest.mark.parametrize(
    ("numbers", "space"),
    [
        ({"primaries": 9, "transfer": 1, "matrix": 9}, "rec2020"),
        ({"primaries": 9, "transfer": 8, "matrix": 9}, "rec2020"),
        ({"primaries": 1, "transfer": 1, "matrix": 1}, "srgb"),
        ({"primaries": 1, "transfer": 8, "matrix": 1}, "srgb"),
        ({"primaries": 12, "transfer": 1, "matrix": 6}, "displayp3"),
        ({"primaries": 22, "transfer": 4, "matrix": 6}, None),
    ],
)
def test_all_sdr_numbers_of_an_avif_are_followed(tmp_path: Path, numbers: dict[str, int], space: str | None) -> None:
    picture = read_wide(avif(tmp_path / "a.avif", **numbers))
    assert picture.profile is not None
    assert space_of(picture) == space


def test_an_avif_that_names_no_colours_has_no_profile(tmp_path: Path) -> None:
    assert read_wide(avif(tmp_path / "a.avif", primaries=2, transfer=2)).profile is None


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_an_avif_is_turned_upright(tmp_path: Path, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    image = Image.fromarray((CODES >> 8).astype(np.uint8))
    image.save(tmp_path / "a.avif", exif=exif, quality=100, subsampling="4:4:4", icc_profile=write_profile(DISPLAY_P3))
    picture = read_wide(tmp_path / "a.avif")
    expected = np.rot90(CODES, {1: 0, 3: 2, 6: -1, 8: 1}[orientation])
    assert np.abs(picture.codes.astype(int) - expected).mean() < 600
    assert orientation_of(picture.metadata) == 1


@pytest.mark.parametrize("orientation", [2, 4, 5, 7])
def test_an_avif_that_its_header_mirrors_is_shown_so(tmp_path: Path, orientation: int) -> None:
    plain = np.asarray(Image.effect_noise((32, 24), 60).convert("RGB"))
    tagged = Image.Exif()
    tagged[0x0112] = orientation
    for name, exif in (("plain", Image.Exif()), ("mirror", tagged)):
        Image.fromarray(plain).save(tmp_path / f"{name}.avif", quality=100, subsampling="4:4:4", exif=exif)
    straight, shown = (read_wide(tmp_path / f"{name}.avif") for name in ("plain", "mirror"))
    np.testing.assert_array_equal(shown.codes, turn(straight.codes, orientation))
    assert orientation_of(shown.metadata) == 1


def with_aperture(data: bytes, *numbers: int) -> bytes:
    """An AVIF with a clean aperture where its ICC profile was."""
    at = data.index(b"colrprof") - 4
    size = int.from_bytes(data[at : at + 4], "big")
    table = data.index(b"ipma") + 14  # behind version, number of items, the item's number
    marked = bytes(index | 0x80 for index in data[table + 1 : table + 1 + data[table]])  # essential, as it has to be
    data = data[: table + 1] + marked + data[table + 1 + data[table] :]
    return data[:at] + (struct.pack(">I4s8i", size, b"clap", *numbers).ljust(size, b"\0")) + data[at + size :]


def test_an_avif_that_its_header_crops_is_shown_so(tmp_path: Path) -> None:
    plain = Image.effect_noise((32, 24), 60).convert("RGB")
    plain.save(tmp_path / "a.avif", quality=100, subsampling="4:4:4", icc_profile=write_profile(PROPHOTO))
    whole = read_wide(tmp_path / "a.avif").codes
    data = (tmp_path / "a.avif").read_bytes()
    # 10 x 6 pixels, their middle 3 right of the picture's and 2 above it.
    (tmp_path / "a.avif").write_bytes(with_aperture(data, 10, 1, 12, 2, 6, 2, -2, 1))
    np.testing.assert_array_equal(read_wide(tmp_path / "a.avif").codes, whole[7:13, 14:24])
    for numbers in ((10, 1, 6, 1, 1, 2, 0, 1), (40, 1, 6, 1, 0, 1, 0, 1), (10, 0, 6, 1, 0, 1, 0, 1)):
        (tmp_path / "a.avif").write_bytes(with_aperture(data, *numbers))
        with pytest.raises(InputError, match=r"parts of pixels|damaged"):
            read_wide(tmp_path / "a.avif")


def test_grey_becomes_rgb_and_damage_is_refused(tmp_path: Path) -> None:
    (tmp_path / "grey.avif").write_bytes(imagecodecs.avif_encode(np.full((9, 9), 3, np.uint8), level=100))
    picture = read_wide(tmp_path / "grey.avif")
    assert picture.codes.shape == (9, 9, 3)
    assert picture.notes[0].startswith("is grey")
    (tmp_path / "cut.avif").write_bytes(avif(tmp_path / "a.avif").read_bytes()[:-200])
    with pytest.raises(InputError, match="damaged"):
        read_wide(tmp_path / "cut.avif")


def test_an_avif_that_is_transparent_needs_a_background(tmp_path: Path) -> None:
    Image.new("RGBA", (9, 9), (1, 2, 3, 255)).save(tmp_path / "opaque.avif")
    Image.new("RGBA", (9, 9), (1, 2, 3, 4)).save(tmp_path / "alpha.avif")
    assert read_wide(tmp_path / "opaque.avif").alpha is None
    with pytest.raises(InputError, match="--background"):
        read_wide(tmp_path / "alpha.avif")
    assert read_wide(tmp_path / "alpha.avif", Reading(background=(0, 0, 0))).alpha is not None
