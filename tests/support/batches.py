"""Folders of small pictures to go through, and what was made of them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np

from gamutcli.batch.manifest import FOLDER
from tests.support.pictures import wide_codes, write_tiff

GAMUT = [sys.executable, "-m", "gamutcli"]


def plain_picture(path: Path, seed: int = 0) -> Path:
    """A picture without a colour outside sRGB, of which nothing has to be fitted: tens of milliseconds."""
    path.parent.mkdir(parents=True, exist_ok=True)
    codes = np.random.default_rng(seed).integers(28000, 32000, (16, 24, 3)).astype(np.uint16)
    return write_tiff(path, codes)


def wide_picture(path: Path) -> Path:
    """A picture with colours that sRGB cannot hold: about a second."""
    path.parent.mkdir(parents=True, exist_ok=True)
    return write_tiff(path, wide_codes(16, 24))


def shoot(folder: Path, count: int) -> Path:
    """A folder with so many plain pictures, in two folders of their own."""
    for number in range(count):
        plain_picture(folder / f"day{number % 2}" / f"{number:03}.tif", number)
    return folder


def files_of(folder: Path) -> dict[str, bytes]:
    """All that is in a folder, but for manifests, by its name there."""
    paths = (path for path in folder.rglob("*") if path.is_file() and FOLDER not in path.parts)
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(paths)}


def times_of(folder: Path) -> dict[str, int]:
    """When everything in a folder was written, but for manifests."""
    return {name: (folder / name).stat().st_mtime_ns for name in files_of(folder)}


def lines_of(folder: Path) -> list[dict[str, Any]]:
    """Every line of the manifests of a folder."""
    return [
        json.loads(line)
        for path in sorted((folder / FOLDER).glob("*.jsonl"))
        for line in path.read_bytes().splitlines()
    ]


def objects(out: str) -> list[dict[str, Any]]:
    """What was printed as JSON Lines."""
    return [json.loads(line) for line in out.splitlines()]


def started(*words: object, **settings: Any) -> subprocess.Popen[str]:
    """`gamut` in a process of its own, with pipes."""
    return subprocess.Popen(
        [*GAMUT, *map(str, words)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **settings
    )
