"""A process under limits: tries mutants, and tells on stdout which one is next and what was found.

    python -m tests.fuzz.child FOLDER TARGET:FIRST:COUNT... [--grow]

With ``--grow``, mutants with a new outcome become seeds of others. Lines are ``= TARGET:NUMBER`` before a mutant and
JSON for a finding; a child that dies in between has died of that mutant, whose files are still in FOLDER.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import warnings
from dataclasses import asdict
from pathlib import Path

from tests.fuzz import seeds
from tests.fuzz.operations import Mutant
from tests.fuzz.seeds import File
from tests.fuzz.targets import TARGETS, mutant_of
from tests.fuzz.verdict import judge, limit
from tests.support.pictures import wide_codes, write_tiff

MEMORY = 1_500_000_000
#: Seconds of processor time after which an operation is ended, and its process with it.
PATIENCE = 10
_POOL = 300


def main(folder: Path, legs: list[str], grow: bool) -> None:
    """Try mutants: of each target from a number on, so many."""
    warnings.simplefilter("ignore")  # as the command line does
    printed = folder.with_name(folder.name + ".stderr")
    os.dup2(os.open(printed, os.O_CREAT | os.O_TRUNC | os.O_WRONLY | os.O_APPEND, 0o600), 2)
    write_tiff(folder / "photo.tif", wide_codes(24, 32))
    for leg in legs:
        target, first, count = leg.split(":")
        assert TARGETS[target].files(), f"no seeds for {target}"
        limit(MEMORY)
        _try(target, range(int(first), int(first) + int(count)), folder, printed, grow)
    print("= end", flush=True)


def _try(target: str, numbers: range, folder: Path, printed: Path, grow: bool) -> None:
    seen: set[str] = set()
    pool: list[File] = []
    for number in numbers:
        print(f"= {target}:{number}", flush=True)
        seed, file, chance = mutant_of(target, number, tuple(pool))
        mutant = Mutant(_written(folder, file), seed.data, chance)
        if os.environ.get("FUZZ_DIES_AT") == str(number):  # a test asks for it
            os.kill(os.getpid(), signal.SIGKILL)
        for operation in TARGETS[target].operations:
            signal.setitimer(signal.ITIMER_PROF, PATIENCE)
            outcome, finding = judge(operation, mutant, printed)
            signal.setitimer(signal.ITIMER_PROF, 0)
            if finding is not None:
                kept = folder.with_name(f"{number}-{operation.__name__}")
                shutil.copytree(folder, kept, dirs_exist_ok=True)
                print(json.dumps({"kept": str(kept), **asdict(finding)}), flush=True)
            if grow and outcome not in seen and file.suffix != ".gamut":
                seen.add(outcome)
                pool.append(file)
                del pool[:-_POOL]


def _written(folder: Path, file: File) -> Path:
    """Write the mutant into the folder, which then holds nothing else but what every mutant may need."""
    for entry in folder.iterdir():
        if entry.name != "photo.tif":
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
    (folder / "given.gamut").write_bytes(seeds.payloads()[0])
    path = folder / f"mutant{file.suffix}"
    path.write_bytes(file.data)
    for suffix, data in file.beside.items():
        path.with_name(path.name + suffix).write_bytes(data)
    return path


if __name__ == "__main__":
    main(Path(sys.argv[1]), [word for word in sys.argv[2:] if ":" in word], "--grow" in sys.argv)
