"""What is to be done with a picture, from what stands there and what was written down: a header read at most."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from gamutcli import storage
from gamutcli.batch.digests import State, state_of, states_of
from gamutcli.batch.headers import holds_payload
from gamutcli.batch.history import History
from gamutcli.batch.manifest import BEGUN, FAILED, Record
from gamutcli.batch.units import FAILED as FAILED_BEFORE
from gamutcli.batch.units import REFUSED, SKIPPED, Outcome, Task, refusal
from gamutcli.payload.sidecar import SUFFIX
from gamutcli.storage import remote

_BEFORE = "done before"
_FOUND = "done before, as a look at it shows"
_OTHER_SETTINGS = "was made with other settings"
_OTHER_SOURCE = "its source has changed since it was made"
_DAMAGED = "holds no payload that can be read, though it was made here"


@dataclass(frozen=True)
class Decider:
    """Decides about one picture after the other.

    Attributes:
        history: What was written down.
        settings: Digest of the settings.
        overwrite: Whether what is out of date, or of another origin, may be replaced.
        retry_failed: Whether to try again what has failed.
    """

    history: History
    settings: str
    overwrite: bool
    retry_failed: bool

    def decide(self, task: Task) -> Task | Outcome:
        """Return what is to be done; an outcome where that is nothing."""
        there = state_of(task.target)
        record = self.history.find(task.file)
        if record is None:
            return task if there is None else replace(task, check=_FOUND)
        if record.state == BEGUN:
            return self._after_begun(task, record, there)
        if record.state == FAILED:
            return self._after_failed(task, record, there)
        if there is None:
            return task
        return self._after_done(task, record, there)

    def _after_begun(self, task: Task, record: Record, there: State | None) -> Task | Outcome:
        """A process was killed at this very picture, perhaps after its result had appeared."""
        if there is None:
            sidecar = state_of(task.target + SUFFIX)
            is_ours = sidecar is not None and sidecar != record.beside  # it appears before its picture does
            return replace(task, tidy=True, overwrite=task.overwrite or is_ours)
        appeared = there != record.output and self._same(task, record)
        if remote.is_address(task.target):  # where not even a header is read at once
            appeared = False
        if appeared and self._is_sound(task):
            storage.remove_leftovers(task.target)
            return Outcome(task, SKIPPED, _BEFORE, output=there, inputs=record.inputs)
        return replace(task, check=_FOUND, tidy=True)

    def _after_failed(self, task: Task, record: Record, there: State | None) -> Task | Outcome:
        if self._same(task, record) and not self.retry_failed:
            reason = f"{record.reason} (failed before; --retry-failed tries again)"
            return Outcome(task, FAILED_BEFORE, reason, record.exit_code or 1, inputs=record.inputs)
        # What stood there before the failure stands there still.
        return replace(task, tidy=True, check="" if there is None else _FOUND)

    def _after_done(self, task: Task, record: Record, there: State) -> Task | Outcome:
        if record.settings != self.settings:
            return self._replaced(task, _OTHER_SETTINGS)
        if states_of(task.inputs) != record.inputs:
            return replace(task, check=_BEFORE, digest=record.digest)
        if record.output is not None and self._differ(task, there, record.output):
            return replace(task, check=_FOUND)
        if not self._is_sound(task):
            return self._replaced(task, _DAMAGED)
        return Outcome(task, SKIPPED, _BEFORE, output=there, inputs=record.inputs)

    def _differ(self, task: Task, there: State, written: State) -> bool:
        """Tell whether another result stands there than was written; of a bucket, the state says it of every byte."""
        return there != written if remote.is_address(task.target) else there.size != written.size

    def _replaced(self, task: Task, why: str) -> Task | Outcome:
        if self.overwrite:
            return task
        return Outcome(task, REFUSED, refusal(task, why), 1)

    def _same(self, task: Task, record: Record) -> bool:
        return record.settings == self.settings and record.inputs == states_of(task.inputs)

    def _is_sound(self, task: Task) -> bool:
        return task.command != "reduce" or remote.is_address(task.target) or holds_payload(Path(task.target))
