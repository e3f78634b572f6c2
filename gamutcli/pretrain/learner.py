"""Reptile's outer steps: a short fit to a crop leads somewhere, and the weights move a little into that direction.

Source: Nichol, Achiam, Schulman, On First-Order Meta-Learning Algorithms, 2018.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from gamutcli.fitting.fit import Matrices, first_weights
from gamutcli.fitting.optimisers import adam_step
from gamutcli.fitting.presets import Preset
from gamutcli.gpu.together import fit_on
from gamutcli.pretrain.album import Album
from gamutcli.pretrain.recipe import Recipe

#: How slowly the outer Adam forgets squares.
SQUARE_DECAY = 0.999


@dataclass(eq=False)
class State:
    """Where a run is: all that it takes to go on.

    Attributes:
        weights: So far.
        means: The outer Adam's mean gradients, one array a layer.
        squares: Its mean squares.
        done: Crops that had their turn, those passed over included.
        used: Crops that were learned from.
        moves: Outer steps that moved the weights.
        loss: Mean loss of the last inner fits; not a number before the first.
    """

    weights: Matrices
    means: Matrices
    squares: Matrices
    done: int = 0
    used: int = 0
    moves: int = 0
    loss: float = float("nan")


def first_state(preset: Preset, seed: int) -> State:
    """Where a run begins: random weights, and an outer Adam that has seen nothing."""
    weights = first_weights(preset, np.random.default_rng(seed))
    return State(weights, [0 * weight for weight in weights], [0 * weight for weight in weights])


class Learner:
    """Takes outer steps.

    Args:
        album: Gives the samples.
        preset: The network.
        recipe: How to learn.
        seed: Of the batches.
        device: "cpu" or "cuda".
    """

    def __init__(self, album: Album, preset: Preset, recipe: Recipe, seed: int, device: str) -> None:
        self._album, self._recipe, self._seed = album, recipe, seed
        self._inner = replace(
            preset,
            steps=recipe.inner_steps,
            rate=recipe.inner_rate,
            batch=recipe.inner_batch,
            optimizer=recipe.inner_optimizer,
            decay=False,
        )
        self._device = device

    def step(self, state: State, crops: int) -> None:
        """Fit to the crops of one outer step, and move the weights; crops without a sample are passed over."""
        ways: list[Matrices] = []
        stop = min(state.done + self._recipe.meta_batch, crops)
        for number in range(state.done, stop):
            sample = self._album.sample(number)
            if sample is None:
                continue
            fitted = fit_on(self._device, sample, self._inner, self._seed + number, start_weights=state.weights)
            ways.append([end - begin for end, begin in zip(fitted.weights, state.weights, strict=True)])
            if math.isfinite(fitted.loss):
                # Of about the last 32; a fit that diverged gave the weights it had before.
                state.loss = fitted.loss if math.isnan(state.loss) else state.loss + (fitted.loss - state.loss) / 32
        if ways:
            state.used += len(ways)
            state.moves += 1
            self._move(state, [np.mean(layer, axis=0) for layer in zip(*ways, strict=True)], 1 - state.done / crops)
        state.done = stop

    def _move(self, state: State, way: Matrices, share_left: float) -> None:
        if self._recipe.outer_optimizer == "average":
            for weight, part in zip(state.weights, way, strict=True):
                weight += np.float32(self._recipe.outer_rate * share_left) * part
            return
        for weight, part, mean, square in zip(state.weights, way, state.means, state.squares, strict=True):
            weight += adam_step(part, self._recipe.outer_rate, mean, square, state.moves, SQUARE_DECAY)
