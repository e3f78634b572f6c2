"""Settings for every test, and command lines inside its process."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from functools import wraps
from typing import Any

import pytest
from commands import Gamut, Outcome
from hypothesis import settings

import gamutcli.fit
import gamutcli.gpu.fit
from gamutcli.cli import run
from gamutcli.fit import Fit
from gamutcli.presets import Preset
from gamutcli.sample import Sample

# A busy machine is no reason to fail, and the same commit gives the same verdict.
settings.register_profile("gamutcli", deadline=None, derandomize=True, max_examples=50)
settings.load_profile("gamutcli")

# Nor has the environment of whoever runs them any say in it, here and in what tests start.
for name in list(os.environ):
    if name.startswith("GAMUT_") or name in ("COLUMNS", "FORCE_COLOR", "LINES", "NO_COLOR", "TTY_COMPATIBLE"):
        del os.environ[name]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--fit-seed", type=int, default=0, metavar="N", help="add N to the seed of every fit")


def pytest_configure(config: pytest.Config) -> None:
    if shift := config.getoption("--fit-seed"):
        shift_seeds(shift)


def shift_seeds(by: int) -> None:
    """Begin every fit elsewhere: whoever bounds what a fit is worth must not have been lucky."""
    assert "gamutcli.pipeline" not in sys.modules, "whoever imported a fit by name has the one that begins at home"
    for module in (gamutcli.fit, gamutcli.gpu.fit):
        module.fit = begun_elsewhere(module.fit, by)


def begun_elsewhere(fit: Callable[..., Fit], by: int) -> Callable[..., Fit]:
    @wraps(fit)
    def shifted(sample: Sample, preset: Preset, seed: int, *given: Any, **more: Any) -> Fit:
        return fit(sample, preset, seed + by, *given, **more)

    return shifted


@pytest.fixture
def fit_seed(pytestconfig: pytest.Config) -> int:
    """The seed that a fit gets which asks for 0."""
    return int(pytestconfig.getoption("--fit-seed"))


@pytest.fixture
def gamut(capsys: pytest.CaptureFixture[str]) -> Gamut:
    """`gamut("info", path)` runs `gamut info PATH`."""

    def call(*words: object) -> Outcome:
        capsys.readouterr()
        code = run([str(word) for word in words])
        out, err = capsys.readouterr()
        return Outcome(code, out, err)

    return call
