"""Signals at random moments: nothing is lost, and after the next run nothing is left behind."""

from __future__ import annotations

import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from tests.faults.runs import CODES, SIGNALS, Run, finish, start
from tests.faults.scenes import Scene


@dataclass
class Tally:
    """What became of the moments of one kind.

    Attributes:
        moments: How many were tried.
        hit: In how many of them the command did not come to its end.
        left: In how many something was left that the next run had to remove.
        problems: What should not have been, in words.
    """

    moments: int = 0
    hit: int = 0
    left: int = 0
    problems: list[str] = field(default_factory=list)

    def add(self, problems: list[str]) -> None:
        self.moments += 1
        self.problems += problems


@dataclass(frozen=True)
class Expected:
    """What a scene writes when it is let alone, and how many seconds that takes."""

    contents: dict[str, bytes]
    seconds: float


def expect(scene: Scene) -> Expected:
    """Let a scene come to its end."""
    with tempfile.TemporaryDirectory(prefix="gamut-faults-") as place:
        folder = Path(place, "here")
        scene.prepare(folder)
        began = time.monotonic()
        code, words = finish(scene.line, folder)
        assert code == 0, f"{scene.line}: {words}"
        return Expected({name: (folder / name).read_bytes() for name in scene.targets}, time.monotonic() - began)


def try_moment(scene: Scene, expected: Expected, name: str, chance: Random, tally: Tally) -> None:
    """Send a signal to a command at a random moment, and look at what is there; then run it again, and look again."""
    with tempfile.TemporaryDirectory(prefix="gamut-faults-") as place:
        folder = Path(place, "here")
        former = scene.prepare(folder)
        inputs = _files(folder / "in", scene.targets)
        run = start(scene.line, folder)
        _wait(run, folder / scene.folder, expected.seconds, chance)
        for _ in range(chance.choice((1, 1, 1, 2, 5))):
            run.send(name)
        code = run.end()
        tally.hit += code != 0
        tally.left += bool(hidden(folder))
        killed = name == "SIGKILL"  # then the processes that a batch was about to start complain
        problems = [f"exit {code}"] if code not in {0, *CODES[name]} else []
        problems += [f"traceback: {run.words}"] if "Traceback" in run.words and not killed else []
        problems += ["something is left of a run that could tidy up"] * (code > 0 and bool(hidden(folder)))
        problems += lost(folder, scene, former, expected.contents)
        if scene.is_pair and not hidden(folder):
            problems += torn_pair(folder, scene, former, expected.contents)
        problems += after_the_next(folder, scene, expected.contents)
        problems += ["a source is another one"] if _files(folder / "in", scene.targets) != inputs else []
        tally.add([f"{scene.name}{', former' if scene.former else ''}, {name}: {problem}" for problem in problems])


def lost(folder: Path, scene: Scene, former: dict[str, bytes], new: dict[str, bytes]) -> list[str]:
    """Targets that are neither as before nor as they should be."""
    problems = []
    for name in scene.targets:
        path = folder / name
        if not path.exists():
            problems += [f"{name} is gone"] if name in former else []
        elif path.read_bytes() not in (former.get(name), new[name]):
            problems.append(f"{name} is torn")
    return problems


def torn_pair(folder: Path, scene: Scene, former: dict[str, bytes], new: dict[str, bytes]) -> list[str]:
    """A picture and a sidecar that do not belong together, with nothing kept that tells of it."""
    held = {name: (folder / name).read_bytes() for name in scene.targets if (folder / name).exists()}
    _, sidecar = scene.targets
    alone = held == {sidecar: new[sidecar]} and not former  # a sidecar without a picture misleads nobody
    return [] if held in (former, new) or alone else ["picture and sidecar do not belong together"]


def after_the_next(folder: Path, scene: Scene, new: dict[str, bytes]) -> list[str]:
    """What is wrong once the command was run again."""
    code, words = finish(scene.again, folder)
    in_place = scene.targets[0].startswith("in/")
    problems = [] if code == 0 or (in_place and code == 3) else [f"the next run ends with {code}: {words.strip()}"]
    problems += [f"{name} is not what it should be" for name in new if (folder / name).read_bytes() != new[name]]
    return problems + [f"{name} is left behind" for name in hidden(folder)]


def hidden(folder: Path) -> list[str]:
    """Files with names that commands give to what is not yet, or no longer, what it is to be."""
    return sorted(
        path.relative_to(folder).as_posix()
        for path in folder.rglob(".*")
        if path.is_file() and (".part" in path.name or ".kept" in path.name)
    )


def run_all(scenes: list[Scene], count: int, first: int, batch_share: float) -> dict[str, Tally]:
    """Try so many moments, of all scenes and signals in turn."""
    tallies = {name: Tally() for name in SIGNALS}
    known: dict[Scene, Expected] = {}
    chance = Random(first)
    single = [scene for scene in scenes if not scene.is_batch]
    batches = [scene for scene in scenes if scene.is_batch]
    for number in range(count):
        some = batches if batches and chance.random() < batch_share else single
        scene, name = some[number % len(some)], SIGNALS[(number // len(some) + number) % len(SIGNALS)]
        if scene not in known:
            known[scene] = expect(scene)
        try_moment(scene, known[scene], name, chance, tallies[name])
    return tallies


def summed_up(tallies: dict[str, Tally]) -> dict[str, int]:
    """How often each problem was there."""
    return dict(Counter(problem for tally in tallies.values() for problem in tally.problems))


def _wait(run: Run, folder: Path, seconds: float, chance: Random) -> None:
    """Wait for a random moment; in half of all cases one soon after something new is there."""
    if chance.random() < 0.5:
        time.sleep(chance.random() * seconds)
        return
    names = {path.name for path in folder.iterdir()}
    while run.is_running() and {path.name for path in folder.iterdir()} <= names:
        pass
    time.sleep(chance.random() * chance.choice((0.0005, 0.005, 0.05)))


def _files(folder: Path, targets: tuple[str, ...]) -> dict[str, bytes]:
    """All that is in the folder of sources, but for what is written there."""
    return {
        path.name: path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and f"in/{path.name}" not in targets and path.name[0] != "."
    }
