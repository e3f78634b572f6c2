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


@pytest.mark.parametrize("size", [(64, 64), (37, 50), (16, 17), (100, 16)])
def test_block_means_are_the_means_of_the_blocks(size: tuple[int, int]) -> None:
    codes = noise(*size)
    found = block_means(codes)
    assert found.shape == (GRID_SIDE, GRID_SIDE, 3)
    for row in range(GRID_SIDE):
        for column in range(GRID_SIDE):
            block = codes[
                row * size[0] // GRID_SIDE : (row + 1) * size[0] // GRID_SIDE,
                column * size[1] // GRID_SIDE : (column + 1) * size[1] // GRID_SIDE,
            ]
            np.testing.assert_allclose(found[row, column], block.mean((0, 1)))


@pytest.mark.parametrize("size", [(1, 1), (1, 5), (5, 1), (3, 3), (15, 40), (40, 15)])
def test_every_block_of_a_tiny_picture_holds_a_pixel_of_it(size: tuple[int, int]) -> None:
    codes = noise(*size)
    found = block_means(codes)
    assert np.isfinite(found).all()
    assert found.min() >= codes.min()
    assert found.max() <= codes.max()


def test_blocks_of_a_tiny_picture_are_its_pixels() -> None:
    codes = noise(3, 4)
    found = block_means(codes)
    np.testing.assert_array_equal(found[[0, 0, -1, -1], [0, -1, 0, -1]], codes[[0, 0, -1, -1], [0, -1, 0, -1]])


def test_block_means_of_white_do_not_overflow() -> None:
    assert (block_means(np.full((2000, 300, 3), 255, np.uint8)) == 255).all()


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


@pytest.mark.parametrize("factor", [0.5, 0.75, 2])
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
