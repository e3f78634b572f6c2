"""- as a file name: pictures from standard input and to standard output, alone there."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tests.support.commands import Gamut

GAMUT = [sys.executable, "-m", "gamutcli"]


def piped(folder: Path, *words: str, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([*GAMUT, *words], input=given, capture_output=True, cwd=folder)


def test_expand_from_a_pipe_into_a_pipe(gamut: Gamut, album: Path, tmp_path: Path) -> None:
    gamut("expand", album / "photo.jpg", tmp_path / "r.png")
    done = piped(tmp_path, "expand", "-", "-", "--ext", "png", given=(album / "photo.jpg").read_bytes())
    assert done.returncode == 0
    assert done.stdout == (tmp_path / "r.png").read_bytes()
    assert done.stderr.startswith(b"- -> -: 90 x 60 px")


def test_reduce_from_a_pipe_into_a_pipe(album: Path, tmp_path: Path) -> None:
    words = ("reduce", "-", "-", "--ext", "jpg", "--preset", "fast", "-q")
    done = piped(tmp_path, *words, given=(album / "photo.tif").read_bytes())
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout == (album / "photo.jpg").read_bytes()


def test_payloads_move_through_pipes(gamut: Gamut, album: Path, tmp_path: Path) -> None:
    gamut("extract", album / "photo.jpg", tmp_path / "p.gamut")
    gamut("strip", album / "photo.jpg", tmp_path / "plain.jpg")
    photo = (album / "photo.jpg").read_bytes()
    assert piped(tmp_path, "extract", "-", "-", given=photo).stdout == (tmp_path / "p.gamut").read_bytes()
    assert piped(tmp_path, "strip", "-", "-", given=photo).stdout == (tmp_path / "plain.jpg").read_bytes()
    assert b"unchanged" in piped(tmp_path, "info", "-", given=photo).stdout


@pytest.mark.parametrize(
    ("given", "code", "line"),
    [
        (b"", 1, b"gamut: error: standard input: is empty; copy or export it again.\n"),
        (b"no picture", 1, b"gamut: error: standard input: neither JPEG"),
    ],
)
def test_errors_name_no_temporary_file(tmp_path: Path, given: bytes, code: int, line: bytes) -> None:
    done = piped(tmp_path, "expand", "-", "r.tif", given=given)
    assert (done.returncode, done.stdout) == (code, b"")
    assert done.stderr.startswith(line)
    assert tempfile.gettempdir().encode() not in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (("reduce", "-", "-o", "web"), "has no name"),
        (("reduce", "a.tif", "-", "--carrier", "sidecar"), "no place for a sidecar"),
        (("expand", "-", "a.tif", "-p"), "no time to preserve"),
        (("info", "-", "-"), "once only"),
        (("eval", "-", "--gt", "a.tif"), "cannot be used here"),
    ],
)
def test_where_it_makes_no_sense_it_is_refused(gamut: Gamut, words: tuple[str, ...], hint: str) -> None:
    outcome = gamut(*words)
    assert outcome.code == 2
    assert hint in outcome.err
