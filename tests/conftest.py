"""Settings for every test, and command lines inside its process."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import settings

import gamutcli.fitting.fit
import gamutcli.gpu.fit
import gamutcli.gpu.together
from gamutcli.cli import run
from gamutcli.fitting.presets import Preset
from gamutcli.fitting.sample import Sample
from tests.support.commands import Gamut, Outcome
from tests.support.cuda import reason_against
from tests.support.presets import changed_presets

Made = TypeVar("Made")

# A busy machine is no reason to fail, and the same commit gives the same verdict.
settings.register_profile("gamutcli", deadline=None, derandomize=True, max_examples=50)
settings.load_profile("gamutcli")

# Nor has the environment of whoever runs them any say in it, here and in what tests start.
for name in list(os.environ):
    if name.startswith("GAMUT_") or name in ("COLUMNS", "FORCE_COLOR", "LINES", "NO_COLOR", "TTY_COMPATIBLE"):
        del os.environ[name]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--fit-seed", type=int, default=0, metavar="N", help="add N to the seed of every fit")
    parser.addoption(
        "--require-gpu", action="store_true", help="end with an error where there is no GPU, rather than skip tests"
    )


def pytest_configure(config: pytest.Config) -> None:
    if shift := config.getoption("--fit-seed"):
        shift_seeds(shift)


def shift_seeds(by: int) -> None:
    """Begin every fit elsewhere: whoever bounds what a fit is worth must not have been lucky."""
    assert "gamutcli.experiments.recipe" not in sys.modules, "who imported a fit by name has one that begins at home"
    for module, name in (
        (gamutcli.fitting.fit, "fit"),
        (gamutcli.gpu.fit, "fit"),
        (gamutcli.gpu.together, "fit_on_cpu"),
        (gamutcli.gpu.together, "Job"),
    ):
        setattr(module, name, begun_elsewhere(getattr(module, name), by))


def begun_elsewhere(fit: Callable[..., Made], by: int) -> Callable[..., Made]:
    @wraps(fit)
    def shifted(sample: Sample, preset: Preset, seed: int, *given: Any, **more: Any) -> Made:
        return fit(sample, preset, seed + by, *given, **more)

    return shifted


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Skip what needs a GPU where there is none; after ``-m``, so that torch is not imported for nothing."""
    required = config.getoption("--require-gpu")
    needing = [item for item in items if item.get_closest_marker("gpu")]
    reason = reason_against(thorough=required) if needing or required else None
    if required and (reason or not needing):
        raise pytest.UsageError(f"no test runs on a GPU: {reason or 'none that is marked gpu was chosen'}")
    for item in needing if reason else ():
        item.add_marker(pytest.mark.skip(reason=f"needs a GPU: {reason}"))


@pytest.fixture
def fit_seed(pytestconfig: pytest.Config) -> int:
    """The seed that a fit gets which asks for 0."""
    return int(pytestconfig.getoption("--fit-seed"))


@pytest.fixture(scope="module")
def cheap() -> Iterator[None]:
    """Presets that take tenths of a second."""
    with changed_presets("fast", "paper"):
        yield


@pytest.fixture(scope="module")
def album(cheap: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """photo.tif, and what `reduce_image` and `expand_image` make of it. Read only."""
    from tests.support.pipeline import make_album  # reads photographs, which other tests do without

    return make_album(tmp_path_factory.mktemp("album"))


@pytest.fixture
def gamut(capsys: pytest.CaptureFixture[str]) -> Gamut:
    """`gamut("info", path)` runs `gamut info PATH`."""

    def call(*words: object) -> Outcome:
        capsys.readouterr()
        code = run([str(word) for word in words])
        out, err = capsys.readouterr()
        return Outcome(code, out, err)

    return call
