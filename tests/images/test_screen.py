"""Restored pictures for wide-gamut screens: 10-bit AVIF and 16-bit JPEG XL."""

from __future__ import annotations

from pathlib import Path

import imagecodecs
import numpy as np
import piexif
import pytest
from PIL import Image, ImageOps

from gamutcli.color.spaces import ADOBE_RGB, DISPLAY_P3, PROPHOTO, REC2020, RGBSpace
from gamutcli.containers import bmff
from gamutcli.errors import UsageError
from gamutcli.images import jxl, read_wide, write_wide
from gamutcli.images.heif import depth_of
from gamutcli.metadata import Metadata, orientation_of, read_metadata
from tests.support.pictures import wide_codes

CODES = wide_codes(60, 90)
PACKET = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"/></x:xmpmeta>'


def camera(orientation: int = 1) -> Metadata:
    tags = {"0th": {piexif.ImageIFD.Make: b"Cam", piexif.ImageIFD.Orientation: orientation}}
    return Metadata(exif=piexif.dump(tags)[6:], xmp=PACKET)


@pytest.mark.parametrize(("space", "numbers"), [(DISPLAY_P3, (12, 13, 6)), (REC2020, (9, 14, 9))])
def test_an_avif_of_ten_bits_names_its_colours(tmp_path: Path, space: RGBSpace, numbers: tuple[int, ...]) -> None:
    write_wide(tmp_path / "a.avif", [CODES[:20], CODES[20:]], space, camera())
    data = (tmp_path / "a.avif").read_bytes()
    assert depth_of(data, "a") == 10
    colours = dict(bmff.properties(data))[b"colr"]
    assert colours == b"nclx" + b"".join(number.to_bytes(2, "big") for number in numbers) + b"\x80"
    decoded = imagecodecs.avif_decode(data).astype(float)
    assert np.abs(decoded - CODES / 65535 * 1023).mean() < 1


@pytest.mark.parametrize("large", [False, True])
@pytest.mark.parametrize("space", [DISPLAY_P3, REC2020, ADOBE_RGB])
def test_a_jpeg_xl_holds_every_code(
    tmp_path: Path, space: RGBSpace, large: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if large:  # encoded in the way that takes less memory
        monkeypatch.setattr(jxl, "LARGE", 0)
    write_wide(tmp_path / "a.jxl", [CODES[:20], CODES[20:]], space, camera())
    np.testing.assert_array_equal(imagecodecs.jpegxl_decode((tmp_path / "a.jxl").read_bytes()), CODES)
    picture = read_wide(tmp_path / "a.jxl")
    assert picture.profile is not None
    assert picture.profile.space == space


@pytest.mark.parametrize("name", ["a.avif", "a.jxl"])
def test_metadata_come_along(tmp_path: Path, name: str) -> None:
    write_wide(tmp_path / name, CODES, DISPLAY_P3, camera())
    found = read_metadata(tmp_path / name)
    assert found.exif is not None
    exif = piexif.load(b"Exif\0\0" + found.exif)
    assert exif["0th"][piexif.ImageIFD.Make] == b"Cam"
    assert exif["Exif"][piexif.ExifIFD.ColorSpace] == 65535
    assert found.xmp == PACKET


@pytest.mark.parametrize("orientation", range(1, 9))
def test_an_avif_stands_upright(tmp_path: Path, orientation: int) -> None:
    write_wide(tmp_path / "a.avif", CODES, DISPLAY_P3, camera(orientation))
    data = (tmp_path / "a.avif").read_bytes()
    assert orientation_of(read_metadata(data)) == 1
    stored = Image.fromarray((CODES >> 8).astype(np.uint8))
    stored.getexif()[0x0112] = orientation
    expected = np.asarray(ImageOps.exif_transpose(stored))
    decoded = imagecodecs.avif_decode(data)
    assert decoded.shape == expected.shape
    assert np.abs(decoded.astype(float) / 1023 * 255 - expected).mean() < 1.5


@pytest.mark.parametrize("orientation", [1, 3, 6])
def test_a_jpeg_xl_is_turned_by_its_reader(tmp_path: Path, orientation: int) -> None:
    write_wide(tmp_path / "a.jxl", CODES, DISPLAY_P3, camera(orientation))
    shown = imagecodecs.jpegxl_decode((tmp_path / "a.jxl").read_bytes())
    quarter_turns = {1: 0, 3: 2, 6: -1}[orientation]
    np.testing.assert_array_equal(shown, np.rot90(CODES, quarter_turns))


@pytest.mark.parametrize(
    ("name", "space"), [("a.avif", PROPHOTO), ("a.avif", ADOBE_RGB), ("a.jxl", PROPHOTO), ("a.webp", DISPLAY_P3)]
)
def test_what_a_format_cannot_hold_is_refused(tmp_path: Path, name: str, space: RGBSpace) -> None:
    with pytest.raises(UsageError, match=r"displayp3|\.tif"):
        write_wide(tmp_path / name, CODES, space, Metadata())
    assert not list(tmp_path.iterdir())
