"""A rounded network predicts nearly what the fitted one does, in the bytes that it may take."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from gamutcli.arrays import FloatArray
from gamutcli.fitting.fit import Fit, fit
from gamutcli.fitting.presets import PRESETS
from gamutcli.fitting.quantise import COARSEST, FINEST, Quantiser, quantise_within, round_weights
from gamutcli.fitting.sample import Sample
from gamutcli.network.shape import Layer, Network
from gamutcli.parallel import one_blas_thread
from gamutcli.payload.format import network_bytes
from tests.support.networks import CODES

PRESET = replace(PRESETS["fast"], inputs=CODES, hidden=16, depth=2, steps=200, batch=256, samples=4096)
UNBOUNDED = 1 << 30


def a_sample(count: int = 4096) -> Sample:
    """Residuals that bend with the features, drawn unevenly."""
    random = np.random.default_rng(0)
    features = random.uniform(-1, 1, (count, CODES.size)).astype(np.float32)
    residuals = np.stack([features[:, 0], np.abs(features[:, 1]), features[:, 2] * features[:, 3]], axis=1)
    weights = random.uniform(0.5, 1.5, count).astype(np.float32)
    return Sample(features, (0.02 * residuals).astype(np.float32), weights, count)


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """As the pipeline has it: small products."""
    with one_blas_thread():
        yield


@pytest.fixture(scope="module")
def sample() -> Sample:
    return a_sample()


@pytest.fixture(scope="module")
def fitted(sample: Sample) -> Fit:
    return fit(sample, PRESET, seed=0)


def unexplained(weights: list[NDArray[np.float32]], sample: Sample, scale: float) -> float:
    """Weighted mean squared error, in units of the residual's own mean square, in float64."""
    hidden = sample.features.astype(np.float64)
    for weight in weights[:-1]:
        hidden = np.maximum(hidden @ weight.T, 0)
    errors = hidden @ weights[-1].T - sample.residuals / scale
    return float((sample.importance[:, None] * errors**2).mean())


def error_of(layers: tuple[Layer, ...], sample: Sample, scale: float) -> float:
    return unexplained([layer.weight for layer in layers], sample, scale)


def decibels(after: float, before: float) -> float:
    return float(10 * np.log10(after / before))


# To the nearest level.


@given(
    rows=st.integers(1, 20),
    columns=st.integers(1, 20),
    size=st.floats(-4, 3).map(lambda exponent: 10**exponent),
    seed=st.integers(0, 99),
    bits=st.sampled_from([8, 6, 3]),
)
def test_a_weight_moves_by_at_most_half_a_step_of_its_row(
    rows: int, columns: int, size: float, seed: int, bits: int
) -> None:
    random = np.random.default_rng(seed)
    weight = (size * random.standard_normal((rows, columns))).astype(np.float32)
    largest = np.abs(weight).max(axis=1, keepdims=True)
    levels = 2 ** (bits - 1) - 1
    found = round_weights(weight, bits)
    # Half a step, and what the rounding of a small scale costs the largest weight.
    assert (np.abs(found.weight - weight) <= largest * (0.5 / levels + 1e-3) + levels * 2**-25).all()
    assert np.abs(found.levels).max(initial=0) <= levels


@pytest.mark.parametrize(("bits", "levels"), [(8, 255), (6, 63), (2, 3)])
def test_all_levels_of_so_many_bits_are_used(bits: int, levels: int) -> None:
    weight = np.linspace(-1, 1, 10_000, dtype=np.float32)[None]
    assert len(np.unique(round_weights(weight, bits).levels)) == levels


def test_each_row_has_a_scale_of_its_own() -> None:
    weight = np.array([[100.0, -50.0], [0.001, -0.0005]], np.float32)
    np.testing.assert_allclose(round_weights(weight).weight, weight, rtol=0.02)


def test_rows_of_zeros_stay_zero() -> None:
    weight = np.array([[0, 0, 0], [1, -1, 0.5], [1e-12, 0, 0]], np.float32)
    found = round_weights(weight).weight
    assert (found[0] == 0).all()
    assert np.abs(found[2]).max() < 1e-7
    np.testing.assert_allclose(found[1], weight[1], atol=0.01)


def test_weights_beyond_float16_stay_finite() -> None:
    assert np.isfinite(round_weights(np.array([[1e30, -1e30], [1e8, 1]], np.float32)).weight).all()


# With compensation.


@pytest.mark.fit
def test_fine_levels_lose_next_to_nothing(sample: Sample, fitted: Fit) -> None:
    layers, _ = Quantiser(fitted, sample).layers(FINEST)
    before = unexplained(fitted.weights, sample, fitted.residual_scale)
    assert decibels(error_of(layers, sample, fitted.residual_scale), before) < 0.3


@pytest.mark.fit
def test_the_error_is_that_of_the_rounded_network(sample: Sample, fitted: Fit) -> None:
    for step in (FINEST, 1e-3, COARSEST):
        layers, error = Quantiser(fitted, sample).layers(step)
        assert error == pytest.approx(error_of(layers, sample, fitted.residual_scale), rel=1e-3)


@pytest.mark.fit
def test_compensation_beats_the_nearest_level(sample: Sample, fitted: Fit) -> None:
    layers, error = Quantiser(fitted, sample).layers(COARSEST)
    nearest = []
    for layer, weight in zip(layers, fitted.weights, strict=True):
        steps = layer.scale.astype(np.float32)[:, None]
        nearest.append(np.round(weight / steps).clip(-127, 127) * steps)
    before = unexplained(fitted.weights, sample, fitted.residual_scale)
    # What rounding adds, 1.8 to 4.9 times as much without compensation.
    assert error - before < (unexplained(nearest, sample, fitted.residual_scale) - before) / 1.3


