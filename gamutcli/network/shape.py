"""The network's shape: what it sees of a pixel, its layers, and its weights, quantised or not.

A pixel's inputs are its place (x, y), its own three codes, and the mean codes of square boxes around it, all taken
from the 8-bit sRGB picture that the decoder has.  Each input, scaled to [-1, 1], goes through sines and cosines of
rising octaves; the rest is a plain ReLU network without biases and with three outputs, the residual in linear
ProPhoto RGB.

Source: Le et al., GamutMLP, CVPR 2023, section 3 (coordinates and colour, positional encoding, residual); the box
means and the codes as colour input are this project's own.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from gamutcli.arrays import FloatArray

ColorInput = Literal["srgb_codes", "prophoto_linear"]
LevelArray = NDArray[np.int8]
HalfArray = NDArray[np.float16]


@dataclass(frozen=True)
class Box:
    """A square neighbourhood of side ``2 * radius + 1`` pixels whose mean codes are inputs.

    Attributes:
        radius: Pixels.
        octaves: Of each channel.
        contrast: The input is the pixel's own code minus the mean, within +-16 codes, instead of the mean: what a
            pixel is among its neighbours.
    """

    radius: int
    octaves: int
    contrast: bool = False


@dataclass(frozen=True)
class Inputs:
    """What the network sees of a pixel.

    Attributes:
        position_octaves: Octaves of x and of y.
        color_octaves: Octaves of each colour channel.
        boxes: Neighbourhood means, with their own octaves.
        color: The pixel's own colour: its sRGB codes, or the paper's linear ProPhoto RGB.
        first_octave: The lowest frequency is ``2 ** first_octave * pi``; the paper's is 0, -1 keeps one input value
            to one point of the first sine and cosine.
    """

    position_octaves: int
    color_octaves: int
    boxes: tuple[Box, ...] = ()
    color: ColorInput = "srgb_codes"
    first_octave: int = -1

    @property
    def size(self) -> int:
        """Number of features: a sine and a cosine for each octave of each input."""
        return 4 * self.position_octaves + 6 * self.color_octaves + self.box_waves

    @property
    def box_waves(self) -> int:
        """How many of the features belong to the boxes."""
        return 6 * sum(box.octaves for box in self.boxes)


@dataclass(frozen=True)
class Shape:
    """The shape of a network: what it sees, and its hidden layers, all of one width.

    Attributes:
        inputs: What it sees of a pixel.
        hidden: Width of the hidden layers.
        depth: Number of hidden layers.
    """

    inputs: Inputs
    hidden: int
    depth: int

    @property
    def widths(self) -> tuple[int, ...]:
        """Inputs of the first layer, then the outputs of each; the last are the three channels of the residual."""
        return (self.inputs.size, *[self.hidden] * self.depth, 3)

    @property
    def layers(self) -> tuple[tuple[int, int], ...]:
        """(inputs, outputs) of each layer."""
        return tuple(pairwise(self.widths))

    @property
    def weights(self) -> int:
        """How many weights there are in all."""
        return sum(fan_in * outputs for fan_in, outputs in self.layers)

    def __str__(self) -> str:
        return f"{self.depth}x{self.hidden}"


@dataclass(frozen=True)
class Layer:
    """One quantised layer; its weight matrix is ``levels * scale[:, None]``.

    Attributes:
        levels: (outputs, inputs) int8.
        scale: (outputs,) float16, one step a row.
    """

    levels: LevelArray
    scale: HalfArray

    @property
    def weight(self) -> FloatArray:
        """(outputs, inputs) float32."""
        return self.levels.astype(np.float32) * self.scale.astype(np.float32)[:, None]


@dataclass(frozen=True)
class Network:
    """A fitted, quantised network: all that the decoder needs to predict residuals.

    Attributes:
        inputs: What it sees.
        layers: Hidden layers and the output layer.
        residual_scale: Output 1.0 is this much linear ProPhoto RGB.
    """

    inputs: Inputs
    layers: tuple[Layer, ...]
    residual_scale: float

    @property
    def weights(self) -> tuple[FloatArray, ...]:
        """One (outputs, inputs) float32 matrix a layer."""
        return tuple(layer.weight for layer in self.layers)

    @property
    def shape(self) -> Shape:
        """What it sees, and its hidden layers."""
        return Shape(self.inputs, int(self.layers[0].levels.shape[0]), len(self.layers) - 1)


@dataclass(frozen=True, eq=False)
class FloatNetwork:
    """A network whose weights were not rounded to levels: what experiments judge; no payload holds it.

    Attributes:
        inputs: What it sees.
        weights: One (outputs, inputs) float32 matrix a layer.
        residual_scale: Output 1.0 is this much linear ProPhoto RGB.
    """

    inputs: Inputs
    weights: tuple[FloatArray, ...]
    residual_scale: float

    @property
    def shape(self) -> Shape:
        """What it sees, and its hidden layers."""
        return Shape(self.inputs, int(self.weights[0].shape[0]), len(self.weights) - 1)
