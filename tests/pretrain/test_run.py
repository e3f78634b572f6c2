"""Pretraining finds weights from which fits get further, goes on where it was killed, and survives bad pictures."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from gamutcli import images
from gamutcli.errors import InputError, OutputError, UsageError
from gamutcli.fitting.fit import Progress, fit
from gamutcli.fitting.presets import PRESETS, Preset
from gamutcli.images.original import read_assumed
from gamutcli.pretrain import album as albums
from gamutcli.pretrain import run as pretrain
from gamutcli.pretrain.album import Album
from gamutcli.pretrain.learner import Learner, State, first_state
from gamutcli.pretrain.recipe import Recipe, recipe_of
from gamutcli.pretrain.run import PretrainResult
from gamutcli.weights import Weights, read_weights
from tests.support.commands import Gamut
from tests.support.pictures import sample_crop, wide_codes, write_tiff

#: The paper's way of drawing, small.
NETWORK = replace(recipe_of("balanced", "11kb")[0], batch=512)
OWN = replace(PRESETS["fast"], hidden=16, depth=2, samples=4096)
QUICK = Recipe("adam", 10, 5e-3, 256, "adam", 2e-3, meta_batch=1, epochs=4)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Four parts of sample pictures."""
    place = tmp_path_factory.mktemp("pictures")
    parts = {"dahlia": (150, 250), "fabrics": (100, 100), "rocket": (100, 200), "astronaut": (250, 150)}
    return [
        write_tiff(place / f"{name}.tif", sample_crop(name, top, left, 128, 160)) for name, (top, left) in parts.items()
    ]


def learned(
    folder: list[Path], target: Path, recipe: Recipe = QUICK, preset: Preset = NETWORK, **more: object
) -> Weights:
    pretrain.pretrain(folder, target, preset, recipe, **more)  # type: ignore[arg-type]
    return read_weights(target)


# What it finds.


@pytest.mark.fit
@pytest.mark.parametrize("preset", [NETWORK, OWN], ids=["the paper's", "ours"])
def test_fits_to_unseen_pictures_start_ahead(folder: list[Path], tmp_path: Path, preset: Preset) -> None:
    weights = learned(folder, tmp_path / "w.safetensors", replace(QUICK, inner_steps=30, epochs=20), preset)
    unseen = [write_tiff(tmp_path / "pavilion.tif", sample_crop("pavilion", 100, 100, 128, 160))]
    sample = Album(unseen, preset, "prophoto", 0, lambda path: nothing()).sample(0)
    assert sample is not None
    short = replace(preset, steps=20)
    assert fit(sample, short, 0, start_weights=weights.weights).loss < fit(sample, short, 0).loss


@pytest.mark.parametrize("outer", ["adam", "average"])
@pytest.mark.parametrize("inner", ["sgd", "adam", "muon"])
def test_every_pair_of_optimisers_moves_the_weights(folder: list[Path], tmp_path: Path, inner: str, outer: str) -> None:
    recipe = replace(QUICK, inner_optimizer=inner, outer_optimizer=outer, epochs=1)
    first = learned(folder, tmp_path / "none.safetensors", replace(recipe, inner_rate=1e-12))
    moved = learned(folder, tmp_path / "w.safetensors", recipe)
    assert moved.digest != first.digest
    assert all(np.isfinite(weight).all() for weight in moved.weights)


def test_the_same_seed_gives_the_same_weights_and_another_others(folder: list[Path], tmp_path: Path) -> None:
    digests = [learned(folder, tmp_path / f"{n}.safetensors", seed=seed).digest for n, seed in enumerate((3, 3, 4))]
    assert digests[0] == digests[1] != digests[2]


def test_crops_of_an_outer_step_are_averaged(folder: list[Path], tmp_path: Path) -> None:
    recipe = replace(QUICK, outer_optimizer="average", outer_rate=1.0, epochs=1)
    four = learned(folder, tmp_path / "four.safetensors", replace(recipe, meta_batch=4))
    start = first_state(NETWORK, 0).weights
    album = Album(folder, NETWORK, "prophoto", 0, lambda path: nothing())
    inner = replace(NETWORK, steps=10, rate=5e-3, batch=256, decay=False)
    ends = []
    for number in range(4):
        sample = album.sample(number)
        assert sample is not None
        ends.append(fit(sample, inner, number, start_weights=start).weights)
    for layer, mean in zip(four.weights, [np.mean(parts, axis=0) for parts in zip(*ends, strict=True)], strict=True):
        np.testing.assert_allclose(layer, mean, atol=1e-5)


