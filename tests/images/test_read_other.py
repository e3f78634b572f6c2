"""Wide-gamut pictures from phones and cameras: AVIF of 8 to 12 bits, and camera RAW."""

from __future__ import annotations

import builtins
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import piexif
import pytest
import tifffile
from numpy.typing import NDArray
from PIL import Image

from gamutcli.color.icc import write_profile
from gamutcli.color.spaces import ADOBE_RGB, DISPLAY_P3, PROPHOTO
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
        ({"primaries": 1, "transfer": 9}, "primaries 1, transfer 9"),
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


# Camera RAW.


def dng(path: Path, light: NDArray[np.float64], orientation: int = 1) -> Path:
    """A DNG of a grey scene of this brightness, (height, width): its camera sees red and blue weaker than green."""
    mosaic = np.round(light * 65535)
    mosaic[::2, ::2] *= 0.6
    mosaic[1::2, 1::2] *= 0.7
    matrix = (10000, 10000, -3000, 10000, -1000, 10000, -3000, 10000, 12000, 10000, 1000, 10000, 0, 10000, 1000, 10000)
    tags = [
        (50706, "B", 4, (1, 4, 0, 0), True),
        (50708, "s", 0, "Test Camera", True),
        (33421, "H", 2, (2, 2), True),
        (33422, "B", 4, (0, 1, 1, 2), True),
        (50721, "2i", 9, (*matrix, 7000, 10000), True),
        (50728, "2I", 3, (6, 10, 10, 10, 7, 10), True),  # the light was neutral to it at these
        (50778, "H", 1, 21, True),
        (50717, "I", 1, 65535, True),
        (274, "H", 1, orientation, True),
        (271, "s", 0, "Cam", True),
    ]
    tifffile.imwrite(path, mosaic.astype(np.uint16), photometric=32803, extratags=tags, metadata=None, software=False)
    return path


@pytest.fixture
def rawpy() -> Any:
    return pytest.importorskip("rawpy")


def test_a_raw_is_developed_to_prophoto_with_the_camera_s_white(rawpy: Any, tmp_path: Path) -> None:
    light = np.broadcast_to(np.linspace(0.1, 0.5, 96), (64, 96))
    picture = read_wide(dng(tmp_path / "a.DNG", light.copy()))
    assert space_of(picture) == "prophoto"
    assert "developed" in picture.notes[0]
    linear = PROPHOTO.cctf_decoding(picture.codes / 65535)
    inner = linear[4:-4, 4:-4]
    # Grey stays grey, and twice the light is twice the light: nothing was brightened by a curve.
    assert np.abs(inner - inner.mean(axis=-1, keepdims=True)).max() < 0.003
    column = inner.mean(axis=(0, 2))
    assert column[-1] / column[0] == pytest.approx(light[0, -5] / light[0, 4], rel=0.01)


def test_a_raw_is_turned_upright_and_keeps_its_exif(rawpy: Any, tmp_path: Path) -> None:
    picture = read_wide(dng(tmp_path / "a.dng", np.full((64, 96), 0.3), orientation=6))
    assert picture.codes.shape == (96, 64, 3)
    assert orientation_of(picture.metadata) == 1
    assert picture.metadata.exif is not None
    assert piexif.load(b"Exif\0\0" + picture.metadata.exif)["0th"][piexif.ImageIFD.Make] == b"Cam"


def test_a_damaged_raw_is_one_line(rawpy: Any, tmp_path: Path) -> None:
    (tmp_path / "a.nef").write_bytes(b"not a photograph, whatever its name says")
    with pytest.raises(InputError, match=r"a\.nef: cannot be developed"):
        read_wide(tmp_path / "a.nef")


def test_without_rawpy_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usual = builtins.__import__

    def missing(name: str, *rest: Any, **named: Any) -> Any:
        if name == "rawpy":
            raise ImportError(name)
        return usual(name, *rest, **named)

    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(InputError, match=r"pip install rawpy"):
        read_wide(dng(tmp_path / "a.dng", np.full((8, 8), 0.3)))
