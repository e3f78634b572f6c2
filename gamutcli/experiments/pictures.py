"""The pictures of an experiment: which they are, and what is in them."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from gamutcli import images
from gamutcli.arrays import StrPath
from gamutcli.errors import InputError
from gamutcli.images.original import Original, read_assumed

SUFFIXES = (".tif", ".tiff", ".png")
#: What pictures are taken as that do not name their colour space, as those of research data sets do not.
ASSUMED = "prophoto"


@dataclass(frozen=True, eq=False)
class Subject:
    """One wide-gamut picture, opened.

    Attributes:
        path: Its file.
        original: Its pixels.
        notes: What is to be said of it.
        sha256: Of its file, as it was when it was opened.
    """

    path: Path
    original: Original
    notes: tuple[str, ...]
    sha256: str

    @property
    def name(self) -> str:
        """What tables and files call it: the name of its file."""
        return self.path.name


def pictures_in(folder: StrPath) -> list[Path]:
    """The TIFF and PNG pictures of a folder, by name.

    Raises:
        InputError: There is no such folder, it cannot be read, or there is no picture in it.
    """
    path = Path(folder)
    try:
        if not path.is_dir():
            raise InputError(f"{os.fspath(folder)}: is no folder; name one that holds wide-gamut TIFF or PNG pictures.")
        # A link that leads nowhere stays: it is missed, and told, when it is its turn.
        found = [file for file in path.iterdir() if _named_as_picture(file) and not file.is_dir()]
    except OSError as error:
        raise InputError(f"{os.fspath(folder)}: cannot be read ({error.strerror}); check its permissions.") from error
    if not found:
        raise InputError(f"{os.fspath(folder)}: holds no TIFF or PNG picture; name a folder that does.")
    return sorted(found)


def _named_as_picture(file: Path) -> bool:
    return file.suffix.lower() in SUFFIXES and not file.name.startswith(".")


def open_subject(path: Path) -> Subject:
    """Open a picture; one that does not name its colour space is taken as ``ASSUMED``.

    Raises:
        InputError: It cannot be read.
    """
    # First: should the file be replaced meanwhile, its new digest is not that of the old pixels.
    sha256 = digest(path)
    source = read_assumed(path, ASSUMED)
    return Subject(path, source.original, source.notes, sha256)


def assumed_for(path: Path) -> str | None:
    """What other functions are told to take a picture as, None where it names its colour space itself.

    Raises:
        InputError: It cannot be read.
    """
    return ASSUMED if images.read_wide(path).profile is None else None


def digest(path: Path) -> str:
    """SHA-256 of a file: tells whether a picture is still the one that was measured."""
    return hashlib.sha256(images.read_bytes(path)).hexdigest()
