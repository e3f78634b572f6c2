"""The photograph in a TIFF is found among what lies beside it, and read whatever way it is packed."""

from __future__ import annotations

import os
import struct
from pathlib import Path
from typing import Any, Literal

import imagecodecs
import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray

from gamutcli.errors import InputError
from gamutcli.images import decode_reduced, read_wide, tiff
from gamutcli.images.original import clip_to_srgb, read_assumed, read_source
from gamutcli.images.reading import Reading
from gamutcli.images.stored import CAN_STAY, StoredCodes
from gamutcli.metadata.ifd import LONG, RATIONAL, SHORT, Directories, entry, lay_out
from tests.support.pictures import wide_codes, write_tiff

CODES = wide_codes(96, 128)
NARROW = (CODES >> 8).astype(np.uint8)


def pages(path: Path, *written: tuple[NDArray[Any], dict[str, Any]]) -> Path:
    with tifffile.TiffWriter(path) as file:
        for codes, settings in written:
            file.write(codes, **{"photometric": "rgb", "metadata": None, **settings})
    return path


def is_whole(path: Path, reading: Reading | None = None) -> bool:
    return np.array_equal(read_wide(path, reading or Reading()).codes, CODES)


def test_of_several_full_size_pictures_one_has_to_be_chosen(tmp_path: Path) -> None:
    path = pages(tmp_path / "a.tif", (CODES, {}), (CODES[::-1], {}), (CODES[:, ::-1], {}))
    with pytest.raises(InputError, match="holds 3 pictures; choose one with --page N, from 1 to 3"):
        read_wide(path)
    np.testing.assert_array_equal(read_wide(path, Reading(page=2)).codes, CODES[::-1])
    with pytest.raises(InputError, match="none of them number 4"):
        read_wide(path, Reading(page=4))


def test_a_smaller_picture_beside_it_is_left_out_and_said(tmp_path: Path) -> None:
    small = np.ascontiguousarray(NARROW[::2, ::2])
    for name, order in (("a", ((CODES, {}), (small, {}))), ("b", ((small, {}), (CODES, {})))):
        path = pages(tmp_path / f"{name}.tif", *order)
        assert is_whole(path)
        assert "a smaller picture in the file was left out; --page N chooses one" in read_wide(path).notes
    np.testing.assert_array_equal(read_wide(path, Reading(page=1)).codes, small.astype(np.uint16) * 257)


def test_a_pyramid_is_its_base(tmp_path: Path) -> None:
    levels = [np.ascontiguousarray(CODES[::step, ::step]) for step in (1, 2, 4)]
    flat = pages(tmp_path / "a.tif", (levels[0], {}), *((level, {"subfiletype": 1}) for level in levels[1:]))
    hung = pages(
        tmp_path / "b.tif", (levels[0], {"subifds": 2}), *((level, {"subfiletype": 1}) for level in levels[1:])
    )
    for path in (flat, hung):
        assert is_whole(path)
        assert read_wide(path).notes == ()


def test_the_picture_that_hangs_below_its_thumbnail_is_found(tmp_path: Path) -> None:
    small = np.ascontiguousarray(NARROW[::8, ::8])
    path = pages(
        tmp_path / "a.tif", (small, {"subfiletype": 1, "subifds": 2}), (CODES, {}), (small, {"subfiletype": 1})
    )
    assert is_whole(path)


def test_a_mask_is_no_second_picture(tmp_path: Path) -> None:
    mask = CODES[..., 0] > 30000
    path = pages(tmp_path / "a.tif", (CODES, {}), (mask, {"subfiletype": 4, "photometric": "mask"}))
    assert is_whole(path)


def test_the_flattened_picture_is_read_where_a_program_keeps_its_layers_beside_it(tmp_path: Path) -> None:
    layers = b"Adobe Photoshop Document Data Block\0" + bytes(1000)
    path = write_tiff(tmp_path / "a.tif", CODES, extratags=[(37724, 7, len(layers), layers, True)])
    assert is_whole(path)


LOSSLESS: dict[str, dict[str, Any]] = {
    "LZMA": {"compression": "lzma"},
    "LZMA with predictor": {"compression": "lzma", "predictor": True},
    "JPEG XL": {"compression": "jpegxl"},
    "JPEG 2000": {"compression": "jpeg2000"},
    "PNG": {"compression": "png"},
    "PNG in tiles": {"compression": "png", "tile": (32, 32)},
}


