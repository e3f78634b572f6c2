"""Camera RAW: what comes out is the photograph, or nothing does."""

from __future__ import annotations

import builtins
import struct
from pathlib import Path
from typing import Any

import numpy as np
import piexif
import pytest
import tifffile
from PIL import Image

from gamutcli.arrays import CodeArray
from gamutcli.color.icc import write_profile
from gamutcli.color.spaces import ADOBE_RGB, PROPHOTO
from gamutcli.errors import InputError
from gamutcli.images import Picture, read_wide
from gamutcli.images.picture import turn
from gamutcli.images.raw_layout import check_layout
from gamutcli.images.reading import Reading
from gamutcli.metadata import orientation_of
from tests.support.pictures import wide_codes
from tests.support.raws import LOSSLESS, dng, scan

LIGHT = wide_codes(128, 192)[..., 1] / 65535
SHOWN = np.repeat(np.round(255 * LIGHT**0.45).astype(np.uint8)[..., None], 3, axis=2)
PARTS = range(0, 100, 5)


@pytest.fixture
def rawpy() -> Any:
    return pytest.importorskip("rawpy")


def refused(path: Path, reading: Reading | None = None) -> str:
    with pytest.raises(InputError) as caught:
        read_wide(path, reading or Reading())
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith(f"{path}: ")
    return str(caught.value)


def space_of(picture: Picture) -> str | None:
    return picture.profile.space.name if picture.profile and picture.profile.space else None


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
    assert "a.nef: cannot be developed" in refused(tmp_path / "a.nef")


def test_without_rawpy_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usual = builtins.__import__

    def missing(name: str, *rest: Any, **named: Any) -> Any:
        if name == "rawpy":
            raise ImportError(name)
        return usual(name, *rest, **named)

    monkeypatch.setattr(builtins, "__import__", missing)
    assert "pip install rawpy" in refused(dng(tmp_path / "a.dng", np.full((8, 8), 0.3)))


@pytest.mark.parametrize("name", ["a.nef", "a.CR2", "a.raw"])
def test_a_name_alone_makes_no_raw(tmp_path: Path, name: str) -> None:
    Image.new("RGB", (8, 8)).save(tmp_path / name, "GIF")
    assert "is a GIF" in refused(tmp_path / name)


# Without its pixels, or with a part of them.


@pytest.mark.parametrize("settings", [{}, LOSSLESS], ids=["uncompressed", "lossless JPEG"])
@pytest.mark.parametrize("rest", ["missing", "zeros", "ones"])
def test_a_raw_that_was_cut_short_anywhere_is_refused(
    rawpy: Any, tmp_path: Path, capfd: pytest.CaptureFixture[str], settings: dict[str, Any], rest: str
) -> None:
    data = dng(tmp_path / "whole.dng", LIGHT, **settings).read_bytes()
    read_wide(tmp_path / "whole.dng")
    for part in PARTS:
        kept = len(data) * part // 100 or 1
        filler = {"missing": b"", "zeros": b"\0", "ones": b"\xff"}[rest]
        (tmp_path / "cut.dng").write_bytes(data[:kept] + filler * (len(data) - kept))
        said = refused(tmp_path / "cut.dng")
        assert "copy it from" in said or "cannot be developed" in said
    assert capfd.readouterr().err == "", "LibRaw spoke to the user"


def test_pixels_that_a_failing_disk_left_out_are_noticed(rawpy: Any, tmp_path: Path) -> None:
    path = dng(tmp_path / "a.dng", LIGHT, rowsperstrip=128)
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 4096] = bytes(4096)
    path.write_bytes(data)
    assert "rows of its sensor are empty" in refused(path)


def test_a_raw_of_nothing_but_one_value_is_refused(rawpy: Any, tmp_path: Path) -> None:
    light = np.full((64, 96), 0.3)
    light[::2, ::2] /= 0.6
    light[1::2, 1::2] /= 0.7
    assert "the same value" in refused(dng(tmp_path / "a.dng", light))


def test_a_raw_that_is_developed_to_white_is_refused(rawpy: Any, tmp_path: Path) -> None:
    # The directory says that white is at 16, as one of 4 bits would.
    path = dng(tmp_path / "a.dng", LIGHT)
    data = path.read_bytes()
    white = struct.pack("<HHII", 50717, 4, 1, 65535)
    assert white in data
    path.write_bytes(data.replace(white, struct.pack("<HHII", 50717, 4, 1, 16)))
    assert "white or black" in refused(path)


def test_a_linear_dng_may_be_black_at_its_end(rawpy: Any, tmp_path: Path) -> None:
    codes = wide_codes(128, 192).copy()
    codes[-40:] = 0
    tags = [(50706, "B", 4, (1, 4, 0, 0), True), (50708, "s", 0, "Merged", True)]
    path = tmp_path / "merged.dng"
    tifffile.imwrite(path, codes, photometric=34892, extratags=tags, metadata=None, software=False)
    assert read_wide(path).codes.shape == codes.shape


def header_of_raf(pixels: int) -> bytes:
    return b"FUJIFILMCCD-RAW 0201".ljust(84, b"\0") + struct.pack(">6I", 108, 0, 108, 0, 108, pixels)


def directory(tags: dict[int, int], magic: bytes = b"II*\0") -> bytes:
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in sorted(tags.items()))
    return magic + struct.pack("<IH", 8, len(tags)) + entries + bytes(4)


