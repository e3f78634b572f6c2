"""Restored pictures are 16-bit files that every program reads; reduced ones are ordinary sRGB pictures."""

from __future__ import annotations

import io
import shutil
import struct
import subprocess
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image, ImageCms

from gamutcli.arrays import Code16Array, CodeArray
from gamutcli.color.icc import read_profile, write_profile
from gamutcli.color.spaces import PROPHOTO, SPACES, SRGB
from gamutcli.errors import InputError, OutputError, UsageError
from gamutcli.images import (
    COMPRESSIONS,
    decode_reduced,
    encode_reduced,
    format_of,
    read_wide,
    sniff,
    write,
    write_wide,
)
from gamutcli.metadata import Metadata
from gamutcli.parallel import in_order
from tests.support.pictures import wide_codes

CODES = wide_codes(71, 53)
REDUCED: CodeArray = (wide_codes(120, 160) >> 8).astype(np.uint8)


@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_a_tiff_holds_the_codes_and_the_profile(tmp_path: Path, compression: str) -> None:
    write_wide(tmp_path / "a.tif", CODES, PROPHOTO, Metadata(), compression)
    picture = read_wide(tmp_path / "a.tif")
    np.testing.assert_array_equal(picture.codes, CODES)
    assert picture.profile is not None
    assert picture.profile.space == PROPHOTO
    with tifffile.TiffFile(tmp_path / "a.tif") as file:
        page = file.pages.first
        assert page.tags["Compression"].value == COMPRESSIONS[compression]
        assert page.predictor == (1 if compression == "none" else 2)
        assert page.tags["InterColorProfile"].value == write_profile(PROPHOTO)
        assert len(file.pages) == 1


def test_a_processor_without_isa_l_deflates_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(write, "isal_compress", None)
    write_wide(tmp_path / "a.tif", CODES, PROPHOTO, Metadata())
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "a.tif"), CODES)


@pytest.mark.parametrize("space", SPACES)
def test_every_space_is_tagged_as_itself(tmp_path: Path, space: str) -> None:
    for name in ("a.tif", "a.png"):
        write_wide(tmp_path / name, CODES, SPACES[space], Metadata())
        picture = read_wide(tmp_path / name)
        np.testing.assert_array_equal(picture.codes, CODES)
        assert picture.profile is not None
        assert picture.profile.space == SPACES[space]


@pytest.mark.parametrize("rows", [1, 7, 20, 71, 500])
def test_parts_of_any_height_make_the_same_file(tmp_path: Path, rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(write, "_STRIP_BYTES", 53 * 6 * 10)
    write_wide(tmp_path / "whole.tif", CODES, PROPHOTO, Metadata())
    write_wide(tmp_path / "parts.tif", (CODES[y : y + rows] for y in range(0, 71, rows)), PROPHOTO, Metadata())
    assert (tmp_path / "parts.tif").read_bytes() == (tmp_path / "whole.tif").read_bytes()
    with tifffile.TiffFile(tmp_path / "parts.tif") as file:
        assert file.pages.first.rowsperstrip == 10
        assert len(file.pages.first.dataoffsets) == 8
        np.testing.assert_array_equal(file.asarray(), CODES)


def test_only_a_few_parts_are_held_at_a_time() -> None:
    made: list[int] = []

    def parts() -> Iterator[Code16Array]:
        for number in range(200):
            made.append(number)
            yield np.zeros((200, 1000, 3), np.uint16)

    written: list[int] = []
    encode = write._encoder("none")
    for strip, _ in in_order(encode, write._cut(parts())):
        written.append(strip.rows)
        assert len(made) * 200 - sum(written) < 200 * 30
    assert sum(written) == 200 * 200


@pytest.mark.parametrize("shape", [(1, 1, 3), (1, 300, 3), (300, 1, 3)])
def test_tiny_and_narrow_pictures_are_written(tmp_path: Path, shape: tuple[int, int, int]) -> None:
    codes = np.arange(np.prod(shape), dtype=np.uint16).reshape(shape)
    for name in ("a.tif", "a.png"):
        write_wide(tmp_path / name, codes, PROPHOTO, Metadata())
        np.testing.assert_array_equal(read_wide(tmp_path / name).codes, codes)


def test_the_same_picture_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a.tif", "b.tif"):
        write_wide(tmp_path / name, CODES, PROPHOTO, Metadata())
    assert (tmp_path / "a.tif").read_bytes() == (tmp_path / "b.tif").read_bytes()


def test_what_cannot_be_written_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="unknown compression brotli; use one of none, lzw, deflate, zstd"):
        write_wide(tmp_path / "a.tif", CODES, PROPHOTO, Metadata(), "brotli")
    with pytest.raises(UsageError, match="a JPEG holds 8 bits"):
        write_wide(tmp_path / "a.jpg", CODES, PROPHOTO, Metadata())
    monkeypatch.setattr(write, "_CLASSIC_LIMIT", 5000)
    with pytest.raises(OutputError, match="larger than a TIFF can be"):
        write_wide(tmp_path / "a.tif", CODES, PROPHOTO, Metadata(), "none")


