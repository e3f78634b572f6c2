"""A file appears whole or not at all."""

from __future__ import annotations

import errno
import os
import re
import signal
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, BinaryIO

import pytest

from gamutcli.errors import OutputError, UsageError
from gamutcli.storage import (
    check_other,
    check_target,
    kept_of,
    means_no_file_on_windows,
    publish,
    publish_all,
    publishing,
    remove_leftovers,
    targets,
    temporary,
)

if TYPE_CHECKING:
    from _typeshed import TraceFunction

posix = pytest.mark.skipif(os.name != "posix", reason="POSIX permissions and pipes")
bound_by_permissions = pytest.mark.skipif(
    os.name != "posix" or os.geteuid() == 0, reason="root may write anywhere, and Windows has other permissions"
)


@pytest.fixture
def windows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the module behave as on Windows; what Windows itself does, a test has to bring."""
    monkeypatch.setattr(targets, "WINDOWS", True)


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def test_bytes_become_the_file_and_nothing_else_is_left(tmp_path: Path) -> None:
    publish(tmp_path / "a.png", b"new", overwrite=False)
    assert (tmp_path / "a.png").read_bytes() == b"new"
    assert names(tmp_path) == ["a.png"]


def test_a_function_writes_to_a_hidden_file_beside_the_target_with_its_suffix(tmp_path: Path) -> None:
    seen: list[str] = []

    def write(file: BinaryIO) -> None:
        seen.extend(names(tmp_path))
        file.write(b"from a function")

    publish(tmp_path / "a.tif", write, overwrite=False)
    assert (tmp_path / "a.tif").read_bytes() == b"from a function"
    assert len(seen) == 1
    assert re.fullmatch(r"\.a\.[0-9a-f]{8}\.part\.tif", seen[0])
    assert names(tmp_path) == ["a.tif"]


@pytest.mark.parametrize("problem", [ValueError("no"), KeyboardInterrupt(), OSError(errno.ENOSPC, "No space left")])
def test_a_failure_in_the_middle_keeps_the_old_file_and_leaves_no_part(tmp_path: Path, problem: BaseException) -> None:
    (tmp_path / "a.tif").write_bytes(b"old")

    def write(file: BinaryIO) -> None:
        file.write(b"half")
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
    def write(file: BinaryIO) -> None:
        file.write(b"ours")
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


@posix
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


@posix
def test_a_file_that_is_read_only_may_be_replaced_and_stays_so(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"old")
    (tmp_path / "a.png").chmod(0o444)
    publish(tmp_path / "a.png", b"new", overwrite=True)
    assert (tmp_path / "a.png").read_bytes() == b"new"
    assert stat.S_IMODE((tmp_path / "a.png").stat().st_mode) == 0o444


@posix
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


@pytest.mark.parametrize("stem", ["a", "photograph-of-a-dahlia-in-the-garden-at-noon", "ä" * 125])
def test_the_temporary_name_is_short_or_no_longer_than_the_target(tmp_path: Path, stem: str) -> None:
    """Windows limits whole paths: where the target fits, the temporary file must."""
    seen: list[str] = []

    def write(file: BinaryIO) -> None:
        seen.extend(names(tmp_path))

    publish(tmp_path / f"{stem}.tif", write, overwrite=False)
    assert len(os.fsencode(seen[0])) <= max(32, len(os.fsencode(f"{stem}.tif")))


def test_a_target_that_a_program_holds_open_is_told_on_windows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, windows: None
) -> None:
    (tmp_path / "a.jpg").write_bytes(b"old")

    def held_open(self: Path, target: Path) -> None:
        raise PermissionError(errno.EACCES, "The process cannot access the file")

    monkeypatch.setattr(Path, "replace", held_open)
    with pytest.raises(
        OutputError, match=r"a\.jpg: cannot be written .*; close it in other programs, or choose another"
    ):
        publish(tmp_path / "a.jpg", b"new", overwrite=True)
    assert names(tmp_path) == ["a.jpg"]
    assert (tmp_path / "a.jpg").read_bytes() == b"old"


def test_windows_has_names_that_are_no_files(tmp_path: Path, windows: None) -> None:
    for name in ("NUL.tif", "con", "Com1.tar.tif", "lpt² .png", "photo:1.jpg"):
        assert means_no_file_on_windows(Path(name)), name
        with pytest.raises(OutputError, match="is no name for a file on Windows"):
            check_target(tmp_path / name, overwrite=False)
    for name in ("null.tif", "console.png", "com10.tif", "photo.con", "a.nul.tif"):
        assert not means_no_file_on_windows(Path(name)), name
        check_target(tmp_path / name, overwrite=False)


def test_elsewhere_such_names_are_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(targets, "WINDOWS", False)
    check_target(tmp_path / "nul.tif", overwrite=False)


def test_the_input_is_no_output_by_whatever_name(tmp_path: Path) -> None:
    source = tmp_path / "a.tif"
    source.write_bytes(b"the original")
    (tmp_path / "down").mkdir()
    (tmp_path / "hard.tif").hardlink_to(source)
    (tmp_path / "copy.tif").write_bytes(b"the original")
    for same in (source, tmp_path / "down" / ".." / "a.tif", tmp_path / "hard.tif"):
        with pytest.raises(UsageError, match="is the input too; name another output"):
            check_other(same, source)
    for other in (tmp_path / "copy.tif", tmp_path / "none.tif", Path("\0")):
        check_other(other, source)


def test_where_case_does_not_count_the_input_in_other_letters_is_no_output(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On such a system, `stat` finds a file by its name in any letters."""
    (tmp_path / "photo.tif").write_bytes(b"the original")
    find = os.stat

    def find_in_any_letters(path: Path | str, **how: bool) -> os.stat_result:
        folder, name = os.path.split(path)
        return find(Path(folder, name.lower()), **how)

    monkeypatch.setattr(os, "stat", find_in_any_letters)
    with pytest.raises(UsageError, match=r"Photo\.TIF: is the input too"):
        check_other(tmp_path / "Photo.TIF", tmp_path / "photo.tif")