def moved_by(state: State, recipe: Recipe, album: Album) -> float:
    before = [weight.copy() for weight in state.weights]
    Learner(album, NETWORK, recipe, 0, "cpu").step(state, 1000)
    return max(float(np.abs(w - b).max()) for w, b in zip(state.weights, before, strict=True))


def test_an_outer_step_is_no_longer_where_crops_were_passed_over(folder: list[Path], tmp_path: Path) -> None:
    """The first step of Adam moves a weight by its rate, whatever the gradient, and so does the second at most."""
    recipe = replace(QUICK, meta_batch=4, outer_rate=1e-3)
    gone = [tmp_path / f"{number}.tif" for number in range(3)]

    @contextmanager
    def guard(path: Path) -> Iterator[None]:
        with suppress(InputError):
            yield

    state = first_state(NETWORK, 0)
    album = Album([*gone, folder[0]], NETWORK, "prophoto", 0, guard)
    for _ in range(3):
        assert moved_by(state, recipe, album) < 1.05e-3
    assert (state.done, state.used, state.moves) == (12, 3, 3)


def test_crops_are_squares_of_512_pixels_of_large_pictures(tmp_path: Path) -> None:
    codes = wide_codes(600, 700)
    original = read_assumed(write_tiff(tmp_path / "large.tif", codes), "prophoto").original
    crops = [albums._crop(original, np.random.default_rng(seed)).codes for seed in range(8)]
    assert {crop.shape for crop in crops} == {(512, 512, 3)}
    assert len({crop.tobytes() for crop in crops}) == 8
    known = {tuple(pixel) for pixel in codes.reshape(-1, 3).tolist()}
    assert all(tuple(pixel) in known for pixel in crops[0][::64, ::64].reshape(-1, 3).tolist())


def test_the_weights_say_where_they_come_from(folder: list[Path], tmp_path: Path) -> None:
    weights = learned(folder, tmp_path / "w.safetensors", command="gamut pretrain here")
    assert weights.provenance["command"] == "gamut pretrain here"
    assert weights.provenance["crops"] == "16"
    assert "fabrics.tif" in weights.provenance["pictures"]


# Killed and resumed.


class Killed(BaseException):
    pass


def killed_after(crops: int) -> Progress:
    def progress(done: int, wanted: int, loss: float) -> None:
        if done == crops:
            raise Killed

    return progress


@pytest.fixture
def always(monkeypatch: pytest.MonkeyPatch) -> None:
    """A checkpoint after every outer step."""
    monkeypatch.setattr(pretrain, "CHECKPOINT_SECONDS", 0.0)


@pytest.mark.usefixtures("always")
@pytest.mark.parametrize(("outer", "meta_batch"), [("adam", 1), ("average", 1), ("adam", 3)])
def test_a_killed_run_ends_with_the_same_weights(
    folder: list[Path], tmp_path: Path, outer: str, meta_batch: int
) -> None:
    recipe = replace(QUICK, outer_optimizer=outer, meta_batch=meta_batch)
    whole = learned(folder, tmp_path / "whole.safetensors", recipe)
    target = tmp_path / "killed.safetensors"
    with pytest.raises(Killed):
        learned(folder, target, recipe, progress=killed_after(7 if meta_batch == 1 else 9))
    assert not target.exists()
    assert [path.name for path in tmp_path.glob("killed*")] == ["killed.safetensors.checkpoint"]
    result = pretrain.pretrain(folder, target, NETWORK, recipe)
    assert result.resumed_at == 6  # what came after was done but not yet kept
    assert result.crops == 16
    assert read_weights(target).digest == whole.digest
    assert not list(tmp_path.glob("*.checkpoint"))


@pytest.mark.usefixtures("always")
def test_a_checkpoint_of_other_settings_is_not_taken_up(folder: list[Path], tmp_path: Path) -> None:
    target = tmp_path / "w.safetensors"
    with pytest.raises(Killed):
        learned(folder, target, progress=killed_after(5))
    other = replace(QUICK, inner_steps=11)
    with pytest.raises(UsageError, match="other settings"):
        learned(folder, target, other)
    with pytest.raises(UsageError, match="other settings"):
        learned(folder[:3], target)
    result = pretrain.pretrain(folder, target, NETWORK, other, overwrite=True)
    assert result.resumed_at == 0


