"""What small errors of light are to the eye: the colour difference that they cause, by where in CIELAB the colour lies.

Source: CIE 15:2018, sections 8.2.1 for dE76 and 8.2.2 for dE94.
"""

from __future__ import annotations

import numpy as np

from gamutcli.arrays import DoubleArray, FloatArray
from gamutcli.color.spaces import PROPHOTO, rgb_to_xyz, xy_to_xyz

_KNEE = np.float32((6 / 29) ** 3)
_XYZ: DoubleArray = rgb_to_xyz(PROPHOTO) / xy_to_xyz(PROPHOTO.white)[:, None]
#: Products of the rows of that: what a step in X, Y and Z is in light, squared.
_STEPS = (_XYZ @ _XYZ.T).astype(np.float32)


def de76_weights(prophoto_linear: FloatArray) -> FloatArray:
    """(n, 3) linear colours to (n,): the mean square of dE76 that an error of light causes, per its square."""
    x, y, z = _slopes(np.cbrt(np.maximum(_ratios(prophoto_linear), _KNEE)))
    none = np.float32(0)
    square = _square(none, 116 * y, none) + _square(500 * x, -500 * y, none) + _square(none, 200 * y, -200 * z)
    return square / np.float32(3)


def de94_weights(prophoto_linear: FloatArray) -> FloatArray:
    """As ``de76_weights``, by dE94, which counts differences of strong colours less, as dE2000 does."""
    ratios = _ratios(prophoto_linear)
    roots = np.cbrt(np.maximum(ratios, _KNEE))
    fx, fy, fz = np.where(ratios > _KNEE, roots, ratios * np.float32((29 / 6) ** 2 / 3) + np.float32(4 / 29))
    x, y, z = _slopes(roots)
    a, b = 500 * (fx - fy), 200 * (fy - fz)
    chroma = np.hypot(a, b)
    far = np.maximum(chroma, np.float32(1e-6))
    cosine, sine = np.where(chroma > 0, a / far, 1), b / far
    none = np.float32(0)
    along = _square(500 * cosine * x, (200 * sine - 500 * cosine) * y, -200 * sine * z)
    across = _square(-500 * sine * x, (500 * sine + 200 * cosine) * y, -200 * cosine * z)
    along /= np.square(1 + 0.045 * chroma)
    across /= np.square(1 + 0.015 * chroma)
    return (_square(none, 116 * y, none) + along + across) / np.float32(3)


def _ratios(prophoto_linear: FloatArray) -> FloatArray:
    """(3, n) X, Y and Z in units of the white's, channel by channel in one piece: fast."""
    ratios: FloatArray = np.maximum(_XYZ.astype(np.float32) @ prophoto_linear.T, np.float32(0))
    return ratios


def _slopes(roots: FloatArray) -> FloatArray:
    """(3, n) how the function behind L*, a* and b* changes with X, Y and Z, given their roots, the knee's at least."""
    slopes: FloatArray = (1 / (3 * np.square(roots))).astype(np.float32)
    return slopes


def _square(x: FloatArray | np.float32, y: FloatArray, z: FloatArray | np.float32) -> FloatArray:
    """(n,) squared length, in linear light, of a coordinate that changes so with the functions of X, Y and Z."""
    (xx, xy, xz), (_, yy, yz), (_, _, zz) = _STEPS
    square: FloatArray = xx * x * x + yy * y * y + zz * z * z + 2 * (xy * x * y + xz * x * z + yz * y * z)
    return square
