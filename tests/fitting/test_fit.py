"""A fit finds a network that predicts what it was shown, and stays sane when it cannot."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from gamutcli import parallel
from gamutcli.fitting.fit import NARROW, batch_starts, fit
from gamutcli.fitting.optimisers import orthogonalise
from gamutcli.fitting.presets import Preset
from gamutcli.parallel import one_blas_thread
from tests.support.fits import ADAM, MUON, a_sample, assert_finite, predicted, unexplained
from tests.support.networks import CODES

both = pytest.mark.parametrize("preset", [MUON, ADAM], ids=["muon", "adam"])


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """As the pipeline has it: small products."""
    with one_blas_thread():
        yield


# What a fit finds.


@pytest.mark.fit
@both
def test_a_fit_learns_what_it_is_shown(preset: Preset) -> None:
    sample = a_sample()
    fitted = fit(sample, preset, seed=0)
    assert unexplained(fitted, sample) < 0.1
    # And pixels of the same kind that it was not shown.
    assert unexplained(fitted, a_sample(seed=1)) < 0.15


@pytest.mark.fit
@both
def test_more_steps_come_closer(preset: Preset) -> None:
    sample = a_sample()
    short = fit(sample, replace(preset, steps=preset.steps // 10), seed=0)
    assert unexplained(fit(sample, preset, seed=0), sample) < unexplained(short, sample) / 2


@pytest.mark.fit
def test_the_loss_is_that_of_the_sample() -> None:
    sample = a_sample()
    fitted = fit(sample, replace(MUON, steps=500), seed=0)
    assert fitted.loss == pytest.approx(unexplained(fitted, sample), rel=0.5)
    assert fitted.steps == 500
    assert fitted.seconds > 0


@both
def test_one_thread_finds_what_two_find(preset: Preset, monkeypatch: pytest.MonkeyPatch) -> None:
    few = replace(preset, steps=20, hidden=NARROW + 8)
    found = []
    for workers in (1, 2):
        monkeypatch.setattr(parallel, "WORKERS", workers)
        found.append(fit(a_sample(), few, seed=0))
    for alone, together in zip(found[0].weights, found[1].weights, strict=True):
        np.testing.assert_array_equal(alone, together)


@pytest.mark.fit
def test_a_fit_goes_on_from_given_weights() -> None:
    sample = a_sample()
    first = fit(sample, replace(ADAM, steps=200), seed=0)
    none = fit(sample, replace(ADAM, steps=0), seed=1, start_weights=first.weights)
    for begun, kept in zip(none.weights, first.weights, strict=True):
        np.testing.assert_array_equal(begun, kept)
    short = replace(ADAM, steps=20)
    again = fit(sample, short, seed=1, start_weights=first.weights)
    assert unexplained(again, sample) < unexplained(fit(sample, short, seed=1), sample) / 2


@both
def test_layers_that_are_fixed_stay_and_the_others_come_closer(preset: Preset) -> None:
    sample = a_sample()
    first = fit(sample, replace(preset, steps=50), seed=0)
    again = fit(sample, replace(preset, steps=100), seed=1, start_weights=first.weights, fixed=1)
    for index, (before, after) in enumerate(zip(first.weights, again.weights, strict=True)):
        assert np.array_equal(before, after) is (index == 0)
    assert unexplained(again, sample) < unexplained(first, sample)


@pytest.mark.fit
def test_plain_descent_goes_down() -> None:
    sample = a_sample()
    down = replace(ADAM, optimizer="sgd", rate=0.05, steps=300)
    assert unexplained(fit(sample, down, seed=0), sample) < 0.5


def test_snapshots_are_the_weights_on_the_way() -> None:
    sample = a_sample()
    whole = fit(sample, replace(ADAM, steps=40), seed=0, snapshots_at=(10, 40))
    part = fit(sample, replace(ADAM, steps=10), seed=0)
    for kept, alone in zip(whole.snapshots[0], part.weights, strict=True):
        np.testing.assert_array_equal(kept, alone)
    for kept, last in zip(whole.snapshots[1], whole.weights, strict=True):
        np.testing.assert_array_equal(kept, last)


@pytest.mark.fit
def test_a_fit_that_ends_early_gives_its_last_weights_for_the_rest() -> None:
    sample = a_sample(scale=5e-5)
    fitted = fit(sample, MUON, seed=0, snapshots_at=(1, MUON.steps))
    assert fitted.steps < MUON.steps
    assert len(fitted.snapshots) == 2
    np.testing.assert_array_equal(fitted.snapshots[1][0], fitted.weights[0])


def test_layers_have_the_shape_of_the_preset() -> None:
    fitted = fit(a_sample(), replace(MUON, hidden=10, depth=3, steps=2), seed=0)
    assert [weight.shape for weight in fitted.weights] == [(10, CODES.size), (10, 10), (10, 10), (3, 10)]
    assert {array.dtype for array in fitted.weights} == {np.dtype(np.float32)}


@pytest.mark.fit
@pytest.mark.parametrize("scale", [0.002, 0.02, 1.0])
def test_the_size_of_the_residual_does_not_matter(scale: float) -> None:
    sample = a_sample(scale=scale)
    fitted = fit(sample, MUON, seed=0)
    assert fitted.residual_scale == pytest.approx(float(np.sqrt((sample.residuals**2).mean())), rel=1e-4)
    assert unexplained(fitted, sample) < 0.1


@pytest.mark.fit
def test_a_fit_ends_when_no_error_is_left_to_see() -> None:
    sample = a_sample(scale=5e-5)
    fitted = fit(sample, MUON, seed=0)
    assert fitted.steps < MUON.steps
    assert np.abs(predicted(fitted, sample.features) - sample.residuals).max() < 0.5 / 255 / 12.92


@pytest.mark.fit
def test_pixels_of_no_weight_do_not_matter() -> None:
    sample = a_sample()
    sample.residuals[::2] = 0.5
    sample.importance[::2], sample.importance[1::2] = 0, 2
    assert unexplained(fit(sample, MUON, seed=0), sample) < 0.1


def test_before_the_first_step_a_network_changes_nothing() -> None:
    fitted = fit(a_sample(), replace(MUON, steps=0), seed=0)
    assert (predicted(fitted, a_sample().features) == 0).all()


def test_a_batch_as_large_as_the_sample_is_the_sample() -> None:
    starts = batch_starts(10, 5, np.random.default_rng(0))
    assert [next(starts) for _ in range(6)] == [0, 5, 0, 5, 0, 5]
    smaller = batch_starts(10, 4, np.random.default_rng(0))
    assert {next(smaller) for _ in range(100)} > {0, 4}


# Seeds and progress.


@both
def test_the_same_seed_gives_the_same_network(preset: Preset) -> None:
    sample, short = a_sample(), replace(preset, steps=30)
    first, second, other = fit(sample, short, 5), fit(sample, short, 5), fit(sample, short, 6)
    for index, weight in enumerate(first.weights):
        np.testing.assert_array_equal(weight, second.weights[index])
        assert not np.array_equal(weight, other.weights[index])


@pytest.mark.fit
def test_progress_is_told_about_a_hundred_times_and_at_the_end() -> None:
    told: list[tuple[int, int, float]] = []
    fit(a_sample(), replace(MUON, steps=1000, hidden=4, batch=32), 0, lambda *state: told.append(state))
    steps = [step for step, _, _ in told]
    assert 50 <= len(told) <= 200
    assert steps == sorted(set(steps))
    assert steps[-1] == 1000
    assert {total for _, total, _ in told} == {1000}
    assert told[-1][2] < told[0][2]


def test_a_short_fit_tells_every_step() -> None:
    told: list[int] = []
    fit(a_sample(), replace(MUON, steps=7), 0, lambda step, steps, loss: told.append(step))
    assert told == [1, 2, 3, 4, 5, 6, 7]


def test_watching_does_not_change_the_fit() -> None:
    sample, short = a_sample(), replace(MUON, steps=20)
    watched, alone = fit(sample, short, 0, lambda *state: None), fit(sample, short, 0)
    np.testing.assert_array_equal(watched.weights[0], alone.weights[0])


# Odd samples.


@pytest.mark.fit
@both
@pytest.mark.parametrize("count", [1, 2, 3, 255, 257])
def test_small_samples_are_fitted(preset: Preset, count: int) -> None:
    sample = a_sample(count)
    fitted = fit(sample, replace(preset, steps=60), 0)
    assert_finite(fitted)
    if preset is MUON:
        assert unexplained(fitted, sample) < 0.5


@both
def test_residuals_of_nothing_are_fitted(preset: Preset) -> None:
    sample = a_sample()
    sample.residuals[:] = 0
    fitted = fit(sample, replace(preset, steps=20), 0)
    assert_finite(fitted)
    assert fitted.residual_scale > 0


@pytest.mark.fit
@both
@pytest.mark.parametrize("rate", [1e3, 1e12, 1e30])
@pytest.mark.parametrize("steps", [20, 200])
def test_a_fit_that_diverges_gives_finite_weights(preset: Preset, rate: float, steps: int) -> None:
    fitted = fit(a_sample(), replace(preset, rate=rate, steps=steps), 0)
    assert_finite(fitted)


@pytest.mark.fit
def test_a_fit_that_diverges_late_gives_what_it_had_before() -> None:
    sample = a_sample(40_000)
    sample.features[-200] = 1e30
    fitted = fit(sample, replace(MUON, steps=1000), seed=0)
    assert 64 < fitted.steps < 1000
    assert_finite(fitted)
    assert unexplained(fitted, a_sample()) < 0.5


# Muon's step.


@pytest.mark.parametrize("shape", [(16, 16), (16, 40), (40, 16), (1, 8), (8, 1)])
def test_an_orthogonalised_matrix_moves_every_direction_alike(shape: tuple[int, int]) -> None:
    matrix = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    left, _, right = np.linalg.svd(matrix, full_matrices=False)
    found = orthogonalise(matrix)
    # In the same directions, all by about 1.
    turned = left.T @ found @ right.T
    assert np.diag(turned).min() > 0.5
    assert np.diag(turned).max() < 1.3
    np.testing.assert_allclose(turned, np.diag(np.diag(turned)), atol=1e-4)


@pytest.mark.parametrize("size", [1e-12, 1e12])
def test_the_size_of_a_gradient_does_not_matter(size: float) -> None:
    matrix = np.random.default_rng(0).standard_normal((8, 12)).astype(np.float32)
    found = orthogonalise(matrix * np.float32(size))
    assert np.isfinite(found).all()
    if size > 1:
        np.testing.assert_allclose(found, orthogonalise(matrix), atol=1e-4)


def test_no_gradient_is_no_step() -> None:
    assert (orthogonalise(np.zeros((4, 6), np.float32)) == 0).all()
