"""What a newcomer types: understood where it can be, refused in words that help, and before any work."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import BinaryIO

import pytest

from gamutcli import storage
from gamutcli.cli import wildcards_expanded
from gamutcli.cli.files import pair
from gamutcli.cli.types import Bytes
from gamutcli.errors import OutputError, UsageError
from tests.support.commands import Gamut

GAMUT = [sys.executable, "-m", "gamutcli"]


@pytest.mark.parametrize("name", ["x.jpg", "x.webp", "x.xyz"])
def test_no_suffix_is_proposed_that_would_be_refused(gamut: Gamut, album: Path, tmp_path: Path, name: str) -> None:
    outcome = gamut("expand", album / "photo.jpg", tmp_path / name)
    assert outcome.code == 2
    assert outcome.err.startswith(f"gamut: error: {tmp_path / name}: ")
    assert outcome.err.endswith("name it .png, .tif, .tiff, .avif, .jxl.\n")


def test_errors_while_writing_name_the_file_that_was_asked_for(tmp_path: Path) -> None:
    def write(file: BinaryIO) -> None:
        raise OSError(28, "No space left on device", str(file.name))

    with pytest.raises(OutputError) as caught:
        storage.publish(tmp_path / "x.tif", write, overwrite=True)
    assert str(caught.value).startswith(f"{tmp_path / 'x.tif'}: cannot be written (No space left on device)")
    assert ".part" not in str(caught.value)


@pytest.mark.parametrize(("option", "name"), [("--report", "x.pdf"), ("--map", "x.txt")])
def test_a_page_is_html_and_a_map_is_png(gamut: Gamut, album: Path, tmp_path: Path, option: str, name: str) -> None:
    outcome = gamut("eval", album / "photo.jpg", "--gt", album / "photo.tif", option, tmp_path / name)
    assert (outcome.code, outcome.out) == (2, "")
    assert name in outcome.err
    assert list(tmp_path.iterdir()) == []


def test_a_map_never_replaces_a_picture(gamut: Gamut, album: Path) -> None:
    photo = album / "photo.png"
    outcome = gamut("eval", photo, "--gt", album / "photo.tif", "--map", photo, "--overwrite")
    assert outcome.code == 2
    assert "is an input too" in outcome.err


@pytest.mark.parametrize("width", [20, 40, 60])
def test_a_table_is_never_cut(gamut: Gamut, album: Path, monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    words = ("eval", album / "photo.jpg", "--gt", album / "photo.tif")
    figures = gamut(*words, "--json").json["restored"]
    monkeypatch.setenv("COLUMNS", str(width))
    table = gamut(*words).out
    for name, digits in (("psnr_og", 2), ("rmse_all", 5), ("de2000_in_p99", 2)):
        assert f"{figures[name]:.{digits}f}" in table
    assert "…" not in table


@pytest.mark.parametrize(("text", "number"), [("3000", 3000), ("3k", 3000), ("12KB", 12000), ("1.5 KiB", 1536)])
def test_bytes_may_have_units(text: str, number: int) -> None:
    assert Bytes().convert(text, None, None) == number


@pytest.mark.parametrize("text", ["0", "3x", "1.0005k", "-3k", "k", "3i"])
def test_what_is_no_number_of_bytes(gamut: Gamut, text: str) -> None:
    assert gamut("reduce", "a.tif", "b.jpg", f"--max-payload={text}").code == 2


def test_help_asked_in_another_order(gamut: Gamut) -> None:
    assert gamut("help").out == gamut("--help").out
    assert gamut("help", "experiment", "table").out == gamut("experiment", "table", "--help").out
    outcome = gamut("help", "reduc")
    assert outcome.code == 2
    assert "No such command 'reduc'" in outcome.err


def test_experiment_alone_shows_its_help(gamut: Gamut) -> None:
    outcome = gamut("experiment")
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out == gamut("experiment", "--help").out


def test_a_picture_in_place_of_a_command(gamut: Gamut) -> None:
    assert "'gamut reduce photo.tif ...'" in gamut("photo.tif", "photo.jpg").err


def test_a_payload_alone_is_told_as_such(gamut: Gamut, album: Path, tmp_path: Path) -> None:
    gamut("extract", album / "photo.jpg", tmp_path / "p.gamut")
    found = gamut("info", tmp_path / "p.gamut", "--json").json
    assert (found["status"], found["difference"], found["width"]) == ("payload", None, 90)
    assert "this is a payload alone" in gamut("info", tmp_path / "p.gamut").out
    assert "is a payload alone" in gamut("expand", tmp_path / "p.gamut", tmp_path / "r.tif").err


@pytest.mark.parametrize(
    ("names", "extension"),
    [
        (("a/x.tif", "b/x.tif"), "jpg"),
        (("a/x.tif", "a/x.png"), "jpg"),
        (("a/x.tif", "b/X.tif"), "jpg"),
        (("a/u\u0308.tif", "b/\u00fc.tif"), "jpg"),
    ],
)
def test_inputs_that_would_become_one_file_on_some_system(names: tuple[str, str], extension: str) -> None:
    with pytest.raises(UsageError, match="nothing was done"):
        pair([Path(name) for name in names], Path("web"), extension)


def test_an_input_named_twice() -> None:
    with pytest.raises(UsageError, match="named twice"):
        pair([Path("a.tif"), Path("./a.tif")], Path("web"), "jpg")


# Variables.


def test_a_variable_for_another_command_is_left_alone(
    gamut: Gamut, album: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GAMUT_EXT", "webp")
    assert gamut("expand", album / "photo.jpg", "-o", tmp_path).code == 0
    assert [path.name for path in tmp_path.iterdir()] == ["photo.tif"]


@pytest.mark.usefixtures("quick")
def test_the_command_line_comes_first_then_the_variable_of_the_command(
    gamut: Gamut, album: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GAMUT_EXT", "webp")
    monkeypatch.setenv("GAMUT_REDUCE_EXT", "png")
    words = ("reduce", album / "photo.tif", "-o", tmp_path, "--preset", "fast")
    assert gamut(*words).code == 0
    assert gamut(*words, "--ext", "jpg").code == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["photo.jpg", "photo.png"]


@pytest.mark.parametrize("name", ["GAMUT_EXT", "GAMUT_REDUCE_EXT"])
def test_a_variable_that_no_command_understands(gamut: Gamut, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "gif")
    assert gamut("reduce", "a.tif", "-o", "web").code == 2


# Systems.


def test_wildcards_where_the_shell_expands_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("b.tif", "a.tif", "a1.png", "a[1].png"):
        Path(name).write_bytes(b"")
    words = ["reduce", "*.tif", "none*.tif", "a[1].png", "--ext", "jpg"]
    assert list(wildcards_expanded(words)) == ["reduce", "a.tif", "b.tif", "none*.tif", "a[1].png", "--ext", "jpg"]


@pytest.mark.skipif(os.name != "posix", reason="bytes as file names")
@pytest.mark.parametrize(
    "settings",
    [
        {"PYTHONUTF8": "0", "LC_ALL": "C"},
        {"PYTHONUTF8": "1", "PYTHONIOENCODING": "cp1252"},
        {"PYTHONUTF8": "1", "PYTHONIOENCODING": "cp437"},
    ],
    ids=lambda settings: " ".join(settings.values()),
)
def test_any_name_on_any_console(album: Path, tmp_path: Path, settings: dict[str, str]) -> None:
    folder = tmp_path / "Müller 日本"
    folder.mkdir()
    name = str(folder / "photo.jpg")
    Path(name).write_bytes((album / "photo.jpg").read_bytes())
    (folder / "photo.tif").write_bytes((album / "photo.tif").read_bytes())
    variables = {key: value for key, value in os.environ.items() if not key.startswith(("LC_", "LANG"))} | settings
    restored, page = str(folder / "ü.tif"), str(folder / "ü.html")
    for words in (
        ["info", name],
        ["info", "--json", name],
        ["info", name + "ü"],
        ["expand", name, restored, "-v"],
        ["eval", name, "--gt", str(folder / "photo.tif"), "--report", page],
        ["reduce", name, "--ext", "ü"],
    ):
        done = subprocess.run([*GAMUT, *words], capture_output=True, env=variables)
        assert b"Traceback" not in done.stderr
        assert b"Unicode" not in done.stderr
        assert (done.returncode == 0) == (words[-1][-1] != "ü"), done.stderr
    assert Path(restored).exists()
    if settings.get("LC_ALL") == "C":  # names go out as the bytes that came in
        assert name.encode() in subprocess.run([*GAMUT, "info", name], capture_output=True, env=variables).stdout


@pytest.mark.parametrize("words", [[], ["--help"], ["reduce", "--help"], ["fly"], ["reduce", "a.tif"]])
def test_the_module_is_the_command(gamut: Gamut, words: list[str]) -> None:
    done = subprocess.run([*GAMUT, *words], capture_output=True, text=True, env={**os.environ, "COLUMNS": "80"})
    outcome = gamut(*words)
    assert (done.returncode, done.stdout.split(), done.stderr) == (outcome.code, outcome.out.split(), outcome.err)
    assert "python" not in done.stdout + done.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device that is always full")
def test_a_full_disk_behind_stdout_is_one_line(album: Path) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run([*GAMUT, "--version"], stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 1
    assert done.stderr == "gamut: error: standard output: No space left on device.\n"
