"""What sRGB can hold: the out-of-gamut (OG) mask, clipping, and rounding to 8 bits."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from gamutcli.arrays import BoolArray, Code16Array, CodeArray, DoubleArray, FloatArray
from gamutcli.color.compression import Compression
from gamutcli.color.spaces import (
    PROPHOTO,
    SRGB,
    Adaptation,
    apply_matrix,
    decoding_table,
    encoding_table,
    rgb_to_rgb,
)

# What single precision adds to the light of a picture.
_FLOAT_ERROR = 2e-7


def og_mask(srgb_linear: FloatArray, tolerance: float | FloatArray = 0.0) -> BoolArray:
    """Mark the pixels that sRGB cannot hold.

    A pixel is out of gamut when a channel is below 0 or above 1, but not when all three are below 0 or all three are
    above 1: such a pixel is only too dark or too bright, and no color is lost.

    Args:
        srgb_linear: (..., 3), linear light, *unclipped*; 1.0 is diffuse white.
        tolerance: Slack, linear units: one for all, or (...) for each pixel and channel.

    Returns:
        (...) bool; True means out of gamut.

    Source: Le et al., GamutMLP, CVPR 2023, section 3 (gamut reduction).
    """
    if isinstance(tolerance, np.ndarray):
        # How far each channel lies beyond its own bounds: where it is inside, below 0.
        below, above = -tolerance - srgb_linear, srgb_linear - 1 - tolerance
        return (_largest(below) > 0) & (_smallest(below) <= 0) | (_largest(above) > 0) & (_smallest(above) <= 0)
    low, high = np.float32(-tolerance), np.float32(1 + tolerance)
    # Whichever channel is smallest and largest decides all four questions.
    smallest, largest = _smallest(srgb_linear), _largest(srgb_linear)
    outside: BoolArray = (smallest < low) | (largest > high)
    outside &= (largest >= low) & (smallest <= high)
    return outside


def og_beyond_rounding(srgb_linear: FloatArray, codes: Code16Array, rounding: Rounding) -> BoolArray:
    """Mark the pixels that sRGB cannot hold, by more than the rounding of the codes that they come from.

    This is what "out of gamut" means wherever a figure is given.

    Args:
        srgb_linear: (..., 3), linear light, *unclipped*.
        codes: (..., 3): of the source.
        rounding: Of that source.

    Returns:
        (...) bool.
    """
    smallest, largest = _smallest(srgb_linear), _largest(srgb_linear)
    below, above = (smallest < 0) & (largest >= 0), (largest > 1) & (smallest <= 1)
    marked: BoolArray = below | above
    # The slack of a code decides only within the largest slack of any.
    most = rounding.most
    certain = below & (smallest < -most) | above & (largest > 1 + most)
    places = np.flatnonzero(marked & ~certain)
    slack = rounding.tolerance(codes.reshape(-1, 3)[places])
    marked.reshape(-1)[places] = og_mask(srgb_linear.reshape(-1, 3)[places], slack)
    return marked


@dataclass(frozen=True, eq=False)
class Rounding:
    """How far the rounding of a source's codes may have moved its light: only what lies beyond is out of gamut.

    Without it a picture that was sRGB before it was stored in another space would be out of gamut in every black and
    every white, by chance.

    Attributes:
        widths: (3, 65536) float32: by how much light may have been rounded at each 16-bit code of each channel.
        matrix: (3, 3): the linear light of those codes to linear sRGB.
    """

    widths: FloatArray
    matrix: DoubleArray

    @cached_property
    def most(self) -> np.float32:
        """The largest tolerance of any codes, linear sRGB, with a little for the rounding of its own sum."""
        return np.float32((np.abs(self.matrix) @ self.widths.max(axis=1)).max() * 1.001)

    def tolerance(self, codes: Code16Array) -> FloatArray:
        """(..., 3) codes to (..., 3) linear sRGB."""
        width = np.empty(codes.shape, np.float32)
        for channel in range(3):
            width[..., channel] = self.widths[channel].take(codes[..., channel])
        return apply_matrix(width, np.abs(self.matrix))


def rounding_of(light: FloatArray, matrix: DoubleArray, bits: int = 16) -> Rounding:
    """Find out how far rounding may have moved light: by half a code of the source's own depth.

    Args:
        light: (3, 65536): the linear light of every 16-bit code.
        matrix: (3, 3): that light to linear sRGB.
        bits: How many bits the source's codes had before they were spread over 16.
    """
    places, white = np.arange(65536), (1 << bits) - 1
    # Codes of 10 and 12 bits were rounded a second time, when they were spread.
    half = 65535 / white / 2 + (0.5 if 65535 % white else 0)
    below = [np.interp(places - half, places, channel) for channel in light]
    above = [np.interp(places + half, places, channel) for channel in light]
    widths = np.maximum(above - light, light - below) + _FLOAT_ERROR
    return Rounding(widths.astype(np.float32), matrix)


def depth_of(codes: Code16Array) -> int:
    """Find out how many bits codes had before they were spread over 16: 8, 10, 12, or 16.

    Args:
        codes: (rows, ...); a look at a few of them tells most pictures of 16 bits.
    """
    step = max(1, (len(codes) << 20) // max(1, codes.size))
    for bits in (8, 10, 12):
        white = (1 << bits) - 1
        spread = np.zeros(65536, bool)
        spread[(np.arange(white + 1) * 65535 + white // 2) // white] = True
        if all(spread.take(codes[top : top + step]).all() for top in range(0, len(codes), step)):
            return bits
    return 16


def _smallest(channels: FloatArray) -> FloatArray:
    # By slices: many times faster than a minimum over an axis of three.
    smallest: FloatArray = np.minimum(np.minimum(channels[..., 0], channels[..., 1]), channels[..., 2])
    return smallest


def _largest(channels: FloatArray) -> FloatArray:
    largest: FloatArray = np.maximum(np.maximum(channels[..., 0], channels[..., 1]), channels[..., 2])
    return largest


def srgb_codes(srgb_linear: FloatArray) -> CodeArray:
    """Clip to sRGB, apply its transfer curve, and round to the nearest 8-bit code.

    Args:
        srgb_linear: (..., 3), linear light, unclipped; 1.0 is diffuse white; no NaN.

    Returns:
        (..., 3) uint8, what a reduced picture stores.

    Source: IEC 61966-2-1:1999.
    """
    return encoding_table(SRGB, 256).codes(srgb_linear).astype(np.uint8, copy=False)


def clipped_mask(srgb_codes: CodeArray, tolerance: int = 0) -> BoolArray:
    """Mark the pixels that look clipped: what a decoder, which has only the 8-bit picture, takes for out of gamut.

    A pixel is marked when a code lies at most ``tolerance`` from 0 or 255, but not when all three lie at the same
    end: black and blown white hold no color to restore.  Every pixel of ``og_mask`` that rounds to neither is marked.

    Args:
        srgb_codes: (..., 3) uint8.
        tolerance: Codes of slack; 0 for a lossless file, more where compression moves the codes.

    Returns:
        (...) bool.
    """
    red, green, blue = srgb_codes[..., 0], srgb_codes[..., 1], srgb_codes[..., 2]
    smallest = np.minimum(np.minimum(red, green), blue)
    largest = np.maximum(np.maximum(red, green), blue)
    low, high = np.uint8(tolerance), np.uint8(255 - tolerance)
    marked: BoolArray = (smallest <= low) | (largest >= high)
    marked &= (largest > low) & (smallest < high)
    return marked


@dataclass(frozen=True)
class Correction:
    """Which pixels the decoder corrects.

    Attributes:
        tolerance: A pixel counts as clipped when a code is at most this far from 0 or 255; 0 for lossless files.
        every_pixel: Correct all pixels, as the paper does, clipped or not.
        compression: How colours were moved into sRGB; None: they were clipped.
    """

    tolerance: int = 0
    every_pixel: bool = False
    compression: Compression | None = None

    def mask(self, srgb_codes: CodeArray) -> BoolArray:
        """(..., 3) codes to (...) bool: the pixels that go through the network."""
        if self.every_pixel:
            return np.ones(srgb_codes.shape[:-1], bool)
        clipped = clipped_mask(srgb_codes, self.tolerance)
        return clipped if self.compression is None else clipped | self.compression.mask(srgb_codes)

    def before(self, srgb_codes: CodeArray, adaptation: Adaptation, exact: bool = True) -> FloatArray:
        """(n, 3) codes of pixels of ``mask`` to (n, 3) linear ProPhoto RGB: what the network adds its residual to.

        Args:
            srgb_codes: The pixels.
            adaptation: Between the whites.
            exact: Whether these are the codes that were written.
        """
        if self.compression is None:
            return codes_to_prophoto(srgb_codes, adaptation)
        matrix = rgb_to_rgb(SRGB, PROPHOTO, adaptation)
        return apply_matrix(self.compression.undo(srgb_codes, exact), matrix)


def codes_to_prophoto(srgb_codes: CodeArray, adaptation: Adaptation) -> FloatArray:
    """(..., 3) sRGB codes to (..., 3) linear ProPhoto RGB: the plain picture, before any correction."""
    return apply_matrix(decoding_table(SRGB, 256).take(srgb_codes), rgb_to_rgb(SRGB, PROPHOTO, adaptation))
