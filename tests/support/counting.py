"""How often functions are called meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest


def counted_calls(monkeypatch: pytest.MonkeyPatch, module: ModuleType, *names: str) -> list[str]:
    """A list that grows by a name with every call of these functions of a module, which do what they did."""
    counted: list[str] = []

    def counting(name: str) -> None:
        original: Callable[..., Any] = getattr(module, name)

        def call(*given: Any, **more: Any) -> Any:
            counted.append(name)
            return original(*given, **more)

        monkeypatch.setattr(module, name, call)

    for name in names:
        counting(name)
    return counted
