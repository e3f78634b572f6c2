"""What a run writes down of its pictures: append-only JSON Lines in a hidden folder beside the results.

Every run writes a file of its own, so that no two processes ever write into one. A line is one write; one that was torn
by a crash or a full disk is passed over by whoever reads it.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from gamutcli.batch.digests import State
from gamutcli.errors import OutputError

#: Of the folder below that of the results.
FOLDER = ".gamut-batch"
SUFFIX = ".jsonl"

#: How a name begins: later manifests come behind earlier ones in the order of their names.
_BEGAN = "%Y%m%dT%H%M%S.%f"
BEGUN, DONE, FAILED = "begun", "done", "failed"


@dataclass(frozen=True)
class Record:
    """What one line says of one result.

    Attributes:
        file: The result, below the folder of results.
        state: "begun", "done" or "failed".
        source: The picture, below its own folder.
        inputs: States of the files that it is made from, when the work began.
        digest: Of what these files hold; empty before it is known.
        settings: Digest of the settings.
        output: State of the result; of a line "begun", of what stood in its place; None: there was none.
        beside: State of the sidecar that stood beside it then, of a line "begun".
        reason: Why it failed.
        exit_code: Of the failure.
        seconds: That the work took.
        pixels: Of the picture, 0 where it was not read.
    """

    file: str
    state: str
    source: str
    inputs: tuple[State | None, ...]
    settings: str
    digest: str = ""
    output: State | None = None
    beside: State | None = None
    reason: str = ""
    exit_code: int = 0
    seconds: float = 0.0
    pixels: int = 0

    def line(self) -> bytes:
        """Return it as a line of JSON; the file's name comes first, where a reader finds it without parsing more."""
        told = {name: value for name, value in vars(self).items() if value or name in ("file", "inputs")}
        return json.dumps(told).encode() + b"\n"

    @classmethod
    def read(cls, line: bytes) -> Record | None:
        """Return what a line says; None of a torn one."""
        try:
            told: dict[str, Any] = json.loads(line)
            told["inputs"] = tuple(None if state is None else State(*state) for state in told["inputs"])
            for name in ("output", "beside"):
                told[name] = State(*told[name]) if told.get(name) else None
            return cls(**told)
        except (ValueError, TypeError, KeyError):
            return None


class Manifest:
    """The file that this run appends to; made with its first line.

    Args:
        folder: Of the results.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder / FOLDER
        self._file: int | None = None
        self._torn = False

    def add(self, record: Record) -> None:
        """Append a line.

        Raises:
            OutputError: It cannot be written; the next line can be tried all the same.
        """
        # What a full disk tore stays a line of its own, which says nothing.
        line = (b"\n" if self._torn else b"") + record.line()
        try:
            if self._file is None:
                self._file = self._create()
            self._torn = os.write(self._file, line) < len(line)
        except OSError as error:
            raise OutputError(f"{self._folder}: no line can be added ({error.strerror}).") from error
        if self._torn:
            raise OutputError(f"{self._folder}: no line can be added (there is no room).")

    def close(self) -> None:
        """Close the file, its lines on the disk as far as the system knows."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _create(self) -> int:
        self._folder.mkdir(parents=True, exist_ok=True)
        name = f"{self._begin()}-{socket.gethostname().partition('.')[0]}-{os.getpid()}{SUFFIX}"
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | getattr(os, "O_BINARY", 0)
        return os.open(self._folder / name, flags, 0o666)

    def _begin(self) -> str:
        """The time now, or the next after that of the last manifest: clocks are set back, and no two are alike."""
        now = datetime.now(UTC).replace(tzinfo=None)
        for path in self._folder.glob(f"*{SUFFIX}"):
            with contextlib.suppress(ValueError):  # of another name
                began = datetime.strptime(path.name.partition("-")[0], _BEGAN)
                now = max(now, began + timedelta(microseconds=1))
        return now.strftime(_BEGAN)
