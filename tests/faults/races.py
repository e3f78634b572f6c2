"""Several writers of one name: without --overwrite one of them wins, with it the last; what is there is whole."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from random import Random

from gamutcli.storage import publish_all
from tests.faults.moments import Tally, hidden
from tests.faults.runs import finish, start
from tests.faults.scenes import sources

_WRITERS, _TURNS = 4, 10


def run_all(count: int, first: int) -> dict[str, Tally]:
    """Let so many races be run, of each kind in turn."""
    chance, tally = Random(first), Tally()
    for number in range(count):
        with tempfile.TemporaryDirectory(prefix="gamut-faults-") as place:
            overwrite, pair = bool(number & 1), bool(number & 2)
            problems = race(Path(place, "here"), overwrite, pair, chance)
        tally.add([f"race{', pair' * pair}{', --overwrite' * overwrite}: {problem}" for problem in problems])
    pairs = Tally()
    for _ in range(count):
        with tempfile.TemporaryDirectory(prefix="gamut-faults-") as place:
            pairs.add([f"race, pairs again and again: {problem}" for problem in race_pairs(Path(place))])
    return {"racing writers": tally, "racing writers of pairs, again and again": pairs}


def race_pairs(folder: Path) -> list[str]:
    """Let writers put picture and sidecar there many times each: both are of one of them in the end."""
    names = [folder / "a.jpg.gamut", folder / "a.jpg"]
    runs = []
    for number in range(_WRITERS):
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                for turn in range(_TURNS):
                    publish_all([(name, b"%d in turn %d" % (number, turn)) for name in names], overwrite=True)
                code = 0
            finally:
                os._exit(code)
        runs.append(pid)
    codes = [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in runs]
    problems = [] if codes == [0] * _WRITERS else [f"they end with {codes}"]
    if len({name.read_bytes() for name in names}) != 1:
        problems.append("picture and sidecar are of two writers")
    return problems + [f"{name} is left behind" for name in hidden(folder)]


def race(folder: Path, overwrite: bool, pair: bool, chance: Random) -> list[str]:
    """Let writers of different contents go for one name."""
    sources(folder)
    rest = ["--carrier", "sidecar"] if pair else []
    names = ["out/a.jpg", "out/a.jpg.gamut"] if pair else ["out/a.jpg"]
    alone = []
    for number in range(_WRITERS):
        (folder / "in" / f"w{number}.jpg").write_bytes(_distinct(folder, number))
        (folder / "out").mkdir()
        code, words = finish(
            ["embed", f"in/w{number}.jpg", f"in/p{number}.gamut", "out/a.jpg", "--force", *rest], folder
        )
        if code:
            return [f"a writer alone ends with {code}: {words}"]
        alone.append([(folder / name).read_bytes() for name in names])
        shutil.rmtree(folder / "out")
    (folder / "out").mkdir()
    more = ["--overwrite"] if overwrite else []
    runs = [
        start(["embed", f"in/w{number}.jpg", f"in/p{number}.gamut", "out/a.jpg", "--force", *rest, *more], folder)
        for number in range(_WRITERS)
    ]
    chance.shuffle(runs)
    codes = [run.end() for run in runs]
    there = [(folder / name).read_bytes() if (folder / name).exists() else b"" for name in names]
    problems = [] if there in alone else ["what is there is of no writer alone"]
    won = codes.count(0)
    if won != (_WRITERS if overwrite else 1) or any(code not in (0, 1) for code in codes):
        problems.append(f"they end with {sorted(codes)}")
    return problems + [f"{name} is left behind" for name in hidden(folder)]


def _distinct(folder: Path, number: int) -> bytes:
    """A picture that differs in its metadata, beside a payload that differs: both of a writer's own."""
    from gamutcli.containers import Metadata, with_metadata
    from gamutcli.payload import carriers
    from tests.golden.make import HERE
    from tests.support.camera import camera_exif

    payload = sorted((HERE / "payloads").iterdir())[number].read_bytes()
    (folder / "in" / f"p{number}.gamut").write_bytes(payload)
    plain = carriers.strip((folder / "in" / "photo.jpg").read_bytes())
    return with_metadata(plain, Metadata(camera_exif(maker_note=200 + number))).data
