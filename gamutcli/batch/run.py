"""The story of a run: find pictures, decide, give them out, write down what became of them, tell it."""

from __future__ import annotations

import contextlib
import os
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

from gamutcli.batch.book import Book
from gamutcli.batch.decide import Decider
from gamutcli.batch.digests import settings_digest
from gamutcli.batch.elsewhere import open_history
from gamutcli.batch.names import Name
from gamutcli.batch.originals import Originals
from gamutcli.batch.shard import WHOLE, Shard
from gamutcli.batch.targets import TEMPLATE, Targets
from gamutcli.batch.units import DONE, FAILED, REFUSED, Outcome, Task, repeat
from gamutcli.errors import GamutError, UsageError
from gamutcli.storage import remote

#: Why a run ended that somebody stopped.
INTERRUPTED = "interrupted"
#: How long to wait for workers before looking at what else there is, seconds.
_PATIENCE = 0.2


@dataclass(frozen=True)
class Order:
    """What is to be done with all pictures.

    Attributes:
        command: "reduce", "expand" or "eval".
        target: The folder of results.
        suffix: Of every result, with its dot.
        settings: Keyword arguments of the library's function, the same for all.
        template: How results are named.
        reference: The folder of originals that pictures are compared with.
        overwrite: Whether results that are out of date may be replaced.
        preserve_time: Whether results get the time of their sources.
        retry_failed: Whether to try again what has failed in an earlier run.
        max_failures: Failures at which to stop; None: never.
        shard: The part of the pictures that is this run's.
        memory: What a picture will take, bytes; asked before it is given out.
    """

    command: str
    target: Path
    suffix: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    template: str = TEMPLATE
    reference: Path | None = None
    overwrite: bool = False
    preserve_time: bool = False
    retry_failed: bool = False
    max_failures: int | None = None
    shard: Shard = WHOLE
    memory: Callable[[str], int] = lambda source: 0


class Engine(Protocol):
    """Who works on pictures: processes here, or elsewhere."""

    @property
    def running(self) -> int:
        """How many pictures are in hand."""

    def has_room(self, memory: int = 0) -> bool:
        """Tell whether a picture that takes so much memory can be given out now."""

    def submit(self, task: Task) -> None:
        """Give a picture out; there must be room."""

    def collect(self, seconds: float) -> Iterator[Outcome]:
        """Return what has become of pictures, after waiting for at most so long for the first."""

    def close(self) -> None:
        """Drop what is in hand and end."""


@dataclass
class Counts:
    """What a run came to.

    Attributes:
        states: How many pictures are done, skipped, failed and refused.
        seconds: That it took.
        pixels: Of the pictures done.
        stopped: Why it ended before its end; empty where it did not.
    """

    states: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    pixels: int = 0
    stopped: str = ""

    @property
    def exit_code(self) -> int:
        """1 where a picture failed or was refused, or not all had their turn."""
        return int(bool(self.states[FAILED] or self.states[REFUSED] or self.stopped))


def plan(order: Order, names: Iterable[Name | None]) -> Iterator[Task | Outcome | None]:
    """Turn names into tasks, those of this run's shard; two that would be written to one file are told apart.

    Raises:
        UsageError: There is no picture.
    """
    targets = Targets(order.suffix, order.template)
    originals = None if order.reference is None else Originals(order.reference)
    found = 0
    for name in names:
        if name is None:
            yield None
            continue
        found += 1
        file = targets.name(name.relative)
        taken = targets.take(file, os.path.realpath(name.source))  # by every shard, so that all agree on whose it is
        if (taken != "again" or name.has_changed) and order.shard.holds(name.relative):
            yield _unit(order, name, file, taken != "taken", originals)
    if not found:
        raise UsageError("no picture was found; name files, or folders that hold pictures.")


def _unit(order: Order, name: Name, file: str, is_its_own: bool, originals: Originals | None) -> Task | Outcome:
    target = remote.name_of(order.target / file)
    task = Task(
        command=order.command,
        source=name.source,
        relative=name.relative,
        target=target,
        file=file,
        settings=order.settings,
        overwrite=order.overwrite,
        preserve_time=order.preserve_time,
        has_changed=name.has_changed,
    )
    if name.problem:
        return Outcome(task, FAILED, name.problem, 1)
    if not is_its_own:
        reason = f"{name.source}: another picture is written to {target}; tell them apart with --name or --exclude."
        return Outcome(task, REFUSED, reason, 1)
    if originals is None:
        return task
    try:
        return replace(task, reference=originals.of(name.relative, name.source))
    except GamutError as error:
        return Outcome(task, FAILED, str(error), error.exit_code)


