"""gamut eval: figures for the plain and the restored picture."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.support.commands import Gamut
from tests.support.pictures import wide_codes, write_tiff


@pytest.mark.fit
def test_a_reduced_picture_is_judged_with_and_without_its_network(gamut: Gamut, album: Path) -> None:
    outcome = gamut("eval", album / "photo.png", "--gt", album / "photo.tif", "--json")
    assert outcome.code == 0
    found = outcome.json
    plain, restored = found["plain"], found["restored"]
    assert restored["psnr_og"] > plain["psnr_og"] + 10
    assert restored["de2000_og_mean"] < plain["de2000_og_mean"] / 2
    assert restored["psnr_in"] == pytest.approx(plain["psnr_in"], abs=0.1)
    assert found["payload_bytes"] > 0
    assert 5 < found["og_pct"] < 95


@pytest.mark.usefixtures("quick")
def test_reduce_says_the_same_figures_as_eval(gamut: Gamut, album: Path, tmp_path: Path) -> None:
    said = gamut("reduce", album / "photo.tif", tmp_path / "a.jpg", "--preset", "fast", "--json").json
    found = gamut("eval", tmp_path / "a.jpg", "--gt", album / "photo.tif", "--json").json
    assert said["psnr_all"] == pytest.approx(found["restored"]["psnr_all"], abs=0.02)
    assert said["psnr_og"] == pytest.approx(found["restored"]["psnr_og"], abs=0.02)
    assert said["clip_psnr_og"] == pytest.approx(found["plain"]["psnr_og"], abs=0.02)
    for figure in ("de2000_og_mean", "de2000_og_p99"):
        assert said[figure] == pytest.approx(found["restored"][figure], rel=0.02)
        assert said[f"clip_{figure}"] == pytest.approx(found["plain"][figure], rel=0.02)


@pytest.mark.parametrize(("extension", "space"), [("tif", "prophoto"), ("avif", "rec2020"), ("jxl", "rec2020")])
def test_a_restored_picture_gets_the_same_figures_as_expanding_in_memory(
    gamut: Gamut, album: Path, tmp_path: Path, extension: str, space: str
) -> None:
    restored = tmp_path / f"r.{extension}"
    assert gamut("expand", album / "photo.jpg", restored, "--to", space).code == 0
    on_disk = gamut("eval", restored, "--gt", album / "photo.tif", "--json").json
    in_memory = gamut("eval", album / "photo.jpg", "--gt", album / "photo.tif", "--json").json
    assert on_disk["payload_bytes"] is None
    within = {"tif": 0.01, "jxl": 0.5, "avif": 2.5}[extension]  # dB of 61: an AVIF has 10 bits, and is lossy
    assert on_disk["restored"]["psnr_og"] == pytest.approx(in_memory["restored"]["psnr_og"], abs=within)


def test_beside_a_restored_tiff_the_original_is_clipped(gamut: Gamut, album: Path) -> None:
    from_tiff = gamut("eval", album / "photo.tif", "--gt", album / "photo.tif", "--json").json
    from_png = gamut("eval", album / "photo.png", "--gt", album / "photo.tif", "--json").json
    assert from_tiff["plain"]["psnr_og"] == pytest.approx(from_png["plain"]["psnr_og"], abs=0.01)


def test_the_original_against_itself_is_exact(gamut: Gamut, album: Path) -> None:
    outcome = gamut("eval", album / "photo.tif", "--gt", album / "photo.tif", "--json")
    assert outcome.json["restored"]["rmse_all"] == 0
    assert outcome.json["restored"]["psnr_all"] is None  # infinite: JSON has no such number
    assert "exact" in gamut("eval", album / "photo.tif", "--gt", album / "photo.tif").out


def test_a_person_reads_a_table(gamut: Gamut, album: Path) -> None:
    text = gamut("eval", album / "photo.png", "--gt", album / "photo.tif").out
    for word in ("plain", "restored", "all pixels", "out of gamut", "in gamut", "PSNR", "RMSE", "dE2000", "bytes"):
        assert word in text


def test_maps_of_the_errors(gamut: Gamut, album: Path, tmp_path: Path) -> None:
    words = ["eval", album / "photo.png", "--gt", album / "photo.tif", "--map", tmp_path / "map.png"]
    assert gamut(*words).code == 0
    with Image.open(tmp_path / "map.png") as drawn:
        assert drawn.width >= 2 * 90
        assert len(np.unique(np.asarray(drawn.convert("RGB")).reshape(-1, 3), axis=0)) > 20
    again = gamut(*words)
    assert again.code == 1
    assert "--overwrite" in again.err


def test_pictures_of_different_size_are_refused(gamut: Gamut, album: Path, tmp_path: Path) -> None:
    other = write_tiff(tmp_path / "other.tif", wide_codes(30, 45))
    outcome = gamut("eval", album / "photo.png", "--gt", other)
    assert outcome.code == 1
    assert "90 x 60" in outcome.err
    assert "45 x 30" in outcome.err


def test_a_reference_that_does_not_name_its_space(gamut: Gamut, album: Path, tmp_path: Path) -> None:
    untagged = write_tiff(tmp_path / "untagged.tif", wide_codes(60, 90), space=None)
    refused = gamut("eval", album / "photo.png", "--gt", untagged)
    assert refused.code == 1
    assert "--assume-profile prophoto" in refused.err
    assumed = gamut("eval", album / "photo.png", "--gt", untagged, "--assume-profile", "prophoto", "--json").json
    tagged = gamut("eval", album / "photo.png", "--gt", album / "photo.tif", "--json").json
    assert assumed["restored"] == tagged["restored"]


def test_a_restored_picture_that_does_not_name_its_space(gamut: Gamut, album: Path, tmp_path: Path) -> None:
    restored = write_tiff(tmp_path / "restored.tif", wide_codes(60, 90), space=None)
    words = ["eval", restored, "--gt", album / "photo.tif", "--json"]
    assert gamut(*words).code == 1
    assert gamut(*words, "--assume-profile", "prophoto").json["restored"]["rmse_all"] == 0


def test_what_a_reference_says_of_itself_comes_first(gamut: Gamut, album: Path) -> None:
    words = ["eval", album / "photo.png", "--gt", album / "photo.tif"]
    outcome = gamut(*words, "--assume-profile", "rec2020", "--json")
    assert outcome.json["restored"] == gamut(*words, "--json").json["restored"]
    assert "not --assume-profile rec2020" in outcome.err


def test_an_original_of_another_format_is_found_where_there_is_no_better_one(
    gamut: Gamut, album: Path, tmp_path: Path
) -> None:
    reduced = tmp_path / "photo.png"
    reduced.write_bytes((album / "photo.png").read_bytes())
    originals = tmp_path / "originals"
    originals.mkdir()
    with Image.open(album / "photo.jpg") as image:
        image.save(originals / "photo.jpg", icc_profile=image.info["icc_profile"])
    assert "photo.jpg" in gamut("eval", reduced, "--gt", originals, "--json").json["reference"]
    (originals / "photo.tif").write_bytes((album / "photo.tif").read_bytes())
    assert "photo.tif" in gamut("eval", reduced, "--gt", originals, "--json").json["reference"]
