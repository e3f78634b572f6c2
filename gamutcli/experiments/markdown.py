"""Results as Markdown, which reads well as it is and looks well on a page."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from typing import Any

from gamutcli.measuring.words import printable


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table whose columns line up; all but the first are flush right, as figures are."""
    lines = [[_cell(text) for text in row] for row in (head, *rows)]
    widths = [max(3, *map(len, column)) for column in zip(*lines, strict=True)]
    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    aligned = [[line[0].ljust(widths[0]), *map(str.rjust, line[1:], widths[1:])] for line in lines]
    return "\n".join(f"| {' | '.join(line)} |" for line in (aligned[0], rule, *aligned[1:]))


def _cell(text: str) -> str:
    """A text, such as a file's name, that does not break the table."""
    shown = printable(" ".join(text.split()))
    return "".join(f"\\{letter}" if letter in "|<[\\" else letter for letter in shown)


def number(value: float | None, digits: int = 2) -> str:
    """A figure; a dash where there is none."""
    return "-" if value is None else f"{value:,.{digits}f}"


def mean(values: Iterable[float | None]) -> float | None:
    """The mean of the figures that are there."""
    known = [value for value in values if value is not None]
    return statistics.fmean(known) if known else None


def pictures(count: int) -> str:
    """A number of pictures in words."""
    return f"{count} picture" + "s" * (count != 1)


def name_averaged(count: int, with_og: int) -> str:
    """In words, over which pictures a mean is: over those with pixels out of gamut, or over all if there is none."""
    if with_og == count:
        return pictures(count)
    if not with_og:
        return f"{pictures(count)}, 0 of them with pixels out of gamut"
    return f"{with_og} of {pictures(count)}, those with pixels out of gamut"


def document(title: str, configuration: dict[str, Any], parts: Iterable[str], notes: Iterable[str]) -> bytes:
    """A whole file: title, parts, notes, and what made it."""
    settings = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in configuration["settings"].items())
    versions = ", ".join(f"{name} {version}" for name, version in configuration["versions"].items())
    made_by = f"Settings: {settings}.\n\nMade by {versions}, on {' and '.join(configuration['machines'])}."
    listed = "\n".join(f"- {note}" for note in notes)
    found = [f"# {title}", *parts, *(["## Notes", listed] if listed else []), "## How it was made", made_by]
    return ("\n\n".join(found) + "\n").encode("utf-8", "backslashreplace")
