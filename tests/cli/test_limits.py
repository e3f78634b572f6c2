"""Limits on what files claim, and the option that lifts them, as a user meets both."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest

import gamutcli
from gamutcli.cli import run
from gamutcli.color.gamut import Correction
from gamutcli.containers import Metadata
from gamutcli.fingerprint.match import fingerprint
from gamutcli.images import claims, encode_reduced
from gamutcli.payload import carriers
from gamutcli.payload.format import Payload, pack
from tests.support.hostile import jpeg_of_scans
from tests.support.networks import zeros
from tests.support.pictures import wide_codes, write_tiff


def write_original(path: Path, codes: Any) -> None:
    """Write a picture in a format that originals come in."""
    if path.suffix == ".jp2":
        path.write_bytes(imagecodecs.jpeg2k_encode(codes))
    elif path.suffix == ".heic":
        pillow_heif = pytest.importorskip("pillow_heif")
        pillow_heif.from_bytes("RGB", codes.shape[1::-1], codes.tobytes()).save(str(path))
    else:
        openexr = pytest.importorskip("OpenEXR")
        light = {
            name: np.ascontiguousarray(codes[..., at] / np.float16(255), np.float16) for at, name in enumerate("RGB")
        }
        openexr.File({"compression": openexr.ZIP_COMPRESSION, "type": openexr.scanlineimage}, light).write(str(path))


def test_a_large_file_is_read_where_it_is_allowed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Any command that decodes it, and that for many pictures with the option of the one for one."""
    (tmp_path / "in").mkdir()
    original, reduced, payload = (str(tmp_path / name) for name in ("a.tif", "in/a.webp", "a.gamut"))
    write_tiff(tmp_path / "a.tif", wide_codes(40, 60))
    assert run(["reduce", original, reduced, "--preset", "fast", "-q"]) == 0
    assert run(["extract", reduced, payload, "-q"]) == 0
    monkeypatch.setitem(claims._PLAIN, "WebP", 1)
    monkeypatch.setattr(claims, "_GROWTH", 0)
    for command in (
        ["info", reduced],
        ["expand", reduced, str(tmp_path / "r.tif")],
        ["eval", reduced, "--gt", original],
        ["eval", reduced, "--gt", str(tmp_path), "--report", str(tmp_path / "r.html")],
        ["embed", reduced, payload, str(tmp_path / "e.webp")],
        ["reduce", reduced, str(tmp_path / "again.png"), "--assume-profile", "srgb"],
    ):
        assert run(command) == 1
        assert "use --allow-large if you trust it" in capsys.readouterr().err
        if command[0] != "reduce":  # what is reduced already is refused for that, too
            assert run([*command, "--allow-large"]) == 0
        capsys.readouterr()
    assert run(["info", reduced]) == 1  # of one command, not of those behind it


def test_a_large_file_is_read_where_the_library_is_told_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reduced, original = tmp_path / "a.webp", tmp_path / "a.tif"
    write_tiff(original, wide_codes(40, 60))
    gamutcli.reduce_image(original, reduced, preset="fast")
    plain = tmp_path / "wide.webp"
    plain.write_bytes(encode_reduced(np.full((40, 60, 3), 200, np.uint8), "webp"))
    gamutcli.extract_payload(reduced, tmp_path / "a.gamut")
    monkeypatch.setitem(claims._PLAIN, "WebP", 1)
    monkeypatch.setattr(claims, "_GROWTH", 0)
    calls: list[Callable[..., object]] = [
        partial(gamutcli.inspect_image, reduced),
        partial(gamutcli.expand_image, reduced, tmp_path / "r.tif"),
        partial(gamutcli.evaluate, reduced, original),
        partial(gamutcli.write_report, [(reduced, original)], tmp_path / "r.html"),
        partial(gamutcli.embed_payload, reduced, tmp_path / "a.gamut", tmp_path / "e.webp"),
        partial(gamutcli.reduce_image, plain, tmp_path / "p.png", preset="fast", assume_profile="prophoto"),
    ]
    for call in calls:
        with pytest.raises(gamutcli.errors.InputError, match="--allow-large"):
            call()
        assert call(allow_large=True)


