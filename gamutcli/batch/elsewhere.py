"""The work on a picture that comes from a bucket, or goes into one: with files of this machine in between.

What was written down of a run whose results go into a bucket lies there too. Nothing can be appended to a remote file:
lines go up in parts, of which each is written once.
"""

from __future__ import annotations

import contextlib
import posixpath
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from gamutcli.batch.digests import state_of, states_of
from gamutcli.batch.history import History
from gamutcli.batch.manifest import FOLDER, SUFFIX, Manifest, Record
from gamutcli.batch.units import DONE, FAILED, Outcome, Task
from gamutcli.errors import GamutError, OutputError
from gamutcli.storage import remote

#: Lines, and seconds, after which a part of a manifest goes up.
_LINES, _SECONDS = 1000, 20.0


def is_elsewhere(task: Task) -> bool:
    """Tell whether a file of a task is not on this machine."""
    return any(map(remote.is_address, (task.source, task.target, task.reference)))


def perform_elsewhere(task: Task, perform: Callable[[Task], Outcome]) -> Outcome:
    """Do what a task says with copies of its files, and let what was made appear where it belongs.

    Args:
        task: Some of its files are not on this machine.
        perform: Does what a task says with files of this machine.
    """
    began = time.monotonic()
    try:
        with TemporaryDirectory(prefix="gamut-") as folder:
            inputs = states_of(task.inputs)
            local = _brought_here(task, Path(folder))
            outcome = perform(local)
            if outcome.state == DONE and remote.is_address(task.target):
                remote.upload_with_sidecar(Path(local.target), task.target, task.overwrite)
        said = {name: _named(value, local.called) for name, value in outcome.result.items()}
        reason = str(_named(outcome.reason, local.called))
        seconds, output = time.monotonic() - began, state_of(task.target)
        return replace(outcome, task=task, inputs=inputs, output=output, result=said, reason=reason, seconds=seconds)
    except GamutError as error:
        lasting = not isinstance(error, OutputError)
        return Outcome(task, FAILED, str(error), error.exit_code, time.monotonic() - began, is_lasting=lasting)


def _brought_here(task: Task, folder: Path) -> Task:
    """Bring down what a task needs, the result that stands there included where that is to be looked at."""
    found: dict[str, Any] = {}
    for field in ("source", "reference", "target"):
        address = getattr(task, field)
        if not remote.is_address(address):
            continue
        (folder / field).mkdir()
        file = folder / field / posixpath.basename(address)
        if field != "target" or task.check:
            remote.download_with_sidecar(address, file)
        else:
            remote.check_free(address, task.overwrite)
        found[field] = str(file)
    called = {here: getattr(task, field) for field, here in found.items()}
    return replace(task, tidy=False, called=called, **found)


def _named(value: object, names: Mapping[str, str]) -> object:
    """Say the names that files have elsewhere in place of those that they had here."""
    if isinstance(value, str):
        for here, there in names.items():
            value = value.replace(here, there)
    elif isinstance(value, (list, tuple)):
        return [_named(one, names) for one in value]
    return value


class Parts(Manifest):
    """A manifest that goes up part by part; the last lines of a run that is killed are lost, and with them some time.

    Args:
        address: Of the folder of results.
    """

    def __init__(self, address: str) -> None:
        self._folder_here = TemporaryDirectory(prefix="gamut-")
        super().__init__(Path(self._folder_here.name))
        self._address = address
        self._lines = 0
        self._began = 0.0

    def add(self, record: Record) -> None:
        """Append a line, and let a part go up now and then.

        Raises:
            OutputError: It cannot be written, or does not go up; the next line can be tried all the same.
        """
        if not self._lines:
            self._began = time.monotonic()
        super().add(record)
        self._lines += 1
        if self._lines >= _LINES or time.monotonic() - self._began > _SECONDS:
            self._send()

    def close(self) -> None:
        """Let the last part go up."""
        try:
            self._send()
        finally:
            self._folder_here.cleanup()

    def _send(self) -> None:
        self._lines = 0
        super().close()
        for part in sorted(Path(self._folder_here.name, FOLDER).glob(f"*{SUFFIX}")):
            remote.upload(part, f"{self._address}/{FOLDER}/{part.name}", overwrite=False)
            part.unlink()


@contextlib.contextmanager
def open_history(folder: Path) -> Iterator[History]:
    """Give what earlier runs have written down below a folder of results, wherever that is."""
    address = remote.address_of(folder)
    if address is None:
        yield History(folder)
        return
    with TemporaryDirectory(prefix="gamut-") as here:
        _bring_history(address, Path(here))
        yield History(Path(here))


def _bring_history(address: str, folder: Path) -> None:
    (folder / FOLDER).mkdir()
    if not remote.is_folder(f"{address}/{FOLDER}"):
        return
    for name, _ in remote.list_folder(f"{address}/{FOLDER}"):
        if name.endswith(SUFFIX):
            remote.download(f"{address}/{FOLDER}/{name}", folder / FOLDER / name)
