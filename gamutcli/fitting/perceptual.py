"""Makes the picture of the perceptual intent: chooses how far its colours are moved, moves them, and rounds them well.

Rounding each channel to its nearest code is not the best there is: the decoder moves colours out again, and stretches
what rounding did on the way.  So of a few codes around, those are taken from which it comes closest to the original.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from gamutcli.arrays import BoolArray, CodeArray, DoubleArray, FloatArray, IndexArray
from gamutcli.color.compression import LIMIT_UNIT, Compression, Side, fraction_of
from gamutcli.color.gamut import srgb_codes
from gamutcli.color.spaces import PROPHOTO, SRGB, Adaptation, apply_matrix, rgb_to_rgb
from gamutcli.images.original import Original
from gamutcli.parallel import in_order, strips

#: Colours within nine tenths of the way to the boundary stay as they are.
KNEE = 6553
#: Of the luminance at least, where channels are below 0: a knee's room is some codes there. Of the smallest channel at
#: most, where channels are above 1.
DARKEST, BRIGHTEST = 328, 52428
#: Limits are chosen from so many pixels, about.
MOST_LOOKED_AT = 1 << 18
#: Of a lossy file's limit above, how much it keeps of what lies beyond 1: its noise is worth more colour there the
#: steeper the curve, and more than texture gains.
LOSSY_SHARE = 0.3
#: Pixels beyond a limit, which is none for a handful.
BEYOND, FEWEST = 0.002, 32
LARGEST_LIMIT = 2.5
#: How much steeper than before one more step of levels pays, distances by code.
LEVELS_FROM = ((3.0, 3), (12.0, 5))
#: What is tried around the nearest codes: of the two channels that tell the fraction, and of the limiting one.
TRIED = ((0, 0, 0), (1, 0, 0), (-1, 0, 0), (0, 1, 0), (0, -1, 0), (0, 0, 1), (0, 0, -1))
#: Pixels that are tried at once: they stay in a core's own cache.
CHUNK = 1 << 13


def choose_compression(original: Original, adaptation: Adaptation, lossless: bool = True) -> Compression:
    """Choose the curves that suit a picture.

    Args:
        original: The picture.
        adaptation: Between the whites.
        lossless: Whether the file will hold the very codes; if not, their last bits can tell no fraction.
    """
    height, width = original.size
    every = max(1, round((height * width / MOST_LOOKED_AT) ** 0.5))
    codes = original.codes[::every, ::every].reshape(-1, 3)
    colors = apply_matrix(original.linear(codes), rgb_to_rgb(PROPHOTO, SRGB, adaptation))
    probe = Compression(Side(KNEE, 8 * LIMIT_UNIT, 1, DARKEST), Side(KNEE, 8 * LIMIT_UNIT, 1, BRIGHTEST))
    below, above = probe.distances(colors)
    found = _choose_side(below, DARKEST, lossless), _choose_side(above, BRIGHTEST, lossless)
    if lossless:
        return Compression(*found)
    beyond = found[1].limit - LIMIT_UNIT
    return Compression(found[0], replace(found[1], limit=LIMIT_UNIT + round(LOSSY_SHARE * beyond)))


def _choose_side(distances: FloatArray, bound: int, lossless: bool) -> Side:
    beyond = distances[distances > 1]
    if beyond.size < FEWEST:
        return Side()
    limit = min(LARGEST_LIMIT, float(np.quantile(beyond, 1 - BEYOND)))
    slope = (limit - 1 + KNEE / 65536) / (KNEE / 65536)
    levels = max([1, *(levels for start, levels in LEVELS_FROM if lossless and slope >= start)])
    return Side(KNEE, round(limit * LIMIT_UNIT), levels, bound)


def perceptual_codes(
    original: Original, compression: Compression, adaptation: Adaptation, exact: bool
) -> tuple[CodeArray, BoolArray]:
    """Move a picture's colours into sRGB and round them.

    Args:
        original: The picture.
        compression: How they are moved.
        adaptation: Between the whites.
        exact: Whether the file will hold the very codes: then they are chosen with care.

    Returns:
        The (height, width, 3) codes, and (height, width) which pixels were moved.
    """
    codes, marked = np.empty((*original.size, 3), np.uint8), np.empty(original.size, bool)
    inwards, outwards = rgb_to_rgb(PROPHOTO, SRGB, adaptation), rgb_to_rgb(SRGB, PROPHOTO, adaptation)

    def convert(rows: slice) -> tuple[CodeArray, BoolArray]:
        truth = original.strip(rows).reshape(-1, 3)
        colors, moved = compression.compress(apply_matrix(truth, inwards))
        converted = srgb_codes(colors)
        places = np.flatnonzero(moved) if exact else np.empty(0, np.intp)
        for start in range(0, places.size, CHUNK):
            some = places[start : start + CHUNK]
            converted[some] = _choose_codes(compression, colors[some], converted[some], truth[some], outwards)
        shape = original.codes[rows].shape
        return converted.reshape(shape), moved.reshape(shape[:2])

    parts = list(strips(*original.size))
    for part, (converted, moved) in zip(parts, in_order(convert, parts), strict=True):
        codes[part], marked[part] = converted, moved
    return codes, marked


def _choose_codes(
    compression: Compression, colors: FloatArray, nearest: CodeArray, truth: FloatArray, outwards: DoubleArray
) -> CodeArray:
    """(n, 3) codes around those nearest to moved colours, from which a decoder comes closest to the truth."""
    count = np.arange(len(nearest))
    _, above = compression.zones(nearest)
    limiting = np.where(above, nearest.argmax(axis=1), nearest.argmin(axis=1))
    first, second = (limiting + 1) % 3, (limiting + 2) % 3
    ideal = 255 * SRGB.cctf_encoding(colors[count, limiting].clip(0, 1))
    best, least = nearest.copy(), np.full(len(nearest), np.inf, np.float32)
    for a, b, c in TRIED:
        tried = nearest.astype(np.intp)
        tried[count, first] += a
        tried[count, second] += b
        fraction = np.where(
            above,
            _tell_fraction(tried[count, first], tried[count, second], compression.above.levels),
            -_tell_fraction(tried[count, first], tried[count, second], compression.below.levels),
        )
        tried[count, limiting] = np.round(ideal + fraction).astype(np.intp) + c
        codes = tried.clip(0, 255).astype(np.uint8)
        restored = apply_matrix(compression.undo(codes), outwards).clip(0, 1)
        error = np.square(restored - truth).sum(axis=1)
        closer = error < least
        best[closer], least[closer] = codes[closer], error[closer]
    return best


def _tell_fraction(first: IndexArray, second: IndexArray, levels: int) -> DoubleArray:
    """The fraction of a code that two channels tell."""
    return fraction_of(first, second, levels) / levels
