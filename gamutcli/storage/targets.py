"""May a file be written here, before any work is spent on it."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

from gamutcli.errors import OutputError, UsageError

if TYPE_CHECKING:
    from gamutcli.arrays import StrPath  # which would bring numpy

WINDOWS = os.name == "nt"
# Windows takes these for devices, in every folder and with every suffix.
_DEVICES = frozenset(
    {"con", "prn", "aux", "nul", *(f"{port}{number}" for port in ("com", "lpt") for number in "0123456789¹²³")}
)


def check_target(path: StrPath, overwrite: bool) -> None:
    """Refuse a target that could not be written, before any work is spent on it.

    Args:
        path: The file that is to be written.
        overwrite: Whether an existing file may be replaced.

    Raises:
        OutputError: The folder is missing or not writable, the target is a folder or another thing that is no
            file, or it exists and `overwrite` is false.
    """
    target = Path(path)
    folder = target.parent
    if WINDOWS and means_no_file_on_windows(target):
        raise OutputError(f"{target}: is no name for a file on Windows; choose another one.")
    try:
        if not folder.is_dir():
            raise OutputError(f"{target}: the folder {folder} does not exist; create it first.")
        if target.is_dir():
            raise OutputError(f"{target}: is a folder; name a file in it.")
        if is_taken(target):
            if not overwrite:
                raise exists_already(target)
            if target.exists() and not target.is_file():
                raise OutputError(f"{target}: is not an ordinary file; name another target.")
    except (OSError, ValueError) as error:  # ValueError: a null byte in the name
        raise unwritable(target, error) from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise OutputError(f"{target}: the folder {folder} is not writable; choose another one.")


def check_other(path: StrPath, source: StrPath) -> None:
    """Refuse a target that is the source, be it under another name or, where case does not count, in other letters.

    Raises:
        UsageError: It is; written, it would take the place of what cannot be made again from it.
    """
    with contextlib.suppress(OSError, ValueError):  # one of them is not there: they differ
        if Path(path).samefile(source):
            raise UsageError(f"{os.fspath(path)}: is the input too; name another output.")


def means_no_file_on_windows(path: Path) -> bool:
    """Tell names that Windows would open as a device (NUL.tif), or as a hidden stream of another file (a:b.tif)."""
    return path.name.split(".")[0].rstrip().lower() in _DEVICES or ":" in path.name


def is_taken(target: Path) -> bool:
    """Tell whether the name is in use, be it by a link that points nowhere."""
    try:
        target.lstat()
    except FileNotFoundError:
        return False
    return True


def exists_already(target: Path) -> OutputError:
    """Make the error for a name that is in use."""
    return OutputError(f"{target}: exists already; use --overwrite to replace it.")


def unwritable(target: Path, error: Exception) -> OutputError:
    """Make the error for a target that the system did not let us write."""
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    # Windows lets nobody replace a file that a program holds open.
    open_elsewhere = WINDOWS and isinstance(error, PermissionError)
    advice = (
        "close it in other programs, or choose another place" if open_elsewhere else "choose another place or make room"
    )
    return OutputError(f"{target}: cannot be written ({reason}); {advice}.")
