"""gamut experiment size: every point is there, bytes and decibels are true, and a run goes on where it stopped."""

from __future__ import annotations

import csv
import json
import statistics
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from gamutcli.experiments import avif, plots
from gamutcli.experiments import size as experiment
from gamutcli.experiments.folder import Record
from gamutcli.experiments.pictures import open_subject
from gamutcli.experiments.recipe import judge_fit, scene_of
from gamutcli.experiments.runner import Findings, Job
from gamutcli.experiments.stored import FORMS
from gamutcli.fitting.presets import PAPER_MODELS, PRESETS
from tests.support.commands import Gamut
from tests.support.counting import counted_calls
from tests.support.pictures import wide_codes, write_tiff

SCALE = 0.001
PAPER_CURVES = [f"paper, {form}" for form in FORMS]


@dataclass(frozen=True)
class Done:
    """A run over two pictures."""

    folder: Path
    output: Path
    findings: Findings

    @property
    def rows(self) -> list[dict[str, Any]]:
        """Those of the first picture."""
        return list(self.findings.data["pictures"][0]["rows"])

    def curve(self, name: str) -> list[dict[str, Any]]:
        return [row for row in self.rows if row["curve"] == name]


def photos(folder: Path) -> Path:
    folder.mkdir()
    write_tiff(folder / "one.tif", wide_codes(32, 40))
    write_tiff(folder / "two.tif", wide_codes(40, 24), space=None)
    return folder


def run(pictures: Path, output: Path, **more: Any) -> Findings:
    return experiment.size(Job(tuple(sorted(pictures.iterdir())), output, SCALE, **more))


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Done:
    pytest.importorskip("matplotlib")
    if not avif.AVAILABLE:
        pytest.skip("this imagecodecs cannot write AVIF")
    folder = tmp_path_factory.mktemp("size")
    pictures = photos(folder / "photos")
    return Done(pictures, folder / "out", run(pictures, folder / "out"))


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few points, for tests that do not look at them."""
    monkeypatch.setattr(avif, "AVAILABLE", False)
    monkeypatch.setattr(experiment, "PAPER_MODELS", {"11kb": 16})
    monkeypatch.setattr(experiment, "LIMITS", (2000,))


@pytest.fixture
def fits(quick: None, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Grows by a word with every fit; nothing is plotted."""
    monkeypatch.setattr(plots, "publish", lambda *given: ((), ()))
    return counted_calls(monkeypatch, experiment, "fit_as_the_paper", "reduced_with")


A_PICTURE = ["fit_as_the_paper", "reduced_with", "reduced_with"]


# Points.


def test_every_curve_has_its_points(done: Done) -> None:
    assert [row["point"] for row in done.curve("clip")] == [""]
    for curve in PAPER_CURVES:
        assert [row["point"] for row in done.curve(curve)] == list(PAPER_MODELS)
    assert [row["point"] for row in done.curve("ours")] == [f"{limit:,} bytes" for limit in experiment.LIMITS]
    assert len(done.curve("ours, best")) == 1
    assert len(done.curve("AVIF of the residual")) == len(experiment.AVIF_LIMITS)


def test_the_papers_networks_take_four_bytes_a_weight_as_float(done: Done) -> None:
    weights = [120 * hidden + hidden * hidden + 3 * hidden for hidden in PAPER_MODELS.values()]
    assert [row["bytes"] for row in done.curve("paper, fp32")] == [4 * count for count in weights]
    assert [row["bytes"] for row in done.curve("paper, fp16")] == [2 * count for count in weights]


@pytest.mark.fit
def test_deflated_weights_have_the_quality_of_those_that_are_not(done: Done) -> None:
    for form in ("int8", "6 bits"):
        plain, deflated = done.curve(f"paper, {form}"), done.curve(f"paper, {form}, deflated")
        assert [row["psnr_og"] for row in plain] == [row["psnr_og"] for row in deflated]
        # After so few steps weights are as good as random, and nothing is saved.
        assert all(b["bytes"] < 1.03 * a["bytes"] for a, b in zip(plain, deflated, strict=True))


