"""Walks an experiment through its pictures: those already done are not done again, a failing one stops no other."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from gamutcli.experiments.folder import Record, ResultsFolder, Row
from gamutcli.experiments.pictures import Subject, opened
from gamutcli.parallel import one_blas_thread

#: Is told, in words, how far an experiment is.
Announce = Callable[[str], None]
#: Surrounds what is done with one picture: takes its errors, and lets the next have its turn.
Guard = Callable[[Path], AbstractContextManager[None]]


def over_pictures(
    folder: ResultsFolder,
    pictures: Sequence[Path],
    judge: Callable[[Subject], Sequence[Row]],
    announce: Announce,
    guard: Guard,
) -> list[Record]:
    """Judge every picture, or take what was found of it before.

    Args:
        folder: Keeps the records.
        pictures: Files of wide-gamut pictures.
        judge: Gives the figures of one.
        announce: Told before each picture, with the time that may be left.
        guard: Surrounds the work on each picture.

    Returns:
        A record for every picture that was judged, in their order.
    """
    records = []
    spent, done = 0.0, 0
    for number, path in enumerate(pictures, 1):
        with guard(path):
            record = folder.find(path)
            if record:
                announce(f"{path.name} ({number} of {len(pictures)}): done before")
            else:
                left = f", about {_time(spent / done * (len(pictures) - number + 1))} left" if done else ""
                announce(f"{path.name} ({number} of {len(pictures)}{left})")
                start = time.perf_counter()
                with one_blas_thread():
                    subject = opened(path)
                    rows = judge(subject)
                record = folder.keep(path, subject.notes, rows)
                spent, done = spent + time.perf_counter() - start, done + 1
            records.append(record)
    return records


def _time(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
