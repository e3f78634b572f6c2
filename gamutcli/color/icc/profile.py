"""What a profile says: transfer curves and colorants, or tables that only LittleCMS follows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from gamutcli.arrays import DoubleArray, FloatArray
from gamutcli.color.spaces import SPACES, RGBSpace, TransferCurve, adaptation_matrix, rgb_to_rgb, rgb_to_xyz
from gamutcli.color.spaces import decoding_table as standard_table

# The white of the profile connection space (section 7.2.16), which D50's x and y give to four digits only.
PCS_WHITE = (0.9642, 1.0, 0.8249)
PCS_WHITE_XY = (PCS_WHITE[0] / sum(PCS_WHITE), PCS_WHITE[1] / sum(PCS_WHITE))

# Published profiles round colorants to four digits, and store them in steps of 1/65536. All that were met, of Kodak,
# Argyll, RawTherapee, Krita and others, lie within 0.00006 of the known space, or are 0.00013 and more away.
_ROUNDING = 0.00005 + 0.5 / 65536 + 0.00002
# How far profiles lie apart that all mean one space; the nearest two known spaces differ by 0.08.
_KINSHIP = 0.002
# Rounding to 16 bits and joining 1024 points by lines stay below it; gamma 1.8 without its toe is 20 times above.
_CURVE_TOLERANCE = 2e-5

Model = Literal["grey", "rgb", "cmyk"]


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
        """Turn stored values into light; same shape. Both parts go on beyond 0 and 1, a straight line in both ways."""
        if self == LINEAR:
            return encoded
        # Where the power overflows below d, it is not used.
        with np.errstate(over="ignore"):
            power = np.maximum(self.a * encoded + self.b, 0) ** self.g + self.e
        return np.where(encoded >= self.d, power, self.c * encoded + self.f)


LINEAR = ParametricCurve(1.0)


@dataclass(frozen=True)
class SampledCurve:
    """Evenly spaced samples of 16 bits, joined by straight lines (section 10.6)."""

    samples: tuple[int, ...]

    def decode(self, encoded: DoubleArray) -> DoubleArray:
        """Turn stored values into light; same shape. Beyond 0 and 1 the first and the last line go on."""
        samples = np.array(self.samples, np.float64) / 65535
        last = len(samples) - 1
        light = np.interp(encoded * last, np.arange(len(samples)), samples)
        below, above = np.minimum(encoded, 0), np.maximum(encoded - 1, 0)
        extended: DoubleArray = light + last * (below * (samples[1] - samples[0]) + above * (samples[-1] - samples[-2]))
        return extended


Curve = ParametricCurve | SampledCurve


@dataclass(frozen=True, eq=False)
class MatrixProfile:
    """What codes of an RGB space mean: three curves, then a matrix.

    Attributes:
        description: What the profile calls itself; may be empty, and may be wrong.
        to_xyz_d50: (3, 3): linear RGB to the profile connection space, whose white is D50.
        curves: The transfer curves of red, green and blue.
    """

    description: str
    to_xyz_d50: DoubleArray
    curves: tuple[Curve, Curve, Curve]

    @property
    def space(self) -> RGBSpace | None:
        """The known space with these primaries and this white up to rounding, whatever its curves are; or None."""
        return self._nearest(_ROUNDING)

    @property
    def family(self) -> RGBSpace | None:
        """The known space that these primaries stand for, however their maker has adapted and rounded them; or None."""
        return self._nearest(_KINSHIP)

    @property
    def is_exact_curve(self) -> bool:
        """Whether all three curves are those of ``space``, up to rounding."""
        space = self.space
        return space is not None and all(_is_curve_of(space, curve) for curve in set(self.curves))

    @property
    def channels(self) -> int:
        """How many there are in its codes."""
        return len(self.curves)

    @property
    def title(self) -> str:
        """What to call it: by the known space, unless it has curves of its own."""
        if self.space is not None and (self.is_exact_curve or not self.description):
            return self.space.title
        return self.description or "an unnamed space"

    @property
    def has_neutral_white(self) -> bool:
        """Whether equal codes are grey: not so in profiles of some cameras."""
        return bool(np.abs(self.to_xyz_d50.sum(axis=1) - PCS_WHITE).max() < 0.02)

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

    def _nearest(self, distance: float) -> RGBSpace | None:
        for space in SPACES.values():
            if np.abs(self.to_xyz_d50 - matrix_to_pcs(space)).max() < distance:
                return space
        return None


@dataclass(frozen=True, eq=False)
class TableProfile:
    """What codes mean by lookup tables, which LittleCMS follows.

    Attributes:
        description: What the profile calls itself; may be empty, and may be wrong.
        data: The whole profile.
        model: What its codes are: "rgb" or "cmyk".
    """

    description: str
    data: bytes
    model: Model

    @property
    def channels(self) -> int:
        """How many there are in its codes."""
        return 4 if self.model == "cmyk" else 3

    @property
    def space(self) -> None:
        """No known one."""
        return

    @property
    def title(self) -> str:
        """What to call it."""
        return self.description or "an unnamed space"


Profile = MatrixProfile | TableProfile


def profile_of(space: RGBSpace, linear: bool = False) -> MatrixProfile:
    """What codes of a space mean.

    Args:
        space: Its primaries, its white and its curve.
        linear: Whether the codes are light, and not encoded by that curve.
    """
    curve = LINEAR if linear else _parametric(space.curve)
    return MatrixProfile(space.title, matrix_to_pcs(space), (curve, curve, curve))


def matrix_to_pcs(space: RGBSpace) -> DoubleArray:
    """Colorants of a space: (3, 3), linear RGB to the profile connection space."""
    return adaptation_matrix(space.white, PCS_WHITE_XY, "bradford") @ rgb_to_xyz(space)


def _parametric(curve: TransferCurve) -> ParametricCurve:
    return ParametricCurve(curve.gamma, curve.a, curve.b, curve.slope, curve.break_)


def _is_curve_of(space: RGBSpace, curve: Curve) -> bool:
    encoded = np.linspace(0, 1, 4097)
    return bool(np.abs(curve.decode(encoded) - space.cctf_decoding(encoded)).max() < _CURVE_TOLERANCE)
