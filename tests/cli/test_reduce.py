"""gamut reduce: an ordinary sRGB file with a payload."""

from __future__ import annotations

import io
import os
from pathlib import Path

import numpy as np
import piexif
import pytest
import tifffile
from PIL import Image, ImageCms

from gamutcli.color.icc import write_profile
from gamutcli.color.spaces import DISPLAY_P3
from gamutcli.measuring.words import difference
from tests.support.commands import Gamut
from tests.support.pictures import wide_codes, write_tiff


@pytest.mark.parametrize(("extension", "format"), [("png", "PNG"), ("jpg", "JPEG")])
def test_the_result_is_an_ordinary_srgb_picture(album: Path, extension: str, format: str) -> None:
    with Image.open(album / f"photo.{extension}") as picture:
        assert picture.format == format
        assert picture.mode == "RGB"
        assert picture.size == (90, 60)
        profile = ImageCms.getOpenProfile(io.BytesIO(picture.info["icc_profile"]))
        assert "sRGB" in ImageCms.getProfileDescription(profile)


@pytest.mark.fit
def test_json_tells_what_was_written(gamut: Gamut, album: Path, tmp_path: Path) -> None:
    outcome = gamut("reduce", album / "photo.tif", tmp_path / "a.png", "--preset", "fast", "--json")
    assert outcome.code == 0
    found = outcome.json
    assert found["file"] == str(tmp_path / "a.png")
    assert (found["width"], found["height"], found["status"]) == (90, 60, "ok")
    assert found["preset"] == "fast"
    assert found["carrier"] == "xmp"
    assert 0 < found["payload_bytes"] < 42_000
    assert found["psnr_og"] > found["clip_psnr_og"] + 10
    assert 5 < found["og_pct"] < 95
    assert found["fit_seconds"] > 0
    assert {"model", "hidden", "layers", "psnr_all"} <= found.keys()


@pytest.mark.usefixtures("quick")
def test_the_summary_goes_to_stdout_and_nothing_to_stderr(gamut: Gamut, album: Path, tmp_path: Path) -> None:
    outcome = gamut("reduce", album / "photo.tif", tmp_path / "a.jpg", "--preset", "fast")
    assert outcome.out.startswith(f"{album / 'photo.tif'} -> {tmp_path / 'a.jpg'}: ")
    assert outcome.out.count("\n") == 1
    assert outcome.err == ""


@pytest.mark.usefixtures("quick")
def test_the_summary_says_how_near_the_colours_come_back(gamut: Gamut, album: Path, tmp_path: Path) -> None:
    words = ("reduce", album / "photo.tif", "--preset", "fast")
    said = gamut(*words, tmp_path / "a.png").out
    found = gamut(*words, tmp_path / "b.png", "--json").json
    mean, p99, plain_mean, plain_p99 = (
        difference(found[f"{which}de2000_og_{figure}"]) for which in ("", "clip_") for figure in ("mean", "p99")
    )
    assert f"colours back to within dE {mean} (plain {plain_mean}), 99 % below {p99} (plain {plain_p99})" in said
    assert 0 < found["de2000_og_mean"] < found["de2000_og_p99"] < found["clip_de2000_og_p99"]


def test_without_a_network_no_colour_is_said_to_be_back(gamut: Gamut, album: Path, tmp_path: Path) -> None:
    outcome = gamut("reduce", album / "photo.tif", tmp_path / "a.png", "--max-payload", 80)
    assert "network none" in outcome.out
    assert "colours off by dE" in outcome.out
    assert "back" not in outcome.out


@pytest.mark.usefixtures("quick")
def test_the_same_seed_gives_the_same_bytes(gamut: Gamut, album: Path, tmp_path: Path) -> None:
    for name, seed in (("one", 0), ("again", 0), ("other", 7)):
        gamut("reduce", album / "photo.tif", tmp_path / f"{name}.jpg", "--preset", "fast", "--seed", seed)
    assert (tmp_path / "again.jpg").read_bytes() == (tmp_path / "one.jpg").read_bytes()
    assert (tmp_path / "other.jpg").read_bytes() != (tmp_path / "one.jpg").read_bytes()


