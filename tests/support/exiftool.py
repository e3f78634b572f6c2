"""What exiftool and exiv2 read, for tests that need another's word."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

needs_exiftool = pytest.mark.skipif(shutil.which("exiftool") is None, reason="exiftool is not installed")
needs_exiv2 = pytest.mark.skipif(shutil.which("exiv2") is None, reason="exiv2 is not installed")


def read_tags(paths: Iterable[Path], *options: str) -> dict[str, dict[str, Any]]:
    """The tags of files by their names, as "Group:Tag"; one run reads them all."""
    command = ["exiftool", "-json", "-n", "-G0", *options, *map(str, paths)]
    answer = subprocess.run(command, capture_output=True, check=True)
    return {Path(tags.pop("SourceFile")).name: tags for tags in json.loads(answer.stdout)}


def read_with_exiv2(path: Path) -> dict[str, str]:
    """Keys and values of all that exiv2 finds in an EXIF block."""
    answer = subprocess.run(["exiv2", "-q", "-PEkv", str(path)], capture_output=True, check=False)
    lines = answer.stdout.decode("utf-8", "replace").splitlines()
    return {key: value for key, _, value in (line.partition(" ") for line in lines)}
