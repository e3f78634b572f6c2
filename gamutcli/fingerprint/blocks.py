"""Which parts of a picture hold lost colours: one bit for each block of 16 x 16 pixels.

A JPEG's dark noise looks clipped as well, and without these bits would go through the network with the rest.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gamutcli.arrays import BoolArray, IndexArray
from gamutcli.fingerprint.frame import Frame

SIDE = 16


@dataclass(frozen=True)
class LostBlocks:
    """The blocks of a picture that hold lost colours.

    Attributes:
        height: Of the picture, pixels.
        width: Likewise.
        bits: One a block, row by row, the first in the highest bit of the first byte; the last byte filled up with 0.
    """

    height: int
    width: int
    bits: bytes

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns) of blocks; those at the lower and the right edge may be smaller."""
        return shape_of(self.height, self.width)

    def mark_blocks(self) -> BoolArray:
        """(rows, columns) bool."""
        rows, columns = self.shape
        flat = np.unpackbits(np.frombuffer(self.bits, np.uint8), count=rows * columns)
        return flat.reshape(rows, columns).astype(bool)

    def keep(self, rows: slice, inside: IndexArray, shape: tuple[int, ...], frame: Frame | None = None) -> IndexArray:
        """Keep the pixels of a strip that lie in marked blocks.

        Args:
            rows: The strip.
            inside: (n,) flat places of pixels in it.
            shape: Of the picture at hand: height, width and more.
            frame: Where that lies in the one that the blocks were made for; None: it is that one, of whatever size.
        """
        frame = frame or Frame(shape[0], shape[1])
        y, x = np.divmod(inside, shape[1])
        y, x = frame.positions(y + rows.start, x, shape)
        marked = self.mark_blocks()
        # Of another size: the pixel of the known picture in which this one begins.
        y, x = y * self.height // frame.height // SIDE, x * self.width // frame.width // SIDE
        kept: IndexArray = inside[marked[y.clip(0, marked.shape[0] - 1), x.clip(0, marked.shape[1] - 1)]]
        return kept


def shape_of(height: int, width: int) -> tuple[int, int]:
    """(rows, columns) of the blocks of a picture."""
    return -(-height // SIDE), -(-width // SIDE)


class LostPixels:
    """The lost pixels of a picture, told strip by strip: how many there are, and which blocks hold one.

    Args:
        height: Of the picture, pixels.
        width: Likewise.

    Attributes:
        count: Lost pixels so far.
    """

    def __init__(self, height: int, width: int) -> None:
        self.count = 0
        self._height, self._width = height, width
        self._marked = np.zeros(shape_of(height, width), bool)

    def add(self, rows: slice, lost: BoolArray) -> None:
        """Add the pixels of a strip: (rows, width) which of them are lost."""
        self.count += int(np.count_nonzero(lost))
        columns = self._marked.shape[1]
        folded = np.zeros(columns * SIDE, bool)
        for row in range(rows.start // SIDE, -(-rows.stop // SIDE)):
            top, bottom = (
                min(max(edge, rows.start), rows.stop) - rows.start for edge in (row * SIDE, (row + 1) * SIDE)
            )
            # By rows of pixels first: an eighth of the time of whole blocks.
            np.logical_or.reduce(lost[top:bottom], axis=0, out=folded[: self._width])
            self._marked[row] |= folded.reshape(columns, SIDE).any(axis=1)

    def blocks(self) -> LostBlocks:
        """The blocks that hold at least one of them."""
        return LostBlocks(self._height, self._width, np.packbits(self._marked).tobytes())
