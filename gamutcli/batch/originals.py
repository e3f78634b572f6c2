"""The original of a delivered picture: the file of its name in the same place below the folder of originals."""

from __future__ import annotations

import os
import posixpath
from collections import defaultdict
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from gamutcli.errors import InputError


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
        """
        folder, name = posixpath.split(relative)
        stem = posixpath.splitext(name)[0]
        for place in dict.fromkeys((folder, "")):
            found = [path for path in self._listed(place).get(stem, ()) if not _same(path, source)]
            if len(found) == 1:
                return found[0]
            if found:
                names = " and ".join(os.path.basename(path) for path in found)
                raise InputError(f"{source}: has several originals in {self._folder / place} ({names}).")
        raise InputError(f"{source}: has no original in {self._folder}; it would be named {stem}.tif or the like.")

    def find(self, relative: str, source: str) -> str:
        """Find the original of a picture; empty where there is none, or more than one."""
        try:
            return self.of(relative, source)
        except InputError:
            return ""

    def _list(self, place: str) -> Mapping[str, list[str]]:
        found: dict[str, list[str]] = defaultdict(list)
        try:
            with os.scandir(self._folder / place) as entries:
                for entry in sorted(entries, key=lambda entry: entry.name):
                    wanted = not self._suffixes or entry.name.lower().endswith(self._suffixes)
                    if wanted and not entry.name.startswith(".") and entry.is_file():
                        found[os.path.splitext(entry.name)[0]].append(entry.path)
        except OSError:
            return {}
        return found


def _same(one: str, other: str) -> bool:
    try:
        return os.path.samefile(one, other)
    except OSError:
        return False
