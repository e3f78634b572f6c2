"""Where a picture lies within the one that its network was fitted to: turned, mirrored, or a part of it."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Pixel = TypeVar("Pixel", bound=np.generic)
IndexArray = NDArray[np.intp]


@dataclass(frozen=True)
class Orientation:
    """How a picture was turned or mirrored; undone by reversing what is reversed, then transposing.

    Attributes:
        transposed: Rows have become columns.
        rows_reversed: Top and bottom are exchanged.
        columns_reversed: Left and right are exchanged.
    """

    transposed: bool = False
    rows_reversed: bool = False
    columns_reversed: bool = False

    def undo(self, values: NDArray[Pixel]) -> NDArray[Pixel]:
        """(height, width, ...) as it lay before: a view."""
        upright = values[:: -1 if self.rows_reversed else 1, :: -1 if self.columns_reversed else 1]
        return upright.swapaxes(0, 1) if self.transposed else upright

    def size(self, shape: tuple[int, ...]) -> tuple[int, int]:
        """(height, width) before, of a picture of some shape now."""
        return (shape[1], shape[0]) if self.transposed else (shape[0], shape[1])

    def __str__(self) -> str:
        return _NAMES[self.transposed, self.rows_reversed, self.columns_reversed]


_NAMES = {
    (False, False, False): "upright",
    (False, False, True): "flipped left to right",
    (False, True, False): "flipped top to bottom",
    (False, True, True): "rotated by 180 degrees",
    (True, False, True): "rotated by 90 degrees clockwise",
    (True, True, False): "rotated by 90 degrees counterclockwise",
    (True, False, False): "mirrored along its falling diagonal",
    (True, True, True): "mirrored along its rising diagonal",
}
UPRIGHT = Orientation()
ORIENTATIONS = tuple(Orientation(*each) for each in product((False, True), repeat=3))


@dataclass(frozen=True)
class Frame:
    """The picture that a network's x and y refer to, and where in it the pixels at hand lie.

    Attributes:
        height: Of the whole frame, pixels of the size at hand.
        width: Likewise.
        top: Rows of the frame above the pixels at hand, once these are upright.
        left: Columns of the frame left of them.
        orientation: How they were turned.
    """

    height: int
    width: int
    top: int = 0
    left: int = 0
    orientation: Orientation = UPRIGHT

    def positions(self, rows: IndexArray, columns: IndexArray, shape: tuple[int, ...]) -> tuple[IndexArray, IndexArray]:
        """Places in the frame of some pixels at hand.

        Args:
            rows: (n,) of the pixels.
            columns: (n,) likewise.
            shape: Of the picture at hand: height, width and more.

        Returns:
            (n,) rows and (n,) columns of the frame.
        """
        turned = self.orientation
        if turned.rows_reversed:
            rows = shape[0] - 1 - rows
        if turned.columns_reversed:
            columns = shape[1] - 1 - columns
        y, x = (columns, rows) if turned.transposed else (rows, columns)
        return y + self.top, x + self.left
