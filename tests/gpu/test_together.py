"""Several pictures are fitted in the same steps, each as it would be alone; on torch's CPU device without a GPU."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from importlib.util import find_spec

import numpy as np
import pytest

from gamutcli.errors import DeviceError
from gamutcli.fitting.fit import Fit
from gamutcli.fitting.presets import Preset
from gamutcli.gpu import fit as on_gpu
from gamutcli.gpu import together
from gamutcli.gpu.fit import Job, fit, fit_together
from gamutcli.gpu.together import fit_on
from gamutcli.parallel import one_blas_thread
from tests.support.fits import ADAM, MUON, a_sample, assert_finite, unexplained

CUDA = pytest.param("cuda", marks=pytest.mark.gpu)
TORCH_CPU = pytest.param("cpu", marks=pytest.mark.skipif(find_spec("torch") is None, reason="torch is not installed"))
on_both = pytest.mark.parametrize("device", [TORCH_CPU, CUDA])
FEW = replace(MUON, steps=70)


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """Small products on one thread."""
    with one_blas_thread():
        yield


@on_both
@pytest.mark.parametrize("preset", [MUON, ADAM, replace(ADAM, optimizer="sgd", rate=0.1)], ids=["muon", "adam", "sgd"])
def test_each_picture_takes_the_way_that_it_takes_alone(device: str, preset: Preset) -> None:
    few = replace(preset, steps=20)
    jobs = [Job(a_sample(3000 + 500 * seed, scale=0.1 * (1 + seed)), few, seed) for seed in range(3)]
    for job, found in zip(jobs, fit_together(jobs, device), strict=True):
        expected = fit(job.sample, few, job.seed, device=device)
        assert found.residual_scale == expected.residual_scale
        assert found.loss == pytest.approx(expected.loss, rel=1e-3)
        for mine, alone in zip(found.weights, expected.weights, strict=True):
            np.testing.assert_allclose(mine, alone, atol=1e-4)


@on_both
def test_a_picture_that_diverges_or_is_done_leaves_the_others_alone(device: str) -> None:
    astray = a_sample(4000)
    astray.features[::50] = 1e30
    samples = [a_sample(4000), astray, a_sample(4000, scale=5e-5)]
    long = replace(MUON, steps=200)
    found = fit_together([Job(sample, long, 0) for sample in samples], device)
    assert [each.steps for each in found] == [200, 64, found[2].steps]
    assert found[2].steps < 200
    for each in found:
        assert_finite(each)
    alone = fit(samples[0], long, 0, device=device)
    assert unexplained(found[0], samples[0]) == pytest.approx(unexplained(alone, samples[0]), rel=0.3)


@on_both
def test_each_picture_hears_of_its_own_progress(device: str) -> None:
    told: list[tuple[int, int]] = []
    jobs = [
        Job(a_sample(), FEW, number, lambda step, steps, loss, number=number: told.append((number, step)))  # type: ignore[misc]
        for number in range(2)
    ]
    fit_together(jobs, device)
    assert told == [(0, 64), (1, 64), (0, 70), (1, 70)]


def test_jobs_go_together_that_are_done_in_the_same_steps() -> None:
    job = Job(a_sample(3000), FEW, 1)
    assert job.goes_with(Job(a_sample(5000), FEW, 2))
    assert not job.goes_with(Job(a_sample(5000), replace(FEW, hidden=8), 1))
    assert not job.goes_with(Job(a_sample(5000), FEW, 1, fixed=1))
    # A batch is smaller where the sample is.
    assert not job.goes_with(Job(a_sample(20), FEW, 1))


# Threads that want a fit at the same time.


class Fits:
    """Stands in for the fit: notes which seeds it was asked for together, and waits until it may go on."""

    def __init__(self) -> None:
        self.asked: list[list[int]] = []
        self.has_begun, self.may_go_on = threading.Event(), threading.Event()

    def __call__(self, jobs: Sequence[Job]) -> list[Fit]:
        self.asked.append([job.seed for job in jobs])
        self.has_begun.set()
        self.may_go_on.wait()
        if any(job.seed == 13 for job in jobs):
            raise DeviceError("the GPU failed")
        return [Fit([], 1.0, float(job.seed), 1, 0.0) for job in jobs]


@pytest.fixture
def fits(monkeypatch: pytest.MonkeyPatch) -> Fits:
    fits = Fits()
    monkeypatch.setattr(on_gpu, "fit_together", fits)
    monkeypatch.setattr(together, "_TURNS", together._Turns())
    return fits


def waiting(count: int) -> None:
    """Wait until so many jobs wait."""
    turn = threading.Event()
    while len(together._TURNS._waiting) < count:
        turn.wait(0.001)


@pytest.fixture
def want() -> Iterator[Callable[..., Future[Fit]]]:
    """`want(seed)` asks for a fit, in a thread of its own."""
    sample = a_sample(300)
    with ThreadPoolExecutor(16) as threads:
        yield lambda seed, preset=FEW: threads.submit(fit_on, "cuda", sample, preset, seed)


def test_what_is_wanted_during_a_fit_is_done_together_after_it(fits: Fits, want: Callable[..., Future[Fit]]) -> None:
    first = want(1)
    fits.has_begun.wait()
    others = [want(seed) for seed in (2, 3, 4)]
    other = want(5, replace(FEW, hidden=8))
    waiting(4)
    fits.may_go_on.set()
    assert [found.result().loss for found in (first, *others, other)] == [1, 2, 3, 4, 5]
    assert fits.asked[0] == [1]
    assert sorted(map(sorted, fits.asked[1:])) == [[2, 3, 4], [5]]


def test_no_more_are_taken_than_the_gpu_has_room_for(fits: Fits, want: Callable[..., Future[Fit]]) -> None:
    first = want(0)
    fits.has_begun.wait()
    others = [want(seed) for seed in range(100, 111)]
    waiting(11)
    fits.may_go_on.set()
    assert [found.result().loss for found in (first, *others)] == [0, *range(100, 111)]
    assert [len(seeds) for seeds in fits.asked] == [1, together.MOST, 11 - together.MOST]


def test_a_failure_is_told_to_all_and_the_next_fit_goes_on(fits: Fits, want: Callable[..., Future[Fit]]) -> None:
    first = want(1)
    fits.has_begun.wait()
    failing = [want(13), want(2)]
    waiting(2)
    fits.may_go_on.set()
    assert first.result().loss == 1
    for found in failing:
        with pytest.raises(DeviceError):
            found.result()
    assert want(3).result().loss == 3
