"""Soft clip: gamut compression that can be undone, the classical peer of the network.

A pixel of linear sRGB is described by its largest channel, ``m = max(R, G, B)``, and by how far each channel lies below
it, ``d = (m - c) / m``: 0 on greys, 1 where a channel is 0, more where it is negative.  As ``c = m (1 - d)``, sRGB is
what has ``m <= 1`` and ``d <= 1``, one bound a side.  Both are bent into their bounds by the same curve, and as the
largest channel keeps its distance of 0, the decoder finds the bent ``m`` and ``d`` in the picture and bends them back.

The curve leaves alone what lies below its start ``s``, and takes the picture's own limit ``l >= 1`` to 1:

    bent(v) = s + (1 - s) z / (1 + k z),  z = (v - s) / (1 - s),  k = 1 - (1 - s) / (l - s)
    undone:   z = y / (1 - k y),          y = (bent - s) / (1 - s)

It starts with slope 1, so that nothing shows where it begins, and is the identity for ``l = 1``.  The limits, three for
the distances and one for the largest channel, travel with the picture.

Distances have limits by nature: no ray of ProPhoto's non-negative colours comes near sRGB's black, so none exceeds 1.9.

Source: the Reference Gamut Compression of the Academy Color Encoding System, 2021, for distances from the grey axis;
the curve and the side above 1 are this project's own.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gamutcli.arrays import CodeArray, FloatArray
from gamutcli.color.gamut import Correction, srgb_codes
from gamutcli.color.spaces import PROPHOTO, SRGB, apply_matrix, decoding_table, rgb_to_rgb
from gamutcli.images.original import Original
from gamutcli.parallel import in_order, strips
from gamutcli.restore import Restoration

#: Where the curves start: of the distances, and of the largest channel.
#:
#: Measured on the six sample pictures: PSNR in dB out of gamut, over all pixels, and the mean dE2000 by which the
#: reduced picture then differs from the plain clip.  The plain clip has 37.4, 43.5 and 0.
#:
#:     largest from    0.5                 0.7                 0.8                 0.9                 0.95
#:     distance 0.5    58.7, 58.7, 2.3     56.8, 57.8, 2.1     54.8, 56.7, 2.0     49.7, 53.5, 2.0     41.1, 46.7, 1.9
#:     distance 0.8    58.7, 58.8, 1.5     56.8, 57.9, 1.3     54.8, 56.7, 1.3     49.7, 53.5, 1.2     41.1, 46.7, 1.2
#:     distance 0.9    58.7, 58.8, 1.2     56.8, 57.9, 0.9     54.8, 56.7, 0.8     49.7, 53.5, 0.8     41.1, 46.7, 0.7
#:
#: Where distances start hardly matters for what is restored, as dark codes are fine: so late, for the picture's sake.
#: Codes near white are coarse: from 0.8 on down every tenth gains less, and takes more light from the whites, which
#: fall to code 246 of 255 with 0.8 (for a limit of 1.4), to 242 with 0.7.
DISTANCE_START, LARGEST_START = 0.9, 0.8
#: No light to divide by.
_DARKEST = np.float32(1e-9)


@dataclass(frozen=True)
class Limits:
    """What travels with a picture: the largest values that its curves take to 1, as float32; 1 where none exceeds it.

    Attributes:
        distances: Of red, green and blue.
        largest: Of the largest channel.
    """

    distances: tuple[float, float, float]
    largest: float

    @property
    def float_bytes(self) -> int:
        """What they take as float32."""
        return 4 * (len(self.distances) + 1)


@dataclass(frozen=True, eq=False)
class SoftClip:
    """A picture reduced by soft clip: (height, width, 3) sRGB codes, and what it takes to undo it."""

    srgb_codes: CodeArray
    limits: Limits


def bend(values: FloatArray, start: float, limit: float | FloatArray) -> FloatArray:
    """Bend what exceeds a start, so that the limit becomes 1.

    Args:
        values: Any shape, at most the limit.
        start: Below 1.
        limit: At least 1; one for all, or of a shape that goes with the values.
    """
    beyond = (values - np.float32(start)) / np.float32(1 - start)
    kept = beyond / (1 + _factor(start, limit) * np.maximum(beyond, 0))
    return np.where(beyond > 0, np.minimum(np.float32(start) + np.float32(1 - start) * kept, 1), values)


def straighten(values: FloatArray, start: float, limit: float | FloatArray) -> FloatArray:
    """Undo ``bend``: values of any shape, at most 1."""
    kept = (values - np.float32(start)) / np.float32(1 - start)
    beyond = kept / (1 - _factor(start, limit) * np.maximum(kept, 0))
    return np.where(kept > 0, np.float32(start) + np.float32(1 - start) * beyond, values)


def _factor(start: float, limit: float | FloatArray) -> FloatArray:
    # Below 1, so that nothing is divided by 0.
    factor: FloatArray = np.asarray(1 - (1 - start) / (np.asarray(limit, np.float64) - start), np.float32)
    return factor


def compress(srgb_linear: FloatArray, limits: Limits) -> FloatArray:
    """Bend the colours of a picture into sRGB.

    Args:
        srgb_linear: (..., 3), linear light, unclipped; 1.0 is diffuse white.
        limits: Of the picture.

    Returns:
        (..., 3), linear light, 0 to 1; black where no channel is above 0.
    """
    largest, distances = _polar(srgb_linear)
    bent_distances = bend(distances, DISTANCE_START, np.array(limits.distances, np.float32))
    return bend(largest, LARGEST_START, limits.largest) * (1 - bent_distances)


def stretch(srgb_linear: FloatArray, limits: Limits) -> FloatArray:
    """Undo ``compress``: (..., 3) linear light, 0 to 1, to (..., 3) linear light, unclipped."""
    largest, distances = _polar(srgb_linear)
    far_distances = straighten(distances, DISTANCE_START, np.array(limits.distances, np.float32))
    return straighten(largest, LARGEST_START, limits.largest) * (1 - far_distances)


def _polar(srgb_linear: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The largest channel, (..., 1), at least 0, and how far each lies below it, (..., 3)."""
    largest = np.maximum(srgb_linear.max(axis=-1, keepdims=True), 0)
    return largest, np.maximum(largest - srgb_linear, 0) / np.maximum(largest, _DARKEST)


