"""The fit on a GPU: a step is captured once as a CUDA graph, and replayed.

A step finds its rates and its batch by its own number, which it counts on the device, so nothing goes back and forth
but the losses every so often.

Source: as ``gamutcli.fitting.fit``.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gamutcli.arrays import FloatArray
from gamutcli.fitting.fit import (
    INVISIBLE,
    SQUARE_DECAY,
    Best,
    Fit,
    Matrices,
    Progress,
    batch_starts,
    first_weights,
    rate_at,
    residual_scale,
)
from gamutcli.fitting.fit import fit as fit_on_cpu
from gamutcli.fitting.optimisers import MEAN_DECAY, MOMENTUM, MUON_FACTOR, NEWTON_SCHULZ
from gamutcli.fitting.presets import Preset
from gamutcli.fitting.sample import Sample
from gamutcli.gpu import working

#: A torch.Tensor; torch has no part in the types, as it need not be installed.
Tensor = Any
#: Changes a weight matrix, or a stack of them, in place, by its gradient and the step's row of the schedule.
Update = Callable[[Tensor, Tensor], None]

#: Steps of a fit between two looks at the losses; those of ``Best`` are multiples of it.
BLOCK = 64
#: Steps done one by one before a step is captured: libraries set themselves up in them.
WARM_UP = 3


def fit_on(
    device: str,
    sample: Sample,
    preset: Preset,
    seed: int,
    progress: Progress | None = None,
    start_weights: Sequence[FloatArray] | None = None,
) -> Fit:
    """Fit a network on the device that was chosen, "cpu" or "cuda"; the other arguments are those of ``fit``."""
    if device == "cuda":
        return fit(sample, preset, seed, progress, start_weights)
    return fit_on_cpu(sample, preset, seed, progress, start_weights)


def fit(
    sample: Sample,
    preset: Preset,
    seed: int,
    progress: Progress | None = None,
    start_weights: Sequence[FloatArray] | None = None,
    device: str = "cuda",
) -> Fit:
    """Fit a network to a sample on a GPU; does what ``fit.fit`` does, from the same first weights and batches.

    The same sample, preset and seed give the same network on the same GPU and torch.  It is not the CPU's, bit for
    bit: sums are made in another order.

    Args:
        sample: At least one pixel; it has to fit into the device's memory.
        preset: Width, steps, batch, rate, optimiser.
        seed: Of the first weights and of the order of the batches.
        progress: Called with (step, steps, loss) every ``BLOCK`` steps.
        start_weights: What to start from, one (outputs, inputs) matrix a layer; None: at random.
        device: A torch device.
    """
    start = time.perf_counter()
    generator = np.random.default_rng(seed)
    count, scale = len(sample.features), preset.residual_unit or residual_scale(sample)
    weights = first_weights(preset, generator, start_weights)
    half = max(1, min(preset.batch, count) // 2)
    starts = np.fromiter(batch_starts(count, half, generator), np.int64, 2 * preset.steps)
    best = Best(weights)
    done = 0
    with working(), _own_stream(device):
        step = _Step(sample, scale, weights, preset, starts.reshape(-1, 2), half, device)
        run: Callable[[], None] = step
        while done < preset.steps:
            stop = min(done + BLOCK, preset.steps)
            for index in range(done, stop):
                if device == "cuda" and index == WARM_UP:
                    run = _capture(step)
                run()
            losses = step.losses[done:stop].tolist()
            for weight, layer in zip(weights, step.layers, strict=True):
                weight[:] = layer.cpu().numpy()
            for index, loss in enumerate(losses, done):
                best.watch(loss, index)
            done = stop
            if not math.isfinite(best.recent) or (preset.decay and best.recent * scale**2 < INVISIBLE):
                break
            if progress:
                progress(done, preset.steps, best.recent)
    return Fit(best.choose(), scale, best.recent, done, time.perf_counter() - start)


class _Step:
    """One step of a fit, with all that it works on in the device's memory, its place in the schedule included.

    The matrices of the hidden layers lie in one stack, filled up with zeros, which every optimiser leaves zeros: a
    kernel moves them all.
    """

    def __init__(
        self,
        sample: Sample,
        scale: float,
        weights: Matrices,
        preset: Preset,
        starts: NDArray[np.int64],
        half: int,
        device: str,
    ) -> None:
        import torch

        def there(array: Any) -> Tensor:
            return torch.tensor(array, device=device)

        self.features, self.importance = there(sample.features), there(sample.importance[:, None])
        self.targets = there(sample.residuals / np.float32(scale))
        self.number, self.losses = there([0]), torch.zeros(preset.steps, device=device)
        self.starts, self.span = there(starts), torch.arange(half, device=device)
        self.schedule = there(_schedule(preset))
        widths = [weight.shape[1] for weight in weights[:-1]]
        stack = np.zeros((preset.depth, preset.hidden, max(widths)), np.float32)
        for part, weight in zip(stack, weights[:-1], strict=True):
            part[:, : weight.shape[1]] = weight
        self.stacks = there(stack), there(weights[-1])
        self.gradients = tuple(map(torch.zeros_like, self.stacks))
        square_share = 1 - SQUARE_DECAY.get(preset.optimizer, 0.0)
        self.updates: list[Update] = [_Adam(stack, square_share) for stack in self.stacks]
        if preset.optimizer == "sgd":
            self.updates = [_Descent(stack) for stack in self.stacks]
        elif preset.optimizer == "muon":
            factors = [MUON_FACTOR * max(1.0, preset.hidden / width) ** 0.5 for width in widths]
            self.updates[0] = _Muon(self.stacks[0], there(factors)[:, None, None])

        def layers(stack: Tensor, last: Tensor) -> list[Tensor]:
            return [*(part[:, :width] for part, width in zip(stack, widths, strict=True)), last]

        self.layers, self.layer_gradients = layers(*self.stacks), layers(*self.gradients)

    def __call__(self) -> None:
        """Do the step; nothing but what is queued for the device."""
        import torch

        rows = (self.starts.index_select(0, self.number).T + self.span).flatten()
        activations = [self.features.index_select(0, rows)]
        for weight in self.layers[:-1]:
            activations.append((activations[-1] @ weight.T).relu_())
        error = activations[-1] @ self.layers[-1].T - self.targets.index_select(0, rows)
        weighted = error * self.importance.index_select(0, rows)
        self.losses.index_copy_(0, self.number, (weighted * error).mean()[None])
        error = weighted * (2 / weighted.numel())
        for index in range(len(self.layers) - 1, -1, -1):
            torch.mm(error.T, activations[index], out=self.layer_gradients[index])
            if index:
                error = (error @ self.layers[index]) * (activations[index] > 0)
        now = self.schedule.index_select(0, self.number)[0]
        for update, gradient in zip(self.updates, self.gradients, strict=True):
            update(gradient, now)
        self.number += 1


def _schedule(preset: Preset) -> FloatArray:
    """(steps, 3): the rate of Muon, the rate of Adam with its bias corrected, and what corrects Adam's squares."""
    decay = SQUARE_DECAY.get(preset.optimizer, 0.0)
    rates = [rate_at(preset, step) for step in range(preset.steps)]
    rows = [(rate, rate / (1 - MEAN_DECAY**step), 1 / (1 - decay**step)) for step, rate in enumerate(rates, 1)]
    return np.array(rows, np.float32).reshape(-1, 3)


