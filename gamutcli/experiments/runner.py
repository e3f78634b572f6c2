"""What every experiment is told, and what it tells; and the walk through its pictures.

Those already done are not done again, and a failing one stops no other.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gamutcli.errors import InputError
from gamutcli.experiments.folder import Record, ResultsFolder, Row
from gamutcli.experiments.pictures import Subject, opened
from gamutcli.parallel import one_blas_thread

#: Is told, in words, how far an experiment is.
Announce = Callable[[str], None]
#: Surrounds what is done with one picture: takes its errors, and lets the next have its turn.
Guard = Callable[[Path], AbstractContextManager[None]]


@dataclass(frozen=True)
class Job:
    """What every experiment is told.

    Attributes:
        pictures: Files of wide-gamut pictures; at least one.
        output: The folder that the results go into.
        steps_scale: Multiplies every number of steps.
        seed: Of every fit.
        overwrite: Start anew where the folder holds results with other settings.
        announce: Told how far it is.
        guard: Surrounds the work on each picture: takes its errors, and lets the next have its turn.
    """

    pictures: tuple[Path, ...]
    output: Path
    steps_scale: float = 1.0
    seed: int = 0
    overwrite: bool = False
    announce: Announce = lambda text: None
    guard: Guard = lambda path: nullcontext()

    @property
    def settings(self) -> dict[str, Any]:
        """What of it decides the figures, as ``ResultsFolder`` takes it."""
        return {"steps_scale": self.steps_scale, "seed": self.seed}


@dataclass(frozen=True)
class Findings:
    """What an experiment tells.

    Attributes:
        text: Its main table, as Markdown.
        data: All its figures, as they are in its JSON file.
        files: What it wrote.
    """

    text: str
    data: dict[str, Any]
    files: tuple[Path, ...]


def over_pictures(job: Job, folder: ResultsFolder, judge: Callable[[Subject], Sequence[Row]]) -> list[Record]:
    """Judge every picture, or take what was found of it before.

    Args:
        job: Names the pictures.
        folder: Keeps the records.
        judge: Gives the figures of one picture.

    Returns:
        A record for every picture that was judged, in their order.

    Raises:
        InputError: No picture could be judged.
    """
    records = []
    spent, done = 0.0, 0
    for number, path in enumerate(job.pictures, 1):
        with job.guard(path):
            record = folder.find(path)
            if record:
                job.announce(f"{path.name} ({number} of {len(job.pictures)}): done before")
            else:
                left = f", about {time_left(spent / done * (len(job.pictures) - number + 1))}" if done else ""
                job.announce(f"{path.name} ({number} of {len(job.pictures)}{left})")
                start = time.perf_counter()
                with one_blas_thread():
                    subject = opened(path)
                    rows = judge(subject)
                record = folder.keep(path, subject.notes, rows)
                spent, done = spent + time.perf_counter() - start, done + 1
            records.append(record)
    if not records:
        raise InputError(f"{folder.path}: no results, as no picture could be measured.")
    return records


def time_left(seconds: float) -> str:
    """Some time to wait, in words."""
    if seconds < 90:
        return f"{seconds:.0f} s left"
    return f"{seconds / 60:.0f} min left" if seconds < 5400 else f"{seconds / 3600:.1f} h left"
