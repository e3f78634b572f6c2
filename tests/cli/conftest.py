"""An album of files for command lines."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gamutcli.cli import run
from tests.support.pictures import wide_codes, write_tiff
from tests.support.presets import changed_presets


@pytest.fixture
def quick() -> Iterator[None]:
    """Makes the fast preset faster, for tests that do not look at the quality of the fit."""
    with changed_presets("fast", steps=20):
        yield


@pytest.fixture(scope="session")
def album(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a photograph, and what `reduce` makes of it: photo.tif, photo.png, photo.jpg. Read only."""
    folder = tmp_path_factory.mktemp("album")
    photo = write_tiff(folder / "photo.tif", wide_codes(60, 90))
    for extension in ("png", "jpg"):
        assert run(["reduce", str(photo), str(folder / f"photo.{extension}"), "--preset", "fast", "-q"]) == 0
    return folder