def soft_clip(original: Original) -> SoftClip:
    """Reduce a picture: measure its limits, compress, round to 8 bits."""
    rows = list(strips(*original.size))
    limits = limits_of(original)
    codes = np.empty((*original.size, 3), np.uint8)

    def convert(part: slice) -> CodeArray:
        return srgb_codes(compress(_srgb_linear(original, part), limits))

    for part, converted in zip(rows, in_order(convert, rows), strict=True):
        codes[part] = converted
    return SoftClip(codes, limits)


def limits_of(original: Original) -> Limits:
    """The largest distances and the largest channel of a picture, at least 1."""

    def of_strip(rows: slice) -> FloatArray:
        largest, distances = _polar(_srgb_linear(original, rows))
        # What is black in sRGB, whatever its channels below 0, has no distance that could be bent back.
        distances[largest[..., 0] <= _DARKEST] = 0
        return np.array([*distances.reshape(-1, 3).max(axis=0), largest.max()], np.float32)

    found = np.max([np.ones(4, np.float32), *in_order(of_strip, strips(*original.size))], axis=0)
    red, green, blue, largest = map(float, found)
    return Limits((red, green, blue), largest)


class SoftRestoration(Restoration):
    """The wide-gamut picture of a softly clipped one, strip by strip."""

    def __init__(self, soft: SoftClip) -> None:
        super().__init__(soft.srgb_codes, "bradford", Correction(), network=None)
        self.limits = soft.limits

    def linear(self, rows: slice) -> tuple[FloatArray, int]:
        """(rows, width, 3) linear ProPhoto RGB, unclipped, and how many pixels a network corrected: none."""
        srgb_linear = stretch(decoding_table(SRGB, 256).take(self.srgb_codes[rows]), self.limits)
        return apply_matrix(srgb_linear, rgb_to_rgb(SRGB, PROPHOTO)), 0


def _srgb_linear(original: Original, rows: slice) -> FloatArray:
    """(rows, width, 3) linear light, unclipped."""
    return apply_matrix(original.strip(rows), rgb_to_rgb(PROPHOTO, SRGB))
