"""Do the pixels still fit the network?  A digest for certainty, block means for what tools do to pictures.

The payload records the picture's size, a digest of its decoded RGB and the mean codes of a coarse grid of blocks.  An
equal digest means that nothing has changed.  Otherwise the block means tell a picture that was compressed again,
resized, turned or cropped, which still expands, from an edited one, which does not.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from gamutcli.arrays import CodeArray, DoubleArray
from gamutcli.color.gamut import clipped_mask
from gamutcli.fingerprint.crops import Blocks, register
from gamutcli.fingerprint.edits import Judgement, judge, pooled_means
from gamutcli.fingerprint.frame import ORIENTATIONS, UPRIGHT, Frame, Orientation

DIGEST_BYTES = 16
GRID_SIDE = 16
#: Of a payload that counts every byte.
SMALL_GRID_SIDE = 8
#: A block is judged by at least so many pixels a side, as long as there are so many blocks a side.
FEWEST_PIXELS, FEWEST_SIDE = 12, 4
#: Codes this far from 0 or 255 count as clipped: compression moves them so far.
CLIPPED_WITHIN = 6
#: Mean difference of block means above which no digest of a turned picture is taken, 8-bit codes.
_SIMILAR = 1.0


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
        frame: What x and y of the network refer to.
        resized: The picture has another size, and is not a part of the known one.
        cropped: It is a part of it.
        fault: What was done to a changed picture, as far as it shows; else empty.
    """

    status: Status
    difference: float
    frame: Frame
    resized: bool = False
    cropped: bool = False
    fault: str = ""

    @property
    def recognised(self) -> str:
        """What was done to the picture, in words: "rotated by 180 degrees, compressed again"; empty for nothing."""
        done = [] if self.frame.orientation == UPRIGHT else [str(self.frame.orientation)]
        if self.status is Status.CHANGED:
            return ", ".join([*done, self.fault])
        if self.cropped:
            done.append("cropped")
        elif self.resized:
            done.append("resized")
        elif self.status is Status.RECOMPRESSED:
            done.append("compressed again")
        return ", ".join(done)


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


def fingerprint(srgb_codes: CodeArray, side: int = GRID_SIDE, known_digest: bytes | None = None) -> Fingerprint:
    """Take the fingerprint of a picture.

    Args:
        srgb_codes: (height, width, 3).
        side: Blocks along each side.
        known_digest: Of these codes; None: it is taken here.
    """
    height, width, _ = srgb_codes.shape
    grid = np.floor(block_means(srgb_codes, side) + 0.5).astype(np.uint8)
    return Fingerprint(width, height, digest(srgb_codes) if known_digest is None else known_digest, grid)


def match(known: Fingerprint, srgb_codes: CodeArray) -> Match:
    """Compare a picture with the fingerprint of the one that the payload was made for."""
    height, width, _ = srgb_codes.shape
    whole = Frame(height, width)
    if (height, width) == (known.height, known.width) and digest(srgb_codes) == known.digest:
        return Match(Status.OK, 0.0, whole)
    side = known.grid.shape[0]
    means = block_means(srgb_codes, side)
    clipped = block_means(clipped_mask(srgb_codes, CLIPPED_WITHIN)[..., None].view(np.uint8), side)
    found = min((_as_a_whole(known, srgb_codes, means, clipped, turned) for turned in ORIENTATIONS), key=_order)
    if found.status is Status.OK:
        return found
    # A crop looks much like a smaller picture where little is cut off.
    changed = found.status is Status.CHANGED
    for turned in ORIENTATIONS if changed else (found.frame.orientation,):
        part = _as_a_part(known, srgb_codes, turned)
        if part and _order(part) < _order(found):
            found = part
        if found.status is not Status.CHANGED:
            break
    return found


def _order(found: Match) -> tuple[bool, float]:
    # A flat picture looks much the same in all orientations.
    doubt = 1.0 if found.frame.orientation == UPRIGHT else 1.5
    return found.status is Status.CHANGED, doubt * found.difference


def _as_a_whole(
    known: Fingerprint, srgb_codes: CodeArray, means: DoubleArray, clipped: DoubleArray, turned: Orientation
) -> Match:
    """Judge a picture that was turned so, and perhaps scaled."""
    height, width = turned.size(srgb_codes.shape)
    frame = Frame(height, width, orientation=turned)
    resized = (height, width) != (known.height, known.width)
    # Blocks of fewer pixels than compression works on say little.
    side = pooled_side(known.grid.shape[0], min(height, width))
    grids = (
        pooled_means(grid, side).reshape(side**2, -1) for grid in (known.grid, turned.undo(means), turned.undo(clipped))
    )
    before, after, shares = grids
    judged = judge(before, after, shares[:, 0])
    exact = turned != UPRIGHT and not resized and judged.difference < _SIMILAR
    if exact and digest(turned.undo(srgb_codes)) == known.digest:
        return Match(Status.OK, 0.0, frame)
    return _verdict(judged, frame, resized=resized)


def pooled_side(side: int, pixels: int) -> int:
    """How many blocks a side to judge by, pooled from those of a grid: the most that have pixels enough.

    Args:
        side: Of the grid; one that has no smaller divisor is not pooled.
        pixels: The picture's shorter side.
    """
    divisors = [blocks for blocks in range(side, 0, -1) if side % blocks == 0 and blocks >= min(side, FEWEST_SIDE)]
    return next((blocks for blocks in divisors if pixels >= FEWEST_PIXELS * blocks), divisors[-1])


def _as_a_part(known: Fingerprint, srgb_codes: CodeArray, turned: Orientation) -> Match | None:
    """Judge a picture that was turned so and cropped; None where it is no part, or its place cannot be told."""
    part = turned.undo(srgb_codes)
    if part.shape[:2] == (known.height, known.width):
        return None
    place = register(known.grid, known.height, known.width, part)
    if place is None:
        return None
    frame = Frame(known.height, known.width, place.top, place.left, turned)
    clipped = clipped_mask(part, CLIPPED_WITHIN)[..., None].view(np.uint8)
    side = known.grid.shape[0]
    at = np.array([place.top]), np.array([place.left]), np.arange(side)[None], np.arange(side)[None]
    means, shares = (
        Blocks(side, known.height, known.width, values).means(*at)[0, :, 0][place.inside] for values in (part, clipped)
    )
    judged = judge(known.grid[place.inside].astype(np.float64), means, shares[:, 0])
    return _verdict(judged, frame, cropped=True)


def _verdict(judged: Judgement, frame: Frame, *, resized: bool = False, cropped: bool = False) -> Match:
    fault = judged.fault
    status = Status.CHANGED if fault else Status.RECOMPRESSED
    return Match(status, judged.difference, frame, resized, cropped, fault or "")


def _means(values: CodeArray | DoubleArray, count: int) -> DoubleArray:
    """(n, ...) to (count, ...): the means of equal shares of the first axis."""
    size = len(values)
    # A boundary lies so many whole pixels, and so many parts of one, from the start.
    whole, parts = np.divmod(np.arange(count + 1) * size, count)
    dtype = np.uint32 if values.dtype == np.uint8 else np.float64
    before = np.zeros((count + 1, *values.shape[1:]))
    for boundary in range(1, count + 1):
        between = values[whole[boundary - 1] : whole[boundary]].sum(axis=0, dtype=dtype)
        before[boundary] = before[boundary - 1] + between
    crossed = values[whole.clip(0, size - 1)] * (parts / count)[:, None, None]
    means: DoubleArray = np.diff(before + crossed, axis=0) * (count / size)
    return means
