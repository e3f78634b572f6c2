"""Pictures larger than a tile: both paths cut them up, and nothing of that is seen."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from gamutcli.arrays import Code16Array
from gamutcli.expand import expand_image
from gamutcli.reduce import reduce_image
from tests.support.browsers import Browser, Site
from tests.support.pictures import wide_codes, write_tiff
from tests.support.presets import changed_presets
from tests.viewer.test_paths import PATHS, restored

#: Four tiles of the GPU, nine of a worker; none of them whole.
HEIGHT, WIDTH = 1050, 1200

DRAWN = """
const { render } = await import("/gamut.js");
const bytes = new Uint8Array(await (await fetch("/large.png")).arrayBuffer());
const [path, maxPixels] = arguments, whole = document.createElement("canvas"), small = document.createElement("canvas");
await render(whole, bytes, { path });
const told = await render(small, bytes, { path, maxPixels });
const context = Object.assign(document.createElement("canvas"), { width: small.width, height: small.height })
  .getContext("2d", { colorSpace: "display-p3" });
context.imageSmoothingQuality = "high";
context.drawImage(whole, 0, 0, small.width, small.height);
const codes = one => one.getImageData(0, 0, small.width, small.height, { colorSpace: "display-p3" }).data;
const wanted = codes(context), found = codes(small.getContext("2d"));
const far = [...found].map((code, k) => Math.abs(code - wanted[k]));
return [told.path, told.width, whole.width, small.width, small.height, far.reduce((a, b) => a + b) / far.length,
  far.filter(code => code > 16).length / far.length];
"""


@pytest.fixture(scope="module")
def large(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Code16Array:
    """A reduced picture on the site, large.png; what it expands to, 16-bit Display P3."""
    folder: Path = tmp_path_factory.mktemp("large")
    # Noise, so that every pixel and its box are others than their neighbours.
    codes = wide_codes(HEIGHT, WIDTH).astype(int) + np.random.default_rng(5).integers(-2500, 2500, (HEIGHT, WIDTH, 3))
    photo = write_tiff(folder / "photo.tif", codes.clip(0, 65535).astype(np.uint16))
    with changed_presets("fast", hidden=16, depth=2, steps=60, batch=512, samples=8192):
        reduce_image(photo, folder / "large.png", preset="fast")
    site.add("large.png", (folder / "large.png").read_bytes())
    expand_image(folder / "large.png", folder / "restored.tif", to="displayp3", device="cpu")
    wanted: Code16Array = tifffile.imread(folder / "restored.tif").astype(int)
    return wanted


@pytest.mark.parametrize("path", PATHS)
def test_tiles_meet(browser: Browser, site: Site, large: Code16Array, path: str) -> None:
    codes, told = restored(browser, site, "large.png", path=path)
    assert (told["path"], told["status"]) == (path, "ok")
    far = np.abs(codes - np.round(large / 257))
    assert (far <= 1).mean() >= 0.999
    assert far.max() <= 2


@pytest.mark.parametrize("path", PATHS)
def test_a_smaller_canvas_shows_the_same(browser: Browser, site: Site, large: Code16Array, path: str) -> None:
    browser.open(f"{site.address}/blank.html")
    taken, width, whole, across, down, mean, distant = browser.run(DRAWN, path, 200000)
    assert (taken, width, whole) == (path, WIDTH, WIDTH)
    assert (across, down) == (478, 418)
    # Smoothing of a whole canvas and of tiles differ a little, nowhere by a seam.
    assert mean < 2
    assert distant < 0.001
    assert large.shape == (HEIGHT, WIDTH, 3)


def test_a_canvas_holds_what_phones_can_show(chromium: Browser, site: Site) -> None:
    """A picture of 18 megapixels without anything to restore: the canvas is smaller than it."""
    file = io.BytesIO()
    Image.new("RGB", (6000, 3000), (90, 120, 60)).save(file, "png")
    site.add("wide.png", file.getvalue())
    chromium.open(f"{site.address}/blank.html")
    told = chromium.run(
        "const { render } = await import('/gamut.js'), canvas = document.createElement('canvas');"
        "const load = async name => new Uint8Array(await (await fetch(name)).arrayBuffer());"
        "const sidecar = await load('/sidecar.jpg.gamut');"
        "const told = await render(canvas, await load('/wide.png'), { sidecar, force: true });"
        "const pixel = canvas.getContext('2d').getImageData(canvas.width - 1, canvas.height - 1, 1, 1).data[3];"
        "return [told.width, told.height, canvas.width * canvas.height <= 16777216, canvas.width > 5790, pixel]"
    )
    assert told == [6000, 3000, True, True, 255]
