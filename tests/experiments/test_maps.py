"""gamut experiment maps: a file of maps for every picture, true figures, and a run that goes on where it stopped."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from gamutcli import __version__
from gamutcli.arrays import CodeArray
from gamutcli.experiments import maps as experiment
from gamutcli.experiments.pictures import open_subject
from gamutcli.experiments.recipe import judge_fit, scene_of
from gamutcli.experiments.runner import Findings, Job
from gamutcli.fitting.presets import PRESETS
from gamutcli.measuring.maps import viridis
from tests.support.commands import Gamut
from tests.support.counting import counted_calls
from tests.support.pictures import wide_codes, write_tiff

SCALE = 0.001
METHODS = ["clip", "paper 23kb", "paper 53kb", "ours, balanced"]


@dataclass(frozen=True)
class Done:
    """A run over two pictures."""

    folder: Path
    output: Path
    findings: Findings


def photos(folder: Path) -> Path:
    folder.mkdir()
    write_tiff(folder / "one.tif", wide_codes(40, 60))
    write_tiff(folder / "two three.tif", wide_codes(60, 40), space=None)
    return folder


def run(pictures: Path, output: Path, map_range: float = 0.05, **more: Any) -> Findings:
    return experiment.maps(Job(tuple(sorted(pictures.iterdir())), output, SCALE, **more), map_range)


def drawing(file: Path) -> CodeArray:
    with Image.open(file) as drawn:
        assert (drawn.format, drawn.mode) == ("PNG", "RGB")
        return np.asarray(drawn)


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Done:
    folder = tmp_path_factory.mktemp("maps")
    pictures = photos(folder / "photos")
    return Done(pictures, folder / "out", run(pictures, folder / "out"))


@pytest.fixture
def fits(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Grows by a word with every fit."""
    return counted_calls(monkeypatch, experiment, "fit_as_the_paper", "reduced_with")


A_PICTURE = ["fit_as_the_paper", "fit_as_the_paper", "reduced_with"]


# What is drawn.


def test_every_picture_has_a_file_of_maps(done: Done) -> None:
    for name in ("maps-one.tif.png", "maps-two three.tif.png"):
        assert done.output / name in done.findings.files
        figure = drawing(done.output / name)
        assert 5 * 320 < figure.shape[1] < 5 * 1000 + 400
        assert 320 < figure.shape[0] < 1000


def test_the_picture_stands_on_the_left_as_any_viewer_shows_it(done: Done) -> None:
    plain = scene_of(open_subject(done.folder / "one.tif").original, PRESETS["balanced"]).srgb_codes
    figure = drawing(done.output / "maps-one.tif.png")
    # Enlarged by a whole factor, so its codes are there as they are.
    rows, columns = np.nonzero((figure == plain[0, 0]).all(axis=-1))
    top, left = int(rows.min()), int(columns.min())
    factor = 480 // 60
    shown = figure[top : top + 40 * factor : factor, left : left + 60 * factor : factor]
    np.testing.assert_array_equal(shown, plain)
    assert left < figure.shape[1] / 10


def test_all_maps_have_one_scale(done: Done) -> None:
    """The clip's map, drawn by itself with the scale's end, is in the figure to the pixel."""
    scene = scene_of(open_subject(done.folder / "one.tif").original, PRESETS["balanced"])
    errors = experiment.ErrorMap(40, 60)
    judge_fit(scene, None, errors)
    expected = viridis()[np.rint(np.minimum(errors.rmse / 0.05, 1) * 255).astype(int)]
    figure = drawing(done.output / "maps-one.tif.png")
    factor = 480 // 60
    assert any(
        np.array_equal(figure[top : top + 40 * factor : factor, left : left + 60 * factor : factor], expected)
        for top in range(40, 160)
        for left in range(480, 700)
    )


def test_the_range_changes_the_colours(done: Done, tmp_path: Path) -> None:
    run(done.folder, tmp_path / "out", map_range=0.5)
    wide, narrow = (drawing(folder / "maps-one.tif.png") for folder in (tmp_path / "out", done.output))

    def bright(figure: CodeArray) -> int:
        return int((figure == viridis()[-1]).all(axis=-1).sum())

    assert bright(wide) < bright(narrow) / 10


def test_titles_say_what_is_shown_and_how_good_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[list[str], float, str]] = []

    def watch(panels: Any, limit: float, picture: Any) -> bytes:
        seen.append(([title for title, _ in panels], limit, picture[0]))
        return b"drawn"

    monkeypatch.setattr(experiment, "render_maps", watch)
    found = run(photos(tmp_path / "photos"), tmp_path / "out", map_range=0.02)
    titles, limit, first = seen[0]
    assert (limit, first) == (0.02, "sRGB")
    rows = found.data["pictures"][0]["maps"]
    assert titles == [f"{row['method']}: {row['psnr_og']:.1f} dB OG" for row in rows]
    assert (tmp_path / "out" / "maps-one.tif.png").read_bytes() == b"drawn"


def test_a_picture_without_lost_colours_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    monkeypatch.setattr(
        experiment, "render_maps", lambda panels, *rest: seen.extend(title for title, _ in panels) or b""
    )
    (tmp_path / "photos").mkdir()
    write_tiff(tmp_path / "photos" / "grey.tif", np.full((16, 16, 3), 30000, np.uint16))
    found = run(tmp_path / "photos", tmp_path / "out")
    assert seen[0] == "clip: nothing out of gamut"
    assert found.data["pictures"][0]["maps"][0]["psnr_og"] is None