@posix
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


@posix
def test_files_of_two_runs_never_stand_side_by_side(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second run comes when the first has given the name to one of its two files; it has to wait."""
    pair = [tmp_path / "a.jpg.gamut", tmp_path / "a.jpg"]
    others = threading.Thread(target=lambda: publish_all([(path, b"second") for path in pair], overwrite=True))
    rename = publishing._rename

    def interrupted(temporary: Path, target: Path, overwrite: bool) -> None:
        rename(temporary, target, overwrite)
        if not others.ident:
            others.start()
            others.join(1)  # time enough for all that it would do, were it not held up

    monkeypatch.setattr(publishing, "_rename", interrupted)
    publish_all([(path, b"first") for path in pair], overwrite=True)
    others.join()
    assert [path.read_bytes() for path in pair] == [b"second", b"second"]
    assert names(tmp_path) == ["a.jpg", "a.jpg.gamut"]


@posix
def test_a_folder_that_somebody_holds_for_ever_is_written_to_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(temporary, "_PATIENCE", 0.05)
    with temporary.alone_in(tmp_path):
        publish_all([(tmp_path / "a", b"1"), (tmp_path / "b", b"2")], overwrite=False)
    assert names(tmp_path) == ["a", "b"]


@pytest.mark.parametrize("has_links", [True, False])
@pytest.mark.parametrize("overwrite", [False, True])
def test_when_one_file_fails_the_others_are_taken_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, overwrite: bool, has_links: bool
) -> None:
    def no_links(*_: object) -> None:
        raise OSError(errno.EOPNOTSUPP, "Operation not supported")

    if not has_links:
        monkeypatch.setattr(os, "link", no_links)
    if overwrite:
        (tmp_path / "a").write_bytes(b"old")
    rename = publishing._rename

    def fail_at_b(temporary: Path, target: Path, overwrite: bool) -> None:
        if target.name == "b":
            raise OSError(28, "No space left on device")
        rename(temporary, target, overwrite)

    monkeypatch.setattr(publishing, "_rename", fail_at_b)
    with pytest.raises(OutputError, match="b: cannot be written"):
        publish_all([(tmp_path / "a", b"1"), (tmp_path / "b", b"2")], overwrite)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == ({"a": b"old"} if overwrite else {})


def interrupted_at(step: int, call: Callable[[], None]) -> bool:
    """Let a signal come before a line of the call, as the command line heeds it; false where it has fewer lines."""
    passed = 0

    def leave(number: int, frame: object) -> None:
        signal.signal(signal.SIGINT, lambda *_: None)
        raise KeyboardInterrupt

    def count(frame: FrameType, event: str, _: object) -> TraceFunction | None:
        nonlocal passed
        passed += event == "line"
        if passed == step and event == "line":
            sys.settrace(None)
            signal.raise_signal(signal.SIGINT)
        return count

    before, tracing = signal.signal(signal.SIGINT, leave), sys.gettrace()
    try:
        sys.settrace(count)
        call()
    except KeyboardInterrupt:
        return True
    finally:
        sys.settrace(tracing)
        signal.signal(signal.SIGINT, before)
    return False


@posix
@pytest.mark.parametrize("former", [True, False])
@pytest.mark.parametrize("count", [1, 2])
def test_wherever_a_signal_comes_nothing_is_left_and_all_are_there_or_none(
    tmp_path: Path, count: int, former: bool
) -> None:
    """At every line that runs, one after the other."""
    step, seen = 0, set()
    interrupted = True
    while interrupted:
        step += 1
        folder = tmp_path / str(step)
        folder.mkdir()
        paths = [folder / name for name in "ab"[:count]]
        for path in paths if former else ():
            path.write_bytes(b"old")
        interrupted = interrupted_at(step, lambda paths=paths: publish_all([(path, b"new") for path in paths], former))
        contents = {path.read_bytes() for path in paths if path.exists()}
        assert names(folder) in ([], [path.name for path in paths]), f"line {step}"
        assert len(contents) <= 1, f"line {step}"
        seen |= contents or {b""}
    assert seen == {b"old" if former else b"", b"new"}


# Private all the time, and never through somebody else's link.


@posix
def test_what_is_private_is_private_before_the_first_byte(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"old")
    (tmp_path / "a.png").chmod(0o600)
    modes: list[int] = []

    def write(file: BinaryIO) -> None:
        modes.append(stat.S_IMODE(os.fstat(file.fileno()).st_mode))

    publish(tmp_path / "a.png", write, overwrite=True)
    assert modes == [0o600]


@posix
def test_nothing_is_written_through_a_link_that_takes_the_temporary_name(tmp_path: Path) -> None:
    (tmp_path / "theirs").write_bytes(b"precious")

    def write(file: BinaryIO) -> None:
        (part,) = tmp_path.glob(".a.*")
        part.unlink()
        part.symlink_to("theirs")
        file.write(b"ours")

    with pytest.raises(OutputError, match=r"a\.png: cannot be written \(the temporary file .* was taken away\)"):
        publish(tmp_path / "a.png", write, overwrite=True)
    assert (tmp_path / "theirs").read_bytes() == b"precious"
    assert not (tmp_path / "a.png").exists()


# What a killed run leaves.

WRITING = """
import sys, time
from pathlib import Path
from gamutcli.storage import publish

def write(file):
    file.write(b"half")
    file.flush()
    print("writing", flush=True)
    time.sleep(600)

publish(Path(sys.argv[1]), write, overwrite=False)
"""


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process in the middle of writing a.png."""
    with subprocess.Popen([sys.executable, "-c", WRITING, str(tmp_path / "a.png")], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield process
        process.kill()


@posix
def test_the_next_run_removes_what_a_killed_one_has_left(
    tmp_path: Path, writer: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(temporary, "_seen", {})
    (left,) = names(tmp_path)
    writer.send_signal(signal.SIGKILL)
    writer.wait()
    assert names(tmp_path) == [left]
    publish(tmp_path / "b.png", b"new", overwrite=False)
    assert names(tmp_path) == ["b.png"]


@posix
def test_what_a_living_process_writes_is_let_alone(
    tmp_path: Path, writer: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(temporary, "_seen", {})
    (writing,) = names(tmp_path)
    publish(tmp_path / "b.png", b"new", overwrite=False)
    assert names(tmp_path) == sorted([writing, "b.png"])


@posix
def test_a_worker_that_outlives_its_run_leaves_nothing_either(
    tmp_path: Path, writer: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(temporary, "_seen", {})
    publish(tmp_path / "b.png", b"new", overwrite=False)
    writer.kill()
    writer.wait()
    publish(tmp_path / "c.png", b"new", overwrite=False)
    assert names(tmp_path) == ["b.png", "c.png"]


def test_files_with_names_that_we_do_not_give_are_let_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(temporary, "_seen", {})
    theirs = [".a.part.png", ".a.1234567g.part.png", "a.12345678.part.png", ".a.12345678.part.png.bak"]
    for name in theirs:
        (tmp_path / name).write_bytes(b"")
    publish(tmp_path / "b.png", b"new", overwrite=False)
    assert names(tmp_path) == sorted([*theirs, "b.png"])


def test_a_former_file_that_a_killed_run_kept_is_found_until_it_is_replaced(tmp_path: Path) -> None:
    """It was killed between the two renames: the old a has a hidden name, the new one has its own."""
    (tmp_path / "a.x").write_bytes(b"newer")
    (tmp_path / ".a.12345678.kept.x").write_bytes(b"old")
    (tmp_path / "b").write_bytes(b"old")
    assert [path.name for path in kept_of(tmp_path / "a.x")] == [".a.12345678.kept.x"]
    publish_all([(tmp_path / "a.x", b"newest"), (tmp_path / "b", b"newest")], overwrite=True)
    assert names(tmp_path) == ["a.x", "b"]


@pytest.mark.parametrize("name", ["photo.jpg", "a[1]*.v2.jpg", "x" * 250 + ".jpg"])
def test_what_a_killed_process_has_left_is_removed_and_nothing_else(tmp_path: Path, name: str) -> None:
    target = tmp_path / name
    left = temporary.named_beside(target, temporary.WRITTEN)
    others = [
        target,
        temporary.named_beside(tmp_path / "other.jpg", temporary.WRITTEN),
        tmp_path / ".photo.jpg",
        tmp_path / "a.part.jpg",
    ]
    for path in (left, *others):
        path.touch()
    remove_leftovers(target)
    assert sorted(tmp_path.iterdir()) == sorted(others)
