"""What small errors of light are to the eye."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from gamutcli.arrays import FloatArray
from gamutcli.color.differences import de76_weights, de94_weights
from gamutcli.color.spaces import prophoto_linear_to_lab


def some_colors(count: int = 2000, seed: int = 0) -> FloatArray:
    return np.random.default_rng(seed).uniform(0.002, 1, (count, 3)).astype(np.float32)


def test_the_weight_of_de76_is_what_small_errors_of_all_directions_cause() -> None:
    colors, small = some_colors(200).astype(np.float64), 1e-5
    squares = [
        np.square(prophoto_linear_to_lab(colors + small * axis) - prophoto_linear_to_lab(colors)).sum(axis=1) / small**2
        for axis in np.eye(3)
    ]
    np.testing.assert_allclose(de76_weights(colors.astype(np.float32)), np.mean(squares, axis=0), rtol=0.01)


def test_de94_counts_strong_colours_less_and_greys_as_de76_does() -> None:
    greys = np.repeat(np.linspace(0.01, 1, 20, dtype=np.float32)[:, None], 3, axis=1)
    np.testing.assert_allclose(de94_weights(greys), de76_weights(greys), rtol=1e-3)
    colors = some_colors()
    assert (de94_weights(colors) < de76_weights(colors) * 1.001).all()
    assert (de94_weights(colors) < de76_weights(colors) * 0.5).mean() > 0.3


@pytest.mark.parametrize("loss", [de76_weights, de94_weights])
def test_dark_errors_count_more(loss: Callable[[FloatArray], FloatArray]) -> None:
    dark, bright = loss(np.array([[0.01, 0.02, 0.01], [0.5, 0.6, 0.5]], np.float32))
    assert dark > 5 * bright


@pytest.mark.parametrize("loss", [de76_weights, de94_weights])
def test_black_and_white_have_a_weight(loss: Callable[[FloatArray], FloatArray]) -> None:
    weights = loss(np.array([[0, 0, 0], [1, 1, 1], [1, 0, 0], [0, 0, 1]], np.float32))
    assert np.isfinite(weights).all()
    assert (weights > 0).all()
