"""How far a picture is from its original: RMSE, PSNR and CIEDE2000 over all, out-of-gamut and in-gamut pixels.

Pictures are compared strip by strip as linear ProPhoto RGB, where 1.0 is diffuse white and the peak of the PSNR.
Which pixels are out of gamut is decided by the original.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from gamutcli.arrays import BoolArray, DoubleArray, FloatArray
from gamutcli.color.gamut import Rounding, og_beyond_rounding, rounding_of
from gamutcli.color.spaces import (
    PROPHOTO,
    SRGB,
    apply_matrix,
    decoding_table,
    encoding_table,
    prophoto_linear_to_lab,
    rgb_to_rgb,
)
from gamutcli.parallel import in_order

# Enough for a 99th percentile that is stable to a few thousandths; half a second's work for three regions.
DELTA_E_PIXELS = 200_000
#: Pixels whose colour differences are found at a time: what stays in the second-level cache.
_BLOCK = 1 << 13
REGIONS = ("all", "og", "in")


@dataclass(frozen=True)
class Scores:
    """Errors of a picture against its original.

    RMSE is in linear ProPhoto units, PSNR in dB with peak 1.0, CIEDE2000 over at most 200,000 evenly spaced pixels.
    ``all``, ``og`` and ``in`` are all, out-of-gamut and in-gamut pixels.  None where there is no such pixel, or where
    color differences were not asked for; a PSNR is infinite where there is no error.
    """

    rmse_all: float | None
    psnr_all: float | None
    rmse_og: float | None
    psnr_og: float | None
    rmse_in: float | None
    psnr_in: float | None
    de2000_all_mean: float | None
    de2000_all_p99: float | None
    de2000_og_mean: float | None
    de2000_og_p99: float | None
    de2000_in_mean: float | None
    de2000_in_p99: float | None


class ErrorSum:
    """The squared errors of some pixels, added up in float64."""

    def __init__(self) -> None:
        self.pixels = 0
        self._total = 0.0

    def add(self, squared: FloatArray) -> None:
        """Add pixels, each given by its mean squared error over the three channels."""
        self.pixels += squared.size
        self._total += float(squared.sum(dtype=np.float64))

    @property
    def rmse(self) -> float | None:
        """Root of the mean squared error; None without a pixel."""
        return math.sqrt(self._total / self.pixels) if self.pixels else None

    @property
    def psnr(self) -> float | None:
        """Peak signal-to-noise ratio in dB for a peak of 1.0; infinite without an error, None without a pixel."""
        if not self.pixels:
            return None
        return -10 * math.log10(self._total / self.pixels) if self._total else math.inf


class PairSample:
    """At most a given number of pixel pairs, evenly spaced over a stream of unknown length.

    It keeps every pixel until there are too many, then every second one, and so on.

    Attributes:
        pairs: (n, 2, 3) float32: picture and original of the pixels kept so far, linear ProPhoto.
    """

    def __init__(self, limit: int = DELTA_E_PIXELS) -> None:
        self._limit = limit
        self._step = 1
        self._seen = 0
        self.pairs = np.empty((0, 2, 3), np.float32)

    def add(self, picture: FloatArray, original: FloatArray, where: BoolArray | None = None) -> None:
        """Add the pixels of a strip.

        Args:
            picture: (..., 3), linear ProPhoto.
            original: Same shape, linear ProPhoto.
            where: (...) bool; only these pixels.  All when None.
        """
        pixels = np.arange(picture.size // 3) if where is None else np.flatnonzero(where)
        chosen = pixels[-self._seen % self._step :: self._step]
        while len(self.pairs) + chosen.size > self._limit:
            self.pairs = self.pairs[::2]
            self._step *= 2
            chosen = pixels[-self._seen % self._step :: self._step]
        self._seen += pixels.size
        pairs = np.stack([picture.reshape(-1, 3)[chosen], original.reshape(-1, 3)[chosen]], axis=1)
        self.pairs = np.concatenate([self.pairs, pairs])

    def delta_e(self) -> DoubleArray:
        """CIEDE2000 of the pairs that were kept: (n,)."""

        def of_block(start: int) -> DoubleArray:
            lab = prophoto_linear_to_lab(self.pairs[start : start + _BLOCK])
            return ciede2000(lab[:, 0], lab[:, 1])

        return np.concatenate([np.empty(0), *in_order(of_block, range(0, len(self.pairs), _BLOCK))])


class Comparison:
    """A picture against its original, strip by strip.

    Add the strips from top to bottom, then ask for ``scores``.
    """

    def __init__(
        self, color_differences: bool = True, regions: Sequence[str] = REGIONS, pixels: int = DELTA_E_PIXELS
    ) -> None:
        """Start with no pixel.

        Args:
            color_differences: Whether CIEDE2000 is wanted, which takes more time than all else.
            regions: Of which of them.
            pixels: Over how many pixels of each, at most.
        """
        self._errors = {region: ErrorSum() for region in REGIONS}
        self._samples = {region: PairSample(pixels) for region in regions} if color_differences else {}

    def add(self, picture: FloatArray, original: FloatArray, og: BoolArray | None = None) -> None:
        """Compare a strip.

        Args:
            picture: (rows, width, 3), linear ProPhoto.
            original: Same shape, linear ProPhoto.
            og: (rows, width): which pixels of the *original* are out of gamut.  Found when None,
                as ``original_og_mask`` does.
        """
        if og is None:
            og = original_og_mask(original)
        squared = squared_error(picture, original)
        for region, where in (("all", None), ("og", og), ("in", ~og)):
            self._errors[region].add(squared if where is None else squared[where])
            if region in self._samples:
                self._samples[region].add(picture, original, where)

    @property
    def og_pixels(self) -> int:
        """How many out-of-gamut pixels so far."""
        return self._errors["og"].pixels

    @property
    def og_pct(self) -> float:
        """Share of out-of-gamut pixels so far, in percent; 0 without a pixel."""
        return 100 * self._errors["og"].pixels / max(self._errors["all"].pixels, 1)

    def scores(self) -> Scores:
        """The errors over all strips so far."""
        figures: dict[str, float | None] = {}
        for region, errors in self._errors.items():
            figures[f"rmse_{region}"], figures[f"psnr_{region}"] = errors.rmse, errors.psnr
            differences = self.differences(region)
            figures[f"de2000_{region}_mean"] = float(differences.mean()) if differences.size else None
            figures[f"de2000_{region}_p99"] = float(np.percentile(differences, 99)) if differences.size else None
        return Scores(**figures)

    def differences(self, region: str) -> DoubleArray:
        """CIEDE2000 of evenly spaced pixels of "all", "og" or "in" so far: (n,), at most 200,000.

        It is empty where color differences were not wanted.
        """
        return self._samples[region].delta_e() if region in self._samples else np.empty(0)


def original_og_mask(prophoto_linear: FloatArray) -> BoolArray:
    """Which pixels of an original sRGB cannot hold, where that is a 16-bit picture in ProPhoto RGB.

    ``Original.og_mask`` is the same for a picture of any space and depth: what lies beyond sRGB by more than rounding.

    Args:
        prophoto_linear: (..., 3), linear ProPhoto.

    Returns:
        (...) bool; the white points are matched with Bradford.
    """
    codes = encoding_table(PROPHOTO, 65536).codes(prophoto_linear).astype(np.uint16, copy=False)
    return og_beyond_rounding(apply_matrix(prophoto_linear, rgb_to_rgb(PROPHOTO, SRGB)), codes, _prophoto_rounding())


@lru_cache
def _prophoto_rounding() -> Rounding:
    return rounding_of(np.stack([decoding_table(PROPHOTO, 65536)] * 3), rgb_to_rgb(PROPHOTO, SRGB))


def squared_error(picture: FloatArray, original: FloatArray) -> FloatArray:
    """Squared error of every pixel, the mean over its channels; its root is what an error map shows.

    Args:
        picture: (..., 3), linear ProPhoto.
        original: Same shape, linear ProPhoto.

    Returns:
        (...) float32.
    """
    residual = original - picture
    residual *= residual
    # Three slices are many times faster than a mean over an axis of three.
    mean: FloatArray = residual[..., 0] + residual[..., 1]
    mean += residual[..., 2]
    mean /= 3
    return mean


def ciede2000(lab1: DoubleArray, lab2: DoubleArray) -> DoubleArray:
    """CIE color difference of 2000, with all parametric factors 1.

    Args:
        lab1: (..., 3): L*, a*, b*.
        lab2: Same shape.

    Returns:
        (...): 1 is about a just noticeable difference.

    Source: ISO/CIE 11664-6:2022; Sharma, Wu, Dalal, Color Res. Appl. 30 (2005), whose equation numbers are given.
    """
    lightness1, a1, b1 = np.moveaxis(lab1, -1, 0)
    lightness2, a2, b2 = np.moveaxis(lab2, -1, 0)

    # Chroma and hue, with a* stretched near grey (2 to 7).
    stretch = 1.5 - 0.5 * _chroma_weight((_chroma(a1, b1) + _chroma(a2, b2)) / 2)
    chroma1, chroma2 = _chroma(a1 * stretch, b1), _chroma(a2 * stretch, b2)
    hue1, hue2 = (np.degrees(np.arctan2(b, a * stretch)) % 360 for a, b in ((a1, b1), (a2, b2)))

    # Differences (8 to 11).  A grey has no hue, so its hue does not differ.
    turn = hue2 - hue1
    far = np.abs(turn) > 180
    turn = np.where(chroma1 * chroma2 == 0, 0.0, np.where(far, turn - np.copysign(360, turn), turn))
    hue_difference = 2 * np.sqrt(chroma1 * chroma2) * np.sin(np.radians(turn / 2))

    # Means (12 to 14).  The mean hue lies on the shorter way round; that of a grey is the other's.
    lightness, chroma = (lightness1 + lightness2) / 2, (chroma1 + chroma2) / 2
    hue_sum = hue1 + hue2
    opposite = np.where(hue_sum < 360, hue_sum + 360, hue_sum - 360)
    hue = np.where(chroma1 * chroma2 == 0, hue_sum, np.where(far, opposite, hue_sum) / 2)

    # Weights (15 to 21).
    hue_weight = (
        1
        - 0.17 * _cosine(hue - 30)
        + 0.24 * _cosine(2 * hue)
        + 0.32 * _cosine(3 * hue + 6)
        - 0.20 * _cosine(4 * hue - 63)
    )
    from_middle = (lightness - 50) ** 2
    lightness_term = (lightness2 - lightness1) / (1 + 0.015 * from_middle / np.sqrt(20 + from_middle))
    chroma_term = (chroma2 - chroma1) / (1 + 0.045 * chroma)
    hue_term = hue_difference / (1 + 0.015 * chroma * hue_weight)
    rotation = -2 * _chroma_weight(chroma) * np.sin(np.radians(60 * np.exp(-(((hue - 275) / 25) ** 2))))

    # The difference (22).
    squared = lightness_term**2 + chroma_term**2 + hue_term**2 + rotation * chroma_term * hue_term
    difference: DoubleArray = np.sqrt(np.maximum(squared, 0))
    return difference


def _chroma(a: DoubleArray, b: DoubleArray) -> DoubleArray:
    chroma: DoubleArray = np.sqrt(a * a + b * b)  # a tenth of what np.hypot takes
    return chroma


def _chroma_weight(chroma: DoubleArray) -> DoubleArray:
    seventh = chroma**7
    weight: DoubleArray = np.sqrt(seventh / (seventh + 25.0**7))
    return weight


def _cosine(degrees: DoubleArray) -> DoubleArray:
    cosine: DoubleArray = np.cos(np.radians(degrees))
    return cosine
