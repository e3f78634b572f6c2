"""Temporary files beside their targets: held by a descriptor and a lock, and swept away when their run was killed.

A temporary file is used through its descriptor from its creation on: whoever else may write into the folder can put
a link in its place, but nothing is ever written through that. The lock tells the next run which temporary files still
belong to a living process; the system lets go of it when that dies.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import stat
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from gamutcli.arrays import StrPath  # which would bring numpy


try:
    import fcntl
except ImportError:  # Windows, where a file that a process holds open cannot be removed in the first place
    fcntl = None  # type: ignore[assignment]

_SHORT_NAME = 32  # bytes that a temporary name may always have
#: What is being written, and a former file that is kept until its successor and all that belongs to it are there.
WRITTEN, KEPT = "part", "kept"
_LEFT = re.compile(rf"\..*\.[0-9a-f]{{8}}\.{WRITTEN}(\.[^.]*)?")
_NO_FOLLOWING = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
#: What a look into a folder found that a living process had locked, which may be killed yet.
_seen: dict[Path, list[Path]] = {}
_PATIENCE, _PAUSE = 30.0, 0.005  # seconds: waited for a folder that another run is alone in, and between two looks


class Temporary:
    """An open file beside a target, which has its name for as long as it is not renamed.

    Args:
        target: The file that it is to become. Where that exists and is to be replaced, its permissions are the
            temporary file's from before the first byte on: what was private is so all the time.
        replaces: Whether the target may be replaced.

    Raises:
        OSError: It cannot be created.
    """

    def __init__(self, target: Path, replaces: bool) -> None:
        mode = _mode_of(target) if replaces else None
        while True:
            self.path = named_beside(target, WRITTEN)
            flags = os.O_CREAT | os.O_EXCL | os.O_RDWR | _NO_FOLLOWING
            self._descriptor = os.open(self.path, flags, 0o666 if mode is None else 0o600)
            try:
                _lock(self._descriptor)
                if self._has_its_name():  # else another run has swept it away before it was locked
                    if mode is not None:
                        _set_mode(self._descriptor, mode)
                    break
            except BaseException:
                self.remove()
                raise
            os.close(self._descriptor)
        self.file: BinaryIO = os.fdopen(self._descriptor, "rb+")

    def finish(self) -> None:
        """Let all that was written reach the disk.

        Raises:
            OSError: The disk is full, or somebody has put another file in the place of this one.
        """
        self.file.flush()
        os.fsync(self._descriptor)
        if not self._has_its_name():
            raise OSError(f"the temporary file {self.path.name} was taken away")
        if fcntl is None:  # Windows renames no open file
            self.file.close()

    def remove(self) -> None:
        """Close the file; its name goes with it, unless it has become the target."""
        with contextlib.suppress(OSError):
            if fcntl is None:
                self._close()
                self.path.unlink(missing_ok=True)
            elif self._has_its_name():
                self.path.unlink(missing_ok=True)
        self._close()

    def _close(self) -> None:
        with contextlib.suppress(OSError):
            if hasattr(self, "file"):
                self.file.close()
            else:
                os.close(self._descriptor)

    def _has_its_name(self) -> bool:
        try:
            found = self.path.lstat()
        except FileNotFoundError:
            return False
        ours = os.fstat(self._descriptor)
        return (found.st_dev, found.st_ino) == (ours.st_dev, ours.st_ino)


def named_beside(target: Path, use: str) -> Path:
    """Make up a hidden name beside a target that nobody has: `WRITTEN` or `KEPT` say for what."""
    return target.with_name(_beginning(target, len(_ending(target, use))) + _ending(target, use))


def kept_of(target: Path) -> list[Path]:
    """Former versions of a file that an interrupted run has kept."""
    return _found_beside(target, KEPT)


def remove_leftovers(path: StrPath) -> None:
    """Remove the temporary files that processes have left beside a target which were killed while they wrote it."""
    for left in _found_beside(Path(path), WRITTEN):
        _remove_if_left(left)


def sweep(folder: Path) -> None:
    """Remove what killed runs have left in a folder, which a process looks through once.

    Only files of our own user, under names that we give, that no living process has locked: those are tried again
    each time, for a worker may outlive a killed run.
    """
    if fcntl is None:
        return
    found = _seen[folder] if folder in _seen else _temporary_in(folder)
    _seen[folder] = [path for path in found if not _remove_if_left(path)]


@contextlib.contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Let no other run give names to files that belong together in a folder; the system ends it with the process.

    Renames take no time: whoever holds the folder for long is none of ours, and not waited for.
    """
    descriptor = -1
    if fcntl is not None:
        with contextlib.suppress(OSError):  # a folder that cannot be opened, or a file system without locks
            descriptor = os.open(folder, os.O_RDONLY)
            for _ in range(round(_PATIENCE / _PAUSE)):
                with contextlib.suppress(BlockingIOError):
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                time.sleep(_PAUSE)
    try:
        yield
    finally:
        if descriptor >= 0:
            os.close(descriptor)


def _temporary_in(folder: Path) -> list[Path]:
    """Find all files in a folder under names that are given while they are written."""
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        return [
            Path(entry.path)
            for entry in entries
            if _LEFT.fullmatch(entry.name) and entry.is_file(follow_symlinks=False)
        ]
    return []


def _found_beside(target: Path, use: str) -> list[Path]:
    """Find the hidden files beside a target that are of this use."""
    ending = _ending(target, use)
    beginning = re.escape(_beginning(target, len(ending)))
    pattern = re.compile(rf"{beginning}\.[0-9a-f]{{8}}\.{use}{re.escape(target.suffix)}")
    with contextlib.suppress(OSError):
        return sorted(path for path in target.parent.iterdir() if pattern.fullmatch(path.name))
    return []


def _remove_if_left(path: Path) -> bool:
    """Remove a temporary file, unless a living process has it; tell whether none has."""
    try:
        if fcntl is None:  # what a living process holds open cannot be removed
            path.unlink()
            return True
        descriptor = os.open(path, os.O_RDWR | os.O_NONBLOCK | _NO_FOLLOWING)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            found = os.fstat(descriptor)
            if stat.S_ISREG(found.st_mode) and found.st_uid == os.geteuid():
                path.unlink()
        finally:
            os.close(descriptor)
    except BlockingIOError:
        return False
    except OSError:  # it is gone, or not ours to remove
        pass
    return True


def _ending(target: Path, use: str) -> str:
    return f".{secrets.token_hex(4)}.{use}{target.suffix}"


def _beginning(target: Path, ending: int) -> str:
    # No longer than the target's own name: systems limit names, and Windows whole paths.
    limit = max(_SHORT_NAME, len(os.fsencode(target.name)))
    stem = os.fsencode(f".{target.stem}")[: max(1, limit - ending)]
    # Cut within a letter, or of an encoding that this system does not speak, the stem loses what cannot be named.
    return stem.decode(sys.getfilesystemencoding(), errors="ignore")


def _lock(descriptor: int) -> None:
    if fcntl is not None:
        with contextlib.suppress(OSError):  # a file system without locks, where nothing is swept either
            fcntl.flock(descriptor, fcntl.LOCK_EX)


def _mode_of(target: Path) -> int | None:
    if fcntl is None:  # Windows knows only "read-only", and neither replaces nor removes such a file
        return None
    try:
        return stat.S_IMODE(target.stat().st_mode)
    except OSError:  # none there
        return None


def _set_mode(descriptor: int, mode: int) -> None:
    with contextlib.suppress(OSError):  # a file system without permissions
        os.fchmod(descriptor, mode)
