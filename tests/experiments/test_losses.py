"""`gamut experiment losses`: every way to fit is measured, and the first is that of `reduce`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import gamutcli
from gamutcli.experiments.losses import COLUMNS, VARIANTS, losses
from gamutcli.experiments.runner import Job
from gamutcli.fitting.presets import PRESETS
from tests.support.commands import Gamut
from tests.support.pictures import sample_crop, write_tiff
from tests.support.presets import changed_presets


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("photos")
    write_tiff(folder / "dahlia.tif", sample_crop("dahlia", 150, 250, 96, 128))
    return folder


def test_all_ways_are_measured_and_written(gamut: Gamut, photos: Path, tmp_path: Path) -> None:
    with changed_presets("fast"):
        outcome = gamut("experiment", "losses", photos, "-o", tmp_path / "out", "--json")
        again = gamut("experiment", "losses", photos, "-o", tmp_path / "out", "--json")
    assert outcome.code == 0
    assert [row["variant"] for row in outcome.json["mean"]] == list(VARIANTS)
    for row in outcome.json["mean"]:
        assert row["bytes"] > 0
        assert all(row[name] is not None for name in COLUMNS[2:])
    assert again.json["mean"] == outcome.json["mean"]
    assert "done before" in again.err
    written = (tmp_path / "out/losses.csv").read_text().splitlines()
    assert written[0] == ",".join(COLUMNS)
    assert len(written) == 1 + len(VARIANTS)
    assert "linear, loss dE94" in (tmp_path / "out/losses.md").read_text()
    assert json.loads((tmp_path / "out/losses.json").read_text())["mean"] == outcome.json["mean"]


def test_unknown_ways_are_answered_with_the_known_ones(gamut: Gamut, photos: Path, tmp_path: Path) -> None:
    for words in ("linear; cubic", " ; "):
        outcome = gamut("experiment", "losses", photos, "-o", tmp_path / "out", "--variants", words)
        assert outcome.code == 2
        assert "OKLab" in outcome.err


@pytest.mark.fit
def test_the_linear_difference_is_what_reduce_fits(photos: Path, tmp_path: Path) -> None:
    picture = photos / "dahlia.tif"
    with changed_presets("fast", steps=60):
        found = losses(Job((picture,), tmp_path / "out"), variants=["linear"]).data["mean"][0]
        reduced = gamutcli.reduce_image(picture, tmp_path / "a.png", preset="fast")
    assert found["psnr_og"] == pytest.approx(reduced.psnr_og, abs=0.5)
    assert found["de2000_og_p99"] == pytest.approx(reduced.de2000_og_p99, rel=0.2)


@pytest.mark.fit
def test_a_loss_as_the_eye_sees_it_leaves_smaller_colour_differences(photos: Path, tmp_path: Path) -> None:
    assert PRESETS["fast"].steps > 100
    ways = ["linear", "linear, loss dE94"]
    rows = losses(Job((photos / "dahlia.tif",), tmp_path / "out"), variants=ways).data["mean"]
    found = {row["variant"]: row for row in rows}
    assert found["linear, loss dE94"]["de2000_og_mean"] < found["linear"]["de2000_og_mean"]
