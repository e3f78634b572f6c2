"""What the network sees of a pixel."""

from __future__ import annotations

import math
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from gamutcli.arrays import CodeArray
from gamutcli.color.spaces import Adaptation
from gamutcli.network import features as features_module
from gamutcli.network.features import BOX_STEPS, CONTRAST_LIMIT, Features, box_sums, centres, levels_of, waves
from gamutcli.network.shape import Inputs
from tests.support import reference
from tests.support.networks import CODES, CODES_AND_BOXES, EVERY_KIND, box_means, everywhere, noise, rows_of

every_kind = pytest.mark.parametrize("inputs", EVERY_KIND.values(), ids=EVERY_KIND.keys())


# Waves and scales.


def test_waves_are_sines_and_cosines_of_octaves() -> None:
    found = waves(np.array([0.0, 0.3, -1.0]), octaves=3, first_octave=-1)
    for row, position in zip(found, (0.0, 0.3, -1.0), strict=True):
        angles = [math.pi * frequency * position for frequency in (0.5, 1, 2)]
        expected = [math.sin(angle) for angle in angles] + [math.cos(angle) for angle in angles]
        np.testing.assert_allclose(row, expected, atol=1e-6)


def test_waves_stay_exact_at_the_highest_octave() -> None:
    position = 0.123456789
    found = waves(np.array([position]), octaves=12, first_octave=0)[0]
    assert found[11] == pytest.approx(math.sin(2**11 * math.pi * position), abs=1e-6)


@pytest.mark.parametrize("count", [1, 2, 3, 10])
def test_pixel_centres_lie_evenly_between_the_edges(count: int) -> None:
    places = centres(count)
    assert places.shape == (count,)
    np.testing.assert_allclose(places, -places[::-1], atol=1e-15)
    # Half a pixel from the edge, a pixel apart, where the picture is 2 wide.
    assert places[0] == pytest.approx(-1 + 1 / count)
    np.testing.assert_allclose(np.diff(places), 2 / count)


def test_levels_reach_from_minus_1_to_1() -> None:
    levels = levels_of(255)
    assert (levels.size, levels[0], levels[-1]) == (256, -1, 1)
    np.testing.assert_allclose(np.diff(levels), 2 / 255)


# Box means.


def brute_force_means(codes: CodeArray, radius: int) -> NDArray[np.int64]:
    """Every box pixel by pixel, in quarter codes, half up."""
    height, width, _ = codes.shape
    means = np.zeros(codes.shape, np.int64)
    area = (2 * radius + 1) ** 2
    for y in range(height):
        for x in range(width):
            total = np.zeros(3, np.int64)
            for dy in range(-radius, radius + 1):
                for dx in range(-radius, radius + 1):
                    total += codes[min(max(y + dy, 0), height - 1), min(max(x + dx, 0), width - 1)]
            means[y, x] = [math.floor(BOX_STEPS * int(sum_) / area + 0.5) for sum_ in total]
    return means


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (9, 1), (2, 2), (7, 5), (12, 10)])
@pytest.mark.parametrize("radius", [1, 2, 3, 8])
def test_box_means_are_means_of_boxes_with_replicated_edges(size: tuple[int, int], radius: int) -> None:
    codes = noise(*size)
    np.testing.assert_array_equal(box_means(codes, rows_of(codes), radius), brute_force_means(codes, radius))


@given(
    height=st.integers(1, 12),
    width=st.integers(1, 12),
    radius=st.integers(1, 6),
    cut=st.tuples(st.floats(0, 1), st.floats(0, 1)),
    seed=st.integers(0, 99),
)
def test_box_means_of_some_rows_are_those_of_the_whole_picture(
    height: int, width: int, radius: int, cut: tuple[float, float], seed: int
) -> None:
    codes = noise(height, width, seed)
    start = int(min(cut) * (height - 1))
    rows = slice(start, start + 1 + int((max(cut) - min(cut)) * (height - start - 1)))
    np.testing.assert_array_equal(box_means(codes, rows, radius), box_means(codes, rows_of(codes), radius)[rows])


def running_sums(codes: CodeArray, radius: int) -> NDArray[np.int64]:
    """The sums of all boxes, from differences of running sums."""
    sums = np.pad(codes.astype(np.int64), ((radius, radius), (radius, radius), (0, 0)), "edge")
    for axis in (0, 1):
        running = np.moveaxis(np.cumsum(sums, axis), axis, 0)
        running = np.concatenate([np.zeros_like(running[:1]), running])
        sums = np.moveaxis(running[2 * radius + 1 :] - running[: -2 * radius - 1], 0, axis)
    return sums


@pytest.mark.parametrize("size", [(40, 3), (3, 40), (25, 25), (1, 90)])
@pytest.mark.parametrize("radius", [1, 4, 7, 8, 16, 64])
def test_box_sums_are_those_of_running_sums(size: tuple[int, int], radius: int) -> None:
    codes = noise(*size)
    np.testing.assert_array_equal(box_sums(codes, rows_of(codes), radius), running_sums(codes, radius))


def test_sums_of_the_largest_boxes_do_not_overflow() -> None:
    white = np.full((1, 1 << 19, 3), 255, np.uint8).reshape(1 << 19, 1, 3)
    assert (box_sums(white, slice(0, 1 << 19), 64) == 255 * 129**2).all()


