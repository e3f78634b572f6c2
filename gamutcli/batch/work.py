"""The work on one picture, in whatever process: it can be repeated at will, and leaves a whole result or none."""

from __future__ import annotations

import errno
import os
import time
import traceback
from pathlib import Path
from typing import Any

from gamutcli import storage
from gamutcli.batch import checking
from gamutcli.batch.digests import content_digest, state_of, states_of
from gamutcli.batch.elsewhere import is_elsewhere, perform_elsewhere
from gamutcli.batch.making import write
from gamutcli.batch.units import DONE, FAILED, REFUSED, SKIPPED, Outcome, Task, refusal
from gamutcli.errors import DeviceError, GamutError, OutputError, explain

#: Errors that another machine, or this one with more room, may not make.
_OF_THE_PLACE = (OutputError, DeviceError, MemoryError)
#: What libraries give an error that is no system's, and what a system says of a place that no file has.
_OF_CONTENTS = (None, errno.EINVAL)


def perform(task: Task) -> Outcome:
    """Do what a task says; whatever goes wrong with the picture is part of the outcome."""
    return perform_elsewhere(task, _perform) if is_elsewhere(task) else _perform(task)


def _perform(task: Task) -> Outcome:
    began = time.perf_counter()
    inputs = states_of(task.inputs)
    digest = ""

    def outcome(state: str, **more: Any) -> Outcome:
        return Outcome(task, state, seconds=time.perf_counter() - began, inputs=inputs, digest=digest, **more)

    try:
        if task.tidy:
            storage.remove_leftovers(task.target)
        digest = content_digest(task.inputs)
        if task.check:
            difference = _difference(task, digest)
            if difference is None:
                return outcome(SKIPPED, reason=task.check, output=state_of(task.target))
            if not task.overwrite:
                return outcome(REFUSED, reason=refusal(task, difference), exit_code=1)
        result = make(task)
        return outcome(DONE, result=result, output=state_of(task.target))
    except Exception as error:
        code = error.exit_code if isinstance(error, GamutError) else 1
        return outcome(
            FAILED,
            reason=explain(task.source, error),
            exit_code=code,
            trace="".join(traceback.format_exception(error)).rstrip(),
            is_lasting=not _is_of_the_place(error),
        )


def _is_of_the_place(error: BaseException | None) -> bool:
    """Tell what a system answers, as that a file may not be read, from what is wrong with a picture."""
    if error is None or isinstance(error, _OF_THE_PLACE):
        return error is not None
    if isinstance(error, OSError):
        return error.errno not in _OF_CONTENTS
    return _is_of_the_place(error.__cause__)


def make(task: Task) -> dict[str, Any]:
    """Make the result, and return the figures that the library's function does."""
    target = Path(task.target)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{target}: its folder cannot be made ({error.strerror}); choose another place.") from error
    result = write(task, target, task.settings)
    if task.preserve_time:
        status = os.stat(task.source)
        os.utime(target, ns=(status.st_atime_ns, status.st_mtime_ns))
    return result


def _difference(task: Task, digest: str) -> str | None:
    """Why the result that stands there is not that of this task; None where it is."""
    if task.digest:
        return None if digest == task.digest else "its source has changed since it was made"
    return checking.difference(task)
