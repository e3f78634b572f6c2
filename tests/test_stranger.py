"""docs/FORMAT.md is enough to decode what we write: examples/decode.py, written from it alone, does."""

from __future__ import annotations

import ast
import re
import runpy
import struct
import subprocess
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from PIL import Image

from gamutcli.color.compression import Compression, Side
from gamutcli.color.gamut import Correction
from gamutcli.color.spaces import PROPHOTO, SRGB, Adaptation, encoding_table, rgb_to_rgb
from gamutcli.expand import expand_image
from gamutcli.images import read_wide
from gamutcli.reduce import reduce_image
from tests.support.pictures import SAMPLES
from tests.support.presets import changed_presets

ROOT = Path(__file__).parent.parent
DECODER = ROOT / "examples" / "decode.py"
GOLDEN = ROOT / "tests" / "golden"
IN_XMP = [
    "wide-network.png",
    "default.png",
    "default.jpg",
    "chroma-subsampled.jpg",
    "paper.png",
    "paper.jpg",
    "nothing-to-restore.png",
    "perceptual.png",
    "perceptual-in-blocks.jpg",
]


@pytest.fixture(scope="module", autouse=True)
def cheap() -> Iterator[None]:
    """Presets that take tenths of a second."""
    with changed_presets("fast", "paper", steps=60, batch=512, samples=8192):
        yield


