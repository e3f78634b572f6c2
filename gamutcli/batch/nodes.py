"""The machines of a Ray cluster: how much each can do, and whether it sees the files that are worked on."""

from __future__ import annotations

import contextlib
import os
import posixpath
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import NamedTemporaryFile, TemporaryFile
from typing import Any

import gamutcli
from gamutcli.batch.manifest import FOLDER
from gamutcli.errors import GamutError, OutputError, UsageError
from gamutcli.storage import remote

#: How long to wait for what the nodes say of what they see; one may have to start a process first, seconds.
_PATIENCE = 120.0


@dataclass(frozen=True)
class Share:
    """What Ray is to set aside for each picture: processors and GPUs, or parts of them."""

    cpus: float = 1.0
    gpus: float = 0.0

    def __str__(self) -> str:
        return f"{self.cpus:g} CPU" + (f" and {self.gpus:g} GPU" if self.gpus else "")

    def fits_into(self, cpus: float, gpus: float) -> int:
        """Count how many pictures can be worked on at a time; a picture has a part of one GPU, or whole ones."""
        by_cpus = int(cpus / self.cpus + 1e-6)
        if not self.gpus:
            return by_cpus
        by_gpus = int(gpus) * int(1 / self.gpus + 1e-6) if self.gpus < 1 else int(gpus / self.gpus + 1e-6)
        return min(by_cpus, by_gpus)


@dataclass(frozen=True)
class Node:
    """A machine of a cluster.

    Attributes:
        id: Ray's.
        name: For people.
        slots: How many pictures it can work on at a time.
        memory: Bytes that tasks may take there.
    """

    id: str
    name: str
    slots: int
    memory: int


def able_nodes(share: Share) -> list[Node]:
    """Return the nodes that live and can work on a picture at all."""
    import ray

    found = []
    for told in ray.nodes():
        has: dict[str, float] = told["Resources"]
        slots = share.fits_into(has.get("CPU", 0.0), has.get("GPU", 0.0)) if told["Alive"] else 0
        if slots:
            name = f"{told['NodeManagerHostname']} ({told['NodeManagerAddress']})"
            found.append(Node(told["NodeID"], name, slots, int(has.get("memory", 0))))
    return found


@dataclass(frozen=True)
class Places:
    """What every node has to see, at the same place as this machine.

    Attributes:
        folder: That relative names are relative to.
        has_relative: Whether there are such names.
        sources: Folders and files that are read.
        target: The folder of results.
        token: A file that stands in it as long as the question is whether it is the same folder; empty later.
        version: Of gamutcli.
    """

    folder: str
    has_relative: bool
    sources: tuple[str, ...]
    target: str
    token: str = ""
    version: str = gamutcli.__version__

    def find_problem(self) -> str:
        """Look around on this machine; what is wrong with it, and empty where that is nothing."""
        if gamutcli.__version__ != self.version:
            return f"has gamutcli {gamutcli.__version__}, not {self.version} as here; install the same everywhere"
        if os.path.isdir(self.folder):
            os.chdir(self.folder)
        elif self.has_relative:
            return _unseen(self.folder)
        for source in self.sources:
            if problem := _problem_with_address(source) if remote.is_address(source) else _problem_with_source(source):
                return problem
        return _problem_with_address(self.target) if remote.is_address(self.target) else self._problem_with_target()

    def _problem_with_target(self) -> str:
        inner = os.path.join(self.target, FOLDER)
        if not os.path.isdir(inner):
            return _unseen(self.target)
        if self.token and not os.path.exists(os.path.join(inner, self.token)):
            return f"has another folder at {self.target} than this machine"
        try:
            with TemporaryFile(dir=inner):
                return ""
        except OSError as error:
            return f"cannot write into {self.target} ({error.strerror})"


def _unseen(path: str) -> str:
    return f"does not see {path}; every node needs it at the same place as this machine"


def _problem_with_source(path: str) -> str:
    if not os.path.exists(path):
        return _unseen(path)
    return "" if os.access(path, os.R_OK) else f"cannot read {path}"


def _problem_with_address(address: str) -> str:
    try:
        remote.is_folder(address)
    except GamutError as error:
        return f"cannot use {error}"
    return ""


def check(nodes: list[Node], places: Places) -> None:
    """Ask every node whether it sees all that it has to.

    Raises:
        UsageError: One does not.
        OutputError: The folder of results cannot be made or written here.
    """
    with _with_token(places) as asked:
        problems = list(_ask(nodes, asked))
    if problems:
        more = f" So do {len(problems) - 1} other nodes, or the like." if len(problems) > 1 else ""
        raise UsageError(f"{problems[0]}.{more}")


@contextlib.contextmanager
def _with_token(places: Places) -> Iterator[Places]:
    """Put a file into the folder of results, which tells that from others of its name."""
    if remote.is_address(places.target):
        yield places
        return
    folder = Path(places.target, FOLDER)
    made = [path for path in (folder, folder.parent) if not path.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        token = NamedTemporaryFile(dir=folder, prefix=".seen-")  # noqa: SIM115 # closed below, whatever happens
    except OSError as error:
        raise OutputError(f"{places.target}: cannot be written ({error.strerror}); name another with -o.") from error
    try:
        with token:
            yield replace(places, token=posixpath.basename(Path(token.name).as_posix()))
    finally:
        for path in made:  # but for what is in use by now
            with contextlib.suppress(OSError):
                path.rmdir()


def _ask(nodes: list[Node], places: Places) -> Iterator[str]:
    """Let a task look around on each node, and tell what it found wrong."""
    import ray
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    look: Any = ray.remote(num_cpus=0, max_retries=1)(Places.find_problem)
    asked = {
        look.options(scheduling_strategy=NodeAffinitySchedulingStrategy(node.id, soft=False)).remote(places): node
        for node in nodes
    }
    answered, silent = ray.wait(list(asked), num_returns=len(asked), timeout=_PATIENCE)
    problems = dict.fromkeys(silent, f"has not answered for {_PATIENCE:g} s")
    for answer in answered:
        try:
            problems[answer] = ray.get(answer)
        except ray.exceptions.RayError as error:
            problems[answer] = f"cannot work ({last_line(error)}); is gamutcli {places.version} installed there?"
    living = {node["NodeID"] for node in ray.nodes() if node["Alive"]}
    for answer, problem in problems.items():
        if problem and asked[answer].id in living:  # one may have gone meanwhile
            yield f"node {asked[answer].name} {problem}"


def last_line(error: BaseException) -> str:
    """Say what went wrong, without the course of it."""
    return (str(error).strip().splitlines() or [type(error).__name__])[-1].strip().rstrip(".")