READERS: dict[str, list[str]] = {
    "vips": ["vips", "copy", "{source}", "{target}[compression=none]"],
    "convert": ["convert", "{source}", "-compress", "none", "{target}"],
}


def is_installed(tool: str) -> bool:
    """Tell whether a program is there and is what its name promises: other tools are called convert, too."""
    if shutil.which(tool) is None:
        return False
    said = subprocess.run([tool, "--version"], capture_output=True, text=True).stdout
    return "ImageMagick" in said or said.startswith("vips")


@pytest.mark.parametrize("compression", COMPRESSIONS)
@pytest.mark.parametrize("tool", READERS)
def test_other_programs_read_the_same_codes(tmp_path: Path, tool: str, compression: str) -> None:
    if not is_installed(tool):
        pytest.skip(f"{tool} is not installed")
    source, target = tmp_path / "a.tif", tmp_path / "b.tif"
    write_wide(source, CODES, PROPHOTO, Metadata(), compression)
    command = [word.format(source=source, target=target) for word in READERS[tool]]
    subprocess.run(command, check=True, capture_output=True)
    picture = read_wide(target)
    np.testing.assert_array_equal(picture.codes, CODES)
    assert picture.profile is not None
    assert picture.profile.space == PROPHOTO


def pillow(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data))


@pytest.mark.parametrize("format", ["jpeg", "png"])
def test_a_reduced_picture_is_an_ordinary_srgb_file(format: str) -> None:
    data = encode_reduced(REDUCED, format)
    assert sniff(data) == format
    image = pillow(data)
    assert image.mode == "RGB"
    assert image.size == (160, 120)
    assert not image.info.get("interlace", False)
    assert read_profile(image.info["icc_profile"]).space == SRGB
    assert "sRGB" in ImageCms.getProfileDescription(ImageCms.ImageCmsProfile(io.BytesIO(image.info["icc_profile"])))
    assert image.getexif() == {}
    np.testing.assert_array_equal(decode_reduced(data), np.asarray(image))


def test_a_png_is_lossless_and_a_jpeg_close() -> None:
    np.testing.assert_array_equal(decode_reduced(encode_reduced(REDUCED, "png")), REDUCED)
    differences = np.abs(decode_reduced(encode_reduced(REDUCED, "jpeg")).astype(int) - REDUCED)
    assert differences.mean() < 1


@pytest.mark.parametrize(("subsampling", "sampling"), [("4:4:4", 0x11), ("4:2:2", 0x21), ("4:2:0", 0x22)])
@pytest.mark.parametrize("quality", [50, 95])
def test_a_jpeg_has_the_quality_and_subsampling_asked_for(quality: int, subsampling: str, sampling: int) -> None:
    data = encode_reduced(REDUCED, "jpeg", quality, subsampling)
    frame = data.index(b"\xff\xc0")
    assert data[frame + 11] == sampling
    expected = io.BytesIO()
    Image.fromarray(REDUCED).save(expected, "jpeg", quality=quality, subsampling=subsampling)
    assert pillow(data).quantization == pillow(expected.getvalue()).quantization  # type: ignore[attr-defined]


def test_a_png_is_about_as_small_as_others_make_it() -> None:
    noise = np.random.default_rng(1).normal(0, 2, (400, 600, 3))
    photograph = np.clip(np.asarray(wide_codes(400, 600) >> 8, np.float64) + noise, 0, 255).astype(np.uint8)
    common = io.BytesIO()
    Image.fromarray(photograph).save(common, "png")
    assert len(encode_reduced(photograph, "png")) < 1.08 * len(common.getvalue())


def test_a_view_of_an_array_is_encoded_as_it_looks() -> None:
    view = REDUCED[::-2, ::3]
    np.testing.assert_array_equal(decode_reduced(encode_reduced(view, "png")), view)
    assert decode_reduced(encode_reduced(view, "jpeg")).shape == view.shape


@pytest.mark.parametrize("settings", [("heic",), ("jpeg", 0), ("jpeg", 101), ("jpeg", 95, "4:1:1")])
def test_settings_that_do_not_exist_are_refused(settings: tuple[Any, ...]) -> None:
    with pytest.raises(UsageError):
        encode_reduced(REDUCED, *settings)


def test_a_picture_wider_than_a_jpeg_is_refused() -> None:
    with pytest.raises(UsageError, match=r"at most 65500 pixels a side; name the picture \.png"):
        encode_reduced(np.zeros((1, 65501, 3), np.uint8), "jpeg")