@pytest.mark.usefixtures("always")
def test_a_damaged_checkpoint_is_told(folder: list[Path], tmp_path: Path) -> None:
    target = tmp_path / "w.safetensors"
    with pytest.raises(Killed):
        learned(folder, target, progress=killed_after(5))
    checkpoint = Path(f"{target}.checkpoint")
    checkpoint.write_bytes(checkpoint.read_bytes()[:-50])
    with pytest.raises(InputError, match="checkpoint: is damaged"):
        learned(folder, target)
    assert pretrain.pretrain(folder, target, NETWORK, QUICK, overwrite=True).resumed_at == 0


@pytest.mark.usefixtures("always")
def test_a_picture_that_was_exchanged_is_another_set(folder: list[Path], tmp_path: Path) -> None:
    copies = [tmp_path / path.name for path in folder]
    for copy, path in zip(copies, folder, strict=True):
        copy.write_bytes(path.read_bytes())
    target = tmp_path / "w.safetensors"
    with pytest.raises(Killed):
        learned(copies, target, progress=killed_after(5))
    write_tiff(copies[0], images.read_wide(copies[0]).codes[::-1])
    assert copies[0].stat().st_size == folder[0].stat().st_size
    with pytest.raises(UsageError, match="other settings"):
        learned(copies, target)


# Pictures that are not as they should be.


@contextmanager
def nothing() -> Iterator[None]:
    yield


def test_a_broken_picture_is_passed_over_and_told_once(folder: list[Path], tmp_path: Path) -> None:
    broken = tmp_path / "broken.tif"
    broken.write_bytes(b"II*\0 no picture")
    told: list[str] = []

    @contextmanager
    def guard(path: Path) -> Iterator[None]:
        try:
            yield
        except InputError as error:
            told.append(str(error))

    result = pretrain.pretrain([broken, *folder], tmp_path / "w.safetensors", NETWORK, QUICK, guard=guard)
    assert result.crops == 16
    assert len(told) == 1
    assert "broken.tif" in told[0]


def test_pictures_without_wide_colours_teach_nothing(tmp_path: Path) -> None:
    grey = write_tiff(tmp_path / "grey.tif", np.full((64, 64, 3), 20_000, np.uint16))
    with pytest.raises(InputError, match="no picture can be read and has colours"):
        pretrain.pretrain([grey], tmp_path / "w.safetensors", OWN, QUICK)
    assert not (tmp_path / "w.safetensors").exists()


def test_pictures_without_a_profile_are_prophoto_and_this_is_said(folder: list[Path], tmp_path: Path) -> None:
    untagged = [write_tiff(tmp_path / path.name, images.read_wide(path).codes, None) for path in folder]
    result = pretrain.pretrain(untagged, tmp_path / "u.safetensors", NETWORK, QUICK)
    assert len(result.notes) == 1
    assert result.notes[0].startswith("4 of 4 pictures: ")
    assert read_weights(tmp_path / "u.safetensors").digest == learned(folder, tmp_path / "t.safetensors").digest


