"""gamut expand: the wide-gamut picture comes back, or a clear word why not."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image, ImageEnhance

from gamutcli.color.icc import read_profile
from tests.support.commands import Gamut
from tests.support.pictures import wide_codes


def resaved(source: Path, target: Path, brightness: float = 1.0) -> Path:
    """What another program makes of a reduced JPEG when it keeps the XMP."""
    with Image.open(source) as picture:
        changed = ImageEnhance.Brightness(picture).enhance(brightness)
        changed.save(target, quality=85, xmp=picture.info["xmp"])
    return target


def error_codes(restored: Path) -> float:
    """Root mean square difference from the original, in per cent of white, CCTF encoded."""
    difference = tifffile.imread(restored).astype(np.float64) - wide_codes(60, 90)
    return float(np.sqrt((difference**2).mean()) / 655.35)


@pytest.mark.fit
@pytest.mark.parametrize(("extension", "limit"), [("png", 0.5), ("jpg", 1.5)])
def test_the_colours_come_back(gamut: Gamut, album: Path, tmp_path: Path, extension: str, limit: float) -> None:
    outcome = gamut("expand", album / f"photo.{extension}", tmp_path / "r.tif")
    assert outcome.code == 0
    assert outcome.err == ""
    with tifffile.TiffFile(tmp_path / "r.tif") as tiff:
        page = tiff.pages.first
        assert (page.shape, page.dtype) == ((60, 90, 3), np.uint16)
        profile = read_profile(page.tags["InterColorProfile"].value)
    assert profile.space is not None
    assert profile.space.name == "prophoto"
    assert error_codes(tmp_path / "r.tif") < limit


def test_the_same_picture_as_a_16_bit_png(gamut: Gamut, album: Path, tmp_path: Path) -> None:
    assert gamut("expand", album / "photo.png", tmp_path / "r.tif").code == 0
    assert gamut("expand", album / "photo.png", tmp_path / "r.png").code == 0
    codes = imagecodecs.png_decode((tmp_path / "r.png").read_bytes())
    np.testing.assert_array_equal(codes, tifffile.imread(tmp_path / "r.tif"))


@pytest.mark.parametrize("compression", ["none", "lzw", "deflate", "zstd"])
def test_every_compression_holds_the_same_pixels(gamut: Gamut, album: Path, tmp_path: Path, compression: str) -> None:
    assert gamut("expand", album / "photo.png", tmp_path / "r.tif", "--compression", compression).code == 0
    assert gamut("expand", album / "photo.png", tmp_path / "usual.tif").code == 0
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "r.tif"), tifffile.imread(tmp_path / "usual.tif"))


@pytest.mark.parametrize("space", ["displayp3", "adobergb", "rec2020"])
def test_another_space_is_tagged_as_such(gamut: Gamut, album: Path, tmp_path: Path, space: str) -> None:
    outcome = gamut("expand", album / "photo.png", tmp_path / "r.tif", "--to", space, "--json")
    assert outcome.code == 0
    assert outcome.json["to"] == space
    with tifffile.TiffFile(tmp_path / "r.tif") as tiff:
        profile = read_profile(tiff.pages.first.tags["InterColorProfile"].value)
    assert profile.space is not None
    assert profile.space.name == space


@pytest.mark.parametrize(("name", "space", "bits"), [("r.avif", "displayp3", "10-bit"), ("r.jxl", "rec2020", "16-bit")])
def test_for_wide_gamut_screens(gamut: Gamut, album: Path, tmp_path: Path, name: str, space: str, bits: str) -> None:
    outcome = gamut("expand", album / "photo.png", tmp_path / name, "--to", space)
    assert outcome.code == 0
    assert bits in outcome.out
    refused = gamut("expand", album / "photo.png", tmp_path / f"p-{name}")
    assert refused.code == 2
    assert "--to displayp3" in refused.err


def test_json_tells_what_was_done(gamut: Gamut, album: Path, tmp_path: Path) -> None:
    found = gamut("expand", album / "photo.jpg", tmp_path / "r.tif", "--json").json
    assert found["file"] == str(tmp_path / "r.tif")
    assert found["source"] == str(album / "photo.jpg")
    assert (found["width"], found["height"]) == (90, 60)
    assert (found["status"], found["to"], found["device"]) == ("ok", "prophoto", "cpu")


@pytest.mark.fit
def test_a_recompressed_picture_expands_with_a_warning(gamut: Gamut, album: Path, tmp_path: Path) -> None:
    copy = resaved(album / "photo.jpg", tmp_path / "copy.jpg")
    outcome = gamut("expand", copy, tmp_path / "r.tif")
    assert outcome.code == 0
    assert outcome.err.startswith("gamut: warning: ")
    assert "compressed again" in outcome.err
    assert error_codes(tmp_path / "r.tif") < 3


def test_an_edited_picture_is_refused_unless_forced(gamut: Gamut, album: Path, tmp_path: Path) -> None:
    copy = resaved(album / "photo.jpg", tmp_path / "copy.jpg", brightness=1.2)
    outcome = gamut("expand", copy, tmp_path / "r.tif")
    assert outcome.code == 4
    assert "--force" in outcome.err
    assert not (tmp_path / "r.tif").exists()
    assert gamut("expand", copy, tmp_path / "r.tif", "--force").code == 0
    assert (tmp_path / "r.tif").exists()


def test_a_picture_without_a_payload_is_told_apart(gamut: Gamut, tmp_path: Path) -> None:
    Image.new("RGB", (4, 4)).save(tmp_path / "plain.jpg")
    outcome = gamut("expand", tmp_path / "plain.jpg", tmp_path / "r.tif")
    assert outcome.code == 3
    assert not (tmp_path / "r.tif").exists()


def test_several_inputs_and_their_time(gamut: Gamut, album: Path, tmp_path: Path) -> None:
    copies = [shutil.copy(album / "photo.png", tmp_path / name) for name in ("one.png", "two.png")]
    os.utime(copies[0], (1_000_000_000, 1_000_000_000))
    outcome = gamut("expand", *copies, "-p", "-o", tmp_path / "out")
    assert outcome.code == 0
    assert outcome.out.count("\n") == 2
    assert (tmp_path / "out" / "one.tif").stat().st_mtime == 1_000_000_000
    assert (tmp_path / "out" / "two.tif").stat().st_mtime > 1_000_000_000


@pytest.mark.parametrize("words", [["info", "photo.jpg"], ["expand", "photo.jpg", "r.tif", "--device", "auto"]])
def test_no_torch_where_none_is_needed(album: Path, tmp_path: Path, words: list[str]) -> None:
    (tmp_path / "photo.jpg").write_bytes((album / "photo.jpg").read_bytes())
    script = (
        f"import sys; from gamutcli.cli import run; code = run({words!r}); sys.exit(code or 'torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", script], cwd=tmp_path, stdout=subprocess.DEVNULL).returncode == 0
