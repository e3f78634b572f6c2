"""Work in this very process, for files that no other has: memory:// is of one process alone."""

from __future__ import annotations

from collections.abc import Iterator

from gamutcli.batch.units import Outcome, Task
from gamutcli.batch.work import perform


class Here:
    """One picture after the other; nothing is given up or replaced."""

    jobs = 1

    def __init__(self) -> None:
        self._ended: list[Outcome] = []

    @property
    def running(self) -> int:
        """How many pictures are in hand."""
        return len(self._ended)

    def has_room(self, memory: int = 0) -> bool:
        """Tell whether a picture can be worked on now."""
        return not self._ended

    def submit(self, task: Task) -> None:
        """Work on a picture."""
        self._ended.append(perform(task))

    def collect(self, seconds: float) -> Iterator[Outcome]:
        """Return what has become of it."""
        while self._ended:
            yield self._ended.pop()

    def close(self) -> None:
        """Nothing is in hand."""
