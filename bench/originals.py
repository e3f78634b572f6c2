"""A picture as a benchmark needs it: the original, and what an sRGB file keeps of it."""

from __future__ import annotations

from pathlib import Path

from gamutcli import images
from gamutcli.arrays import FloatArray
from gamutcli.color import tolerance
from gamutcli.color.gamut import clipped_mask, codes_to_prophoto, srgb_codes
from gamutcli.color.spaces import PROPHOTO, SRGB, apply_matrix, rgb_to_rgb
from gamutcli.images.original import read_source
from gamutcli.measuring.metrics import Comparison, Scores
from gamutcli.parallel import strips

QUALITY = 95


class Picture:
    """One picture, held in memory as a whole.

    Args:
        path: 16-bit TIFF or PNG with an ICC profile.
        extension: Of the reduced file: "png", or "jpg" (quality 95).

    Attributes:
        original: (height, width, 3) linear ProPhoto RGB.
        plain: Same shape; the reduced picture converted back, without any correction.
        corrected: (height, width) bool; the pixels that a decoder corrects, for they look clipped.
        og_pct: Share of the original's pixels that are out of gamut, percent.
    """

    def __init__(self, path: Path, extension: str) -> None:
        self.original = linear_pixels(path)
        codes = srgb_codes(apply_matrix(self.original, rgb_to_rgb(PROPHOTO, SRGB)))
        format = images.format_of(f"reduced.{extension}")
        if format != "png":
            codes = images.decode_reduced(images.encode_reduced(codes, format, QUALITY))
        self.plain = codes_to_prophoto(codes, "bradford")
        self.corrected = clipped_mask(codes, tolerance.of_format(format, images.lossy_quality(format, QUALITY)))
        comparison = self._compared(self.plain)
        self.og_pct = comparison.og_pct
        self.plain_scores = comparison.scores()

    def scores(self, restored: FloatArray) -> Scores:
        """Judge (height, width, 3) linear ProPhoto RGB."""
        return self._compared(restored).scores()

    def _compared(self, restored: FloatArray) -> Comparison:
        comparison = Comparison()
        for rows in strips(*self.original.shape[:2]):
            comparison.add(restored[rows], self.original[rows])
        return comparison


def linear_pixels(path: Path) -> FloatArray:
    """(height, width, 3) linear ProPhoto RGB of a wide-gamut file."""
    original = read_source(path).original
    return original.linear(original.codes)