@pytest.mark.usefixtures("quick")
def test_several_inputs_go_into_a_folder_and_a_bad_one_stops_no_other(
    gamut: Gamut, album: Path, tmp_path: Path
) -> None:
    first = write_tiff(tmp_path / "one.tif", wide_codes(20, 30))
    bad = tmp_path / "two.tif"
    bad.write_bytes(b"no picture")
    third = write_tiff(tmp_path / "three.tif", wide_codes(30, 20))
    outcome = gamut("reduce", first, bad, third, "-o", tmp_path / "web", "--ext", "png", "--preset", "fast")
    assert outcome.code == 1
    assert sorted(path.name for path in (tmp_path / "web").iterdir()) == ["one.png", "three.png"]
    assert str(bad) in outcome.err
    assert outcome.err.endswith("gamut: error: 1 of 3 files failed\n")


@pytest.mark.usefixtures("quick")
def test_preserve_time(gamut: Gamut, tmp_path: Path) -> None:
    source = write_tiff(tmp_path / "old.tif", wide_codes(8, 8))
    os.utime(source, (1_000_000_000, 1_000_000_000))
    gamut("reduce", source, tmp_path / "new.png", "-p", "--preset", "fast")
    assert (tmp_path / "new.png").stat().st_mtime == 1_000_000_000


@pytest.mark.usefixtures("quick")
def test_an_existing_output_is_kept_unless_told_to_replace_it(gamut: Gamut, album: Path, tmp_path: Path) -> None:
    target = tmp_path / "mine.png"
    target.write_bytes(b"precious")
    outcome = gamut("reduce", album / "photo.tif", target, "--preset", "fast")
    assert outcome.code == 1
    assert "--overwrite" in outcome.err
    assert target.read_bytes() == b"precious"
    assert gamut("reduce", album / "photo.tif", target, "--preset", "fast", "--overwrite").code == 0
    assert target.read_bytes()[:4] == b"\x89PNG"


@pytest.mark.usefixtures("quick")
def test_a_model_needs_the_paper_preset(gamut: Gamut, album: Path, tmp_path: Path) -> None:
    outcome = gamut("reduce", album / "photo.tif", tmp_path / "a.png", "--model", "23kb")
    assert outcome.code == 2
    assert "--preset paper" in outcome.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("quick")
def test_an_unknown_kind_of_file_is_a_usage_error(gamut: Gamut, album: Path, tmp_path: Path) -> None:
    outcome = gamut("reduce", album / "photo.tif", tmp_path / "a.xyz")
    assert outcome.code == 2
    assert ".jpg" in outcome.err
    assert ".png" in outcome.err


@pytest.mark.usefixtures("quick")
def test_the_largest_payload_is_respected(gamut: Gamut, album: Path, tmp_path: Path) -> None:
    usual = gamut("info", album / "photo.png", "--json").json["payload_bytes"]
    limit = usual // 2
    outcome = gamut("reduce", album / "photo.tif", tmp_path / "a.png", "--preset", "fast", "--max-payload", limit)
    assert outcome.code == 0
    assert gamut("info", tmp_path / "a.png", "--json").json["payload_bytes"] <= limit


@pytest.mark.usefixtures("quick")
def test_quality_and_subsampling_are_those_of_the_jpeg(gamut: Gamut, album: Path, tmp_path: Path) -> None:
    gamut(
        "reduce", album / "photo.tif", tmp_path / "a.jpg", "--preset", "fast", "--quality", 60, "--subsampling", "4:2:0"
    )
    with Image.open(tmp_path / "a.jpg") as low, Image.open(album / "photo.jpg") as high:
        assert sum(low.quantization[0]) > sum(high.quantization[0])
        assert [layer[1:3] for layer in low.layer] == [(2, 2), (1, 1), (1, 1)]
        assert [layer[1:3] for layer in high.layer] == [(1, 1), (1, 1), (1, 1)]


@pytest.mark.parametrize("extension", ["jpg", "png"])
@pytest.mark.usefixtures("quick")
def test_the_cameras_words_come_along_and_are_made_true(gamut: Gamut, tmp_path: Path, extension: str) -> None:
    source, target, restored = tmp_path / "a.tif", tmp_path / f"a.{extension}", tmp_path / "b.tif"
    write_tiff(source, wide_codes(20, 30), extratags=[(271, "s", 0, "Camera & Co", True)])
    assert gamut("reduce", source, target, "--preset", "fast").code == 0
    with Image.open(target) as picture:
        exif = piexif.load(picture.info["exif"])
    assert exif["0th"][piexif.ImageIFD.Make] == b"Camera & Co"
    assert exif["Exif"][piexif.ExifIFD.ColorSpace] == 1
    assert gamut("expand", target, restored).code == 0
    with tifffile.TiffFile(restored) as tiff:
        assert tiff.pages.first.tags["Make"].value == "Camera & Co"


