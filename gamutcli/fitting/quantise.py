"""Rounds a fitted network to int8 levels so that the picture, not the weights, changes least.

Three things keep coarse weights good.  Each row's step follows from how much the output feels that row.  Within a
layer, the rounding error of one weight is made up for by the weights that are rounded after it, as far as the layer's
inputs are correlated.  And before a layer is rounded, it is solved anew for the inputs that the rounded layers before
it give, so errors do not add up; the last layer is solved for the residuals themselves.

Source: Frantar et al., GPTQ, ICLR 2023, for the rounding with compensation; the steps and the re-solving are this
project's own.
"""

from __future__ import annotations

import numpy as np

from gamutcli.arrays import DoubleArray, FloatArray
from gamutcli.fitting.fit import Fit
from gamutcli.fitting.sample import Sample
from gamutcli.network.shape import HalfArray, Inputs, Layer, Network
from gamutcli.payload.format import network_bytes

#: Pixels that the rounding looks at; more change nothing.
CALIBRATION = 8192
#: Keeps the least squares of a layer solvable where inputs never vary, relative to their mean energy.
RIDGE = 1e-3
#: The finest and the coarsest step worth trying, in units of the residual's root mean square, and the number of
#: halvings of the (logarithmic) range between them.
FINEST, COARSEST, HALVINGS = 1e-5, 1e-2, 5
#: What coarser levels may cost, dB against the finest ones: bytes that buy less are not spent.
WORTH = 0.1
_LARGEST = 127
_HALF_MAX = float(np.finfo(np.float16).max)


def round_weights(weight: FloatArray, bits: int = 8) -> Layer:
    """Round a layer to the nearest levels, with one float16 scale a row and nothing else.

    What float16 cannot hold is clipped to its largest number.

    Args:
        weight: (outputs, inputs) float32.
        bits: Of a level, 2 to 8: levels are whole numbers up to ``2 ** (bits - 1) - 1``, of either sign.
    """
    largest = 2 ** (bits - 1) - 1
    scale = np.minimum(np.abs(weight).max(axis=1) / largest, _HALF_MAX).astype(np.float16)
    # A row of zeros, or one so small that its scale is none: its levels are zero.
    steps = np.where(scale > 0, scale, 1).astype(np.float32)[:, None]
    levels = np.where(scale[:, None] > 0, np.round(weight / steps), 0)
    return _layer(levels, scale, largest)


def quantise_within(fitted: Fit, sample: Sample, inputs: Inputs, most_bytes: int) -> Network | None:
    """Round a fitted network as coarsely as costs next to nothing, and more coarsely where it has to be smaller.

    Args:
        fitted: Finite weights.
        sample: The sample of the fit.
        inputs: What the network sees.
        most_bytes: What the packed network may take (``payload.network_bytes``).

    Returns:
        The network; None where even its coarsest version is too large.
    """
    quantiser = Quantiser(fitted, sample)

    def at(step: float) -> tuple[Network, int, float]:
        layers, error = quantiser.layers(step)
        network = Network(inputs, layers, float(np.float32(fitted.residual_scale)))
        return network, network_bytes(network), error

    allowed = at(FINEST)[2] * 10 ** (WORTH / 10)
    low, high = np.log(FINEST), np.log(COARSEST)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        _, size, error = at(float(np.exp(middle)))
        # Errors grow and bytes shrink with the step: below the one wanted, one of the two says so.
        if error <= allowed or size > most_bytes:
            low = middle
        else:
            high = middle
    network, size, _ = at(float(np.exp(high)))
    return network if size <= most_bytes else None


