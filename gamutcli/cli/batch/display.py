"""What `gamut batch` says: a line a picture, JSON Lines, or on a terminal how far it is; in the end the counts."""

from __future__ import annotations

import json
import math
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from gamutcli.batch.run import INTERRUPTED, Counts
from gamutcli.batch.units import DONE, FAILED, REFUSED, SKIPPED, STATES, Outcome
from gamutcli.cli import console
from gamutcli.cli.batch.live import Live
from gamutcli.measuring.words import difference, printable

if TYPE_CHECKING:
    from gamutcli.batch.names import Name
    from gamutcli.batch.shard import Shard

#: Of a shell whose program was interrupted.
_INTERRUPTED = 130


class Display:
    """Says what becomes of pictures.

    Args:
        quiet: Errors and JSON only.
        verbose: 1 tells what is noted of each picture, 2 also shows tracebacks.
        as_json: An object a line.
    """

    def __init__(self, *, quiet: bool, verbose: int, as_json: bool) -> None:
        self._quiet = quiet
        self._verbose = verbose
        self._as_json = as_json
        self._live: Live | None = None
        self._notes: dict[str, int] = {}

    @contextmanager
    def shown(self, names: Iterable[Name | None] | None, shard: Shard) -> Iterator[None]:
        """Show how far it is, where a terminal watches.

        Args:
            names: Are counted meanwhile; None: they come one by one.
            shard: The part of them that counts.
        """
        if self._quiet or not sys.stderr.isatty():
            yield
            return
        ended = threading.Event()
        with Live() as live:
            self._live = live
            if names is not None:
                threading.Thread(target=_count, args=(names, shard, live, ended), daemon=True).start()
            try:
                yield
            finally:
                ended.set()
                self._live = None

    def tell(self, outcome: Outcome) -> None:
        """Say what became of a picture."""
        if self._live:
            self._live.add(outcome)
        if self._as_json:
            self._out(json.dumps(_object(outcome)))
        elif outcome.state in (DONE, SKIPPED) and not self._quiet and not self._live:
            self._out(_line(outcome))
        if outcome.state in (FAILED, REFUSED):
            if self._verbose >= 2 and outcome.trace:
                self._err(outcome.trace)
            self._err(f"gamut: error: {printable(' '.join(outcome.reason.split()))}")
        for note in outcome.notes if outcome.state == DONE else ():
            self._notes[note] = self._notes.get(note, 0) + 1
            if self._verbose and not self._quiet:
                self._err(f"gamut: warning: {printable(f'{outcome.task.source}: {note}')}")

    def say(self, message: str) -> None:
        """Say something about the run."""
        self._err(f"gamut: {printable(message)}")

    def warn(self, message: str) -> None:
        """Say what is wrong with no picture."""
        self._err(f"gamut: warning: {printable(message)}")

    def close(self, counts: Counts) -> int:
        """Say what it came to, and return the exit code."""
        code = _INTERRUPTED if counts.stopped == INTERRUPTED else counts.exit_code
        if self._as_json:
            self._out(json.dumps({"counts": _counted(counts), **_sums(counts), "exit_code": code}))
        elif not self._quiet:
            self._tell_notes()
            console.say(_table(counts))
        if counts.stopped:
            console.error(f"{counts.stopped}; the same command goes on from here")
        return code

    def _tell_notes(self) -> None:
        if self._verbose:  # told already
            return
        for note, count in sorted(self._notes.items(), key=lambda pair: -pair[1])[:5]:
            console.warning(f"{count} {'picture' if count == 1 else 'pictures'}: {note}")
        if len(self._notes) > 5:
            console.warning(f"{len(self._notes) - 5} other notes; -v tells them")

    def _out(self, text: str) -> None:
        """Print on stdout, at once: another program may be waiting for it."""
        console.say(text)
        sys.stdout.flush()

    def _err(self, text: str) -> None:
        if self._live:
            self._live.say(text)
        else:
            console.say(text, err=True)


def _count(names: Iterable[Name | None], shard: Shard, live: Live, ended: threading.Event) -> None:
    """Count the pictures, beside the work on them."""
    count = 0
    for name in names:
        if ended.is_set():
            return
        if name is not None and shard.holds(name.relative):
            count += 1
            if count % 1000 == 0:
                time.sleep(0)
    live.expect(count)


def _object(outcome: Outcome) -> dict[str, Any]:
    task = outcome.task
    told = {"state": outcome.state, "source": task.source, "file": task.target}
    if outcome.state != DONE:
        told["reason"] = outcome.reason
    return {**told, "exit_code": outcome.exit_code, "seconds": round(outcome.seconds, 3), **outcome.result} | told


def _line(outcome: Outcome) -> str:
    head = f"{outcome.state} {printable(outcome.task.target)}"
    if outcome.state != DONE:
        return f"{head}: {printable(outcome.reason)}"
    return f"{head}: {_facts(outcome.task.command, outcome.result)}, {outcome.seconds:.1f} s"


def _facts(command: str, result: dict[str, Any]) -> str:
    share = console.percent(result["og_pct"])
    if command == "reduce":
        if result["psnr_og"] is None and result["clip_psnr_og"] is None and not result["og_pct"]:
            return "every colour fits into sRGB"
        gained = console.gain(result["clip_psnr_og"], result["psnr_og"])
        near = f"99 % below dE {difference(result['de2000_og_p99'])}"
        return f"{result['payload_bytes']:,} bytes for {share} out of gamut, {gained}, {near}"
    if command == "expand":
        return f"{result['width']} x {result['height']} px, {share} of the pixels restored"
    plain, restored = result["plain"], result["restored"]
    return f"{share} out of gamut, {console.gain(plain['psnr_og'], restored['psnr_og'])}"


def _counted(counts: Counts) -> dict[str, int]:
    return {state: counts.states[state] for state in STATES}


def _sums(counts: Counts) -> dict[str, Any]:
    return {"pixels": counts.pixels, "seconds": round(counts.seconds, 3), "stopped": counts.stopped}


def _table(counts: Counts) -> str:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column("state")
    table.add_column("count", justify="right")
    for state, count in _counted(counts).items():
        table.add_row(state, f"{count:,}")
    seconds = math.ceil(counts.seconds)
    speed = counts.pixels / 1e6 / max(counts.seconds, 1e-9)
    return f"{console.render(table)}\n{seconds} s, {speed:.2f} MP/s"
