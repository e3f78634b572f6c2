"""Finds a part of a picture in the whole, of which only the mean codes of a grid of blocks are known.

A crop keeps the scale, so that only its place is unknown.  At the right place every block that lies fully inside the
part has its known mean; elsewhere it does not, unless the picture is flat.  Block means vary slowly with the place, so
a search by an eighth of a block finds the right hollow, and two finer ones its bottom.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gamutcli.arrays import BoolArray, CodeArray, DoubleArray

PlaceArray = NDArray[np.intp]

#: More are put together into bins first.
MOST_PIXELS = 4_000_000
#: Fewer whole blocks than this are no evidence.
FEWEST_BLOCKS = 12
#: Blocks that the coarse search compares at most, places times blocks that may lie inside: as many as a grid of 16 ever
#: asks for.  A finer grid is searched by larger steps.
MOST_COMPARED = 1 << 20
#: Hollows of the coarse search that are looked into.
CANDIDATES = 6
#: Another place, more than half a block away, must fit worse than this many times the mean square, plus a code's.
DISTINCT = 3.0
#: Not even the bottom of such a hollow fits.
HOPELESS = 60.0
#: Mean square difference of block means, 8-bit codes, of a place that may be right: compression leaves less.
FITTING = 6.0


@dataclass(frozen=True, eq=False)
class Place:
    """Where a part lies in the whole.

    Attributes:
        top: Rows above it.
        left: Columns left of it.
        inside: (side, side) bool: the blocks that lie fully inside it.
    """

    top: int
    left: int
    inside: BoolArray


def register(grid: CodeArray, height: int, width: int, part: CodeArray) -> Place | None:
    """Find where a part of the known picture lies.

    Args:
        grid: (side, side, 3) block means of the whole picture.
        height: Of the whole, pixels.
        width: Likewise.
        part: (height, width, 3) codes, no larger than the whole, upright.

    Returns:
        Its place; None where none fits, or several do.
    """
    room = height - part.shape[0], width - part.shape[1]
    if min(room) < 0:
        return None
    side = grid.shape[0]
    fitting = most_inside(side, height, part.shape[0]) * most_inside(side, width, part.shape[1])
    if fitting < FEWEST_BLOCKS:
        return None
    blocks = Blocks(side, height, width, part)
    steps = max(1, int(blocks.height // 8)), max(1, int(blocks.width // 8))
    while (room[0] // steps[0] + 1) * (room[1] // steps[1] + 1) * fitting > MOST_COMPARED:
        steps = 2 * steps[0], 2 * steps[1]
    rows, columns = (_spaced(0, most, step) for most, step in zip(room, steps, strict=True))
    errors = _errors(blocks, grid, rows, columns)
    found = [(errors[y, x], (int(rows[y]), int(columns[x]))) for y, x in _hollows(errors)]
    for finer in ((max(1, steps[0] // 6), max(1, steps[1] // 6)), (1, 1)):
        found = sorted(_best_near(blocks, grid, place, steps, finer, room) for _, place in found)
        found, steps = [each for each in found if each[0] < HOPELESS], finer
    if not found or found[0][0] > FITTING:
        return None
    error, (top, left) = found[0]
    far_rows, far_columns = abs(rows - top) > blocks.height / 2, abs(columns - left) > blocks.width / 2
    others = [*errors[far_rows[:, None] | far_columns]]
    others += [other for other, (y, x) in found if abs(y - top) > blocks.height / 2 or abs(x - left) > blocks.width / 2]
    if any(other < DISTINCT * error + 1 for other in others):
        return None
    every = np.arange(side)[None]
    return Place(top, left, blocks.inside(np.array([top]), np.array([left]), every, every)[0, :, 0])


def most_inside(side: int, whole: int, part: int) -> int:
    """How many whole blocks may lie inside a part at most, along one side: of as many as the whole has."""
    return min(side, part * side // whole)


class Blocks:
    """The blocks of a whole picture, laid over a part of it.

    Args:
        side: Blocks along each side.
        height: Of the whole, pixels.
        width: Likewise.
        part: (height, width, channels).

    Attributes:
        height: Of a block, pixels.
        width: Likewise.
        most: Rows and columns of blocks that may lie inside the part at most.
    """

    def __init__(self, side: int, height: int, width: int, part: CodeArray) -> None:
        self.side = side
        self.height, self.width = height / side, width / side
        self.most = most_inside(side, height, part.shape[0]), most_inside(side, width, part.shape[1])
        # Sums of a large picture would take much memory; blocks are large then, and a few pixels' share of one small.
        self._bin = math.ceil(math.sqrt(part.shape[0] * part.shape[1] / MOST_PIXELS))
        self._sums = [_sum_up(part[..., channel], self._bin) for channel in range(part.shape[2])]
        self._shape = self._sums[0].shape[0] - 1, self._sums[0].shape[1] - 1

    def means(self, tops: PlaceArray, lefts: PlaceArray, rows: PlaceArray, columns: PlaceArray) -> DoubleArray:
        """Block means of the part at every pair of places.

        Args:
            tops: (tops,) places.
            lefts: (lefts,) likewise.
            rows: (tops or 1, r) neighbouring rows of the grid, of those places.
            columns: (lefts or 1, c) likewise.

        Returns:
            (tops, r, lefts, c, channels).
        """
        above, down = self._cuts(0, tops, rows)
        before, across = self._cuts(1, lefts, columns)
        shape = (len(tops), rows.shape[1] + 1, len(lefts), columns.shape[1] + 1)
        channels = []
        for sums in self._sums:
            upper, lower = sums[above], sums[np.minimum(above + 1, self._shape[0])]
            cut = upper + (lower - upper) * down[:, None]
            left, right = cut[:, before], cut[:, np.minimum(before + 1, self._shape[1])]
            corners = (left + (right - left) * across).reshape(shape)
            channels.append(np.diff(np.diff(corners, axis=1), axis=3))
        return np.stack(channels, axis=-1) / (self.height * self.width)

    def inside(self, tops: PlaceArray, lefts: PlaceArray, rows: PlaceArray, columns: PlaceArray) -> BoolArray:
        """(tops, r, lefts, c) bool: which blocks are fully inside the part; arguments as of ``means``."""
        within = (
            (cuts[:, :-1] >= 0) & (cuts[:, 1:] <= length)
            for cuts, length in (
                (self._places(0, tops, rows), self._shape[0]),
                (self._places(1, lefts, columns), self._shape[1]),
            )
        )
        down, across = within
        inside: BoolArray = down[:, :, None, None] & across
        return inside

    def window(self, axis: int, starts: PlaceArray, most: int) -> PlaceArray:
        """(starts, most) neighbouring rows or columns of the grid, among them all that lie inside the part."""
        first = np.ceil(np.round(starts / (self.height, self.width)[axis], 6)).astype(np.intp)
        return np.minimum(first, self.side - most)[:, None] + np.arange(most)

    def _places(self, axis: int, starts: PlaceArray, blocks: PlaceArray) -> DoubleArray:
        """(starts, blocks + 1) block boundaries within the part, in bins."""
        boundaries = np.append(blocks, blocks[:, -1:] + 1, axis=1) * (self.height, self.width)[axis]
        # What division leaves over must not push a boundary over the edge.
        return np.round(boundaries - starts[:, None], 6) / self._bin

    def _cuts(self, axis: int, starts: PlaceArray, blocks: PlaceArray) -> tuple[PlaceArray, DoubleArray]:
        """(starts * (blocks + 1),) whole bins before each boundary and, likewise, its share of the next bin."""
        places = self._places(axis, starts, blocks).ravel().clip(0, self._shape[axis])
        whole = places.astype(np.intp)
        return whole, places - whole


def _errors(blocks: Blocks, grid: CodeArray, tops: PlaceArray, lefts: PlaceArray) -> DoubleArray:
    """(tops, lefts) mean square differences of the blocks inside; infinite where these are too few."""
    errors = np.empty((len(tops), len(lefts)))
    columns = blocks.window(1, lefts, blocks.most[1])
    for at in range(0, len(tops), 16):  # a bound on memory
        some = tops[at : at + 16]
        rows = blocks.window(0, some, blocks.most[0])
        inside = blocks.inside(some, lefts, rows, columns)
        known = grid[rows[:, :, None, None], columns]
        squares = ((blocks.means(some, lefts, rows, columns) - known) ** 2).mean(axis=-1) * inside
        count = inside.sum(axis=(1, 3))
        found = np.where(count >= FEWEST_BLOCKS, squares.sum(axis=(1, 3)) / np.maximum(count, 1), np.inf)
        errors[at : at + 16] = found
    return errors


def _best_near(
    blocks: Blocks,
    grid: CodeArray,
    near: tuple[int, int],
    reach: tuple[int, int],
    step: tuple[int, int],
    room: tuple[int, int],
) -> tuple[float, tuple[int, int]]:
    """The best place within reach of one, and its error."""
    tops, lefts = (
        _spaced(max(0, near[axis] - reach[axis]), min(room[axis], near[axis] + reach[axis]), step[axis])
        for axis in (0, 1)
    )
    errors = _errors(blocks, grid, tops, lefts)
    y, x = np.unravel_index(errors.argmin(), errors.shape)
    return float(errors[y, x]), (int(tops[y]), int(lefts[x]))


def _sum_up(values: NDArray[np.unsignedinteger], side: int) -> DoubleArray:
    """(height, width) to (height // side + 1, width // side + 1): the sum of all above and left, in bins."""
    height, width = values.shape[0] // side, values.shape[1] // side
    if side > 1:
        whole = values[: height * side, : width * side]
        values = whole.reshape(height, side, width, side).sum(axis=(1, 3), dtype=np.uint32)
    sums = np.zeros((height + 1, width + 1))
    np.cumsum(values, axis=0, dtype=np.float64, out=sums[1:, 1:])
    np.cumsum(sums[1:, 1:], axis=1, out=sums[1:, 1:])
    return sums


def _spaced(first: int, last: int, step: int) -> PlaceArray:
    """From first to last by a step, both included."""
    return np.unique(np.append(np.arange(first, last + 1, step), last))


def _hollows(errors: DoubleArray) -> Iterator[tuple[int, int]]:
    """The deepest places that no neighbour undercuts."""
    padded = np.pad(errors, 1, constant_values=np.inf)
    height, width = errors.shape
    lowest = np.ones(errors.shape, bool)
    for y in range(3):
        for x in range(3):
            lowest &= errors <= padded[y : y + height, x : x + width]
    places = np.argwhere(lowest & np.isfinite(errors))
    for y, x in places[np.argsort(errors[tuple(places.T)], kind="stable")][:CANDIDATES]:
        yield int(y), int(x)
