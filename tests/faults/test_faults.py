"""The short form of `make faults`: a few moments, always the same ones by chance if not by time."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals and processes of POSIX")


def tried(**counts: int) -> subprocess.CompletedProcess[str]:
    """In a process of its own, which forks: one that runs tests may have threads."""
    every = {"moments": 0, "places": 0, "races": 0, "batches": 0, "batch": 0, "first": 1} | counts
    words = [word for name, count in every.items() for word in (f"--{name}", str(count))]
    return subprocess.run(
        [sys.executable, "-m", "tests.faults", *words],
        capture_output=True,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
    )


def test_nothing_is_lost_and_nothing_left_behind() -> None:
    done = tried(moments=34, places=9, races=4)
    assert done.returncode == 0, done.stdout + done.stderr
    # Full disks need somebody who may mount them; so do read-only ones, for a superuser.
    assert any(f"| all | {34 + 9 * kinds + 2 * 4} |" in done.stdout for kinds in (2, 3, 4)), done.stdout


def test_the_run_after_a_batch_that_broke_off_does_the_rest_and_nothing_twice() -> None:
    done = tried(batches=6)
    assert done.returncode == 0, done.stdout + done.stderr
    for fault in ("batch, worker killed", "batch, killed", "batch, disk full"):
        assert f"| {fault} | 2 |" in done.stdout, done.stdout