@pytest.mark.parametrize("packing", LOSSLESS)
def test_compressions_that_few_programs_write(tmp_path: Path, packing: str) -> None:
    assert is_whole(write_tiff(tmp_path / "a.tif", CODES, **LOSSLESS[packing]))


@pytest.mark.parametrize(
    "settings",
    [
        {"compression": "jpeg", "compressionargs": {"level": 98}},
        {"compression": "jpeg", "subsampling": (1, 1), "compressionargs": {"level": 98}},
        {"compression": "jpeg", "tile": (32, 32)},
        {"compression": "webp", "compressionargs": {"level": 98}},
        {"compression": "webp", "compressionargs": {"lossless": True}},
    ],
)
def test_eight_bits_that_lost_something(tmp_path: Path, settings: dict[str, Any]) -> None:
    picture = read_wide(write_tiff(tmp_path / "a.tif", NARROW, **settings))
    assert np.abs(picture.codes / 257 - NARROW).mean() < 3
    assert any("8-bit" in note for note in picture.notes)


@pytest.mark.parametrize("bits", [10, 12, 14])
@pytest.mark.parametrize("settings", [{}, {"rowsperstrip": 10}, {"tile": (32, 32)}])
def test_samples_that_end_within_a_byte(tmp_path: Path, bits: int, settings: dict[str, Any]) -> None:
    codes = CODES >> (16 - bits)
    try:
        path = write_tiff(tmp_path / "a.tif", codes, bitspersample=bits, **settings)
    except NotImplementedError:
        pytest.skip("this imagecodecs reads packed samples and writes none")
    np.testing.assert_array_equal(read_wide(path).codes, np.round(codes / ((1 << bits) - 1) * 65535))


