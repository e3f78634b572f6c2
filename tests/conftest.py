"""Settings for every test, and command lines inside its process."""

from __future__ import annotations

import os

import pytest
from hypothesis import settings

from gamutcli.cli import run
from tests.support.commands import Gamut, Outcome

# A busy machine is no reason to fail, and the same commit gives the same verdict.
settings.register_profile("gamutcli", deadline=None, derandomize=True, max_examples=50)
settings.load_profile("gamutcli")


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
