"""Is what LibRaw developed the photograph?  What it said on the way, and the camera's own preview beside the result."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from gamutcli.arrays import Code16Array, CodeArray, DoubleArray
from gamutcli.images.silence import ERROR, turned_aside

# LibRaw's default callback prints the file's name and one of the first two; the others are libjpeg's, of a lossy DNG.
_COMPLAINT = re.compile(
    rb"data corrupted at \w+|unexpected end of file|corrupt jpeg data.*|premature end of jpeg file|invalid jpeg.*",
    re.IGNORECASE,
)
# What a progress line on a terminal consists of, which another thread draws.
_DRAWN = (b"\x1b", b"\r")

#: Blocks along a side of the pictures that are compared.
SIDE = 16
# A preview whose block means, 8-bit codes, spread less than this shows nothing to compare.
_LEAST_CONTRAST = 6.0
# Rank correlation of developed and shown brightness: of photographs above 0.9, whatever curve the camera drew; of noise
# up to 0.2, in the best of four positions.
_LEAST_AGREEMENT = 0.25
_CLIPPED_SHARE = 0.999
_BLACK, _WHITE = 16, 65280  # within rounding of LibRaw's
_RARE_ZEROS = 0.01


@dataclass
class Heard:
    """What LibRaw wrote to standard error.

    Attributes:
        complaints: That data are missing or wrong: "data corrupted at 3923".
        remarks: Everything else.
    """

    complaints: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    def listen(self, line: bytes) -> None:
        """Take a line in, or pass it on where it is drawn on a terminal."""
        found = _COMPLAINT.search(line)
        if found:
            self.complaints.append(found[0].decode(errors="replace").strip())
        elif any(sign in line for sign in _DRAWN):
            os.write(ERROR, line)
        elif line.strip():
            self.remarks.append(line.decode(errors="replace").strip())


@contextmanager
def overheard() -> Iterator[Heard]:
    """Keep what LibRaw writes to standard error from it.

    Yields:
        What it wrote, once the block has ended.
    """
    heard = Heard()
    with tempfile.TemporaryFile() as kept:
        try:
            with turned_aside((ERROR,), kept):
                yield heard
        finally:
            kept.seek(0)
            for line in kept:
                heard.listen(line)


def empty_rows(mosaic: NDArray[np.uint16]) -> int:
    """How many rows of a sensor's (height, width) values are nothing but zeros, where zeros are rare in the others."""
    width = mosaic.shape[1]
    zeros = width - np.count_nonzero(mosaic, axis=1)
    empty = int(np.count_nonzero(zeros == width))
    others = zeros.sum(dtype=np.int64) - empty * width
    return empty if others <= _RARE_ZEROS * (mosaic.size - empty * width) else 0


def is_clipped(linear: Code16Array) -> bool:
    """Tell (height, width, 3) codes that are practically all white, or all black."""
    least = _CLIPPED_SHARE * linear.shape[0] * linear.shape[1]
    return any(np.count_nonzero(clipped.all(axis=2)) >= least for clipped in (linear <= _BLACK, linear >= _WHITE))


def contradicts(preview: CodeArray, linear: Code16Array) -> bool:
    """Tell whether the camera's preview shows another picture than what was developed.

    Brightness is compared by rank: curves, white balance and exposure do not matter, and a negative is no
    contradiction.

    Args:
        preview: (height, width, 3) uint8, as it lies in the file or upright.
        linear: (height, width, 3) uint16, the developed picture, upright.
    """
    if min(*preview.shape[:2], *linear.shape[:2]) < SIDE:
        return False
    shown, developed = _block_means(preview), _block_means(linear)
    if shown.std() < _LEAST_CONTRAST:
        return False
    agreements = (abs(_rank_correlation(np.rot90(shown, turns), developed)) for turns in range(4))
    return max(agreements) < _LEAST_AGREEMENT


def _block_means(codes: CodeArray | Code16Array) -> DoubleArray:
    """(height, width, 3) to (SIDE, SIDE) mean greens of blocks; what is left over at the edges does not count."""
    height, width = (size // SIDE for size in codes.shape[:2])
    green = codes[: height * SIDE, : width * SIDE, 1]
    means: DoubleArray = green.reshape(SIDE, height, SIDE, width).mean(axis=(1, 3), dtype=np.float64)
    return means


def _rank_correlation(first: DoubleArray, second: DoubleArray) -> float:
    """Spearman's coefficient, 0 where one of both is flat."""
    if np.ptp(second) == 0:
        return 0.0
    ranks = [values.ravel().argsort(kind="stable").argsort(kind="stable") for values in (first, second)]
    return float(np.corrcoef(ranks[0], ranks[1])[0, 1])