def of_luma_and_chroma(path: Path, across: int, down: int, compression: int = 1) -> Path:
    """A TIFF of NARROW as YCbCr, of whose chroma one sample stands for so many pixels (TIFF 6.0, section 21)."""
    height, width, _ = NARROW.shape
    luma = NARROW @ (0.299, 0.587, 0.114)
    shape = (height // down, down, width // across, across)

    def chroma(channel: int, factor: float) -> NDArray[Any]:
        return ((NARROW[..., channel] - luma) / factor + 128).reshape(shape).mean((1, 3))[..., None]

    blocks = luma.reshape(shape).transpose(0, 2, 1, 3).reshape(height // down, width // across, across * down)
    units = np.concatenate([blocks, chroma(2, 1.772), chroma(0, 1.402)], axis=-1)
    data = units.round().clip(0, 255).astype(np.uint8).tobytes()
    strip = imagecodecs.lzw_encode(data) if compression == 5 else data
    tags = {
        256: entry(LONG, width),
        257: entry(LONG, height),
        258: entry(SHORT, 8, 8, 8),
        259: entry(SHORT, compression),
        262: entry(SHORT, 6),
        273: entry(LONG, 8),
        277: entry(SHORT, 3),
        278: entry(LONG, height),
        279: entry(LONG, len(strip)),
        530: entry(SHORT, across, down),
        532: entry(RATIONAL, 0, 1, 255, 1, 128, 1, 255, 1, 128, 1, 255, 1),
    }
    start = 8 + len(strip) + len(strip) % 2
    body = (b"II*\0" + struct.pack("<I", start) + strip).ljust(start, b"\0")
    path.write_bytes(body + lay_out(Directories("<", tags), start).behind(start))
    return path


@pytest.mark.parametrize("compression", [1, 5])
@pytest.mark.parametrize("steps", [(1, 1), (2, 1), (2, 2)])
def test_luma_and_chroma_become_rgb(tmp_path: Path, steps: tuple[int, int], compression: int) -> None:
    path = of_luma_and_chroma(tmp_path / "a.tif", *steps, compression)
    picture = read_wide(path)
    assert np.abs(picture.codes / 257 - NARROW).mean() < 2
    assert any("half its size" in note for note in picture.notes) == (steps != (1, 1))
    path.write_bytes(path.read_bytes()[:4000])
    with pytest.raises(InputError):
        read_wide(path)


def test_a_palette_is_looked_up_and_said(tmp_path: Path) -> None:
    colours = np.random.default_rng(1).integers(0, 65536, (3, 256)).astype(np.uint16)
    path = write_tiff(tmp_path / "a.tif", NARROW[..., 0], photometric="palette", colormap=colours)
    picture = read_wide(path)
    np.testing.assert_array_equal(picture.codes, colours.T[NARROW[..., 0]])
    assert any("palette" in note for note in picture.notes)


def test_one_bit_is_black_and_white(tmp_path: Path) -> None:
    dots = CODES[..., 0] > 30000
    picture = read_wide(write_tiff(tmp_path / "a.tif", dots, None, photometric="minisblack"))
    assert picture.is_grey
    np.testing.assert_array_equal(picture.codes[..., 0], np.where(dots, 65535, 0))


@pytest.mark.parametrize("settings", [*LOSSLESS.values(), {"compression": "jpeg"}, {"compression": "webp"}])
def test_none_of_them_is_read_when_cut_short(tmp_path: Path, settings: dict[str, Any]) -> None:
    codes = NARROW if settings["compression"] in ("jpeg", "webp") else CODES
    whole = write_tiff(tmp_path / "whole.tif", codes, **settings).read_bytes()
    for length in range(9, len(whole), len(whole) // 15):
        (tmp_path / "a.tif").write_bytes(whole[:length])
        with pytest.raises(InputError):
            read_wide(tmp_path / "a.tif")


@pytest.mark.parametrize("photometric", ["cielab", "rgb"])
def test_light_and_lab_are_no_reduced_picture(tmp_path: Path, photometric: str) -> None:
    kind = np.uint8 if photometric == "cielab" else np.float32
    path = write_tiff(tmp_path / "a.tif", np.ones((4, 6, 3), kind), None, photometric=photometric)
    with pytest.raises(InputError, match=r"a\.tif: is Lab or of floating point; a payload belongs to an RGB picture"):
        decode_reduced(path.read_bytes(), "a.tif")


# Large pictures stay in their files.


@pytest.fixture
def staying(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if small pictures were large."""
    monkeypatch.setattr(tiff, "WORTH_STAYING", 0)


@pytest.mark.usefixtures("staying")
@pytest.mark.skipif(not CAN_STAY, reason="threads cannot read from any place of a file here")
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("rows", [1, 16, None])
def test_an_uncompressed_picture_stays_in_its_file(tmp_path: Path, order: Literal["<", ">"], rows: int | None) -> None:
    path, codes = tmp_path / "photo.tif", wide_codes(40, 60)
    tifffile.imwrite(path, codes, photometric="rgb", byteorder=order, rowsperstrip=rows)
    found = read_wide(path).codes
    assert isinstance(found, StoredCodes)
    assert (found.dtype, found.shape, found.size, found.nbytes) == (np.uint16, (40, 60, 3), 7200, 14400)
    np.testing.assert_array_equal(found, codes)
    for key in (np.s_[:], np.s_[3:17], np.s_[39:50], np.s_[5:5], np.s_[4:9, 7:11], np.s_[::7, ::3], np.s_[..., 0], 8):
        taken = found[key]
        assert taken.dtype == np.uint16
        np.testing.assert_array_equal(taken, codes[key])


@pytest.mark.usefixtures("staying")
@pytest.mark.skipif(not CAN_STAY, reason="threads cannot read from any place of a file here")
def test_a_picture_that_another_program_cuts_short_is_one_line(tmp_path: Path) -> None:
    path, link = tmp_path / "photo.tif", tmp_path / "link.tif"
    write_tiff(path, wide_codes(40, 60))
    link.symlink_to(path)
    original = read_source(link).original
    assert isinstance(original.codes, StoredCodes)
    os.truncate(path, 5000)
    with pytest.raises(InputError, match=r"^[^\n]*link\.tif: was changed while it was read; try again[^\n]*$"):
        clip_to_srgb(original)


@pytest.mark.usefixtures("staying")
def test_what_is_kept_for_long_is_in_memory(tmp_path: Path) -> None:
    path = write_tiff(tmp_path / "photo.tif", wide_codes(40, 60))
    assert isinstance(read_assumed(path, "prophoto").original.codes, np.ndarray)


@pytest.mark.usefixtures("staying")
def test_what_is_written_into_another_kind_does_not_reach_its_file(tmp_path: Path) -> None:
    path, codes = tmp_path / "photo.tif", wide_codes(40, 60)
    opacity = np.linspace(0, 65535, 60, dtype=np.uint16)[None].repeat(40, axis=0)
    tifffile.imwrite(path, np.dstack([codes, opacity]), photometric="rgb", extrasamples=["assocalpha"])
    before = path.read_bytes()
    picture = read_wide(path, Reading(background=(255, 255, 255)))
    assert (picture.codes != codes).any()
    assert path.read_bytes() == before
