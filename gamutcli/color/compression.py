"""The perceptual intent: colours beyond sRGB are moved inwards, so that no decoder has to guess where they were.

Two steps, each a move along a straight line towards a grey, which keeps the dominant wavelength.  What is too little
for a channel (below 0) moves towards the grey of its own luminance, which the move keeps; what is too much (above 1)
towards the grey of its own smallest channel, which the move keeps.  Along either line a colour has a *distance*, 0 at
the grey and 1 at the boundary of sRGB; its *room* is 1 minus that.  A step leaves alone what has at least the room of
its knee, and takes the distances from there to the limit into that room::

    below 0:  distance = limit - (limit - 1 + knee) * sqrt(room / knee)
    above 1:  distance = limit - (limit - 1 + knee) * room / knee

where the first has a root because dark codes are finer than bright ones: so either way a code is worth about the same
amount of colour.  Greys have distance 0 in both steps, and stay as they are.

Where the curve is steep one code of the channel at the boundary is worth much colour.  So the two other channels, which
have codes to spare, say where within its code that channel lies: their sum, modulo a few levels, is its fraction.

docs/FORMAT.md says the same to other decoders.  What is decided is decided in integers, so that all agree.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from gamutcli.arrays import BoolArray, CodeArray, FloatArray, IndexArray
from gamutcli.color.spaces import SRGB

#: Of linear sRGB, in units of 1 / 65536: they add up to that.
LUMINANCE = np.array([13933, 46871, 4732], np.int64)
_SHARES = (LUMINANCE / 65536).astype(np.float32)
#: Light of the 8-bit codes, in units of 1 / 65535.
_LIGHT = np.floor(SRGB.cctf_decoding(np.arange(256) / 255) * 65535 + 0.5).astype(np.int64)
LIMIT_UNIT, MOST_LEVELS = 8192, 15

Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Side:
    """One of the two steps, in the integers that the payload holds.

    Attributes:
        knee: Room, in units of 1 / 65536, below which distances are compressed; 0: none is.
        limit: The distance that is taken to the boundary, in units of 1 / 8192; at least 1.
        levels: Fractions of a code; odd, 1: none.
        bound: Light, in units of 1 / 65535, where codes are too coarse for it: of the luminance at least, below 0; of
            the smallest channel less than, above 1.
    """

    knee: int = 0
    limit: int = LIMIT_UNIT
    levels: int = 1
    bound: int = 0

    @property
    def room(self) -> np.float32:
        """The knee, as a fraction."""
        return np.float32(self.knee / 65536)

    @property
    def farthest(self) -> np.float32:
        """The limit, as a distance."""
        return np.float32(self.limit / LIMIT_UNIT)

    @property
    def span(self) -> np.float32:
        """Distances from the knee to the limit."""
        return np.float32(self.farthest - 1 + self.room)


@dataclass(frozen=True)
class Compression:
    """How the colours of a picture were moved into sRGB.

    Attributes:
        below: Of channels below 0.
        above: Of channels above 1.
    """

    below: Side
    above: Side

    def zones(self, srgb_codes: CodeArray) -> tuple[BoolArray, BoolArray]:
        """Tell which pixels lie in the room of a knee: (..., 3) codes to (...) below, and (...) above."""
        light = _LIGHT.take(srgb_codes)
        smallest, largest = light.min(axis=-1), light.max(axis=-1)
        luminance: Integers = light @ LUMINANCE
        below = (smallest << 32) < self.below.knee * luminance
        below &= luminance >= self.below.bound << 16
        above = (65535 - largest) << 16 < self.above.knee * (65535 - smallest)
        above &= smallest < self.above.bound
        return below, above

    def mask(self, srgb_codes: CodeArray) -> BoolArray:
        """(..., 3) codes to (...) bool: which pixels ``undo`` moves."""
        below, above = self.zones(srgb_codes)
        return below | above

    def undo(self, srgb_codes: CodeArray, exact: bool = True) -> FloatArray:
        """Move colours to where they came from.

        Args:
            srgb_codes: (n, 3).
            exact: Whether the codes are those that were written. If not, their last bits say nothing, and a fraction
                is taken to be in its middle.

        Returns:
            (n, 3) linear sRGB, unclipped.
        """
        below, above = self.zones(srgb_codes)
        light = SRGB_LIGHT.take(srgb_codes)
        places = np.flatnonzero(above)
        if places.size:
            codes, colors = srgb_codes[places], light[places]
            limiting = codes.argmax(axis=1)
            largest = _fractions(codes, limiting, self.above.levels, -1, exact)
            anchor = colors.min(axis=1)
            room = (1 - largest) / (1 - anchor)
            distance = (colors.max(axis=1) - anchor) / (1 - anchor)
            light[places] = _move(
                colors, anchor, _find_distance(room, self.above, room / (self.above.room or 1)) / distance
            )
            # What that moved may lie in the other room now, and its fraction is spent.
            self._undo_below(light, places[self._within(light[places])])
        places = np.flatnonzero(below & ~above)
        if places.size:
            codes = srgb_codes[places]
            self._undo_below(light, places, _fractions(codes, codes.argmin(axis=1), self.below.levels, 1, exact))
        return light

    def compress(self, srgb_linear: FloatArray) -> tuple[FloatArray, BoolArray]:
        """Move colours into sRGB.

        Args:
            srgb_linear: (n, 3), linear light, unclipped.

        Returns:
            (n, 3) linear light, not clipped where a colour is too dark, too bright or too far for the curves; and
            (n,) bool: what was moved.
        """
        colors = srgb_linear.copy()
        below = self._within(colors)
        if self.below.knee and below.any():
            some = colors[below]
            luminance = some @ _SHARES
            room = some.min(axis=1) / luminance
            share = np.square(((self.below.farthest - 1 + room) / self.below.span).clip(0, 1))
            colors[below] = _move(some, luminance, (1 - self.below.room * share) / (1 - room))
        smallest = colors.min(axis=1)
        room = (1 - colors.max(axis=1)) / np.maximum(1 - smallest, np.float32(1e-6))
        above = (room < self.above.room) & (smallest < self.above.bound / 65535)
        if self.above.knee and above.any():
            room, smallest = room[above], smallest[above]
            share = ((self.above.farthest - 1 + room) / self.above.span).clip(0, 1)
            colors[above] = _move(colors[above], smallest, (1 - self.above.room * share) / (1 - room))
        return colors, below | above

    def distances(self, srgb_linear: FloatArray) -> tuple[FloatArray, FloatArray]:
        """(n, 3) linear light, unclipped, to (n,) distances below and above; 0 where codes are too coarse for a step.

        Above, they are those of colours that have been moved below.
        """
        luminance = srgb_linear @ _SHARES
        dark = luminance < np.float32(max(1, self.below.bound) / 65535)
        below = np.where(dark, 0, 1 - srgb_linear.min(axis=1) / np.where(dark, 1, luminance))
        colors = replace(self, above=Side()).compress(srgb_linear)[0]
        smallest = colors.min(axis=1)
        bright = smallest >= np.float32(self.above.bound / 65535)
        above = np.where(bright, 0, (colors.max(axis=1) - smallest) / np.where(bright, 1, 1 - smallest))
        return below, above

    def _within(self, srgb_linear: FloatArray) -> BoolArray:
        """Which of (n, 3) colours lie in the room below."""
        luminance = srgb_linear @ _SHARES
        bright = luminance >= np.float32(max(1, self.below.bound) / 65535)
        found: BoolArray = bright & (srgb_linear.min(axis=1) < self.below.room * luminance)
        return found

    def _undo_below(self, light: FloatArray, places: IndexArray, smallest: FloatArray | None = None) -> None:
        """Undo the step below 0 in some rows of (n, 3) light, in place."""
        colors = light[places]
        luminance, least = colors @ _SHARES, colors.min(axis=1)
        room = (least if smallest is None else smallest) / luminance
        far = _find_distance(room, self.below, np.sqrt(room / (self.below.room or 1)))
        light[places] = _move(colors, luminance, far / (1 - least / luminance))


def _find_distance(room: FloatArray, side: Side, share: FloatArray) -> FloatArray:
    """(n,) distances of what has so much room, and takes up such a share of the knee's."""
    return np.where(room < side.room, side.farthest - side.span * share, 1 - room)


