"""Fits the paper's network in a world of deviations, and judges it twice: by the truth, and by the world's own idea.

Without deviations it is ``recipe.fit_as_the_paper`` and ``recipe.judged``, pixel for pixel.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gamutcli.arrays import CodeArray, DoubleArray, FloatArray, IndexArray
from gamutcli.color.gamut import codes_to_prophoto
from gamutcli.experiments.deviations import Values, World
from gamutcli.fitting.fit import fit
from gamutcli.fitting.presets import PAPER_INPUTS, Preset
from gamutcli.fitting.sample import Sample, paper_pixels, shuffle
from gamutcli.measuring.metrics import Comparison, PairSample
from gamutcli.network.features import centres, waves
from gamutcli.network.predict import MOST_PIXELS
from gamutcli.network.shape import FloatNetwork
from gamutcli.parallel import in_order

#: Features of one input: a sine and a cosine an octave.
WAVES = 2 * PAPER_INPUTS.position_octaves


@dataclass(frozen=True, eq=False)
class Scaling:
    """Brings the five inputs of a pixel, y, x and its three values, to [-1, 1].

    Attributes:
        low: (5,) what becomes -1.
        high: (5,) what becomes 1.
    """

    low: DoubleArray
    high: DoubleArray

    def waves(self, column: int, inputs: DoubleArray) -> FloatArray:
        """(n,) of one input to (n, WAVES) features."""
        span = float(self.high[column] - self.low[column])
        # An input that is the same everywhere tells nothing, however it is scaled.
        scaled = 2 * (inputs - self.low[column]) / (span or 1.0) - 1
        return waves(scaled, PAPER_INPUTS.position_octaves, PAPER_INPUTS.first_octave)

    def features(self, inputs: DoubleArray) -> FloatArray:
        """(n, 5) inputs to (n, 5 * WAVES) features, in the order of ``network.features.Features``."""
        return np.concatenate([self.waves(column, inputs[:, column]) for column in range(5)], axis=1)


#: From edge to edge of the picture, and from 0 to 1.
PAPER_SCALING = Scaling(np.array([-1.0, -1.0, 0.0, 0.0, 0.0]), np.ones(5))


@dataclass(frozen=True, eq=False)
class Variant:
    """A network fitted in a world.

    Attributes:
        network: With the paper's inputs.
        scaling: Of the inputs that it was fitted to.
        steps: How many were done.
        seconds: Of the optimisation.
    """

    network: FloatNetwork
    scaling: Scaling
    steps: int
    seconds: float


@dataclass(frozen=True)
class Verdict:
    """How good a variant is, and how good it believes to be; PSNR in dB, None where no pixel is out of gamut.

    Attributes:
        psnr_og: Of the file that a decoder makes of the delivered picture, over the pixels truly out of gamut.
        psnr_all: The same, over all pixels.
        clip_psnr_og: The same as ``psnr_og``, without the network.
        own_psnr_og: As the variant itself would report it: own values, own truth, own clip, own mask.
        own_psnr_all: The same, over all pixels.
        own_clip_psnr_og: The same as ``own_psnr_og``, without the network.
        de2000_delivered: Mean CIEDE2000 between the sRGB picture delivered and the right one.
    """

    psnr_og: float | None
    psnr_all: float | None
    clip_psnr_og: float | None
    own_psnr_og: float | None
    own_psnr_all: float | None
    own_clip_psnr_og: float | None
    de2000_delivered: float


def draw_world(world: World, seed: int) -> tuple[Sample, Scaling]:
    """Draw the paper's pixels by the world's own mask, in its own values.

    Returns:
        The sample, and how its inputs were scaled.
    """
    places = [centres(side) for side in world.size]

    def drawn(rows: slice) -> tuple[DoubleArray, FloatArray]:
        truth, seen = world.truth(rows), world.seen(rows)
        inside: IndexArray = paper_pixels(world.mask(truth))
        y, x = np.divmod(inside, world.size[1])
        values = seen.reshape(-1, 3)[inside]
        inputs = np.column_stack([places[0][y + rows.start], places[1][x], values.astype(np.float64)])
        return inputs, truth.reshape(-1, 3)[inside] - values

    parts = list(in_order(drawn, world.strips()))
    scaling = PAPER_SCALING
    if world.deviations.two_scalings:
        scaling = _extremes([inputs for inputs, _ in parts])

    def featured(part: tuple[DoubleArray, FloatArray]) -> Sample:
        inputs, residuals = part
        return Sample(scaling.features(inputs), residuals, np.ones(len(inputs), np.float32), len(inputs))

    samples = list(in_order(featured, parts))
    sizes = [sample.importance.size for sample in samples]
    return shuffle(samples, sizes, world.size[0] * world.size[1], np.random.default_rng(seed)), scaling


def fit_in(world: World, preset: Preset, seed: int, start_weights: Sequence[FloatArray] | None = None) -> Variant:
    """Fit a network as the world does it.

    Args:
        world: The picture, and the deviations.
        preset: The paper's, from ``recipe.preset_of``.
        seed: Of the first weights and of the batches.
        start_weights: What to start from; None: at random.
    """
    sample, scaling = draw_world(world, seed)
    if world.deviations.full_batch:
        sample = _make_even(sample)
    fitted = fit(sample, world.deviations.preset(preset, len(sample.importance)), seed, start_weights=start_weights)
    network = FloatNetwork(PAPER_INPUTS, tuple(fitted.weights), fitted.residual_scale)
    return Variant(network, scaling, fitted.steps, fitted.seconds)


def scaling_for_all(world: World, values: Values) -> Scaling:
    """How inputs are scaled where the whole picture is expanded.

    Args:
        world: Says whether by the extremes of its pixels.
        values: The three values of each pixel.
    """
    if not world.deviations.two_scalings:
        return PAPER_SCALING

    def extremes(rows: slice) -> DoubleArray:
        found = values(rows).reshape(-1, 3).astype(np.float64)
        return np.stack([found.min(axis=0), found.max(axis=0)])

    places = np.stack([centres(side)[[0, -1]] for side in world.size], axis=1)
    found = _extremes(list(in_order(extremes, world.strips())))
    return Scaling(np.append(places[0], found.low), np.append(places[1], found.high))


class Expansion:
    """What a variant's network makes of a picture, strip by strip.

    Args:
        network: With the paper's inputs.
        world: The picture.
        values: What the network sees of it, and corrects.
    """

    def __init__(self, network: FloatNetwork, world: World, values: Values) -> None:
        self._values = values
        self._scaling = scaling_for_all(world, values)
        first, *self._deeper = [np.ascontiguousarray(weight.T) for weight in network.weights]
        self._deeper[-1] = self._deeper[-1] * np.float32(network.residual_scale)
        # Rows and columns are few: what they add to the first layer is found once.
        self._rows, self._columns = (
            self._scaling.waves(axis, centres(side)) @ first[axis * WAVES : (axis + 1) * WAVES]
            for axis, side in enumerate(world.size)
        )
        self._color = first[2 * WAVES :]

    def strip(self, rows: slice) -> FloatArray:
        """(rows, width, 3) corrected values, unclipped."""
        values = self._values(rows)
        corrected = values.reshape(-1, 3).copy()
        for start in range(0, len(corrected), MOST_PIXELS):
            pixels = np.arange(start, min(start + MOST_PIXELS, len(corrected)))
            y, x = np.divmod(pixels, values.shape[1])
            seen = corrected[pixels].astype(np.float64)
            color = np.concatenate([self._scaling.waves(2 + channel, seen[:, channel]) for channel in range(3)], axis=1)
            hidden = self._rows[y + rows.start] + self._columns[x] + color @ self._color
            for weight in self._deeper:
                hidden = np.maximum(hidden, 0) @ weight
            corrected[pixels] += hidden
        return corrected.reshape(values.shape)


def verdict_of(world: World, network: FloatNetwork, right_codes: CodeArray) -> Verdict:
    """Judge a network by the truth, and by its world's own idea of it.

    Args:
        world: Where it was fitted.
        network: From ``fit_in``.
        right_codes: (height, width, 3) the sRGB picture as it should be.
    """
    decoded = Expansion(network, world, world.plain)
    # The variant's own figures start from a picture that no decoder has, where it does not round it.
    reported = Expansion(network, world, world.seen) if world.deviations.unrounded else decoded

    def strip(rows: slice) -> tuple[list[tuple[FloatArray, FloatArray, np.ndarray]], FloatArray, FloatArray]:
        truth, own_truth = world.original.strip(rows), world.truth(rows)
        og, own_og = world.original.og_mask(rows), world.mask(own_truth)
        values = decoded.strip(rows)
        own_values = values if reported is decoded else reported.strip(rows)
        pairs = [
            (world.restored(values), truth, og),
            (world.restored(world.plain(rows)), truth, og),
            (own_values.clip(0, 1), own_truth, own_og),
            (world.seen(rows), own_truth, own_og),
        ]
        return pairs, _shown(world, world.delivered(rows)), _shown(world, right_codes[rows])

    comparisons = [Comparison(color_differences=False) for _ in range(4)]
    pictures = PairSample()
    for pairs, delivered, right in in_order(strip, world.strips()):
        for comparison, pair in zip(comparisons, pairs, strict=True):
            comparison.add(*pair)
        pictures.add(delivered, right)
    restored, clip, own, own_clip = (comparison.scores() for comparison in comparisons)
    return Verdict(
        psnr_og=restored.psnr_og,
        psnr_all=restored.psnr_all,
        clip_psnr_og=clip.psnr_og,
        own_psnr_og=own.psnr_og,
        own_psnr_all=own.psnr_all,
        own_clip_psnr_og=own_clip.psnr_og,
        de2000_delivered=float(pictures.delta_e().mean()),
    )


def _shown(world: World, codes: CodeArray) -> FloatArray:
    """(rows, width, 3) linear ProPhoto RGB of an sRGB picture, as others see it."""
    return codes_to_prophoto(codes, world.adaptation)


def _extremes(parts: list[DoubleArray]) -> Scaling:
    """The smallest and the largest of each column."""
    low = np.min([part.min(axis=0) for part in parts if len(part)], axis=0)
    return Scaling(low, np.max([part.max(axis=0) for part in parts if len(part)], axis=0))


def _make_even(sample: Sample) -> Sample:
    """A sample of an even number of pixels, which two threads can share; a single pixel stays."""
    count = max(1, len(sample.importance) // 2 * 2)
    return Sample(sample.features[:count], sample.residuals[:count], sample.importance[:count], sample.pixels)
