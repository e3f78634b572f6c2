"""What counts as the same picture, as one compressed again, and as an edited one."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import reference
import tifffile
from networks import noise
from PIL import Image, ImageEnhance

from gamutcli.arrays import CodeArray
from gamutcli.fingerprint import GRID_SIDE, Status, block_means, digest, fingerprint, match

SAMPLES = sorted((Path(__file__).parent.parent / "sample_images").glob("*.tif"))


@pytest.fixture(scope="module", params=SAMPLES, ids=lambda path: path.stem)
def photograph(request: pytest.FixtureRequest) -> CodeArray:
    """A sample as a reduced picture: (height, width, 3) codes."""
    return reference.reduced(tifffile.imread(request.param))


def resaved(codes: CodeArray, quality: int, subsampling: int = 2) -> CodeArray:
    """What a JPEG of the picture shows."""
    file = io.BytesIO()
    Image.fromarray(codes).save(file, "JPEG", quality=quality, subsampling=subsampling)
    return np.asarray(Image.open(file))


# Block means.


@pytest.mark.parametrize("size", [(64, 64), (160, 32), (16, 16)])
def test_block_means_are_the_means_of_the_blocks(size: tuple[int, int]) -> None:
    codes = noise(*size)
    found = block_means(codes)
    assert found.shape == (GRID_SIDE, GRID_SIDE, 3)
    blocks = codes.reshape(GRID_SIDE, size[0] // GRID_SIDE, GRID_SIDE, size[1] // GRID_SIDE, 3)
    np.testing.assert_allclose(found, blocks.mean((1, 3)))


@pytest.mark.parametrize("size", [(1, 1), (1, 5), (5, 1), (3, 3), (15, 40), (37, 50), (17, 100)])
@pytest.mark.parametrize("side", [1, 4, GRID_SIDE])
def test_pixels_between_two_blocks_count_for_both(size: tuple[int, int], side: int) -> None:
    codes = noise(*size)
    # Every pixel becomes as many pixels as there are blocks: no boundary crosses one of these.
    fine = codes.repeat(side, axis=0).repeat(side, axis=1)
    expected = fine.reshape(side, size[0], side, size[1], 3).mean((1, 3))
    np.testing.assert_allclose(block_means(codes, side), expected)


def test_blocks_smaller_than_a_pixel_are_that_pixel() -> None:
    codes = noise(2, 4)
    np.testing.assert_allclose(block_means(codes), codes.repeat(8, axis=0).repeat(4, axis=1))


def test_block_means_of_white_do_not_overflow() -> None:
    np.testing.assert_allclose(block_means(np.full((2000, 300, 3), 255, np.uint8)), 255)


# Digest.


def test_equal_pixels_have_equal_digests() -> None:
    codes = noise(20, 30)
    assert digest(codes) == digest(codes.copy())
    assert digest(codes) == digest(np.asfortranarray(codes))
    assert digest(codes[::2, ::3]) == digest(codes[::2, ::3].copy())


def test_one_code_changes_the_digest() -> None:
    codes = noise(20, 30)
    other = codes.copy()
    other[7, 11, 1] ^= 1
    assert digest(other) != digest(codes)


# The verdict.


@pytest.mark.parametrize("size", [(1, 1), (1, 30), (30, 1), (20, 30)])
def test_an_untouched_picture_fits(size: tuple[int, int]) -> None:
    codes = noise(*size)
    found = match(fingerprint(codes), codes.copy())
    assert (found.status, found.difference, found.resized) == (Status.OK, 0, False)


def test_the_same_bytes_in_another_shape_do_not_fit() -> None:
    codes = noise(20, 30)
    assert match(fingerprint(codes), codes.reshape(30, 20, 3)).status is not Status.OK


def test_one_changed_code_is_not_the_same_picture_but_close() -> None:
    codes = noise(20, 30)
    other = codes.copy()
    other[7, 11, 1] ^= 1
    found = match(fingerprint(codes), other)
    assert found.status is Status.RECOMPRESSED
    assert not found.resized


@pytest.mark.parametrize("quality", [95, 85, 70, 50])
def test_a_photograph_compressed_again_is_recognised(photograph: CodeArray, quality: int) -> None:
    found = match(fingerprint(photograph), resaved(photograph, quality))
    assert found.status is Status.RECOMPRESSED
    assert not found.resized
    assert 0 < found.difference < 1


@pytest.mark.parametrize("factor", [0.25, 0.333, 0.5, 0.771, 2])
def test_a_resized_photograph_is_recognised(photograph: CodeArray, factor: float) -> None:
    height, width, _ = photograph.shape
    size = (round(width * factor), round(height * factor))
    resized = np.asarray(Image.fromarray(photograph).resize(size, Image.Resampling.LANCZOS))
    found = match(fingerprint(photograph), resized)
    assert (found.status, found.resized) == (Status.RECOMPRESSED, True)


EDITS: dict[str, Callable[[Image.Image], Image.Image]] = {
    "brighter by 3 %": lambda picture: ImageEnhance.Brightness(picture).enhance(1.03),
    "more saturated by 10 %": lambda picture: ImageEnhance.Color(picture).enhance(1.1),
    "cropped by 2 %": lambda picture: picture.crop((picture.width // 50, 0, picture.width, picture.height)),
    "mirrored": lambda picture: picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
    "turned by a quarter": lambda picture: picture.transpose(Image.Transpose.ROTATE_90),
    "black and white": lambda picture: picture.convert("L").convert("RGB"),
    "lettered": lambda picture: _with_a_bar(picture),
}


def _with_a_bar(picture: Image.Image) -> Image.Image:
    edited = picture.copy()
    edited.paste((128, 128, 128), (0, 0, picture.width, picture.height // 10))
    return edited


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS.keys())
def test_an_edited_photograph_is_recognised(photograph: CodeArray, edit: Callable[[Image.Image], Image.Image]) -> None:
    edited = np.asarray(edit(Image.fromarray(photograph)))
    found = match(fingerprint(photograph), edited)
    assert found.status is Status.CHANGED
    assert found.difference > 1
