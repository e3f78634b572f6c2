"""gamut.js in real browsers: both paths give what `gamut expand --to displayp3` gives, for all golden pictures."""

from __future__ import annotations

import base64
import functools
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image

from gamutcli.arrays import Code16Array
from gamutcli.expand import expand_image
from tests.golden.make import HERE
from tests.support.browsers import Browser, Site
from tests.viewer.test_node import SHOWN, moved_pictures

PATHS = ("js", "webgl2")
RESTORE = """
const { restore } = await import("/gamut.js");
const load = async name => new Uint8Array(await (await fetch("/" + name)).arrayBuffer());
const [name, options] = arguments;
if (options.sidecar) options.sidecar = await load(options.sidecar);
const { data, payload, ...told } = await restore(await load(name), options);
let text = "";
for (const byte of new Uint8Array(data.buffer)) text += String.fromCharCode(byte);
return { ...told, data: btoa(text) };
"""


def restored(browser: Browser, site: Site, name: str, **options: Any) -> tuple[Code16Array, dict[str, Any]]:
    """(height, width, 3) codes that restore() gives, and what it says beside them."""
    browser.open(f"{site.address}/blank.html")
    told = browser.run(RESTORE, name, options)
    kind = np.uint16 if options.get("depth") == 16 else np.uint8
    codes = np.frombuffer(base64.b64decode(told.pop("data")), kind)
    return codes.reshape(told["height"], told["width"], 4)[..., :3].astype(int), told


@functools.cache
def expanded(name: str, where: Path = HERE / "reduced") -> Code16Array:
    """What `gamut expand --to displayp3` gives, in 16-bit codes."""
    with tempfile.TemporaryDirectory() as folder:
        expand_image(where / name, Path(folder) / "restored.tif", to="displayp3", device="cpu")
        codes: Code16Array = tifffile.imread(Path(folder) / "restored.tif").astype(int)
    return codes


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("name", SHOWN)
def test_a_golden_picture_is_restored(browser: Browser, site: Site, name: str, path: str) -> None:
    sidecar = {"sidecar": f"{name}.gamut"} if name.startswith("sidecar") else {}
    codes, told = restored(browser, site, name, path=path, **sidecar)
    assert (told["path"], told["status"]) == (path, "ok")
    far = np.abs(codes - np.round(expanded(name) / 257))
    assert (far <= 1).mean() >= 0.999
    assert far.max() <= 2


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("name", ["wide-network.png", "paper.png", "nothing-to-restore.png"])
def test_sixteen_bits_are_as_close(browser: Browser, site: Site, name: str, path: str) -> None:
    codes, told = restored(browser, site, name, path=path, depth=16)
    assert told["path"] == path
    assert np.abs(codes - expanded(name)).max() <= (2 if path == "js" else 64)


@pytest.fixture(scope="module")
def moved(site: Site, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Pictures with payloads of version 2, which are on the site."""
    pictures = moved_pictures(tmp_path_factory.mktemp("moved"))
    for path in pictures:
        site.add(path.name, path.read_bytes())
    return pictures


@pytest.mark.parametrize("path", PATHS)
def test_colors_that_were_moved_are_moved_back(browser: Browser, site: Site, moved: list[Path], path: str) -> None:
    for picture in moved:
        codes, told = restored(browser, site, picture.name, path=path)
        assert told["path"] == path
        assert told["status"] == ("recompressed" if "small" in picture.name else "ok")
        far = np.abs(codes - np.round(expanded(picture.name, picture.parent) / 257))
        assert (far <= 1).mean() >= 0.999, picture.name
        assert far.max() <= 2, picture.name


def test_the_gpu_is_silent(browser: Browser, site: Site) -> None:
    browser.complaints()
    restored(browser, site, "wide-network.png", path="webgl2")
    assert [line for line in browser.complaints() if "ReadPixels" not in line] == []


@pytest.mark.parametrize("orientation", range(1, 9))
def test_an_exif_orientation_is_applied_once(browser: Browser, site: Site, tmp_path: Path, orientation: int) -> None:
    """As Pillow turns it; the browser itself is kept from turning the pixels first."""
    turn = {2: 0, 3: 3, 4: 1, 5: 5, 6: 4, 7: 6, 8: 2}.get(orientation)  # Image.Transpose
    payload_in_xmp = (HERE / "reduced" / "default.jpg").read_bytes()
    tiff = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0" + bytes([orientation]) + bytes(6)
    segment = b"\xff\xe1" + (len(tiff) + 2).to_bytes(2, "big") + tiff
    site.add("turned.jpg", payload_in_xmp[:2] + segment + payload_in_xmp[2:])
    image = Image.fromarray((expanded("default.jpg") / 257).round().astype(np.uint8))
    wanted = np.asarray(image if turn is None else image.transpose(Image.Transpose(turn))).astype(int)
    for path in PATHS:
        codes, told = restored(browser, site, "turned.jpg", path=path)
        assert told["status"] == "ok"
        assert codes.shape == wanted.shape
        assert np.abs(codes - wanted).max() <= 2