def test_memory_holds_few_pictures(folder: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    original = read_assumed(folder[0], "prophoto").original
    size = original.nbytes
    assert size > original.codes.nbytes
    most = 2 * size
    monkeypatch.setattr(albums, "KEPT_BYTES", most)
    album = Album(folder, NETWORK, "prophoto", 0, lambda path: nothing())
    whole = Album(folder, NETWORK, "prophoto", 0, lambda path: nothing())
    for number in range(8):
        sample = album.sample(number)
        assert album.kept_bytes <= most
        monkeypatch.setattr(albums, "KEPT_BYTES", 100 * size)
        again = whole.sample(number)
        monkeypatch.setattr(albums, "KEPT_BYTES", most)
        assert sample is not None
        assert again is not None
        np.testing.assert_array_equal(sample.residuals, again.residuals)


def test_a_picture_larger_than_that_memory_is_used_all_the_same(
    folder: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(albums, "KEPT_BYTES", 1)
    broken = tmp_path / "broken.tif"
    broken.write_bytes(b"II*\0 no picture")

    @contextmanager
    def guard(path: Path) -> Iterator[None]:
        with suppress(InputError):
            yield

    album = Album([broken, *folder], NETWORK, "prophoto", 0, guard)
    assert sum(album.sample(number) is not None for number in range(5)) == 4


def test_an_existing_file_is_not_replaced_unasked(folder: list[Path], tmp_path: Path) -> None:
    target = tmp_path / "w.safetensors"
    target.write_text("mine")
    with pytest.raises(OutputError, match="exists already"):
        learned(folder, target)
    assert target.read_text("utf-8") == "mine"


# The command.


def test_the_command_learns_and_reduce_starts_from_what_it_wrote(
    gamut: Gamut, folder: list[Path], tmp_path: Path
) -> None:
    target = tmp_path / "w.safetensors"
    told = gamut("pretrain", folder[0].parent, "-o", target, "--model", "11kb", "--epochs", 2, "--steps-scale", 0.1)
    assert told.code == 0
    command = read_weights(target).provenance["command"]
    assert (
        command
        == f"gamut pretrain {folder[0].parent.name} --output w.safetensors --model 11kb --epochs 2 --steps-scale 0.1"
    )
    assert "learned from 8 crops of 4 pictures" in told.out
    assert told.err == ""
    reduced = gamut(
        "reduce", folder[0], tmp_path / "a.png", "--preset", "paper", "--model", "11kb", "--init", target, "--json"
    )
    assert reduced.code == 0
    assert reduced.json["steps"] == 1200


def test_without_a_terminal_it_is_told_in_lines_how_far_it_is(
    gamut: Gamut, folder: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The package's attribute of this name is the command.
    monkeypatch.setattr(sys.modules["gamutcli.cli.pretrain"], "SECONDS_A_LINE", 0.0)
    words = (folder[0].parent, "-o", tmp_path / "w.safetensors", "--model", "11kb", "--steps-scale", 0.02)
    told = gamut("pretrain", *words)
    assert "crop 16 of 32, loss " in told.err
    assert "s left" in told.err
    assert gamut("pretrain", *words, "--overwrite", "-q").err == ""


def test_weights_of_another_shape_are_refused(gamut: Gamut, folder: list[Path], tmp_path: Path) -> None:
    target = tmp_path / "w.safetensors"
    learned(folder, target)
    told = gamut("reduce", folder[0], tmp_path / "a.png", "--init", target)
    assert told.code == 2
    assert "not for the network of preset balanced" in told.err
    assert not (tmp_path / "a.png").exists()


def test_reduce_starts_from_the_weights_that_ship(gamut: Gamut, folder: list[Path], tmp_path: Path) -> None:
    words = ("reduce", folder[0], tmp_path / "a.png", "--model", "11kb", "--init", "shipped", "--json")
    assert gamut(*words, "--preset", "paper").json["steps"] == 1200
    none = gamut("reduce", folder[0], tmp_path / "b.png", "--init", "shipped")
    assert none.code == 2
    assert "no weights ship for the network of preset balanced" in none.err


def test_options_replace_the_recipe_of_the_preset(gamut: Gamut, folder: list[Path], tmp_path: Path) -> None:
    options = ["--inner-optimizer", "adam", "--inner-steps", 2, "--outer-rate", 0.5, "--epochs", 1, "--json"]
    told = gamut("pretrain", folder[0].parent, "-o", tmp_path / "w.safetensors", "--preset", "paper", *options)
    assert told.code == 0
    result = PretrainResult(**told.json)
    assert result.hidden == 32
    assert result.steps == 8


def test_a_folder_without_pictures_is_an_error(gamut: Gamut, tmp_path: Path) -> None:
    told = gamut("pretrain", tmp_path, "-o", tmp_path / "w.safetensors")
    assert told.code == 1
    assert "holds no TIFF or PNG picture" in told.err


def test_a_broken_picture_makes_the_exit_code_1(gamut: Gamut, folder: list[Path], tmp_path: Path) -> None:
    for path in folder:
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    told = gamut("pretrain", tmp_path, "-o", tmp_path / "w.safetensors", "--model", "11kb", "--steps-scale", 0.02)
    assert told.code == 1
    assert "broken.png" in told.err
    assert (tmp_path / "w.safetensors").exists()


def test_the_papers_recipe_is_the_papers() -> None:
    network, recipe = recipe_of("paper", "53kb")
    assert (network.hidden, network.depth, network.inputs.size) == (64, 2, 120)
    assert (recipe.inner_optimizer, recipe.inner_steps, recipe.inner_rate) == ("sgd", 10_000, 1e-2)
    assert (recipe.outer_optimizer, recipe.outer_rate) == ("adam", 1e-3)
