"""An album of files for command lines."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from gamutcli.cli import run
from gamutcli.fitting import presets
from tests.support.pictures import wide_codes, write_tiff


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes the fast preset faster, for tests that do not look at the quality of the fit."""
    monkeypatch.setitem(presets.PRESETS, "fast", replace(presets.PRESETS["fast"], steps=20))


@pytest.fixture(scope="session")
def album(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a photograph, and what `reduce` makes of it: photo.tif, photo.png, photo.jpg. Read only."""
    folder = tmp_path_factory.mktemp("album")
    photo = write_tiff(folder / "photo.tif", wide_codes(60, 90))
    for extension in ("png", "jpg"):
        assert run(["reduce", str(photo), str(folder / f"photo.{extension}"), "--preset", "fast", "-q"]) == 0
    return folder
