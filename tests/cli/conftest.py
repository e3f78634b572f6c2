"""Runs command lines inside the test's process, and makes small pictures for them."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from gamutcli.cli import run


@dataclass(frozen=True)
class Outcome:
    """What a command line came to."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Gamut = Callable[..., Outcome]


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
