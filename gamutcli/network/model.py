"""The network's shape: what it sees of a pixel, and how it turns that into a residual.

A pixel's inputs are its place (x, y), its own three codes, and the mean codes of square boxes around it, all taken
from the 8-bit sRGB picture that the decoder has.  Each input, scaled to [-1, 1], goes through sines and cosines of
rising octaves; the rest is a plain ReLU network without biases and with three outputs, the residual in linear
ProPhoto RGB.

With 8-bit codes as inputs every input has few values, so the first layer is a sum of table rows, one table an input:
the sines are computed once per value and most of the multiplications vanish, exactly.

Source: Le et al., GamutMLP, CVPR 2023, section 3 (coordinates and colour, positional encoding, residual); the box
means, the codes as colour input and the tables are this project's own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from gamutcli.arrays import CodeArray, DoubleArray, FloatArray
from gamutcli.color.gamut import clipped_mask
from gamutcli.color.spaces import PROPHOTO, SRGB, Adaptation, apply_matrix, decoding_table, rgb_to_rgb
from gamutcli.fingerprint.frame import Frame

ColorInput = Literal["srgb_codes", "prophoto_linear"]
IndexArray = NDArray[np.intp]
Number = TypeVar("Number", bound=np.generic)
LevelArray = NDArray[np.int8]
HalfArray = NDArray[np.float16]

#: Box means are kept in quarters of a code, so that every decoder gets the same integer.
BOX_STEPS = 4
#: Contrasts are cut off at this many quarter codes.
CONTRAST_LIMIT = 64
#: Pixels that go through the network at once: their activations stay in a core's own cache.
CHUNK = 2048
#: Pixels of one strip; a bound on working memory, whatever the picture's size.
STRIP_PIXELS = 1 << 18


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
class Correction:
    """Which pixels the decoder corrects.

    Attributes:
        tolerance: A pixel counts as clipped when a code is at most this far from 0 or 255; 0 for lossless files.
        every_pixel: Correct all pixels, as the paper does, clipped or not.
    """

    tolerance: int = 0
    every_pixel: bool = False

    def mask(self, srgb_codes: CodeArray) -> NDArray[np.bool_]:
        """(..., 3) codes to (...) bool: the pixels that go through the network."""
        if self.every_pixel:
            return np.ones(srgb_codes.shape[:-1], bool)
        return clipped_mask(srgb_codes, self.tolerance)


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
    def hidden(self) -> int:
        """Width of the hidden layers."""
        return int(self.layers[0].levels.shape[0])

    @property
    def depth(self) -> int:
        """Number of hidden layers."""
        return len(self.layers) - 1


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
    def hidden(self) -> int:
        """Width of the hidden layers."""
        return int(self.weights[0].shape[0])

    @property
    def depth(self) -> int:
        """Number of hidden layers."""
        return len(self.weights) - 1


def waves(positions: DoubleArray, octaves: int, first_octave: int) -> FloatArray:
    """Sines and cosines of rising octaves.

    Args:
        positions: (n,), scaled to [-1, 1].
        octaves: How many.
        first_octave: Exponent of the lowest frequency, in units of pi.

    Returns:
        (n, 2 * octaves) float32: the sines, then the cosines, of ``2 ** (first_octave + k) * pi * position``.

    Source: Mildenhall et al., NeRF, ECCV 2020, equation 4.
    """
    found = np.empty((2 * octaves, positions.size), np.float32)
    angles = positions * (np.pi * 2.0**first_octave)
    sines, cosines = np.sin(angles), np.cos(angles)
    for octave in range(octaves):
        found[octave], found[octaves + octave] = sines, cosines
        # The double angle: many times faster than a sine, and after 16 octaves float64 still has 1e-9.
        sines, cosines = 2 * sines * cosines, 1 - 2 * sines * sines
    return np.ascontiguousarray(found.T)


def centres(count: int) -> DoubleArray:
    """(count,) places of the pixel centres along one side, -1 to 1 from edge to edge."""
    return (2 * np.arange(count) + 1) / count - 1


def levels_of(maximum: int) -> DoubleArray:
    """(maximum + 1,) the integers 0 to maximum scaled to [-1, 1]."""
    return 2 * np.arange(maximum + 1) / maximum - 1


def codes_to_prophoto(srgb_codes: CodeArray, adaptation: Adaptation) -> FloatArray:
    """(..., 3) sRGB codes to (..., 3) linear ProPhoto RGB: the plain picture, before any correction."""
    return apply_matrix(decoding_table(SRGB, 256).take(srgb_codes), rgb_to_rgb(SRGB, PROPHOTO, adaptation))


def box_means(srgb_codes: CodeArray, rows: slice, radius: int) -> NDArray[np.uint16]:
    """Mean codes of the box around each pixel of some rows, in quarter codes.

    Edges are replicated; sums are integers, so that every decoder gets the same value.

    Args:
        srgb_codes: (height, width, 3) the whole picture.
        rows: The rows wanted.
        radius: The box's side is ``2 * radius + 1``.

    Returns:
        (rows, width, 3) uint16, 0 to 1020, rounded half up.
    """
    return _rounded_means(box_sums(srgb_codes, rows, radius), radius).astype(np.uint16)


def box_sums(srgb_codes: CodeArray, rows: slice, radius: int) -> NDArray[np.unsignedinteger]:
    """(rows, width, 3) sums of the codes in the box around each pixel of some rows, edges replicated."""
    height = srgb_codes.shape[0]
    reach = np.arange(rows.start - radius, rows.stop + radius).clip(0, height - 1)
    band = srgb_codes[reach[0] : reach[-1] + 1][reach - reach[0]]
    # 16 bits, where they hold the sum, halve the memory traffic.
    kind = np.uint16 if 255 * (2 * radius + 1) ** 2 < 1 << 16 else np.uint32
    padded = np.pad(band, ((0, 0), (radius, radius), (0, 0)), "edge")
    return _window_sums(_window_sums(padded, radius, 0, kind), radius, 1, kind)


def _rounded_means(sums: NDArray[np.unsignedinteger], radius: int) -> IndexArray:
    area = np.uint32((2 * radius + 1) ** 2)
    return ((BOX_STEPS * sums.astype(np.uint32) + area // np.uint32(2)) // area).astype(np.intp)


def _window_sums(
    band: NDArray[np.unsignedinteger], radius: int, axis: int, kind: type[np.unsignedinteger]
) -> NDArray[np.unsignedinteger]:
    """Sums of every window of ``2 * radius + 1`` along an axis."""
    band = np.moveaxis(band, axis, 0)
    side = 2 * radius + 1
    count = band.shape[0] - side + 1
    sums = band[:count].astype(kind)
    for shift in range(1, side):
        sums += band[shift : shift + count]
    return np.moveaxis(sums, 0, axis)


def strips(height: int, width: int) -> Iterator[slice]:
    """Row ranges of about ``STRIP_PIXELS`` pixels that cover a picture."""
    step = max(1, STRIP_PIXELS // width)
    for top in range(0, height, step):
        yield slice(top, min(height, top + step))


class Features:
    """The inputs of a picture's pixels: table indices, and the tables that turn them into waves.

    Args:
        inputs: What the network sees.
        srgb_codes: (height, width, 3) the picture that the decoder has.
        adaptation: For the linear ProPhoto colour input.
        frame: What x and y refer to; the picture itself where None.
    """

    def __init__(
        self, inputs: Inputs, srgb_codes: CodeArray, adaptation: Adaptation, frame: Frame | None = None
    ) -> None:
        self.inputs = inputs
        self.srgb_codes = srgb_codes
        self.adaptation = adaptation
        self.frame = frame or Frame(*srgb_codes.shape[:2])
        first = inputs.first_octave
        #: One wave table an input, in the order of the features: y, x, the colour, the boxes.
        sides = self.frame.height, self.frame.width
        self.tables = [waves(centres(side), inputs.position_octaves, first) for side in sides]
        if inputs.color == "srgb_codes":
            self.tables += [waves(levels_of(255), inputs.color_octaves, first)] * 3
        for box in inputs.boxes:
            levels = levels_of(2 * CONTRAST_LIMIT if box.contrast else 255 * BOX_STEPS)
            self.tables += [waves(levels, box.octaves, first)] * 3

    def indices(self, rows: slice, inside: IndexArray) -> list[IndexArray]:
        """Table indices of some pixels of a strip.

        Args:
            rows: The strip.
            inside: (n,) flat places of the pixels in the strip.

        Returns:
            One (n,) array a table.
        """
        width = self.srgb_codes.shape[1]
        y, x = np.divmod(inside, width)
        # Channel by channel from here on: contiguous rows are what numpy is quick with.
        codes = _channels(self.srgb_codes[rows], inside).astype(np.intp)
        found = [*self.frame.positions(y + rows.start, x, self.srgb_codes.shape)]
        if self.inputs.color == "srgb_codes":
            found += [*codes]
        means: dict[int, IndexArray] = {}
        for box in self.inputs.boxes:
            if box.radius not in means:
                sums = _channels(box_sums(self.srgb_codes, rows, box.radius), inside)
                means[box.radius] = _rounded_means(sums, box.radius)
            if box.contrast:
                contrasts = BOX_STEPS * codes - means[box.radius]
                found += [*(contrasts.clip(-CONTRAST_LIMIT, CONTRAST_LIMIT) + CONTRAST_LIMIT)]
            else:
                found += [*means[box.radius]]
        return found

    def color_waves(self, rows: slice, inside: IndexArray) -> FloatArray:
        """(n, 6 * octaves) waves of the linear ProPhoto colour, which no table can hold; (n, 0) for code inputs."""
        if self.inputs.color == "srgb_codes":
            return np.empty((inside.size, 0), np.float32)
        codes = self.srgb_codes[rows].reshape(-1, 3)[inside]
        linear = 2 * codes_to_prophoto(codes, self.adaptation).astype(np.float64) - 1
        waved = [waves(linear[:, c], self.inputs.color_octaves, self.inputs.first_octave) for c in range(3)]
        return np.concatenate(waved, axis=1)

    def rows(self, rows: slice, inside: IndexArray) -> FloatArray:
        """(n, inputs.size) all features of some pixels of a strip, written out: what a fit works on."""
        parts = [table[at] for table, at in zip(self.tables, self.indices(rows, inside), strict=True)]
        return np.concatenate([*parts[:2], self.color_waves(rows, inside), *parts[2:]], axis=1)


def _channels(image: NDArray[Number], inside: IndexArray) -> NDArray[Number]:
    """(3, n) the values of some pixels of a (rows, width, 3) strip."""
    return np.ascontiguousarray(image.reshape(-1, 3).take(inside, axis=0).T)


class Predictor:
    """Runs a network over a picture, strip by strip.

    Args:
        network: The network, quantised or not.
        srgb_codes: (height, width, 3) the picture that the decoder has.
        adaptation: Between sRGB's white and ProPhoto's.
        frame: What x and y refer to; the picture itself where None.
    """

    def __init__(
        self, network: Network | FloatNetwork, srgb_codes: CodeArray, adaptation: Adaptation, frame: Frame | None = None
    ) -> None:
        self.features = Features(network.inputs, srgb_codes, adaptation, frame)
        self.weights = [np.ascontiguousarray(weight.T) for weight in network.weights]
        self.weights[-1] = self.weights[-1] * np.float32(network.residual_scale)
        first = self.weights[0]
        inputs = network.inputs
        ends = np.cumsum([0, *(table.shape[1] for table in self.features.tables)])
        if inputs.color == "prophoto_linear":
            # Its waves lie behind those of the place, and have no table.
            ends[3:] += 6 * inputs.color_octaves
            self.color_weight = first[ends[2] : ends[2] + 6 * inputs.color_octaves]
        # Rows of the place and of the codes are taken from tables; the boxes have so few waves, and so many values,
        # that a product with their waves is quicker.
        tabled = len(self.features.tables) - 3 * len(inputs.boxes)
        self.tables = [
            table @ first[ends[index] : ends[index] + table.shape[1]]
            for index, table in enumerate(self.features.tables[:tabled])
        ]
        self.box_table, self.box_starts, self.box_weight = _stacked(self.features.tables[tabled:], first)

    def residuals(self, rows: slice, inside: IndexArray) -> FloatArray:
        """Predict the residuals of some pixels of a strip.

        Args:
            rows: The strip.
            inside: (n,) flat places of the pixels in the strip.

        Returns:
            (n, 3) float32, linear ProPhoto RGB.
        """
        residuals = np.empty((inside.size, 3), np.float32)
        indices = self.features.indices(rows, inside)
        box_indices = None
        if self.box_starts.size:
            box_indices = np.stack(indices[len(self.tables) :], axis=1) + self.box_starts
        # Working memory that is used again and again stays in the core's cache.  Zeros of the same shape make numpy's
        # maximum three times as fast as the number 0, and clipping indices that are in range makes take twice as fast.
        hidden, other = np.empty((2, CHUNK, self.tables[0].shape[1]), np.float32)
        zeros = np.zeros_like(hidden)
        box_waves = np.empty((CHUNK, self.box_starts.size, self.box_table.shape[1]), np.float32)
        for start in range(0, inside.size, CHUNK):
            part = slice(start, min(inside.size, start + CHUNK))
            count = part.stop - start
            above, spare = hidden[:count], other[:count]
            self.tables[0].take(indices[0][part], axis=0, out=above, mode="clip")
            for table, index in zip(self.tables[1:], indices[1:], strict=False):
                above += table.take(index[part], axis=0, out=spare, mode="clip")
            if box_indices is not None:
                self.box_table.take(box_indices[part], axis=0, out=box_waves[:count], mode="clip")
                above += np.matmul(box_waves[:count].reshape(count, -1), self.box_weight, out=spare)
            if self.features.inputs.color == "prophoto_linear":
                above += self.features.color_waves(rows, inside[part]) @ self.color_weight
            for weight in self.weights[1:-1]:
                np.maximum(above, zeros[:count], out=above)
                np.matmul(above, weight, out=spare)
                above, spare = spare, above
            np.maximum(above, zeros[:count], out=above)
            np.matmul(above, self.weights[-1], out=residuals[part])
        return residuals


def _stacked(tables: list[FloatArray], first_weight: FloatArray) -> tuple[FloatArray, IndexArray, FloatArray]:
    """Several wave tables as one, so that one look-up finds the waves of all inputs of a pixel.

    Args:
        tables: (values, waves) each; those of the last features.
        first_weight: (features, hidden) the first layer's weights.

    Returns:
        (all values, most waves) the tables below each other, short rows filled up with zeros; where each starts; and
        (tables * most waves, hidden) their weights, filled up likewise.
    """
    most = max((table.shape[1] for table in tables), default=0)
    starts = np.cumsum([0, *map(len, tables)])
    stacked = np.zeros((starts[-1], most), np.float32)
    weight = np.zeros((len(tables), most, first_weight.shape[1]), np.float32)
    at = len(first_weight) - sum(table.shape[1] for table in tables)
    for index, table in enumerate(tables):
        waves = table.shape[1]
        stacked[starts[index] : starts[index + 1], :waves] = table
        weight[index, :waves] = first_weight[at : at + waves]
        at += waves
    return stacked, starts[:-1], weight.reshape(-1, first_weight.shape[1])
