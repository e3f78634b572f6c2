"""What a node of a cluster has to see, how many pictures fit on it, and what it does with one; without Ray."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from gamutcli.batch import on_node
from gamutcli.batch.digests import state_of
from gamutcli.batch.manifest import FOLDER
from gamutcli.batch.nodes import Places, Share, check
from gamutcli.batch.on_node import Terms, work_on
from gamutcli.batch.units import DONE, FAILED, SKIPPED, Outcome, Task
from gamutcli.errors import OutputError
from tests.support.batches import files_of, plain_picture


@pytest.mark.parametrize(
    ("share", "cpus", "gpus", "count"),
    [
        (Share(), 4, 0, 4),
        (Share(0.1), 2, 0, 20),
        (Share(1.5), 4, 0, 2),
        (Share(8), 4, 0, 0),
        (Share(1, 0.25), 16, 2, 8),
        (Share(1, 0.3), 16, 2, 6),  # a picture has a part of one GPU, and not of two
        (Share(1, 2), 16, 5, 2),
        (Share(1, 0.25), 3, 2, 3),
        (Share(1, 1), 4, 0, 0),
    ],
)
def test_how_many_pictures_fit(share: Share, cpus: float, gpus: float, count: int) -> None:
    assert share.fits_into(cpus, gpus) == count


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Places:
    """Places that are all right, told by relative names."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photos").mkdir()
    (tmp_path / "web" / FOLDER).mkdir(parents=True)
    (tmp_path / "web" / FOLDER / "token").touch()
    return Places(str(tmp_path), True, ("photos",), "web", "token")


def test_a_node_that_sees_everything_has_no_problem(places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("/")
    assert places.find_problem() == ""
    assert Path.cwd() == Path(places.folder)


def test_relative_names_need_their_folder_and_others_do_not(places: Places) -> None:
    gone = replace(places, folder="/no/such/folder")
    assert gone.find_problem().startswith("does not see /no/such/folder; every node needs it")
    assert replace(gone, has_relative=False).find_problem() == ""


def test_a_source_that_is_not_there(places: Places) -> None:
    assert replace(places, sources=("photos", "more")).find_problem().startswith("does not see more; every node")


def test_a_folder_of_results_that_is_not_there_is_another_or_cannot_be_written(
    places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert replace(places, target="photos").find_problem().startswith("does not see photos; ")
    other = replace(places, token="another")
    assert other.find_problem() == "has another folder at web than this machine"

    def read_only(**where: str) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr("gamutcli.batch.nodes.TemporaryFile", read_only)
    assert places.find_problem() == "cannot write into web (Read-only file system)"


def test_another_version_is_refused(places: Places) -> None:
    assert "not 99.0 as here; install the same everywhere" in replace(places, version="99.0").find_problem()


def test_where_results_cannot_be_written_here_no_node_is_asked(places: Places) -> None:
    Path("file").touch()
    with pytest.raises(OutputError, match="file/web: cannot be written"):
        check([], replace(places, target="file/web"))


def test_what_was_made_to_look_around_is_removed(places: Places) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("gamutcli.batch.nodes._ask", lambda nodes, asked: _seen(asked))
        check([], replace(places, target="new/web"))
    assert not Path("new/web").exists()


def _seen(asked: Places) -> Iterator[str]:
    assert asked.find_problem() == ""
    yield from ()


@pytest.fixture
def terms(places: Places) -> Iterator[Terms]:
    yield Terms(replace(places, token=""), threads=1, timeout=900.0, recycle=200, quiet=True)
    on_node._drop_pools()
    on_node._seen.clear()


def task(name: str = "a", **more: object) -> Task:
    return replace(
        Task("reduce", f"photos/{name}.tif", f"{name}.tif", f"web/{name}.jpg", f"{name}.jpg"),
        settings={"preset": "fast"},
        **more,  # type: ignore[arg-type]
    )


def worked_on(task: Task, terms: Terms, **before: object) -> Outcome:
    outcome = work_on(task, before.get("before"), terms)  # type: ignore[arg-type]
    assert isinstance(outcome, Outcome), outcome
    return outcome


def test_a_node_does_what_the_pool_does(places: Places, terms: Terms) -> None:
    plain_picture(Path("photos/a.tif"))
    outcome = worked_on(task(), terms)
    assert (outcome.state, outcome.task) == (DONE, task())
    Path("photos/b.tif").write_bytes(b"II*\0")
    outcome = worked_on(task("b"), terms)
    assert (outcome.state, outcome.is_lasting, outcome.is_lost) == (FAILED, True, False)


def test_what_an_earlier_try_has_finished_is_not_done_again(places: Places, terms: Terms) -> None:
    plain_picture(Path("photos/a.tif"))
    assert worked_on(task(), terms).state == DONE
    made = state_of("web/a.jpg")
    for overwrite in (False, True):
        outcome = worked_on(task(overwrite=overwrite), terms)
        assert (outcome.state, outcome.reason) == (SKIPPED, "done by a process that has died since")
    assert state_of("web/a.jpg") == made


def test_what_stood_there_when_it_was_given_out_is_replaced(places: Places, terms: Terms) -> None:
    plain_picture(Path("photos/a.tif"))
    Path("web/a.jpg").write_text("old")
    assert worked_on(task(overwrite=True), terms, before=state_of("web/a.jpg")).state == DONE


@pytest.mark.skipif(os.name == "nt", reason="pipes with names are of Unix")
def test_a_picture_that_takes_too_long_is_given_up(places: Places, terms: Terms) -> None:
    os.mkfifo("photos/a.tif")
    outcome = worked_on(task(), replace(terms, timeout=0.5))
    assert outcome.state == FAILED
    assert "took longer than --timeout allows (0.5 s)" in outcome.reason


def test_a_node_that_does_not_see_the_files_says_so_instead(places: Places, terms: Terms) -> None:
    shutil.rmtree("photos")
    answer = work_on(task(), None, terms)
    assert isinstance(answer, str)
    assert answer.startswith("node ")
    assert "does not see photos; every node needs it" in answer
    assert files_of(Path("web")) == {}
