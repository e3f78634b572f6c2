"""File names from elsewhere: what they hold is shown, and never obeyed by a terminal, a spreadsheet or a page."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from gamutcli.experiments import markdown
from gamutcli.experiments.spreadsheets import csv_bytes
from gamutcli.measuring.words import printable
from tests.support.commands import Gamut

NAMES = {
    "\x1b[31mred\x1b[0m.jpg": r"\x1b[31mred\x1b[0m.jpg",
    "bell\a.jpg": r"bell\x07.jpg",
    "back\rto the start.jpg": r"back\rto the start.jpg",
    "a\ngamut: error: forged.jpg": r"a\ngamut: error: forged.jpg",
    "\u202egpj.exe": r"\u202egpj.exe",
}
names = pytest.mark.parametrize(("name", "shown"), NAMES.items())


@names
def test_a_result_shows_the_name_escaped_and_json_holds_it_as_it_is(
    gamut: Gamut, album: Path, tmp_path: Path, name: str, shown: str
) -> None:
    shutil.copy(album / "photo.jpg", tmp_path / name)
    outcome = gamut("info", tmp_path / name)
    assert outcome.out.splitlines()[0] == f"{tmp_path}/{shown}"
    assert json.loads(gamut("info", "--json", tmp_path / name).out)["file"] == str(tmp_path / name)


@names
def test_an_error_shows_the_name_escaped_on_its_one_line(gamut: Gamut, tmp_path: Path, name: str, shown: str) -> None:
    outcome = gamut("info", tmp_path / name)
    (line,) = outcome.err.splitlines()
    assert line.startswith(f"gamut: error: {tmp_path}/{shown}: ")


def test_letters_of_all_languages_stay() -> None:
    assert printable("Müller, 写真, отпуск, 📷.jpg") == "Müller, 写真, отпуск, 📷.jpg"


def test_bytes_that_are_no_text_here_stay_unless_a_terminal_would_obey_them() -> None:
    for name in ("\udcff.jpg", "M\udcc3\udcbcller.jpg"):
        assert printable(name) == name
    assert printable("\udcc2\udc9b31m") == r"\udcc2\udc9b31m"  # U+009B, which begins an escape sequence
    assert printable("\ud800") == r"\ud800"


def test_no_cell_of_a_table_is_a_formula() -> None:
    rows = [{"picture": name, "psnr": -1.5} for name in ("=1+1", "+1", "-1", "@x", "a=1")]
    lines = csv_bytes(["picture", "psnr"], rows).decode().split()
    assert lines[1:] == ["'=1+1,-1.5", "'+1,-1.5", "'-1,-1.5", "'@x,-1.5", "a=1,-1.5"]


def test_no_cell_of_a_table_is_markup() -> None:
    cells = markdown.table(["picture"], [["a|b"], ["<script>"], ["[x](y)"], ["\x1b[31m"]]).splitlines()[2:]
    assert [cell.strip("| ") for cell in cells] == [r"a\|b", r"\<script>", r"\[x](y)", r"\\x1b\[31m"]
