"""Runs the command line as a user would: a process of its own, start-up included."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Run:
    """One finished process.

    Attributes:
        seconds: Wall time.
        peak_mib: Largest resident memory.  Linux counts the caller's own at the start of the process in: keep it small
            where this figure is wanted, that is, import no numpy.
        output: What it printed.
    """

    seconds: float
    peak_mib: float
    output: str

    @property
    def json(self) -> Any:
        """What it printed, with ``--json``."""
        return json.loads(self.output)


def gamut(*words: object, environment: Mapping[str, str] | None = None) -> Run:
    """Run `gamut WORDS`, in another environment if given; a failure ends the benchmark."""
    return command(sys.executable, "-m", "gamutcli", *words, environment=environment)


def command(*words: object, environment: Mapping[str, str] | None = None) -> Run:
    """Run any command; a failure ends the benchmark."""
    line = [*map(str, words)]
    start = time.perf_counter()
    with subprocess.Popen(line, stdout=subprocess.PIPE, text=True, env=environment) as child:
        assert child.stdout is not None
        output = child.stdout.read()
        _, status, usage = os.wait4(child.pid, 0)
        seconds = time.perf_counter() - start
        child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"{' '.join(line)}: exit code {child.returncode}")
    return Run(seconds, usage.ru_maxrss / 1024, output)
