"""The seed that `tests/kernels.py` asks for is the one that every fit gets."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from gamutcli.fitting import fit as fitting
from gamutcli.fitting.fit import Fit
from gamutcli.gpu import fit as on_gpu
from gamutcli.gpu import together
from gamutcli.gpu.fit import Job
from tests.support.fits import ADAM, a_sample

FEW = replace(ADAM, steps=2)


@pytest.mark.fit
def test_a_fit_begins_with_the_seed_of_the_tests(fit_seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    sample = a_sample(3000)
    expected = getattr(fitting.fit, "__wrapped__", fitting.fit)(sample, FEW, fit_seed)
    for found in (fitting.fit(sample, FEW, 0), together.fit_on("cpu", sample, FEW, 0)):
        for mine, its in zip(found.weights, expected.weights, strict=True):
            np.testing.assert_array_equal(mine, its)

    def seeds_seen(jobs: list[Job]) -> list[Fit]:
        assert [job.seed for job in jobs] == [fit_seed]
        return [expected]

    monkeypatch.setattr(on_gpu, "fit_together", seeds_seen)
    assert together.fit_on("cuda", sample, FEW, 0) is expected


def test_another_seed_can_be_asked_for() -> None:
    chosen = f"{Path(__file__)}::{test_a_fit_begins_with_the_seed_of_the_tests.__name__}"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-m", "fit", "--fit-seed=1", chosen]
    done = subprocess.run(command, cwd=Path(__file__).parent.parent, capture_output=True, text=True)
    assert "1 passed" in done.stdout, done.stdout + done.stderr
