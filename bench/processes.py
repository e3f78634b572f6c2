"""Runs the command line as a user would: a process of its own, start-up included."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
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


def gamut(*words: object) -> Run:
    """Run `gamut WORDS`; a failure ends the benchmark."""
    command = [sys.executable, "-m", "gamutcli", *map(str, words)]
    start = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        output = child.stdout.read()
        _, status, usage = os.wait4(child.pid, 0)
        seconds = time.perf_counter() - start
        child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"gamut {' '.join(command[3:])}: exit code {child.returncode}")
    return Run(seconds, usage.ru_maxrss / 1024, output)
