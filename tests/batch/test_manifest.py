"""What is written down is found again, whatever happened while it was written."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from gamutcli.batch.digests import State, content_digest, settings_digest
from gamutcli.batch.history import History
from gamutcli.batch.manifest import BEGUN, DONE, FAILED, FOLDER, Manifest, Record
from gamutcli.errors import OutputError

RECORD = Record("day/ü \udcff.jpg", DONE, "day/a.tif", (State(3, 4), None), "5e77", "d16e", State(1, 2), seconds=1.5)


def write(folder: Path, *records: Record) -> None:
    manifest = Manifest(folder)
    for record in records:
        manifest.add(record)
    manifest.close()


def test_a_line_says_all_that_was_known(tmp_path: Path) -> None:
    write(tmp_path, RECORD)
    assert History(tmp_path).find(RECORD.file) == RECORD
    assert History(tmp_path).find("other.jpg") is None
    assert list(History(tmp_path).records()) == [RECORD]


def test_the_last_line_counts_within_a_manifest_and_of_all(tmp_path: Path) -> None:
    write(tmp_path, replace(RECORD, state=BEGUN), replace(RECORD, state=DONE))
    assert getattr(History(tmp_path).find(RECORD.file), "state", None) == DONE
    write(tmp_path, replace(RECORD, state=BEGUN), replace(RECORD, state=FAILED, reason="no"))
    assert getattr(History(tmp_path).find(RECORD.file), "state", None) == FAILED
    assert len(list((tmp_path / FOLDER).iterdir())) == 2


def test_a_later_run_comes_behind_whatever_the_clock_says(tmp_path: Path) -> None:
    write(tmp_path, replace(RECORD, state=FAILED, reason="no"))
    (former,) = (tmp_path / FOLDER).iterdir()
    former.rename(former.with_name("20991231T235959.999999-ahead-1.jsonl"))
    (tmp_path / FOLDER / "of somebody else.jsonl").touch()
    for state in (DONE, FAILED, DONE):
        write(tmp_path, replace(RECORD, state=state))
        assert getattr(History(tmp_path).find(RECORD.file), "state", None) == state


@pytest.mark.parametrize("cut", [1, 2, 20])
def test_a_torn_line_says_nothing(tmp_path: Path, cut: int) -> None:
    write(tmp_path, replace(RECORD, state=BEGUN), RECORD)
    (path,) = (tmp_path / FOLDER).iterdir()
    path.write_bytes(path.read_bytes()[:-cut])
    assert getattr(History(tmp_path).find(RECORD.file), "state", None) == BEGUN


def test_what_is_no_line_at_all_is_passed_over(tmp_path: Path) -> None:
    write(tmp_path, RECORD)
    (path,) = (tmp_path / FOLDER).iterdir()
    path.write_bytes(b'\n{"file": "x.jpg"}\n{"file": 3}\n\xff\n' + path.read_bytes() + b'{"file": "' + b"y" * 9999)
    history = History(tmp_path)
    assert history.find(RECORD.file) == RECORD
    assert history.find("x.jpg") is None


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full")  # noqa: PTH110
def test_a_full_disk_is_told_and_the_next_line_is_whole(tmp_path: Path) -> None:
    manifest = Manifest(tmp_path)
    manifest.add(RECORD)
    assert manifest._file is not None
    kept = os.dup(manifest._file)
    os.dup2(os.open("/dev/full", os.O_WRONLY), manifest._file)
    with pytest.raises(OutputError, match="no line can be added"):
        manifest.add(replace(RECORD, file="lost.jpg"))
    os.dup2(kept, manifest._file)
    manifest.add(replace(RECORD, file="next.jpg"))
    manifest.close()
    history = History(tmp_path)
    assert history.find("next.jpg") is not None
    assert history.find("lost.jpg") is None


def test_no_folder_is_made_before_the_first_line(tmp_path: Path) -> None:
    Manifest(tmp_path / "web").close()
    assert not (tmp_path / "web").exists()


def test_the_digest_of_settings_goes_by_what_files_hold_and_not_by_where_things_run(tmp_path: Path) -> None:
    weights = tmp_path / "w.safetensors"
    weights.write_bytes(b"1")
    settings = {"preset": "fast", "init": weights, "device": "cpu", "quality": None}
    digest = settings_digest("reduce", settings)
    assert settings_digest("reduce", {**settings, "device": "cuda"}) == digest
    assert settings_digest("reduce", {**settings, "preset": "best"}) != digest
    assert settings_digest("expand", settings) != digest
    weights.write_bytes(b"2")
    assert settings_digest("reduce", settings) != digest


def test_the_digest_of_what_a_result_is_made_from_tells_files_apart(tmp_path: Path) -> None:
    one, two = str(tmp_path / "1"), str(tmp_path / "2")
    Path(one).write_bytes(b"ab")
    assert content_digest([one, two]) != content_digest([one])
    Path(two).write_bytes(b"c")
    first = content_digest([one, two])
    Path(one).write_bytes(b"a")
    Path(two).write_bytes(b"bc")
    assert content_digest([one, two]) != first
