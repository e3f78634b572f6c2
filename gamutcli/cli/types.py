"""Kinds of values that options and arguments take: file names, which shells can complete, and numbers of bytes."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem
from click.types import IntParamType, StringParamType

from gamutcli.cli.piping import DASH
from gamutcli.storage.remote import is_address

#: What a letter behind a number of bytes means.
UNITS = {"": 1, "k": 1000, "m": 1000**2, "g": 1000**3, "ki": 1024, "mi": 1024**2, "gi": 1024**3}


class FileName(click.Path):
    """The name of a file or folder.

    Args:
        suffixes: What the shell proposes: names that end so, and folders; folders alone when there are none.
        only: Whether other suffixes are refused.
        words: That mean something else than a file.
        remote: Whether it may be the address of a file in a bucket, which becomes a path that has lost a slash.
    """

    def __init__(
        self,
        suffixes: Sequence[str] = (),
        *,
        only: bool = False,
        words: Sequence[str] = (),
        remote: bool = False,
    ) -> None:
        super().__init__(path_type=Path)
        self.remote = remote
        self.suffixes = tuple(suffixes)
        self.only = only
        self.words = tuple(words)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Make a path of the word."""
        if value == "":
            self.fail("a file name is empty; a variable that is not set, perhaps?", param, ctx)
        if value == str(DASH):
            self.fail(
                "- (standard input or output) cannot be used here; name a file, or ./- for one so named.", param, ctx
            )
        if "\0" in str(value):
            self.fail("a file name holds a null character.", param, ctx)
        if is_address(str(value)) and not self.remote:
            self.fail(f"{value}: an address cannot be used here; copy the file to this machine.", param, ctx)
        if self.only and Path(value).suffix.lower() not in self.suffixes:
            self.fail(f"{value}: what is written here is {' or '.join(self.suffixes)}; name it so.", param, ctx)
        return value if value in self.words else super().convert(value, param, ctx)

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:
        """Propose the files that suit and the folders, whose names end in a slash."""
        typed, slash, start = incomplete.rpartition("/")
        proposed = [CompletionItem(word) for word in self.words if word.startswith(incomplete)]
        try:
            found = sorted(os.scandir(Path(typed + slash).expanduser()), key=lambda entry: entry.name)
        except (OSError, RuntimeError):  # RuntimeError: ~ of somebody who has no home
            return proposed
        for entry in found:
            if not entry.name.startswith(start) or (entry.name.startswith(".") and not start):
                continue
            if entry.is_dir():
                proposed.append(CompletionItem(f"{typed}{slash}{entry.name}/", "file"))
            elif entry.name.lower().endswith(self.suffixes):
                proposed.append(CompletionItem(f"{typed}{slash}{entry.name}", "file"))
        return proposed


class PictureName(FileName):
    """The name of a picture, its address, or - for standard input or output."""

    def __init__(self, suffixes: Sequence[str] = ()) -> None:
        super().__init__(suffixes, remote=True)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Make a path of the word; - stays what it is."""
        return DASH if str(value) == str(DASH) else super().convert(value, param, ctx)


class SpaceName(FileName):
    """The name of a colour space, or that of a file with an ICC profile.

    Args:
        spaces: That are known by name.
    """

    def __init__(self, spaces: Sequence[str]) -> None:
        super().__init__((".icc", ".icm"), words=spaces)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Make a known name of the word, told apart without regard to case, or the name of a file."""
        word = str(value)
        if word.lower() in self.words:
            return word.lower()
        if Path(word).suffix.lower() not in self.suffixes:
            self.fail(f"{word!r} is not one of {', '.join(self.words)}, and no .icc or .icm file.", param, ctx)
        return str(super().convert(value, param, ctx))


class Color(StringParamType):
    """A colour as CSS names it: white, #808080, rgb(20, 30, 40)."""

    name = "color"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Make three 8-bit sRGB codes of the word."""
        from PIL import ImageColor

        try:
            red, green, blue, *alpha = ImageColor.getrgb(str(value))
        except ValueError:
            self.fail(f"{value!r} is no colour; write white, '#808080' or 'rgb(20, 30, 40)'.", param, ctx)
        if alpha and alpha != [255]:
            self.fail(f"{value!r} is transparent itself; name a plain colour.", param, ctx)
        return red, green, blue


class Bytes(IntParamType):
    """A number of bytes: 3000, 3k, 12KB or 1.5KiB."""

    name = "bytes"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Make a number of the word."""
        from decimal import Decimal  # exact: 1.1k is 1100

        found = re.fullmatch(r"(\d+(?:\.\d+)?) ?([kmg]?i?)b?", str(value), re.IGNORECASE)
        if not found or found[2].lower() not in UNITS:
            self.fail(
                f"{value!r} is no number of bytes; write 3000, 3k or 12KB (1k is 1000, 1KiB is 1024).", param, ctx
            )
        number = Decimal(found[1]) * UNITS[found[2].lower()]
        if number != int(number):
            self.fail(f"{value!r} is no whole number of bytes.", param, ctx)
        if number < 1:
            self.fail(f"{value} is not in the range of 1 byte and more.", param, ctx)
        return int(number)