@pytest.mark.fit
def test_coarser_levels_take_fewer_bytes_and_lose_more(sample: Sample, fitted: Fit) -> None:
    quantiser = Quantiser(fitted, sample)
    found = [quantiser.layers(step) for step in (3e-4, 1e-3, 3e-3, COARSEST)]
    sizes = [network_bytes(Network(CODES, layers, 1.0)) for layers, _ in found]
    errors = [error for _, error in found]
    assert sizes == sorted(sizes, reverse=True)
    assert errors == sorted(errors)
    assert sizes[-1] < sizes[0] / 1.5


# Within so many bytes.


@pytest.mark.fit
def test_bytes_that_buy_nothing_are_not_spent(sample: Sample, fitted: Fit) -> None:
    network = quantise_within(fitted, sample, CODES, UNBOUNDED)
    assert network is not None
    finest, error = Quantiser(fitted, sample).layers(FINEST)
    assert network_bytes(network) < 0.9 * network_bytes(Network(CODES, finest, 1.0))
    assert decibels(error_of(network.layers, sample, fitted.residual_scale), error) < 0.5


@pytest.mark.fit
@pytest.mark.parametrize("share", [0.9, 0.7])
def test_a_limit_is_kept_at_the_least_loss(sample: Sample, fitted: Fit, share: float) -> None:
    free = quantise_within(fitted, sample, CODES, UNBOUNDED)
    assert free is not None
    limit = int(share * network_bytes(free))
    network = quantise_within(fitted, sample, CODES, limit)
    assert network is not None
    assert 0.8 * limit < network_bytes(network) <= limit
    assert error_of(network.layers, sample, fitted.residual_scale) < 0.5
    assert network.inputs == CODES
    assert network.residual_scale == pytest.approx(fitted.residual_scale)


def test_there_is_no_network_of_a_few_bytes(sample: Sample, fitted: Fit) -> None:
    assert quantise_within(fitted, sample, CODES, 30) is None


def test_the_same_fit_is_rounded_the_same(sample: Sample, fitted: Fit) -> None:
    first, second = (quantise_within(fitted, sample, CODES, UNBOUNDED) for _ in range(2))
    assert first is not None
    assert second is not None
    for one, other in zip(first.layers, second.layers, strict=True):
        np.testing.assert_array_equal(one.weight, other.weight)


# Fitted on behind what is rounded.


@pytest.mark.fit
def test_where_rounding_costs_much_the_layers_behind_are_fitted_on(sample: Sample) -> None:
    deep = replace(PRESET, hidden=48, depth=3)
    fitted = fit(sample, deep, seed=0)
    free = quantise_within(fitted, sample, CODES, UNBOUNDED)
    assert free is not None
    limit, seen = int(0.65 * network_bytes(free)), []

    def fit_on(weights: Sequence[FloatArray], fixed: int) -> Fit:
        seen.append(fixed)
        return fit(sample, replace(deep, rate=deep.rate / 8), 0, start_weights=weights, fixed=fixed)

    alone, network = (quantise_within(fitted, sample, CODES, limit, how) for how in (None, fit_on))
    assert alone is not None
    assert network is not None
    assert seen == [1, 2]  # of three hidden layers; the last layer is solved
    assert network_bytes(network) <= limit
    before, after = (error_of(found.layers, sample, fitted.residual_scale) for found in (alone, network))
    assert decibels(before, after) > 0.4


def test_where_it_costs_little_they_are_not(sample: Sample, fitted: Fit) -> None:
    def fit_on(weights: Sequence[FloatArray], fixed: int) -> Fit:
        raise AssertionError("not asked for")

    assert quantise_within(fitted, sample, CODES, UNBOUNDED, fit_on) is not None


def test_fits_that_go_wrong_are_not_taken(sample: Sample, fitted: Fit) -> None:
    free = quantise_within(fitted, sample, CODES, UNBOUNDED)
    assert free is not None
    limit = int(0.6 * network_bytes(free))

    def fit_on(weights: Sequence[FloatArray], fixed: int) -> Fit:
        return replace(fitted, weights=[*weights[:fixed], *(0 * weight for weight in weights[fixed:])])

    alone, network = (quantise_within(fitted, sample, CODES, limit, how) for how in (None, fit_on))
    assert alone is not None
    assert network is not None
    for one, other in zip(alone.layers, network.layers, strict=True):
        np.testing.assert_array_equal(one.weight, other.weight)


# Samples that say little.


@pytest.mark.fit
@pytest.mark.parametrize("count", [1, 2, 30])
def test_pixels_of_few_kinds_can_be_rounded_on(count: int) -> None:
    few = a_sample(count)
    again = np.arange(3000) % count
    many = Sample(few.features[again], few.residuals[again], few.importance[again], count)
    network = quantise_within(fit(many, replace(PRESET, steps=80), 0), many, CODES, UNBOUNDED)
    assert network is not None
    assert all(np.isfinite(layer.weight).all() for layer in network.layers)


@pytest.mark.fit
def test_a_network_that_does_nothing_is_rounded_to_one(sample: Sample) -> None:
    nothing = fit(sample, replace(PRESET, steps=0), 0)
    network = quantise_within(nothing, sample, CODES, UNBOUNDED)
    assert network is not None
    assert error_of(network.layers, sample, nothing.residual_scale) < 1.01
