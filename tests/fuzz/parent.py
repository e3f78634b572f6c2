"""Starts children, one a target at a time, starts them anew when they die, counts, and keeps what was found."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from tests.fuzz.targets import TARGETS
from tests.fuzz.verdict import Finding

#: Seconds of wall time without a word from a child: it hangs.
HANGS = 180
_KEPT_ALIKE = 3


@dataclass
class Tally:
    """What became of the mutants of a target."""

    mutants: int = 0
    findings: list[Finding] = field(default_factory=list)


@dataclass(frozen=True)
class Leg:
    """Mutants of a target: from which number on, and how many."""

    target: str
    first: int
    count: int


class _Clock:
    """Says when time is over, counted from the first question: starting a child takes seconds."""

    def __init__(self, seconds: float) -> None:
        self._seconds, self._end = seconds, float("inf")

    def is_over(self) -> bool:
        self._end = min(self._end, time.monotonic() + self._seconds)
        return time.monotonic() > self._end


class Hunt:
    """A run over several targets.

    Args:
        out: The folder for findings.
        grow: Whether mutants with a new outcome become seeds.
    """

    def __init__(self, out: Path, grow: bool) -> None:
        self.tallies: dict[str, Tally] = {}
        self._out, self._grow = out, grow
        # Where syncing costs nothing, if there is such a place.
        self._scratch = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None

    def run(self, targets: Iterable[str], seconds: float, jobs: int, first: int) -> None:
        """Try mutants of each target for its share of the time."""
        names = [name for name in targets if TARGETS[name].files()]  # none without a library that is not there
        share = seconds * jobs / len(names)
        with ThreadPoolExecutor(jobs) as pool:
            list(pool.map(lambda name: self.try_mutants([Leg(name, first, 1 << 40)], share), names))

    def try_mutants(self, legs: Sequence[Leg], seconds: float = float("inf")) -> None:
        """Try mutants until there are no more, or the time is out; it runs from the first mutant on."""
        for leg in legs:
            self.tallies.setdefault(leg.target, Tally())
        clock = _Clock(seconds)
        while legs:
            with tempfile.TemporaryDirectory(prefix="gamut-fuzz-", dir=self._scratch) as folder:
                legs = self._one_child(legs, Path(folder, "files"), clock)

    def _one_child(self, legs: Sequence[Leg], folder: Path, clock: _Clock) -> Sequence[Leg]:
        """Listen to one child; returns what it has left to do."""
        folder.mkdir()
        words = [f"{leg.target}:{leg.first}:{leg.count}" for leg in legs]
        environment = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PYTHONFAULTHANDLER": "1"}
        with subprocess.Popen(
            [sys.executable, "-m", "tests.fuzz.child", str(folder), *words, *(["--grow"] if self._grow else [])],
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        ) as process:
            target, number = "", -1
            for line in _lines(process):
                if line.startswith("= "):
                    if line == "= end" or clock.is_over():
                        process.kill()
                        return ()
                    target, _, digits = line[2:].rpartition(":")
                    number = int(digits)
                    self.tallies[target].mutants += 1
                else:
                    told = json.loads(line)
                    self._keep(target, number, Path(told.pop("kept")), Finding(**told))
        stderr = folder.with_name(folder.name + ".stderr")
        printed = stderr.read_text(errors="replace")[-2000:] if stderr.exists() else ""
        if not target:
            raise RuntimeError(f"the child could not begin: {printed}")
        self._keep(target, number, folder, Finding(_cause(process.returncode), "?", "the process died", printed))
        done = next(at for at, leg in enumerate(legs) if leg.target == target)
        left = legs[done].first + legs[done].count - number - 1
        return [*([Leg(target, number + 1, left)] if left else []), *legs[done + 1 :]]

    def _keep(self, target: str, number: int, folder: Path, finding: Finding) -> None:
        tally = self.tallies[target]
        alike = sum(_alike(one, finding) for one in tally.findings)
        tally.findings.append(finding)
        if alike >= _KEPT_ALIKE:
            shutil.rmtree(folder)
            return
        kept = self._out / f"{target.replace(' ', '-')}-{number}-{finding.operation.replace('?', 'died')}"
        shutil.copytree(folder, kept, dirs_exist_ok=True)
        shutil.rmtree(folder)
        told = f"{target} {number}\n{finding.operation}: {finding.kind}: {finding.words}\n\n{finding.trace}"
        (kept / "finding.txt").write_text(told, "utf-8")


def _lines(process: subprocess.Popen[str]) -> Iterator[str]:
    """What a process prints, line by line; one that says nothing for long is ended."""
    assert process.stdout is not None
    patience = 10 * HANGS  # everything is imported first, and the machine may be busy
    while True:
        watch = threading.Timer(patience, process.kill)
        watch.start()
        line = process.stdout.readline()
        watch.cancel()
        if not line:
            return
        yield line.rstrip("\n")
        patience = HANGS


def _cause(code: int) -> str:
    if code >= 0:
        return f"exit {code}"
    return "timeout" if -code == signal.SIGPROF else signal.Signals(-code).name


def _alike(one: Finding, other: Finding) -> bool:
    return (one.kind, one.operation, one.trace.splitlines()[-3:-1]) == (
        other.kind,
        other.operation,
        other.trace.splitlines()[-3:-1],
    )


def table(tallies: dict[str, Tally]) -> str:
    """Mutants and findings of each target, as Markdown."""
    rows = ["| target | mutants | findings |", "|---|---:|---|"]
    for name, tally in tallies.items():
        kinds = sorted({f"{one.kind} ({one.operation})" for one in tally.findings})
        found = f"{len(tally.findings)}: {', '.join(kinds)}" if kinds else "0"
        rows.append(f"| {name} | {tally.mutants:,} | {found} |")
    total = sum(tally.mutants for tally in tallies.values())
    rows.append(f"| all | {total:,} | {sum(len(tally.findings) for tally in tallies.values())} |")
    return "\n".join(rows)