def decode(source: Path, target: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-W", "error", str(DECODER), str(source), str(target)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def decoded(source: Path, target: Path) -> NDArray[np.uint16]:
    outcome = decode(source, target)
    assert (outcome.returncode, outcome.stderr) == (0, "")
    codes: NDArray[np.uint16] = tifffile.imread(target)
    return codes


def largest_difference(a: NDArray[np.uint16], b: NDArray[np.uint16]) -> int:
    return int(np.abs(a.astype(int) - b.astype(int)).max())


@pytest.fixture(scope="module")
def dahlia(cheap: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("dahlia") / "dahlia.png"
    reduce_image(SAMPLES / "dahlia.tif", target, preset="fast")
    return target


def test_the_decoder_knows_nothing_of_the_package() -> None:
    imported = set()
    for node in ast.walk(ast.parse(DECODER.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            imported |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            imported.add((node.module or "").split(".")[0])
    assert imported <= sys.stdlib_module_names | {"numpy", "PIL"}


# What it decodes.


@pytest.mark.parametrize(
    ("sample", "extension", "preset"),
    [("pavilion", "jpg", "fast"), ("fabrics", "png", "fast"), ("espresso", "png", "paper")],
)
def test_it_agrees_with_expand_within_a_code(sample: str, extension: str, preset: str, tmp_path: Path) -> None:
    reduced = tmp_path / f"{sample}.{extension}"
    assert reduce_image(SAMPLES / f"{sample}.tif", reduced, preset=preset).hidden
    expand_image(reduced, tmp_path / "ours.tif", device="cpu")
    ours = tifffile.imread(tmp_path / "ours.tif")
    assert largest_difference(decoded(reduced, tmp_path / "theirs.tif"), ours) <= 1


@pytest.mark.parametrize("name", IN_XMP)
def test_it_decodes_the_golden_pictures(name: str, tmp_path: Path) -> None:
    codes = decoded(GOLDEN / "reduced" / name, tmp_path / "theirs.tif")
    assert largest_difference(codes, tifffile.imread(GOLDEN / "restored" / f"{name}.tif")) <= 2


def test_its_tiff_is_tagged_prophoto(tmp_path: Path) -> None:
    decoded(GOLDEN / "reduced" / "default.png", tmp_path / "theirs.tif")
    profile = read_wide(tmp_path / "theirs.tif").profile
    assert profile is not None
    assert profile.space == PROPHOTO


@pytest.mark.parametrize(("kind", "body"), [(b"zTXt", b"\0%(z)s"), (b"tEXt", b"%(t)s"), (b"iTXt", b"\1\0\0\0%(z)s")])
def test_it_finds_the_payload_after_other_programs(kind: bytes, body: bytes, dahlia: Path, tmp_path: Path) -> None:
    """Another text chunk, another prefix, an attribute instead of an element, white space in the part."""
    data = dahlia.read_bytes()
    start = data.index(b"iTXtXML:com.adobe.xmp") - 4
    length = int.from_bytes(data[start : start + 4], "big")
    part = re.search(rb"gamut1:[^<]*", data)
    assert part is not None
    packet = (
        b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><r:RDF xmlns:r="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        b'<r:Description r:about="" xmlns:ns1="https://gamutcli.github.io/ns/1.0/" ns1:Payload="%s\n%s"/>'
        b"</r:RDF></x:xmpmeta>" % (part[0][:99], part[0][99:])
    )
    chunk = kind + b"XML:com.adobe.xmp\0" + body % {b"z": zlib.compress(packet), b"t": packet}
    chunk = struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk))
    (tmp_path / "moved.png").write_bytes(data[:start] + chunk + data[start + 12 + length :])
    moved = decoded(tmp_path / "moved.png", tmp_path / "moved.tif")
    assert largest_difference(moved, decoded(dahlia, tmp_path / "theirs.tif")) == 0


# What it refuses, or warns of.


def test_it_warns_of_a_scaled_picture(dahlia: Path, tmp_path: Path) -> None:
    with Image.open(dahlia) as image:
        xmp = image.info["xmp"]
        scaled = image.resize((image.width // 2, image.height // 2), Image.Resampling.BOX)
    scaled.save(tmp_path / "scaled.jpg", quality=90, xmp=xmp)
    outcome = decode(tmp_path / "scaled.jpg", tmp_path / "scaled.tif")
    assert outcome.returncode == 0
    assert outcome.stderr.startswith("warning: the picture was compressed again or scaled")
    assert tifffile.imread(tmp_path / "scaled.tif").shape == (scaled.height, scaled.width, 3)


def changed_file(data: bytes) -> bytes:
    """Another letter in the payload's text."""
    at = data.index(b"gamut1:") + 60
    return data[:at] + (b"A" if data[at : at + 1] != b"A" else b"B") + data[at + 1 :]


def other_pixels(data: bytes, tmp_path: Path) -> bytes:
    (tmp_path / "reduced.png").write_bytes(data)
    with Image.open(tmp_path / "reduced.png") as image:
        xmp = image.info["xmp"]
        brighter = image.point(lambda code: min(255, code + 4))
    brighter.save(tmp_path / "brighter.jpg", quality=98, xmp=xmp)
    return (tmp_path / "brighter.jpg").read_bytes()


def test_it_refuses_what_it_cannot_decode(tmp_path: Path) -> None:
    data = (GOLDEN / "reduced" / "default.png").read_bytes()
    faults = {
        "incomplete or damaged": changed_file(data),
        "no payload": data.replace(b"gamutcli.github.io", b"example.invalid---"),
        "was edited": other_pixels(data, tmp_path),
        "neither JPEG nor PNG": b"GIF89a",
    }
    for words, changed in faults.items():
        (tmp_path / "changed").write_bytes(changed)
        outcome = decode(tmp_path / "changed", tmp_path / "out.tif")
        assert outcome.returncode == 1
        assert words in outcome.stderr
        assert outcome.stderr.count("\n") == 1
        assert not (tmp_path / "out.tif").exists()


@pytest.mark.parametrize(
    ("at", "value", "words"),
    [
        (4, 9, "version 9: a newer program"),
        (5, 8, "out of bounds"),
        (7, 33, "out of bounds"),
        (11, 255, "out of bounds"),
        (35, 9, "out of bounds"),
        (37, 255, "out of bounds"),
        (38, 9, "out of bounds"),
        (39, 1, "out of bounds"),
        (36, 200, "wrong length"),
    ],
)
def test_it_refuses_a_payload_that_lies(at: int, value: int, words: str) -> None:
    stranger = runpy.run_path(str(DECODER))
    payload = bytearray((GOLDEN / "payloads" / "codes.gamut").read_bytes())
    payload[at] = value
    payload[-4:] = struct.pack("<I", zlib.crc32(payload[:-4]))
    with pytest.raises(stranger["DecodeError"], match=words):
        stranger["unpack"](bytes(payload))


# What the page says.


@pytest.mark.parametrize("method", ["bradford", "cat02"])
def test_the_page_prints_the_matrices_that_we_use(method: Adaptation) -> None:
    matrix = rgb_to_rgb(SRGB, PROPHOTO, method)
    rows = "\n".join("    " + "  ".join(f"{value:.9f}" for value in row) for row in matrix)
    assert rows in (ROOT / "docs" / "FORMAT.md").read_text("utf-8")
    np.testing.assert_allclose(runpy.run_path(str(DECODER))[method.upper()], matrix, atol=1e-9)


def test_the_page_prints_a_pixel_that_comes_true() -> None:
    stranger = runpy.run_path(str(DECODER))
    plain = stranger["to_prophoto"](stranger["light_of"](np.array([[[255, 10, 128]]])), 0)
    row = "| linear ProPhoto | " + " | ".join(f"{value:.7f}" for value in plain.ravel()) + " |"
    codes = "| 16-bit code | " + " | ".join(str(code) for code in stranger["encode"](plain).ravel()) + " |"
    page = (ROOT / "docs" / "FORMAT.md").read_text("utf-8")
    assert row in page
    assert codes in page


def test_the_page_prints_colours_that_are_moved_back() -> None:
    page = (ROOT / "docs" / "FORMAT.md").read_text("utf-8")
    curves = Compression(Side(6553, 12288, 3, 328), Side(6553, 11469, 3, 52428))
    for pixel in ((12, 200, 90), (255, 40, 100), (254, 41, 3), (2, 1, 0)):
        codes = np.array([pixel], np.uint8)
        light = curves.undo(codes)[0]
        wide = encoding_table(PROPHOTO, 65536).codes(Correction(0, False, curves).before(codes, "bradford"))[0]
        numbers = ", ".join(f"{value:.6f}" if value else "0" for value in light)
        assert f"| {numbers} | {', '.join(map(str, wide))} |" in page
