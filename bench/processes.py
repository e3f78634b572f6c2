"""Runs the command line as a user would: a process of its own, start-up included."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import IO, Any


@dataclass(frozen=True)
class Run:
    """One finished process.

    Attributes:
        seconds: Wall time.
        cpu_seconds: Of all its threads, and of its children.
        peak_mib: Largest resident memory.  Linux counts the caller's own at the start of the process in: keep it small
            where this figure is wanted, that is, import no numpy.
        output: What it printed.
    """

    seconds: float
    cpu_seconds: float
    peak_mib: float
    output: str

    @property
    def json(self) -> Any:
        """What it printed, with ``--json``."""
        return json.loads(self.output)


class Failed(Exception):
    """A process that failed, or that took too long; the text says which."""


def gamut(*words: object, environment: Mapping[str, str] | None = None) -> Run:
    """Run `gamut WORDS`, in another environment if given; a failure ends the benchmark."""
    return command(sys.executable, "-m", "gamutcli", *words, environment=environment)


def command(*words: object, environment: Mapping[str, str] | None = None) -> Run:
    """Run any command; a failure ends the benchmark."""
    line = [*map(str, words)]
    try:
        return run(line, environment=environment)
    except Failed as failed:
        raise SystemExit(f"{' '.join(line)}: {failed}") from failed


def run(
    command: Sequence[str],
    limit: float | None = None,
    told: IO[str] | None = None,
    environment: Mapping[str, str] | None = None,
) -> Run:
    """Run a command, and measure it.

    Args:
        command: Its words.
        limit: Seconds after which it is ended.
        told: Where its messages go; None: where this process's go.
        environment: Of the process; None: this one's.

    Raises:
        Failed: It ended with another exit code than 0, or had to be ended.
    """
    start = time.perf_counter()
    with tempfile.TemporaryFile("w+", encoding="utf-8") as output:
        # Waited for by hand: only so the memory that it took can be known.
        child = subprocess.Popen(command, stdout=output, stderr=told, env=environment)
        usage = None
        while usage is None:
            late = limit is not None and time.perf_counter() - start > limit
            if late:
                child.kill()
            pid, status, found = os.wait4(child.pid, os.WNOHANG if limit is not None and not late else 0)
            if pid:
                usage, child.returncode = found, os.waitstatus_to_exitcode(status)
            else:
                time.sleep(0.01)
        seconds = time.perf_counter() - start
        if late:
            raise Failed(f"ended after {seconds:.0f} s")
        if child.returncode:
            raise Failed(f"exit code {child.returncode}")
        output.seek(0)
        return Run(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, output.read())
