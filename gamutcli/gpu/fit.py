"""The fit on a GPU: a step is captured once as a CUDA graph, and replayed; several pictures share their steps.

A step finds its rates and its batch by its own number, which it counts on the device, so nothing goes back and forth
but the losses every so often.

Source: as ``gamutcli.fitting.fit``.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np

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
)
from gamutcli.fitting.optimisers import MEAN_DECAY, MOMENTUM, MUON_FACTOR, NEWTON_SCHULZ
from gamutcli.fitting.presets import Preset
from gamutcli.fitting.sample import Sample
from gamutcli.gpu import working
from gamutcli.network.features import FeatureRows, Lookups

#: A torch.Tensor; torch has no part in the types, as it need not be installed.
Tensor = Any
#: Changes a weight matrix, or a stack of them, in place, by its gradient and the step's row of the schedule.
Update = Callable[[Tensor, Tensor], None]

#: Steps of a fit between two looks at the losses; those of ``Best`` are multiples of it.
BLOCK = 64
#: Steps done one by one before a step is captured: libraries set themselves up in them.
WARM_UP = 3


@dataclass(frozen=True, eq=False)
class Job:
    """A fit that is wanted.

    Attributes:
        sample: At least one pixel; it has to fit into the device's memory.
        preset: Width, steps, batch, rate, optimiser.
        seed: Of the first weights and of the order of the batches.
        progress: Called with (step, steps, loss) every ``BLOCK`` steps.
        start_weights: What to start from, one (outputs, inputs) matrix a layer; None: at random.
        fixed: How many layers, from the first on, stay as they were given.
    """

    sample: Sample
    preset: Preset
    seed: int
    progress: Progress | None = None
    start_weights: Sequence[FloatArray] | None = None
    fixed: int = 0

    @property
    def half(self) -> int:
        """Pixels of half a batch."""
        return max(1, min(self.preset.batch, len(self.sample.features)) // 2)

    def goes_with(self, other: Job) -> bool:
        """Tell whether both can be done in the same steps."""
        return (self.preset, self.half, self.fixed) == (other.preset, other.half, other.fixed)


def fit(
    sample: Sample,
    preset: Preset,
    seed: int,
    progress: Progress | None = None,
    start_weights: Sequence[FloatArray] | None = None,
    device: str = "cuda",
    fixed: int = 0,
) -> Fit:
    """Fit a network to a sample on a GPU; does what ``fit.fit`` does, from the same first weights and batches.

    The same sample, preset and seed give the same network on the same GPU and torch.  It is not the CPU's, bit for
    bit: sums are made in another order.

    Args:
        sample: That of ``Job``, as are the others.
        preset: Likewise.
        seed: Likewise.
        progress: Likewise.
        start_weights: Likewise.
        device: A torch device.
        fixed: As of ``Job``.
    """
    return fit_together([Job(sample, preset, seed, progress, start_weights, fixed)], device=device)[0]


def fit_together(jobs: Sequence[Job], device: str = "cuda") -> list[Fit]:
    """Fit a network to each of several pictures in the same steps.

    Their matrices are so small that most of a GPU waits when it works on those of one.  Sums may be made in another
    order than for a picture alone, so that its network is not the same bit for bit.

    Args:
        jobs: One at least; each goes with the first.
        device: A torch device.
    """
    start = time.perf_counter()
    preset = jobs[0].preset
    pictures = [_Picture(job) for job in jobs]
    with working(), _own_stream(device):
        step = _Step(pictures, device)
        run: Callable[[], None] = step
        done = 0
        while done < preset.steps and any(not picture.is_done for picture in pictures):
            stop = min(done + BLOCK, preset.steps)
            for index in range(done, stop):
                if device == "cuda" and index == WARM_UP:
                    run = _capture(step)
                run()
            losses = step.losses[done:stop].T.tolist()
            layers = [layer.cpu().numpy() for layer in step.layers]
            for number, picture in enumerate(pictures):
                picture.watch(done, losses[number], [layer[number] for layer in layers])
            done = stop
    seconds = time.perf_counter() - start
    return [picture.fitted(seconds) for picture in pictures]


class _Picture:
    """A picture's part in a fit: what it begins with, and its best weights so far."""

    def __init__(self, job: Job) -> None:
        generator = np.random.default_rng(job.seed)
        self.job, self.is_done, self._steps = job, False, 0
        self.scale = job.preset.residual_unit or job.sample.residual_scale
        self.weights = first_weights(job.preset, generator, job.start_weights)
        starts = batch_starts(len(job.sample.features), job.half, generator)
        #: (steps, 2) where the halves of each batch start in the sample.
        self.starts = np.fromiter(starts, np.int64, 2 * job.preset.steps).reshape(-1, 2)
        self._best = Best(self.weights)

    def watch(self, done: int, losses: Sequence[float], weights: Matrices) -> None:
        """Take note of steps, the first of which is that after ``done`` others, and of the weights after them."""
        if self.is_done:
            return
        preset, best = self.job.preset, self._best
        for mine, now in zip(self.weights, weights, strict=True):
            mine[:] = now
        for step, loss in enumerate(losses, done):
            best.watch(loss, step)
        self._steps = done + len(losses)
        self.is_done = not math.isfinite(best.recent) or (preset.decay and best.recent * self.scale**2 < INVISIBLE)
        if self.job.progress and not self.is_done:
            self.job.progress(self._steps, preset.steps, best.recent)

    def fitted(self, seconds: float) -> Fit:
        """What came out."""
        return Fit(self._best.choose(), self.scale, self._best.recent, self._steps, seconds)


