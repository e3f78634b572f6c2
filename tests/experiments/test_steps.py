"""`gamut experiment steps`: how many steps a start from given weights saves."""

from __future__ import annotations

import csv
import json
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from gamutcli.experiments import steps as experiment
from gamutcli.experiments.folder import Record, Row
from gamutcli.experiments.runner import Job
from gamutcli.experiments.steps import META, RANDOM, steps, steps_to
from gamutcli.fitting.fit import first_weights, fit
from gamutcli.fitting.presets import PRESETS
from gamutcli.pretrain.album import Album
from gamutcli.pretrain.recipe import recipe_of
from gamutcli.weights import Weights, pack_weights
from tests.support.commands import Gamut
from tests.support.pictures import sample_crop, wide_codes, write_tiff


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("photos")
    write_tiff(folder / "dahlia.tif", sample_crop("dahlia", 150, 250, 96, 128))
    write_tiff(folder / "rocket.tif", sample_crop("rocket", 100, 200, 96, 128))
    return folder


@pytest.fixture(scope="module")
def fitted(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights that were fitted to one of the very pictures: a better start than any that is learned."""
    return weights_for(photos / "dahlia.tif", tmp_path_factory.mktemp("weights") / "w.safetensors")


def weights_for(picture: Path, target: Path) -> Path:
    network, _ = recipe_of("balanced", "11kb")
    sample = Album([picture], network, "prophoto", 0, lambda path: nullcontext()).sample(0)
    assert sample is not None
    found = fit(sample, replace(network, steps=400, batch=512), 0)
    target.write_bytes(pack_weights(Weights(network.inputs, tuple(found.weights), network.residual_unit, {})))
    return target


# The figure that it is about.


def test_equal_quality_lies_between_two_points_in_the_logarithm_of_the_steps() -> None:
    curve = [(100, 40.0), (400, 42.0), (1600, 50.0)]
    assert steps_to(curve, 41.0) == pytest.approx(200)
    assert steps_to(curve, 42.0) == pytest.approx(400)
    assert steps_to(curve, 46.0) == pytest.approx(800)


def test_quality_that_is_there_from_the_start_takes_the_first_steps_and_what_is_never_there_none() -> None:
    curve = [(100, 40.0), (400, 42.0)]
    assert steps_to(curve, 30.0) == 100
    assert steps_to(curve, 42.1) is None


def curves(random: list[float | None], meta: list[float | None], name: str = "a.tif") -> Record:
    """What was found after 100, 200, 400 ... steps; None: exact."""
    rows = [
        {"start": start, "steps": 100 * 2**at, "psnr_og": psnr, "psnr_all": psnr, "fit_seconds": 1.0}
        for start, decibels in ((RANDOM, random), (META, meta))
        for at, psnr in enumerate(decibels)
    ]
    return Record(name, "", (), tuple(rows), ())


def told(found: Row) -> str:
    return experiment._table([found]).splitlines()[-1].split("|")[-2].strip()


def test_a_picture_that_never_gets_there_counts_as_nothing() -> None:
    ahead, never = curves([40.0, 41.0], [41.0, 42.0]), curves([40.0, 41.0], [38.0, 39.0])
    for records, expected in (([ahead, ahead, never], 2.0), ([ahead, never, never], 0.0), ([never], 0.0)):
        found = experiment._compare(ahead.rows, records)
        assert found[1]["faster_median"] == expected
        assert told(found[1]) == ("2.0" if expected else "-")


def test_points_that_are_exact_in_one_curve_are_left_out() -> None:
    records = [curves([40.0, 41.0, 42.0], [41.0, None, None]), curves([40.0, 41.0, None], [41.0, 42.0, 43.0])]
    for record, expected in zip(records, ([100], [100, 200]), strict=True):
        assert [row["steps"] for row in experiment._compare(record.rows, [record])] == expected
    means = experiment._means(records)
    found = experiment._compare(means, records)
    assert [row["steps"] for row in found] == [100]
    # Exact is better than anything, and so it got there.
    assert experiment._faster(records[0].rows) == {100: 1.0, 200: 2.0, 400: 2.0}
    assert experiment._faster(records[1].rows) == {100: 1.0, 200: 2.0, 400: 0.0}
    assert len(list(experiment._exact(means))) == 3
    assert "from random weights, 400 steps: 1 exact" in " ".join(experiment._exact(means))


# The experiment.


@pytest.mark.fit
def test_a_start_from_fitted_weights_is_ahead_at_first(photos: Path, fitted: Path, tmp_path: Path) -> None:
    job = Job((photos / "dahlia.tif",), tmp_path, steps_scale=0.02)
    found = steps(job, model="11kb", init=fitted).data["compared"]
    assert [row["steps"] for row in found] == [2, 3, 6, 12, 24, 48, 96, 180]
    for row in found:
        assert row["gain"] == pytest.approx(row[META] - row[RANDOM])
    # Later the two draw level, and a step more or less says nothing.
    for row in found[:2]:
        assert row["gain"] > 1


def test_every_point_is_in_the_files(photos: Path, fitted: Path, tmp_path: Path) -> None:
    job = Job(tuple(sorted(photos.iterdir())), tmp_path, steps_scale=0.002)
    findings = steps(job, model="11kb", init=fitted)
    data = json.loads((tmp_path / "steps.json").read_text("utf-8"))
    with (tmp_path / "steps.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    points = len(data["compared"])
    assert len(rows) == 2 * 2 * points
    assert {row["start"] for row in rows} == {RANDOM, META}
    assert data["settings"]["network"] == "the paper's network, 11kb"
    assert data["settings"]["weights"].endswith(" in units of 0.5")
    assert "mean over 2 pictures:" in findings.text
    assert "counts as 0 in that median" in " ".join((tmp_path / "steps.md").read_text("utf-8").split())
    assert findings.text in (tmp_path / "steps.md").read_text("utf-8")
    assert (tmp_path / "steps.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.fit
def test_a_preset_of_ours_is_fitted_anew_for_every_number_of_steps(photos: Path, fit_seed: int, tmp_path: Path) -> None:
    preset = PRESETS["fast"]
    random = first_weights(preset, np.random.default_rng(fit_seed))
    file = tmp_path / "w.safetensors"
    file.write_bytes(pack_weights(Weights(preset.inputs, tuple(random), None, {})))
    job = Job((photos / "dahlia.tif",), tmp_path / "out", steps_scale=0.1)
    found = steps(job, preset="fast", init=file).data["compared"]
    assert [row["steps"] for row in found] == [4, 8, 17, 34]
    # The very weights that a fit starts from with this seed: nothing gained, nothing lost.
    assert [row["gain"] for row in found] == pytest.approx([0, 0, 0, 0], abs=0.5)


def test_a_picture_without_wide_colours_has_no_curve(photos: Path, fitted: Path, tmp_path: Path) -> None:
    grey = write_tiff(tmp_path / "grey.tif", wide_codes(32, 32) // 2 + 8000, "srgb")
    findings = steps(Job((grey,), tmp_path / "out", steps_scale=0.002), model="11kb", init=fitted)
    assert findings.data["compared"] == []
    assert "no picture has a pixel out of gamut" in findings.notes[0]


def test_only_pictures_with_wide_colours_are_counted(photos: Path, fitted: Path, tmp_path: Path) -> None:
    grey = write_tiff(tmp_path / "grey.tif", wide_codes(32, 32) // 2 + 8000, "srgb")
    one = steps(Job((photos / "dahlia.tif",), tmp_path / "one", steps_scale=0.002), model="11kb", init=fitted)
    both = steps(Job((photos / "dahlia.tif", grey), tmp_path / "two", steps_scale=0.002), model="11kb", init=fitted)
    assert "mean over 1 picture:" in one.text
    assert "mean over 1 of 2 pictures, those with pixels out of gamut:" in both.text
    assert [row[META] for row in both.data["compared"]] == [row[META] for row in one.data["compared"]]


def test_without_a_curve_no_figure_of_an_earlier_run_is_left(photos: Path, fitted: Path, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    picture = write_tiff(tmp_path / "in" / "a.tif", sample_crop("dahlia", 150, 250, 32, 32))
    job = Job((picture,), tmp_path / "out", steps_scale=0.002)
    steps(job, model="11kb", init=fitted)
    figures = [tmp_path / "out" / name for name in ("steps.png", "steps.svg")]
    assert all(figure.is_file() for figure in figures)
    write_tiff(picture, wide_codes(32, 32) // 2 + 8000, "srgb")
    steps(job, model="11kb", init=fitted)
    assert not any(figure.exists() for figure in figures)


# The command.


def test_the_weights_that_ship_can_be_named_and_what_they_know_is_told(
    gamut: Gamut, photos: Path, tmp_path: Path
) -> None:
    words = ("experiment", "steps", photos, "--model", "11kb", "--steps-scale", 0.002, "--json")
    usual, named = gamut(*words, "-o", tmp_path / "a"), gamut(*words, "-o", tmp_path / "b", "--init", "shipped")
    assert usual.code == named.code == 0
    assert named.json["settings"] == usual.json["settings"]
    note = "dahlia.tif, rocket.tif: the weights of the meta-initialisation were learned from versions of these pictures"
    assert note in named.err
    assert any(note in each for each in named.json["notes"])


def test_the_command(gamut: Gamut, photos: Path, fitted: Path, tmp_path: Path) -> None:
    words = ("experiment", "steps", photos, "-o", tmp_path, "--steps-scale", 0.002, "--init", fitted)
    told = gamut(*words, "--model", "11kb")
    assert told.code == 0
    assert "equal, steps" in told.out
    other = gamut(*words, "--model", "53kb")
    assert other.code == 2
    assert "not for this network" in other.err


def test_weights_that_do_not_ship_have_to_be_named(gamut: Gamut, photos: Path, tmp_path: Path) -> None:
    told = gamut("experiment", "steps", photos, "-o", tmp_path, "--preset", "fast")
    assert told.code == 2
    assert "--init" in told.err
