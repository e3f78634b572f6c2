"""`gamut` as other programs call it: a command on the PATH, in a folder with pictures."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

import gamutcli


def install(folder: Path) -> None:
    """Put `gamut` into .bin/ of a folder."""
    (folder / ".bin").mkdir()
    program = folder / ".bin/gamut"
    program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m gamutcli "$@"\n')
    program.chmod(0o755)


def call(place: Path, *words: object, **variables: str) -> str:
    """Run a program that finds `gamut`, in a folder that has it, to a good end; what it says."""
    done = attempt(place, *words, **variables)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def attempt(place: Path, *words: object, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a program that finds `gamut`, in a folder that has it."""
    environment = {
        **os.environ,
        "PATH": f"{place / '.bin'}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(Path(gamutcli.__file__).parents[1]),
        "GAMUT_PRESET": "fast",
        **variables,
    }
    command = [*map(str, words)]
    return subprocess.run(command, cwd=place, env=environment, capture_output=True, text=True, check=False)
