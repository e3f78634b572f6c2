"""Ray's engine: the same units of work as tasks of a cluster, on this machine or on many."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from gamutcli import storage
from gamutcli.batch.digests import state_of
from gamutcli.batch.nodes import Node, Share, able_nodes, check, last_line
from gamutcli.batch.on_node import Terms, work_on
from gamutcli.batch.units import FAILED, Outcome, Task
from gamutcli.errors import DeviceError, UsageError
from gamutcli.images.silence import ERROR, turned_aside
from gamutcli.storage import remote

#: How often Ray tries a picture again whose node, or whose process there, was lost.
_RETRIES = 3
#: Pictures in hand for each that can be worked on: the next one is there when one ends.
_WINDOW = 2
#: Seconds between two looks at which nodes there are; for which what is dropped gets to end; to find an address.
_LOOK, _PATIENCE, _CONNECT = 5.0, 5.0, 5.0
#: What tasks ask for in memory comes in steps: Ray keeps a queue for each amount.
_STEP = 64 << 20
#: Of the store for large objects, which nothing is put into.
_STORE = 80 << 20
_GONE = "the Ray cluster does not answer any more; the same command goes on from here, with another."
#: Read by Ray when it is imported: how often it tries again what it ended for want of memory, else without end, and how
#: many seconds a node gets to start, else too few on a busy machine.
_VARIABLES = {"RAY_task_oom_retries": str(_RETRIES), "RAY_raylet_start_wait_time_s": "120"}


class Cluster:
    """Nodes, each with as many pictures as fit, and as many again that wait for their turn.

    Args:
        address: Of a cluster, or "auto" for the one that this machine belongs to; None: one is started here.
        share: What a picture gets.
        jobs: How many are in hand at most; None: what the nodes can do.
        cores: Of this machine, where the cluster is started here.
        memory: Bytes that pictures may take here, where it is started here; nodes of others have said so themselves.

    Raises:
        UsageError: There is no Ray, no cluster at the address, or no node in it that can work on a picture.
    """

    def __init__(self, address: str | None, share: Share, *, jobs: int | None, cores: int, memory: int) -> None:
        self._share = share
        self._most = jobs
        self._hand: dict[Any, Task] = {}
        self._suspect: set[Any] = set()  # in hand when a node was lost
        self._nodes: list[Node] = []
        self._looked = self._able = time.monotonic()
        self._terms: Terms | None = None
        self._run: Any = None
        self._told: Any = None
        with _keeping_signals():
            _connect(address, cores, memory)
        try:
            self._look()
            if not self._nodes:
                raise UsageError(f"--ray-cpus, --ray-gpus: no node of the cluster has {share} for a picture.")
        except BaseException:
            self.close()
            raise

    @property
    def jobs(self) -> int:
        """How many pictures can be worked on at a time."""
        slots = sum(node.slots for node in self._nodes)
        return slots if self._most is None else min(slots, self._most)

    def prepare(self, terms: Terms) -> None:
        """Learn how pictures are worked on, and see that every node can.

        Raises:
            UsageError: A node does not see the files.
            OutputError: The folder of results cannot be written.
        """
        import ray

        check(self._nodes, terms.places)
        self._terms = terms
        self._told = ray.put(terms)  # once, and not with every picture
        self._run = ray.remote(
            num_cpus=self._share.cpus, num_gpus=self._share.gpus, max_retries=_RETRIES, retry_exceptions=False
        )(work_on)

    @property
    def running(self) -> int:
        """How many pictures are in hand."""
        return len(self._hand)

    def has_room(self, memory: int = 0) -> bool:
        """Tell whether a picture can be given out now; where it finds memory is for Ray to see."""
        if time.monotonic() - self._looked > _LOOK:
            self._look()
        return len(self._hand) < (self._most or _WINDOW * max(1, self.jobs))

    def submit(self, task: Task) -> None:
        """Give a picture out; there must be room."""
        # One that asks for more than a node has would wait for ever: it gets a node's all, and is alone there.
        least = min((node.memory for node in self._nodes), default=0)
        memory = min(-(-task.memory // _STEP) * _STEP, least)
        before = state_of(task.target) if task.check or task.overwrite else None
        self._hand[self._run.options(memory=memory or None).remote(task, before, self._told)] = task

    def collect(self, seconds: float) -> Iterator[Outcome]:
        """Return what has become of pictures, after waiting for at most so long for the first."""
        import ray

        if not self._hand:
            return
        ready, _ = ray.wait(list(self._hand), timeout=seconds)
        if ready:
            ready, _ = ray.wait(list(self._hand), num_returns=len(self._hand), timeout=0)
        elif time.monotonic() - self._looked > _LOOK:
            self._look()
        for answer in ready:
            task = self._hand.pop(answer)
            yield self._outcome(answer, task)

    def close(self) -> None:
        """Drop what is in hand and leave the cluster, which ends where it was started here."""
        import ray

        with contextlib.suppress(Exception, KeyboardInterrupt):  # the cluster may be gone as well
            for answer in self._hand:
                ray.cancel(answer)
            if self._hand:
                ray.wait(list(self._hand), num_returns=len(self._hand), timeout=_PATIENCE)
        for task in self._hand.values():
            _remove_leftovers(task)
        self._hand = {}
        with _keeping_signals():
            ray.shutdown()

    def _outcome(self, answer: Any, task: Task) -> Outcome:
        import ray

        if answer in self._suspect:
            self._suspect.discard(answer)
            _remove_leftovers(task)
        try:
            outcome: Outcome | str = ray.get(answer)
        except ray.exceptions.LocalRayletDiedError as error:
            raise DeviceError(_GONE) from error
        except ray.exceptions.RayTaskError as error:
            return _lost(task, f"could not be worked on: {last_line(error)}")
        except ray.exceptions.RayError as error:
            return _lost(task, f"{1 + _RETRIES} nodes or processes that had it were lost ({type(error).__name__})")
        if isinstance(outcome, str):
            raise UsageError(outcome)
        return outcome

    def _look(self) -> None:
        """See which nodes there are by now; others may take the place of lost ones, but not for ever."""
        before = {node.id for node in self._nodes}
        try:
            self._nodes = able_nodes(self._share)
        except Exception as error:  # of several kinds, by what has gone
            raise DeviceError(_GONE) from error
        self._looked = time.monotonic()
        if before - {node.id for node in self._nodes}:
            self._suspect |= set(self._hand)
        if self._nodes:
            self._able = self._looked
        elif self._terms and self._looked - self._able > self._terms.timeout:
            raise DeviceError(f"no node of the cluster has {self._share} for a picture any more.")


def _lost(task: Task, reason: str) -> Outcome:
    """What became of a picture that Ray has tried often enough; the next run may have other machines."""
    again = replace(task, attempt=2)
    return Outcome(again, FAILED, f"{task.source}: {reason}.", 1, is_lost=True, is_lasting=False)


def _remove_leftovers(task: Task) -> None:
    if not remote.is_address(task.target):
        storage.remove_leftovers(task.target)


def _connect(address: str | None, cores: int, memory: int) -> None:
    """Become a part of a cluster."""
    if address and address != "auto":
        _check_address(address)
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    for name, value in _VARIABLES.items():
        os.environ.setdefault(name, value)
    try:
        import ray
    except ImportError as error:
        raise UsageError("--engine ray: needs Ray: pip install 'ray>=2.55'") from error

    # What nodes log stays with them: here, results are said, and errors in one line.
    how: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.CRITICAL}
    if address is None:
        started = {"num_cpus": cores, "_memory": memory, "object_store_memory": _STORE, "include_dashboard": False}
        how |= {"address": "local", **started}
    else:
        how["address"] = address
    try:
        # What goes wrong is raised as well as written.
        with Path(os.devnull).open("wb") as nowhere, turned_aside((ERROR,), nowhere), _nowhere():
            ray.init(**how)
    except Exception as error:
        if address == "auto" and isinstance(error, ConnectionError):
            raise UsageError("--ray-address auto: no cluster runs on this machine.") from error
        place = f"--ray-address {address}: no cluster can be used" if address else "Ray cannot be started here"
        raise UsageError(f"{place} ({last_line(error)}).") from error
    # Else Ray prints what becomes of nodes between the results, and calls a lost one unexpected.
    ray._private.worker._worker_logs_enabled = False


def _check_address(address: str) -> None:
    """See whether anybody is there: Ray itself would try for minutes."""
    host, _, port = address.rpartition(":")
    if "://" in address or not host or not port.isdecimal():
        raise UsageError(
            f"--ray-address {address}: is no address of a cluster; write auto, or HOST:PORT as 10.0.0.1:6379."
        )
    try:
        socket.create_connection((host.strip("[]"), int(port)), _CONNECT).close()
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UsageError(f"--ray-address {address}: no cluster answers there ({reason}).") from error


@contextlib.contextmanager
def _keeping_signals() -> Iterator[None]:
    """Leave it to the command what a signal means: Ray has its own idea of SIGTERM."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextlib.contextmanager
def _nowhere() -> Iterator[None]:
    """Be in a folder without programs: nodes look for modules where this process is, and among pictures may be any."""
    folder = os.getcwd()
    os.chdir(os.sep)
    try:
        yield
    finally:
        os.chdir(folder)
