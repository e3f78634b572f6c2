"""A run gives pictures out as soon as there is room for them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from gamutcli.batch.names import Name
from gamutcli.batch.run import Order, run
from gamutcli.batch.units import DONE, Outcome, Task


class Elsewhere:
    """One picture at a time; each has ended when it is asked for a second time."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.asked = 0
        self._in_hand: list[Task] = []

    @property
    def running(self) -> int:
        return len(self._in_hand)

    def has_room(self, memory: int = 0) -> bool:
        return not self._in_hand

    def submit(self, task: Task) -> None:
        self.begun.append(task.relative)
        self._in_hand.append(task)
        self.asked = 0

    def collect(self, seconds: float) -> Iterator[Outcome]:
        self.asked += 1
        if self._in_hand and self.asked > 1:
            yield Outcome(self._in_hand.pop(), DONE)

    def close(self) -> None:
        assert not self._in_hand


def test_the_next_picture_is_not_waited_for_when_one_has_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr(time, "sleep", slept.append)
    names = [Name(str(tmp_path / name), name) for name in ("a.tif", "b.tif", "c.tif")]
    engine = Elsewhere()
    counts = run(Order("reduce", tmp_path / "out", ".jpg"), names, engine, tell=lambda outcome: None)
    assert engine.begun == ["a.tif", "b.tif", "c.tif"]
    assert counts.states[DONE] == 3
    assert not slept


def test_a_folder_that_has_nothing_new_is_not_asked_again_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slept: list[float] = []
    monkeypatch.setattr(time, "sleep", slept.append)
    names = [None, None, Name(str(tmp_path / "a.tif"), "a.tif")]
    run(Order("reduce", tmp_path / "out", ".jpg"), names, Elsewhere(), tell=lambda outcome: None)
    assert len(slept) == 2
