"""What the network sees of a pixel, and that the quick way through it gives what the plain way does."""

from __future__ import annotations

import math
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from gamutcli import parallel
from gamutcli.arrays import CodeArray, FloatArray
from gamutcli.color.gamut import Correction, codes_to_prophoto
from gamutcli.color.spaces import Adaptation
from gamutcli.fingerprint.frame import ORIENTATIONS, Frame, Orientation
from gamutcli.network import features as features_module
from gamutcli.network import predict
from gamutcli.network.features import BOX_STEPS, CONTRAST_LIMIT, Features, box_sums, centres, levels_of, waves
from gamutcli.network.predict import Predictor
from gamutcli.network.shape import Box, Inputs, Network, Shape
from gamutcli.parallel import strips
from tests.support import reference
from tests.support.networks import CODES, CODES_AND_BOXES, EVERY_KIND, PAPERS, box_means, network, noise

every_kind = pytest.mark.parametrize("inputs", EVERY_KIND.values(), ids=EVERY_KIND.keys())


def rows_of(codes: CodeArray) -> slice:
    return slice(0, codes.shape[0])


def everywhere(codes: CodeArray) -> NDArray[np.intp]:
    return np.arange(codes.shape[0] * codes.shape[1])


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


@pytest.mark.parametrize("adaptation", ["bradford", "cat02"])
def test_codes_become_linear_prophoto(adaptation: Adaptation) -> None:
    codes = np.random.default_rng(0).integers(0, 256, (20, 30, 3)).astype(np.uint8)
    found = codes_to_prophoto(codes, adaptation)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, reference.plain(codes, adaptation), atol=2e-6)


def test_white_stays_white() -> None:
    np.testing.assert_allclose(codes_to_prophoto(np.full((1, 3), 255, np.uint8), "bradford"), 1, atol=1e-6)


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


@pytest.mark.parametrize("size", [(40, 3), (3, 40), (25, 25), (1, 90)])
@pytest.mark.parametrize("radius", [7, 8, 16, 64])
def test_large_boxes_are_summed_as_small_ones_are(
    size: tuple[int, int], radius: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    codes = noise(*size)
    found = box_sums(codes, rows_of(codes), radius)
    monkeypatch.setattr(features_module, "RUNNING_FROM", 1000)
    np.testing.assert_array_equal(found, box_sums(codes, rows_of(codes), radius))


def test_running_sums_that_overflow_do_not_show() -> None:
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


# Strips.


@given(height=st.integers(1, 500), width=st.integers(1, 500), pixels=st.integers(1, 3000))
def test_strips_cover_a_picture_once_from_top_to_bottom(height: int, width: int, pixels: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parallel, "STRIP_PIXELS", pixels)
        found = list(strips(height, width))
    rows = [row for part in found for row in range(part.start, part.stop)]
    assert rows == list(range(height))
    assert all(part.stop - part.start == 1 or (part.stop - part.start) * width <= pixels for part in found)


def test_a_very_wide_picture_comes_row_by_row() -> None:
    assert list(strips(3, 10 * parallel.STRIP_PIXELS)) == [slice(0, 1), slice(1, 2), slice(2, 3)]


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


def test_the_papers_network_has_120_features() -> None:
    assert Inputs(12, 12, color="prophoto_linear", first_octave=0).size == 120


# The network.


def brute_force_residuals(network: Network, codes: CodeArray, adaptation: Adaptation) -> NDArray[np.float64]:
    """Residuals of all pixels: every feature written out, every layer multiplied, in float64."""
    hidden = Features(network.inputs, codes, adaptation).rows(rows_of(codes), everywhere(codes)).astype(np.float64)
    for layer in network.layers[:-1]:
        hidden = np.maximum(hidden @ layer.weight.T.astype(np.float64), 0)
    last = network.layers[-1]
    return hidden @ last.weight.T.astype(np.float64) * network.residual_scale


def predicted(network: Network, codes: CodeArray, adaptation: Adaptation = "bradford") -> FloatArray:
    return Predictor(network, codes, adaptation).residuals(rows_of(codes), everywhere(codes))


@every_kind
@pytest.mark.parametrize("depth", [1, 2, 3])
@pytest.mark.parametrize("adaptation", ["bradford", "cat02"])
def test_tables_give_what_the_written_out_network_gives(inputs: Inputs, depth: int, adaptation: Adaptation) -> None:
    codes = noise(13, 17)
    fitted = network(inputs, hidden=20, depth=depth)
    expected = brute_force_residuals(fitted, codes, adaptation)
    assert expected.std() > 0.01
    found = predicted(fitted, codes, adaptation)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, atol=1e-6)