class Quantiser:
    """A fitted network and the pixels to round it on.

    Args:
        fitted: Finite weights.
        sample: The sample of the fit; its first pixels are used.
    """

    def __init__(self, fitted: Fit, sample: Sample) -> None:
        self._fitted = fitted
        self._features = sample.features[:CALIBRATION]
        self._targets = sample.residuals[:CALIBRATION] / np.float32(fitted.residual_scale)
        self._importance = sample.importance[:CALIBRATION, None]
        self._roots = np.sqrt(self._importance)
        self._activations = [self._features]
        for weight in fitted.weights[:-1]:
            self._activations.append(np.maximum(self._activations[-1] @ weight.T, 0))
        self._sensitivities = self._felt()

    def layers(self, step: float) -> tuple[tuple[Layer, ...], float]:
        """Round all layers.

        Args:
            step: Rounding error that each weight may add to the output, in units of the residual's root mean square;
                smaller means more and finer levels.

        Returns:
            The layers, and their mean squared error over the calibration pixels in units of the residual's own mean
            square: 1 is as bad as no network.
        """
        layers: list[Layer] = []
        below = self._features
        for index, weight in enumerate(self._fitted.weights):
            last = index == len(self._fitted.weights) - 1
            wanted = self._targets if last else self._activations[index] @ weight.T
            layers.append(self._rounded(below, wanted, weight, self._sensitivities[index], step))
            below = below @ layers[-1].weight.T
            if not last:
                np.maximum(below, 0, out=below)
        return tuple(layers), float(np.mean(self._importance * np.square(below - self._targets)))

    def _rounded(
        self,
        below: FloatArray,
        wanted: FloatArray,
        weight: FloatArray,
        sensitivity: DoubleArray,
        step: float,
    ) -> Layer:
        """Round one layer: what it makes of the inputs below is to come close to what is wanted."""
        # A product with its own transpose is symmetric to the last bit, also of inputs that hardly vary.
        inputs = below * self._roots
        gram = (inputs.T @ inputs).astype(np.float64) / len(below)
        gram += np.eye(len(gram)) * (RIDGE * np.trace(gram) / len(gram) + 1e-12)
        # (inputs, outputs): one row holds what is rounded at a time.
        matrix = weight.T.astype(np.float64)
        missing = inputs.T @ ((wanted - below @ weight.T) * self._roots)
        matrix += np.linalg.solve(gram, missing.astype(np.float64) / len(below))
        # Upper triangle: row j says how the weights after j make up for an error in weight j.
        spread = np.linalg.cholesky(np.linalg.inv(gram)).T
        own = float(np.exp(-2 * np.mean(np.log(np.diag(spread)))))
        steps = step / np.sqrt(sensitivity * own + 1e-12)
        scale = _few_bits(np.clip(steps, np.abs(matrix).max(axis=0) / _LARGEST, _HALF_MAX / _LARGEST))
        wide = scale.astype(np.float64)
        safe = np.where(wide > 0, wide, 1)
        levels = np.empty_like(matrix)
        for row in range(len(levels)):
            levels[row] = np.round(matrix[row] / safe).clip(-_LARGEST, _LARGEST) * (wide > 0)
            error = (matrix[row] - levels[row] * wide) / spread[row, row]
            matrix[row + 1 :] -= np.outer(spread[row, row + 1 :], error)
        return _layer(levels.T, scale)

    def _felt(self) -> list[DoubleArray]:
        """How much the output feels each row of each layer: mean squared derivative, (outputs,) a layer."""
        weights = self._fitted.weights
        felt = [np.zeros(len(weight)) for weight in weights]
        for output in range(3):
            derivative = np.zeros((len(self._features), 3), np.float32)
            derivative[:, output] = 1
            for index in range(len(weights) - 1, -1, -1):
                felt[index] += np.mean(self._importance * derivative * derivative, axis=0) / 3
                if index:
                    derivative = (derivative @ weights[index]) * (self._activations[index] > 0)
        return felt


def _layer(levels: DoubleArray | FloatArray, scale: HalfArray, largest: int = _LARGEST) -> Layer:
    return Layer(np.clip(levels, -largest, largest).astype(np.int8), scale)


def _few_bits(steps: DoubleArray) -> HalfArray:
    """(n,) float16 just above the steps whose low byte is zero: it costs next to nothing in the payload."""
    bits = steps.astype(np.float16).view(np.uint16)
    return ((bits + np.uint16(0xFF)) & np.uint16(0xFF00)).view(np.float16)
