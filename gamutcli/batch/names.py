"""Which pictures there are: below folders, of globs, of listings, one after the other and never all in memory.

Every picture has a name below the folder that it was found in. Its output, its shard and its record go by that name, so
that it does not matter from where, or on which machine, the folder is looked at.
"""

from __future__ import annotations

import glob
import os
import posixpath
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from gamutcli.errors import GamutError, UsageError
from gamutcli.storage import remote


@dataclass(frozen=True, slots=True)
class Name:
    """A picture that was found.

    Attributes:
        source: Its file.
        relative: Its name below the folder that it was found in, with slashes.
        problem: Why nothing more is known, of a folder that cannot be looked into.
        has_changed: Whether it was found before and is another one now.
    """

    source: str
    relative: str
    problem: str = ""
    has_changed: bool = False


@dataclass(frozen=True)
class Filter:
    """Which of the files that are met are wanted.

    A pattern with a slash is compared with the name below the folder, one without with every part of that; letters of
    either case are the same.

    Attributes:
        suffixes: Of pictures, in small letters; asked of what was found, not of what was named.
        include: Patterns of which one must fit, if there are any.
        exclude: Patterns of which none may fit.
    """

    suffixes: tuple[str, ...]
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()

    def wants(self, relative: str) -> bool:
        """Tell whether the patterns let a file pass."""
        if self.include and not any(_matches(relative, pattern) for pattern in self.include):
            return False
        return not any(_matches(relative, pattern) for pattern in self.exclude)

    def finds(self, relative: str) -> bool:
        """Tell whether a file is a picture by its name, and the patterns let it pass."""
        return relative.lower().endswith(self.suffixes) and self.wants(relative)

    def enters(self, relative: str) -> bool:
        """Tell whether the patterns let a folder pass."""
        return not any(_matches(relative, pattern) for pattern in self.exclude)


