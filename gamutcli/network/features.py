"""What a network sees of a picture's pixels: places, codes and box means, as waves.

With 8-bit codes as inputs every input has few values, so the sines are computed once per value: a feature is a look-up
in a table.

Source: Mildenhall et al., NeRF, ECCV 2020 (waves); Le et al., GamutMLP, CVPR 2023, section 3.
"""

from __future__ import annotations

from collections.abc import Collection
from itertools import product
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from gamutcli.arrays import CodeArray, DoubleArray, FloatArray, IndexArray
from gamutcli.color.gamut import codes_to_prophoto
from gamutcli.color.spaces import Adaptation
from gamutcli.fingerprint.frame import Frame
from gamutcli.network.shape import Inputs

Number = TypeVar("Number", bound=np.generic)

#: Box means are kept in quarters of a code, so that every decoder gets the same integer.
BOX_STEPS = 4
#: Contrasts are cut off at this many quarter codes.
CONTRAST_LIMIT = 64
#: Boxes of at least this radius are taken from summed areas, smaller ones number by number: whichever is quicker.
RUNNING_FROM = 8
#: Rows and columns that are summed at once: what is around a strip of a very long picture would take much memory.
MOST_ALONG = 1 << 12


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


def box_sums(srgb_codes: CodeArray, rows: slice, radii: Collection[int]) -> dict[int, NDArray[np.unsignedinteger]]:
    """(rows, width, 3) sums of the codes in the boxes around the pixels of some rows, edges replicated, by radius."""
    width = srgb_codes.shape[1]
    reach = max(radii, default=0)
    sums = {radius: np.empty((rows.stop - rows.start, width, 3), _sum_type(radius)) for radius in radii}
    for top, left in product(range(rows.start, rows.stop, MOST_ALONG), range(0, width, MOST_ALONG)):
        inner = slice(top, min(top + MOST_ALONG, rows.stop)), slice(left, min(left + MOST_ALONG, width))
        band = _with_surroundings(srgb_codes, inner, reach)
        areas = _summed_areas(band) if reach >= RUNNING_FROM else None
        for radius, found in sums.items():
            place = found[inner[0].start - rows.start : inner[0].stop - rows.start, inner[1]]
            if areas is not None and radius >= RUNNING_FROM:
                place[...] = _areas_between(_within(areas, reach - radius), 2 * radius + 1)
            else:
                place[...] = _added(_within(band, reach - radius), radius)
    return sums


