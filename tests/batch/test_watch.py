"""Pictures that come into a folder: each is taken once it is whole, and again when it is another."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gamutcli.batch.names import Filter, Name, Search
from gamutcli.batch.watch import Watch
from gamutcli.errors import UsageError

pytest.importorskip("watchfiles")

PICTURES = Filter((".tif",), exclude=("drafts",))
#: Seconds that nothing more is expected within: what comes later than that is missed by a test, and fails none.
QUIET = 1.0


class Watched:
    """A folder, and what is given out of it."""

    def __init__(self, folder: Path, names: Watch) -> None:
        self.folder = folder
        self.watch = names
        self._names = iter(names)

    def write(self, name: str, text: str = "picture") -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def next(self) -> Name:
        """Wait for the next picture."""
        for name in self._names:
            if name is not None:
                return name
            time.sleep(0.01)
        raise AssertionError("the watch has ended")

    def others(self, meanwhile: Callable[[], object] = lambda: None) -> list[str]:
        """What else comes within a while."""
        end, found = time.monotonic() + QUIET, []
        while time.monotonic() < end:
            meanwhile()
            name = next(self._names)
            if name is not None:
                found.append(name.relative)
            time.sleep(0.01)
        return found


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    (tmp_path / "in").mkdir()
    search = Search([str(tmp_path / "in")], PICTURES, without=tmp_path / "in/web")
    with Watch(search, 0.3, warn=pytest.fail) as names:
        yield Watched(tmp_path / "in", names)


def test_what_is_there_is_taken_and_what_comes(watched: Watched) -> None:
    watched.write("b.tif")
    assert (name := watched.next()).relative == "b.tif"
    assert (name.source, name.has_changed) == (str(watched.folder / "b.tif"), False)
    watched.write("day/deep/c.TIF")
    assert watched.next().relative == "day/deep/c.TIF"
    assert watched.others() == []


def test_a_folder_that_is_moved_in_is_looked_through(watched: Watched, tmp_path: Path) -> None:
    (tmp_path / "card").mkdir()
    (tmp_path / "card/a.tif").write_text("a")
    watched.write("first.tif")
    watched.next()
    (tmp_path / "card").rename(watched.folder / "card")
    assert watched.next().relative == "card/a.tif"


def test_hidden_temporary_and_unwanted_files_are_left_out(watched: Watched) -> None:
    def write() -> None:
        for name in (".a.tif", ".hidden/b.tif", "c.tif.part", "drafts/d.tif", "web/e.tif", "notes.txt"):
            watched.write(name)
        (watched.folder / "around").exists() or (watched.folder / "around").symlink_to(watched.folder)

    assert watched.others() == []
    write()
    assert watched.others() == []
    watched.write("around/f.tif")
    assert watched.next().relative == "f.tif"
    assert watched.others() == []


def test_a_file_that_grows_is_not_taken(watched: Watched) -> None:
    path = watched.write("a.tif", "")
    with path.open("a") as file:
        assert watched.others(lambda: file.write("more") and file.flush()) == []
    assert watched.next().relative == "a.tif"


def test_a_file_that_is_named_in_the_end_is_taken(watched: Watched) -> None:
    path = watched.write(".a.tif.part")
    assert watched.others() == []
    path.rename(watched.folder / "a.tif")
    assert watched.next().relative == "a.tif"


def test_another_file_of_the_same_name_is_told_when_the_first_is_done_with(watched: Watched) -> None:
    path = watched.write("a.tif")
    watched.next()
    watched.write("a.tif", "another picture")
    assert watched.others() == []
    watched.watch.settle(str(path))
    assert watched.next() == Name(str(path), "a.tif", has_changed=True)


def test_a_file_that_is_only_looked_at_or_gets_other_rights_is_not_told_again(watched: Watched) -> None:
    path = watched.write("a.tif")
    watched.watch.settle(watched.next().source)
    path.chmod(0o600)
    path.read_bytes()
    assert watched.others() == []


def test_a_file_that_goes_before_it_is_whole_is_forgotten(watched: Watched) -> None:
    watched.write("a.tif")
    next(watched._names)
    (watched.folder / "a.tif").unlink()
    assert watched.others() == []


@pytest.mark.skipif(os.name == "nt" or os.environ.get("USER") == "root" or os.getuid() == 0, reason="root sees it all")
def test_a_folder_that_cannot_be_looked_into_is_told_once(watched: Watched) -> None:
    watched.write("locked/a.tif").parent.chmod(0)
    assert "cannot be looked into" in watched.next().problem
    assert watched.others() == []


def test_what_the_system_does_not_tell_is_found_by_walks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def untold(*folders: str, **how: object) -> Iterator[None]:
        raise OSError("the limit of watches is reached")
        yield

    monkeypatch.setattr("watchfiles.watch", untold)
    monkeypatch.setattr("gamutcli.batch.watch._REST_UNTOLD", 0.1)
    said: list[str] = []
    with Watch(Search([str(tmp_path)], PICTURES), 0.1, said.append) as names:
        watched = Watched(tmp_path, names)
        assert watched.others() == []
        watched.write("a.tif")
        assert watched.next().relative == "a.tif"
    assert said == [
        "the system does not tell what changes (the limit of watches is reached): folders are looked through again "
        "and again"
    ]


def test_it_ends_when_the_folder_is_gone(watched: Watched) -> None:
    watched.write("a.tif")
    watched.next()
    shutil.rmtree(watched.folder)
    name = watched.next()
    assert name.problem == f"{watched.folder}: is gone; nothing more can come into it."
    assert next(watched._names, "end") == "end"


@pytest.mark.parametrize("sources", [("a.tif",), ("in", "in/day"), ("in", "in"), ("gone",)])
def test_folders_that_are_apart_can_be_watched_and_nothing_else(tmp_path: Path, sources: tuple[str, ...]) -> None:
    (tmp_path / "in/day").mkdir(parents=True)
    (tmp_path / "a.tif").touch()
    with pytest.raises(UsageError):
        Watch(Search([str(tmp_path / source) for source in sources], PICTURES), 0.1, print)
