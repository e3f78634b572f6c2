"""The quick way through a network gives what the plain way does."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from numpy.typing import NDArray

from gamutcli.arrays import CodeArray, FloatArray
from gamutcli.color.spaces import Adaptation
from gamutcli.fingerprint.frame import ORIENTATIONS, Frame, Orientation
from gamutcli.network import predict
from gamutcli.network.features import Features
from gamutcli.network.predict import Predictor
from gamutcli.network.shape import Inputs, Network
from tests.support.networks import EVERY_KIND, PAPERS, everywhere, network, noise, rows_of

every_kind = pytest.mark.parametrize("inputs", EVERY_KIND.values(), ids=EVERY_KIND.keys())


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
    monkeypatch.setattr(predict, "MOST_PIXELS", 37)
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


def test_a_strip_in_which_nothing_is_corrected_costs_no_sums_of_boxes(monkeypatch: pytest.MonkeyPatch) -> None:
    codes = noise(13, 17)
    predictor = Predictor(network(), codes, "bradford")
    monkeypatch.setattr(predictor.features, "sums", lambda rows: pytest.fail("the boxes were summed up"))
    assert predictor.residuals(rows_of(codes), np.empty(0, np.intp)).shape == (0, 3)
