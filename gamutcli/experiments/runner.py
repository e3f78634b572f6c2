"""What every experiment is told, and what it tells; and the walk through its pictures.

Those already done are not done again, and a failing one stops no other.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from gamutcli.errors import GamutError, InputError, UsageError
from gamutcli.experiments.folder import Record, ResultsFolder, Row
from gamutcli.experiments.pictures import Subject, open_subject
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

    Raises:
        UsageError: The output folder is one that pictures come from: what is drawn would be taken for pictures.
    """

    pictures: tuple[Path, ...]
    output: Path
    steps_scale: float = 1.0
    seed: int = 0
    overwrite: bool = False
    announce: Announce = lambda text: None
    guard: Guard = lambda path: nullcontext()

    def __post_init__(self) -> None:
        # As the system sees it: in other letters, or through a link, it may be the same folder.
        if self.output.exists() and any(map(self.output.samefile, {path.parent for path in self.pictures})):
            raise UsageError(
                f"{self.output}: holds the pictures, and the next run would take results for pictures; name another "
                "folder with -o."
            )

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
        notes: What the user should know, such as a plot that could not be drawn.
    """

    text: str
    data: dict[str, Any]
    files: tuple[Path, ...]
    notes: tuple[str, ...] = ()


def over_pictures(
    job: Job,
    folder: ResultsFolder,
    judge: Callable[[Subject], Sequence[Row]],
    drawing: Callable[[Path], Path] | None = None,
) -> list[Record]:
    """Judge every picture, or take what was found of it before.

    Args:
        job: Names the pictures.
        folder: Keeps the records.
        judge: Gives the figures of one picture.
        drawing: Names a file that ``judge`` writes as well; where it is gone, the picture is done anew.

    Returns:
        A record for every picture that was judged, in their order.

    Raises:
        InputError: No picture could be judged.
    """

    def find(path: Path) -> Record | None:
        return folder.find(path) if drawing is None or drawing(path).is_file() else None

    return walk(job, folder, find, lambda subject: folder.keep(subject, judge(subject)))


def over_rows(
    job: Job, folder: ResultsFolder, identities: Sequence[Row], judge: Callable[[Subject, Row], Row]
) -> list[Record]:
    """Judge every picture row by row, and keep every row as it comes: where the run ends early, one row is lost.

    Args:
        job: Names the pictures.
        folder: Keeps the records, whose rows may be more than were asked for this time.
        identities: At least one: what the rows wanted start with, such as a method and the digest of its first weights.
            A row is taken from an earlier run only where all of it is the same.  First entries are shown on the way.
        judge: Gives the rest of one row.

    Returns:
        A record for every picture of which there are all rows, with these rows alone, in their order.

    Raises:
        InputError: No picture could be judged.
    """

    def wanted(record: Record) -> Record:
        rows = (_row_of(record, identity) for identity in identities)
        return replace(record, rows=tuple(row for row in rows if row))

    def find(path: Path) -> Record | None:
        record = folder.find(path)
        found = wanted(record) if record else None
        return found if found and len(found.rows) == len(identities) else None

    def complete(subject: Subject) -> Record:
        record = folder.find(subject.path, subject.sha256)
        if record is None:
            folder.forget(subject.path)
        for identity in identities:
            if record is None or _row_of(record, identity) is None:
                job.announce(f"{subject.name}: {next(iter(identity.values()))}")
                row = {**identity, **judge(subject, identity)}
                record = folder.keep(subject, [*(record.rows if record else ()), row], record)
        assert record is not None
        return wanted(record)

    return walk(job, folder, find, complete)


def _row_of(record: Record, identity: Row) -> Row | None:
    return next((row for row in record.rows if identity.items() <= row.items()), None)


def anything_left(job: Job, folder: ResultsFolder) -> bool:
    """Whether there is a picture without a record, for what is done once, before the first of them."""
    for path in job.pictures:
        # What cannot be read is told when it is its turn.
        with suppress(GamutError):
            if folder.find(path) is None:
                return True
    return False


def walk(
    job: Job, folder: ResultsFolder, find: Callable[[Path], Record | None], do: Callable[[Subject], Record]
) -> list[Record]:
    """Walk through the pictures.

    Args:
        job: Names them.
        folder: Where the records are.
        find: Gives what was found of a picture before; None where it has to be done.
        do: Does and keeps one that was opened.

    Returns:
        A record for every picture that did not fail, in their order.

    Raises:
        InputError: There is none.
    """
    records = []
    spent, done = 0.0, 0
    for number, path in enumerate(job.pictures, 1):
        with job.guard(path):
            record = find(path)
            if record:
                job.announce(f"{path.name} ({number} of {len(job.pictures)}): done before")
            else:
                left = f", about {time_left(spent / done * (len(job.pictures) - number + 1))}" if done else ""
                job.announce(f"{path.name} ({number} of {len(job.pictures)}{left})")
                start = time.perf_counter()
                with one_blas_thread():
                    subject = open_subject(path)
                    for note in subject.notes:
                        job.announce(f"{path.name}: {note}")
                    record = do(subject)
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
