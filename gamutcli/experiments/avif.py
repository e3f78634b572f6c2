"""What a codec engineer would try instead of a network: the lost colours as a small AVIF picture.

The residual, original minus reduced picture in linear ProPhoto RGB, zero where a decoder would not correct, is taken
to its signed square root (so that small residuals keep their digits), scaled by its maximum to 8 bits around 128, and
written as an AVIF picture.  A decoder turns all that round, enlarges the picture where it was shrunk, and adds it to
the pixels that look clipped.  Of every size and kind of AVIF, at the best quality that fits into the given bytes, the
one that restores best is taken.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Protocol

import imagecodecs
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from gamutcli.arrays import BoolArray, CodeArray, FloatArray
from gamutcli.color.gamut import codes_to_prophoto
from gamutcli.fitting.scene import Scene
from gamutcli.measuring.metrics import original_og_mask
from gamutcli.parallel import in_order, strips

#: Whether this build of imagecodecs can write AVIF.
AVAILABLE: bool = imagecodecs.AVIF.available

SCALE_BYTES = 4  # the maximum of the residual's root, float32, which a file would have to hold too
SHRINKS = (1, 2, 4, 8, 16)
#: A picture is shrunk beyond a quarter only where its longer side keeps so many pixels: those of cameras do.
SMALLEST_SIDE = 256
#: Ways to store three channels: luma and chroma, full and half size; or the channels as they are.
KINDS: dict[str, dict[str, Any]] = {
    "4:4:4": {"pixelformat": "yuv444"},
    "4:2:0": {"pixelformat": "yuv420"},
    "RGB": {"pixelformat": "yuv444", "matrix": 0},
}
QUALITIES = 101  # 0 to 100, as libavif counts


class Pixels(Protocol):
    """A picture of which strips are asked for: an array, or what makes them when they are."""

    def __getitem__(self, rows: slice, /) -> FloatArray:
        """Give some rows: (rows, width, 3) linear ProPhoto RGB."""
        ...


@dataclass(frozen=True, eq=False)
class Made:
    """Pixels that are made when they are asked for."""

    make: Callable[[slice], FloatArray]

    def __getitem__(self, rows: slice, /) -> FloatArray:
        """Make some rows."""
        return self.make(rows)


@dataclass(frozen=True, eq=False)
class Candidate:
    """One AVIF file of the residual.

    Attributes:
        psnr_og: Of the picture restored with it, over the original's out-of-gamut pixels, dB.
    """

    shrink: int
    kind: str
    quality: int
    data: bytes
    psnr_og: float

    @property
    def size(self) -> int:
        """Bytes that a payload would take."""
        return len(self.data) + SCALE_BYTES

    def __str__(self) -> str:
        return f"1/{self.shrink} {self.kind} quality {self.quality}"


class AvifResidual:
    """The residual of one picture, as AVIF files of every size.

    Files are kept: asking for several sizes costs little more than asking for one.  Of the picture only 8-bit codes are
    kept; all else is made anew strip by strip, as often as it is needed.

    Args:
        original: (height, width, 3) linear ProPhoto RGB.
        plain: Same shape; what the reduced picture shows without any correction.
        corrected: (height, width) bool; the pixels that a decoder, which has only the reduced picture, corrects.
        speed: Of the encoder, 0 (slowest) to 10.

    Attributes:
        shrinks: By how much its sides may be divided.
    """

    def __init__(self, original: Pixels, plain: Pixels, corrected: BoolArray, speed: int = 6) -> None:
        self._original = original
        self._plain = plain
        self._corrected = corrected
        self._speed = speed
        self._size = height, width = corrected.shape
        self.shrinks = tuple(shrink for shrink in SHRINKS if shrink <= 4 or max(self._size) >= shrink * SMALLEST_SIDE)
        self._og = np.empty((height, width), bool)
        self._scale = max(in_order(self._measured, strips(height, width)))
        self._pictures = {shrink: self._picture(shrink) for shrink in self.shrinks}
        self._files: dict[tuple[int, str, int], bytes] = {}
        self._candidates: dict[tuple[int, str, int], Candidate] = {}

    def within(self, size: int) -> Candidate | None:
        """The best file of at most that many bytes, scale included; None when nothing fits, or nothing is lost."""
        if not self._scale or not self._og.any():
            return None
        found = [self._largest(shrink, kind, size) for shrink in self.shrinks for kind in KINDS]
        return max((candidate for candidate in found if candidate), key=lambda one: one.psnr_og, default=None)

    def restoring(self, candidate: Candidate) -> Callable[[slice], FloatArray]:
        """Gives rows as a decoder would restore them: (rows, width, 3) linear ProPhoto RGB."""
        residual = self._residual(candidate.data)

        def restored(rows: slice) -> FloatArray:
            corrected = self._corrected[rows]
            picture = self._plain[rows].copy()
            picture[corrected] += residual(rows)[corrected]
            return picture.clip(0, 1)

        return restored

    def restored(self, candidate: Candidate) -> FloatArray:
        """(height, width, 3) linear ProPhoto RGB, as a decoder would restore it."""
        restored = self.restoring(candidate)
        return np.concatenate([restored(rows) for rows in strips(*self._size)])

    def _measured(self, rows: slice) -> float:
        """Mark the pixels of some rows that are out of gamut, and give the largest root of a residual."""
        self._og[rows] = original_og_mask(self._original[rows])
        return float(np.abs(self._roots(rows)).max())

    def _roots(self, rows: slice) -> FloatArray:
        """(rows, width, 3) signed roots of the residual."""
        residual = np.where(self._corrected[rows, :, None], self._original[rows] - self._plain[rows], np.float32(0))
        return np.copysign(np.sqrt(np.abs(residual)), residual)

    def _picture(self, shrink: int) -> CodeArray:
        """The roots, both sides divided, in 8 bits around 128."""
        height, width = self._size
        lines, columns = _edges(height, shrink), _edges(width, shrink)

        def part(rows: slice) -> CodeArray:
            edges = lines[rows.start : rows.stop + 1]
            roots = self._roots(slice(edges[0], edges[-1]))
            return _codes(_means(roots, edges - edges[0], columns), self._scale)

        return np.concatenate(list(in_order(part, strips(len(lines) - 1, width * shrink))))

    def _largest(self, shrink: int, kind: str, size: int) -> Candidate | None:
        """The file of the highest quality that fits, found by bisection; sizes rise with quality, or nearly so."""
        # Most sizes of a large picture do not fit at all, and cost seconds a try.
        if not self._is_small_enough(shrink, kind, 0, size):
            return None
        best, above = 0, QUALITIES
        while above - best > 1:
            middle = (best + above) // 2
            if self._is_small_enough(shrink, kind, middle, size):
                best = middle
            else:
                above = middle
        return self._judged(shrink, kind, best)

    def _is_small_enough(self, shrink: int, kind: str, quality: int, size: int) -> bool:
        return len(self._file(shrink, kind, quality)) + SCALE_BYTES <= size

    def _file(self, shrink: int, kind: str, quality: int) -> bytes:
        key = (shrink, kind, quality)
        if key not in self._files:
            picture = self._pictures[shrink]
            self._files[key] = bytes(imagecodecs.avif_encode(picture, level=quality, speed=self._speed, **KINDS[kind]))
        return self._files[key]

    def _judged(self, shrink: int, kind: str, quality: int) -> Candidate:
        key = (shrink, kind, quality)
        if key not in self._candidates:
            candidate = Candidate(shrink, kind, quality, self._file(*key), math.nan)
            restored = self.restoring(candidate)

            def squares(rows: slice) -> float:
                where = self._og[rows]
                error = restored(rows)[where] - self._original[rows][where] if where.any() else np.zeros(0, np.float32)
                return float(np.square(error).sum(dtype=np.float64))

            mean_square = sum(in_order(squares, strips(*self._size))) / (3 * np.count_nonzero(self._og))
            psnr = -10 * math.log10(mean_square) if mean_square else math.inf
            self._candidates[key] = replace(candidate, psnr_og=psnr)
        return self._candidates[key]

    def _residual(self, data: bytes) -> Callable[[slice], FloatArray]:
        """Gives rows of the residual that a file holds, in every pixel: (rows, width, 3) linear ProPhoto RGB."""
        codes: CodeArray = imagecodecs.avif_decode(data)
        height, width = self._size
        step = np.float32(self._scale / 127)
        if codes.shape[:2] == self._size:
            return lambda rows: _square((codes[rows].astype(np.float32) - 128) * step)
        roots = Enlarged((codes.astype(np.float32) - 128) * step)
        small_height = codes.shape[0]

        def residual(rows: slice) -> FloatArray:
            top, bottom = rows.start * small_height / height, rows.stop * small_height / height
            return _square(roots.part(top, bottom, rows.stop - rows.start, width))

        return residual


class Enlarged:
    """A picture, (height, width, 3), of which parts are asked for in a larger size; bilinear."""

    def __init__(self, picture: FloatArray) -> None:
        self._width = picture.shape[1]
        self._channels = [Image.fromarray(np.ascontiguousarray(picture[..., channel])) for channel in range(3)]

    def part(self, top: float, bottom: float, height: int, width: int) -> FloatArray:
        """Rows from the top to the bottom, at any place between rows, enlarged to (height, width, 3)."""
        box = (0, top, self._width, bottom)
        how = Image.Resampling.BILINEAR
        return np.stack([np.asarray(channel.resize((width, height), how, box)) for channel in self._channels], axis=-1)


def residual_of(scene: Scene) -> AvifResidual:
    """The residual of a picture that was reduced, in the pixels that its decoder corrects."""

    def plain(rows: slice) -> FloatArray:
        return codes_to_prophoto(scene.srgb_codes[rows], scene.adaptation)

    return AvifResidual(Made(scene.original.strip), Made(plain), scene.correction.mask(scene.srgb_codes))


def _codes(roots: FloatArray, scale: float) -> CodeArray:
    """(rows, width, 3) in 8 bits around 128."""
    return np.round(128 + 127 / (scale or 1) * roots).astype(np.uint8)


def _edges(side: int, shrink: int) -> NDArray[np.intp]:
    """Where a side is cut into parts of nearly equal length: every pixel goes where its centre lies."""
    parts = -(-side // shrink)
    edges: NDArray[np.intp] = (2 * np.arange(parts + 1) * side + parts) // (2 * parts)
    return edges


def _means(picture: FloatArray, lines: NDArray[np.intp], columns: NDArray[np.intp]) -> FloatArray:
    """Means of the blocks between edges: (lines - 1, columns - 1, 3)."""
    sums = np.add.reduceat(np.add.reduceat(picture, lines[:-1], axis=0), columns[:-1], axis=1)
    counts = np.diff(lines)[:, None, None] * np.diff(columns)[:, None]
    means: FloatArray = np.divide(sums, counts, dtype=np.float32)
    return means


def _square(roots: FloatArray) -> FloatArray:
    """Undo signed roots."""
    return roots * np.abs(roots)
