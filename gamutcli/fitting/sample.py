"""Draws the pixels that a fit works on, where the residual is.

A few wide-gamut spots hold most of the error: drawn uniformly, they are hardly seen.  So pixels are drawn with a
probability that grows with their residual, and weighted by its inverse, which keeps the loss that of the picture.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from gamutcli.arrays import BoolArray, FloatArray, IndexArray
from gamutcli.fitting.presets import Preset
from gamutcli.fitting.scene import Scene
from gamutcli.network.features import FeatureRows, Features, Lookups
from gamutcli.network.shape import Inputs
from gamutcli.parallel import in_order

#: A pixel's chance grows with its residual to the power of 3/4; this much, against a mean of 1, is for all; measured.
FLOOR = 0.3
#: Pixels that a draw looks at, at most, about.
MOST_CANDIDATES = 1 << 22
#: A pixel is drawn so many times on average, at most: a small picture needs no large sample.
REPEATS = 16
#: The paper's: 20 % of the out-of-gamut pixels, 2 % of the others.
PAPER_OG_STEP, PAPER_IN_STEP = 5, 50


@dataclass(frozen=True, eq=False)
class Sample:
    """Pixels to fit, in random order.

    Attributes:
        features: (n, inputs) float32, or what looks them up.
        residuals: (n, 3) float32, linear ProPhoto RGB.
        importance: (n,) float32, mean 1: what undoes an uneven draw.
        pixels: How many pixels it was drawn from.
    """

    features: FeatureRows
    residuals: FloatArray
    importance: FloatArray
    pixels: int

    @cached_property
    def residual_scale(self) -> float:
        """Root mean square of the residuals; 1 where there are none."""
        return float(np.sqrt(np.average(np.square(self.residuals).mean(axis=1), weights=self.importance))) or 1.0


def draw_sample(preset: Preset, scene: Scene, seed: int) -> Sample | None:
    """Draw the sample that goes with a preset: the paper's, of all pixels, or ours, of clipped ones by residual."""
    if preset.every_pixel:
        return draw_sample_as_the_paper(scene, preset.inputs, preset.samples, seed)
    return draw_by_residual(replace(scene, eye=preset.eye), preset.inputs, preset.samples, seed)


def draw_by_residual(scene: Scene, inputs: Inputs, count: int, seed: int) -> Sample | None:
    """Draw pixels by residual, with their features.

    The draw is systematic: it walks through the picture in equal steps of probability.  A pixel may be drawn more than
    once.

    Args:
        scene: The picture.
        inputs: What the network sees.
        count: Pixels to draw.
        seed: Of the draw and of the order of the sample.

    Returns:
        The sample in random order; None where the decoder corrects no pixel or none has a residual.
    """
    generator = np.random.default_rng(seed)
    strips_rows = scene.strips()

    height, width = scene.original.size
    # Of a large picture, every so many corrected pixels are enough to draw from.
    stride = max(1, height * width // MOST_CANDIDATES)

    def look(rows: slice) -> tuple[NDArray[np.int32], FloatArray, float]:
        inside = scene.corrected_pixels(rows)[::stride]
        red, green, blue = scene.residuals(rows, inside).T
        squared, counts = red * red + green * green + blue * blue, scene.importance(rows, inside)
        fourth_root = np.sqrt(np.sqrt(squared if counts is None else squared * counts))
        # The square to the power of 1/4 + 1/8, by roots: a power takes ten times as long.
        power = fourth_root * np.sqrt(fourth_root)
        return inside.astype(np.int32), power, inside.size if counts is None else float(counts.sum(dtype=np.float64))

    looked = list(in_order(look, strips_rows))
    candidates, chances = [inside for inside, _, _ in looked], [power for _, power, _ in looked]
    pixels = sum(chance.size for chance in chances)
    total = sum(float(chance.sum(dtype=np.float64)) for chance in chances)
    if not total:
        return None
    mean_count = np.float32(sum(counted for _, _, counted in looked) / pixels)
    # Mean 1 over the corrected pixels, floor included.
    count = min(count, REPEATS * pixels)
    chances = [(chance * np.float32(pixels / total) + np.float32(FLOOR)) / np.float32(1 + FLOOR) for chance in chances]
    places = (np.arange(count) + generator.random()) * (pixels / count)
    ends = np.cumsum([chance.sum(dtype=np.float64) for chance in chances])
    shares = np.split(places, np.searchsorted(places, ends[:-1]))
    features = Features(inputs, scene.srgb_codes, scene.adaptation)
    see = features.lookups if inputs.color == "srgb_codes" else features.rows

    def drawn(index: int) -> Sample:
        rows, chance = strips_rows[index], chances[index]
        start = ends[index - 1] if index else 0.0
        picked = np.searchsorted(np.cumsum(chance, dtype=np.float64), shares[index] - start).clip(0, chance.size - 1)
        inside = candidates[index][picked].astype(np.intp)
        counts = scene.importance(rows, inside)
        importance = (1 if counts is None else counts / mean_count) / chance[picked]
        return Sample(see(rows, inside), scene.residuals(rows, inside), importance, chance.size)

    chosen = [index for index, share in enumerate(shares) if share.size and chances[index].size]
    return shuffle(in_order(drawn, chosen), [shares[index].size for index in chosen], pixels * stride, generator)


def draw_sample_as_the_paper(scene: Scene, inputs: Inputs, count: int, seed: int) -> Sample:
    """Draw every fifth out-of-gamut and every fiftieth other pixel, all of the same weight, whatever the count.

    Source: Le et al., GamutMLP, CVPR 2023, section 3.
    """
    features = Features(inputs, scene.srgb_codes, scene.adaptation)

    def drawn(rows: slice) -> Sample:
        og = scene.original.og_mask(rows)
        inside = paper_pixels(og)
        importance = np.ones(inside.size, np.float32)
        return Sample(features.rows(rows, inside), scene.residuals(rows, inside), importance, og.size)

    height, width = scene.original.size
    parts = list(in_order(drawn, scene.strips()))
    return shuffle(parts, [part.importance.size for part in parts], height * width, np.random.default_rng(seed))


def paper_pixels(og: BoolArray) -> IndexArray:
    """(n,) flat places of the pixels that the paper draws from a strip, given which of them are out of gamut."""
    return np.concatenate([np.flatnonzero(og)[::PAPER_OG_STEP], np.flatnonzero(~og)[::PAPER_IN_STEP]])


def shuffle(parts: Iterable[Sample], sizes: Sequence[int], pixels: int, generator: np.random.Generator) -> Sample:
    """Put the samples of strips together, in random order.

    Args:
        parts: What was drawn of each strip, perhaps only now: written out they can be 100 MB, which are not held twice.
        sizes: How many pixels that is.
        pixels: How many pixels they were drawn from, in all.
        generator: Of the order.
    """
    count = sum(sizes)
    places = np.split(generator.permutation(count), np.cumsum(sizes)[:-1])
    whole: Sample | None = None
    for part, place in zip(parts, places, strict=True):
        if whole is None:
            whole = Sample(
                _room(part.features, count), np.empty((count, 3), np.float32), np.empty(count, np.float32), pixels
            )
        whole.features[place], whole.residuals[place] = part.features, part.residuals
        whole.importance[place] = part.importance
    assert whole is not None
    return whole


def _room(features: FeatureRows, count: int) -> FeatureRows:
    """Room for those of so many pixels."""
    if isinstance(features, Lookups):
        return features.room(count)
    return np.empty((count, features[:0].shape[1]), np.float32)
