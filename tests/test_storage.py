"""A file appears whole or not at all."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

import pytest

from gamutcli import storage
from gamutcli.errors import OutputError
from gamutcli.storage import check_target, publish, publish_all

bound_by_permissions = pytest.mark.skipif(
    hasattr(os, "geteuid") and os.geteuid() == 0, reason="root may write anywhere"
)


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def test_bytes_become_the_file_and_nothing_else_is_left(tmp_path: Path) -> None:
    publish(tmp_path / "a.png", b"new", overwrite=False)
    assert (tmp_path / "a.png").read_bytes() == b"new"
    assert names(tmp_path) == ["a.png"]


def test_a_function_writes_to_a_hidden_file_beside_the_target_with_its_suffix(tmp_path: Path) -> None:
    seen: list[Path] = []

    def write(temporary: Path) -> None:
        seen.append(temporary)
        temporary.write_bytes(b"from a function")

    publish(tmp_path / "a.tif", write, overwrite=False)
    assert (tmp_path / "a.tif").read_bytes() == b"from a function"
    assert seen[0].parent == tmp_path
    assert seen[0].suffix == ".tif"
    assert seen[0].name.startswith(".a")
    assert names(tmp_path) == ["a.tif"]


@pytest.mark.parametrize("problem", [ValueError("no"), KeyboardInterrupt(), OSError(errno.ENOSPC, "No space left")])
def test_a_failure_in_the_middle_keeps_the_old_file_and_leaves_no_part(tmp_path: Path, problem: BaseException) -> None:
    (tmp_path / "a.tif").write_bytes(b"old")

    def write(temporary: Path) -> None:
        temporary.write_bytes(b"half")
        raise problem

    expected = OutputError if isinstance(problem, OSError) else type(problem)
    with pytest.raises(expected):
        publish(tmp_path / "a.tif", write, overwrite=True)
    assert (tmp_path / "a.tif").read_bytes() == b"old"
    assert names(tmp_path) == ["a.tif"]


def test_an_existing_file_is_kept_unless_asked(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"old")
    with pytest.raises(OutputError, match=r"a\.png: exists already; use --overwrite"):
        publish(tmp_path / "a.png", b"new", overwrite=False)
    assert (tmp_path / "a.png").read_bytes() == b"old"
    publish(tmp_path / "a.png", b"new", overwrite=True)
    assert (tmp_path / "a.png").read_bytes() == b"new"
    assert names(tmp_path) == ["a.png"]


def test_a_file_that_appears_while_writing_is_kept(tmp_path: Path) -> None:
    def write(temporary: Path) -> None:
        temporary.write_bytes(b"ours")
        (tmp_path / "a.png").write_bytes(b"theirs")

    with pytest.raises(OutputError, match="exists already"):
        publish(tmp_path / "a.png", write, overwrite=False)
    assert (tmp_path / "a.png").read_bytes() == b"theirs"
    assert names(tmp_path) == ["a.png"]


def test_a_file_system_without_hard_links_works_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_links(*_: object) -> None:
        raise OSError(errno.EOPNOTSUPP, "Operation not supported")

    monkeypatch.setattr(os, "link", no_links)
    publish(tmp_path / "a.png", b"new", overwrite=False)
    assert (tmp_path / "a.png").read_bytes() == b"new"
    with pytest.raises(OutputError, match="exists already"):
        publish(tmp_path / "a.png", b"newer", overwrite=False)


def test_the_mode_follows_the_umask_and_an_overwritten_file_keeps_its_own(tmp_path: Path) -> None:
    previous = os.umask(0o027)
    try:
        publish(tmp_path / "a.png", b"new", overwrite=False)
    finally:
        os.umask(previous)
    assert stat.S_IMODE((tmp_path / "a.png").stat().st_mode) == 0o640
    (tmp_path / "a.png").chmod(0o600)
    publish(tmp_path / "a.png", b"newer", overwrite=True)
    assert stat.S_IMODE((tmp_path / "a.png").stat().st_mode) == 0o600


def test_overwriting_a_link_replaces_the_file_that_it_points_to(tmp_path: Path) -> None:
    (tmp_path / "real.png").write_bytes(b"old")
    (tmp_path / "link.png").symlink_to("real.png")
    publish(tmp_path / "link.png", b"new", overwrite=True)
    assert (tmp_path / "link.png").is_symlink()
    assert (tmp_path / "real.png").read_bytes() == b"new"


def test_a_long_name_is_no_obstacle(tmp_path: Path) -> None:
    name = "ä" * 125 + ".png"
    publish(tmp_path / name, b"new", overwrite=False)
    assert names(tmp_path) == [name]


def test_targets_that_cannot_be_written_are_named_early(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "dangling").symlink_to("nowhere/else")
    for target, overwrite, words in [
        (tmp_path / "missing" / "a.png", False, "does not exist; create it"),
        (tmp_path / "file" / "a.png", False, "does not exist|cannot be written"),
        (tmp_path, True, "is a folder"),
        (tmp_path / "file", False, "exists already"),
        (tmp_path / "dangling", False, "exists already"),
        (tmp_path / "pipe", True, "not an ordinary file"),
        (tmp_path / ("n" * 300), False, "cannot be written"),
        (Path("\0"), False, "cannot be written"),
    ]:
        with pytest.raises(OutputError, match=words) as caught:
            check_target(target, overwrite)
        assert "\n" not in str(caught.value)
    check_target(tmp_path / "file", overwrite=True)
    check_target(tmp_path / "new.png", overwrite=False)


@bound_by_permissions
def test_an_unwritable_folder_is_named(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(OutputError, match="not writable"):
        check_target(tmp_path / "a.png", overwrite=False)
    tmp_path.chmod(0o700)


def test_an_unwritable_folder_is_named_whoever_asks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(OutputError, match="not writable"):
        check_target(tmp_path / "a.png", overwrite=False)


def test_files_that_belong_together_appear_together(tmp_path: Path) -> None:
    publish_all([(tmp_path / "a", b"1"), (tmp_path / "b", b"2")], overwrite=False)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"a": b"1", "b": b"2"}


@pytest.mark.parametrize("overwrite", [False, True])
def test_when_one_file_fails_the_others_are_taken_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, overwrite: bool
) -> None:
    if overwrite:
        (tmp_path / "a").write_bytes(b"old")
    rename = storage._rename

    def fail_at_b(temporary: Path, target: Path, overwrite: bool) -> None:
        if target.name == "b":
            raise OSError(28, "No space left on device")
        rename(temporary, target, overwrite)

    monkeypatch.setattr(storage, "_rename", fail_at_b)
    with pytest.raises(OutputError, match="b: cannot be written"):
        publish_all([(tmp_path / "a", b"1"), (tmp_path / "b", b"2")], overwrite)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == ({"a": b"old"} if overwrite else {})
