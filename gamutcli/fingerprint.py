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
#: Of a payload that counts every byte.
SMALL_GRID_SIDE = 8
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
    """Mean codes of a grid of blocks of equal size.

    A boundary may cross pixels, which then count for both blocks by area: so a resized picture has the same means.

    Args:
        srgb_codes: (height, width, 3).
        side: Blocks along each side.

    Returns:
        (side, side, 3) float64, 0 to 255.
    """
    rows = _means(srgb_codes, side)
    return _means(rows.swapaxes(0, 1), side).swapaxes(0, 1)


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


def _means(values: CodeArray | DoubleArray, count: int) -> DoubleArray:
    """(n, ...) to (count, ...): the means of equal shares of the first axis."""
    size = len(values)
    # A boundary lies so many whole pixels, and so many parts of one, from the start.
    whole, parts = np.divmod(np.arange(count + 1) * size, count)
    kind = np.uint32 if values.dtype == np.uint8 else np.float64
    before = np.zeros((count + 1, *values.shape[1:]))
    for boundary in range(1, count + 1):
        between = values[whole[boundary - 1] : whole[boundary]].sum(axis=0, dtype=kind)
        before[boundary] = before[boundary - 1] + between
    crossed = values[whole.clip(0, size - 1)] * (parts / count)[:, None, None]
    means: DoubleArray = np.diff(before + crossed, axis=0) * (count / size)
    return means