class _Step:
    """One step of all fits, with all that they work on in the device's memory, their place in the schedule included.

    The matrices of the hidden layers lie in one stack, filled up with zeros, which every optimiser leaves zeros: a
    kernel moves them all.
    """

    def __init__(self, pictures: Sequence[_Picture], device: str) -> None:
        import torch

        def there(array: Any) -> Tensor:
            return torch.tensor(array, device=device)

        def joined(arrays: Iterable[FloatArray]) -> Tensor:
            return torch.cat([there(array) for array in arrays])

        jobs = [picture.job for picture in pictures]
        preset, half, self.fixed = jobs[0].preset, jobs[0].half, jobs[0].fixed
        counts = [len(job.sample.features) for job in jobs]
        self.features = torch.empty((sum(counts), preset.inputs.size), device=device)
        for job, rows in zip(jobs, self.features.split(counts), strict=True):
            _write_out(job.sample.features, rows)
        self.importance = joined(job.sample.importance[:, None] for job in jobs)
        self.targets = joined(picture.job.sample.residuals / np.float32(picture.scale) for picture in pictures)
        begins = np.cumsum([0, *counts[:-1]])
        starts = [picture.starts + begin for picture, begin in zip(pictures, begins, strict=True)]
        self.starts, self.span = there(np.concatenate(starts, axis=1)), torch.arange(half, device=device)
        self.number, self.losses = there([0]), torch.zeros((preset.steps, len(jobs)), device=device)
        self.schedule = there(_schedule(preset))
        self.batch = len(jobs), 2 * half
        widths = [weight.shape[1] for weight in pictures[0].weights[:-1]]
        # A layer's matrices of all pictures lie behind each other.
        stack = np.zeros((preset.depth, len(jobs), preset.hidden, max(widths)), np.float32)
        for number, picture in enumerate(pictures):
            for part, weight in zip(stack[:, number], picture.weights[:-1], strict=True):
                part[:, : weight.shape[1]] = weight
        self.stacks = there(stack), there(np.stack([picture.weights[-1] for picture in pictures]))
        self.gradients = tuple(map(torch.zeros_like, self.stacks))
        square_share = 1 - SQUARE_DECAY.get(preset.optimizer, 0.0)
        self.updates: list[Update] = [_Adam(stack, square_share) for stack in self.stacks]
        if preset.optimizer == "sgd":
            self.updates = [_Descent(stack) for stack in self.stacks]
        elif preset.optimizer == "muon":
            factors = [MUON_FACTOR * max(1.0, preset.hidden / width) ** 0.5 for width in widths]
            self.updates[0] = _Muon(self.stacks[0], there(factors)[:, None, None, None])

        def layers(stack: Tensor, last: Tensor) -> list[Tensor]:
            return [*(part[:, :, :width] for part, width in zip(stack, widths, strict=True)), last]

        #: (pictures, outputs, inputs) each.
        self.layers, self.layer_gradients = layers(*self.stacks), layers(*self.gradients)

    def __call__(self) -> None:
        """Do the step; nothing but what is queued for the device."""
        import torch

        rows = (self.starts.index_select(0, self.number).T + self.span).flatten()

        def drawn(values: Tensor) -> Tensor:
            return values.index_select(0, rows).view(*self.batch, -1)

        activations = [drawn(self.features)]
        for weight in self.layers[:-1]:
            activations.append((activations[-1] @ weight.mT).relu_())
        error = activations[-1] @ self.layers[-1].mT - drawn(self.targets)
        weighted = error * drawn(self.importance)
        self.losses.index_copy_(0, self.number, (weighted * error).mean((1, 2))[None])
        error = weighted * (2 / (error.shape[1] * error.shape[2]))
        # The gradients of layers that stay as they are stay zeros, of which every optimiser makes none of a change.
        for index in range(len(self.layers) - 1, self.fixed - 1, -1):
            torch.bmm(error.mT, activations[index], out=self.layer_gradients[index])
            if index > self.fixed:
                error = (error @ self.layers[index]) * (activations[index] > 0)
        now = self.schedule.index_select(0, self.number)[0]
        for update, gradient in zip(self.updates, self.gradients, strict=True):
            update(gradient, now)
        self.number += 1


def _write_out(features: FeatureRows, rows: Tensor) -> None:
    """Fill (n, features) on the device; what has to be looked up is looked up there, from a tenth of the bytes."""
    import torch

    if not isinstance(features, Lookups):
        rows.copy_(torch.from_numpy(features[:]))
        return
    left = 0
    for table, places in zip(features.tables, features.places, strict=True):
        indices = torch.tensor(places, device=rows.device).int().flatten()
        found = torch.tensor(table, device=rows.device).index_select(0, indices).view(len(places), -1)
        rows[:, left : left + found.shape[1]] = found
        left += found.shape[1]


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
    """``optimisers.Muon`` for the matrices of a stack, (layers, pictures, outputs, inputs)."""

    def __init__(self, stack: Tensor, factors: Tensor) -> None:
        self.stack, self.factors, self.momentum = stack, factors, stack * 0

    def __call__(self, gradient: Tensor, now: Tensor) -> None:
        self.momentum.mul_(MOMENTUM).add_(gradient)
        wanted = gradient + MOMENTUM * self.momentum
        self.stack -= now[0] * self.factors * _orthogonalise(wanted.flatten(0, 1)).view_as(wanted)


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
