"""How far a command is, on a terminal: which file it is at, and the steps of its fit."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gamutcli.fitting.fit import Progress


@contextmanager
def line(title: str, unit: str) -> Iterator[Progress]:
    """Show a line on stderr while a file is worked on, and give the function that adds the steps to it."""
    from rich import progress
    from rich.console import Console

    name = progress.TextColumn("{task.description}", markup=False)
    steps = (
        progress.BarColumn(),
        progress.TextColumn("{task.completed}/{task.total} {task.fields[unit]}, loss {task.fields[loss]:.4g}, left"),
        progress.TimeRemainingColumn(),
    )
    with progress.Progress(name, console=Console(stderr=True), transient=True) as shown:
        task = shown.add_task(title, total=None, unit=unit)

        def update(step: int, of: int, loss: float) -> None:
            shown.columns = (name, *steps)
            shown.update(task, completed=step, total=of, loss=loss)

        yield update
