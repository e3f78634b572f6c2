"""Processes on this machine that work on pictures: started when needed, replaced when they hang, die or grow old."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess

from gamutcli import storage
from gamutcli.batch.units import FAILED, Outcome, Task, repeat
from gamutcli.batch.worker import serve
from gamutcli.storage.signals import undisturbed

#: What makes libraries start threads of their own when they are imported.
_THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
#: Pictures that share a process that works on a GPU: bringing that up takes seconds and a gigabyte, and fits wanted at
#: the same time are done together.
ON_A_GPU = 4
#: A process that was asked to end gets so many seconds.
_PATIENCE = 5.0


class Pool:
    """Workers, each with one picture at a time, or with several in threads of one process.

    Args:
        jobs: Pictures in hand at most.
        threads: That each may take.
        company: Pictures that a process has in hand at most, so that they share what it has brought up, as a GPU.
        memory: Bytes that all pictures in hand may take; one that takes more is worked on alone. None: no matter.
        timeout: Seconds after which a picture is given up, and its worker replaced.
        recycle: Pictures after which a worker is replaced.
        quiet: Whether what libraries print is dropped.
    """

    def __init__(
        self,
        jobs: int,
        *,
        threads: int = 1,
        company: int = 1,
        memory: int | None = None,
        timeout: float = 900.0,
        recycle: int = 200,
        quiet: bool = True,
    ) -> None:
        self.jobs = jobs
        self._threads = threads
        self._company = company
        self._memory = memory
        self._timeout = timeout
        self._recycle = recycle
        self._quiet = quiet
        self._workers: list[_Worker] = []

    @property
    def running(self) -> int:
        """How many pictures are in hand."""
        return sum(len(worker.hands) for worker in self._workers)

    def has_room(self, memory: int = 0) -> bool:
        """Tell whether a picture that takes so much memory can be given out now."""
        if self.running >= self.jobs:
            return False
        taken = sum(hand.task.memory for worker in self._workers for hand in worker.hands.values())
        return not self.running or self._memory is None or taken + memory <= self._memory

    def submit(self, task: Task) -> None:
        """Give a picture out; there must be room."""
        worker = next((worker for worker in self._workers if self._takes(worker, task)), None)
        if worker is None:
            worker = self._start()
            self._workers.append(worker)
        worker.give(task, self._timeout)

    def collect(self, seconds: float) -> Iterator[Outcome]:
        """Return what has become of pictures, after waiting for at most so long for the first."""
        busy = [worker for worker in self._workers if worker.hands]
        if not busy:
            return
        deadline = min(worker.deadline for worker in busy)
        patience = min(seconds, max(0.0, deadline - time.monotonic()))
        ready = set(wait([worker.connection for worker in busy], patience))
        for worker in busy:
            if worker.connection in ready:
                outcomes = worker.take()
            elif time.monotonic() >= worker.deadline:
                outcomes = worker.give_up(self._timeout)
            else:
                continue
            if not worker.is_alive:
                self._workers.remove(worker)
                worker.end()
                for task in worker.left():
                    self.submit(task)
            elif worker.pictures >= self._recycle and not worker.hands:
                self._workers.remove(worker)
                worker.dismiss()
            yield from outcomes

    def close(self) -> None:
        """End all workers; pictures in hand are dropped."""
        for worker in self._workers:
            if worker.hands:
                worker.kill()
        for worker in self._workers:
            if not worker.hands:
                worker.dismiss()
        self._workers = []

    def _takes(self, worker: _Worker, task: Task) -> bool:
        """Tell whether a worker can have a picture besides what it has in hand."""
        if worker.pictures >= self._recycle or len(worker.hands) >= self._company:
            return False
        # Alone, one whose process has died shows whether that was its doing.
        return not worker.hands or max(task.attempt, *(hand.task.attempt for hand in worker.hands.values())) == 1

    def _start(self) -> _Worker:
        with _few_threads(self._threads), _without_interrupts(), undisturbed():
            return _Worker(self._threads, self._company, self._quiet)


@dataclass(frozen=True)
class _Hand:
    """A picture that a worker has in hand, since when, and until when."""

    task: Task
    began: float
    deadline: float


class _Worker:
    """One process, and the pictures that it has in hand, by their numbers."""

    def __init__(self, threads: int, company: int, quiet: bool) -> None:
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        arguments = theirs, threads, company, quiet
        self._process: SpawnProcess = context.Process(target=serve, args=arguments, daemon=True)
        self._process.start()
        theirs.close()
        self.hands: dict[int, _Hand] = {}
        self.pictures = 0
        self.is_alive = True

    connection: Connection

    @property
    def deadline(self) -> float:
        """Of the picture that has been in hand for longest."""
        return min(hand.deadline for hand in self.hands.values())

    def give(self, task: Task, timeout: float) -> None:
        began = time.monotonic()
        self.hands[self.pictures] = _Hand(task, began, began + timeout)
        with contextlib.suppress(OSError):  # it has died: that is seen when its answer is waited for
            self.connection.send((self.pictures, task))
        self.pictures += 1

    def take(self) -> list[Outcome]:
        """Return its answer, or what its death means: each of the pictures in hand may be what it died of."""
        try:
            number, outcome = self.connection.recv()
        except (EOFError, OSError):
            self._process.join(_PATIENCE)
            self.is_alive = False
            reason = f"the process that worked on it ended ({_ending(self._process.exitcode)})"
            return [self._lost(number, reason, is_lost=True) for number in [*self.hands]]
        del self.hands[number]
        return [outcome]

    def give_up(self, timeout: float) -> list[Outcome]:
        """End it for the pictures whose time is up; others that it has in hand are left."""
        self._process.kill()
        self.is_alive = False
        self.end()
        reason = f"took longer than --timeout allows ({timeout:g} s) and was given up"
        late = [number for number, hand in self.hands.items() if time.monotonic() >= hand.deadline]
        return [self._lost(number, reason, is_lost=False) for number in late]

    def left(self) -> list[Task]:
        """What is to be done again, for no fault of its own."""
        for hand in self.hands.values():
            storage.remove_leftovers(hand.task.target)
        return [replace(repeat(hand.task), attempt=hand.task.attempt) for hand in self.hands.values()]

    def _lost(self, number: int, reason: str, *, is_lost: bool) -> Outcome:
        hand = self.hands.pop(number)
        seconds = time.monotonic() - hand.began
        storage.remove_leftovers(hand.task.target)
        return Outcome(hand.task, FAILED, f"{hand.task.source}: {reason}.", 1, seconds, is_lost=is_lost)

    def dismiss(self) -> None:
        """Let it end by itself."""
        with contextlib.suppress(OSError):
            self.connection.send(None)
        self.end()

    def kill(self) -> None:
        self._process.kill()
        self.end()
        for hand in self.hands.values():
            storage.remove_leftovers(hand.task.target)

    def end(self) -> None:
        self._process.join(_PATIENCE)
        if self._process.is_alive():
            self._process.kill()
            self._process.join(_PATIENCE)
        self.connection.close()


def _ending(code: int | None) -> str:
    if code is None or code >= 0:
        return f"exit code {code}"
    with contextlib.suppress(ValueError):
        name = signal.Signals(-code).name
        return f"{name}: out of memory, perhaps" if name == "SIGKILL" else name
    return f"signal {-code}"


@contextlib.contextmanager
def _few_threads(threads: int) -> Iterator[None]:
    """Let libraries in a new process start no more threads than that."""
    before = {name: os.environ.get(name) for name in _THREAD_VARIABLES}
    os.environ.update(dict.fromkeys(_THREAD_VARIABLES, str(threads)))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextlib.contextmanager
def _without_interrupts() -> Iterator[None]:
    """Let a new process never be interrupted, be it before it could say so itself; what comes meanwhile waits here."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
