"""What a picture will take is known before it is worked on."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image

import gamutcli
from gamutcli.batch import machine, sizes
from gamutcli.batch.memory import MB, predictor
from gamutcli.batch.pool import _THREAD_VARIABLES
from gamutcli.batch.sizes import pixels_of
from gamutcli.images import read_wide, stored, tiff
from tests.support.batches import plain_picture
from tests.support.pictures import sample_crop, write_tiff

#: Works on a picture and prints the most memory that this process has had, in bytes. Not by getrusage: there, the
#: memory of whoever has started a process counts as its own.
MEASURE = r"""
import re, sys
from gamutcli import parallel
from gamutcli.batch.making import write
from gamutcli.batch.units import Task
from pathlib import Path
parallel.use_threads(1)
command, source, target, reference = sys.argv[1:]
settings = {"preset": "fast"} if command == "reduce" else {}
write(Task(command, source, source, target, target, reference), Path(target), settings)
print(1024 * int(re.search(r"VmHWM:\s*(\d+) kB", Path("/proc/self/status").read_text())[1]))
"""


@pytest.fixture(scope="module")
def photograph(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """4 megapixels, a good part of them outside sRGB."""
    crop = sample_crop("dahlia", 100, 200, 160, 250)
    return write_tiff(tmp_path_factory.mktemp("memory") / "photo.tif", np.tile(crop, (10, 10, 1)))


@pytest.fixture(scope="module")
def packed(photograph: Path) -> Path:
    """16 megapixels of it, compressed."""
    codes = tifffile.imread(photograph)
    many = np.tile(codes, (4, 1, 1))
    return write_tiff(photograph.with_name("packed.tif"), many, compression="zlib", predictor=True)


def peak(command: str, source: Path, target: Path, reference: Path | None = None) -> int:
    words = [command, str(source), str(target), str(reference or "")]
    few = {**os.environ, **dict.fromkeys(_THREAD_VARIABLES, "1")}  # as workers have it
    done = subprocess.run([sys.executable, "-c", MEASURE, *words], env=few, capture_output=True, text=True, check=True)
    return int(done.stdout)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="measured by /proc")
def test_predictions_are_within_a_quarter_of_what_is_measured(photograph: Path, packed: Path, tmp_path: Path) -> None:
    reduced = tmp_path / "photo.jpg"
    reference = write_tiff(tmp_path / "reference.tif", tifffile.imread(photograph), compression="zlib", predictor=True)
    for command, source, suffix, beside in (
        ("reduce", packed, ".png", None),
        ("reduce", photograph, ".jpg", None),
        ("expand", reduced, ".tif", None),
        ("expand", reduced, ".png", None),
        ("eval", reduced, ".json", reference),
    ):
        measured = peak(command, source, tmp_path / f"{source.stem}{suffix}", beside)
        predicted = predictor(command, suffix, {"preset": "fast"}, 1)(str(source))
        assert 0.75 < predicted / measured < 1.25, (command, predicted / MB, measured / MB)


@pytest.mark.skipif(not stored.CAN_STAY, reason="nothing stays in its file here")
@pytest.mark.parametrize(
    ("settings", "stays"),
    [
        ({}, True),
        ({"byteorder": ">"}, True),
        ({"bigtiff": True, "rowsperstrip": 7}, True),
        ({"tile": (16, 16)}, False),
        ({"compression": "zlib"}, False),
        ({"planarconfig": "separate"}, False),
        ({"photometric": "cielab"}, False),
        ({"extrasamples": ["unassalpha"]}, False),
        ({"dtype": np.uint8}, False),
        ({"dtype": np.float16}, False),
    ],
    ids=str,
)
def test_which_pictures_stay_in_their_files_is_foretold(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: dict[str, Any], stays: bool
) -> None:
    for module in (sizes, tiff):
        monkeypatch.setattr(module, "WORTH_STAYING", 6 * 40 * 60)
    settings = {"photometric": "rgb", **settings}
    path, channels = tmp_path / "a.tif", 3 + len(settings.get("extrasamples", []))
    kind = settings.pop("dtype", np.uint16)
    codes = np.full((40, 60, channels), 1 if kind == np.float16 else np.iinfo(kind).max, kind)
    tifffile.imwrite(path, np.moveaxis(codes, -1, 0) if "planarconfig" in settings else codes, **settings)
    assert sizes.stays_in_its_file(str(path)) == stays
    assert isinstance(read_wide(path).codes, stored.StoredCodes) == stays
    tifffile.imwrite(path, codes[1:, :, :3], photometric="rgb")
    assert not sizes.stays_in_its_file(str(path))


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".avif", ".jxl", ".tif"])
def test_sizes_are_found_in_headers(tmp_path: Path, suffix: str) -> None:
    target = tmp_path / f"a{suffix}"
    gamutcli.reduce_image(plain_picture(tmp_path / "source.tif"), target, preset="fast")
    assert pixels_of(str(target)) == 16 * 24


@pytest.mark.parametrize("lossless", [True, False])
def test_a_simple_webp(tmp_path: Path, lossless: bool) -> None:
    Image.new("RGB", (33, 17)).save(tmp_path / "a.webp", lossless=lossless)
    assert pixels_of(str(tmp_path / "a.webp")) == 33 * 17


@pytest.mark.parametrize(
    "content",
    [
        *(b"", b"II*\0", b"II*\0\xff\xff\xff\x0f", b"II+\0\x07\0\0\0", b"\xff\xd8\xff\xe0\0\x10"),
        *(b"\x89PNG\r\n\x1a\n", b"no picture"),
    ],
)
def test_what_is_damaged_counts_with_its_bytes(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.tif").write_bytes(content)
    assert pixels_of(str(tmp_path / "a.tif")) == len(content)
    assert predictor("reduce", ".jpg", {}, 1)(str(tmp_path / "a.tif")) > 0
    assert pixels_of(str(tmp_path / "gone.tif")) == 0


def test_a_control_group_limits_what_there_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    physical = machine.memory()
    assert physical > 256 << 20
    assert machine.cores() >= 1
    groups = tmp_path / "cgroup"
    (groups / "job/step").mkdir(parents=True)
    (groups / "job/memory.max").write_text(f"{512 << 20}\n")
    (groups / "job/step/memory.max").write_text("max\n")
    (groups / "job/step/cpu.max").write_text("100000 100000\n")
    read = machine._read
    monkeypatch.setattr(machine, "_GROUPS", groups)
    monkeypatch.setattr(
        machine, "_read", lambda path: "0::/job/step" if path == Path("/proc/self/cgroup") else read(path)
    )
    assert machine.memory() == min(physical, 512 << 20)
    assert machine.cores() == 1
