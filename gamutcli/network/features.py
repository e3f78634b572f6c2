"""What a network sees of a picture's pixels: places, codes and box means, as waves.

With 8-bit codes as inputs every input has few values, so the sines are computed once per value: a feature is a look-up
in a table.

Source: Mildenhall et al., NeRF, ECCV 2020 (waves); Le et al., GamutMLP, CVPR 2023, section 3.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from gamutcli.arrays import CodeArray, DoubleArray, FloatArray, IndexArray, take_pixels
from gamutcli.color.gamut import codes_to_prophoto
from gamutcli.color.spaces import Adaptation
from gamutcli.fingerprint.frame import Frame
from gamutcli.network.shape import Inputs

SumArray = NDArray[np.unsignedinteger]

#: Box means are kept in quarters of a code, so that every decoder gets the same integer.
BOX_STEPS = 4
#: Contrasts are cut off at this many quarter codes.
CONTRAST_LIMIT = 64
#: Columns that are summed at once: their sums stay in a core's cache.  The rows around a strip of a very wide picture
#: would take much memory, too.
MOST_COLUMNS = 1 << 10


def waves(positions: DoubleArray, octaves: int, first_octave: int) -> FloatArray:
    """Sines and cosines of rising octaves.

    Args:
        positions: (n,), scaled to [-1, 1].
        octaves: How many.
        first_octave: Exponent of the lowest frequency, in units of pi.

    Returns:
        (n, 2 * octaves) float32: the sines, then the cosines, of ``2 ** (first_octave + k) * pi * position``.

    Source: Mildenhall et al., NeRF, ECCV 2020, equation 4.
    """
    found = np.empty((2 * octaves, positions.size), np.float32)
    angles = positions * (np.pi * 2.0**first_octave)
    sines, cosines = np.sin(angles), np.cos(angles)
    for octave in range(octaves):
        found[octave], found[octaves + octave] = sines, cosines
        # The double angle: many times faster than a sine, and after 16 octaves float64 still has 1e-9.
        sines, cosines = 2 * sines * cosines, 1 - 2 * sines * sines
    return np.ascontiguousarray(found.T)


def centres(count: int) -> DoubleArray:
    """(count,) places of the pixel centres along one side, -1 to 1 from edge to edge."""
    return (2 * np.arange(count) + 1) / count - 1


def levels_of(maximum: int) -> DoubleArray:
    """(maximum + 1,) the integers 0 to maximum scaled to [-1, 1]."""
    return 2 * np.arange(maximum + 1) / maximum - 1


def box_sums(srgb_codes: CodeArray, rows: slice, radius: int) -> SumArray:
    """(rows, width, 3) sums of the codes in the box around each pixel of some rows, edges replicated."""
    width, side = srgb_codes.shape[1], 2 * radius + 1
    # 16 bits, where they hold the sum, halve the memory traffic.
    dtype = np.uint16 if 255 * side**2 < 1 << 16 else np.uint32
    sums = np.empty((rows.stop - rows.start, width, 3), dtype)
    for left in range(0, width, MOST_COLUMNS):
        columns = slice(left, min(width, left + MOST_COLUMNS))
        padded = _padded(srgb_codes, rows, columns, radius, dtype)
        sums[:, columns] = _window_sums(_window_sums(padded, side, 0), side, 1)
    return sums


def rounded_means(sums: SumArray, radius: int) -> NDArray[np.int16]:
    """Sums of boxes as their means, in quarter codes, rounded half up: integers, so that every decoder has the same."""
    if sums.dtype == np.uint16:  # there are few: a look-up takes a third of the time
        return _means_of_sums(radius).take(sums, mode="clip")
    area = np.uint32((2 * radius + 1) ** 2)
    return ((BOX_STEPS * sums.astype(np.uint32) + area // np.uint32(2)) // area).astype(np.int16)


@lru_cache
def _means_of_sums(radius: int) -> NDArray[np.int16]:
    """Rounded means of all sums that 16 bits hold."""
    return rounded_means(np.arange(1 << 16, dtype=np.uint32), radius)


def _padded(
    srgb_codes: CodeArray, rows: slice, columns: slice, radius: int, dtype: type[np.unsignedinteger]
) -> SumArray:
    """Some rows and columns of a picture and what lies around them, edges replicated."""
    height, width, channels = srgb_codes.shape
    top, bottom = max(0, rows.start - radius), min(height, rows.stop + radius)
    left, right = max(0, columns.start - radius), min(width, columns.stop + radius)
    above, before = top - (rows.start - radius), left - (columns.start - radius)
    below, behind = above + bottom - top, before + right - left
    padded = np.empty((rows.stop - rows.start + 2 * radius, columns.stop - columns.start + 2 * radius, channels), dtype)
    padded[above:below, before:behind] = srgb_codes[top:bottom, left:right]
    padded[above:below, :before] = padded[above:below, before : before + 1]
    padded[above:below, behind:] = padded[above:below, behind - 1 : behind]
    padded[:above] = padded[above]
    padded[below:] = padded[below - 1]
    return padded


def _window_sums(values: SumArray, side: int, axis: int) -> SumArray:
    """Sums of every window of an odd number of values along an axis, put together from sums of 1, 2, 4, ... of them."""
    values = np.moveaxis(values, axis, 0)
    count = len(values) - side + 1
    # The lowest digit of an odd side is 1.
    sums, covered, length = values[:count], 1, 1
    while covered < side:
        values = values[:-length] + values[length:]
        length *= 2
        if side & length:
            sums = sums + values[covered : covered + count]
            covered += length
    return np.moveaxis(sums, 0, axis)


class Seen(NamedTuple):
    """What a network sees of n pixels, as rows of the tables of ``Features``.

    Attributes:
        place: (n,) rows and (n,) columns.
        codes: (n, 3) uint8.
        boxes: (n, 3) each: the mean or the contrast of three channels.
    """

    place: tuple[IndexArray, IndexArray]
    codes: CodeArray
    boxes: tuple[NDArray[np.int16], ...]


class FeatureRows(Protocol):
    """(n, features) of n pixels: an array, or what makes its rows when they are wanted."""

    def __len__(self) -> int: ...

    def __getitem__(self, pixels: slice, /) -> FloatArray: ...

    def __setitem__(self, pixels: IndexArray, given: Any, /) -> None: ...


class Lookups:
    """Features of pixels, looked up when they are wanted: a tenth of the memory that they take written out.

    Attributes:
        tables: (levels, waves) for each of the places, in the order of the features.
        places: (n, inputs) integers for each: inputs that share a table stand side by side.
    """

    def __init__(self, tables: Sequence[FloatArray], places: Sequence[NDArray[np.integer]]) -> None:
        self.tables, self.places = tables, places

    def __len__(self) -> int:
        return len(self.places[0])

    def __getitem__(self, pixels: slice) -> FloatArray:
        """(n, features) float32 of some of the pixels."""
        found = [
            table.take(places[pixels], axis=0, mode="clip")
            for table, places in zip(self.tables, self.places, strict=True)
        ]
        return np.concatenate([waved.reshape(len(waved), waved.shape[1] * waved.shape[2]) for waved in found], axis=1)

    def __setitem__(self, pixels: IndexArray, given: Lookups) -> None:
        """Take others over for some of the pixels, in the same tables."""
        for own, other in zip(self.places, given.places, strict=True):
            own[pixels] = other

    def room(self, count: int) -> Lookups:
        """Those of so many pixels, in the same tables, to be set."""
        return Lookups(self.tables, [np.empty((count, own.shape[1]), own.dtype) for own in self.places])


class Features:
    """The inputs of a picture's pixels: table indices, and the tables that turn them into waves.

    Args:
        inputs: What the network sees.
        srgb_codes: (height, width, 3) the picture that the decoder has.
        adaptation: For the linear ProPhoto colour input.
        frame: What x and y refer to; the picture itself where None.
    """

    def __init__(
        self, inputs: Inputs, srgb_codes: CodeArray, adaptation: Adaptation, frame: Frame | None = None
    ) -> None:
        self.inputs = inputs
        self.srgb_codes = srgb_codes
        self.adaptation = adaptation
        self.frame = frame or Frame(*srgb_codes.shape[:2])
        first = inputs.first_octave
        #: One wave table an input, in the order of the features: y, x, the colour, the boxes.
        sides = self.frame.height, self.frame.width
        self.tables = [waves(centres(side), inputs.position_octaves, first) for side in sides]
        if inputs.color == "srgb_codes":
            self.tables += [waves(levels_of(255), inputs.color_octaves, first)] * 3
        for box in inputs.boxes:
            levels = levels_of(2 * CONTRAST_LIMIT if box.contrast else 255 * BOX_STEPS)
            self.tables += [waves(levels, box.octaves, first)] * 3

    def sums(self, rows: slice) -> dict[int, SumArray]:
        """(pixels, 3) sums of the boxes around all pixels of a strip, by their radius."""
        radii = {box.radius for box in self.inputs.boxes}
        return {radius: box_sums(self.srgb_codes, rows, radius).reshape(-1, 3) for radius in radii}

    def see(self, rows: slice, inside: IndexArray, sums: Mapping[int, SumArray]) -> Seen:
        """Look at some pixels of a strip.

        Args:
            rows: The strip.
            inside: (n,) flat places of the pixels in the strip.
            sums: Of the strip.
        """
        width = self.srgb_codes.shape[1]
        y = inside // width
        x = inside - width * y  # four times as fast as a remainder
        codes = take_pixels(self.srgb_codes[rows], inside)
        means = {radius: rounded_means(take_pixels(found, inside), radius) for radius, found in sums.items()}
        boxes = []
        for box in self.inputs.boxes:
            found = means[box.radius]
            if box.contrast:
                found = np.int16(BOX_STEPS) * codes.astype(np.int16) - found
                found += np.int16(CONTRAST_LIMIT)
                np.maximum(found, np.int16(0), out=found)
                np.minimum(found, np.int16(2 * CONTRAST_LIMIT), out=found)
            boxes.append(found)
        return Seen(self.frame.positions(y + rows.start, x, self.srgb_codes.shape), codes, tuple(boxes))

    def color_waves(self, rows: slice, inside: IndexArray) -> FloatArray:
        """(n, 6 * octaves) waves of the linear ProPhoto colour, which no table can hold; (n, 0) for code inputs."""
        if self.inputs.color == "srgb_codes":
            return np.empty((inside.size, 0), np.float32)
        codes = take_pixels(self.srgb_codes[rows], inside)
        linear = 2 * codes_to_prophoto(codes, self.adaptation).astype(np.float64) - 1
        waved = [waves(linear[:, c], self.inputs.color_octaves, self.inputs.first_octave) for c in range(3)]
        return np.concatenate(waved, axis=1)

    def lookups(self, rows: slice, inside: IndexArray) -> Lookups:
        """Features of some pixels of a strip, but for the waves of a colour that no table can hold."""
        seen = self.see(rows, inside, self.sums(rows))
        places: list[NDArray[Any]] = [place.astype(np.int32)[:, None] for place in seen.place]
        if self.inputs.color == "srgb_codes":
            places.append(seen.codes)
        # Channels share a table.
        return Lookups([*self.tables[:2], *self.tables[2::3]], [*places, *seen.boxes])

    def rows(self, rows: slice, inside: IndexArray) -> FloatArray:
        """(n, inputs.size) all features of some pixels of a strip, written out."""
        found = self.lookups(rows, inside)[:]
        place = 4 * self.inputs.position_octaves
        return np.concatenate([found[:, :place], self.color_waves(rows, inside), found[:, place:]], axis=1)
