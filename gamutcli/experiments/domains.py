"""What a network could predict instead of a linear difference, and what its errors could count by.

A domain says how a plain colour and a number the network gives for each of three coordinates make the restored colour:
by adding in that domain, or as an exponent. A loss says how much a pixel's squared linear error counts; the decoder
does not see it.

Source: Liu et al., Gain-MLP, ICCV 2025, for exponents instead of differences; Ottosson, A perceptual color space for
image processing, 2020, for OKLab.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from gamutcli.arrays import DoubleArray, FloatArray, IndexArray
from gamutcli.color.spaces import PROPHOTO, SRGB, rgb_to_rgb
from gamutcli.fitting.scene import Scene
from gamutcli.restore import Restoration

#: What is added to light before its logarithm is taken: about the light of code 1 of 255 in sRGB, twelve times.
_DARK = 1 / 256
#: Light that an exponent leaves as it is: above white, so that white can become brighter.
_BRIGHT = 2.0
_LMS = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
) @ rgb_to_rgb(PROPHOTO, SRGB)
_LMS_TO_OKLAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)


@dataclass(frozen=True)
class Domain:
    """What a network predicts.

    Attributes:
        residuals: (n, 3) plain and true linear ProPhoto colours to (n, 3) what is to be predicted.
        restore: (n, 3) plain colours and predictions to (n, 3) linear ProPhoto colours.
    """

    residuals: Callable[[DoubleArray, DoubleArray], DoubleArray]
    restore: Callable[[DoubleArray, DoubleArray], DoubleArray]


def differences_of(there: Callable[[DoubleArray], DoubleArray], back: Callable[[DoubleArray], DoubleArray]) -> Domain:
    """The domain of differences between coordinates, given how to come there and back."""
    return Domain(
        lambda plain, true: there(true) - there(plain),
        lambda plain, predicted: back(there(plain) + predicted),
    )


def _logarithm(light: DoubleArray) -> DoubleArray:
    found: DoubleArray = np.log((np.maximum(light, 0) + _DARK) / _BRIGHT)
    return found


def _light(logarithm: DoubleArray) -> DoubleArray:
    found: DoubleArray = _BRIGHT * np.exp(np.minimum(logarithm, 1)) - _DARK
    return found


def _oklab(light: DoubleArray) -> DoubleArray:
    found: DoubleArray = np.cbrt(light @ _LMS.T) @ _LMS_TO_OKLAB.T
    return found


def _of_oklab(lab: DoubleArray) -> DoubleArray:
    found: DoubleArray = (lab @ np.linalg.inv(_LMS_TO_OKLAB).T) ** 3 @ np.linalg.inv(_LMS).T
    return found


LINEAR = differences_of(lambda light: light, lambda light: light)
DOMAINS = {
    "linear": LINEAR,
    "square root": differences_of(lambda light: np.sqrt(np.maximum(light, 0)), lambda root: np.maximum(root, 0) ** 2),
    "logarithm": differences_of(_logarithm, _light),
    "exponent": Domain(
        lambda plain, true: _logarithm(true) / _logarithm(plain) - 1,
        lambda plain, predicted: _light(_logarithm(plain) * (1 + predicted)),
    ),
    "OKLab": differences_of(_oklab, _of_oklab),
}


@dataclass(frozen=True, eq=False)
class DomainScene(Scene):
    """A picture whose residuals lie in a domain, and whose errors count by a loss.

    Attributes:
        domain: Of the residuals.
        loss: (n, 3) true colours to (n,) how much their squared errors count; None: all the same.
        share: Power of what ``loss`` says: 1 is all of it.
    """

    domain: Domain = LINEAR
    loss: Callable[[FloatArray], FloatArray] | None = None
    share: float = 1.0

    def residuals(self, rows: slice, inside: IndexArray) -> FloatArray:
        """(n, 3) what the network is to predict for some pixels of a strip."""
        true = self.truth(rows, inside)
        plain = true - super().residuals(rows, inside)
        return self.domain.residuals(plain.astype(np.float64), true.astype(np.float64)).astype(np.float32)

    def importance(self, rows: slice, inside: IndexArray) -> FloatArray | None:
        """(n,) how much the squared errors of some pixels of a strip count."""
        if self.loss is None:
            return None
        weights: FloatArray = self.loss(self.truth(rows, inside)) ** np.float32(self.share)
        return weights


class DomainRestoration(Restoration):
    """What a network makes of a picture that predicts in a domain; the arguments are those of ``Restoration``."""

    domain = LINEAR

    def linear(self, rows: slice) -> tuple[FloatArray, int]:
        """(rows, width, 3) linear ProPhoto RGB, unclipped, and how many pixels were corrected."""
        prophoto_linear = self.plain(rows)
        inside = np.flatnonzero(self.correction.mask(self.srgb_codes[rows]))
        if self._predictor is None:
            return prophoto_linear, 0
        pixels = prophoto_linear.reshape(-1, 3)
        predicted = self._predictor.residuals(rows, inside).astype(np.float64)
        pixels[inside] = self.domain.restore(pixels[inside].astype(np.float64), predicted)
        return prophoto_linear, inside.size
