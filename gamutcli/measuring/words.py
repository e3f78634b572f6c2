"""Figures as people and JSON read them. Nothing here needs numpy, so that the command line can use it at once."""

from __future__ import annotations

import math
from pathlib import PurePath
from typing import Any


def decibels(value: float | None, digits: int = 2) -> str:
    """A PSNR: "47.15 dB"; "exact" when nothing differs, "-" when there is no such pixel."""
    if value is None:
        return "-"
    return "exact" if math.isinf(value) else f"{value:.{digits}f} dB"


def json_safe(value: Any) -> Any:
    """What JSON can hold, in lists and dictionaries too: paths become text, infinite and undefined figures null."""
    if isinstance(value, dict):
        return {key: json_safe(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [json_safe(item) for item in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return str(value) if isinstance(value, PurePath) else value