@every_kind
@pytest.mark.parametrize("size", [(1, 1), (1, 12), (12, 1)])
def test_tables_serve_tiny_pictures(inputs: Inputs, size: tuple[int, int]) -> None:
    codes = noise(*size)
    np.testing.assert_allclose(
        predicted(network(inputs), codes), brute_force_residuals(network(inputs), codes, "bradford"), atol=1e-6
    )


@every_kind
def test_strips_and_chunks_do_not_show(inputs: Inputs, monkeypatch: pytest.MonkeyPatch) -> None:
    codes = noise(30, 20)
    expected = predicted(network(inputs), codes)
    monkeypatch.setattr(predict, "CHUNK", 37)
    predictor = Predictor(network(inputs), codes, "bradford")
    parts = [predictor.residuals(slice(top, top + 6), np.arange(6 * 20)) for top in range(0, 30, 6)]
    np.testing.assert_allclose(np.concatenate(parts), expected, atol=1e-7)


def test_pixels_are_predicted_in_the_order_asked_for() -> None:
    codes = noise(10, 10)
    predictor = Predictor(network(), codes, "bradford")
    every = predictor.residuals(rows_of(codes), everywhere(codes))
    asked = np.array([99, 3, 3, 50])
    np.testing.assert_allclose(predictor.residuals(rows_of(codes), asked), every[asked], atol=1e-7)
    assert predictor.residuals(rows_of(codes), asked[:0]).shape == (0, 3)


@every_kind
def test_a_first_layer_without_tables_gives_the_same(inputs: Inputs, monkeypatch: pytest.MonkeyPatch) -> None:
    codes = noise(30, 20)
    expected = predicted(network(inputs), codes)
    monkeypatch.setattr(predict, "MOST_TABLED", 0)
    np.testing.assert_allclose(predicted(network(inputs), codes), expected, atol=1e-6)


def test_a_long_side_and_a_wide_network_take_no_memory_together() -> None:
    tall = np.zeros((1 << 16, 1, 3), np.uint8)
    fitted = network(Inputs(2, 1), hidden=512, depth=1)
    tracemalloc.start()
    try:
        predictor = Predictor(fitted, tall, "bradford")
        predictor.residuals(slice(0, 5000), np.arange(5000))
        assert tracemalloc.get_traced_memory()[1] < 60_000_000  # a table of all rows would be 134 MB
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("orientation", ORIENTATIONS, ids=str)
@every_kind
def test_a_turned_picture_is_seen_as_it_lay(inputs: Inputs, orientation: Orientation) -> None:
    lying = noise(23, 31)
    codes = np.ascontiguousarray(orientation.undo(lying))
    expected = predicted(network(inputs), codes).reshape(codes.shape)
    frame = Frame(*codes.shape[:2], orientation=orientation)
    predictor = Predictor(network(inputs), lying, "bradford", frame)
    found = np.concatenate([predictor.residuals(slice(y, y + 1), np.arange(31)) for y in range(23)])
    np.testing.assert_allclose(orientation.undo(found.reshape(lying.shape)), expected, atol=1e-6)


def test_a_cropped_picture_is_seen_as_a_part_of_the_whole() -> None:
    codes = noise(40, 50)
    whole = predicted(network(), codes).reshape(codes.shape)
    part = np.ascontiguousarray(codes[7:33, 11:48])
    predictor = Predictor(network(), part, "bradford", Frame(40, 50, top=7, left=11))
    found = predictor.residuals(rows_of(part), everywhere(part)).reshape(part.shape)
    # At the edges of the part, boxes lack what was cut off.
    reach = max(box.radius for box in network().inputs.boxes)
    inner = slice(reach, -reach)
    np.testing.assert_allclose(found[inner, inner], whole[7:33, 11:48][inner, inner], atol=1e-6)


def test_residuals_grow_with_their_scale() -> None:
    codes = noise(6, 6)
    one = network(PAPERS)
    two = Network(one.inputs, one.layers, 2 * one.residual_scale)
    np.testing.assert_allclose(predicted(two, codes), 2 * predicted(one, codes), rtol=1e-5, atol=1e-7)


def test_a_network_knows_its_shape() -> None:
    fitted = network(CODES, hidden=24, depth=3)
    assert fitted.shape == Shape(fitted.inputs, 24, 3)


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


# Which pixels.


def test_clipped_pixels_are_corrected_or_all() -> None:
    codes = np.array([[[0, 9, 9], [9, 9, 255], [9, 9, 9], [0, 0, 0], [255, 255, 255], [3, 9, 9]]], np.uint8)
    assert Correction(0).mask(codes).tolist() == [[True, True, False, False, False, False]]
    assert Correction(3).mask(codes).tolist() == [[True, True, False, False, False, True]]
    assert Correction(0, every_pixel=True).mask(codes).all()


def test_every_octave_of_every_input_is_two_features() -> None:
    assert Inputs(1, 1, (Box(2, 3),)).size == 4 + 6 + 18
