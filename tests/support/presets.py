"""Presets that take tenths of a second, for tests that name them on command lines."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from gamutcli.fitting.presets import PRESETS

#: A network that learns a little of a small picture in 120 steps.
SMALL = {"hidden": 16, "depth": 2, "steps": 120, "batch": 512, "samples": 4096}


@contextmanager
def changed_presets(*names: str, **changes: Any) -> Iterator[None]:
    """As long as it lasts, these presets are others: with the changes, or `SMALL` without any."""
    with pytest.MonkeyPatch.context() as patch:
        for name in names:
            patch.setitem(PRESETS, name, replace(PRESETS[name], **(changes or SMALL)))
        yield
