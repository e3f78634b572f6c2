"""Files appear whole or not at all: a temporary file beside the target, synced, then renamed.

An interrupted run leaves the old file or none, and never a partial one.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
from collections.abc import Callable
from pathlib import Path

from gamutcli.errors import OutputError

# File systems without hard links (FAT, some network shares) answer os.link with one of these.
_NO_LINKS = frozenset({errno.EPERM, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP, errno.EMLINK, errno.EXDEV})
_NAME_LIMIT = 255  # bytes of one file name on every common file system


def check_target(path: str | os.PathLike[str], overwrite: bool) -> None:
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


def publish(path: str | os.PathLike[str], write: Callable[[Path], None] | bytes, overwrite: bool) -> None:
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
    check_target(path, overwrite)
    target = Path(os.path.realpath(path)) if overwrite else Path(path)
    temporary = _temporary_beside(target)
    try:
        # Created here, exclusively, so that no file of another process can be followed or overwritten.
        os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
        if isinstance(write, bytes):
            temporary.write_bytes(write)
        else:
            write(temporary)
        if overwrite:
            _keep_mode(target, temporary)
        _sync(temporary)
        _rename(temporary, target, overwrite)
        _sync_folder(target.parent)
    except OSError as error:
        raise _unwritable(target, error) from error
    finally:
        # Also after KeyboardInterrupt. After a success the temporary name is gone already.
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def _taken(target: Path) -> bool:
    """Tell whether the name is in use, be it by a link that points nowhere."""
    try:
        target.lstat()
    except FileNotFoundError:
        return False
    return True


def _temporary_beside(target: Path) -> Path:
    ending = f".{secrets.token_hex(4)}.part{target.suffix}"
    stem = os.fsencode(f".{target.stem}")[: max(1, _NAME_LIMIT - len(os.fsencode(ending)))]
    return target.with_name(stem.decode(errors="ignore") + ending)


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
        temporary.replace(target)


def _keep_mode(target: Path, temporary: Path) -> None:
    """Give the new file the permissions of the one that it replaces."""
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
    return OutputError(f"{target}: cannot be written ({reason}); choose another place or make room.")


def note(path: str | os.PathLike[str], name: str, text: str) -> None:
    """Leave a note about a file beside its bytes, where the file system can (extended attributes, Linux).

    For what must not change the bytes: two files of the same content stay equal.
    """
    with contextlib.suppress(OSError, AttributeError):
        os.setxattr(path, f"user.{name}", text.encode())


def noted_number(path: str | os.PathLike[str], name: str) -> float | None:
    """Read a note that `note` left; None where there is none, or where it is no number."""
    try:
        return float(os.getxattr(path, f"user.{name}"))
    except (OSError, AttributeError, ValueError):
        return None
