"""The core of gamut.js gives what `gamut expand` gives, where no browser is: by node's own test runner."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image
from PIL.PngImagePlugin import PngInfo

import gamutcli
from gamutcli.containers import Metadata
from gamutcli.expand import expand_image
from gamutcli.images import decode_reduced, read_bytes
from gamutcli.payload import carriers
from gamutcli.payload.format import pack, unpack
from gamutcli.payload.sidecar import payload_of
from gamutcli.reduce import reduce_image
from tests.golden.make import HERE
from tests.support.blocks import lost_blocks
from tests.support.pictures import wide_codes, write_tiff
from tests.support.presets import changed_presets

NODE = shutil.which("node")
#: Golden pictures that browsers show.
SHOWN = sorted(path.name for path in (HERE / "reduced").iterdir() if path.suffix in (".jpg", ".png", ".webp"))
SPACES = {"display-p3": "displayp3", "prophoto": "prophoto"}


def moved_pictures(folder: Path) -> list[Path]:
    """Pictures whose colours were moved inwards, by payloads of version 2: without loss, with, and turned."""
    photo = write_tiff(folder / "photo.tif", wide_codes(90, 130))
    made = [folder / f"moved{how}" for how in (".png", ".jpg", "-turned.png", "-in-blocks.png", "-small.jpg")]
    with changed_presets("fast", hidden=16, depth=2, steps=60, batch=512, samples=4096):
        for path in made[:2]:
            result = reduce_image(photo, path, preset="fast", intent="perceptual")
            assert result.intent == "perceptual"
    with Image.open(made[0]) as image:
        info = PngInfo()
        info.add_itxt("XML:com.adobe.xmp", image.info["XML:com.adobe.xmp"])
        image.transpose(Image.Transpose.ROTATE_90).save(made[2], pnginfo=info)
    payload = unpack(payload_of(made[0], read_bytes(made[0])).payload)
    assert payload.version == 2
    some = lost_blocks(np.random.default_rng(3).random((90, 130)) < 0.003)
    carried = carriers.embed(read_bytes(made[0]), pack(replace(payload, blocks=some)), Metadata(), "xmp")
    made[3].write_bytes(carried.data)
    with Image.open(made[1]) as image:
        image.resize((100, 70), Image.Resampling.LANCZOS).save(
            made[4], quality=98, subsampling=0, xmp=image.info["xmp"]
        )
    return made


def write_cases(folder: Path) -> int:
    """Write decoded pixels, and what they are to be restored to, as plain numbers; how many cases there are."""
    cases = []
    for path in [*(HERE / "reduced" / name for name in SHOWN), *moved_pictures(folder)]:
        codes = decode_reduced(read_bytes(path))
        opaque = np.full((*codes.shape[:2], 1), 255, np.uint8)
        (folder / f"{path.name}.rgba").write_bytes(np.concatenate([codes, opaque], axis=2).tobytes())
        height, width = codes.shape[:2]
        carrier = payload_of(path, read_bytes(path)).carrier
        for space, word in SPACES.items():
            expand_image(path, folder / "restored.tif", to=word, device="cpu", overwrite=True)
            (folder / f"{path.name}.{space}").write_bytes(
                tifffile.imread(folder / "restored.tif").astype("<u2").tobytes()
            )
            status = "recompressed" if "small" in path.name else "ok"
            case = {"name": path.name, "folder": str(path.parent), "carrier": carrier, "status": status}
            cases += [{**case, "width": width, "height": height, "space": space, "depth": depth} for depth in (8, 16)]
    (folder / "cases.json").write_text(json.dumps(cases), "utf-8")
    return len(cases)


@pytest.mark.skipif(NODE is None, reason="node is not installed")
def test_the_core_passes_its_own_tests(tmp_path: Path) -> None:
    # A test that skips nothing: without the cases, node would compare nothing.
    assert write_cases(tmp_path) == 4 * (len(SHOWN) + 5)
    assert NODE is not None
    command = [NODE, "--test", "--test-reporter=tap", str(Path(__file__).with_name("core.test.mjs"))]
    ran = subprocess.run(
        command, env={**os.environ, "GAMUT_CASES": str(tmp_path)}, capture_output=True, text=True, encoding="utf-8"
    )
    assert ran.returncode == 0, ran.stdout[-6000:] + ran.stderr[-2000:]


def test_the_scripts_are_as_small_as_they_are_said_to_be() -> None:
    """docs/WEB.md names their sizes; gamut.js stays below 40 KB, comments and all."""
    folder, page = Path(gamutcli.__file__).parent / "viewer", (HERE.parents[1] / "docs" / "WEB.md").read_text("utf-8")
    sizes = {path.name: path.stat().st_size for path in folder.glob("gamut*.js")}
    assert sizes["gamut.js"] < 40_000
    for name, size in sizes.items():
        row = next(line for line in page.splitlines() if line.startswith(f"| `{name}`") and "KB" in line)
        assert f"| {size / 1000:.0f} KB |" in row


def test_gamut_js_depends_on_nothing() -> None:
    """What restores pixels is loaded when it is wanted."""
    text = (Path(gamutcli.__file__).parent / "viewer" / "gamut.js").read_text("utf-8")
    assert not re.search(r"^import\b|\bfrom \"", text, re.MULTILINE)
    assert re.findall(r"\bimport\((.*?)\)", text) == ['"./gamut-pixels.js"', '"./gamut-webgl2.js"']


def test_the_package_for_npm_is_of_this_version_and_names_files_that_there_are() -> None:
    folder = Path(gamutcli.__file__).parent / "viewer"
    package = json.loads((folder / "package.json").read_text("utf-8"))
    assert package["version"] == gamutcli.__version__
    assert all((folder / name).is_file() for name in package["files"])
    assert {path.name for path in folder.glob("gamut*")} == set(package["files"])