def saved(image: Image.Image, format: str, **settings: Any) -> bytes:
    stream = io.BytesIO()
    image.save(stream, format, **settings)
    return stream.getvalue()


def resaved() -> dict[str, bytes]:
    """What other programs make of a grey reduced picture; the pixels stay."""
    grey = Image.fromarray(REDUCED[..., 0])
    opaque = Image.merge("RGBA", [grey, grey, grey, Image.new("L", grey.size, 255)])
    rgb = grey.convert("RGB")
    sixteen = np.asarray(rgb).astype(np.uint16) * 257
    return {
        "grey": saved(grey, "png"),
        "palette": saved(rgb.quantize(256, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE), "png"),
        "grey with opaque alpha": saved(Image.merge("LA", [grey, Image.new("L", grey.size, 255)]), "png"),
        "opaque alpha": saved(opaque, "png"),
        "16 bits": bytes(imagecodecs.png_encode(sixteen)),
    }


@pytest.mark.parametrize("kind", resaved())
def test_what_other_programs_made_of_a_png_is_undone(kind: str) -> None:
    expected = np.repeat(REDUCED[..., :1], 3, axis=2)
    np.testing.assert_array_equal(decode_reduced(resaved()[kind]), expected)


def test_a_grey_and_a_progressive_jpeg_are_decoded_as_others_do() -> None:
    for image, settings in ((Image.fromarray(REDUCED[..., 0]), {}), (Image.fromarray(REDUCED), {"progressive": True})):
        data = saved(image, "jpeg", **settings)
        np.testing.assert_array_equal(decode_reduced(data), np.asarray(pillow(data).convert("RGB")))


def transparent() -> bytes:
    image = Image.fromarray(REDUCED).convert("RGBA")
    image.putpixel((3, 3), (0, 0, 0, 254))
    return saved(image, "png")


def claiming(width: int, height: int, format: str) -> bytes:
    data = bytearray(encode_reduced(REDUCED, format))
    if format == "png":
        struct.pack_into(">II", data, 16, width, height)
        struct.pack_into(">I", data, 29, zlib.crc32(data[12:29]))
    else:
        struct.pack_into(">HH", data, data.index(b"\xff\xc0") + 5, height, width)
    return bytes(data)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "is empty"),
        (b"just a text", "is not a picture"),
        (b"\0\0\0\x18ftypheic", "is a HEIC; a JPEG, PNG, TIFF, WebP, AVIF or JPEG XL is needed"),
        (saved(Image.new("CMYK", (9, 9)), "jpeg"), "is CMYK"),
        (transparent(), "is transparent in places"),
        (claiming(2**30, 2**30, "png"), "megapixels"),
        (claiming(65535, 65535, "jpeg"), "megapixels"),
        (claiming(0, 120, "jpeg"), "has no pixels"),
        (claiming(160, 125, "png"), "the PNG is damaged"),
    ],
)
def test_other_files_are_refused_by_name(data: bytes, words: str) -> None:
    with pytest.raises(InputError, match=words) as caught:
        decode_reduced(data, "a.jpg")
    assert str(caught.value).startswith("a.jpg: ")


@pytest.mark.parametrize("format", ["jpeg", "png"])
def test_a_reduced_picture_cut_anywhere_is_refused(format: str) -> None:
    whole = encode_reduced(REDUCED, format)
    for length in sorted({*range(len(whole) - 20, len(whole)), *range(0, len(whole), 97)}):
        with pytest.raises(InputError):
            decode_reduced(whole[:length])


def test_a_suffix_names_the_format(tmp_path: Path) -> None:
    names = {"a.jpg": "jpeg", "b.JPEG": "jpeg", "c.png": "png", "d.tif": "tiff", "e.x.TIFF": "tiff"}
    assert {name: format_of(tmp_path / name) for name in names} == names
    for name in ("a", "a.gif", ".png", "png"):
        with pytest.raises(UsageError, match=r"unknown file type; name it \.jpg, .*, \.webp, \.avif, \.jxl"):
            format_of(tmp_path / name)


def test_importing_the_package_loads_no_codec() -> None:
    script = "import sys, gamutcli.images; print([m for m in ('tifffile', 'imagecodecs', 'PIL') if m in sys.modules])"
    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True, text=True)
    assert answer.stdout.strip() == "[]"


@pytest.mark.parametrize(("suffix", "width"), [("png", 1_000_001), ("avif", 16_385)])
def test_a_restored_picture_wider_than_its_format_is_refused_by_name(tmp_path: Path, suffix: str, width: int) -> None:
    file = tmp_path / f"wide.{suffix}"
    with pytest.raises(UsageError, match=rf"wide\.{suffix}: an? \w+ holds at most \d+ pixels a side; name the picture"):
        write_wide(file, np.zeros((1, width, 3), np.uint16), SPACES["displayp3"], Metadata())
