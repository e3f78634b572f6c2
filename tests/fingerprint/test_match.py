"""What counts as the same picture, as one compressed again, and as an edited one."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from PIL import Image, ImageEnhance

from gamutcli.arrays import CodeArray
from gamutcli.fingerprint import crops
from gamutcli.fingerprint.crops import register
from gamutcli.fingerprint.edits import judge
from gamutcli.fingerprint.frame import ORIENTATIONS, UPRIGHT, Frame, Orientation
from gamutcli.fingerprint.match import (
    GRID_SIDE,
    SMALL_GRID_SIDE,
    Status,
    block_means,
    digest,
    fingerprint,
    match,
    pooled_side,
)
from tests.support import reference
from tests.support.networks import noise

SAMPLES = sorted((Path(__file__).parents[2] / "sample_images").glob("*.tif"))


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
    assert (found.status, found.resized, found.cropped) == (Status.RECOMPRESSED, True, False)
    assert found.frame == Frame(*resized.shape[:2])
    assert found.recognised == "resized"


TURNS = {str(orientation): orientation for orientation in ORIENTATIONS if orientation != UPRIGHT}
every_turn = pytest.mark.parametrize("orientation", TURNS.values(), ids=TURNS.keys())


def turned(codes: CodeArray, orientation: Orientation) -> CodeArray:
    """What the orientation, undone, brings back."""
    lying = codes.swapaxes(0, 1) if orientation.transposed else codes
    lying = lying[::-1] if orientation.rows_reversed else lying
    return np.ascontiguousarray(lying[:, ::-1] if orientation.columns_reversed else lying)


@every_turn
def test_a_turned_picture_is_recognised_to_the_last_code(orientation: Orientation) -> None:
    codes = noise(40, 60)
    lying = turned(codes, orientation)
    found = match(fingerprint(codes), lying)
    assert (found.status, found.difference, found.frame.orientation) == (Status.OK, 0, orientation)
    assert found.recognised == str(orientation)
    np.testing.assert_array_equal(orientation.undo(lying), codes)


@pytest.mark.parametrize("orientation", [Orientation(True, False, True), Orientation(False, False, True)], ids=str)
def test_a_turned_photograph_is_recognised_though_compressed(photograph: CodeArray, orientation: Orientation) -> None:
    found = match(fingerprint(photograph), resaved(turned(photograph, orientation), 80))
    assert (found.status, found.frame.orientation) == (Status.RECOMPRESSED, orientation)
    assert found.recognised == f"{orientation}, compressed again"


def test_the_names_of_turns_are_those_of_pillow() -> None:
    codes = noise(40, 60)
    for name, method in {
        "rotated by 90 degrees counterclockwise": Image.Transpose.ROTATE_90,
        "rotated by 180 degrees": Image.Transpose.ROTATE_180,
        "rotated by 90 degrees clockwise": Image.Transpose.ROTATE_270,
        "flipped left to right": Image.Transpose.FLIP_LEFT_RIGHT,
        "flipped top to bottom": Image.Transpose.FLIP_TOP_BOTTOM,
        "mirrored along its falling diagonal": Image.Transpose.TRANSPOSE,
        "mirrored along its rising diagonal": Image.Transpose.TRANSVERSE,
    }.items():
        assert match(fingerprint(codes), np.asarray(Image.fromarray(codes).transpose(method))).recognised == name


@pytest.mark.parametrize("side", [GRID_SIDE, SMALL_GRID_SIDE])
@pytest.mark.parametrize(
    ("top", "left", "bottom", "right"), [(0, 3, 0, 0), (5, 0, 9, 4), (31, 64, 20, 17), (90, 0, 30, 150)]
)
def test_a_cropped_photograph_is_found_in_the_whole(
    photograph: CodeArray, side: int, top: int, left: int, bottom: int, right: int
) -> None:
    height, width, _ = photograph.shape
    part = np.ascontiguousarray(photograph[top : height - bottom, left : width - right])
    for seen in (part, resaved(part, 85)):
        found = match(fingerprint(photograph, side), seen)
        assert (found.status, found.cropped, found.recognised) == (Status.RECOMPRESSED, True, "cropped")
        assert (found.frame.height, found.frame.width) == (height, width)
        # A coarse grid knows the place a little less well.
        assert abs(found.frame.top - top) <= 2
        assert abs(found.frame.left - left) <= 2


def test_a_photograph_cropped_and_turned_is_found_in_the_whole(photograph: CodeArray) -> None:
    orientation = Orientation(transposed=True, columns_reversed=True)
    found = match(fingerprint(photograph), turned(np.ascontiguousarray(photograph[20:-30, 44:-10]), orientation))
    assert found.recognised == "rotated by 90 degrees clockwise, cropped"
    assert found.frame == Frame(*photograph.shape[:2], 20, 44, orientation)


def test_a_part_of_another_photograph_is_not_found(photograph: CodeArray) -> None:
    other = noise(300, 380)
    assert match(fingerprint(photograph), other).status is Status.CHANGED
    assert match(fingerprint(photograph), np.ascontiguousarray(photograph[100:, 100:, ::-1])).status is Status.CHANGED


def test_the_place_of_a_part_of_nothing_but_grey_cannot_be_told() -> None:
    grey = np.full((200, 300, 3), 128, np.uint8)
    assert register(fingerprint(grey).grid, 200, 300, grey[:150, :250]) is None


def test_a_small_part_is_found_in_a_large_picture_without_much_memory() -> None:
    coarse = noise(30, 40)
    large = coarse.repeat(80, axis=0).repeat(80, axis=1)
    place = register(fingerprint(large).grid, 2400, 3200, large[150:2250, 333:2999])
    assert place is not None
    assert abs(place.top - 150) <= 1
    assert abs(place.left - 333) <= 1


EDITS: dict[str, Callable[[Image.Image], Image.Image]] = {
    "brighter by 3 %": lambda picture: ImageEnhance.Brightness(picture).enhance(1.03),
    "more saturated by 10 %": lambda picture: ImageEnhance.Color(picture).enhance(1.1),
    "whiter by 3 %": lambda picture: picture.point(
        [min(255, round(i * k)) for k in (1.03, 1, 0.97) for i in range(256)]
    ),
    "more contrast by 4 %": lambda picture: ImageEnhance.Contrast(picture).enhance(1.04),
    "cropped and enlarged": lambda picture: picture.crop((60, 40, *picture.size)).resize(picture.size),
    "cropped and shrunk": lambda picture: picture.crop((60, 40, *picture.size)).resize((300, 280)),
    "cropped and toned": lambda picture: ImageEnhance.Brightness(picture.crop((60, 40, *picture.size))).enhance(1.05),
    "turned and toned": lambda picture: ImageEnhance.Color(picture.transpose(Image.Transpose.ROTATE_90)).enhance(1.2),
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
    assert found.fault in found.recognised


# What tells toning from compression.


def _blocks(seed: int = 0) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Known means of 256 blocks of many colours, and which share of each is clipped."""
    random = np.random.default_rng(seed)
    return np.round(random.uniform(10, 245, (256, 3))), np.where(random.random(256) < 0.3, 0.4, 0.0)