@dataclass(frozen=True)
class Search:
    """Where to look for pictures.

    Attributes:
        sources: Files, folders and globs.
        wanted: Which files are wanted.
        listing: Names that came one by one; None among them means that there is none at the moment.
        base: The folder that single names are taken relative to; without it, names that are relative keep their
            folders, and others have none.
        without: A folder that is left out, where results go.
    """

    sources: Sequence[str]
    wanted: Filter
    listing: Iterable[str | None] = ()
    base: Path | None = None
    without: Path | None = None

    def __iter__(self) -> Iterator[Name | None]:
        """Go through the pictures, folder by folder, each in the order of names.

        Raises:
            UsageError: A source is not there.
        """
        for source in self.sources:
            if remote.is_address(source):
                yield from self._remote(source)
            elif os.path.isdir(source):
                yield from self._below(source, "")
            elif os.path.lexists(source):
                yield from self._single(source)
            elif glob.has_magic(source):
                yield from self._matching(source)
            else:
                raise UsageError(f"{source}: does not exist; name files, folders or patterns.")
        for name in self.listing:
            if name is None:
                yield None
            elif name:
                yield from self._single(name)

    def below(self, source: str, place: str) -> Iterator[Name]:
        """Go through what a walk through a folder would find at a place below it: a picture, or those in a folder."""
        *parents, last = _with_slashes(place).split("/")
        path, relative = source, ""
        for part in parents:
            path, relative = os.path.join(path, part), f"{relative}/{part}" if relative else part
            if part.startswith(".") or os.path.islink(path) or self._is_apart(path):
                return
            if not self.wanted.enters(relative):
                return
        if last.startswith("."):
            return
        path, relative = os.path.join(path, last), _with_slashes(place)
        if os.path.isdir(path):
            if not os.path.islink(path) and self.wanted.enters(relative):
                yield from self._below(path, relative)
        elif self.wanted.finds(relative):
            yield Name(path, relative)

    def _is_apart(self, folder: str) -> bool:
        """Tell the folder of results, which may be made while others are looked through."""
        return self.without is not None and _identity(folder) == _identity(self.without) is not None

    def _single(self, source: str) -> Iterator[Name]:
        relative = self._relative(source)
        if self.wanted.wants(relative):
            yield Name(source, relative)

    def _remote(self, source: str) -> Iterator[Name]:
        """Go through a bucket, or what is below a key of it; or take a single key, or what a pattern of keys means."""
        if glob.has_magic(source):
            fixed = posixpath.dirname(source[: re.search(r"[*?[]", source).start()])  # type: ignore[union-attr]
            for address in remote.match_pattern(source):
                relative = address.removeprefix(fixed).lstrip("/")
                if self.wanted.finds(relative):
                    yield Name(address, relative)
        elif remote.is_folder(source):
            yield from self._below_address(source.rstrip("/"), "")
        else:
            yield from self._single(source)

    def _below_address(self, folder: str, relative: str) -> Iterator[Name]:
        if self.without is not None and folder == remote.address_of(self.without):
            return
        try:
            found = remote.list_folder(folder)
        except GamutError as error:
            yield Name(folder, relative or ".", str(error))
            return
        for name, is_folder in found:
            below = f"{relative}/{name}" if relative else name
            if name.startswith("."):
                continue
            if is_folder:
                if self.wanted.enters(below):
                    yield from self._below_address(f"{folder}/{name}", below)
            elif self.wanted.finds(below):
                yield Name(f"{folder}/{name}", below)

    def _relative(self, source: str) -> str:
        if remote.is_address(source):
            base = remote.address_of(self.base) if self.base else None
            return source.removeprefix(f"{base}/") if base else posixpath.basename(source)
        if self.base is not None:
            below = os.path.relpath(source, self.base)
            if not _leaves(below):
                return _with_slashes(below)
        below = os.path.normpath(source)
        return os.path.basename(below) if os.path.isabs(below) or _leaves(below) else _with_slashes(below)

    def _matching(self, pattern: str) -> Iterator[Name]:
        """Find what a glob means; names are relative to the folders in it that are no pattern."""
        parts = Path(pattern).parts
        fixed = next(number for number, part in enumerate(parts) if glob.has_magic(part))
        root = os.path.join(*parts[:fixed]) if fixed else "."
        for found in sorted(glob.iglob(os.path.join(*parts[fixed:]), root_dir=root, recursive=True)):
            path = os.path.join(root, found) if fixed else found
            relative = _with_slashes(found)
            if os.path.isdir(path):
                if "**" not in parts:  # else what is in it is found by the pattern itself
                    yield from self._below(path, relative)
            elif self.wanted.finds(relative):
                yield Name(path, relative)

    def _below(self, folder: str, relative: str) -> Iterator[Name]:
        if self._is_apart(folder):
            return
        try:
            with os.scandir(folder) as entries:
                # Names alone: a folder may hold a million of them.
                found = sorted((entry.name, _is_folder(entry)) for entry in entries if not entry.name.startswith("."))
        except OSError as error:
            yield Name(folder, relative or ".", f"{folder}: cannot be looked into ({error.strerror}).")
            return
        for name, is_folder in found:
            below = f"{relative}/{name}" if relative else name
            if is_folder:
                if self.wanted.enters(below):
                    yield from self._below(os.path.join(folder, name), below)
            elif self.wanted.finds(below):
                yield Name(os.path.join(folder, name), below)


def _matches(relative: str, pattern: str) -> bool:
    relative, pattern = relative.casefold(), pattern.casefold().rstrip("/")
    if "/" in pattern:
        return fnmatchcase(relative, pattern.removeprefix("./"))
    return any(fnmatchcase(part, pattern) for part in relative.split("/"))


def _is_folder(entry: os.DirEntry[str]) -> bool:
    """Tell folders; links to folders are not followed, since they may lead around in a circle."""
    return entry.is_dir(follow_symlinks=False)


def _identity(folder: str | Path) -> tuple[int, int] | None:
    try:
        status = os.stat(folder)
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _leaves(relative: str) -> bool:
    return os.path.isabs(relative) or relative == os.pardir or relative.startswith(os.pardir + os.sep)


def _with_slashes(path: str) -> str:
    return path.replace(os.sep, "/").removeprefix("./")
