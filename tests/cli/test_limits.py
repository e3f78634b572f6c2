"""Limits on what files claim, and the option that lifts them, as a user meets both."""

from __future__ import annotations

from pathlib import Path

import pytest

from gamutcli.cli import run
from gamutcli.images import claims
from tests.support.pictures import SAMPLES


def test_a_large_file_is_read_where_it_is_allowed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    reduced = str(tmp_path / "a.webp")
    assert run(["reduce", str(SAMPLES / "dahlia.tif"), reduced, "--preset", "fast", "-q"]) == 0
    monkeypatch.setitem(claims._PLAIN, "WebP", 1)
    monkeypatch.setattr(claims, "_GROWTH", 0)
    for command in (["info", reduced], ["expand", reduced, str(tmp_path / "r.tif")]):
        assert run(command) == 1
        assert "use --allow-large if you trust it" in capsys.readouterr().err
        assert run([*command, "--allow-large"]) == 0
        capsys.readouterr()
    assert run(["info", reduced]) == 1  # of one command, not of those behind it
