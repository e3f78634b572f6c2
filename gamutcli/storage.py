"""Files appear whole or not at all: a temporary file beside the target, synced, then renamed.

An interrupted run leaves the old file or none, and never a partial one.
"""

from __future__ import annotations

import contextlib
import errno
import glob
import os
import secrets
import shutil
import stat
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

from gamutcli.arrays import StrPath
from gamutcli.errors import OutputError, UsageError

_WINDOWS = os.name == "nt"
# File systems without hard links (FAT, some network shares) answer os.link with one of these; EINVAL is what Python
# makes of Windows's answers.
_NO_LINKS = frozenset(
    {errno.EPERM, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP, errno.EMLINK, errno.EXDEV, errno.EINVAL}
)
_SHORT_NAME = 32  # bytes that a temporary name may always have
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
    if _WINDOWS and means_no_file_on_windows(target):
        raise OutputError(f"{target}: is no name for a file on Windows; choose another one.")
    try:
        if not folder.is_dir():
            raise OutputError(f"{target}: the folder {folder} does not exist; create it first.")
        if target.is_dir():
            raise OutputError(f"{target}: is a folder; name a file in it.")
        if _taken(target):
            if not overwrite:
                raise _exists(target)
            if target.exists() and not target.is_file():
                raise OutputError(f"{target}: is not an ordinary file; name another target.")
    except (OSError, ValueError) as error:  # ValueError: a null byte in the name
        raise _unwritable(target, error) from error
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


def publish(path: StrPath, write: Callable[[Path], None] | bytes, overwrite: bool) -> None:
    """Write a file so that other processes see it complete or not at all.

    A link as target is followed: the file that it points to is replaced, the link stays.

    Args:
        path: The file to write.
        write: Its bytes, or a function that writes them to the temporary path it is given. The temporary path has
            the suffix of the target.
        overwrite: Whether an existing file may be replaced. Otherwise a file that appears in the meantime is kept,
            and this call fails.

    Raises:
        OutputError: The target exists, or cannot be written. Nothing is left behind.
    """
    publish_all([(path, write)], overwrite)


def publish_all(files: Sequence[tuple[StrPath, Callable[[Path], None] | bytes]], overwrite: bool) -> None:
    """Write several files that belong together: all of them appear, or none.

    All are complete on the disk before the first gets its name; when a later one cannot get its own, the earlier ones
    are taken back. Only a crash of the machine between two renames can leave a part, in the order given.

    Args:
        files: Targets and what to write, as `publish` takes them.
        overwrite: Whether existing files may be replaced.

    Raises:
        OutputError: A target exists, or cannot be written. Nothing is left behind.
    """
    for path, _ in files:
        check_target(path, overwrite)
    with contextlib.ExitStack() as stack:
        ready = []
        for path, write in files:
            target = Path(os.path.realpath(path)) if overwrite else Path(path)
            with _explained(Path(path)):
                ready.append((_written(target, write, overwrite, stack, Path(path)), target))
        with contextlib.ExitStack() as undo:
            for temporary, target in ready:
                with _explained(target):
                    back = _way_back(target, stack) if len(ready) > 1 else None
                    _rename(temporary, target, overwrite)
                    if back:
                        undo.callback(back)
            undo.pop_all()
        for folder in {target.parent for _, target in ready}:
            _sync_folder(folder)


def remove_leftovers(path: StrPath) -> None:
    """Remove the temporary files that processes have left beside a target which were killed while they wrote it.

    Nobody may be writing it meanwhile.
    """
    target = Path(path)
    pattern = glob.escape(_stem_beside(target)) + f".{'[0-9a-f]' * 8}.part" + glob.escape(target.suffix)
    for left in target.parent.glob(pattern):
        _remove(left)