def rounded_means(sums: NDArray[np.unsignedinteger], radius: int) -> IndexArray:
    """Sums of boxes as their means, in quarter codes, rounded half up: integers, so that every decoder has the same."""
    area = np.uint32((2 * radius + 1) ** 2)
    return ((BOX_STEPS * sums.astype(np.uint32) + area // np.uint32(2)) // area).astype(np.intp)


def _sum_type(radius: int) -> type[np.unsignedinteger]:
    """16 bits, where they hold the sum, halve the memory traffic."""
    return np.uint16 if 255 * (2 * radius + 1) ** 2 < 1 << 16 else np.uint32


def _with_surroundings(srgb_codes: CodeArray, inner: tuple[slice, slice], reach: int) -> CodeArray:
    """Cut a part out with so many pixels around it, edges replicated."""
    wanted = [(part.start - reach, part.stop + reach) for part in inner]
    there = [(max(0, start), min(stop, side)) for (start, stop), side in zip(wanted, srgb_codes.shape, strict=False)]
    beyond = [(first - start, stop - last) for (start, stop), (first, last) in zip(wanted, there, strict=True)]
    (top, bottom), (left, right) = there
    return np.pad(srgb_codes[top:bottom, left:right], (*beyond, (0, 0)), "edge")


def _within(image: NDArray[Number], beyond: int) -> NDArray[Number]:
    return image[beyond : len(image) - beyond, beyond : image.shape[1] - beyond]


def _added(band: CodeArray, radius: int) -> NDArray[np.unsignedinteger]:
    """Sums of every square of ``2 * radius + 1``, number by number."""
    sums: NDArray[np.unsignedinteger] = band
    for axis in (0, 1):
        windows = np.moveaxis(sums, axis, 0)
        count = len(windows) - 2 * radius
        added = windows[:count].astype(_sum_type(radius))
        for shift in range(1, 2 * radius + 1):
            added += windows[shift : shift + count]
        sums = np.moveaxis(added, 0, axis)
    return sums


def _summed_areas(band: CodeArray) -> NDArray[np.uint32]:
    """Sums of all above and to the left of every corner; what overflows is gone again from their differences."""
    height, width, channels = band.shape
    areas = np.zeros((height + 1, width + 1, channels), np.uint32)
    sums = np.cumsum(band, axis=1, dtype=np.uint32)
    np.cumsum(sums, axis=0, dtype=np.uint32, out=areas[1:, 1:])
    return areas


def _areas_between(areas: NDArray[np.uint32], side: int) -> NDArray[np.uint32]:
    """Sums of every square of a side.

    Source: Crow, Summed-area tables for texture mapping, SIGGRAPH 1984.
    """
    columns = areas[:, side:] - areas[:, :-side]
    found: NDArray[np.uint32] = columns[side:] - columns[:-side]
    return found


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

    def indices(self, rows: slice, inside: IndexArray) -> list[IndexArray]:
        """Table indices of some pixels of a strip.

        Args:
            rows: The strip.
            inside: (n,) flat places of the pixels in the strip.

        Returns:
            One (n,) array a table.
        """
        width = self.srgb_codes.shape[1]
        y, x = np.divmod(inside, width)
        # Channel by channel from here on: contiguous rows are what numpy is quick with.
        codes = _channels(self.srgb_codes[rows], inside).astype(np.intp)
        found = [*self.frame.positions(y + rows.start, x, self.srgb_codes.shape)]
        if self.inputs.color == "srgb_codes":
            found += [*codes]
        sums = box_sums(self.srgb_codes, rows, {box.radius for box in self.inputs.boxes})
        means = {radius: rounded_means(_channels(of_box, inside), radius) for radius, of_box in sums.items()}
        for box in self.inputs.boxes:
            if box.contrast:
                contrasts = BOX_STEPS * codes - means[box.radius]
                found += [*(contrasts.clip(-CONTRAST_LIMIT, CONTRAST_LIMIT) + CONTRAST_LIMIT)]
            else:
                found += [*means[box.radius]]
        return found

    def color_waves(self, rows: slice, inside: IndexArray) -> FloatArray:
        """(n, 6 * octaves) waves of the linear ProPhoto colour, which no table can hold; (n, 0) for code inputs."""
        if self.inputs.color == "srgb_codes":
            return np.empty((inside.size, 0), np.float32)
        codes = self.srgb_codes[rows].reshape(-1, 3)[inside]
        linear = 2 * codes_to_prophoto(codes, self.adaptation).astype(np.float64) - 1
        waved = [waves(linear[:, c], self.inputs.color_octaves, self.inputs.first_octave) for c in range(3)]
        return np.concatenate(waved, axis=1)

    def rows(self, rows: slice, inside: IndexArray) -> FloatArray:
        """(n, inputs.size) all features of some pixels of a strip, written out: what a fit works on."""
        parts = [table[at] for table, at in zip(self.tables, self.indices(rows, inside), strict=True)]
        return np.concatenate([*parts[:2], self.color_waves(rows, inside), *parts[2:]], axis=1)


def _channels(image: NDArray[Number], inside: IndexArray) -> NDArray[Number]:
    """(3, n) the values of some pixels of a (rows, width, 3) strip."""
    return np.ascontiguousarray(image.reshape(-1, 3).take(inside, axis=0).T)
