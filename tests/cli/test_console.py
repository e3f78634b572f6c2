"""The report: what goes where, what is counted, which exit code comes out."""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from pathlib import Path

import click
import pytest

from gamutcli.cli import console
from gamutcli.cli.console import Outcomes
from gamutcli.errors import InputError, NoPayload, PayloadError
from gamutcli.measuring.stages import Stages
from gamutcli.measuring.words import difference

A, B = Path("a.jpg"), Path("b.jpg")


@dataclass(frozen=True)
class Outcome:
    """Has what every result of the pipeline has."""

    file: str
    psnr: float = 40.0
    notes: tuple[str, ...] = ()


def words(result: Outcome) -> str:
    return f"{result.file} is good"


def report(files: int = 1, quiet: bool = False, verbose: int = 0, as_json: bool = False) -> Outcomes:
    return Outcomes(files, quiet=quiet, verbose=verbose, as_json=as_json)


def test_a_good_file(capsys: pytest.CaptureFixture[str]) -> None:
    said = report()
    with said.file(A):
        said.result(A, Outcome("a.jpg"), words)
    assert said.close() == 0
    assert capsys.readouterr() == ("a.jpg is good\n", "")


@pytest.mark.parametrize(("problem", "code"), [(InputError("x"), 1), (NoPayload("x"), 3), (PayloadError("x"), 4)])
def test_a_single_file_keeps_its_own_exit_code(problem: Exception, code: int) -> None:
    said = report()
    with said.file(A):
        raise problem
    assert said.close() == code


def test_the_next_file_has_its_turn_and_failures_are_counted(capsys: pytest.CaptureFixture[str]) -> None:
    said = report(files=2)
    with said.file(A):
        raise NoPayload("a.jpg: no payload")
    with said.file(B):
        said.result(B, Outcome("b.jpg"), words)
    assert said.close() == 1
    out, err = capsys.readouterr()
    assert out == "b.jpg is good\n"
    assert err == "gamut: error: a.jpg: no payload\ngamut: error: 1 of 2 files failed\n"


def test_bad_news_is_shown_as_a_result_and_still_counts(capsys: pytest.CaptureFixture[str]) -> None:
    said = report()
    with said.file(A):
        said.result(A, Outcome("a.jpg"), words, 4)
    assert said.close() == 4
    assert capsys.readouterr().out == "a.jpg is good\n"


def test_notes_are_warnings_that_name_the_file_once(capsys: pytest.CaptureFixture[str]) -> None:
    said = report()
    said.result(A, Outcome("a.jpg", notes=("8 bits only", "a.jpg: odd size")), words)
    assert capsys.readouterr().err == "gamut: warning: a.jpg: 8 bits only\ngamut: warning: a.jpg: odd size\n"


def test_quiet_says_nothing_but_errors(capsys: pytest.CaptureFixture[str]) -> None:
    said = report(files=2, quiet=True)
    said.result(A, Outcome("a.jpg", notes=("8 bits only",)), words)
    with said.file(B):
        raise InputError("b.jpg: no such file")
    said.close()
    assert capsys.readouterr() == ("", "gamut: error: b.jpg: no such file\ngamut: error: 1 of 2 files failed\n")


def test_json_of_one_file_is_an_object_and_infinite_is_null(capsys: pytest.CaptureFixture[str]) -> None:
    said = report(as_json=True)
    said.result(A, Outcome("a.jpg", psnr=math.inf), words)
    assert said.close() == 0
    assert json.loads(capsys.readouterr().out) == {"file": "a.jpg", "psnr": None, "notes": []}


def test_json_of_several_files_is_a_list_with_a_place_for_each(capsys: pytest.CaptureFixture[str]) -> None:
    said = report(files=2, as_json=True)
    with said.file(A):
        raise NoPayload("a.jpg: no payload")
    said.result(B, Outcome("b.jpg"), words)
    said.close()
    first, second = json.loads(capsys.readouterr().out)
    assert first == {"file": "a.jpg", "error": "a.jpg: no payload", "exit_code": 3}
    assert second["file"] == "b.jpg"


def test_json_of_a_file_that_failed_is_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    said = report(as_json=True)
    with said.file(A):
        raise NoPayload("a.jpg: no payload")
    assert said.close() == 3
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("problem", "line"),
    [
        (InputError("a.jpg: it is\nbroken"), r"a.jpg: it is\nbroken"),
        (OSError(28, "No space left on device"), "a.jpg: No space left on device."),
        (
            RuntimeError("Insufficient memory (case 4)"),
            "a.jpg: out of memory; close other programs or use a smaller picture.",
        ),
        (MemoryError(), "a.jpg: out of memory; close other programs or use a smaller picture."),
        (KeyError("x"), "a.jpg: unexpected KeyError: 'x'; please report it with what -v -v shows."),
    ],
)
def test_every_error_is_one_line(problem: Exception, line: str, capsys: pytest.CaptureFixture[str]) -> None:
    said = report()
    with said.file(A):
        raise problem
    assert capsys.readouterr().err == f"gamut: error: {line}\n"


@pytest.mark.parametrize(("verbose", "shown"), [(0, False), (1, False), (2, True)])
def test_only_twice_verbose_shows_the_traceback(verbose: int, shown: bool, capsys: pytest.CaptureFixture[str]) -> None:
    said = report(verbose=verbose)
    with said.file(A):
        raise InputError("broken")
    assert ("Traceback" in capsys.readouterr().err) is shown


@pytest.mark.parametrize(("verbose", "quiet", "told"), [(0, False, False), (1, False, True), (1, True, False)])
def test_verbose_tells_the_stages_in_sentences(
    verbose: int, quiet: bool, told: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    said = report(verbose=verbose, quiet=quiet)
    with said.file(A):
        Stages().done("read 2 x 3 pixels")
    assert bool(re.fullmatch(r"gamut: a\.jpg: read 2 x 3 pixels in \d+\.\d\d s\n", capsys.readouterr().err)) is told


def test_an_interruption_is_not_a_failing_file() -> None:
    said = report()
    with pytest.raises(KeyboardInterrupt), said.file(A):
        raise KeyboardInterrupt


def test_no_progress_where_no_terminal_watches() -> None:
    with report().progress(A) as update:
        assert update is None


@pytest.mark.parametrize(("share", "text"), [(0, "0.0 %"), (0.04, "< 0.1 %"), (12.34, "12.3 %"), (100, "100.0 %")])
def test_percent(share: float, text: str) -> None:
    assert console.percent(share) == text


@pytest.mark.parametrize(("value", "text"), [(None, "-"), (math.inf, "exact"), (47.149, "47.15 dB")])
def test_decibels(value: float | None, text: str) -> None:
    assert console.decibels(value) == text


@pytest.mark.parametrize(
    ("value", "text"), [(None, "-"), (0.0, "0.00"), (0.374, "0.37"), (0.994, "0.99"), (0.996, "1.0"), (12.34, "12.3")]
)
def test_differences(value: float | None, text: str) -> None:
    assert difference(value) == text


def test_gain() -> None:
    assert console.gain(31.02, 47.15) == "31.02 -> 47.15 dB"
    assert console.gain(None, 47.15) == "47.15 dB"


def test_a_table_in_a_pipe_has_no_colours() -> None:
    from rich.table import Table

    table = Table("[red]pixels[/red]")
    assert click.unstyle(console.render(table)) == console.render(table)
