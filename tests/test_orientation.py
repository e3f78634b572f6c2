"""A picture that a camera held sideways is upright wherever it is shown, restored and compared."""

from __future__ import annotations

import base64
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image

from gamutcli import evaluate, expand_image, reduce_image
from gamutcli.arrays import Code16Array
from gamutcli.fitting.presets import PRESETS
from gamutcli.images import decode_reduced, encode_reduced
from gamutcli.images.lying import stated_orientation
from gamutcli.images.original import read_source
from gamutcli.images.picture import UNDONE, turn
from gamutcli.metadata import orientation_of, read_metadata
from tests.support.browsers import open_browser
from tests.support.pictures import wide_codes, write_tiff

QUICK = replace(PRESETS["fast"], steps=60)
ORIENTATIONS = range(1, 9)
CODES = wide_codes(64, 96)
# Extensions and media types of what is written; Chromium knows the first four since 2020.
SHOWN = {"jpg": "jpeg", "png": "png", "webp": "webp", "avif": "avif", "jxl": "jxl", "tif": "tiff"}
SURELY_KNOWN = ("jpg", "png", "webp", "avif")


def sideways(path: Path, orientation: int, codes: Code16Array = CODES) -> Path:
    return write_tiff(path, codes, extratags=[(274, "H", 1, orientation, True)])


@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_every_orientation_can_be_undone(orientation: int) -> None:
    assert np.array_equal(turn(turn(CODES, orientation), UNDONE[orientation]), CODES)


@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_an_original_can_be_laid_as_a_picture_of_it_lies(tmp_path: Path, orientation: int) -> None:
    source = read_source(sideways(tmp_path / "a.tif", orientation))
    assert source.lying(orientation) is source.original
    assert np.array_equal(source.upright().original.codes, turn(CODES, orientation))
    for other in ORIENTATIONS:
        assert np.array_equal(turn(source.lying(other).codes, other), turn(CODES, orientation))


@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_a_webp_is_stored_and_restored_upright(tmp_path: Path, orientation: int) -> None:
    photo, reduced, restored = sideways(tmp_path / "a.tif", orientation), tmp_path / "a.webp", tmp_path / "back.tif"
    done = reduce_image(photo, reduced, preset=QUICK)
    upright = turn(CODES, orientation)
    assert (done.height, done.width) == upright.shape[:2]
    with Image.open(reduced) as image:
        assert image.size == (upright.shape[1], upright.shape[0])
    assert orientation_of(read_metadata(reduced)) == 1

    expand_image(reduced, restored)
    back = tifffile.imread(restored)
    assert orientation_of(read_metadata(restored)) == 1
    assert np.abs(back.astype(int) - upright).mean() < np.abs(back.astype(int) - upright[::-1, ::-1]).mean() / 5

    # eval says of both files what reduce said.
    for picture in (reduced, restored):
        found = evaluate(picture, photo)
        assert (found.height, found.width) == upright.shape[:2]
        assert found.restored.psnr_all == pytest.approx(done.psnr_all, abs=0.1)


@pytest.mark.parametrize("orientation", [3, 6])
def test_other_formats_keep_the_pixels_as_they_lie(tmp_path: Path, orientation: int) -> None:
    photo = sideways(tmp_path / "a.tif", orientation)
    for extension in SHOWN:
        if extension != "webp":
            target = tmp_path / f"a_reduced.{extension}"
            reduce_image(photo, target, preset=QUICK)
            assert decode_reduced(target.read_bytes()).shape == CODES.shape
            assert orientation_of(read_metadata(target)) == orientation


@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_a_picture_that_lost_its_orientation_still_is_compared_as_it_lies(tmp_path: Path, orientation: int) -> None:
    square = wide_codes(80, 80)
    for name, codes in (("square", square), ("wide", CODES)):
        photo, reduced = sideways(tmp_path / f"{name}.tif", orientation, codes), tmp_path / f"{name}.png"
        done = reduce_image(photo, reduced, preset=QUICK, carrier="sidecar")
        bare = tmp_path / f"{name}_bare.png"
        with Image.open(reduced) as image:
            Image.fromarray(np.asarray(image)).save(bare)
        shutil.copy(f"{reduced}.gamut", f"{bare}.gamut")
        assert orientation_of(read_metadata(bare)) == 1
        assert evaluate(bare, photo).restored.psnr_all == pytest.approx(done.psnr_all, abs=0.1)


@pytest.mark.parametrize("extension", ["avif", "jxl"])
@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_two_formats_state_by_themselves_how_they_lie(orientation: int, extension: str) -> None:
    data = encode_reduced((CODES >> 8).astype(np.uint8), extension, orientation=orientation)
    assert stated_orientation(data) == orientation


def test_a_picture_that_a_tool_turned_in_its_header_is_restored_as_it_is_shown(tmp_path: Path) -> None:
    reduced, restored = tmp_path / "a.avif", tmp_path / "back.tif"
    reduce_image(sideways(tmp_path / "a.tif", 6), reduced, preset=QUICK)
    reduced.write_bytes(reduced.read_bytes().replace(b"irot\3", b"irot\1"))
    assert orientation_of(read_metadata(reduced)) == 6  # EXIF still says, which no program heeds here
    expand_image(reduced, restored)
    assert orientation_of(read_metadata(restored)) == 8


# In a browser.


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with open_browser() as driver:
        yield driver


LOOK = """
const [address, done] = arguments, image = new Image();
image.onerror = () => done(null);
image.onload = () => {
  const canvas = document.createElement('canvas'), [width, height] = [image.naturalWidth, image.naturalHeight];
  Object.assign(canvas, {width, height});
  const context = canvas.getContext('2d');
  context.drawImage(image, 0, 0);
  done([width, height, [...context.getImageData(0, 0, width, height).data]]);
};
image.src = address;
"""


@pytest.fixture(scope="module")
def marked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pictures with a red left and a green upper edge as stored, of every orientation. Read only."""
    folder = tmp_path_factory.mktemp("marked")
    codes = np.full((32, 48, 3), 14000, np.uint16)
    codes[:, :8], codes[:8, 8:] = (52000, 5000, 5000), (5000, 52000, 5000)
    for orientation in ORIENTATIONS:
        photo = sideways(folder / f"{orientation}_photo.tif", orientation, codes)
        for extension in SHOWN:
            reduce_image(photo, folder / f"{orientation}.{extension}", preset=replace(QUICK, steps=5))
    return folder


@pytest.mark.parametrize("orientation", ORIENTATIONS)
@pytest.mark.parametrize("extension", SHOWN)
def test_a_browser_shows_every_format_upright(browser: Any, marked: Path, extension: str, orientation: int) -> None:
    data = base64.b64encode((marked / f"{orientation}.{extension}").read_bytes()).decode()
    browser.get("about:blank")
    seen = browser.execute_async_script(LOOK, f"data:image/{SHOWN[extension]};base64,{data}")
    if seen is None and extension not in SURELY_KNOWN:
        pytest.skip(f"this browser does not know {extension}")
    assert seen is not None
    width, height, pixels = seen
    stored = tifffile.imread(marked / f"{orientation}_photo.tif")
    upright = turn(stored, orientation)
    assert (height, width) == upright.shape[:2]
    shown = np.array(pixels, np.uint8).reshape(height, width, 4)[..., :3]
    for channel in (0, 1):
        is_edge, wanted = shown[..., channel] > 150, upright[..., channel] > 40000
        assert np.mean(is_edge == wanted) > 0.97
