"""Fits a network to one picture's residuals, in numpy.

The networks are so small that two threads with half a batch each, written out by hand, outrun a framework, and start
at once.  The sample's features are made once; a step is matrix products and nothing else.

Source: Le et al., GamutMLP, CVPR 2023, for the idea and the ``paper`` preset; Jordan et al., Muon, 2024, for the
optimiser of the hidden matrices; Kingma and Ba, Adam, ICLR 2015, for the rest.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from gamutcli.arrays import DoubleArray, FloatArray
from gamutcli.fitting.optimisers import Adam, Descent, Muon, Update
from gamutcli.fitting.presets import Preset
from gamutcli.fitting.sample import Sample
from gamutcli.parallel import one_more_thread

Progress = Callable[[int, int, float], None]
Matrices = list[FloatArray]

#: How slowly Adam forgets squares: the paper's as usual, ours faster, as its rate falls.
SQUARE_DECAY = {"muon": 0.99, "adam": 0.999}
#: Mean squared error that no 16-bit file shows, linear ProPhoto units: once there, a fit is done.
INVISIBLE = 1e-9
#: Networks of so many units are fitted by one thread: two gain a tenth of the time at most, for 1.2 to 1.6 times the
#: processor time. With 80 units they take 0.75 of the time.
NARROW = 32


@dataclass(frozen=True)
class Fit:
    """A fitted network before it is quantised.

    Attributes:
        weights: One (outputs, inputs) float32 matrix a layer.
        residual_scale: Output 1.0 is this much linear ProPhoto RGB.
        loss: Mean squared error over the last steps, in units of the square of ``residual_scale``.
        steps: How many were done; fewer than wanted where no error was left, or where the fit diverged.
        seconds: Wall time of the loop.
        snapshots: The weights after those numbers of steps that were asked for.
    """

    weights: Matrices
    residual_scale: float
    loss: float
    steps: int
    seconds: float
    snapshots: tuple[Matrices, ...] = ()


def fit(
    sample: Sample,
    preset: Preset,
    seed: int,
    progress: Progress | None = None,
    start_weights: Sequence[FloatArray] | None = None,
    snapshots_at: Sequence[int] = (),
    fixed: int = 0,
) -> Fit:
    """Fit a network to a sample.

    The same sample, preset and seed give the same network on the same machine.  Weights are always finite: a fit that
    diverges ends, and gives what it had before.

    Args:
        sample: At least one pixel.
        preset: Width, steps, batch, rate, optimiser.
        seed: Of the first weights and of the order of the batches.
        progress: Called with (step, steps, loss) about a hundred times.
        start_weights: What to start from, one (outputs, inputs) matrix a layer; None: at random.
        snapshots_at: Rising numbers of steps after which the weights are wanted as well. A fit that ends early gives
            its last ones for all that it did not reach.
        fixed: How many layers, from the first on, stay as they were given.
    """
    if list(snapshots_at) != sorted({step for step in snapshots_at if step > 0}):
        raise ValueError(f"snapshots are taken after rising numbers of steps, not {list(snapshots_at)}")
    start = time.perf_counter()
    generator = np.random.default_rng(seed)
    scale = preset.residual_unit or sample.residual_scale
    weights = first_weights(preset, generator, start_weights)
    half = max(1, min(preset.batch, len(sample.features)) // 2)
    targets = sample.residuals / np.float32(scale)
    halves = [_Half(sample, targets, preset.shape.widths, half) for _ in range(2)]
    updates = _updates(weights, preset)[fixed:]
    starts = batch_starts(len(sample.features), half, generator)
    best = Best(weights)
    steps = 0
    snapshots: list[Matrices] = []
    with one_more_thread(preset.hidden > NARROW) as other, _overflowing():
        for step in range(preset.steps):
            first, second = next(starts), next(starts)
            waiting = other.submit(halves[1].gradients, second, weights, fixed)
            gradients, squares = halves[0].gradients(first, weights, fixed)
            more_gradients, more_squares = waiting.result()
            for gradient, more in zip(gradients, more_gradients, strict=True):
                gradient += more
            rate = rate_at(preset, step)
            # Muon's products are a third of a step: the first and largest matrix on one thread, the rest on the other.
            waiting_update = other.submit(_update, updates[1:], gradients[1:], rate)
            _update(updates[:1], gradients[:1], rate)
            waiting_update.result()
            loss, steps = (squares + more_squares) / (6 * half), step + 1
            best.watch(loss, step)
            if steps in snapshots_at:
                snapshots.append([weight.copy() for weight in best.choose()])
            if not math.isfinite(loss) or (preset.decay and best.recent * scale**2 < INVISIBLE):
                break
            if progress and (step + 1) % max(1, preset.steps // 100) == 0:
                progress(step + 1, preset.steps, best.recent)
    seconds = time.perf_counter() - start
    snapshots += [best.choose() for _ in snapshots_at[len(snapshots) :]]
    return Fit(best.choose(), scale, best.recent, steps, seconds, tuple(snapshots))


def _update(updates: list[Update], gradients: Matrices, rate: float) -> None:
    with _overflowing():
        for update, gradient in zip(updates, gradients, strict=True):
            update(gradient, rate)


class _Half:
    """Forward and backward pass of half a batch, with all its working memory."""

    def __init__(self, sample: Sample, targets: FloatArray, widths: tuple[int, ...], size: int) -> None:
        self.sample, self.targets, self.size = sample, targets, size
        self.activations = [np.empty((size, width), np.float32) for width in widths[1:]]
        self.errors = [np.empty((size, width), np.float32) for width in widths[1:-1]]
        # With zeros of the same shape numpy's maximum is three times as fast as with the number 0.
        self.zeros = np.zeros((size, max(widths[1:])), np.float32)

    def gradients(self, start: int, weights: Matrices, fixed: int) -> tuple[Matrices, float]:
        """Gradients of all weights but those of the first layers, and the sum of squared errors."""
        with _overflowing():
            return self._gradients(start, weights, fixed)

    def _gradients(self, start: int, weights: Matrices, fixed: int) -> tuple[Matrices, float]:
        part = slice(start, start + self.size)
        layers = [self.sample.features[part], *self.activations]
        for (below, above), weight in zip(pairwise(layers), weights, strict=True):
            # Copied, so that it lies as the product reads it: twice as fast.
            np.matmul(below, np.ascontiguousarray(weight.T), out=above)
            if above is not layers[-1]:
                np.maximum(above, self.zeros[:, : above.shape[1]], out=above)
        error = layers[-1]
        error -= self.targets[part]
        weighted = error * self.sample.importance[part, None]
        squares = float(np.vdot(weighted, error))
        # Of the mean over both halves and the three channels.
        error = weighted * np.float32(1 / (3 * self.size))
        gradients: Matrices = []
        for index in range(len(weights) - 1, fixed - 1, -1):
            gradients.insert(0, error.T @ layers[index])
            if index > fixed:
                np.matmul(error, weights[index], out=self.errors[index - 1])
                error = self.errors[index - 1]
                error *= layers[index] > 0
        return gradients, squares


class Best:
    """Watches the loss, and keeps the weights from before it went astray.

    Args:
        weights: The network's own, which steps change in place.

    Attributes:
        recent: Mean of the last losses.
    """

    def __init__(self, weights: Matrices) -> None:
        self.weights = weights
        self.recent = 1.0
        # A network that predicts nothing has a loss of 1.
        self.kept_loss = 1.0
        self.kept = self._copy()

    def watch(self, loss: float, step: int) -> None:
        """Take note of the loss of a step that has been done."""
        self.recent += (loss - self.recent) / min(step + 1, 32)
        if step % 64 == 63 and self.recent < self.kept_loss:
            self.kept_loss, self.kept = self.recent, self._copy()

    def choose(self) -> Matrices:
        """The weights to go on with, always finite."""
        # A loss that is not a number compares false; the last step may have spoilt the weights unseen.
        sound = self.recent <= 1.5 * self.kept_loss and all(np.isfinite(w).all() for w in self.weights)
        return self.weights if sound else self.kept

    def _copy(self) -> Matrices:
        return [weight.copy() for weight in self.weights]


def first_weights(
    preset: Preset,
    generator: np.random.Generator,
    start_weights: Sequence[FloatArray] | None = None,
) -> Matrices:
    """What a fit starts from: one (outputs, inputs) matrix a layer, given or at random."""
    if start_weights is not None:
        return [np.array(weight, np.float32) for weight in start_weights]
    weights: Matrices = []
    for fan_in, outputs in preset.shape.layers:
        if preset.optimizer != "muon":
            # What frameworks start linear layers with, and so the paper.
            spread: DoubleArray = (2 * generator.random((outputs, fan_in)) - 1) * fan_in**-0.5
        else:
            # He et al., ICCV 2015.
            spread = generator.standard_normal((outputs, fan_in)) * (2 / fan_in) ** 0.5
        weights.append(spread.astype(np.float32))
    if preset.optimizer == "muon":
        # The fit starts from the plain picture.
        weights[-1][:] = 0
    return weights


def _updates(weights: Matrices, preset: Preset) -> list[Update]:
    """What moves each weight matrix."""
    if preset.optimizer == "sgd":
        return [Descent(weight) for weight in weights]
    adam: list[Update] = [Adam(weight, SQUARE_DECAY[preset.optimizer]) for weight in weights]
    return adam if preset.optimizer == "adam" else [*map(Muon, weights[:-1]), adam[-1]]


def batch_starts(count: int, half: int, generator: np.random.Generator) -> Iterator[int]:
    """Where each half batch starts: through the shuffled sample again and again, each time from another offset.

    Where two halves are the whole sample, so is every batch.
    """
    offsets = 1 if 2 * half == count else max(1, min(half, count - half + 1))
    while True:
        offset = int(generator.integers(0, offsets))
        yield from range(offset, count - half + 1, half)


def _overflowing() -> AbstractContextManager[None]:
    """Let numbers overflow without a word, in this thread: a fit that diverges is noticed by its loss."""
    return np.errstate(over="ignore", invalid="ignore")


def rate_at(preset: Preset, step: int) -> float:
    """Adam's rate; where it decays, along a cosine to 1 %."""
    fall = 0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * step / preset.steps))
    return preset.rate * (fall if preset.decay else 1.0)
