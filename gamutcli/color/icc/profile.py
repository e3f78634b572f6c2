"""What a profile says: transfer curves and colorants, and the pixels that they make of codes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gamutcli.arrays import DoubleArray, FloatArray
from gamutcli.color.spaces import RGBSpace, adaptation_matrix, rgb_to_rgb, rgb_to_xyz
from gamutcli.color.spaces import decoding_table as standard_table

# The white of the profile connection space (section 7.2.16), which D50's x and y give to four digits only.
PCS_WHITE = (0.9642, 1.0, 0.8249)
PCS_WHITE_XY = (PCS_WHITE[0] / sum(PCS_WHITE), PCS_WHITE[1] / sum(PCS_WHITE))


@dataclass(frozen=True)
class ParametricCurve:
    """``(a x + b) ** g + e`` from ``x = d`` on, ``c x + f`` below (section 10.18, function type 4)."""

    g: float
    a: float = 1.0
    b: float = 0.0
    c: float = 0.0
    d: float = 0.0
    e: float = 0.0
    f: float = 0.0

    def decode(self, encoded: DoubleArray) -> DoubleArray:
        """Turn stored values, 0 to 1, into light; same shape."""
        # Where the power overflows below d, it is not used.
        with np.errstate(over="ignore"):
            power = np.maximum(self.a * encoded + self.b, 0) ** self.g + self.e
        return np.where(encoded >= self.d, power, self.c * encoded + self.f)


@dataclass(frozen=True)
class SampledCurve:
    """Evenly spaced samples of 16 bits, joined by straight lines (section 10.6)."""

    samples: tuple[int, ...]

    def decode(self, encoded: DoubleArray) -> DoubleArray:
        """Turn stored values, 0 to 1, into light; same shape."""
        return np.interp(encoded * (len(self.samples) - 1), np.arange(len(self.samples)), self.samples) / 65535


Curve = ParametricCurve | SampledCurve


@dataclass(frozen=True, eq=False)
class Profile:
    """A matrix/TRC profile of an RGB space.

    Attributes:
        description: What the profile calls itself; may be empty, and may be wrong.
        to_xyz_d50: (3, 3): linear RGB to the profile connection space, whose white is D50.
        curves: The transfer curves of red, green and blue.
        space: The known space with these primaries and this white, whatever its curves are; None for another one.
        is_exact_curve: Whether all three curves are those of ``space``, up to rounding.
    """

    description: str
    to_xyz_d50: DoubleArray
    curves: tuple[Curve, Curve, Curve]
    space: RGBSpace | None
    is_exact_curve: bool

    def decoding_table(self, levels: int) -> FloatArray:
        """Light of every integer code.

        Curves that are a known space's up to rounding are replaced by it.

        Args:
            levels: 256 or 65536.

        Returns:
            (3, levels) float32, 0 to 1: a row each for red, green and blue.
        """
        if self.space is not None and self.is_exact_curve:
            return np.stack([standard_table(self.space, levels)] * 3)
        encoded = np.linspace(0, 1, levels)
        decoded = {curve: np.clip(curve.decode(encoded), 0, 1).astype(np.float32) for curve in set(self.curves)}
        return np.stack([decoded[curve] for curve in self.curves])

    def to_rgb(self, target: RGBSpace) -> DoubleArray:
        """Matrix from this profile's linear RGB to that of a known space.

        Returns:
            (3, 3); exactly the known matrix where the profile's space is known, Bradford-adapted otherwise.
        """
        if self.space is not None:
            return rgb_to_rgb(self.space, target)
        from_pcs = adaptation_matrix(PCS_WHITE_XY, target.white, "bradford")
        return np.linalg.inv(rgb_to_xyz(target)) @ from_pcs @ self.to_xyz_d50


def matrix_to_pcs(space: RGBSpace) -> DoubleArray:
    """Colorants of a known space: (3, 3), linear RGB to the profile connection space."""
    return adaptation_matrix(space.white, PCS_WHITE_XY, "bradford") @ rgb_to_xyz(space)
