"""Settings for every test, and command lines inside its process."""

from __future__ import annotations

import os

import pytest
from hypothesis import settings

from gamutcli.cli import run
from tests.support.commands import Gamut, Outcome
from tests.support.cuda import reason_against

# A busy machine is no reason to fail, and the same commit gives the same verdict.
settings.register_profile("gamutcli", deadline=None, derandomize=True, max_examples=50)
settings.load_profile("gamutcli")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--require-gpu", action="store_true", help="end with an error where there is no GPU, rather than skip tests"
    )


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
def gamut(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Gamut:
    """`gamut("info", path)` runs `gamut info PATH`."""
    for name in [name for name in os.environ if name.startswith("GAMUT_")]:
        monkeypatch.delenv(name)

    def call(*words: object) -> Outcome:
        capsys.readouterr()
        code = run([str(word) for word in words])
        out, err = capsys.readouterr()
        return Outcome(code, out, err)

    return call
