"""Limits on what files claim, and the option that lifts them, as a user meets both."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from gamutcli.cli import run
from gamutcli.images import claims, encode_reduced
from tests.support.pictures import SAMPLES


def test_a_large_file_is_read_where_it_is_allowed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    reduced = str(tmp_path / "a.webp")
    assert run(["reduce", str(SAMPLES / "dahlia.tif"), reduced, "--preset", "fast", "-q"]) == 0
    monkeypatch.setitem(claims._PLAIN, "WebP", 1)
    monkeypatch.setattr(claims, "_GROWTH", 0)
    for command in (["info", reduced], ["expand", reduced, str(tmp_path / "r.tif")]):
        assert run(command) == 1
        assert "use --allow-large if you trust it" in capsys.readouterr().err
        assert run([*command, "--allow-large"]) == 0
        capsys.readouterr()
    assert run(["info", reduced]) == 1  # of one command, not of those behind it


@pytest.mark.skipif(sys.platform != "linux", reason="memory is limited as Linux does it")
@pytest.mark.parametrize("kind", ["jpg", "png", "tif", "webp", "avif", "jxl"])
def test_too_little_memory_is_called_so(tmp_path: Path, kind: str) -> None:
    """The process may take some megabytes more than when the file is opened: less than its pixels."""
    file, small = tmp_path / f"a.{kind}", tmp_path / f"small.{kind}"
    for path, edge in ((file, 4000), (small, 40)):
        codes = np.full((edge, edge, 3), 200, np.uint8)
        path.write_bytes(encode_reduced(codes, {"jpg": "jpeg", "tif": "tiff"}.get(kind, kind)))
    program = (
        "import resource, sys\n"
        "from gamutcli.images import decode_reduced\n"
        "from gamutcli.errors import InputError\n"
        "data, small = (open(name, 'rb').read() for name in sys.argv[1:])\n"
        "decode_reduced(small, 'small')\n"  # its libraries are loaded before memory is short
        "taken = int(open('/proc/self/statm').read().split()[0]) * resource.getpagesize()\n"
        "resource.setrlimit(resource.RLIMIT_AS, (taken + 24_000_000,) * 2)\n"
        "try:\n"
        "    decode_reduced(data, 'a')\n"
        "except InputError as error:\n"
        "    print(error)\n"
    )
    heap = os.environ | {"MALLOC_ARENA_MAX": "1"}  # threads set no addresses aside that a picture would fit into
    done = subprocess.run(
        [sys.executable, "-c", program, str(file), str(small)], env=heap, capture_output=True, text=True, check=False
    )
    assert done.stdout == "a: out of memory; close other programs or use a smaller picture.\n", done.stderr[-500:]
