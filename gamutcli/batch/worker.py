"""A process that takes pictures until it is told to stop, with everything imported once."""

from __future__ import annotations

import os
import signal
import sys
import threading
import warnings
from multiprocessing import parent_process
from multiprocessing.connection import Connection, wait

from gamutcli import parallel
from gamutcli.batch.units import Task
from gamutcli.batch.work import perform


def serve(tasks: Connection, threads: int, quiet: bool) -> None:
    """Take tasks from a connection and send their outcomes back, until there is no more.

    Args:
        tasks: The other end is with the process that gives them out.
        threads: That a picture may take.
        quiet: Whether what libraries print is dropped.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal's: whoever gives the tasks decides
    threading.Thread(target=_end_with_parent, daemon=True).start()
    if quiet:
        _silence()
    parallel.use_threads(threads)
    while True:
        try:
            task: Task | None = tasks.recv()
        except (EOFError, OSError):
            return
        if task is None:
            return
        tasks.send(perform(task))


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
