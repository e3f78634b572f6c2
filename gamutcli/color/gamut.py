"""What sRGB can hold: the out-of-gamut (OG) mask, clipping, and rounding to 8 bits."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gamutcli.arrays import BoolArray, CodeArray, FloatArray
from gamutcli.color.spaces import (
    PROPHOTO,
    SRGB,
    Adaptation,
    apply_matrix,
    decoding_table,
    encoding_table,
    rgb_to_rgb,
)


def og_mask(srgb_linear: FloatArray, tolerance: float = 0.0) -> BoolArray:
    """Mark the pixels that sRGB cannot hold.

    A pixel is out of gamut when a channel is below 0 or above 1, but not when all three are below 0 or all three are
    above 1: such a pixel is only too dark or too bright, and no color is lost.

    Args:
        srgb_linear: (..., 3), linear light, *unclipped*; 1.0 is diffuse white.
        tolerance: Slack, linear units; half an 8-bit code near white is 0.0045.

    Returns:
        (...) bool; True means out of gamut.

    Source: Le et al., GamutMLP, CVPR 2023, section 3 (gamut reduction).
    """
    low, high = np.float32(-tolerance), np.float32(1 + tolerance)
    red, green, blue = srgb_linear[..., 0], srgb_linear[..., 1], srgb_linear[..., 2]
    # Whichever channel is smallest and largest decides all four questions.
    smallest = np.minimum(np.minimum(red, green), blue)
    largest = np.maximum(np.maximum(red, green), blue)
    outside: BoolArray = (smallest < low) | (largest > high)
    outside &= (largest >= low) & (smallest <= high)
    return outside


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
    """

    tolerance: int = 0
    every_pixel: bool = False

    def mask(self, srgb_codes: CodeArray) -> BoolArray:
        """(..., 3) codes to (...) bool: the pixels that go through the network."""
        if self.every_pixel:
            return np.ones(srgb_codes.shape[:-1], bool)
        return clipped_mask(srgb_codes, self.tolerance)


def codes_to_prophoto(srgb_codes: CodeArray, adaptation: Adaptation) -> FloatArray:
    """(..., 3) sRGB codes to (..., 3) linear ProPhoto RGB: the plain picture, before any correction."""
    return apply_matrix(decoding_table(SRGB, 256).take(srgb_codes), rgb_to_rgb(SRGB, PROPHOTO, adaptation))