def _disturbed(known: NDArray[np.float64], size: float) -> NDArray[np.float64]:
    return known + np.random.default_rng(1).normal(0, size, known.shape)


def test_noise_is_compression_even_when_strong() -> None:
    known, clipped = _blocks()
    for size in (0.0, 0.3, 1.2):
        assert judge(known, _disturbed(known, size), clipped).fault is None


def test_an_order_in_the_differences_is_toning() -> None:
    known, clipped = _blocks()
    toned = {
        "gain": known * 1.01,
        "contrast": 128 + (known - 128) * 0.99,
        "white balance": known * [1.015, 1, 0.985],
        "saturation": known + 0.02 * (known - known.mean(axis=1, keepdims=True)),
    }
    for name, found in toned.items():
        assert judge(known, _disturbed(found, 0.3), clipped).fault == "toned", name


def test_a_step_that_cutting_off_fractions_makes_is_none() -> None:
    known, clipped = _blocks()
    assert judge(known, _disturbed(known - 0.5, 0.3), clipped).fault is None
    assert judge(known, _disturbed(known - 1.0, 0.3), clipped).fault == "toned"


def test_blocks_that_clip_may_go_astray_and_others_not() -> None:
    known, clipped = _blocks()
    found = _disturbed(known, 0.3)
    found[clipped > 0] += 5
    assert judge(known, found, clipped).fault is None
    found = _disturbed(known, 0.3)
    found[np.flatnonzero(clipped == 0)[0]] += 12
    assert judge(known, found, clipped).fault == "changed in places"


def test_another_picture_is_changed_throughout() -> None:
    known, clipped = _blocks()
    assert judge(known, _blocks(1)[0], clipped).fault == "changed throughout"


# Fingerprints that no honest reduce wrote.


@pytest.mark.parametrize("side", [1, 2, 3, 5, 7, 12, 31, 32])
@pytest.mark.parametrize("size", [(10, 12), (50, 70), (200, 300)])
def test_a_grid_of_any_side_is_compared(side: int, size: tuple[int, int]) -> None:
    codes = noise(*size)
    other = codes.copy()
    other[0, 0] ^= 1
    assert match(fingerprint(codes, side), other).status is Status.RECOMPRESSED


def test_a_grid_is_pooled_to_a_divisor_of_its_side() -> None:
    assert [pooled_side(16, pixels) for pixels in (192, 191, 95, 1)] == [16, 8, 4, 4]
    assert [pooled_side(7, pixels) for pixels in (500, 1)] == [7, 7]
    assert [pooled_side(side, 1) for side in (1, 3, 12, 31)] == [1, 3, 4, 31]


def test_no_place_is_tried_for_a_part_in_which_too_few_blocks_can_lie(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crops, "Blocks", None)
    assert register(np.zeros((32, 32, 3), np.uint8), 1 << 20, 1 << 20, noise(64, 64)) is None


def test_however_fine_the_grid_only_so_many_blocks_are_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    compared = 0
    means = crops.Blocks.means

    def counted(self: crops.Blocks, *places: NDArray[np.intp]) -> NDArray[np.float64]:
        nonlocal compared
        found = means(self, *places)
        compared += found[..., 0].size
        return found

    monkeypatch.setattr(crops.Blocks, "means", counted)
    for whole, part in ((500, 250), (500, 70), (510, 400), (100_000, 12_500)):
        compared = 0
        register(fingerprint(noise(64, 64), 32).grid, whole, whole, noise(part, min(part, 2000)))
        assert compared < 2 * crops.MOST_COMPARED
