"""gamut experiment: the paper's tables and figures; settings are not mixed, and a failing picture stops no other."""

from __future__ import annotations

from pathlib import Path

import imagecodecs
import pytest

from tests.support.commands import Gamut, Outcome
from tests.support.pictures import SAMPLES, wide_codes, write_tiff

QUICK = ("--methods", "clip,soft,11kb", "--steps-scale", "0.002")


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A folder with two pictures; the second does not name its colour space."""
    folder = tmp_path / "photos"
    folder.mkdir()
    write_tiff(folder / "a.tif", wide_codes(40, 60))
    (folder / "b.png").write_bytes(imagecodecs.png_encode(wide_codes(30, 44)))
    return folder


def table(gamut: Gamut, photos: Path, *more: object) -> Outcome:
    return gamut("experiment", "table", photos, "-o", photos.parent / "out", *QUICK, *more)


def test_the_table_is_shown_and_written(gamut: Gamut, photos: Path) -> None:
    outcome = table(gamut, photos)
    assert outcome.code == 0
    for word in ("clip", "soft clip", "11 KB + enc", "PSNR OG, dB", "Mean over 2 pictures"):
        assert word in outcome.out
    assert "b.png: does not say which colours it holds" in outcome.err
    assert {"table.md", "table.csv", "table.json"} < {path.name for path in (photos.parent / "out").iterdir()}


def test_json_for_programs(gamut: Gamut, photos: Path) -> None:
    found = table(gamut, photos, "--json").json
    assert [row["method"] for row in found["mean"]] == ["clip", "soft", "11kb"]


def test_a_second_run_says_that_all_is_done(gamut: Gamut, photos: Path) -> None:
    first = table(gamut, photos)
    again = table(gamut, photos)
    assert "a.tif (1 of 2): done before" in again.err
    assert again.out == first.out


def test_quiet_says_nothing(gamut: Gamut, photos: Path) -> None:
    outcome = table(gamut, photos, "-q")
    assert (outcome.code, outcome.out, outcome.err) == (0, "", "")


def test_a_missing_folder_and_an_empty_one(gamut: Gamut, tmp_path: Path) -> None:
    missing = gamut("experiment", "table", tmp_path / "none", "-o", tmp_path / "out")
    (tmp_path / "empty").mkdir()
    empty = gamut("experiment", "table", tmp_path / "empty", "-o", tmp_path / "out")
    assert (missing.code, empty.code) == (1, 1)
    assert "is no folder" in missing.err
    assert "holds no TIFF or PNG picture" in empty.err
    assert not (tmp_path / "out").exists()


def test_a_broken_picture_stops_no_other(gamut: Gamut, photos: Path) -> None:
    (photos / "a.tif").write_bytes(b"II*\0 broken")
    outcome = table(gamut, photos)
    assert outcome.code == 1
    assert "a.tif" in outcome.err
    assert "1 of 2 files failed" in outcome.err
    text = (photos.parent / "out" / "table.md").read_text("utf-8")
    assert "## b.png" in text
    assert "## a.tif" not in text


def test_other_settings_are_refused(gamut: Gamut, photos: Path) -> None:
    table(gamut, photos)
    outcome = table(gamut, photos, "--seed", "1")
    assert outcome.code == 2
    assert "other settings (seed: 0, now 1)" in outcome.err
    assert "--overwrite" in outcome.err
    assert table(gamut, photos, "--seed", "1", "--overwrite").code == 0


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["--methods", "clip,12kb"], 2, "unknown method '12kb'"),
        (["--methods", ","], 2, "no method named"),
        (["--weights", "nowhere"], 1, "nowhere: is no folder"),
        (["--steps-scale", "0"], 2, "--steps-scale"),
    ],
)
def test_options_that_cannot_be_used(gamut: Gamut, photos: Path, words: list[str], code: int, message: str) -> None:
    outcome = gamut("experiment", "table", photos, "-o", photos.parent / "out", *words)
    assert outcome.code == code
    assert message in outcome.err
    assert not (photos.parent / "out").exists()


def test_the_report(gamut: Gamut, photos: Path) -> None:
    page = photos.parent / "report.html"
    assert table(gamut, photos, "--methods", "clip,balanced", "--report", page).code == 0
    assert "<article" in page.read_text("utf-8")


def test_the_whole_table_of_the_sample_pictures(gamut: Gamut, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(SAMPLES.parent)
    outcome = gamut("experiment", "table", "-o", tmp_path, "--steps-scale", "0.05", "--json")
    assert outcome.code == 0
    assert len(outcome.json["pictures"]) == 6
    og = {row["method"]: row["psnr_og"] for row in outcome.json["mean"]}
    assert og["best"] > og["balanced"] > og["fast"] > og["clip"] + 3
    assert og["23kb"] > og["clip"] + 3
    assert og["soft"] > og["clip"] + 10