def test_limits_are_kept(done: Done) -> None:
    for curve, limits in (("ours", experiment.LIMITS), ("AVIF of the residual", experiment.AVIF_LIMITS)):
        for row, limit in zip(done.curve(curve), limits, strict=True):
            assert 0 < row["bytes"] <= limit


def test_the_clip_takes_no_bytes_and_is_what_any_viewer_shows(done: Done) -> None:
    (row,) = done.curve("clip")
    scores = judge_fit(scene_of(open_subject(done.folder / "one.tif").original, PRESETS["balanced"]), None)
    assert (row["bytes"], row["psnr_og"], row["psnr_all"]) == (0, scores.psnr_og, scores.psnr_all)
    assert all(other["psnr_og"] > row["psnr_og"] for other in done.curve("AVIF of the residual"))


def test_where_no_avif_fits_the_picture_stays_as_it_is(done: Done, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(experiment, "AVIF_LIMITS", (100,))
    scene = scene_of(open_subject(done.folder / "one.tif").original, PRESETS["balanced"])
    clip = judge_fit(scene, None)
    (row,) = experiment._avif(scene, clip)
    assert (row["bytes"], row["psnr_og"]) == (0, clip.psnr_og)


@pytest.mark.fit
def test_more_steps_are_better(done: Done, tmp_path: Path, fits: list[str]) -> None:
    """The scale reaches both the paper's fits and ours."""
    job = Job((done.folder / "one.tif",), tmp_path / "out", 30 * SCALE)
    (picture,) = experiment.size(job).data["pictures"]
    better = {(row["curve"], row["point"]): row["psnr_og"] for row in picture["rows"]}
    for curve, point in (("paper, fp32", "11kb"), ("ours", "2,000 bytes"), ("ours, best", "")):
        before = next(row["psnr_og"] for row in done.curve(curve) if row["point"] == point)
        assert better[curve, point] > before + 2


def found_of(clip: float | None, ours: float | None, size: int, everything: float | None = 50.0) -> Record:
    rows = [
        {"curve": "clip", "point": "", "bytes": 0, "psnr_og": clip, "psnr_all": 45.0, "fit_seconds": None},
        {
            "curve": "ours",
            "point": "p",
            "bytes": size,
            "psnr_og": ours,
            "psnr_all": everything,
            "fit_seconds": size / 10,
        },
    ]
    return Record("a.tif", "", (), tuple(rows), ())


def test_means_are_of_the_same_pictures_in_every_column(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fits: list[str]
) -> None:
    records = [found_of(40.0, 50.0, 1000), found_of(None, None, 30, 90.0), found_of(44.0, 54.0, 3000)]
    monkeypatch.setattr(experiment, "over_pictures", lambda *given: records)
    found = experiment.size(Job((tmp_path / "in" / "a.tif",), tmp_path / "out"))
    (ours,) = [row for row in found.data["mean"] if row["curve"] == "ours"]
    assert [ours[name] for name in experiment.COLUMNS[3:]] == [2000, 52.0, 50.0, 200.0]
    assert "Mean over 2 of 3 pictures, those with pixels out of gamut:" in found.text
    assert not [note for note in found.notes if "exact" in note]


def test_exact_pictures_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fits: list[str]) -> None:
    records = [found_of(40.0, 50.0, 1000), found_of(44.0, None, 3000)]
    monkeypatch.setattr(experiment, "over_pictures", lambda *given: records)
    found = experiment.size(Job((tmp_path / "in" / "a.tif",), tmp_path / "out"))
    assert "ours, p: 1 exact, with an infinite PSNR that is left out of the mean" in found.notes
    assert "exact" in (tmp_path / "out" / "size.md").read_text("utf-8").split("## a.tif")[2]
    assert "exact" not in found.text


# Files.