@pytest.mark.parametrize("extension", ["webp", "avif", "jxl", "tif"])
def test_every_kind_of_output(gamut: Gamut, album: Path, tmp_path: Path, quick: None, extension: str) -> None:
    words = ("reduce", album / "photo.tif", "-o", tmp_path, "--ext", extension, "--preset", "fast")
    assert gamut(*words, "--no-metadata", "--strip-gps").code == 0
    found = gamut("info", tmp_path / f"photo.{extension}", "--json").json
    assert (found["carrier"], found["status"]) == ("xmp", "ok")


@pytest.mark.parametrize("extension", ["webp", "jxl"])
def test_quality_makes_lossless_formats_lossy(
    gamut: Gamut, album: Path, tmp_path: Path, quick: None, extension: str
) -> None:
    for name, words in (("a", ()), ("b", ("--quality", 80))):
        target = tmp_path / f"{name}.{extension}"
        assert gamut("reduce", album / "photo.tif", target, "--preset", "fast", *words).code == 0
    tolerances = [gamut("info", tmp_path / f"{name}.{extension}", "--json").json["tolerance"] for name in "ab"]
    assert tolerances[0] == 0
    assert tolerances[1] > 0


@pytest.mark.parametrize("extension", ["jpg", "png", "webp", "avif", "jxl", "tif"])
def test_a_reduced_picture_is_not_reduced_again(
    gamut: Gamut, album: Path, tmp_path: Path, quick: None, extension: str
) -> None:
    reduced = tmp_path / f"photo.{extension}"
    assert gamut("reduce", album / "photo.tif", reduced, "--preset", "fast").code == 0
    outcome = gamut("reduce", reduced, tmp_path / "again.png", "--preset", "fast")
    assert outcome.code == 1
    assert "is reduced already" in outcome.err
    assert "gamut expand" in outcome.err
    assert list(tmp_path.iterdir()) == [reduced]


def test_nor_is_one_whose_payload_lies_beside_it(gamut: Gamut, album: Path, tmp_path: Path, quick: None) -> None:
    words = ("--preset", "fast", "--carrier", "sidecar")
    assert gamut("reduce", album / "photo.tif", tmp_path / "photo.jpg", *words).code == 0
    assert "is reduced already" in gamut("reduce", tmp_path / "photo.jpg", tmp_path / "again.jpg").err


def test_pages_and_backgrounds_are_chosen(gamut: Gamut, tmp_path: Path, quick: None) -> None:
    codes = wide_codes(12, 16)
    write_tiff(tmp_path / "pages.tif", np.stack([codes, codes[::-1]]))
    write_tiff(tmp_path / "clear.tif", np.dstack([codes, codes[..., 0]]), extrasamples=["unassalpha"])
    fast = ("--preset", "fast")
    for name, words in (("pages", ("--page", 2)), ("clear", ("--background", "#ff8000"))):
        source, target = tmp_path / f"{name}.tif", tmp_path / f"{name}.png"
        assert gamut("reduce", source, target, *fast).code == 1
        assert gamut("reduce", source, target, *fast, *words).code == 0
        found = gamut("eval", target, "--gt", source, *words, "--json").json
        assert found["plain"]["psnr_in"] is None or found["plain"]["psnr_in"] > 40
    outcome = gamut("reduce", tmp_path / "pages.tif", tmp_path / "b.png", *fast, "--page", 3)
    assert "holds 2 pictures, none of them number 3" in outcome.err


def test_a_folder_of_mixed_files_does_not_stop_at_one(gamut: Gamut, tmp_path: Path, quick: None) -> None:
    codes = wide_codes(12, 16)
    write_tiff(tmp_path / "a.tif", codes)
    write_tiff(tmp_path / "b.tif", np.dstack([codes, codes[..., 0]]), extrasamples=["unassalpha"])
    write_tiff(tmp_path / "c.tif", codes[..., 0], None, photometric="minisblack")
    (tmp_path / "d.txt").write_text("no picture")
    Image.fromarray((codes >> 8).astype(np.uint8)).save(tmp_path / "e.jpg", icc_profile=write_profile(DISPLAY_P3))
    outcome = gamut("reduce", *sorted(tmp_path.iterdir()), "-o", tmp_path / "out", "--preset", "fast", "--ext", "png")
    assert outcome.code == 1
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a.png", "c.png", "e.png"]
