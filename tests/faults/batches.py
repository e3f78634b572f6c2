"""Batches at random moments: a worker is killed, or all of it, or the disk is full. The next run does what is left.

No file ever has the name of a result that is not the whole result, and what was done once is not done again.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import tempfile
import time
from collections.abc import Callable
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from tests.faults.moments import Tally, hidden
from tests.faults.places import disk
from tests.faults.runs import Run, finish, start
from tests.support.batches import files_of, plain_picture, wide_picture

_PICTURES = 16
_WORKER = b"multiprocessing.spawn"
#: What a failure for want of room says, and what is said then of manifests.
_NO_ROOM = ("cannot be written (", "no line can be added (")


@dataclass(frozen=True)
class Job:
    """A batch, and what it writes below web/ when it is let alone.

    Attributes:
        name: In the table.
        words: After `gamut`.
        results: Every file that it writes, by its name.
        seconds: That it takes.
    """

    name: str
    words: tuple[str, ...]
    results: dict[str, bytes]
    seconds: float


@dataclass
class Seen:
    """What has had the name of a result so far.

    Attributes:
        job: Whose results.
        folder: That they lie in.
        times: What is known to be whole: when it was written, and its number on the disk.
        problems: What is not whole.
    """

    job: Job
    folder: Path
    times: dict[str, tuple[int, int]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def look(self) -> None:
        """Compare what has appeared since, and see that nothing was written again."""
        for name, content in self.job.results.items():
            path = self.folder / name
            with suppress(FileNotFoundError):
                status = path.stat()
                time = (status.st_mtime_ns, status.st_ino)
                if self.times.get(name) != time and path.read_bytes() != content:
                    self.problems.append(f"{name} is torn")
                elif self.times.setdefault(name, time) != time:
                    self.problems.append(f"{name} was done again")
        self.problems += [f"{name} is gone" for name in self.times if not (self.folder / name).exists()]


def run_all(count: int, first: int) -> dict[str, Tally]:
    """Try so many moments, of all faults and batches in turn."""
    faults = {"batch, worker killed": kill_worker, "batch, killed": kill, "batch, disk full": fill_disk}
    tallies = {name: Tally() for name in faults}
    chance = Random(first)
    if not count:
        return {}
    with tempfile.TemporaryDirectory(prefix="gamut-faults-") as place:
        jobs = _prepare(Path(place))
        for number in range(count):
            name, job = [*faults][number % len(faults)], jobs[number // len(faults) % len(jobs)]
            with tempfile.TemporaryDirectory(prefix="run-", dir=place) as folder:
                problems = try_moment(Path(folder), job, faults[name], chance, tallies[name])
            tallies[name].add([f"{job.name}, {name}: {problem}" for problem in problems])
    return tallies


Fault = Callable[[Seen, Random, Tally], list[str]]


def try_moment(folder: Path, job: Job, fault: Fault, chance: Random, tally: Tally) -> list[str]:
    """Let something go wrong in the middle, and see that the next run does what is left, and no more."""
    (folder / "web").mkdir()
    with disk(folder / "web", "size=4m") if fault is fill_disk else nullcontext():
        seen = Seen(job, folder / "web")
        problems = fault(seen, chance, tally)
        seen.look()
        done = set(seen.times)
        tally.left += bool(hidden(folder))
        code, words = finish(job.words, folder)
        seen.look()
        states = _states(words)
        problems += [f"the next run ends with {code}: {words}"] if code else []
        problems += [f"{name} is missing" for name in job.results if name not in seen.times]
        problems += [
            f"{name} is {states.get(name)}, and was done" for name in _pictures(done) if states.get(name) != "skipped"
        ]
        problems += [f"{name} is left behind" for name in hidden(folder)]
        code, words = finish(job.words, folder)
        if code or set(_states(words).values()) != {"skipped"}:
            problems.append(f"a third run ends with {code}: {words}")
        return seen.problems + problems


def kill_worker(seen: Seen, chance: Random, tally: Tally) -> list[str]:
    """The picture in hand is given to another one, and this very run comes to its end."""
    run = start(seen.job.words, seen.folder.parent)
    _wait(run, seen, chance)
    while not (workers := _workers(run.pid)) and run.is_running():
        time.sleep(0.001)
    if workers:
        with suppress(ProcessLookupError):
            os.kill(chance.choice(workers), signal.SIGKILL)
    tally.hit += bool(workers)
    code = _end(run, seen)
    states = _states(run.words)
    problems = [f"exit {code}: {run.words}"] if code or len(states) != _PICTURES else []
    return problems + [f"{name} is left behind at once" for name in hidden(seen.folder)]


def kill(seen: Seen, chance: Random, tally: Tally) -> list[str]:
    """Nobody is left to tidy up; in half of all cases the next run begins at once."""
    run = start(seen.job.words, seen.folder.parent)
    _wait(run, seen, chance)
    run.send("SIGKILL")
    code = run.wait() if chance.random() < 0.5 else run.end()
    tally.hit += code != 0
    return [f"exit {code}"] if code not in (0, -9) else []


def fill_disk(seen: Seen, chance: Random, tally: Tally) -> list[str]:
    """The disk is full from some moment on; where none may be mounted, no file may grow beyond some size."""
    if not os.path.ismount(seen.folder):
        most = 400 + chance.randrange(max(map(len, seen.job.results.values())))
        limits = (most, resource.RLIM_INFINITY)
        run = start(seen.job.words, seen.folder.parent, lambda: resource.setrlimit(resource.RLIMIT_FSIZE, limits))
        return _without_room(run, seen, tally)
    filler = seen.folder / ".filler"
    if chance.random() < 0.5:
        _fill(filler, chance.randrange(sum(map(len, seen.job.results.values()))))
        run = start(seen.job.words, seen.folder.parent)
    else:
        run = start(seen.job.words, seen.folder.parent)
        _wait(run, seen, chance)
        _fill(filler, 0)
    problems = _without_room(run, seen, tally)
    filler.unlink()
    return problems


def _without_room(run: Run, seen: Seen, tally: Tally) -> list[str]:
    code = _end(run, seen)
    tally.hit += code != 0
    said = [line for line in run.words.splitlines() if not line.startswith("{")]
    problems = [f"exit {code}"] if code not in (0, 1) else []
    problems += [f"said: {line}" for line in said if not any(words in line for words in _NO_ROOM)]
    return problems + [f"{name} is left behind at once" for name in hidden(seen.folder)]


def _fill(filler: Path, room: int) -> None:
    """Take what there is, but for some room."""
    with filler.open("wb", buffering=0) as file, suppress(OSError):
        free = os.statvfs(filler.parent)
        file.write(bytes(max(0, free.f_bavail * free.f_bsize - room)))
        while not room:  # what others have freed or taken meanwhile
            file.write(bytes(512))


def _prepare(place: Path) -> list[Job]:
    """Make pictures, and let every batch come to its end once."""
    for number in range(_PICTURES - 1):
        plain_picture(place / f"photos/day {number % 2}/{number:02}.tif", number)
    wide_picture(place / "photos/wide.tif")
    rest = ("-j", "2", "--json")
    reduce = ("batch", "reduce", "../photos", "-o", "web", "--preset", "fast", *rest)
    jobs = [_calm(place, "reduce", reduce), _calm(place, "reduce, sidecar", (*reduce, "--carrier", "sidecar"))]
    (place / "reduce/web").rename(place / "web")
    jobs.append(_calm(place, "expand", ("batch", "expand", "../web", "-o", "web", *rest)))
    jobs.append(_calm(place, "eval", ("batch", "eval", "../web", "--gt", "../photos", "-o", "web", *rest)))
    return jobs


def _calm(place: Path, name: str, words: tuple[str, ...]) -> Job:
    (folder := place / name).mkdir()
    began = time.monotonic()
    code, said = finish(words, folder)
    assert code == 0, f"{words}: {said}"
    return Job(name, words, files_of(folder / "web"), time.monotonic() - began)


def _wait(run: Run, seen: Seen, chance: Random) -> None:
    """Wait for a random moment; in half of all cases one soon after a certain number of results are there."""
    until, number = chance.random() * seen.job.seconds, chance.randrange(_PICTURES)
    by_time = chance.random() < 0.5
    began = time.monotonic()
    while run.is_running() and (time.monotonic() - began < until if by_time else len(seen.times) < number):
        seen.look()
    time.sleep(chance.random() * chance.choice((0.0, 0.002, 0.02)))


def _end(run: Run, seen: Seen) -> int:
    """Watch what appears until it ends."""
    while run.is_running():
        seen.look()
        time.sleep(0.001)
    return run.end()


def _workers(pid: int) -> list[int]:
    """The processes that work on pictures."""
    with suppress(OSError):
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return [int(child) for child in children if _WORKER in Path(f"/proc/{child}/cmdline").read_bytes()]
    return []


def _states(words: str) -> dict[str, str]:
    """What a batch has said became of each result, by its name below web/."""
    lines: list[dict[str, Any]] = [json.loads(line) for line in words.splitlines() if line.startswith("{")]
    return {line["file"].removeprefix("web/"): line["state"] for line in lines if "state" in line}


def _pictures(names: set[str]) -> list[str]:
    return sorted(name for name in names if not name.endswith(".gamut"))
