"""Do the pixels still fit the network?  A digest for certainty, block means for what tools do to pictures.

The payload records the picture's size, a digest of its decoded RGB and the mean codes of a coarse grid of blocks.  An
equal digest means that nothing has changed.  Otherwise the block means tell a recompressed or resized picture, which
still expands, from an edited one, which does not.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from gamutcli.arrays import CodeArray, DoubleArray

DIGEST_BYTES = 16
GRID_SIDE = 16
#: Mean differences of block means, in 8-bit codes: re-saves stay below the first, edits go above the second.
RECOMPRESSED_BELOW = 0.6
CHANGED_ABOVE = 1.0


class Status(StrEnum):
    """What became of the pixels since the payload was made."""

    OK = "ok"
    RECOMPRESSED = "recompressed"
    CHANGED = "changed"


@dataclass(frozen=True, eq=False)
class Fingerprint:
    """What a payload knows of its picture.

    Attributes:
        width: Pixels.
        height: Pixels.
        digest: First 16 bytes of the SHA-256 of the RGB codes, row by row.
        grid: (side, side, 3) uint8 block means.
    """

    width: int
    height: int
    digest: bytes
    grid: CodeArray


@dataclass(frozen=True)
class Match:
    """How well a picture fits a fingerprint.

    Attributes:
        status: The verdict.
        difference: Mean difference of the block means, 8-bit codes; 0 where the digest is equal.
        resized: The picture has another size.
    """

    status: Status
    difference: float
    resized: bool


def digest(srgb_codes: CodeArray) -> bytes:
    """First 16 bytes of the SHA-256 of (height, width, 3) codes."""
    return hashlib.sha256(np.ascontiguousarray(srgb_codes).data).digest()[:DIGEST_BYTES]


def block_means(srgb_codes: CodeArray, side: int = GRID_SIDE) -> DoubleArray:
    """Mean codes of a grid of blocks.

    Block k of a side of n pixels starts at pixel ``k * n // side`` and holds at least one pixel.

    Args:
        srgb_codes: (height, width, 3).
        side: Blocks along each side.

    Returns:
        (side, side, 3) float64, 0 to 255.
    """
    height, width, _ = srgb_codes.shape
    tops, bottoms = _block_edges(height, side)
    lefts, rights = _block_edges(width, side)
    means = np.empty((side, side, 3))
    for row in range(side):
        columns = srgb_codes[tops[row] : bottoms[row]].sum(axis=0, dtype=np.uint32)
        running = np.concatenate([np.zeros((1, 3)), np.cumsum(columns, axis=0, dtype=np.float64)])
        area = ((rights - lefts) * (bottoms[row] - tops[row]))[:, None]
        means[row] = (running[rights] - running[lefts]) / area
    return means


def fingerprint(srgb_codes: CodeArray, side: int = GRID_SIDE) -> Fingerprint:
    """Take the fingerprint of a (height, width, 3) picture."""
    height, width, _ = srgb_codes.shape
    grid = np.floor(block_means(srgb_codes, side) + 0.5).astype(np.uint8)
    return Fingerprint(width, height, digest(srgb_codes), grid)


def match(known: Fingerprint, srgb_codes: CodeArray) -> Match:
    """Compare a picture with the fingerprint of the one that the payload was made for."""
    height, width, _ = srgb_codes.shape
    resized = (width, height) != (known.width, known.height)
    if not resized and digest(srgb_codes) == known.digest:
        return Match(Status.OK, 0.0, False)
    difference = float(np.abs(block_means(srgb_codes, known.grid.shape[0]) - known.grid).mean())
    status = Status.RECOMPRESSED if difference <= CHANGED_ABOVE else Status.CHANGED
    return Match(status, difference, resized)


def _block_edges(size: int, side: int) -> tuple[np.ndarray, np.ndarray]:
    edges = np.arange(side + 1) * size // side
    starts = np.minimum(edges[:-1], size - 1)
    return starts, np.maximum(edges[1:], starts + 1)
