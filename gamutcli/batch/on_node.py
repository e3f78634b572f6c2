"""What a node of a Ray cluster does with a picture: the local pool does it there, with one process.

So a codec that crashes, a picture that hangs and processes that grow old are the pool's, here as there; Ray, which has
to know nothing of pictures, repeats what a lost machine had in hand.
"""

from __future__ import annotations

import contextlib
import os
import socket
import sys
from collections.abc import Iterator
from dataclasses import dataclass

from gamutcli.batch.digests import State, state_of
from gamutcli.batch.nodes import Places
from gamutcli.batch.pool import Pool
from gamutcli.batch.units import Outcome, Task, repeat

#: Seconds between two looks at whether the work is to be dropped.
_PATIENCE = 0.5


@dataclass(frozen=True)
class Terms:
    """How pictures are worked on, the same for all of a run.

    Attributes:
        places: What has to be seen.
        threads: That a picture may use.
        timeout: Seconds after which a picture is given up.
        recycle: Pictures after which a process is replaced.
        quiet: Whether what libraries print is dropped.
    """

    places: Places
    threads: int
    timeout: float
    recycle: int
    quiet: bool


#: Of this process: the pool, and the GPUs that its process was started with; and places that were looked at.
_pools: dict[tuple[Terms, str], Pool] = {}
_seen: set[Places] = set()


def work_on(task: Task, before: State | None, terms: Terms) -> Outcome | str:
    """Work on a picture; what is wrong with this machine, where it does not see the files.

    Args:
        task: The picture.
        before: What stood in the place of its result when it was given out: where another one does, an earlier try
            has come so far, and its machine was lost.
        terms: How to work on it.
    """
    if terms.places not in _seen:
        if problem := terms.places.find_problem():
            return f"node {socket.gethostname()} {problem}."
        _seen.add(terms.places)
    if state_of(task.target) != before:
        task = repeat(task)
    pool = _pool(terms)
    try:
        with _without_main():
            pool.submit(task)
        while True:
            for outcome in pool.collect(_PATIENCE):
                return outcome
    except BaseException:  # also where it was cancelled
        _drop_pools()
        raise


def _pool(terms: Terms) -> Pool:
    """Return the pool of this process; another one where Ray has given it other GPUs, which are seen once only."""
    key = terms, os.environ.get("CUDA_VISIBLE_DEVICES", "")
    if key not in _pools:
        _drop_pools()
        _pools[key] = Pool(1, threads=terms.threads, timeout=terms.timeout, recycle=terms.recycle, quiet=terms.quiet)
    return _pools[key]


def _drop_pools() -> None:
    while _pools:
        _pools.popitem()[1].close()


@contextlib.contextmanager
def _without_main() -> Iterator[None]:
    """Let a new process not import the program that this one runs, which is Ray's and brings all of it."""
    main = sys.modules["__main__"]
    file = main.__dict__.pop("__file__", None)
    try:
        yield
    finally:
        if file is not None:
            main.__dict__["__file__"] = file