def test_batches_take_the_options_of_the_single_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """And what is done stays done with them: they decide whether a result is made, not what it is."""
    flat = np.zeros((120, 120, 3), np.uint8)
    data = jpeg_of_scans(120, flat)
    network = Payload(fingerprint(flat), "bradford", Correction(0, every_pixel=True), zeros(1024, 8))
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.jpg").write_bytes(carriers.embed(data, pack(network), Metadata()).data)
    command = ["batch", "expand", str(tmp_path / "in"), "-o", str(tmp_path / "out"), "-j", "1", "--retry-failed"]
    for more, code in (([], 1), (["--allow-large"], 1), (["--allow-large", "--allow-slow"], 0), ([], 0)):
        assert run([*command, *more]) == code
        said = capsys.readouterr().err
        assert ("use --allow-large if you trust it" in said) == (not more and code == 1)
        assert ("use --allow-slow to do it" in said) == (more == ["--allow-large"])


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
        "from gamutcli.images.picture import believing\n"
        "data, small = (open(name, 'rb').read() for name in sys.argv[1:])\n"
        "decode_reduced(small, 'small')\n"  # its libraries are loaded before memory is short
        "taken = int(open('/proc/self/statm').read().split()[0]) * resource.getpagesize()\n"
        "resource.setrlimit(resource.RLIMIT_AS, (taken + 24_000_000,) * 2)\n"
        "try:\n"
        "    with believing():\n"
        "        decode_reduced(data, 'a')\n"
        "except InputError as error:\n"
        "    print(error)\n"
    )
    heap = os.environ | {"MALLOC_ARENA_MAX": "1"}  # threads set no addresses aside that a picture would fit into
    done = subprocess.run(
        [sys.executable, "-c", program, str(file), str(small)], env=heap, capture_output=True, text=True, check=False
    )
    assert done.stdout == "a: out of memory; close other programs or use a smaller picture.\n", done.stderr[-500:]


@pytest.mark.skipif(sys.platform != "linux", reason="memory is limited as Linux does it")
@pytest.mark.parametrize("room", [4, 60])
@pytest.mark.parametrize("kind", ["jpeg", "png", "webp", "avif", "jxl"])
def test_too_little_memory_to_write_is_called_so(kind: str, room: int) -> None:
    """Or there is enough: nothing else is said, and no process dies."""
    program = (
        "import resource, sys\n"
        "import numpy as np\n"
        "from gamutcli.errors import explain\n"
        "from gamutcli.images import encode_reduced\n"
        "kind, room = sys.argv[1], int(sys.argv[2])\n"
        "codes = np.tile(np.arange(2500, dtype=np.uint8)[:, None, None], (1, 2500, 3))\n"
        "encode_reduced(codes[:40, :40], kind)\n"
        "taken = int(open('/proc/self/statm').read().split()[0]) * resource.getpagesize()\n"
        "resource.setrlimit(resource.RLIMIT_AS, (taken + room * 1_000_000,) * 2)\n"
        "try:\n"
        "    encode_reduced(codes, kind)\n"
        "except Exception as error:\n"
        "    print(explain('a', error))\n"
    )
    heap = os.environ | {"MALLOC_ARENA_MAX": "1"}
    words = [sys.executable, "-c", program, kind, str(room)]
    done = subprocess.run(words, env=heap, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-500:]
    assert done.stdout in ("", "a: out of memory; close other programs or use a smaller picture.\n")
    assert done.stdout or room > 4


@pytest.mark.skipif(sys.platform != "linux", reason="memory is limited as Linux does it")
@pytest.mark.parametrize("kind", ["heic", "jp2", "exr"])
def test_too_little_memory_for_an_original_is_called_so(tmp_path: Path, kind: str) -> None:
    for name, side in (("a", 2500), ("small", 40)):
        codes = np.tile(np.arange(side, dtype=np.uint8)[:, None, None], (1, side, 3))
        write_original(tmp_path / f"{name}.{kind}", codes)
    program = (
        "import resource, sys\n"
        "from gamutcli.errors import explain\n"
        "from gamutcli.images import read_wide\n"
        "from gamutcli.images.picture import believing\n"
        "read_wide(sys.argv[2])\n"
        "taken = int(open('/proc/self/statm').read().split()[0]) * resource.getpagesize()\n"
        "resource.setrlimit(resource.RLIMIT_AS, (taken + int(sys.argv[3]) * 1_000_000,) * 2)\n"
        "try:\n"
        "    with believing():\n"
        "        read_wide(sys.argv[1])\n"
        "except Exception as error:\n"
        "    print(explain('a', error))\n"
    )
    heap = os.environ | {"MALLOC_ARENA_MAX": "1"}
    for room in (4, 24):
        words = [
            sys.executable,
            "-c",
            program,
            *(str(tmp_path / f"{name}.{kind}") for name in ("a", "small")),
            str(room),
        ]
        done = subprocess.run(words, env=heap, capture_output=True, text=True, check=False)
        assert done.stdout.endswith(": out of memory; close other programs or use a smaller picture.\n"), done
