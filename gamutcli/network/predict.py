"""Runs a network over a picture.

With tables of the features, the first layer is a sum of table rows, one table an input: most of the multiplications
vanish, exactly.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gamutcli.arrays import CodeArray, FloatArray, IndexArray
from gamutcli.color.spaces import Adaptation
from gamutcli.fingerprint.frame import Frame
from gamutcli.network.features import Features
from gamutcli.network.shape import FloatNetwork, Network

#: Activations of a layer that are computed at once, so that they stay in a core's caches, and pixels at most.  Fewer
#: pixels make more of the steps between products, which threads do one at a time: 2048 take 1.2 times as long.
ACTIVATIONS, MOST_PIXELS = 1 << 18, 1 << 13
#: Numbers that a table of the first layer may hold, one for each place along a side and each hidden unit.  Of a longer
#: side, the rows that a chunk needs are computed each time.
MOST_TABLED = 1 << 23


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
            FirstLayer(table, first[ends[index] : ends[index] + table.shape[1]])
            for index, table in enumerate(self.features.tables[:tabled])
        ]
        # The three channels of a box share a table.
        self.box_table, self.box_starts, self.box_weight = _stack(self.features.tables[tabled::3], first)

    def residuals(self, rows: slice, inside: IndexArray) -> FloatArray:
        """Predict the residuals of some pixels of a strip.

        Args:
            rows: The strip.
            inside: (n,) flat places of the pixels in the strip.

        Returns:
            (n, 3) float32, linear ProPhoto RGB.
        """
        residuals = np.empty((inside.size, 3), np.float32)
        if not inside.size:  # the boxes of a whole strip are not summed up for nothing
            return residuals
        sums = self.features.sums(rows)
        # Working memory that is used again and again stays in the core's cache.  Zeros of the same shape make numpy's
        # maximum three times as fast as the number 0.
        width = self.weights[0].shape[1]
        chunk = max(1, min(MOST_PIXELS, ACTIVATIONS // width))
        hidden, other = np.empty((2, chunk, width), np.float32)
        zeros = np.zeros_like(hidden)
        box_indices = np.empty((chunk, 3 * self.box_starts.size), np.int16)
        three = np.dtype((np.void, 3 * box_indices.itemsize))  # written as one item, they take half the time
        box_waves = np.empty((*box_indices.shape, self.box_table.shape[1]), np.float32)
        by_codes = self.features.inputs.color == "srgb_codes"
        first, *others = self.tables
        for start in range(0, inside.size, chunk):
            part = slice(start, min(inside.size, start + chunk))
            count = part.stop - start
            above, spare = hidden[:count], other[:count]
            seen = self.features.see(rows, inside[part], sums)
            first.take(seen.place[0], above)
            for table, values in zip(others, (seen.place[1], *(seen.codes.T if by_codes else ())), strict=True):
                above += table.take(values, spare)
            if seen.boxes:
                for index, (box, begin) in enumerate(zip(seen.boxes, self.box_starts, strict=True)):
                    box_indices.view(three)[:count, index] = (box + begin).view(three)[:, 0]
                self.box_table.take(box_indices[:count], axis=0, out=box_waves[:count], mode="clip")
                above += np.matmul(box_waves[:count].reshape(count, -1), self.box_weight, out=spare)
            if not by_codes:
                above += self.features.color_waves(rows, inside[part]) @ self.color_weight
            for weight in self.weights[1:-1]:
                np.maximum(above, zeros[:count], out=above)
                np.matmul(above, weight, out=spare)
                above, spare = spare, above
            np.maximum(above, zeros[:count], out=above)
            np.matmul(above, self.weights[-1], out=residuals[part])
        return residuals


class FirstLayer:
    """What one input adds to the first layer, by its value.

    Args:
        waves: (values, waves) of the input.
        weight: (waves, hidden) of the first layer.
    """

    def __init__(self, waves: FloatArray, weight: FloatArray) -> None:
        self._waves, self._weight = waves, weight
        self._table = waves @ weight if len(waves) * weight.shape[1] <= MOST_TABLED else None

    def take(self, values: IndexArray, out: FloatArray) -> FloatArray:
        """Write what some values add into (n, hidden), and return it."""
        if self._table is None:
            return np.matmul(self._waves[values], self._weight, out=out)
        # Clipping indices that are in range makes take twice as fast.
        return self._table.take(values, axis=0, out=out, mode="clip")


def _stack(tables: list[FloatArray], first_weight: FloatArray) -> tuple[FloatArray, NDArray[np.int16], FloatArray]:
    """Several wave tables as one, so that one look-up finds the waves of all boxes of a pixel.

    Args:
        tables: (values, waves) each; every one serves three channels, the last features.
        first_weight: (features, hidden) the first layer's weights.

    Returns:
        (all values, most waves) the tables below each other, short rows filled up with zeros; where each starts; and
        (3 * tables * most waves, hidden) their weights, filled up likewise.
    """
    most = max((table.shape[1] for table in tables), default=0)
    starts = np.cumsum([0, *map(len, tables)])
    stacked = np.zeros((starts[-1], most), np.float32)
    weight = np.zeros((3 * len(tables), most, first_weight.shape[1]), np.float32)
    at = len(first_weight) - 3 * sum(table.shape[1] for table in tables)
    for index, table in enumerate(tables):
        waves = table.shape[1]
        stacked[starts[index] : starts[index + 1], :waves] = table
        for channel in range(3):
            weight[3 * index + channel, :waves] = first_weight[at : at + waves]
            at += waves
    # All boxes of a payload together have fewer values than 16 bits count.
    return stacked, starts[:-1].astype(np.int16), weight.reshape(-1, first_weight.shape[1])
