"""A picture to be worked on, and what became of it: plain values, which travel between processes and machines."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from gamutcli.batch.digests import State, state_of

DONE, SKIPPED, FAILED, REFUSED = "done", "skipped", "failed", "refused"
STATES = (DONE, SKIPPED, FAILED, REFUSED)


@dataclass(frozen=True)
class Task:
    """One picture, and what is to be done with it.

    Attributes:
        command: "reduce", "expand" or "eval".
        source: The picture.
        relative: Its name below the folder that it was found in.
        target: The result.
        file: Its name below the folder of results.
        reference: The original that a picture is compared with; empty where there is none.
        settings: Keyword arguments of the library's function.
        overwrite: Whether a result that stands there may be replaced.
        preserve_time: Whether the result gets the source's time.
        check: Why the result that stands there has to be looked at first; empty where there is none.
        digest: That the source had when that was made; empty where nobody knows.
        tidy: Whether an earlier process may have left a temporary file.
        has_changed: Whether this run has had its source before, when that was another one.
        attempt: 2 where the process that had it before has died.
        memory: Bytes that it will take, about.
        called: What files that were brought here are called where they belong.
    """

    command: str
    source: str
    relative: str
    target: str
    file: str
    reference: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    overwrite: bool = False
    preserve_time: bool = False
    check: str = ""
    digest: str = ""
    tidy: bool = False
    has_changed: bool = False
    attempt: int = 1
    memory: int = 0
    called: Mapping[str, str] = field(default_factory=dict)

    @property
    def inputs(self) -> tuple[str, ...]:
        """Every file that the result is made from."""
        if self.command == "reduce":
            return (self.source,)
        sidecar = f"{self.source}.gamut"
        return (self.source, sidecar, self.reference) if self.reference else (self.source, sidecar)


@dataclass(frozen=True)
class Outcome:
    """What became of a picture.

    Attributes:
        task: What was to be done.
        state: "done", "skipped", "failed" or "refused".
        reason: Why, of all but "done".
        exit_code: Of the single command.
        seconds: That it took.
        inputs: States of the files that it was made from, when the work began.
        digest: Of what they hold.
        output: State of the result.
        result: Of the library's function, as plain values.
        trace: Of an error.
        is_lost: Whether the process that had it has died.
        is_lasting: Whether a failure is the picture's own, and not that of a disk, say, or of whoever ended a process.
    """

    task: Task
    state: str
    reason: str = ""
    exit_code: int = 0
    seconds: float = 0.0
    inputs: tuple[State | None, ...] = ()
    digest: str = ""
    output: State | None = None
    result: dict[str, Any] = field(default_factory=dict)
    trace: str = ""
    is_lost: bool = False
    is_lasting: bool = True

    @property
    def pixels(self) -> int:
        """Of the picture; 0 where that is not known."""
        return int(self.result.get("width", 0)) * int(self.result.get("height", 0))

    @property
    def notes(self) -> tuple[str, ...]:
        """What is to be told of it."""
        return tuple(self.result.get("notes", ()))


def refusal(task: Task, why: str) -> str:
    """Say why a result that stands there stays, and what replaces it."""
    return f"{task.target}: {why}; --overwrite makes it again."


def repeat(task: Task) -> Task:
    """What to do with a picture whose process has died, perhaps when the result had just appeared."""
    check = "" if state_of(task.target) is None else "done by a process that has died since"
    return replace(task, check=task.check or check, tidy=True, attempt=2)
