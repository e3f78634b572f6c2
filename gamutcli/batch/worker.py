"""A process that takes pictures until it is told to stop, with everything imported once."""

from __future__ import annotations

import os
import signal
import sys
import threading
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import parent_process
from multiprocessing.connection import Connection, wait

from gamutcli import parallel
from gamutcli.batch.units import Task
from gamutcli.batch.work import perform


def serve(tasks: Connection, threads: int, company: int, quiet: bool) -> None:
    """Take numbered tasks from a connection and send their outcomes back, until there is no more.

    Args:
        tasks: The other end is with the process that gives them out.
        threads: That a picture may take.
        company: How many pictures may be in hand at a time, each in a thread.
        quiet: Whether what libraries print is dropped.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal's: whoever gives the tasks decides
    threading.Thread(target=_end_with_parent, daemon=True).start()
    if quiet:
        _silence()
    parallel.use_threads(threads)
    if company == 1:
        for number, task in _received(tasks):
            tasks.send((number, perform(task)))
        return
    one_at_a_time = threading.Lock()

    def work(number: int, task: Task) -> None:
        try:
            outcome = perform(task)
            with one_at_a_time:
                tasks.send((number, outcome))
        except BaseException:
            os._exit(1)  # as a process with one picture ends: nobody else would hear of it

    with ThreadPoolExecutor(company) as pictures:
        for number, task in _received(tasks):
            pictures.submit(work, number, task)


def _received(tasks: Connection) -> Iterator[tuple[int, Task]]:
    while True:
        try:
            numbered: tuple[int, Task] | None = tasks.recv()
        except (EOFError, OSError):
            return
        if numbered is None:
            return
        yield numbered


def _end_with_parent() -> None:
    """End at once when the process that gives the tasks is gone: a new run may be at the same pictures already."""
    parent = parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)


def _silence() -> None:
    """Let no library print into what the command says."""
    warnings.simplefilter("ignore")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()
    for number in (1, 2):
        os.dup2(nowhere, number)