def decide_all(order: Order, names: Iterable[Name | None]) -> Iterator[Task | Outcome | None]:
    """Go through what is to be done, and what is not; None where there is nothing at the moment."""
    settings = settings_digest(order.command, order.settings)
    with open_history(order.target) as history:
        decider = Decider(history, settings, order.overwrite, order.retry_failed)
        for unit in plan(order, names):
            if isinstance(unit, Task) and unit.has_changed:
                history.catch_up()  # this very run has written down what became of it
            yield decider.decide(unit) if isinstance(unit, Task) else unit


def run(
    order: Order,
    names: Iterable[Name | None],
    engine: Engine,
    tell: Callable[[Outcome], None],
    stop: Callable[[], bool] = lambda: False,
    warn: Callable[[str], None] = lambda message: None,
) -> Counts:
    """Work on all pictures.

    Args:
        order: What is to be done.
        names: The pictures.
        engine: Who does it; it is closed in the end.
        tell: Hears of every picture that is settled.
        stop: Asked again and again: whether to end after the pictures in hand.
        warn: Hears of what is wrong with no picture.

    Raises:
        UsageError: There is no picture.
    """
    began = time.monotonic()
    book = Book(order.target, settings_digest(order.command, order.settings), warn)
    with contextlib.closing(engine), contextlib.closing(book):
        counts = _Run(order, decide_all(order, names), engine, book, tell).until(stop)
    counts.seconds = time.monotonic() - began
    return counts


class _Run:
    """What is left to do, and what has been done."""

    def __init__(
        self,
        order: Order,
        units: Iterator[Task | Outcome | None],
        engine: Engine,
        book: Book,
        tell: Callable[[Outcome], None],
    ) -> None:
        self._order = order
        self._units: Iterator[Task | Outcome | None] | None = units
        self._engine = engine
        self._book = book
        self._tell = tell
        self._waiting: Task | None = None  # for room
        self._again: list[Task] = []  # their process has died
        self._failures = 0
        self._counts = Counts()

    def until(self, stop: Callable[[], bool]) -> Counts:
        """Go on until all is done, or as long as nobody stops it."""
        while self._units or self._waiting or self._again or self._engine.running:
            if stop():
                self._end(INTERRUPTED)
            was_idle = not self._advance()
            for outcome in self._engine.collect(_PATIENCE if was_idle else 0.0):
                was_idle = False
                self._settle(outcome, was_given_out=True)
            if was_idle and self._units and not self._engine.running:
                time.sleep(_PATIENCE)  # nothing to do at the moment
        return self._counts

    def _advance(self) -> bool:
        """Settle one picture, or give it out; False where there is none, or no room for it."""
        if self._waiting is None and self._again:
            self._waiting = self._again.pop()
        if self._waiting is None:
            if self._units is None or not self._engine.has_room():
                return False
            try:
                unit = next(self._units)
            except StopIteration:
                self._units = None
                return False
            if unit is None:
                return False
            if isinstance(unit, Outcome):
                self._settle(unit, was_given_out=False)
                return True
            self._waiting = replace(unit, memory=self._order.memory(unit.source))
        if not self._engine.has_room(self._waiting.memory):
            return False
        self._book.began(self._waiting)
        self._engine.submit(self._waiting)
        self._waiting = None
        return True

    def _settle(self, outcome: Outcome, *, was_given_out: bool) -> None:
        if outcome.is_lost and outcome.task.attempt == 1 and not self._counts.stopped:
            self._again.append(repeat(outcome.task))
            return
        self._counts.states[outcome.state] += 1
        if outcome.state == DONE:
            self._counts.pixels += outcome.pixels
        if was_given_out:
            self._book.note_end(outcome)
            self._failures += outcome.state == FAILED
        self._tell(outcome)
        if self._order.max_failures is not None and self._failures >= self._order.max_failures:
            self._end(f"{self._failures} failed, as many as --max-failures allows")

    def _end(self, why: str) -> None:
        if self._units or self._waiting or self._again or why == INTERRUPTED:
            self._counts.stopped = self._counts.stopped or why
        self._units = self._waiting = None
        self._again = []
