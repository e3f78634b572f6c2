"""How far many pictures are, on a terminal: files, speed, time left, what was gained, failures."""

from __future__ import annotations

import time
from types import TracebackType
from typing import TYPE_CHECKING

from gamutcli.batch.units import DONE, FAILED, REFUSED, Outcome

if TYPE_CHECKING:
    from rich.progress import TaskID


class Live:
    """A line on stderr that is redrawn as pictures are settled."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        self._began = time.monotonic()
        self._pixels = 0
        self._gains: list[float] = [0.0, 0.0]  # their sum, and how many there are
        self._lost = 0
        self._progress = Progress(
            BarColumn(20),
            MofNCompleteColumn(),
            TextColumn("{task.fields[speed]}"),
            TimeRemainingColumn(compact=True),
            TextColumn("{task.fields[gained]}{task.fields[lost]}"),
            console=Console(stderr=True),
            transient=True,
            speed_estimate_period=300,
        )
        self._task: TaskID = self._progress.add_task("", total=None, speed="", gained="", lost="")

    def __enter__(self) -> Live:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self._progress.stop()

    def expect(self, count: int) -> None:
        """Tell how many pictures there are."""
        self._progress.update(self._task, total=count)

    def add(self, outcome: Outcome) -> None:
        """Count a picture that is settled."""
        if outcome.state == DONE:
            self._pixels += outcome.pixels
            before, after = outcome.result.get("clip_psnr_og"), outcome.result.get("psnr_og")
            if before is not None and after is not None:
                self._gains = [self._gains[0] + after - before, self._gains[1] + 1]
        self._lost += outcome.state in (FAILED, REFUSED)
        speed = self._pixels / 1e6 / max(1e-9, time.monotonic() - self._began)
        gained = f"{self._gains[0] / self._gains[1]:+.1f} dB out of gamut" if self._gains[1] else ""
        lost = f"  {self._lost} failed" if self._lost else ""
        self._progress.update(self._task, advance=1, speed=f"{speed:.2f} MP/s", gained=gained, lost=lost)

    def say(self, text: str) -> None:
        """Print a line above."""
        self._progress.console.print(text, markup=False, highlight=False, soft_wrap=True)
