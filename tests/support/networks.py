"""Networks with weights at random, for tests that do not fit one."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from gamutcli.arrays import CodeArray, IndexArray
from gamutcli.network.features import box_sums, rounded_means
from gamutcli.network.shape import Box, Inputs, Layer, Network, Shape

CODES = Inputs(position_octaves=5, color_octaves=3)
FEWEST = Inputs(1, 1)
CODES_AND_BOXES = Inputs(4, 2, (Box(radius=1, octaves=2), Box(radius=5, octaves=1), Box(2, octaves=3, contrast=True)))
PAPERS = Inputs(position_octaves=6, color_octaves=6, color="prophoto_linear", first_octave=0)
EVERY_KIND = {"codes": CODES, "codes and boxes": CODES_AND_BOXES, "the paper's": PAPERS}


def network(inputs: Inputs = CODES_AND_BOXES, hidden: int = 12, depth: int = 2, seed: int = 0) -> Network:
    """A quantised network of random weights whose outputs are about as large as ``residual_scale``."""
    random = np.random.default_rng(seed)
    layers = []
    for fan_in, outputs in pairwise([inputs.size, *[hidden] * depth, 3]):
        levels = random.integers(-127, 128, (outputs, fan_in)).astype(np.int8)
        # Weights whose mean square is about 2 / fan_in.
        scale = random.uniform(0.5, 1.5, outputs) * (2 / fan_in) ** 0.5 / 73
        layers.append(Layer(levels, scale.astype(np.float16)))
    return Network(inputs, tuple(layers), residual_scale=0.0625)


def zeros(hidden: int, depth: int, inputs: Inputs = FEWEST) -> Network:
    """A network that predicts nothing, of whatever size: its payload has a few hundred bytes."""
    layers = [
        Layer(np.zeros((outputs, fan_in), np.int8), np.ones(outputs, np.float16))
        for fan_in, outputs in Shape(inputs, hidden, depth).layers
    ]
    return Network(inputs, tuple(layers), 1.0)


def noise(height: int, width: int, seed: int = 0) -> CodeArray:
    """(height, width, 3) codes at random; a good part of them 0 or 255."""
    random = np.random.default_rng(seed)
    return random.integers(-60, 316, (height, width, 3)).clip(0, 255).astype(np.uint8)


def box_means(codes: CodeArray, rows: slice, radius: int) -> IndexArray:
    """(rows, width, 3) mean codes of the boxes around the pixels of some rows, in quarter codes."""
    return rounded_means(box_sums(codes, rows, radius), radius)


def rows_of(codes: CodeArray) -> slice:
    """All rows of a picture."""
    return slice(0, codes.shape[0])


def everywhere(codes: CodeArray) -> IndexArray:
    """All pixels of a picture, as indices into its rows."""
    return np.arange(codes.shape[0] * codes.shape[1])