@pytest.mark.parametrize(
    ("name", "whole"),
    [
        ("a.raf", header_of_raf(4000) + b"\1" * 4000),
        ("a.cr3", struct.pack(">I", 16) + b"ftypcrx \0\0\0\1" + struct.pack(">I", 4008) + b"mdat" + b"\1" * 4000),
        ("a.rw2", directory({273: 0xFFFFFFFF, 279: 4000, 280: 50}, b"IIU\0") + b"\1" * 4000),
        ("a.orf", directory({256: 50, 257: 40, 273: 62, 279: 4000}, b"IIRO") + b"\1" * 4000),
        ("a.pef", directory({256: 50, 257: 40, 259: 65535, 273: 74, 279: 4000}) + b"\1" * 4000),
    ],
)
def test_every_kind_of_raw_says_where_its_pixels_end(tmp_path: Path, name: str, whole: bytes) -> None:
    (tmp_path / name).write_bytes(whole)
    check_layout(tmp_path / name)
    for missing in (1, 100, 3000):
        (tmp_path / name).write_bytes(whole[:-missing])
        with pytest.raises(InputError, match="its pixels should end at byte"):
            check_layout(tmp_path / name)


def test_directories_without_their_pixels_are_hollow(tmp_path: Path) -> None:
    tags = {256: 4000, 257: 3000, 273: 62, 279: 500}
    (tmp_path / "a.nef").write_bytes(directory(tags) + b"\1" * 500)
    with pytest.raises(InputError, match="pixels are not in the file"):
        check_layout(tmp_path / "a.nef")


@pytest.mark.parametrize("data", [b"II*\0", b"II*\0\xff\xff\xff\xff", b"MM\0*" + bytes(60), directory({330: 8})])
def test_damaged_directories_are_none(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "a.nef").write_bytes(data)
    check_layout(tmp_path / "a.nef")


@pytest.mark.parametrize("tag", [254, 256, 259, 262, 273, 279, 330])
def test_values_outside_the_file_count_as_none(tmp_path: Path, tag: int) -> None:
    entry = struct.pack("<HHII", tag, 4, 9, 1 << 20)
    (tmp_path / "a.nef").write_bytes(b"II*\0" + struct.pack("<IH", 8, 1) + entry + bytes(4))
    check_layout(tmp_path / "a.nef")


# The camera's own preview.


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_a_preview_may_lie_as_the_sensor_or_upright(rawpy: Any, tmp_path: Path, orientation: int) -> None:
    for shown in (SHOWN, turn(SHOWN, orientation)):
        picture = read_wide(dng(tmp_path / "a.dng", LIGHT, orientation, preview=shown))
        assert picture.codes.shape == turn(SHOWN, orientation).shape


def test_a_preview_of_another_picture_shows_that_it_came_out_wrong(rawpy: Any, tmp_path: Path) -> None:
    noise = np.random.default_rng(1).uniform(0.1, 0.9, LIGHT.shape)
    assert "not what the preview in it shows" in refused(dng(tmp_path / "a.dng", noise, preview=SHOWN))


@pytest.mark.parametrize(
    "preview",
    [
        255 - SHOWN,  # a film negative, made positive in the editor that wrote the DNG
        np.full_like(SHOWN, 40),
        SHOWN[:8, :8],
        np.clip(SHOWN.astype(int) * 2 - 150, 0, 255).astype(np.uint8),  # a hard curve
    ],
)
def test_a_preview_that_says_little_does_no_harm(rawpy: Any, tmp_path: Path, preview: CodeArray) -> None:
    read_wide(dng(tmp_path / "a.dng", LIGHT, preview=np.ascontiguousarray(preview)))


def test_the_preview_of_a_cropped_dng_is_cropped(rawpy: Any, tmp_path: Path) -> None:
    noise = np.random.default_rng(1).uniform(0.1, 0.9, LIGHT.shape)
    packet = (
        b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        b'<rdf:Description rdf:about="" xmlns:crs="http://ns.adobe.com/camera-raw-settings/1.0/" crs:HasCrop="True"/>'
        b"</rdf:RDF></x:xmpmeta>"
    )
    read_wide(dng(tmp_path / "a.dng", noise, preview=SHOWN, xmp=packet))


# Film scanners.


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("depth", [8, 16])
def test_a_film_scanner_s_nef_is_the_rgb_that_it_holds(tmp_path: Path, order: str, depth: int) -> None:
    codes = wide_codes(40, 60) if depth == 16 else (wide_codes(40, 60) >> 8).astype(np.uint8)
    picture = read_wide(scan(tmp_path / "a.nef", codes, order), Reading(assume_profile="srgb"))
    assert np.array_equal(picture.codes, codes if depth == 16 else codes.astype(np.uint16) * 257)
    assert picture.profile is None
    assert "Coolscan" in picture.notes[0]
    assert any("8-bit" in note for note in picture.notes) == (depth == 8)


def test_a_film_scan_does_not_say_which_colours_it_holds(tmp_path: Path) -> None:
    said = refused(scan(tmp_path / "a.nef", wide_codes(40, 60)))
    assert "a film scan by a Nikon Coolscan" in said
    assert "--assume-profile" in said
    tagged = read_wide(scan(tmp_path / "b.nef", wide_codes(40, 60), icc=write_profile(ADOBE_RGB)))
    assert space_of(tagged) == "adobergb"


def test_a_film_scan_that_was_cut_short_is_refused(tmp_path: Path) -> None:
    data = scan(tmp_path / "a.nef", wide_codes(40, 60)).read_bytes()
    for part in PARTS:
        (tmp_path / "a.nef").write_bytes(data[: len(data) * part // 100 or 1])
        refused(tmp_path / "a.nef", Reading(assume_profile="srgb"))
