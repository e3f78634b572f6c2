"""Wide-gamut pictures from phones: AVIF of 8 to 12 bits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from gamutcli.color.icc import write_profile
from gamutcli.color.spaces import ADOBE_RGB, DISPLAY_P3
from gamutcli.errors import InputError
from gamutcli.images import Picture, read_wide
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
        ({"primaries": 4, "transfer": 4}, "primaries 4, transfer 4"),
    ],
)
def test_colours_that_are_not_known_are_refused(tmp_path: Path, numbers: dict[str, int], words: str) -> None:
    with pytest.raises(InputError, match=words):
        read_wide(avif(tmp_path / "a.avif", **numbers))


def test_an_avif_that_names_no_colours_has_no_profile(tmp_path: Path) -> None:
    assert read_wide(avif(tmp_path / "a.avif", primaries=2, transfer=2)).profile is None


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_an_avif_is_turned_upright(tmp_path: Path, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    image = Image.fromarray((CODES >> 8).astype(np.uint8))
    image.save(tmp_path / "a.avif", exif=exif, quality=100, subsampling="4:4:4", icc_profile=write_profile(DISPLAY_P3))
    picture = read_wide(tmp_path / "a.avif")
    turned = np.rot90(CODES, {1: 0, 3: 2, 6: -1, 8: 1}[orientation])
    assert np.abs(picture.codes.astype(int) - turned).mean() < 600
    assert orientation_of(picture.metadata) == 1


def test_grey_alpha_mirrors_and_damage_are_refused(tmp_path: Path) -> None:
    Image.new("RGBA", (9, 9), (1, 2, 3, 4)).save(tmp_path / "alpha.avif")
    # Not by Pillow, which made RGB of it once.
    (tmp_path / "grey.avif").write_bytes(imagecodecs.avif_encode(np.full((9, 9), 3, np.uint8)))
    mirrored = Image.Exif()
    mirrored[0x0112] = 2
    Image.new("RGB", (9, 9)).save(tmp_path / "mirror.avif", exif=mirrored)
    (tmp_path / "cut.avif").write_bytes(avif(tmp_path / "a.avif").read_bytes()[:-200])
    for name, words in (("alpha", "flatten"), ("grey", "flatten"), ("mirror", "mirrored"), ("cut", "damaged")):
        with pytest.raises(InputError, match=words):
            read_wide(tmp_path / f"{name}.avif")