def test_the_figures_are_written_as_markdown_csv_and_json(done: Done) -> None:
    names = {"size.md", "size.csv", "size.json", "size.png", "size.svg"}
    assert {file.name for file in done.findings.files} == names
    assert {file.name for file in done.output.iterdir() if file.is_file()} == names
    written = json.loads((done.output / "size.json").read_text("utf-8"))
    assert written["settings"]["steps_scale"] == SCALE
    assert written["versions"]["numpy"] == np.__version__
    assert [picture["picture"] for picture in written["pictures"]] == ["one.tif", "two.tif"]
    assert written["pictures"][0]["rows"] == done.rows
    with (done.output / "size.csv").open(newline="", encoding="utf-8") as file:
        lines = list(csv.DictReader(file))
    assert len(lines) == 2 * len(done.rows)
    assert lines[0]["picture"] == "one.tif"
    assert lines[-1]["picture"] == "two.tif"
    for line, row in zip(lines, done.rows, strict=False):
        assert (line["curve"], line["point"], float(line["psnr_og"])) == (row["curve"], row["point"], row["psnr_og"])


def test_the_markdown_has_the_mean_and_a_table_for_each_picture(done: Done) -> None:
    text = (done.output / "size.md").read_text("utf-8")
    assert "Mean over 2 pictures" in text
    assert text.index("Mean over") < text.index("## one.tif") < text.index("## two.tif")
    points = len(done.rows)
    assert sum(line.startswith("|") for line in text.splitlines()) == 3 * (points + 2)
    assert "steps scale 0.001" in text
    assert f"numpy {np.__version__}" in text
    assert "taken as ProPhoto RGB" in text  # of two.tif, which has no profile


def test_the_main_table_is_the_mean(done: Done) -> None:
    first, second = (picture["rows"] for picture in done.findings.data["pictures"])
    clip = next(row for row in done.findings.data["mean"] if row["curve"] == "clip")
    assert clip["psnr_og"] == pytest.approx(statistics.fmean((first[0]["psnr_og"], second[0]["psnr_og"])))
    assert len(done.findings.data["mean"]) == len(first)
    assert f"{clip['psnr_og']:.2f}" in done.findings.text


def test_the_plot_is_a_png_that_can_be_read(done: Done) -> None:
    with Image.open(done.output / "size.png") as drawn:
        assert drawn.format == "PNG"
        assert drawn.width > 1000
        assert drawn.height > 600


# Resuming.


