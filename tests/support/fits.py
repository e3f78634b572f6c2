"""Samples to fit in tests, and how well they were."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from gamutcli.fitting.fit import Fit
from gamutcli.fitting.presets import PRESETS
from gamutcli.fitting.sample import Sample
from tests.support.networks import CODES

MUON = replace(PRESETS["fast"], inputs=CODES, hidden=16, depth=2, steps=150, batch=256, samples=4096)
ADAM = replace(PRESETS["paper"], inputs=CODES, hidden=16, depth=2, steps=400, batch=256, samples=4096)


def a_sample(count: int = 4096, scale: float = 0.02, seed: int = 0) -> Sample:
    """Residuals that bend with the features."""
    random = np.random.default_rng(seed)
    features = random.uniform(-1, 1, (count, CODES.size)).astype(np.float32)
    residuals = np.stack([features[:, 0], np.abs(features[:, 1]), features[:, 2] * features[:, 3]], axis=1)
    return Sample(features, (scale * residuals).astype(np.float32), np.ones(count, np.float32), count)


def predicted(fitted: Fit, features: NDArray[np.float32]) -> NDArray[np.float64]:
    hidden = features.astype(np.float64)
    for weight in fitted.weights[:-1]:
        hidden = np.maximum(hidden @ weight.T, 0)
    return hidden @ fitted.weights[-1].T * fitted.residual_scale


def unexplained(fitted: Fit, sample: Sample) -> float:
    """Weighted mean squared error, in units of the residual's own mean square."""
    error = ((predicted(fitted, sample.features) - sample.residuals) ** 2).mean(axis=1)
    own = (sample.residuals.astype(np.float64) ** 2).mean(axis=1)
    return float(np.average(error, weights=sample.importance) / np.average(own, weights=sample.importance))


def assert_finite(fitted: Fit) -> None:
    assert all(np.isfinite(array).all() for array in fitted.weights)
    assert np.isfinite(fitted.residual_scale)
