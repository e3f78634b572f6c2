"""The short form of `make faults`: a few moments, always the same ones by chance if not by time."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest


@pytest.mark.skipif(os.name != "posix", reason="signals and processes of POSIX")
def test_nothing_is_lost_and_nothing_left_behind() -> None:
    """In a process of its own, which forks: one that runs tests may have threads."""
    words = ["--moments", "34", "--places", "9", "--races", "4", "--batch", "0", "--first", "1"]
    done = subprocess.run(
        [sys.executable, "-m", "tests.faults", *words],
        capture_output=True,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    # Full disks need somebody who may mount them; so do read-only ones, for a superuser.
    assert any(f"| all | {34 + 9 * kinds + 2 * 4} |" in done.stdout for kinds in (2, 3, 4)), done.stdout