def _move(colors: FloatArray, anchor: FloatArray, ratio: FloatArray) -> FloatArray:
    """(n, 3) colours, their way from (n,) greys made longer or shorter."""
    greys = anchor[:, None]
    return greys + (colors - greys) * ratio[:, None]


def _fractions(codes: CodeArray, limiting: IndexArray, levels: int, sign: int, exact: bool) -> FloatArray:
    """(n,) light of the limiting channels, with the fraction of a code that the two others tell."""
    count = np.arange(len(codes))
    if exact:
        wide = codes.astype(np.intp)
        fraction = fraction_of(wide[count, (limiting + 1) % 3], wide[count, (limiting + 2) % 3], levels)
    else:
        fraction = np.full(len(codes), levels // 2)
    tabled = levels * codes[count, limiting].astype(np.intp) + sign * fraction
    return _fractional_light(levels).take(tabled, mode="clip")


def fraction_of(first: IndexArray, second: IndexArray, levels: int) -> IndexArray:
    """Levels that two channels tell: those behind the limiting one, in the order red, green, blue, red, green."""
    return (first + levels // 2 * second) % levels


@lru_cache
def _fractional_light(levels: int) -> FloatArray:
    """Light of codes from 0 to 255 in steps of 1 / levels."""
    steps = 255 * levels
    light: FloatArray = SRGB.cctf_decoding(np.arange(steps + 1) / steps).astype(np.float32)
    return light


SRGB_LIGHT = _fractional_light(1)
