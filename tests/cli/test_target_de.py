"""gamut reduce --target-de: as little effort as brings the colours back within a difference."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

import gamutcli
from gamutcli.batch.manifest import FOLDER
from gamutcli.errors import UsageError
from gamutcli.fitting.presets import PRESETS
from gamutcli.reduce.search import EYE
from tests.support.batches import objects, wide_picture
from tests.support.commands import Gamut
from tests.support.pictures import wide_codes, write_tiff
from tests.support.presets import SMALL, changed_presets


@pytest.fixture(scope="module", autouse=True)
def small_presets() -> Iterator[None]:
    """Three presets that differ in their steps alone, each of tenths of a second."""
    balanced, best = {**SMALL, "steps": 240}, {**SMALL, "steps": 480}
    with changed_presets("fast"), changed_presets("balanced", **balanced), changed_presets("best", **best):
        yield


@pytest.fixture(scope="module")
def photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiff(tmp_path_factory.mktemp("target") / "photo.tif", wide_codes(60, 90))


@pytest.fixture(scope="module")
def left_by_fast(photo: Path) -> float:
    """The 99th percentile that preset fast leaves of it, fitted for the eye."""
    preset = replace(PRESETS["fast"], eye=EYE)
    found = gamutcli.reduce_image(photo, photo.with_name("fast.png"), preset=preset).de2000_og_p99
    assert found is not None
    return found


def test_a_target_is_reached_as_eval_measures_it(
    gamut: Gamut, photo: Path, left_by_fast: float, tmp_path: Path
) -> None:
    target = tmp_path / "a.png"
    outcome = gamut("reduce", photo, target, "--target-de", left_by_fast * 1.01, "--json")
    assert (outcome.code, outcome.err) == (0, "")
    found = outcome.json
    assert found["preset"] == "fast"
    assert found["tries"] >= 1
    assert found["target_de"] == pytest.approx(left_by_fast * 1.01)
    assert found["de2000_og_p99"] <= found["target_de"]
    judged = gamut("eval", target, "--gt", photo, "--json").json["restored"]["de2000_og_p99"]
    assert judged == pytest.approx(found["de2000_og_p99"], rel=0.02)


@pytest.mark.fit
def test_a_nearer_target_takes_more(gamut: Gamut, photo: Path, left_by_fast: float, tmp_path: Path) -> None:
    found = gamut("reduce", photo, tmp_path / "a.png", "--target-de", 0.8 * left_by_fast, "--json").json
    assert found["de2000_og_p99"] <= 0.8 * left_by_fast
    assert found["preset"] != "fast"
    assert found["tries"] > 1


def test_the_summary_says_what_it_took(gamut: Gamut, photo: Path, left_by_fast: float, tmp_path: Path) -> None:
    said = gamut("reduce", photo, tmp_path / "a.png", "--target-de", 1.01 * left_by_fast).out
    assert "preset fast, 120 steps" in said
    assert " tr" in said


def test_what_cannot_be_reached_is_written_and_said(gamut: Gamut, photo: Path, tmp_path: Path) -> None:
    outcome = gamut("reduce", photo, tmp_path / "a.png", "--target-de", 0.0001, "--json")
    assert outcome.code == 0
    assert "falls short of --target-de 0.0001" in outcome.err
    assert "largest network" in outcome.err
    assert outcome.json["preset"] == "best"
    assert gamut("info", tmp_path / "a.png").code == 0


def test_a_jpeg_that_lost_too_much_says_what_helps(gamut: Gamut, photo: Path, tmp_path: Path) -> None:
    outcome = gamut("reduce", photo, tmp_path / "a.jpg", "--quality", 60, "--target-de", 0.1, "--json")
    assert outcome.code == 0
    assert "--quality" in outcome.err
    assert "PNG" in outcome.err
    assert outcome.json["tries"] == 2


def test_the_largest_payload_is_a_bound(gamut: Gamut, photo: Path, tmp_path: Path) -> None:
    words = ("--target-de", 0.0001, "--max-payload", 700, "--json")
    found = gamut("reduce", photo, tmp_path / "a.png", *words).json
    assert 0 < found["payload_bytes"] <= 700


def test_a_picture_that_lost_no_colour_takes_one_try(gamut: Gamut, tmp_path: Path) -> None:
    grey = write_tiff(tmp_path / "grey.tif", wide_codes(12, 16) // 8 + 20_000)
    outcome = gamut("reduce", grey, tmp_path / "a.png", "--target-de", 0.5, "--json")
    assert (outcome.code, outcome.json["tries"], outcome.json["model"]) == (0, 1, "none")
    assert "falls short" not in outcome.err


@pytest.mark.parametrize(
    "words",
    [
        ("--target-de", 1, "--preset", "best"),
        ("--target-de", 1, "--preset", "paper", "--model", "23kb"),
        ("--target-de", 1, "--model", "23kb"),
        ("--target-de", 1, "--init", "shipped"),
        ("--target-de", 0),
        ("--target-de", "nan"),
        ("--target-de", "inf"),
    ],
)
def test_what_does_not_go_with_it_is_a_usage_error(
    gamut: Gamut, photo: Path, tmp_path: Path, words: tuple[object, ...]
) -> None:
    assert gamut("reduce", photo, tmp_path / "a.png", *words).code == 2
    assert gamut("batch", "reduce", photo, "-o", tmp_path / "web", *words).code == 2
    assert list(tmp_path.iterdir()) == []


def test_the_command_line_comes_before_the_environment(
    gamut: Gamut, photo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GAMUT_PRESET", "best")
    assert gamut("reduce", photo, tmp_path / "a.png", "--target-de", 40, "--json").json["target_de"] == 40
    assert gamut("batch", "reduce", photo, "-o", tmp_path / "web", "--target-de", 40, "-j", 1).code == 0
    monkeypatch.setenv("GAMUT_TARGET_DE", "40")
    found = gamut("reduce", photo, tmp_path / "b.png", "--preset", "fast", "--json").json
    assert (found["preset"], found["target_de"]) == ("fast", None)
    assert gamut("reduce", photo, tmp_path / "c.png").code == 2


def test_the_library_says_so_too(photo: Path, tmp_path: Path) -> None:
    for wanted, preset in ((-1.0, "balanced"), (1.0, "fast")):
        with pytest.raises(UsageError, match="--target-de"):
            gamutcli.reduce_image(photo, tmp_path / "a.png", target_de=wanted, preset=preset)


def test_many_pictures_pass_it_on_and_know_it_again(gamut: Gamut, tmp_path: Path) -> None:
    wide_picture(tmp_path / "in/a.tif")
    words = ("batch", "reduce", tmp_path / "in", "-o", tmp_path / "web", "--ext", "png", "-j", 1, "--json")
    first = objects(gamut(*words, "--target-de", 40).out)
    assert first[0]["target_de"] == 40
    assert first[0]["tries"] >= 1
    assert first[0]["de2000_og_p99"] <= 40
    shutil.rmtree(tmp_path / "web" / FOLDER)
    again = objects(gamut(*words, "--target-de", 40).out)
    assert again[-1]["counts"]["skipped"] == 1
