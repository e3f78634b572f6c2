"""Makes the picture of the perceptual intent: moves its colours, and rounds them well.

Rounding each channel to its nearest code is not the best there is: the decoder moves colours out again, and stretches
what rounding did on the way.  So of a few codes around, those are taken from which it comes closest to the original.
"""

from __future__ import annotations

import numpy as np

from gamutcli.arrays import BoolArray, CodeArray, DoubleArray, FloatArray, IndexArray
from gamutcli.color.compression import Compression, fraction_of
from gamutcli.color.gamut import srgb_codes
from gamutcli.color.spaces import PROPHOTO, SRGB, Adaptation, apply_matrix, rgb_to_rgb
from gamutcli.fingerprint.blocks import LostPixels
from gamutcli.images.original import Original
from gamutcli.parallel import in_order, strips

#: What is tried around the nearest codes: of the two channels that tell the fraction, and of the limiting one.
TRIED = ((0, 0, 0), (1, 0, 0), (-1, 0, 0), (0, 1, 0), (0, -1, 0), (0, 0, 1), (0, 0, -1))
#: Pixels that are tried at once: they stay in a core's own cache.
CHUNK = 1 << 13


def perceptual_codes(
    original: Original, compression: Compression, adaptation: Adaptation, exact: bool
) -> tuple[CodeArray, LostPixels]:
    """Move a picture's colours into sRGB and round them.

    Args:
        original: The picture.
        compression: How they are moved.
        adaptation: Between the whites.
        exact: Whether the file will hold the very codes: then they are chosen with care.

    Returns:
        The (height, width, 3) codes, and the pixels that were moved, or look like it beyond sRGB.
    """
    codes, lost = np.empty((*original.size, 3), np.uint8), LostPixels(*original.size)

    def convert(rows: slice) -> BoolArray:
        converted, moved = move_colors(original.strip(rows).reshape(-1, 3), compression, adaptation, exact)
        codes[rows] = converted.reshape(codes[rows].shape)
        return moved.reshape(codes[rows].shape[:2])

    parts = list(strips(*original.size))
    for rows, moved in zip(parts, in_order(convert, parts), strict=True):
        lost.add(rows, moved)
    return codes, lost


def move_colors(
    truth: FloatArray, compression: Compression, adaptation: Adaptation, exact: bool
) -> tuple[CodeArray, BoolArray]:
    """Move (n, 3) colours in linear ProPhoto RGB; the rest is as of ``perceptual_codes``.

    Returns:
        The (n, 3) codes, and (n,) which were moved.
    """
    inwards, outwards = rgb_to_rgb(PROPHOTO, SRGB, adaptation), rgb_to_rgb(SRGB, PROPHOTO, adaptation)
    colors, moved = compression.compress(apply_matrix(truth, inwards))
    codes = srgb_codes(colors)
    if exact:
        # Clipped beside a bound, a colour may look as if it had been moved: that goes not far from good codes.
        clipped = (colors.min(axis=1) < 0) | (colors.max(axis=1) > 1)
        moved |= clipped & compression.mask(codes)
    places = np.flatnonzero(moved) if exact else np.empty(0, np.intp)
    for start in range(0, places.size, CHUNK):
        some = places[start : start + CHUNK]
        codes[some] = _choose_codes(compression, colors[some], codes[some], truth[some], outwards)
    return codes, moved


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