def test_what_is_done_is_not_done_again(done: Done, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(experiment, "fit_as_the_paper")
    monkeypatch.delattr(experiment, "reduced_with")
    before = (done.output / "size.csv").read_bytes()
    (done.output / "size.csv").unlink()
    assert run(done.folder, done.output).data == done.findings.data
    assert (done.output / "size.csv").read_bytes() == before


def test_a_killed_run_goes_on_with_the_next_picture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fits: list[str]
) -> None:
    pictures = photos(tmp_path / "photos")

    def kill(text: str) -> None:
        if text.startswith("two.tif"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(pictures, tmp_path / "out", announce=kill)
    assert fits == A_PICTURE
    run(pictures, tmp_path / "out")
    assert fits == 2 * A_PICTURE


def test_a_picture_that_has_changed_is_done_again(tmp_path: Path, fits: list[str]) -> None:
    pictures = photos(tmp_path / "photos")
    run(pictures, tmp_path / "out")
    write_tiff(pictures / "two.tif", wide_codes(40, 40))
    run(pictures, tmp_path / "out")
    assert fits == 3 * A_PICTURE


# What is missing.


def test_without_avif_the_curve_is_left_out_and_a_note_says_so(tmp_path: Path, fits: list[str]) -> None:
    found = run(photos(tmp_path / "photos"), tmp_path / "out")
    assert not [row for row in found.data["mean"] if "AVIF" in row["curve"]]
    assert [note for note in found.notes if "cannot write AVIF" in note]
    assert "cannot write AVIF" in (tmp_path / "out" / "size.md").read_text("utf-8")


def test_without_matplotlib_the_tables_are_there(
    gamut: Gamut, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, quick: None
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    words = ("experiment", "size", photos(tmp_path / "photos"), "-o", tmp_path / "out", "--steps-scale", SCALE)
    outcome = gamut(*words)
    assert outcome.code == 0
    assert (
        "gamut: warning: size.png and size.svg were not drawn, as matplotlib is not installed (pip install matplotlib)"
    ) in outcome.err.splitlines()
    assert {file.name for file in (tmp_path / "out").glob("size.*")} == {"size.md", "size.csv", "size.json"}
    assert "warning" not in gamut(*words, "-q").err


def test_without_matplotlib_no_figure_of_an_earlier_run_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, quick: None
) -> None:
    pytest.importorskip("matplotlib")
    pictures = photos(tmp_path / "photos")
    run(pictures, tmp_path / "out")
    assert (tmp_path / "out" / "size.png").is_file()
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    run(pictures, tmp_path / "out")
    assert {file.name for file in (tmp_path / "out").glob("size.*")} == {"size.md", "size.csv", "size.json"}


def test_pictures_without_lost_colours_have_no_figures_out_of_gamut(tmp_path: Path, fits: list[str]) -> None:
    (tmp_path / "photos").mkdir()
    write_tiff(tmp_path / "photos" / "grey.tif", np.full((16, 16, 3), 30000, np.uint16))
    found = run(tmp_path / "photos", tmp_path / "out")
    assert {row["psnr_og"] for row in found.data["mean"]} == {None}
    assert "1 picture, 0 of them with pixels out of gamut" in found.text
    assert [note for note in found.notes if "no picture has a pixel out of gamut" in note]
    assert not (tmp_path / "out" / "size.png").exists()


# The command.


def test_the_command_shows_the_mean_and_says_what_it_wrote(gamut: Gamut, done: Done) -> None:
    words = ("experiment", "size", done.folder, "-o", done.output, "--steps-scale", SCALE)
    outcome = gamut(*words)
    assert outcome.code == 0
    assert done.findings.text in outcome.out
    assert "two.tif (2 of 2): done before" in outcome.err
    assert str(done.output / "size.svg") in outcome.err
    assert gamut(*words, "--json").json == json.loads((done.output / "size.json").read_text("utf-8"))


def test_the_command_explains_itself(gamut: Gamut) -> None:
    text = gamut("experiment", "size", "--help").out
    assert "gamut experiment size photos/ -o results/" in text
    assert "size" in gamut("experiment", "--help").out


def test_a_folder_of_other_settings_is_refused(gamut: Gamut, done: Done) -> None:
    outcome = gamut("experiment", "size", done.folder, "-o", done.output, "--steps-scale", 0.002)
    assert outcome.code == 2
    assert "steps scale: 0.001, now 0.002" in outcome.err
    assert "--overwrite" in outcome.err


def test_no_pictures_are_an_error(gamut: Gamut, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for folder, message in ((tmp_path / "empty", "holds no TIFF or PNG"), (tmp_path / "missing", "is no folder")):
        outcome = gamut("experiment", "size", folder, "-o", tmp_path / "out")
        assert outcome.code == 1
        assert f"{folder}: {message}" in outcome.err
    assert not (tmp_path / "out").exists()


def test_a_broken_picture_stops_no_other(gamut: Gamut, tmp_path: Path, fits: list[str]) -> None:
    pictures = photos(tmp_path / "photos")
    (pictures / "broken.tif").write_bytes(b"II*\0 no picture")
    outcome = gamut("experiment", "size", pictures, "-o", tmp_path / "out", "--steps-scale", SCALE)
    assert outcome.code == 1
    assert "1 of 3 files failed" in outcome.err
    assert "broken.tif" in outcome.err
    assert "Mean over 2 pictures" in outcome.out
