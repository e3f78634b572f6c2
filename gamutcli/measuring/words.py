"""Figures as people and JSON read them. Nothing here needs numpy, so that the command line can use it at once."""

from __future__ import annotations

import math
import re
from pathlib import PurePath
from typing import Any


def decibels(value: float | None, digits: int = 2) -> str:
    """A PSNR: "47.15 dB"; "exact" when nothing differs, "-" when there is no such pixel."""
    if value is None:
        return "-"
    return "exact" if math.isinf(value) else f"{value:.{digits}f} dB"


def difference(value: float | None) -> str:
    """A colour difference, CIEDE2000: "1.9", "0.37"; "-" when there is no such pixel."""
    if value is None:
        return "-"
    return f"{value:.1f}" if value >= 0.995 else f"{value:.2f}"


def printable(text: str) -> str:
    """A text whose every character can be seen: file names may hold escape sequences, line ends, marks of direction.

    Bytes that are no text in the encoding of this system stay, unless they are such characters in UTF-8.
    """
    return text if text.isprintable() else _RUNS.sub(lambda run: _escape(run[0]), text)


_RUNS = re.compile("[\udc80-\udcff]+|.", re.DOTALL)


def _escape(run: str) -> str:
    seen = run.encode("utf-8", "surrogateescape").decode("utf-8", "replace") if "\udc80" <= run[0] <= "\udcff" else run
    return run if seen.isprintable() else run.encode("unicode_escape", "surrogatepass").decode()


def json_safe(value: Any) -> Any:
    """What JSON can hold, in lists and dictionaries too: paths become text, infinite and undefined figures null."""
    if isinstance(value, dict):
        return {key: json_safe(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [json_safe(item) for item in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return str(value) if isinstance(value, PurePath) else value
