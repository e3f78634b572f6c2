"""Chooses the curves of the perceptual intent: how far colours are moved, and where not at all.

Moving colours keeps what a clip loses, but it costs exactness: rounding is stretched when they are moved back, most
where codes are few.  A network restores what a clip loses, up to a share of it.  So both are foretold on some of the
picture's colours, and the curves are those that leave the least error; none at all, where the clip does.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from gamutcli.arrays import BoolArray, DoubleArray, FloatArray
from gamutcli.color.compression import LIMIT_UNIT, LUMINANCE, Compression, Side
from gamutcli.color.gamut import codes_to_prophoto, srgb_codes
from gamutcli.color.spaces import PROPHOTO, SRGB, Adaptation, apply_matrix, rgb_to_rgb
from gamutcli.fitting.perceptual import move_colors
from gamutcli.images.original import Original

#: Colours within nine tenths of the way to the boundary stay as they are.
KNEE = 6553
#: Of the luminance at least, where channels are below 0: a knee's room is some codes there. Of the smallest channel at
#: most, where channels are above 1. What is foretold may narrow both.
DARKEST, BRIGHTEST = 328, 52428
#: Pixels that limits are chosen from, about, and those of them that errors are foretold for.
MOST_LOOKED_AT, MOST_FORETOLD = 1 << 18, 1 << 14
#: Of a lossy file's limit above, how much it keeps of what lies beyond 1: its noise is worth more colour there the
#: steeper the curve, and more than texture gains.
LOSSY_SHARE = 0.3
#: Shares of the pixels beyond 1 that may lie beyond a limit, which is none for a handful.
BEYOND, FEWEST = (0.002, 0.02, 0.1), 32
LARGEST_LIMIT = 2.5
#: How much steeper than before one more step of levels pays, distances by code.
LEVELS_FROM = ((3.0, 3), (12.0, 5))
#: Share of a clipped colour's squared error that a network leaves, beside rounding. It leaves a hundredth or less of
#: most; but what is moved comes closer with a network, too, so that moving pays down to this.
LEFT = 0.02
#: Narrower curves keep less texture, and what is foretold of them is rosy: so wide ones may leave so much more error.
NARROW_FROM = 1.5
#: Share of the clip's error that curves may leave: a fit is not always the same, and they are to be better for certain.
CLIP_FROM = 0.9


@dataclass(frozen=True, eq=False)
class _Colors:
    """Colours that sRGB cannot hold, and what is foretold of them.

    Attributes:
        truth: (n, 3) linear ProPhoto RGB.
        linear: (n, 3) linear sRGB.
        rounding: (n,) squared error by rounding what is clipped.
        clipped: (n,) squared error that a network leaves of the clip.
        adaptation: Between the whites.
    """

    truth: FloatArray
    linear: FloatArray
    rounding: FloatArray
    clipped: FloatArray
    adaptation: Adaptation


def choose_compression(original: Original, adaptation: Adaptation, lossless: bool = True) -> Compression | None:
    """Choose the curves that suit a picture; None where a network is foretold to come closer from the clip.

    Args:
        original: The picture.
        adaptation: Between the whites.
        lossless: Whether the file will hold the very codes; if not, their last bits can tell no fraction.
    """
    height, width = original.size
    every = max(1, round((height * width / MOST_LOOKED_AT) ** 0.5))
    truth = original.linear(original.codes[::every, ::every].reshape(-1, 3))
    colors = apply_matrix(truth, rgb_to_rgb(PROPHOTO, SRGB, adaptation))
    probe = Compression(Side(KNEE, 8 * LIMIT_UNIT, 1, DARKEST), Side(KNEE, 8 * LIMIT_UNIT, 1, BRIGHTEST))
    below, above = probe.distances(colors)
    if not lossless:
        found = _side(below, BEYOND[0], DARKEST, lossless), _side(above, BEYOND[0], BRIGHTEST, lossless)
        beyond = found[1].limit - LIMIT_UNIT
        return Compression(found[0], replace(found[1], limit=LIMIT_UNIT + round(LOSSY_SHARE * beyond)))
    outside = np.flatnonzero((colors.min(axis=1) < 0) | (colors.max(axis=1) > 1))
    outside = outside[:: max(1, outside.size // MOST_FORETOLD)]
    some = _look_at(truth[outside], colors[outside], adaptation)
    sides = [
        [_side(distances, share, bound, lossless) for share in BEYOND]
        for distances, bound in ((below, DARKEST), (above, BRIGHTEST))
    ]
    return _least(some, sides[0], sides[1])


def _side(distances: FloatArray, share: float, bound: int, lossless: bool) -> Side:
    beyond = distances[distances > 1]
    if beyond.size < FEWEST:
        return Side()
    limit = min(LARGEST_LIMIT, float(np.quantile(beyond, 1 - share)))
    slope = (limit - 1 + KNEE / 65536) / (KNEE / 65536)
    levels = max([1, *(levels for start, levels in LEVELS_FROM if lossless and slope >= start)])
    return Side(KNEE, round(limit * LIMIT_UNIT), levels, bound)


def _look_at(truth: FloatArray, linear: FloatArray, adaptation: Adaptation) -> _Colors:
    plain = codes_to_prophoto(srgb_codes(linear), adaptation)
    unrounded = apply_matrix(linear.clip(0, 1), rgb_to_rgb(SRGB, PROPHOTO, adaptation))
    rounding = np.square(plain - unrounded).sum(axis=1)
    lost = np.square(plain - truth).sum(axis=1)
    return _Colors(truth, linear, rounding, rounding + np.float32(LEFT) * lost, adaptation)


def _foretell(some: _Colors, compression: Compression) -> FloatArray:
    """(n,) squared errors that curves leave, and a network of what they do not bring back."""
    codes, moved = move_colors(some.truth, compression, some.adaptation, True)
    colors = compression.compress(some.linear)[0]
    held = moved & (colors.min(axis=1) > -1e-4) & (colors.max(axis=1) < 1 + 1e-4)
    outwards = rgb_to_rgb(SRGB, PROPHOTO, some.adaptation)
    errors = np.square(apply_matrix(compression.undo(codes), outwards).clip(0, 1) - some.truth).sum(axis=1)
    left: FloatArray = np.where(held, errors, np.minimum(errors, some.rounding) + np.float32(LEFT) * errors)
    return left


def _least(some: _Colors, below: list[Side], above: list[Side]) -> Compression | None:
    """The curves that leave the least error, of some and what is left of them where they do better than the clip."""
    most = CLIP_FROM * float(some.clipped.sum())
    best, least = None, np.inf
    for wide in dict.fromkeys(map(Compression, below, above)):
        left = _foretell(some, wide)
        tried = [(wide, left, 1.0)]
        tried += [
            (curves, _foretell(some, curves), NARROW_FROM)
            for curves in _narrowed(some, wide, some.clipped - left)
            if curves != wide
        ]
        for curves, errors, factor in tried:
            error = float(errors.sum())
            if error < most and error * factor < least:
                best, least = curves, error * factor
    return best


def _narrowed(some: _Colors, wide: Compression, gains: FloatArray) -> Iterator[Compression]:
    """Curves with the bounds up to which wide ones gain most on each side, and with either side alone."""
    luminance = some.linear @ (LUMINANCE / 65536)
    colors = replace(wide, above=Side()).compress(some.linear)[0]
    is_above = colors.max(axis=1) > 1
    below = _bound(wide.below, -luminance, gains, ~is_above, -1)
    above = _bound(wide.above, colors.min(axis=1), gains, is_above, 1)
    yield from dict.fromkeys((Compression(below, above), Compression(below, Side()), Compression(Side(), above)))


def _bound(side: Side, values: DoubleArray, gains: FloatArray, concerned: BoolArray, sign: int) -> Side:
    """A side with the bound up to which moving colours of rising values gains most; no side where it gains nothing."""
    order = np.flatnonzero(concerned)
    order = order[values[order].argsort()]
    if not side.knee or not order.size:
        return side
    total = np.cumsum(gains[order], dtype=np.float64)
    last = int(total.argmax())
    if total[last] <= 0:
        return Side()
    value = round(65535 * sign * float(values[order[last]]))
    # The light of codes is an integer: what lies at a bound is to stay on its side of it.
    wide = max(value - 1, side.bound) if sign < 0 else min(value + 1, side.bound)
    return replace(side, bound=wide)
