"""What a run writes down as it goes, for those that come after it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from gamutcli.batch.digests import state_of, states_of
from gamutcli.batch.elsewhere import Parts
from gamutcli.batch.manifest import BEGUN, FAILED, Manifest, Record
from gamutcli.batch.manifest import DONE as WRITTEN_DONE
from gamutcli.batch.units import DONE, REFUSED, SKIPPED, Outcome, Task
from gamutcli.errors import OutputError
from gamutcli.payload.sidecar import SUFFIX
from gamutcli.storage import remote


class Book:
    """Writes down what is begun and ended.

    Args:
        folder: Of the results.
        settings: Digest of the settings.
        warn: Hears once where it cannot be written down.
    """

    def __init__(self, folder: Path, settings: str, warn: Callable[[str], None]) -> None:
        address = remote.address_of(folder)
        self._manifest = Manifest(folder) if address is None else Parts(address)
        self._settings = settings
        self._warn = warn
        self._has_warned = False

    def began(self, task: Task) -> None:
        """Write down what stands where a result will appear, so that it can be told whether it has."""
        record = Record(
            file=task.file,
            state=BEGUN,
            source=task.relative,
            inputs=states_of(task.inputs),
            settings=self._settings,
            output=state_of(task.target),
            beside=state_of(task.target + SUFFIX) if task.command == "reduce" else None,
        )
        self._add(record)

    def note_end(self, outcome: Outcome) -> None:
        """Write down what a later run has to know: what was refused was not touched, what broke off has only begun."""
        died = outcome.is_lost and outcome.task.attempt == 1
        if outcome.state == REFUSED or (outcome.state == FAILED and (died or not outcome.is_lasting)):
            return
        self._add(
            Record(
                file=outcome.task.file,
                state=WRITTEN_DONE if outcome.state in (DONE, SKIPPED) else FAILED,
                source=outcome.task.relative,
                inputs=outcome.inputs or states_of(outcome.task.inputs),
                settings=self._settings,
                digest=outcome.digest,
                output=outcome.output,
                reason=outcome.reason if outcome.state == FAILED else "",
                exit_code=outcome.exit_code,
                seconds=round(outcome.seconds, 3),
                pixels=outcome.pixels,
            )
        )

    def _add(self, record: Record) -> None:
        try:
            self._manifest.add(record)
        except OutputError as error:
            if not self._has_warned:
                self._warn(f"{error} What is done will be looked at again by the next run.")
            self._has_warned = True

    def close(self) -> None:
        """Close the manifest."""
        try:
            self._manifest.close()
        except OutputError as error:
            self._warn(f"{error} What is done will be looked at again by the next run.")
