"""Places that cannot be written to: a full disk, a limit, a folder that is read-only or that vanishes."""

from __future__ import annotations

import contextlib
import os
import resource
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random

from tests.faults.moments import Expected, Tally, after_the_next, expect, hidden, lost
from tests.faults.runs import finish, start
from tests.faults.scenes import Scene


def run_all(scenes: list[Scene], count: int, first: int) -> dict[str, Tally]:
    """Try so many moments of each kind, of all scenes but batches in turn."""
    some = [scene for scene in scenes if not scene.is_batch and scene.folder == "out"]
    chance = Random(first)
    known: dict[Scene, Expected] = {}
    tallies = {}
    for kind, attempt in (
        ("file size limited", with_limit),
        ("disk full", on_full_disk),
        ("folder read-only", in_read_only_folder),
        ("folder vanishes", in_vanishing_folder),
    ):
        tally = tallies[kind] = Tally()
        for number in range(count):
            scene = some[number % len(some)]
            if scene not in known:
                known[scene] = expect(scene)
            with tempfile.TemporaryDirectory(prefix="gamut-faults-") as place:
                problems = attempt(Path(place), scene, known[scene], chance, tally)
            if problems is None:
                break
            tally.add([f"{scene.name}{', former' if scene.former else ''}, {kind}: {problem}" for problem in problems])
    return tallies


def with_limit(place: Path, scene: Scene, expected: Expected, chance: Random, tally: Tally) -> list[str]:
    """No file may grow beyond some part of what is to be written."""
    former = scene.prepare(folder := place / "here")
    most = 400 + chance.randrange(max(map(len, expected.contents.values())) - 400)  # what is said has to fit, too
    code, words = finish(
        scene.line, folder, lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (most, resource.RLIM_INFINITY))
    )
    return _judged(folder, scene, former, expected, code, words, tally)


def on_full_disk(place: Path, scene: Scene, expected: Expected, chance: Random, tally: Tally) -> list[str] | None:
    """The folder is a disk of its own with some room, or none; needs a superuser who may mount."""
    former = scene.prepare(folder := place / "here")
    with disk(folder / "out", "size=256k") as mounted:
        if not mounted:
            return None
        _fill_anew(folder, former)
        room = chance.randrange(max(map(len, expected.contents.values())))
        filler = folder / "out" / "filler"
        free = os.statvfs(folder / "out")
        filler.write_bytes(bytes(max(0, free.f_bavail * free.f_bsize - room)))
        code, words = finish(scene.line, folder)
        filler.unlink()
        return _judged(folder, scene, former, expected, code, words, tally)


def in_read_only_folder(
    place: Path, scene: Scene, expected: Expected, chance: Random, tally: Tally
) -> list[str] | None:
    """The folder cannot be written to: by permission, or for a superuser, because its disk cannot."""
    former = scene.prepare(folder := place / "here")
    if os.geteuid() != 0:
        (folder / "out").chmod(0o500)
        code, words = finish(scene.line, folder)
        (folder / "out").chmod(0o700)
        return _judged(folder, scene, former, expected, code, words, tally)
    with disk(folder / "out", "size=1m") as mounted:
        if not mounted:
            return None
        _fill_anew(folder, former)
        subprocess.run(["mount", "-o", "remount,ro", str(folder / "out")], check=True)
        code, words = finish(scene.line, folder)
        subprocess.run(["mount", "-o", "remount,rw", str(folder / "out")], check=True)
        return _judged(folder, scene, former, expected, code, words, tally)


def in_vanishing_folder(place: Path, scene: Scene, expected: Expected, chance: Random, tally: Tally) -> list[str]:
    """The folder is renamed, or removed with all that is in it, at a random moment."""
    former = scene.prepare(folder := place / "here")
    run = start(scene.line, folder)
    time.sleep(chance.random() * expected.seconds)
    renamed = chance.random() < 0.5
    (folder / "out").rename(folder / "moved")
    if not renamed:
        shutil.rmtree(folder / "moved", ignore_errors=True)
    code = run.end()
    tally.hit += code != 0
    problems = _badly_ended(code, run.words)
    if not renamed:
        shutil.rmtree(folder / "moved", ignore_errors=True)
        (folder / "out").mkdir(exist_ok=True)
        return problems + after_the_next(folder, scene, expected.contents)
    (folder / "moved").rename(folder / "out")
    tally.left += bool(hidden(folder))
    return problems + lost(folder, scene, former, expected.contents) + after_the_next(folder, scene, expected.contents)


def _judged(
    folder: Path, scene: Scene, former: dict[str, bytes], expected: Expected, code: int, words: str, tally: Tally
) -> list[str]:
    tally.hit += code != 0
    tally.left += bool(hidden(folder))
    problems = _badly_ended(code, words) + [f"{name} is left behind at once" for name in hidden(folder)]
    there = {name: (folder / name).read_bytes() for name in scene.targets if (folder / name).exists()}
    if there != (former if code else expected.contents):
        problems.append("what is there is not what was there before")
    return problems + after_the_next(folder, scene, expected.contents)


def _badly_ended(code: int, words: str) -> list[str]:
    problems = [] if code in (0, 1) else [f"exit {code}"]
    if "Traceback" in words or (code and words.count("\n") != 1):
        problems.append(f"said: {words.strip()}")
    return problems


def _fill_anew(folder: Path, former: dict[str, bytes]) -> None:
    """Put into a folder that has just become a disk what was there."""
    for name, content in former.items():
        (folder / name).write_bytes(content)


@contextlib.contextmanager
def disk(folder: Path, size: str) -> Iterator[bool]:
    """Make a folder a disk in memory, where that is allowed."""
    words = ["mount", "-t", "tmpfs", "-o", size, "tmpfs", str(folder)]
    mounted = os.geteuid() == 0 and subprocess.run(words, capture_output=True).returncode == 0
    try:
        yield mounted
    finally:
        if mounted:
            subprocess.run(["umount", str(folder)], check=True)
