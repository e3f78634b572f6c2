"""`gamut batch reduce --watch`: a process that goes on until Ctrl-C."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gamutcli.cli import INTERRUPTED
from tests.support.batches import files_of, objects, plain_picture, started
from tests.support.commands import Gamut

pytest.importorskip("watchfiles")
pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals are of Unix")


class Watching:
    """`gamut batch reduce --watch` at work, and what it says."""

    def __init__(self, folder: Path, *words: str) -> None:
        self.photos, self.web = folder / "in", folder / "web"
        self.photos.mkdir(exist_ok=True)
        command = ("batch", "reduce", self.photos, "-o", self.web, "--watch", "--settle", "0.2", "--json", "-j", "1")
        self.process = started(*command, "--preset", "fast", *words)

    def next(self) -> tuple[str, str]:
        """Wait for the next picture: what became of it, and its name."""
        assert self.process.stdout is not None
        (told,) = objects(self.process.stdout.readline())
        return told["state"], Path(told["file"]).name

    def end(self) -> tuple[dict[str, Any], str]:
        """Press Ctrl-C; the last object, and all that was said of errors."""
        self.process.send_signal(signal.SIGINT)
        out, err = self.process.communicate()
        assert self.process.returncode == INTERRUPTED
        return objects(out)[-1], err


@pytest.fixture
def watching(tmp_path: Path) -> Iterator[Watching]:
    made = Watching(tmp_path)
    yield made
    made.process.kill()
    made.process.communicate()


def test_pictures_are_reduced_as_they_come_until_ctrl_c(watching: Watching) -> None:
    plain_picture(watching.photos / "a.tif")
    assert watching.next() == ("done", "a.jpg")
    plain_picture(watching.photos / "day/b.tif", 1)
    assert watching.next() == ("done", "b.jpg")
    end, err = watching.end()
    assert end["counts"] == {"done": 2, "skipped": 0, "failed": 0, "refused": 0}
    assert err.startswith(f"gamut: watching {watching.photos}; Ctrl-C ends it\n")
    assert list(files_of(watching.web)) == ["a.jpg", "day/b.jpg"]


def test_a_picture_that_fails_is_left_alone_until_it_changes(watching: Watching) -> None:
    picture = watching.photos / "a.tif"
    picture.write_bytes(b"II*\0 no picture")
    assert watching.next() == ("failed", "a.jpg")
    plain_picture(watching.photos / "b.tif")
    assert watching.next() == ("done", "b.jpg")
    plain_picture(picture)
    assert watching.next() == ("done", "a.jpg")


def test_a_picture_that_is_exported_again_is_reported(watching: Watching) -> None:
    plain_picture(watching.photos / "a.tif")
    assert watching.next() == ("done", "a.jpg")
    before = files_of(watching.web)
    plain_picture(watching.photos / "a.tif", 1)
    assert watching.next() == ("refused", "a.jpg")
    os.utime(plain_picture(watching.photos / "a.tif"), (1, 1))  # the first one again
    assert watching.next() == ("skipped", "a.jpg")
    assert files_of(watching.web) == before
    assert "its source has changed since it was made; --overwrite makes it again" in watching.end()[1]


def test_with_overwrite_it_is_made_again_and_what_was_done_before_is_not(tmp_path: Path) -> None:
    for _ in range(2):
        watching = Watching(tmp_path, "--overwrite")
        if not (tmp_path / "web").exists():
            plain_picture(watching.photos / "a.tif")
            assert watching.next() == ("done", "a.jpg")
            before = files_of(watching.web)
            plain_picture(watching.photos / "a.tif", 1)
            assert watching.next() == ("done", "a.jpg")
            assert files_of(watching.web) != before
        else:
            assert watching.next() == ("skipped", "a.jpg")
        watching.end()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("in", "--dry-run"), "--dry-run: nobody knows what will come"),
        (("in", "--shard", "1/2"), "--shard: two that watch one folder"),
        (("in/a.tif",), "in/a.tif: is no folder"),
        (("-",), "-: --watch is about folders"),
    ],
)
def test_what_cannot_be_watched(
    gamut: Gamut, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], said: str
) -> None:
    plain_picture(tmp_path / "in/a.tif")
    monkeypatch.chdir(tmp_path)
    outcome = gamut("batch", "reduce", *words, "-o", "web", "--watch")
    assert outcome.code == 2
    assert said in outcome.err


def test_without_watchfiles_it_says_what_to_install(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "watchfiles.py").write_text("raise ImportError")
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    words = ("batch", "reduce", tmp_path / "in", "-o", tmp_path / "web", "--watch")
    with started(*words, env={**os.environ, "PYTHONPATH": path}) as process:
        assert isinstance(process, subprocess.Popen)
        _, err = process.communicate()
    assert (process.returncode, err) == (2, "gamut: error: --watch: needs watchfiles: pip install watchfiles\n")