class _Descent:
    """``optimisers.Descent``."""

    def __init__(self, weight: Tensor) -> None:
        self.weight = weight

    def __call__(self, gradient: Tensor, now: Tensor) -> None:
        self.weight -= now[0] * gradient


class _Muon:
    """``optimisers.Muon`` for a stack of matrices."""

    def __init__(self, stack: Tensor, factors: Tensor) -> None:
        self.stack, self.factors, self.momentum = stack, factors, stack * 0

    def __call__(self, gradient: Tensor, now: Tensor) -> None:
        self.momentum.mul_(MOMENTUM).add_(gradient)
        self.stack -= now[0] * self.factors * _orthogonalise(gradient + MOMENTUM * self.momentum)


class _Adam:
    """``optimisers.Adam``; what it needs of the step's number is in the schedule."""

    def __init__(self, weight: Tensor, square_share: float) -> None:
        self.weight, self.square_share = weight, square_share
        self.mean, self.square = weight * 0, weight * 0

    def __call__(self, gradient: Tensor, now: Tensor) -> None:
        self.mean.lerp_(gradient, 1 - MEAN_DECAY)
        self.square.lerp_(gradient * gradient, self.square_share)
        self.weight -= now[1] * self.mean / ((self.square * now[2]).sqrt_() + 1e-8)


def _orthogonalise(stack: Tensor) -> Tensor:
    """``optimisers.orthogonalised`` for each matrix of a stack; rows and columns of zeros stay zeros."""
    import torch

    first, second, third = NEWTON_SCHULZ
    stack = stack / (torch.linalg.vector_norm(stack, dim=(1, 2), keepdim=True) + 1e-7)
    for _ in range(5):
        gram = stack @ stack.mT
        change = torch.baddbmm(gram, gram, gram, beta=second, alpha=third)
        stack = torch.baddbmm(stack, change, stack, beta=first)
    return stack


def _own_stream(device: str) -> AbstractContextManager[object]:
    """A stream that a step can be captured on; none on the CPU."""
    import torch

    stream: AbstractContextManager[object] = nullcontext()
    if device == "cuda":
        stream = torch.cuda.stream(torch.cuda.Stream())
    return stream


def _capture(step: Callable[[], None]) -> Callable[[], None]:
    """Record the kernels of a step, without running them; what is returned runs them all at once."""
    import torch

    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph, stream=torch.cuda.current_stream(), capture_error_mode="thread_local"):
        step()
    replay: Callable[[], None] = graph.replay
    return replay