def _written(
    target: Path, write: Callable[[Path], None] | bytes, overwrite: bool, stack: contextlib.ExitStack, named: Path
) -> Path:
    """Write a temporary file beside the target and sync it; the stack removes it, also after KeyboardInterrupt."""
    temporary = _temporary_beside(target)
    stack.callback(_remove, temporary)  # after a success the temporary name is gone already
    # Created here, exclusively, so that no file of another process can be followed or overwritten.
    os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
    if isinstance(write, bytes):
        temporary.write_bytes(write)
    else:
        with _by_its_name(temporary, named):
            write(temporary)
    _sync(temporary)
    if overwrite:
        _keep_mode(target, temporary)  # behind the sync, which needs a file that can be written
    return temporary


def _way_back(target: Path, stack: contextlib.ExitStack) -> Callable[[], None]:
    """Keep the old file under a second name, and return what brings it back, or removes the new one."""
    if not target.exists():
        return partial(_restore, target, None)
    kept = _temporary_beside(target)
    stack.callback(_remove, kept)
    try:
        os.link(target, kept)
    except OSError:
        shutil.copy2(target, kept)
    return partial(_restore, target, kept)


def _restore(target: Path, kept: Path | None) -> None:
    with contextlib.suppress(OSError):
        if kept is None:
            target.unlink(missing_ok=True)
        else:
            kept.replace(target)


def _remove(temporary: Path) -> None:
    with contextlib.suppress(OSError):
        temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def _explained(target: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise _unwritable(target, error) from error


@contextlib.contextmanager
def _by_its_name(temporary: Path, named: Path) -> Iterator[None]:
    """Let every error name the file that was asked for: nobody knows the temporary one."""
    try:
        yield
    except Exception as error:
        error.args = tuple(
            given.replace(str(temporary), str(named)).replace(temporary.name, named.name)
            if isinstance(given, str)
            else given
            for given in error.args
        )
        if isinstance(error, OSError) and error.filename is not None:
            error.filename = str(named)
        raise


def _taken(target: Path) -> bool:
    """Tell whether the name is in use, be it by a link that points nowhere."""
    try:
        target.lstat()
    except FileNotFoundError:
        return False
    return True


def _temporary_beside(target: Path) -> Path:
    return target.with_name(_stem_beside(target) + f".{secrets.token_hex(4)}.part{target.suffix}")


def _stem_beside(target: Path) -> str:
    ending = f".{'0' * 8}.part{target.suffix}"
    # No longer than the target's own name: systems limit names, and Windows whole paths.
    limit = max(_SHORT_NAME, len(os.fsencode(target.name)))
    stem = os.fsencode(f".{target.stem}")[: max(1, limit - len(os.fsencode(ending)))]
    # Cut within a letter, or of an encoding that this system does not speak, the stem loses what cannot be named.
    return stem.decode(sys.getfilesystemencoding(), errors="ignore")


def _rename(temporary: Path, target: Path, overwrite: bool) -> None:
    if overwrite:
        temporary.replace(target)
        return
    try:
        # Unlike a replace, a link never replaces a file that appeared since check_target.
        os.link(temporary, target)
    except FileExistsError as error:
        raise _exists(target) from error
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        if target.exists():
            raise _exists(target) from error
        temporary.rename(target)  # where Windows still refuses a file that has appeared


def _keep_mode(target: Path, temporary: Path) -> None:
    """Give the new file the permissions of the one that it replaces."""
    if _WINDOWS:  # which knows only "read-only", and neither replaces nor removes such a file
        return
    with contextlib.suppress(OSError):  # none there, or a file system without permissions
        temporary.chmod(stat.S_IMODE(target.stat().st_mode))


def _sync(path: Path) -> None:
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    """Make the new name durable too, where the system lets a folder be opened."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _exists(target: Path) -> OutputError:
    return OutputError(f"{target}: exists already; use --overwrite to replace it.")


def _unwritable(target: Path, error: Exception) -> OutputError:
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    # Windows lets nobody replace a file that a program holds open.
    open_elsewhere = _WINDOWS and isinstance(error, PermissionError)
    advice = (
        "close it in other programs, or choose another place" if open_elsewhere else "choose another place or make room"
    )
    return OutputError(f"{target}: cannot be written ({reason}); {advice}.")
