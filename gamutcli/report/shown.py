"""What a report shows of a picture: a smaller copy for screens, some of its colors, and where no screen can follow.

All is gathered strip by strip and reduced meanwhile, so that no array of the picture's size is kept.
"""

from __future__ import annotations

from io import BytesIO
from typing import Any

import numpy as np

from gamutcli.arrays import BoolArray, CodeArray, FloatArray
from gamutcli.color.gamut import og_mask
from gamutcli.color.icc import write_profile
from gamutcli.color.spaces import DISPLAY_P3, PROPHOTO, RGBSpace, apply_matrix, encoding_table, rgb_to_rgb
from gamutcli.images.picture import turn
from gamutcli.measuring.maps import ErrorMap, viridis
from gamutcli.measuring.metrics import PairSample, squared_error

#: Longest side of a picture on the page, pixels.
LARGEST = 1400
#: Dots in a chromaticity diagram, at most.
COLORS = 4000
#: Half an 8-bit code near white: what rounds to a color of the screen can be shown.
HALF_CODE = 0.0045


class Smaller:
    """A picture reduced by a whole factor while its strips come in: every pixel is the mean light of a square."""

    def __init__(self, height: int, width: int) -> None:
        """Start with nothing of a picture of this size."""
        self._factor = -(-max(height, width) // LARGEST)
        self._columns = np.arange(0, width, self._factor)
        self._widths = np.diff(self._columns, append=width)
        self._sums = np.zeros((-(-height // self._factor), len(self._columns), 3), np.float32)
        self._heights = np.minimum(self._factor, height - np.arange(len(self._sums)) * self._factor)
        self._next_row = 0

    def add(self, linear: FloatArray) -> None:
        """Add the strip below those before: (rows, width, 3), linear light."""
        if self._factor == 1:
            self._sums[self._next_row : self._next_row + len(linear)] = linear
        else:
            cells = np.arange(self._next_row, self._next_row + len(linear)) // self._factor
            joined = np.add.reduceat(linear, np.flatnonzero(np.diff(cells, prepend=-1)), axis=0)
            self._sums[cells[0] : cells[-1] + 1] += np.add.reduceat(joined, self._columns, axis=1)
        self._next_row += len(linear)

    @property
    def linear(self) -> FloatArray:
        """(rows, columns, 3) float32, at most 1400 a side."""
        pixels = np.outer(self._heights, self._widths).astype(np.float32)
        means: FloatArray = self._sums / pixels[..., None]
        return means


class Exhibit:
    """What a report shows of a picture beside its figures.

    Attributes:
        plain: The picture without the network.
        restored: The picture with it.
        plain_map: Its errors.
        restored_map: Likewise.
        beyond_p3: How many pixels of the original Display P3 cannot hold.
    """

    def __init__(self, height: int, width: int) -> None:
        """Start with nothing of a picture of this size."""
        self.plain, self.restored = Smaller(height, width), Smaller(height, width)
        self.plain_map, self.restored_map = ErrorMap(height, width), ErrorMap(height, width)
        self.beyond_p3 = 0
        self._pixels = height * width
        self._plain_colors, self._restored_colors = PairSample(COLORS), PairSample(COLORS)

    def add(self, original: FloatArray, plain: FloatArray, restored: FloatArray, beyond_p3: BoolArray) -> None:
        """Add the strip below those before.

        Args:
            original: (rows, width, 3) linear ProPhoto RGB, as are the next two.
            plain: See there.
            restored: See there.
            beyond_p3: (rows, width): which pixels of the original Display P3 cannot hold.
        """
        self.beyond_p3 += int(np.count_nonzero(beyond_p3))
        for got, smaller, error_map, colors in (
            (plain, self.plain, self.plain_map, self._plain_colors),
            (restored, self.restored, self.restored_map, self._restored_colors),
        ):
            smaller.add(got)
            error_map.add(squared_error(got, original))
            colors.add(got, original)

    @property
    def p3_share(self) -> float:
        """Of the original's pixels, how many Display P3 cannot hold: 0 to 1."""
        return self.beyond_p3 / self._pixels

    def colors(self) -> dict[str, FloatArray]:
        """Linear ProPhoto RGB of evenly spaced pixels, (n, 3) each: "original", "plain" and "restored"."""
        return {
            "original": self._plain_colors.pairs[:, 1],
            "plain": self._plain_colors.pairs[:, 0],
            "restored": self._restored_colors.pairs[:, 0],
        }


def outside_mask(prophoto_linear: FloatArray, space: RGBSpace) -> BoolArray:
    """Which pixels a screen of this space cannot show, not even nearly: (...) bool."""
    return og_mask(apply_matrix(prophoto_linear, rgb_to_rgb(PROPHOTO, space)), HALF_CODE)


def screen_jpeg(prophoto_linear: FloatArray, orientation: int) -> bytes:
    """Render a picture for screens, as a JPEG in Display P3.

    A browser on a lesser screen clips it to sRGB, so one file does for all.

    Args:
        prophoto_linear: (rows, columns, 3).
        orientation: How to turn it, as in EXIF.
    """
    codes = encoding_table(DISPLAY_P3, 256).codes(apply_matrix(prophoto_linear, rgb_to_rgb(PROPHOTO, DISPLAY_P3)))
    pixels = turn(codes.astype(np.uint8), orientation)
    return _encode(pixels, "JPEG", quality=92, subsampling=0, optimize=True, icc_profile=write_profile(DISPLAY_P3))


def mask_png(marked: BoolArray, orientation: int) -> bytes:
    """A PNG that is opaque where a mask is set, and clear elsewhere: (rows, columns) bool."""
    return _encode(turn(marked.astype(np.uint8), orientation), "PNG", bits=1, transparency=b"\0\xff")


def map_png(rmse: FloatArray, limit: float, orientation: int) -> bytes:
    """An error map in the colors of viridis, as a PNG.

    Args:
        rmse: (rows, columns), linear ProPhoto units.
        limit: Error at the bright end of the scale.
        orientation: How to turn it, as in EXIF.
    """
    steps = np.rint(np.minimum(rmse / limit, 1) * 255).astype(np.uint8)
    return _encode(turn(steps, orientation), "PNG", palette=viridis(), optimize=True)


def _encode(pixels: CodeArray, format: str, palette: CodeArray | None = None, **settings: Any) -> bytes:
    from PIL import Image

    image = Image.fromarray(np.ascontiguousarray(pixels))
    if palette is not None or "bits" in settings:
        image = image.convert("L")
        image.putpalette((palette if palette is not None else np.zeros((2, 3), np.uint8)).tobytes())
    stream = BytesIO()
    image.save(stream, format, **settings)
    return stream.getvalue()
