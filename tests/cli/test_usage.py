"""Words that cannot be used: one line on stderr, exit code 2, nothing written."""

from __future__ import annotations

from pathlib import Path

import pytest

from gamutcli import images
from gamutcli.cli import options
from gamutcli.cli.files import make_folder, pair
from gamutcli.color import spaces as color
from gamutcli.errors import OutputError, UsageError
from gamutcli.fitting import presets
from gamutcli.images.identify import RAW_SUFFIXES
from gamutcli.payload import carriers
from tests.support.commands import Gamut


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["fly"], "No such command 'fly'"),
        (["reduce"], "Missing argument"),
        (["reduce", "a.tif"], "no output named"),
        (["reduce", "a.tif", "b.tif", "c.tif"], "no folder to write to"),
        (["reduce", "a.tif", "a.tif"], "is an input too"),
        (["reduce", "a.tif", "b.jpg", "--preset", "slow"], "'slow' is not one of"),
        (["reduce", "a.tif", "b.jpg", "--model", "24kb"], "'24kb' is not one of"),
        (["reduce", "a.tif", "b.jpg", "--quality", "101"], "101 is not in the range"),
        (["reduce", "a.tif", "b.jpg", "--max-payload", "0"], "0 is not in the range"),
        (["expand", "a.jpg", "b.tif", "--to", "cmyk"], "'cmyk' is not one of"),
        (["eval", "a.jpg"], "Missing option '--gt'"),
        (["info"], "Missing argument"),
        (["info", "--colour"], "No such option"),
    ],
)
def test_one_line_says_what_is_wrong(gamut: Gamut, words: list[str], hint: str) -> None:
    outcome = gamut(*words)
    assert outcome.code == 2
    assert outcome.out == ""
    assert outcome.err.startswith("gamut: error: ")
    assert hint in outcome.err
    assert outcome.err.count("\n") == 1


def test_a_variable_is_an_option(gamut: Gamut, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GAMUT_PRESET", "slow")
    outcome = gamut("reduce", "a.tif", "b.jpg")
    assert outcome.code == 2
    assert "'slow' is not one of" in outcome.err


def test_one_input_and_its_output() -> None:
    assert pair([Path("a.tif"), Path("b.jpg")], None, "png") == [(Path("a.tif"), Path("b.jpg"))]


def test_a_folder_takes_every_input_under_its_own_name(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "web"
    pairs = pair([Path("x/a.tif"), Path("b.c.tiff")], folder, "jpg")
    assert pairs == [(Path("x/a.tif"), folder / "a.jpg"), (Path("b.c.tiff"), folder / "b.c.jpg")]
    make_folder(folder)
    assert folder.is_dir()


def test_two_inputs_for_one_output_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="would both be written to"):
        pair([Path("x/a.tif"), Path("y/a.tif")], tmp_path / "web", "jpg")
    assert not (tmp_path / "web").exists()


def test_an_output_never_replaces_an_input(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is an input too"):
        pair([tmp_path / "a.png"], tmp_path, "png")


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(OutputError, match="cannot make this folder"):
        make_folder(tmp_path / "file")


def test_the_choices_are_those_of_the_library() -> None:
    assert tuple(presets.PRESETS) == options.PRESETS
    assert set(options.RAW) == RAW_SUFFIXES
    assert tuple(presets.PAPER_MODELS) == options.MODELS
    assert tuple(images.COMPRESSIONS) == options.COMPRESSIONS
    assert set(options.SPACES) == set(color.SPACES)
    assert set(options.TARGET_SPACES) < set(color.SPACES)
    assert set(options.CARRIERS) <= set(carriers.CARRIERS)
