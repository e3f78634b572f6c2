"""Files appear whole or not at all: a temporary file beside the target, synced, then renamed.

An interrupted run leaves the old file or none, and never a partial one.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from gamutcli.storage.signals import undisturbed
from gamutcli.storage.targets import check_target, exists_already, unwritable
from gamutcli.storage.temporary import KEPT, Temporary, alone_in, kept_of, named_beside, sweep

if TYPE_CHECKING:
    from gamutcli.arrays import StrPath  # which would bring numpy

# File systems without hard links (FAT, some network shares) answer os.link with one of these; EINVAL is what Python
# makes of Windows's answers.
_NO_LINKS = frozenset(
    {errno.EPERM, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP, errno.EMLINK, errno.EXDEV, errno.EINVAL}
)

#: The bytes of a file, or a function that writes them into the open file that it is given.
Content = bytes | Callable[[BinaryIO], None]


def publish(path: StrPath, content: Content, overwrite: bool) -> None:
    """Write a file so that other processes see it complete or not at all.

    A link as target is followed: the file that it points to is replaced, the link stays.

    Args:
        path: The file to write.
        content: What is to be in it.
        overwrite: Whether an existing file may be replaced. Otherwise a file that appears in the meantime is kept,
            and this call fails.

    Raises:
        OutputError: The target exists, or cannot be written. Nothing is left behind.
    """
    publish_all([(path, content)], overwrite)


def publish_all(files: Sequence[tuple[StrPath, Content]], overwrite: bool) -> None:
    """Write several files that belong together: all of them appear, or none.

    All are complete on the disk before the first gets its name; when a later one cannot get its own, the earlier ones
    are taken back. Only a kill between two renames can leave a part, in the order given; former files are then still
    there under hidden names, see `kept_of`. Of several runs that write the same files, the last one's are there.

    Args:
        files: Targets and what to write, as `publish` takes them.
        overwrite: Whether existing files may be replaced.

    Raises:
        OutputError: A target exists, or cannot be written. Nothing is left behind.
    """
    for path, _ in files:
        check_target(path, overwrite)
    stack = contextlib.ExitStack()
    try:
        ready = []
        for path, content in files:
            target = Path(os.path.realpath(path)) if overwrite else Path(path)
            sweep(target.parent)
            with _explained(Path(path)):
                ready.append((_written(target, content, overwrite, stack), target))
        for folder in sorted({target.parent for _, target in ready}) if len(ready) > 1 else ():
            stack.enter_context(alone_in(folder))  # or the files of two runs would be there, some of each
        with undisturbed():
            _give_names(ready, overwrite, stack)
            stack.close()
    except BaseException:
        with undisturbed():
            stack.close()
        raise


def _give_names(ready: Sequence[tuple[Temporary, Path]], overwrite: bool, stack: contextlib.ExitStack) -> None:
    """Rename temporary files to their targets, all of them or none."""
    with contextlib.ExitStack() as undo:
        for temporary, target in ready:
            with _explained(target):
                back = _way_back(target, stack) if len(ready) > 1 else None
                _rename(temporary.path, target, overwrite)
                if back:
                    undo.callback(back)
        undo.pop_all()
    for folder in {target.parent for _, target in ready}:
        _sync_folder(folder)
    for _, target in ready if overwrite and len(ready) > 1 else ():
        for former in kept_of(target):  # of a run before this one, which was killed
            _remove(former)


def _written(target: Path, content: Content, overwrite: bool, stack: contextlib.ExitStack) -> Temporary:
    """Write a temporary file beside the target and sync it; the stack removes it, also after KeyboardInterrupt."""
    with undisturbed():
        temporary = Temporary(target, overwrite)
        stack.callback(temporary.remove)  # after a success the temporary name is gone already
    if isinstance(content, bytes):
        temporary.file.write(content)
    else:
        content(temporary.file)
    temporary.finish()
    return temporary


def _way_back(target: Path, stack: contextlib.ExitStack) -> Callable[[], None]:
    """Keep the old file under a second name, and return what brings it back, or removes the new one."""
    if not target.exists():
        return partial(_restore, target, None)
    kept = named_beside(target, KEPT)
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


def _remove(path: Path) -> None:
    with contextlib.suppress(OSError):
        path.unlink(missing_ok=True)


@contextlib.contextmanager
def _explained(target: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise unwritable(target, error) from error


def _rename(temporary: Path, target: Path, overwrite: bool) -> None:
    if overwrite:
        temporary.replace(target)
        return
    try:
        # Unlike a replace, a link never replaces a file that appeared since check_target.
        os.link(temporary, target)
    except FileExistsError as error:
        raise exists_already(target) from error
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        if target.exists():
            raise exists_already(target) from error
        temporary.rename(target)  # where Windows still refuses a file that has appeared


def _sync_folder(folder: Path) -> None:
    """Make the new name durable too, where the system lets a folder be opened."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
