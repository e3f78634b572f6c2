"""Every format that a reduced picture can have, the whole way."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image

from gamutcli.arrays import CodeArray
from gamutcli.color import tolerance
from gamutcli.color.gamut import Correction
from gamutcli.color.spaces import ADOBE_RGB, DISPLAY_P3, PROPHOTO, REC2020, SRGB
from gamutcli.errors import InputError, UsageError
from gamutcli.evaluation import evaluate
from gamutcli.expand import expand_image
from gamutcli.images import decode_reduced, encode_reduced, jxl, lossy_quality, sniff
from gamutcli.images.jxl import header_of, rewrite
from gamutcli.payload import carriers
from gamutcli.payload_files import inspect_image
from gamutcli.reduce import reduce_image
from tests.support import reference
from tests.support.pictures import sample_crop, write_tiff
from tests.support.presets import changed_presets

FORMATS = ("jpeg", "png", "tiff", "webp", "avif", "jxl")
SUFFIXES = {"jpeg": "jpg", "tiff": "tif"}
LOSSY = ("jpeg", "webp", "avif", "jxl")
PHOTO = sample_crop("espresso", 224, 288)
CODES: CodeArray = (PHOTO >> 8).astype(np.uint8)


@pytest.fixture(scope="module", autouse=True)
def cheap() -> Iterator[None]:
    """A preset that takes tenths of a second."""
    with changed_presets("fast"):
        yield


@pytest.fixture(scope="module")
def photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiff(tmp_path_factory.mktemp("photo") / "photo.tif", PHOTO)


# Files and their pixels.


@pytest.mark.parametrize("format", FORMATS)
def test_lossless_means_every_code(format: str) -> None:
    for quality in (None, 60, 100):
        same = np.array_equal(decode_reduced(encode_reduced(CODES, format, quality)), CODES)
        assert same == (lossy_quality(format, quality) is None)


def test_a_large_jpeg_xl_is_encoded_in_the_way_that_takes_less_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    usual = encode_reduced(CODES, "jxl")
    monkeypatch.setattr(jxl, "LARGE", CODES.shape[0] * CODES.shape[1])
    assert encode_reduced(CODES, "jxl") == usual
    monkeypatch.setattr(jxl, "LARGE", CODES.shape[0] * CODES.shape[1] - 1)
    for orientation in (1, 6):
        large = encode_reduced(CODES, "jxl", orientation=orientation)
        np.testing.assert_array_equal(decode_reduced(large), CODES)
        assert len(usual) < len(large) < 1.5 * len(usual)


@pytest.mark.parametrize("format", LOSSY)
def test_quality_decides_the_size_of_lossy_files(format: str) -> None:
    sizes = [len(encode_reduced(CODES, format, quality)) for quality in (20, 60, 80, 97)]
    assert sizes == sorted(sizes)
    assert sizes[-1] > 1.5 * sizes[0]


@pytest.mark.parametrize("format", FORMATS)
def test_a_file_is_what_it_is_named_and_tagged(format: str) -> None:
    data = encode_reduced(CODES, format)
    assert sniff(data) == format
    if format != "jxl":  # sRGB is what the header of a JPEG XL says
        with Image.open(io.BytesIO(data)) as image:
            assert b"sRGB" in image.info["icc_profile"]


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("damage", ["cut", "none"])
def test_damaged_files_are_refused(format: str, damage: str) -> None:
    data = encode_reduced(CODES, format)
    data = data[: len(data) // 2] if damage == "cut" else data[:16]
    with pytest.raises(InputError, match="photo: "):
        decode_reduced(data, "photo")


@pytest.mark.parametrize("format", ["webp", "avif"])
def test_what_others_made_of_it_is_decoded_too(format: str) -> None:
    stream = io.BytesIO()
    with_alpha = Image.fromarray(np.dstack([CODES, np.full(CODES.shape[:2], 255, np.uint8)]))
    with_alpha.save(stream, format.upper(), quality=100)
    assert decode_reduced(stream.getvalue()).shape == CODES.shape
    with_alpha.putpixel((3, 3), (0, 0, 0, 9))
    stream = io.BytesIO()
    with_alpha.save(stream, format.upper(), quality=100)
    with pytest.raises(InputError, match="transparent"):
        decode_reduced(stream.getvalue())


def test_an_avif_of_ten_bits_is_rounded_to_eight() -> None:
    wide = (PHOTO >> 6).astype(np.uint16)
    data = imagecodecs.avif_encode(wide, level=100, bitspersample=10)
    difference = decode_reduced(bytes(data)).astype(int) - np.round(wide / 1023 * 255)
    assert np.abs(difference).max() <= 1


def test_too_large_for_the_format_is_said_before_the_work() -> None:
    with pytest.raises(UsageError, match="16383"):
        encode_reduced(np.zeros((1, 16384, 3), np.uint8), "webp")


def test_the_orientation_of_an_avif_is_its_own() -> None:
    with Image.open(io.BytesIO(encode_reduced(CODES, "avif", orientation=6))) as image:
        assert image.getexif()[0x0112] == 6


# The header of a JPEG XL.


@pytest.mark.parametrize("shape", [(64, 96), (63, 97), (1, 1), (300, 600), (8, 2048), (2000, 9)])
@pytest.mark.parametrize("distance", [None, 1.0])
@pytest.mark.parametrize("space", [SRGB, DISPLAY_P3, REC2020, ADOBE_RGB])
def test_a_rewritten_header_leaves_the_pixels(shape: tuple[int, int], distance: float | None, space: object) -> None:
    codes = np.resize(CODES, (*shape, 3))
    settings = {"lossless": True} if distance is None else {"distance": distance}
    data = bytes(imagecodecs.jpegxl_encode(codes, effort=1, **settings))
    assert (header_of(data, "").width, header_of(data, "").height) == shape[::-1]
    if distance is not None:
        space = SRGB
    changed = rewrite(data, space, orientation=6)  # type: ignore[arg-type]
    assert (header_of(changed, "").width, header_of(changed, "").height) == shape[::-1]
    np.testing.assert_array_equal(
        imagecodecs.jpegxl_decode(changed, keeporientation=True), imagecodecs.jpegxl_decode(data)
    )
    assert imagecodecs.jpegxl_decode(changed).shape == (shape[1], shape[0], 3)


def test_a_space_that_a_jpeg_xl_cannot_name_is_refused() -> None:
    with pytest.raises(UsageError, match="displayp3, adobergb, rec2020"):
        rewrite(bytes(imagecodecs.jpegxl_encode(CODES)), PROPHOTO)


# The whole way.


@pytest.mark.fit
@pytest.mark.parametrize("format", FORMATS)
def test_lost_colours_come_back_from_every_format(format: str, photo: Path, tmp_path: Path) -> None:
    reduced = tmp_path / f"photo.{SUFFIXES.get(format, format)}"
    result = reduce_image(photo, reduced, preset="fast")
    assert result.psnr_og is not None
    assert result.clip_psnr_og is not None
    assert result.psnr_og > result.clip_psnr_og + 3
    assert (result.status, inspect_image(reduced).status) == ("ok", "ok")
    assert inspect_image(reduced).tolerance == tolerance.of_format(format, lossy_quality(format, None))
    expand_image(reduced, tmp_path / "restored.tif")
    assert tifffile.imread(tmp_path / "restored.tif").shape == PHOTO.shape
    for judged in (reduced, tmp_path / "restored.tif"):
        assert evaluate(judged, photo).restored.psnr_og == pytest.approx(result.psnr_og, abs=0.02)
    plain = carriers.strip(reduced.read_bytes())
    np.testing.assert_array_equal(decode_reduced(plain), decode_reduced(reduced.read_bytes()))


@pytest.mark.parametrize("format", ["webp", "avif", "jxl"])
def test_a_tolerance_finds_more_of_what_was_clipped(format: str) -> None:
    srgb = reference.reduced(PHOTO)
    decoded = decode_reduced(encode_reduced(srgb, format, 90))
    clipped = Correction(0).mask(srgb)
    found = Correction(tolerance.of_format(format, 90)).mask(decoded)[clipped].mean()
    assert found > 0.8
    assert found > Correction(0).mask(decoded)[clipped].mean() + 0.05
