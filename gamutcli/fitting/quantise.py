"""Rounds a fitted network to int8 levels so that the picture, not the weights, changes least.

Three things keep coarse weights good.  Each row's step follows from how much the output feels that row.  Within a
layer, the rounding error of one weight is made up for by the weights that are rounded after it, as far as the layer's
inputs are correlated.  And before a layer is rounded, it is solved anew for the inputs that the rounded layers before
it give, so errors do not add up; the last layer is solved for the residuals themselves.  Where that still costs
much, the layers behind a rounded one are fitted on, one rounded layer after the other.

Source: Frantar et al., GPTQ, ICLR 2023, for the rounding with compensation; the steps, the re-solving and the fitting
on are this project's own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

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
FINEST, COARSEST, HALVINGS = 1e-5, 1e-2, 7
#: What coarser levels may cost, dB against the finest ones: bytes that buy less are not spent.
WORTH = 0.1
#: From how many decibels on that rounding costs the layers behind a rounded one are fitted on.
TOO_MUCH = 0.7
#: How far the step may move then, either way, and the halvings of that range.
NEARBY, NEARBY_HALVINGS = 1.25, 3
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


#: Fits a network's layers on, from the given weights; so many, from the first on, stay as they are.
FitOn = Callable[[Sequence[FloatArray], int], Fit]


def quantise_within(
    fitted: Fit, sample: Sample, inputs: Inputs, most_bytes: int, fit_on: FitOn | None = None
) -> Network | None:
    """Round a fitted network as coarsely as costs next to nothing, and more coarsely where it has to be smaller.

    Args:
        fitted: Finite weights.
        sample: The sample of the fit.
        inputs: What the network sees.
        most_bytes: What the packed network may take (``payload.network_bytes``).
        fit_on: What fits layers on where rounding costs too much; None: nothing does.

    Returns:
        The network; None where even its coarsest version is too large.
    """
    quantiser = Quantiser(fitted, sample)
    allowed = quantiser.layers(FINEST)[1] * 10 ** (WORTH / 10)
    found = _round_within(quantiser, inputs, most_bytes, allowed, FINEST, COARSEST, HALVINGS)
    if found is None:
        return None
    if fit_on and found.error > quantiser.error * 10 ** (TOO_MUCH / 10):
        found = min(found, _fit_behind(found, fitted, sample, most_bytes, fit_on), key=lambda each: each.error)
    return found.network


@dataclass(frozen=True)
class _Found:
    network: Network
    step: float
    error: float


def _fit_behind(found: _Found, fitted: Fit, sample: Sample, most_bytes: int, fit_on: FitOn) -> _Found:
    """Let one layer after the other stay rounded, and fit those behind it on; the last one is solved."""
    inputs = found.network.inputs
    for count in range(1, len(fitted.weights) - 1):
        rounded, step = found.network.layers[:count], found.step
        fitted = fit_on([*(layer.weight for layer in rounded), *fitted.weights[count:]], count)
        quantiser = Quantiser(fitted, sample, rounded)
        again = _round_within(quantiser, inputs, most_bytes, 0, step / NEARBY, step * NEARBY, NEARBY_HALVINGS)
        if again is None:
            break
        found = again
    return found


def _round_within(
    quantiser: Quantiser,
    inputs: Inputs,
    most_bytes: int,
    allowed: float,
    finest: float,
    coarsest: float,
    halvings: int,
) -> _Found | None:
    """Round with the coarsest step of an allowed error, or one as coarse as the bytes ask for; None: none is."""

    def at(step: float) -> tuple[_Found, int]:
        layers, error = quantiser.layers(step)
        network = Network(inputs, layers, float(np.float32(quantiser.residual_scale)))
        return _Found(network, step, error), network_bytes(network)

    low, high = np.log(finest), np.log(coarsest)
    for _ in range(halvings):
        middle = (low + high) / 2
        found, size = at(float(np.exp(middle)))
        # Errors grow and bytes shrink with the step: below the one wanted, one of the two says so.
        if found.error <= allowed or size > most_bytes:
            low = middle
        else:
            high = middle
    found, size = at(float(np.exp(high)))
    return found if size <= most_bytes else None


class Quantiser:
    """A fitted network and the pixels to round it on.

    Args:
        fitted: Finite weights.
        sample: The sample of the fit; its first pixels are used.
        rounded: What its first layers are rounded to; their weights are these.

    Attributes:
        residual_scale: That of the fit.
        error: Of the fitted network, as ``layers`` has it.
    """

    def __init__(self, fitted: Fit, sample: Sample, rounded: tuple[Layer, ...] = ()) -> None:
        self._fitted, self._rounded = fitted, rounded
        self.residual_scale = fitted.residual_scale
        self._features = sample.features[:CALIBRATION]
        self._targets = sample.residuals[:CALIBRATION] / np.float32(fitted.residual_scale)
        self._importance = sample.importance[:CALIBRATION, None]
        self._roots = np.sqrt(self._importance)
        self._activations = [self._features]
        for weight in fitted.weights[:-1]:
            self._activations.append(np.maximum(self._activations[-1] @ weight.T, 0))
        self._sensitivities = self._felt()
        self.error = self._error(self._activations[-1] @ fitted.weights[-1].T)

    def layers(self, step: float) -> tuple[tuple[Layer, ...], float]:
        """Round all layers.

        Args:
            step: Rounding error that each weight may add to the output, in units of the residual's root mean square;
                smaller means more and finer levels.

        Returns:
            The layers, and their mean squared error over the calibration pixels in units of the residual's own mean
            square: 1 is as bad as no network.
        """
        layers, weights = list(self._rounded), self._fitted.weights
        below = self._activations[len(layers)]
        for index in range(len(layers), len(weights)):
            weight, last = weights[index], index == len(weights) - 1
            wanted = self._targets if last else self._activations[index] @ weight.T
            layers.append(self._round(below, wanted, weight, self._sensitivities[index], step))
            below = below @ layers[-1].weight.T
            if not last:
                np.maximum(below, 0, out=below)
        return tuple(layers), self._error(below)

    def _error(self, predicted: FloatArray) -> float:
        return float(np.mean(self._importance * np.square(predicted - self._targets)))

    def _round(
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
