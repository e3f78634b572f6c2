"""The pictures of an experiment: which they are, and what is in them."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from gamutcli import images
from gamutcli.errors import InputError
from gamutcli.scene import Original, StrPath, read_original

SUFFIXES = (".tif", ".tiff", ".png")


@dataclass(frozen=True, eq=False)
class Subject:
    """One wide-gamut picture, opened.

    Attributes:
        path: Its file.
        original: Its pixels.
        notes: What is to be said of it.
    """

    path: Path
    original: Original
    notes: tuple[str, ...]

    @property
    def name(self) -> str:
        """What tables and files call it: the name of its file."""
        return self.path.name


def pictures_in(folder: StrPath) -> list[Path]:
    """The TIFF and PNG pictures of a folder, by name.

    Raises:
        InputError: There is no such folder, or no picture in it.
    """
    path = Path(folder)
    if not path.is_dir():
        raise InputError(f"{os.fspath(folder)}: is no folder; name one that holds wide-gamut TIFF or PNG pictures.")
    found = [file for file in path.iterdir() if file.suffix.lower() in SUFFIXES and not file.name.startswith(".")]
    if not found:
        raise InputError(f"{os.fspath(folder)}: holds no TIFF or PNG picture; name a folder that does.")
    return sorted(found)


def opened(path: Path) -> Subject:
    """Open a picture; one that does not name its colour space is taken as ProPhoto RGB, as research data sets are.

    Raises:
        InputError: It cannot be read.
    """
    original, notes = read_original(path, "prophoto")
    return Subject(path, original, notes)


def digest(path: Path) -> str:
    """SHA-256 of a file: tells whether a picture is still the one that was measured."""
    return hashlib.sha256(images.read_bytes(path)).hexdigest()
