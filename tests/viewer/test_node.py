"""The core of gamut.js gives what `gamut expand` gives, where no browser is: by node's own test runner."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import tifffile

import gamutcli
from gamutcli.expand import expand_image
from gamutcli.images import decode_reduced, read_bytes
from gamutcli.payload.sidecar import payload_of
from tests.golden.make import HERE

NODE = shutil.which("node")
#: Golden pictures that browsers show.
SHOWN = sorted(path.name for path in (HERE / "reduced").iterdir() if path.suffix in (".jpg", ".png", ".webp"))
SPACES = {"display-p3": "displayp3", "prophoto": "prophoto"}


def write_cases(folder: Path) -> None:
    """Write decoded pixels, and what they are to be restored to, as plain numbers."""
    cases = []
    for name in SHOWN:
        path = HERE / "reduced" / name
        codes = decode_reduced(read_bytes(path))
        opaque = np.full((*codes.shape[:2], 1), 255, np.uint8)
        (folder / f"{name}.rgba").write_bytes(np.concatenate([codes, opaque], axis=2).tobytes())
        height, width = codes.shape[:2]
        carrier = payload_of(path, read_bytes(path)).carrier
        for space, word in SPACES.items():
            expand_image(path, folder / "restored.tif", to=word, device="cpu", overwrite=True)
            (folder / f"{name}.{space}").write_bytes(tifffile.imread(folder / "restored.tif").astype("<u2").tobytes())
            cases += [
                {"name": name, "carrier": carrier, "width": width, "height": height, "space": space, "depth": depth}
                for depth in (8, 16)
            ]
    (folder / "cases.json").write_text(json.dumps(cases), "utf-8")


@pytest.mark.skipif(NODE is None, reason="node is not installed")
def test_the_core_passes_its_own_tests(tmp_path: Path) -> None:
    write_cases(tmp_path)
    assert NODE is not None
    # A test that skips nothing: without the cases, node would compare nothing.
    assert len(json.loads((tmp_path / "cases.json").read_text("utf-8"))) == 4 * len(SHOWN)
    command = [NODE, "--test", "--test-reporter=tap", str(Path(__file__).with_name("core.test.mjs"))]
    ran = subprocess.run(
        command, env={**os.environ, "GAMUT_CASES": str(tmp_path)}, capture_output=True, text=True, encoding="utf-8"
    )
    assert ran.returncode == 0, ran.stdout[-6000:] + ran.stderr[-2000:]


def test_the_package_for_npm_is_of_this_version_and_names_files_that_there_are() -> None:
    folder = Path(gamutcli.__file__).parent / "viewer"
    package = json.loads((folder / "package.json").read_text("utf-8"))
    assert package["version"] == gamutcli.__version__
    assert all((folder / name).is_file() for name in package["files"])
    assert {path.name for path in folder.glob("gamut*")} == set(package["files"])
