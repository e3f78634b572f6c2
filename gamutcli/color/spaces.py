"""RGB spaces as data, their transfer curves, the matrices between them, and CIE Lab.

Every matrix is derived from primaries and white points and inverted numerically: the four-digit matrices in print do
not invert each other.  Arrays end in the three channels; ``_linear`` is light, ``_encoded`` is what a file stores,
both with 1.0 as diffuse white.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from gamutcli.arrays import Code16Array, CodeArray, DoubleArray, FloatArray

Adaptation = Literal["bradford", "cat02"]
Chromaticity = tuple[float, float]
Real = TypeVar("Real", np.float32, np.float64)
Number = TypeVar("Number", bound=np.generic)

D50: Chromaticity = (0.34567, 0.35850)
D65: Chromaticity = (0.3127, 0.3290)

_CONES: dict[str, DoubleArray] = {
    # Lam 1985, as used by ICC.1:2022 annex E.
    "bradford": np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]]),
    # CIE 159:2004 (CIECAM02).
    "cat02": np.array([[0.7328, 0.4296, -0.1624], [-0.7036, 1.6975, 0.0061], [0.0030, 0.0136, 0.9834]]),
}


@dataclass(frozen=True)
class TransferCurve:
    """A power curve with a straight start: ICC's parametric curve of type 3.

    ``linear = (a * encoded + b) ** gamma`` from ``encoded = break_`` on, ``slope * encoded`` below.

    Attributes:
        gamma: Exponent of the upper part.
        a: Factor of the encoded value in the upper part.
        b: Offset in the upper part.
        slope: Factor of the lower part; 0 for a pure power.
        break_: Encoded value where the upper part starts; 0 for a pure power.
        source: The document that the numbers are from.
    """

    gamma: float
    a: float = 1.0
    b: float = 0.0
    slope: float = 0.0
    break_: float = 0.0
    source: str = ""

    def decode(self, encoded: NDArray[Real]) -> NDArray[Real]:
        """Turn stored values into light.

        Args:
            encoded: Any shape, 0 to 1.  Below 0 the straight part goes on (a pure power gives 0).

        Returns:
            Same shape and type, linear light.

        Source: the document in ``source``; for the form, ICC.1:2022 section 10.18, function type 3.
        """
        power = np.maximum(self.a * encoded + self.b, 0) ** self.gamma
        return np.where(encoded >= self.break_, power, self.slope * encoded).astype(encoded.dtype)

    def encode(self, linear: NDArray[Real]) -> NDArray[Real]:
        """Turn light into stored values; the inverse of ``decode``.

        Args:
            linear: Any shape, 0 to 1.  Below 0 the straight part goes on (a pure power gives 0).

        Returns:
            Same shape and type, encoded.

        Source: the document in ``source``.
        """
        power = (np.maximum(linear, 0) ** (1 / self.gamma) - self.b) / self.a
        if not self.slope:
            return power.astype(linear.dtype)
        return np.where(linear >= self.slope * self.break_, power, linear / self.slope).astype(linear.dtype)


@dataclass(frozen=True)
class RGBSpace:
    """An RGB space: where its primaries and its white lie, and how it stores light.

    Attributes:
        name: The word the command line uses.
        title: The name people and profiles use.
        primaries: CIE 1931 x, y of red, green and blue.
        white: CIE 1931 x, y of (1, 1, 1).
        curve: The transfer curve, with its source.
    """

    name: str
    title: str
    primaries: tuple[Chromaticity, Chromaticity, Chromaticity]
    white: Chromaticity
    curve: TransferCurve

    def cctf_decoding(self, encoded: NDArray[Real]) -> NDArray[Real]:
        """Turn stored values of this space into light; see ``TransferCurve.decode``."""
        return self.curve.decode(encoded)

    def cctf_encoding(self, linear: NDArray[Real]) -> NDArray[Real]:
        """Turn light into stored values of this space; see ``TransferCurve.encode``."""
        return self.curve.encode(linear)


_SRGB_CURVE = TransferCurve(2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045, "IEC 61966-2-1:1999")
# The two constants of Rec. 2020 to full precision, so that its two parts meet in value and in slope.
_REC2020_ALPHA, _REC2020_BETA = 1.09929682680944, 0.018053968510807

PROPHOTO = RGBSpace(
    "prophoto",
    "ProPhoto RGB",
    ((0.7347, 0.2653), (0.1596, 0.8404), (0.0366, 0.0001)),
    D50,
    TransferCurve(1.8, 1.0, 0.0, 1 / 16, 16 / 512, "ISO 22028-2:2013 (ROMM RGB)"),
)
SRGB = RGBSpace("srgb", "sRGB", ((0.64, 0.33), (0.30, 0.60), (0.15, 0.06)), D65, _SRGB_CURVE)
DISPLAY_P3 = RGBSpace("displayp3", "Display P3", ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060)), D65, _SRGB_CURVE)
ADOBE_RGB = RGBSpace(
    "adobergb",
    "Adobe RGB (1998)",
    ((0.64, 0.33), (0.21, 0.71), (0.15, 0.06)),
    D65,
    TransferCurve(563 / 256, source="Adobe RGB (1998) Color Image Encoding, 2005-05"),
)
REC2020 = RGBSpace(
    "rec2020",
    "Rec. 2020",
    ((0.708, 0.292), (0.170, 0.797), (0.131, 0.046)),
    D65,
    TransferCurve(
        1 / 0.45,
        1 / _REC2020_ALPHA,
        1 - 1 / _REC2020_ALPHA,
        1 / 4.5,
        4.5 * _REC2020_BETA,
        "ITU-R BT.2020-2, table 4",
    ),
)
SPACES: dict[str, RGBSpace] = {space.name: space for space in (PROPHOTO, SRGB, DISPLAY_P3, ADOBE_RGB, REC2020)}


def xy_to_xyz(xy: Chromaticity) -> DoubleArray:
    """XYZ of a chromaticity, scaled to Y = 1: a (3,) array."""
    x, y = xy
    return np.array([x / y, 1.0, (1 - x - y) / y])


@lru_cache
def rgb_to_xyz(space: RGBSpace) -> DoubleArray:
    """Matrix from linear RGB to XYZ relative to the space's own white.

    Returns:
        (3, 3), read-only; ``xyz = matrix @ rgb``, Y of white is 1.

    Source: SMPTE RP 177-1993.
    """
    columns = np.stack([_direction(primary) for primary in space.primaries], axis=1)
    return _frozen(columns * np.linalg.solve(columns, xy_to_xyz(space.white)))


def _direction(xy: Chromaticity) -> DoubleArray:
    """XYZ of a chromaticity in any scale: one without luminance, as those of XYZ itself, has none of Y = 1."""
    x, y = xy
    return xy_to_xyz(xy) if y else np.array([x, y, 1 - x - y])


@lru_cache
def adaptation_matrix(source_white: Chromaticity, target_white: Chromaticity, method: Adaptation) -> DoubleArray:
    """Matrix from XYZ under one white to the corresponding XYZ under another, by von Kries scaling of cone responses.

    Args:
        source_white: CIE 1931 x, y.
        target_white: CIE 1931 x, y.
        method: "bradford" (what ICC profiles use) or "cat02" (what the GamutMLP paper uses).

    Returns:
        (3, 3), read-only.

    Source: ICC.1:2022 annex E; CIE 159:2004 for CAT02.
    """
    if source_white == target_white:
        return _frozen(np.eye(3))
    cones = _CONES[method]
    gains = (cones @ xy_to_xyz(target_white)) / (cones @ xy_to_xyz(source_white))
    return _frozen(np.linalg.inv(cones) @ np.diag(gains) @ cones)


@lru_cache
def rgb_to_rgb(source: RGBSpace, target: RGBSpace, adaptation: Adaptation = "bradford") -> DoubleArray:
    """Matrix from the linear RGB of one space to that of another.

    Args:
        source: The space to convert from.
        target: The space to convert to.
        adaptation: How whites are matched, where they differ.

    Returns:
        (3, 3), read-only; ``target_rgb = matrix @ source_rgb``.
    """
    if source == target:
        return _frozen(np.eye(3))
    adapt = adaptation_matrix(source.white, target.white, adaptation)
    return _frozen(np.linalg.inv(rgb_to_xyz(target)) @ adapt @ rgb_to_xyz(source))


def apply_matrix(linear: FloatArray, matrix: DoubleArray) -> FloatArray:
    """Multiply every pixel by a matrix, in float32.

    Args:
        linear: (..., 3), linear light.
        matrix: (3, 3).

    Returns:
        (..., 3), linear light, unclipped.
    """
    factors = np.ascontiguousarray(matrix.T, dtype=np.float32)
    pixels = np.ascontiguousarray(linear).reshape(-1, 3)
    product = np.empty_like(pixels)
    # In one piece OpenBLAS starts threads that cost fifty times the work.
    for start in range(0, len(pixels), 1 << 14):
        part = slice(start, start + (1 << 14))
        np.matmul(pixels[part], factors, out=product[part])
    return product.reshape(linear.shape)


def prophoto_linear_to_lab(prophoto_linear: FloatArray | DoubleArray) -> DoubleArray:
    """CIE 1976 L*a*b* relative to D50.

    Args:
        prophoto_linear: (..., 3), linear ProPhoto RGB; 1.0 is diffuse white.

    Returns:
        (..., 3): L* from 0 to 100, a*, b*.

    Source: CIE 15:2018, section 8.2.1.
    """
    # Channel by channel, each in one piece: twice as fast as pixel by pixel.
    matrix = rgb_to_xyz(PROPHOTO) / xy_to_xyz(PROPHOTO.white)[:, None]
    ratio = matrix @ prophoto_linear.reshape(-1, 3).T.astype(np.float64)
    fx, fy, fz = np.where(ratio > (6 / 29) ** 3, np.cbrt(ratio), ratio * (29 / 6) ** 2 / 3 + 4 / 29)
    lab = np.stack([116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)])
    return np.moveaxis(lab.reshape(3, *prophoto_linear.shape[:-1]), 0, -1)


@lru_cache
def decoding_table(space: RGBSpace, levels: int) -> FloatArray:
    """Light of every integer code of a space.

    Args:
        space: The space that the codes are of.
        levels: 256 or 65536 (any number above 1).

    Returns:
        (levels,) float32, read-only; ``table[codes]`` decodes an image.
    """
    return _frozen(space.cctf_decoding(np.arange(levels, dtype=np.float64) / (levels - 1)).astype(np.float32))


@dataclass(frozen=True, eq=False)
class EncodingTable:
    """Rounds light to the nearest integer code of a space without computing a power.

    The leading bits of a float32 pick a bin so narrow that at most one code ends in it.  One comparison with that end
    makes the result exact.  Built by ``encoding_table``.

    Attributes:
        floors: (bins,) uint8 or uint16: the code at the start of each bin.
        ends: (bins,) float32: the largest light that still has that code; infinity where no code ends in the bin.
        shift: How many trailing bits of a float32 the bins ignore.
        first: Number of the first bin.
    """

    floors: CodeArray | Code16Array
    ends: FloatArray
    shift: int
    first: int

    def codes(self, linear: FloatArray) -> NDArray[np.uint8] | NDArray[np.uint16]:
        """Clip to 0..1, apply the transfer curve, and round to the nearest code.

        Args:
            linear: Any shape, linear light; no NaN.

        Returns:
            Same shape; uint8 for at most 256 levels, else uint16.
        """
        flat = np.ascontiguousarray(linear).reshape(-1)
        codes = np.empty(flat.size, self.floors.dtype)
        # Signed, so that negative light gets a negative bin and clips to the first one.
        bits = flat.view(np.int32)
        block = 1 << 15  # what stays in the second-level cache
        for start in range(0, flat.size, block):
            part = slice(start, start + block)
            bins = ((bits[part] >> self.shift) - self.first).astype(np.intp)
            above = flat[part] > self.ends.take(bins, mode="clip")
            np.add(self.floors.take(bins, mode="clip"), above, out=codes[part], casting="unsafe")
        return codes.reshape(linear.shape)


@lru_cache
def encoding_table(space: RGBSpace, levels: int) -> EncodingTable:
    """Build the table that rounds light to codes of a space.

    Args:
        space: The space to encode for.
        levels: 256 or 65536 (2 to 65536).

    Returns:
        The table; the same object for the same arguments.
    """
    # code_ends[k] is the largest float32 that rounds to code k; the last code has no end.
    halves = space.cctf_decoding((np.arange(levels - 1, dtype=np.float64) + 0.5) / (levels - 1))
    code_ends = halves.astype(np.float32)
    code_ends = np.where(code_ends < halves, code_ends, np.nextafter(code_ends, np.float32(0)))

    bits = code_ends.view(np.int32)
    shift = next(n for n in range(23, -1, -1) if np.all(np.diff(bits >> n) > 0))
    # One bin without an end on either side catches everything below and above.
    first = int(bits[0] >> shift) - 1
    size = int(bits[-1] >> shift) - first + 2
    ends = np.full(size, np.inf, np.float32)
    ends[(bits >> shift) - first] = code_ends
    ended_before = np.cumsum(np.isfinite(ends)) - np.isfinite(ends)
    floors = _frozen(ended_before.astype(np.uint8)) if levels <= 256 else _frozen(ended_before.astype(np.uint16))
    return EncodingTable(floors, _frozen(ends), shift, first)


def _frozen(array: NDArray[Number]) -> NDArray[Number]:
    """The array itself, made read-only because caches share it."""
    array.setflags(write=False)
    return array
