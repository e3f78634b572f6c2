"""docs/INPUTS.md says what becomes of every kind of source: its tables are what happens to a file of each.

`python -m tests.test_inputs` writes the tables anew.
"""

from __future__ import annotations

import importlib.util
import re
import tempfile
from itertools import groupby
from pathlib import Path

import pytest

from gamutcli.errors import InputError
from gamutcli.images.identify import _FORMATS, identify
from gamutcli.images.original import read_source
from gamutcli.images.reading import Reading
from tests.images.test_identify import READ
from tests.support.commands import Gamut
from tests.support.inputs import INPUTS, STRANGERS, Input
from tests.support.markdown import ROOT
from tests.support.sources import Maker
from tests.support.strangers import MET

PAGE = ROOT / "docs" / "INPUTS.md"
START, END = "<!-- inputs: written by python -m tests.test_inputs -->", "<!-- /inputs -->"
ALL = INPUTS + STRANGERS


def is_here(source: Input) -> bool:
    """Whether the libraries that the kind needs are installed."""
    return all(importlib.util.find_spec(module) for module in source.needs)


def outcome(source: Input, folder: Path) -> tuple[str, str]:
    """What became of the files of a kind, all alike, and what was said of it."""
    found = {_outcome(maker, source.reading, folder / str(number)) for number, maker in enumerate(source.makers)}
    assert len(found) == 1, (source.kind, found)
    return found.pop()


def _outcome(maker: Maker, reading: Reading, folder: Path) -> tuple[str, str]:
    name, make = maker
    folder.mkdir(parents=True)
    path = folder / name
    try:
        make(path)
    except NotImplementedError as error:  # an encoder that older versions of a library lack
        pytest.skip(f"cannot be made here: {error}")
    try:
        notes = read_source(path, reading).notes
    except InputError as error:
        said = str(error).removeprefix(f"{path}: ").removesuffix(".")
        return "refused", re.sub(r"(at(?: byte)?) [\d,]+", r"\1 N", said)
    return ("read, with a note", "; ".join(map(shortened, notes))) if notes else ("read", "")


def shortened(note: str) -> str:
    """A note without its explanation, and without figures of the one file."""
    for mark in (": ", "; "):
        note = note.partition(mark)[0]
    return re.sub(r"^[\d,]+ of [\d,]+ pixels holds?", "some pixels hold", note)


def row(source: Input, found: tuple[str, str]) -> str:
    return f"| {source.kind} | {found[0]} | {found[1]} |".replace("|  |", "| |")


def table(rows: dict[Input, str]) -> str:
    """The tables of the page, a heading and its rows after the other."""
    head = "| source | becomes | what is said |\n|---|---|---|\n"
    return "\n\n".join(
        f"### {heading}\n\n{head}" + "\n".join(rows[source] for source in kinds)
        for heading, kinds in groupby(rows, key=lambda source: source.heading)
    )


def written() -> list[str]:
    """The rows of the page between its marks."""
    lines = PAGE.read_text(encoding="utf-8").partition(START)[2].partition(END)[0].splitlines()
    return [line for line in lines if line.startswith("|") and not line.startswith(("| source |", "|---"))]


def test_the_page_lists_every_kind_and_nothing_else() -> None:
    assert [line.split(" | ")[0] for line in written()] == [f"| {source.kind}" for source in ALL]


@pytest.mark.parametrize("number", range(len(ALL)), ids=[f"{source.heading}: {source.kind}" for source in ALL])
def test_a_kind_of_source_becomes_what_the_page_says(number: int, tmp_path: Path) -> None:
    source = ALL[number]
    if not is_here(source):
        pytest.skip(f"needs {', '.join(source.needs)}")
    became, said = outcome(source, tmp_path)
    assert row(source, (became, said)) == written()[number]
    assert became != "refused" or "; " in said, "says nothing of what to do"


def test_every_kind_that_is_known_by_name_has_a_row() -> None:
    assert {identify(name, data) for name, (data, _, _) in MET.items()} == set(_FORMATS) - READ
    assert len(STRANGERS) == len(_FORMATS) - len(READ)


def test_a_folder_of_mixed_files_never_stops_at_one(gamut: Gamut, tmp_path: Path) -> None:
    wanted = {
        "TIFF and BigTIFF": ["16 bits, with a ProPhoto profile", "cut short", "transparent in places", "8 bits"],
        "PNG": ["colours by cICP", "no word of colours"],
        "JPEG": ["with a profile, 4:4:4", "cut short"],
        "WebP": ["lossless, with a profile"],
        "JPEG 2000": ["signed samples", "16 bits, with a profile"],
        "Anything else": ["`picture.psd`", "`page.jpg`", "`photo.xmp`"],
    }
    good, bad = [], []
    chosen = [source for source in ALL if source.kind in wanted.get(source.heading, [])]
    assert len(chosen) == sum(map(len, wanted.values()))
    for number, source in enumerate(chosen):
        name, make = source.makers[0]
        path = tmp_path / f"{number}-{name}"
        make(path)
        became, _ = outcome(source, tmp_path / f"tried {number}")
        (bad if became == "refused" else good).append(path)
    inputs = sorted(good + bad)
    done = gamut("reduce", *inputs, "-o", tmp_path / "out", "--preset", "fast")
    assert done.code == 1
    assert {path.stem for path in (tmp_path / "out").iterdir()} == {path.stem for path in good}
    for path in bad:
        assert f"error: {path}: " in done.err


if __name__ == "__main__":
    missing = [source.kind for source in ALL if not is_here(source)]
    if missing:
        raise SystemExit(f"cannot be written here, as libraries are missing for: {', '.join(missing)}")
    with tempfile.TemporaryDirectory() as folder:
        rows = {source: row(source, outcome(source, Path(folder, str(n)))) for n, source in enumerate(ALL)}
    text = PAGE.read_text(encoding="utf-8")
    before, after = text.partition(START)[0], text.partition(END)[2]
    PAGE.write_text(f"{before}{START}\n\n{table(rows)}\n\n{END}{after}", encoding="utf-8")
