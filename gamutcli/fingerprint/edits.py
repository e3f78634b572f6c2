"""Tells compression from editing by what each does to the means of a grid of blocks.

Compression and scaling leave noise: each block's mean goes its own way, and those with clipped pixels go farthest, for
there what overshoots is cut off.  Toning leaves an order: what becomes of a block depends on its colour alone.  So a
line is laid through the differences, ``difference = a + B code`` with a column of B for each channel, and what it
explains is held against what it leaves.  A step that all blocks share is no sign: some tools cut fractions off instead
of rounding them.

The thresholds are measured; docs/PIXELS.md has the table, bench/pixels.py makes it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gamutcli.arrays import CodeArray, DoubleArray

#: What is left of the difference where nothing but rounding took place, 8-bit codes.
ROUNDING = 0.3
#: What the line may explain, mean absolute codes: this for a grid of endless blocks, and so much more for few.
TONED_ABOVE, TONED_BY_BLOCKS = 0.25, 1.3
#: How much more it may explain where so much more is left.
TONED_BY_NOISE = 0.5
#: Step that all blocks may share, codes.
SHIFTED_ABOVE = 0.65
#: Root mean square that may be left.
FOREIGN_ABOVE = 1.7
#: A single block without clipped pixels may differ from the line by so much.
RETOUCHED_ABOVE = 5.0
#: A block's weight is halved when this share of its pixels is clipped.
CLIPPED_SHARE = 0.02
_ROUNDS = 6


@dataclass(frozen=True)
class Judgement:
    """What differs between the known and the found means of some blocks; all in 8-bit codes.

    Attributes:
        difference: Mean absolute difference of all blocks.
        toned: Mean absolute part that depends on a block's colour, but not on the block.
        shifted: The step that all blocks share.
        noise: Root mean square of the rest; blocks with clipped pixels count less here and below.
        retouched: Largest rest of a block.
        blocks: How many there were.
    """

    difference: float
    toned: float
    shifted: float
    noise: float
    retouched: float
    blocks: int

    @property
    def fault(self) -> str | None:
        """What was done to the picture beyond compression and scaling; None where nothing shows."""
        allowed = TONED_ABOVE + TONED_BY_BLOCKS / self.blocks**0.5
        allowed += max(0.0, min(self.noise - ROUNDING, TONED_BY_NOISE))
        if self.noise > FOREIGN_ABOVE:
            return "changed throughout"
        if self.toned > allowed or abs(self.shifted) > SHIFTED_ABOVE:
            return "toned"
        return "changed in places" if self.retouched > RETOUCHED_ABOVE else None


def judge(known: DoubleArray, found: DoubleArray, clipped: DoubleArray) -> Judgement:
    """Compare block means.

    Args:
        known: (blocks, 3) codes, rounded.
        found: (blocks, 3) codes.
        clipped: (blocks,) share of the found pixels that are clipped, 0 to 1.
    """
    differences = found - known
    trust = 1 / (CLIPPED_SHARE + clipped)
    trust /= trust.sum()
    explained = _line(known, differences, trust)
    rest = np.sqrt(((differences - explained) ** 2).mean(axis=1))
    shifted = float(trust @ explained.mean(axis=1))
    return Judgement(
        difference=float(np.abs(differences).mean()),
        toned=float(trust @ np.abs(explained - shifted).mean(axis=1)),
        shifted=shifted,
        noise=float(np.sqrt(trust @ rest**2)),
        retouched=float((rest * np.sqrt(CLIPPED_SHARE / (CLIPPED_SHARE + clipped))).max()),
        blocks=len(known),
    )


def _line(known: DoubleArray, differences: DoubleArray, trust: DoubleArray) -> DoubleArray:
    """(blocks, 3) what a line through the differences explains; outliers pull it little.

    Source: iteratively reweighted least squares, Holland and Welsch, 1977; each round divides a block's weight by its
    distance from the line before.
    """
    terms = np.column_stack([np.ones(len(known)), (known - 128) / 128])
    pull = trust
    explained = np.zeros_like(differences)
    for _ in range(_ROUNDS):
        root = np.sqrt(pull)[:, None]
        explained = terms @ np.linalg.lstsq(terms * root, differences * root, rcond=None)[0]
        distance = np.sqrt(((differences - explained) ** 2).mean(axis=1))
        pull = trust / np.maximum(distance, 0.5)
    return explained


def pooled_means(grid: DoubleArray | CodeArray, side: int) -> DoubleArray:
    """(n, n, channels) to (side, side, channels): means of neighbouring blocks; side divides n."""
    step = grid.shape[0] // side
    means: DoubleArray = grid.reshape(side, step, side, step, -1).mean(axis=(1, 3))
    return means
