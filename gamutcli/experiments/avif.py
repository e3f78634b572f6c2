"""What a codec engineer would try instead of a network: the lost colours as a small AVIF picture.

The residual, original minus reduced picture in linear ProPhoto RGB, zero where a decoder would not correct, is taken
to its signed square root (so that small residuals keep their digits), scaled by its maximum to 8 bits around 128, and
written as an AVIF picture.  A decoder turns all that round, enlarges the picture where it was shrunk, and adds it to
the pixels that look clipped.  Of every size and kind of AVIF, at the best quality that fits into the given bytes, the
one that restores best is taken.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import imagecodecs
import numpy as np
from PIL import Image

from gamutcli.arrays import BoolArray, CodeArray, FloatArray
from gamutcli.metrics import original_og_mask
from gamutcli.model import codes_to_prophoto
from gamutcli.scene import Scene

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

    Files are kept: asking for several sizes costs little more than asking for one.

    Args:
        original: (height, width, 3) linear ProPhoto RGB.
        plain: Same shape; what the reduced picture shows without any correction.
        corrected: (height, width) bool; the pixels that a decoder, which has only the reduced picture, corrects.
        speed: Of the encoder, 0 (slowest) to 10.

    Attributes:
        shrinks: By how much its sides may be divided.
    """

    def __init__(self, original: FloatArray, plain: FloatArray, corrected: BoolArray, speed: int = 6) -> None:
        self._plain = plain
        self._corrected = corrected
        self._speed = speed
        residual = np.where(corrected[..., None], original - plain, np.float32(0))
        roots = np.copysign(np.sqrt(np.abs(residual)), residual)
        self._scale = float(np.abs(roots).max())
        longest = max(corrected.shape)
        self.shrinks = tuple(shrink for shrink in SHRINKS if shrink <= 4 or longest >= shrink * SMALLEST_SIDE)
        self._pictures = {shrink: _codes(_shrunk(roots, shrink), self._scale) for shrink in self.shrinks}
        self._files: dict[tuple[int, str, int], bytes] = {}
        # Every candidate is judged, so only where it counts.
        self._og = original_og_mask(original)
        self._og_original, self._og_plain = original[self._og], plain[self._og]
        self._og_corrected = corrected[self._og]
        self._candidates: dict[tuple[int, str, int], Candidate] = {}

    def within(self, size: int) -> Candidate | None:
        """The best file of at most that many bytes, scale included; None when nothing fits, or nothing is lost."""
        if not self._scale or not self._og.any():
            return None
        found = [self._largest(shrink, kind, size) for shrink in self.shrinks for kind in KINDS]
        return max((candidate for candidate in found if candidate), key=lambda one: one.psnr_og, default=None)

    def restored(self, candidate: Candidate) -> FloatArray:
        """(height, width, 3) linear ProPhoto RGB, as a decoder would restore it."""
        picture = self._plain.copy()
        picture[self._corrected] += self._residual(candidate.data)[self._corrected]
        return picture.clip(0, 1)

    def _largest(self, shrink: int, kind: str, size: int) -> Candidate | None:
        """The file of the highest quality that fits, found by bisection; sizes rise with quality, or nearly so."""
        # Most sizes of a large picture do not fit at all, and cost seconds a try.
        if not self._fits(shrink, kind, 0, size):
            return None
        best, above = 0, QUALITIES
        while above - best > 1:
            middle = (best + above) // 2
            if self._fits(shrink, kind, middle, size):
                best = middle
            else:
                above = middle
        return self._judged(shrink, kind, best)

    def _fits(self, shrink: int, kind: str, quality: int, size: int) -> bool:
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
            data = self._file(*key)
            residual = self._residual(data)[self._og] * self._og_corrected[:, None]
            error = (self._og_plain + residual).clip(0, 1) - self._og_original
            mean_square = float(np.square(error).mean(dtype=np.float64))
            psnr = -10 * math.log10(mean_square) if mean_square else math.inf
            self._candidates[key] = Candidate(shrink, kind, quality, data, psnr)
        return self._candidates[key]

    def _residual(self, data: bytes) -> FloatArray:
        """(height, width, 3) linear ProPhoto residual that a file holds, in every pixel."""
        codes: CodeArray = imagecodecs.avif_decode(data)
        height, width = self._corrected.shape
        roots = (codes.astype(np.float32) - 128) * np.float32(self._scale / 127)
        roots = _scaled_to(roots, width, height, Image.Resampling.BILINEAR)
        return roots * np.abs(roots)


def residual_of(scene: Scene) -> AvifResidual:
    """The residual of a picture that was reduced, in the pixels that its decoder corrects."""
    original = scene.original.linear(scene.original.codes)
    plain = codes_to_prophoto(scene.srgb_codes, scene.adaptation)
    return AvifResidual(original, plain, scene.correction.mask(scene.srgb_codes))


def _codes(roots: FloatArray, scale: float) -> CodeArray:
    """(height, width, 3) in 8 bits around 128."""
    return np.round(128 + 127 / (scale or 1) * roots).astype(np.uint8)


def _shrunk(picture: FloatArray, shrink: int) -> FloatArray:
    height, width, _ = picture.shape
    return _scaled_to(picture, -(-width // shrink), -(-height // shrink), Image.Resampling.BOX)


def _scaled_to(picture: FloatArray, width: int, height: int, how: Image.Resampling) -> FloatArray:
    if picture.shape[:2] == (height, width):
        return picture
    channels = [Image.fromarray(np.ascontiguousarray(picture[..., channel])) for channel in range(3)]
    return np.stack([np.asarray(channel.resize((width, height), how)) for channel in channels], axis=-1)
