"""The folder of results: what was found stays found, and is never mixed with something else."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from gamutcli.errors import InputError, OutputError, UsageError
from gamutcli.experiments import folder
from gamutcli.experiments.folder import Record, ResultsFolder, Row
from gamutcli.experiments.markdown import document
from gamutcli.experiments.pictures import Subject, digest, open_subject
from gamutcli.experiments.runner import Job, over_pictures, over_rows
from tests.support.pictures import wide_codes, write_tiff


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    (tmp_path / "in").mkdir()
    return write_tiff(tmp_path / "in" / "a.tif", wide_codes(8, 12))


def a_folder(tmp_path: Path, overwrite: bool = False, **settings: Any) -> ResultsFolder:
    return ResultsFolder(tmp_path / "out", "table", {"seed": 0, **settings}, ("table.md",), overwrite)


def kept_in(folder: ResultsFolder, picture: Path, *rows: Row, notes: tuple[str, ...] = ()) -> Record:
    return folder.keep(replace(open_subject(picture), notes=notes), rows)


# Records


def test_what_was_kept_is_found_again(tmp_path: Path, picture: Path) -> None:
    kept = kept_in(a_folder(tmp_path), picture, {"method": "clip", "psnr": 31.5}, notes=("a note",))
    assert a_folder(tmp_path).find(picture) == kept
    assert kept.rows == ({"method": "clip", "psnr": 31.5},)


def test_infinite_figures_are_kept_as_nothing(tmp_path: Path, picture: Path) -> None:
    kept_in(a_folder(tmp_path), picture, {"psnr": math.inf, "rmse": 0.0})
    found = a_folder(tmp_path).find(picture)
    assert found
    assert found.rows == ({"psnr": None, "rmse": 0.0},)


def test_a_changed_picture_is_not_found(tmp_path: Path, picture: Path) -> None:
    kept_in(a_folder(tmp_path), picture)
    write_tiff(picture, wide_codes(9, 12))
    assert a_folder(tmp_path).find(picture) is None


def test_other_settings_are_refused_by_name(tmp_path: Path, picture: Path) -> None:
    kept_in(a_folder(tmp_path, steps_scale=1.0), picture)
    with pytest.raises(UsageError, match=r"other settings \(steps scale: 1.0, now 0.5\).*--overwrite"):
        a_folder(tmp_path, steps_scale=0.5)


def test_starting_anew_leaves_nothing_to_stumble_over(tmp_path: Path, picture: Path) -> None:
    old = a_folder(tmp_path, steps_scale=1.0)
    kept_in(old, picture)
    old.companions(picture).mkdir()
    (old.path / "table-records" / "b.tif.json").write_text("no record")
    anew = a_folder(tmp_path, steps_scale=0.5, overwrite=True)
    assert anew.find(picture) is None
    assert not list((anew.path / "table-records").iterdir())
    a_folder(tmp_path, steps_scale=0.5)


def test_starting_anew_keeps_records_of_the_same_settings(tmp_path: Path, picture: Path) -> None:
    kept = kept_in(a_folder(tmp_path), picture)
    assert a_folder(tmp_path, overwrite=True).find(picture) == kept


def test_a_broken_record_is_named(tmp_path: Path, picture: Path) -> None:
    kept_in(a_folder(tmp_path), picture)
    (tmp_path / "out" / "table-records" / "a.tif.json").write_text("{")
    with pytest.raises(InputError, match=r"a\.tif\.json: is no record"):
        a_folder(tmp_path)


# Results


def test_files_of_others_are_kept(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "table.md").write_text("mine")
    with pytest.raises(OutputError, match="--overwrite"):
        a_folder(tmp_path)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["table.md"]


def test_own_files_are_replaced(tmp_path: Path) -> None:
    a_folder(tmp_path).publish("table.md", b"old")
    a_folder(tmp_path).publish("table.md", b"new")
    assert (tmp_path / "out" / "table.md").read_bytes() == b"new"


def test_an_earlier_result_is_taken_back(tmp_path: Path) -> None:
    first = a_folder(tmp_path)
    first.publish("table.md", b"old")
    a_folder(tmp_path).retract("table.md")
    a_folder(tmp_path).retract("table.md")
    assert not (tmp_path / "out" / "table.md").exists()


def test_a_file_of_others_is_not_taken_back(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "table.md").write_text("mine")
    a_folder(tmp_path, overwrite=True).retract("table.md")
    assert (tmp_path / "out" / "table.md").read_text("utf-8") == "mine"


def test_the_configuration_tells_settings_and_versions(tmp_path: Path, picture: Path) -> None:
    found = a_folder(tmp_path).configuration([kept_in(a_folder(tmp_path), picture)])
    assert found["settings"] == {"seed": 0, "version": version("gamutcli")}
    assert {"python", "gamutcli", "numpy"} <= set(found["versions"])
    assert found["versions"]["numpy"] == version("numpy")
    assert len(found["machines"]) == 1
    json.dumps(found)


def elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder, "this_maker", lambda: {"versions": {"numpy": "0.1"}, "machine": "Amiga"})


def test_the_configuration_tells_what_measured_and_not_what_resumed(
    tmp_path: Path, picture: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept_in(a_folder(tmp_path), picture)
    elsewhere(monkeypatch)
    record = a_folder(tmp_path).find(picture)
    assert record
    found = a_folder(tmp_path).configuration([record])
    assert found["versions"]["numpy"] == version("numpy")
    assert "Amiga" not in found["machines"]


def test_the_configuration_tells_all_that_measured(
    tmp_path: Path, picture: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = Job((picture,), tmp_path / "out")
    over_rows(job, a_folder(tmp_path), identities("a"), Judge())
    elsewhere(monkeypatch)
    records = over_rows(job, a_folder(tmp_path), identities("a", "b"), Judge())
    found = a_folder(tmp_path).configuration(records)
    assert found["versions"]["numpy"] == f"{version('numpy')} and 0.1"
    assert len(found["machines"]) == 2
    assert found["machines"][1] == "Amiga"
    assert b"on " + " and ".join(found["machines"]).encode() in document("T", found, [], [])


def test_a_record_that_does_not_say_what_measured_it_is_taken(tmp_path: Path, picture: Path) -> None:
    kept_in(a_folder(tmp_path), picture)
    file = tmp_path / "out" / "table-records" / "a.tif.json"
    content = json.loads(file.read_bytes())
    del content["measured_by"]
    file.write_text(json.dumps(content))
    record = a_folder(tmp_path).find(picture)
    assert record
    assert a_folder(tmp_path).configuration([record])["machines"] == ["an unknown machine"]


# Row by row


class Judge:
    """Gives a row for every method, and counts; fails where it is told to."""

    def __init__(self, fails: str | None = None) -> None:
        self.fails = fails
        self.judged: list[str] = []

    def __call__(self, subject: Subject, identity: Row) -> Row:
        if identity["method"] == self.fails:
            raise RuntimeError("killed")
        self.judged.append(identity["method"])
        return {"pixels": subject.original.size[0]}


def identities(*methods: str) -> list[Row]:
    return [{"method": method, "weights": None} for method in methods]


def test_a_killed_run_goes_on_with_the_row_that_it_was_at(tmp_path: Path, picture: Path) -> None:
    job = Job((picture,), tmp_path / "out")
    with pytest.raises(RuntimeError):
        over_rows(job, a_folder(tmp_path), identities("a", "b", "c"), Judge(fails="c"))
    judge = Judge()
    (record,) = over_rows(job, a_folder(tmp_path), identities("a", "b", "c"), judge)
    assert judge.judged == ["c"]
    assert [row["method"] for row in record.rows] == ["a", "b", "c"]


def test_more_rows_are_added_and_fewer_lose_nothing(tmp_path: Path, picture: Path) -> None:
    job, judge = Job((picture,), tmp_path / "out"), Judge()
    over_rows(job, a_folder(tmp_path), identities("b"), judge)
    (record,) = over_rows(job, a_folder(tmp_path), identities("a", "b"), judge)
    assert [row["method"] for row in record.rows] == ["a", "b"]
    (record,) = over_rows(job, a_folder(tmp_path), identities("a"), judge)
    assert [row["method"] for row in record.rows] == ["a"]
    over_rows(job, a_folder(tmp_path), identities("a", "b"), judge)
    assert judge.judged == ["b", "a"]


def test_a_row_of_another_identity_is_not_taken(tmp_path: Path, picture: Path) -> None:
    job, judge = Job((picture,), tmp_path / "out"), Judge()
    over_rows(job, a_folder(tmp_path), [{"method": "meta", "weights": "1"}], judge)
    (record,) = over_rows(job, a_folder(tmp_path), [{"method": "meta", "weights": "2"}], judge)
    assert judge.judged == ["meta", "meta"]
    assert [row["weights"] for row in record.rows] == ["2"]


def test_of_a_changed_picture_all_rows_are_done_again(tmp_path: Path, picture: Path) -> None:
    job, judge = Job((picture,), tmp_path / "out"), Judge()
    over_rows(job, a_folder(tmp_path), identities("a", "b"), judge)
    a_folder(tmp_path).companions(picture).mkdir()
    write_tiff(picture, wide_codes(9, 12))
    (record,) = over_rows(job, a_folder(tmp_path), identities("a"), judge)
    assert record.rows == ({"method": "a", "weights": None, "pixels": 9},)
    assert not a_folder(tmp_path).companions(picture).exists()
    (record,) = over_rows(job, a_folder(tmp_path), identities("a", "b"), judge)
    assert [row["pixels"] for row in record.rows] == [9, 9]


def test_a_picture_replaced_while_it_is_measured_is_done_again(tmp_path: Path, picture: Path) -> None:
    job, seen = Job((picture,), tmp_path / "out"), []

    def judge(subject: Subject) -> list[Row]:
        seen.append(subject.original.size[0])
        write_tiff(picture, wide_codes(9, 12))
        return [{"pixels": seen[-1]}]

    before = digest(picture)
    (record,) = over_pictures(job, a_folder(tmp_path), judge)
    assert record.sha256 == before
    (record,) = over_pictures(job, a_folder(tmp_path), judge)
    assert seen == [8, 9]
    assert record.rows == ({"pixels": 9},)


def test_results_go_elsewhere_than_where_the_pictures_are(tmp_path: Path, picture: Path) -> None:
    (tmp_path / "link").symlink_to(picture.parent)
    for output in (picture.parent, picture.parent / ".." / "in", tmp_path / "link"):
        with pytest.raises(UsageError, match=r"holds the pictures.* -o"):
            Job((picture,), output)
    Job((picture,), picture.parent / "out")


def test_pictures_done_whole_are_not_done_again(tmp_path: Path, picture: Path) -> None:
    job, done = Job((picture,), tmp_path / "out"), []

    def judge(subject: Subject) -> list[Row]:
        done.append(subject.name)
        return [{"method": "a"}]

    assert over_pictures(job, a_folder(tmp_path), judge) == over_pictures(job, a_folder(tmp_path), judge)
    assert done == ["a.tif"]


def test_without_any_picture_judged_it_says_so(tmp_path: Path) -> None:
    missing = tmp_path / "missing.tif"

    class Swallow:
        def __enter__(self) -> None: ...
        def __exit__(self, *_: object) -> bool:
            return True

    job = Job((missing,), tmp_path / "out", guard=lambda path: Swallow())
    with pytest.raises(InputError, match="no picture could be measured"):
        over_rows(job, a_folder(tmp_path), identities("a"), Judge())
