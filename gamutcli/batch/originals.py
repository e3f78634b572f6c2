"""The original of a delivered picture: the file of its name in the same place below the folder of originals."""

from __future__ import annotations

import contextlib
import os
import posixpath
from collections import defaultdict
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from gamutcli.errors import GamutError, InputError
from gamutcli.storage import remote


class Originals:
    """Finds originals below a folder, or in it where nothing below it fits.

    Args:
        folder: That holds them.
        suffixes: Which files are originals, small letters; empty: all but a picture itself.
    """

    def __init__(self, folder: Path, suffixes: tuple[str, ...] = ()) -> None:
        self._folder = folder
        self._suffixes = suffixes
        # A folder is listed once, as long as its pictures follow each other.
        self._listed = lru_cache(maxsize=16)(self._list)

    def of(self, relative: str, source: str) -> str:
        """Find the original of a picture.

        Args:
            relative: The picture's name below its own folder.
            source: Its file, which is not its own original.

        Raises:
            InputError: There is none, or more than one.
            OutputError: The bucket does not answer.
        """
        folder, name = posixpath.split(relative)
        stem = posixpath.splitext(name)[0]
        for place in dict.fromkeys((folder, "")):
            found = [path for path in self._listed(place).get(stem, ()) if not _same(path, source)]
            if len(found) == 1:
                return found[0]
            if found:
                names = " and ".join(os.path.basename(path) for path in found)
                raise InputError(
                    f"{source}: has several originals in {remote.name_of(self._folder / place)} ({names})."
                )
        raise InputError(
            f"{source}: has no original in {remote.name_of(self._folder)}; it would be named {stem}.tif or the like."
        )

    def find(self, relative: str, source: str) -> str:
        """Find the original of a picture; empty where there is none, or more than one, or it cannot be looked for."""
        try:
            return self.of(relative, source)
        except GamutError:
            return ""

    def _list(self, place: str) -> Mapping[str, list[str]]:
        found: dict[str, list[str]] = defaultdict(list)
        address = remote.address_of(self._folder / place)
        if address is not None:
            with contextlib.suppress(InputError):  # as a folder that is not there
                for name, is_folder in remote.list_folder(address):
                    if not is_folder and self._wants(name):
                        found[posixpath.splitext(name)[0]].append(f"{address}/{name}")
            return found
        try:
            with os.scandir(self._folder / place) as entries:
                for entry in sorted(entries, key=lambda entry: entry.name):
                    if self._wants(entry.name) and entry.is_file():
                        found[os.path.splitext(entry.name)[0]].append(entry.path)
        except OSError:
            return {}
        return found

    def _wants(self, name: str) -> bool:
        return not name.startswith(".") and (not self._suffixes or name.lower().endswith(self._suffixes))


def _same(one: str, other: str) -> bool:
    if one == other:
        return True
    try:
        return os.path.samefile(one, other)
    except OSError:
        return False