# Figures.


def test_figures_are_those_of_every_method(done: Done) -> None:
    assert [picture["picture"] for picture in done.findings.data["pictures"]] == ["one.tif", "two three.tif"]
    for picture in done.findings.data["pictures"]:
        assert [row["method"] for row in picture["maps"]] == METHODS
        clip = picture["maps"][0]
        scores = judge_fit(scene_of(open_subject(done.folder / picture["picture"]).original, PRESETS["balanced"]), None)
        assert clip["psnr_og"] == pytest.approx(scores.psnr_og)
        for row in picture["maps"]:
            for region in ("og", "all"):
                assert row[f"psnr_{region}"] == pytest.approx(-20 * math.log10(row[f"rmse_{region}"]))


def test_they_are_written_as_json_and_markdown(done: Done) -> None:
    written = json.loads((done.output / "maps.json").read_text("utf-8"))
    assert written["pictures"] == json.loads(json.dumps(done.findings.data["pictures"]))
    assert written["settings"] == {"steps_scale": SCALE, "seed": 0, "map_range": 0.05, "version": __version__}
    text = (done.output / "maps.md").read_text("utf-8")
    assert done.findings.text in text
    assert "(maps-two%20three.tif.png)" in text
    assert "taken as ProPhoto RGB" in text
    assert "map range 0.05" in text
    for method in METHODS:
        assert method in done.findings.text


# Resuming.


def test_what_is_done_is_not_done_again(done: Done, fits: list[str]) -> None:
    again = run(done.folder, done.output)
    assert fits == []
    assert again == done.findings


def test_a_drawing_that_is_gone_is_drawn_again(tmp_path: Path, fits: list[str]) -> None:
    pictures = photos(tmp_path / "photos")
    run(pictures, tmp_path / "out")
    file = tmp_path / "out" / "maps-one.tif.png"
    before = file.read_bytes()
    file.unlink()
    run(pictures, tmp_path / "out")
    assert fits == 3 * A_PICTURE
    assert file.read_bytes() == before


def test_a_killed_run_goes_on_with_the_next_picture(tmp_path: Path, fits: list[str]) -> None:
    pictures = photos(tmp_path / "photos")

    def kill(text: str) -> None:
        if text.startswith("two three.tif"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(pictures, tmp_path / "out", announce=kill)
    assert fits == A_PICTURE
    run(pictures, tmp_path / "out")
    assert fits == 2 * A_PICTURE


# The command.


def test_the_command_shows_the_figures_and_says_what_it_wrote(gamut: Gamut, done: Done) -> None:
    words = ("experiment", "maps", done.folder, "-o", done.output, "--steps-scale", SCALE)
    outcome = gamut(*words)
    assert outcome.code == 0
    assert done.findings.text in outcome.out
    assert "one.tif (1 of 2): done before" in outcome.err
    assert str(done.output / "maps-one.tif.png") in outcome.err
    assert gamut(*words, "--json").json == json.loads((done.output / "maps.json").read_text("utf-8"))


def test_the_command_explains_itself(gamut: Gamut) -> None:
    text = gamut("experiment", "maps", "--help").out
    assert "gamut experiment maps photos/ -o results/" in text
    assert "--map-range" in text
    assert "maps" in gamut("experiment", "--help").out


@pytest.mark.parametrize("words", [("--map-range", 0.1), ("--seed", 1)])
def test_a_folder_of_other_settings_is_refused(gamut: Gamut, done: Done, words: tuple[object, ...]) -> None:
    outcome = gamut("experiment", "maps", done.folder, "-o", done.output, "--steps-scale", SCALE, *words)
    assert outcome.code == 2
    assert f"now {words[1]}" in outcome.err
    assert "--overwrite" in outcome.err


def test_an_error_of_nothing_has_no_scale(gamut: Gamut, done: Done, tmp_path: Path) -> None:
    assert gamut("experiment", "maps", done.folder, "-o", tmp_path / "out", "--map-range", 0).code == 2


def test_no_pictures_are_an_error(gamut: Gamut, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for folder, message in ((tmp_path / "empty", "holds no TIFF or PNG"), (tmp_path / "missing", "is no folder")):
        outcome = gamut("experiment", "maps", folder, "-o", tmp_path / "out")
        assert outcome.code == 1
        assert f"{folder}: {message}" in outcome.err


def test_files_of_others_are_not_replaced(gamut: Gamut, done: Done, tmp_path: Path) -> None:
    (tmp_path / "maps-one.tif.png").write_bytes(b"mine")
    outcome = gamut("experiment", "maps", done.folder, "-o", tmp_path, "--steps-scale", SCALE)
    assert outcome.code == 1
    assert "exists already" in outcome.err
    assert (tmp_path / "maps-one.tif.png").read_bytes() == b"mine"


def test_a_broken_picture_stops_no_other(gamut: Gamut, tmp_path: Path) -> None:
    pictures = photos(tmp_path / "photos")
    (pictures / "broken.tif").write_bytes(b"II*\0 no picture")
    outcome = gamut("experiment", "maps", pictures, "-o", tmp_path / "out", "--steps-scale", SCALE)
    assert outcome.code == 1
    assert "1 of 3 files failed" in outcome.err
    assert (tmp_path / "out" / "maps-one.tif.png").is_file()
    assert not (tmp_path / "out" / "maps-broken.tif.png").exists()
