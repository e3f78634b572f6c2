"""Processes on this machine that work on pictures: started when needed, replaced when they hang, die or grow old."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Iterator
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess

from gamutcli import storage
from gamutcli.batch.units import FAILED, Outcome, Task
from gamutcli.batch.worker import serve

#: What makes libraries start threads of their own when they are imported.
_THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
#: A process that was asked to end gets so many seconds.
_PATIENCE = 5.0


class Pool:
    """Workers, each with one picture at a time.

    Args:
        jobs: How many there are at most.
        threads: That each may use for its picture.
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
        memory: int | None = None,
        timeout: float = 900.0,
        recycle: int = 200,
        quiet: bool = True,
    ) -> None:
        self.jobs = jobs
        self._threads = threads
        self._memory = memory
        self._timeout = timeout
        self._recycle = recycle
        self._quiet = quiet
        self._idle: list[_Worker] = []
        self._busy: list[_Worker] = []

    @property
    def running(self) -> int:
        """How many pictures are in hand."""
        return len(self._busy)

    def has_room(self, memory: int = 0) -> bool:
        """Tell whether a picture that takes so much memory can be given out now."""
        if len(self._busy) >= self.jobs:
            return False
        taken = sum(worker.task.memory for worker in self._busy if worker.task)
        return not self._busy or self._memory is None or taken + memory <= self._memory

    def submit(self, task: Task) -> None:
        """Give a picture out; there must be room."""
        worker = self._idle.pop() if self._idle else self._start()
        self._busy.append(worker)
        worker.give(task, self._timeout)

    def collect(self, seconds: float) -> Iterator[Outcome]:
        """Return what has become of pictures, after waiting for at most so long for the first."""
        if not self._busy:
            return
        deadline = min(worker.deadline for worker in self._busy)
        patience = min(seconds, max(0.0, deadline - time.monotonic()))
        ready = set(wait([worker.connection for worker in self._busy], patience))
        for worker in [*self._busy]:
            if worker.connection in ready:
                outcome = worker.take()
            elif time.monotonic() >= worker.deadline:
                outcome = worker.give_up(self._timeout)
            else:
                continue
            self._busy.remove(worker)
            if not worker.is_alive:
                worker.end()
            elif worker.pictures >= self._recycle:
                worker.dismiss()
            else:
                self._idle.append(worker)
            yield outcome

    def close(self) -> None:
        """End all workers; pictures in hand are dropped."""
        for worker in self._busy:
            worker.kill()
        for worker in self._idle:
            worker.dismiss()
        self._idle, self._busy = [], []

    def _start(self) -> _Worker:
        with _few_threads(self._threads), _without_interrupts(), _without_endings():
            return _Worker(self._threads, self._quiet)


class _Worker:
    """One process, and the picture that it has in hand."""

    def __init__(self, threads: int, quiet: bool) -> None:
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self._process: SpawnProcess = context.Process(target=serve, args=(theirs, threads, quiet), daemon=True)
        self._process.start()
        theirs.close()
        self.task: Task | None = None
        self.deadline = 0.0
        self.pictures = 0
        self.is_alive = True
        self._began = 0.0

    connection: Connection

    def give(self, task: Task, timeout: float) -> None:
        self.task = task
        self._began = time.monotonic()
        self.deadline = self._began + timeout
        self.pictures += 1
        with contextlib.suppress(OSError):  # it has died: that is seen when its answer is waited for
            self.connection.send(task)

    def take(self) -> Outcome:
        """Return its answer, or what its death means."""
        try:
            outcome: Outcome = self.connection.recv()
        except (EOFError, OSError):
            self._process.join(_PATIENCE)
            ending = _ending(self._process.exitcode)
            return self._lost(f"the process that worked on it ended ({ending})", is_lost=True)
        self.task = None
        return outcome

    def give_up(self, timeout: float) -> Outcome:
        self._process.kill()
        self.end()
        return self._lost(f"took longer than --timeout allows ({timeout:g} s) and was given up", is_lost=False)

    def _lost(self, reason: str, *, is_lost: bool) -> Outcome:
        assert self.task is not None
        self.is_alive = False
        seconds = time.monotonic() - self._began
        storage.remove_leftovers(self.task.target)
        outcome = Outcome(self.task, FAILED, f"{self.task.source}: {reason}.", 1, seconds, is_lost=is_lost)
        self.task = None
        return outcome

    def dismiss(self) -> None:
        """Let it end by itself."""
        with contextlib.suppress(OSError):
            self.connection.send(None)
        self.end()

    def kill(self) -> None:
        self._process.kill()
        self.end()
        if self.task is not None:
            storage.remove_leftovers(self.task.target)

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


@contextlib.contextmanager
def _without_endings() -> Iterator[None]:
    """Let what ends this process wait until a new one has all that it needs to begin; else that one complains aloud."""
    numbers = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    heeded = {number: handler for number in numbers if callable(handler := signal.getsignal(number))}
    if threading.current_thread() is not threading.main_thread():
        heeded = {}
    came: list[int] = []
    for number in heeded:
        signal.signal(number, lambda number, frame: came.append(number))
    try:
        yield
    finally:
        for number, handler in heeded.items():
            signal.signal(number, handler)
        for number in came[:1]:
            signal.raise_signal(number)