@pytest.mark.parametrize("columns", [1, 7, 16])
@pytest.mark.parametrize("radius", [1, 9, 30])
def test_pieces_of_a_wide_picture_do_not_show(columns: int, radius: int, monkeypatch: pytest.MonkeyPatch) -> None:
    codes = noise(4, 50)
    expected = box_sums(codes, slice(1, 3), radius)
    monkeypatch.setattr(features_module, "MOST_COLUMNS", columns)
    np.testing.assert_array_equal(box_sums(codes, slice(1, 3), radius), expected)


def test_a_row_of_a_wide_picture_takes_little_memory() -> None:
    codes = np.zeros((1, 1 << 18, 3), np.uint8)
    box_sums(codes[:, :99], slice(0, 1), 64)
    tracemalloc.start()
    try:
        box_sums(codes, slice(0, 1), 64)
        assert tracemalloc.get_traced_memory()[1] < 150 * (1 << 18)  # 129 rows would be 390 bytes a pixel
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("code", [0, 1, 77, 255])
def test_box_means_of_a_flat_picture_are_its_color(code: int) -> None:
    codes = np.full((6, 8, 3), code, np.uint8)
    for radius in (1, 4, 16):
        assert (box_means(codes, rows_of(codes), radius) == BOX_STEPS * code).all()


# Features.


def written_out(inputs: Inputs, codes: CodeArray, adaptation: Adaptation) -> NDArray[np.float64]:
    """All features of all pixels, as the documentation of `Inputs` and `Features` tells them."""
    height, width, _ = codes.shape
    y, x = np.mgrid[0:height, 0:width]
    columns = [((2 * y + 1) / height - 1, inputs.position_octaves), ((2 * x + 1) / width - 1, inputs.position_octaves)]
    color = codes / 255 if inputs.color == "srgb_codes" else reference.plain(codes, adaptation)
    columns += [(2 * color[..., c] - 1, inputs.color_octaves) for c in range(3)]
    for box in inputs.boxes:
        means = brute_force_means(codes, box.radius)
        if box.contrast:
            values = ((BOX_STEPS * codes.astype(int) - means) / CONTRAST_LIMIT).clip(-1, 1)
        else:
            values = 2 * means / (255 * BOX_STEPS) - 1
        columns += [(values[..., c], box.octaves) for c in range(3)]
    parts = []
    for values, octaves in columns:
        angles = np.pi * values.reshape(-1, 1) * 2.0 ** (inputs.first_octave + np.arange(octaves))
        parts += [np.sin(angles), np.cos(angles)]
    return np.concatenate(parts, axis=1)


@every_kind
@pytest.mark.parametrize("size", [(9, 13), (1, 1), (1, 7), (6, 1)])
def test_features_are_those_of_the_documentation(inputs: Inputs, size: tuple[int, int]) -> None:
    codes = noise(*size)
    found = Features(inputs, codes, "cat02").rows(rows_of(codes), everywhere(codes))
    assert found.dtype == np.float32
    assert found.shape == (codes.shape[0] * codes.shape[1], inputs.size)
    np.testing.assert_allclose(found, written_out(inputs, codes, "cat02"), atol=2e-4)


@every_kind
def test_features_of_some_pixels_of_a_strip_are_those_of_the_picture(inputs: Inputs) -> None:
    codes = noise(11, 7)
    features = Features(inputs, codes, "bradford")
    all_of_them = features.rows(rows_of(codes), everywhere(codes))
    inside = np.array([0, 5, 13, 13, 20])
    np.testing.assert_array_equal(features.rows(slice(4, 7), inside), all_of_them[4 * 7 + inside])


@every_kind
def test_features_that_are_looked_up_later_are_the_same(inputs: Inputs) -> None:
    codes = noise(11, 7)
    features = Features(inputs, codes, "bradford")
    first, second = (features.lookups(rows_of(codes), inside) for inside in (np.arange(5), np.arange(5, 8)))
    together = first.room(8)
    together[np.arange(0, 8, 2)[:4]] = features.lookups(rows_of(codes), np.arange(4))
    together[np.arange(1, 8, 2)[:3]] = second
    together[np.array([7])] = features.lookups(rows_of(codes), np.array([4]))
    assert (len(first), len(together)) == (5, 8)
    expected = features.rows(rows_of(codes), np.array([0, 5, 1, 6, 2, 7, 3, 4]))
    if inputs.color != "srgb_codes":  # no table holds the waves of light
        place = 4 * inputs.position_octaves
        expected = np.delete(expected, slice(place, place + 6 * inputs.color_octaves), axis=1)
    np.testing.assert_array_equal(together[:], expected)
    np.testing.assert_array_equal(together[2:5], expected[2:5])


def test_far_neighbours_matter_to_boxes_only() -> None:
    codes = noise(20, 20)
    edited = codes.copy()
    edited[0:8, 0:8] = 128
    far = np.array([19 * 20 + 19])  # beyond the reach of a box of radius 5
    near = np.array([9 * 20 + 9])
    for inputs in (CODES, CODES_AND_BOXES):
        before, after = (Features(inputs, picture, "bradford") for picture in (codes, edited))
        np.testing.assert_array_equal(before.rows(rows_of(codes), far), after.rows(rows_of(codes), far))
        same = np.array_equal(before.rows(rows_of(codes), near), after.rows(rows_of(codes), near))
        assert same == (not inputs.boxes)
