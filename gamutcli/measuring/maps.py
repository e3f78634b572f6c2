"""Maps of the error: where a picture differs from its original, pixel by pixel, drawn beside each other as a PNG.

The map of a large picture is reduced while it is gathered, so that no array of the picture's size is kept.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from gamutcli.arrays import CodeArray, FloatArray

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageDraw import ImageDraw
    from PIL.ImageFont import FreeTypeFont, ImageFont

    Font = FreeTypeFont | ImageFont

# Longest side of a drawn panel, in pixels: two fit on a wide screen.  Small pictures are enlarged up to the other.
PANEL = 1000
SMALL_PANEL = 480

CAPTION = "RMSE, linear ProPhoto RGB"
INK = (32, 32, 32)
PAPER = (255, 255, 255)

# Every fifth of the 256 colors of viridis, by Nathaniel Smith, Stéfan van der Walt and Eric Firing: matplotlib has it
# under CC0.
VIRIDIS = (
    "440154 46085c 471063 481769 481d6f 482475 472a7a 46307e 453781 433d84 414287 3f4889 3d4e8a "
    "3a538b 38598c 355e8d 33638d 31688e 2e6d8e 2c718e 2a768e 297b8e 27808e 25848e 23898e 218e8d "
    "20928c 1f978b 1e9c89 1fa188 21a585 24aa83 28ae80 2eb37c 35b779 3dbc74 46c06f 50c46a 5ac864 "
    "65cb5e 70cf57 7cd250 89d548 95d840 a2da37 b0dd2f bddf26 cae11f d8e219 e5e419 f1e51d fde725"
)


class ErrorMap:
    """The error of every pixel, strip by strip; of a large picture, that of small groups of neighboring pixels.

    A cell of the map holds the root of the mean squared error of its pixels.  Cells are single pixels up to 1000
    pixels a side; beyond, as many are joined as make the longer side 1000 cells.
    """

    def __init__(self, height: int, width: int) -> None:
        """Start the map of a picture.

        Args:
            height: Of the picture, pixels; at least 1.
            width: Likewise.
        """
        scale = min(1.0, PANEL / max(height, width))
        self._cell_of_row = _cells(height, scale)
        cell_of_column = _cells(width, scale)
        self._first_columns = _starts(cell_of_column)
        self._pixels = np.outer(np.bincount(self._cell_of_row), np.bincount(cell_of_column))
        self._squares = np.zeros(self._pixels.shape, np.float32)
        self._next_row = 0

    def add(self, squared: FloatArray) -> None:
        """Add the strip below those that were added before.

        Args:
            squared: (rows, width), the mean squared error of every pixel (``metrics.squared_error``).
        """
        rows = self._cell_of_row[self._next_row : self._next_row + len(squared)]
        self._next_row += len(rows)
        # Rows first: it is the fast direction, and leaves less for the slow one.
        joined = np.add.reduceat(squared, _starts(rows), axis=0)
        self._squares[rows[0] : rows[-1] + 1] += np.add.reduceat(joined, self._first_columns, axis=1)

    @property
    def rmse(self) -> FloatArray:
        """The map: (rows, columns) float32, at most 1000 each; 0 where no strip was added yet."""
        return np.sqrt(self._squares / self._pixels).astype(np.float32)


def render_maps(
    panels: Sequence[tuple[str, FloatArray]], limit: float, picture: tuple[str, CodeArray] | None = None
) -> bytes:
    """Draw error maps beside each other, with one color bar for all.

    Args:
        panels: Title and map of each: (rows, columns) float32, linear ProPhoto units, of any size.  The font of the
            titles has the printable characters of ASCII.
        limit: Error at the bright end of the scale; larger ones are drawn like it.  Above 0.
        picture: Title and picture to show before the maps: (rows, columns, 3) sRGB codes, of the size that the maps
            are of; None: nothing.

    Returns:
        A PNG.
    """
    from PIL import Image, ImageDraw, ImageFont

    pictures = [(picture[0], _shown(picture[1]))] if picture else []
    pictures += [(title, _color(_resize(rmse), limit)) for title, rmse in panels]
    # The text grows with the figure, so that it can still be read when a page shows the figure smaller.
    em = min(max(sum(picture.width for _, picture in pictures) // 56, 18), 40)
    font = ImageFont.load_default(size=em)
    columns = [max(picture.width, math.ceil(font.getlength(title))) for title, picture in pictures]

    margin = 3 * em // 2
    content = max(sum(columns) + margin * (len(columns) - 1), 30 * em)
    top = margin + 5 * em // 4
    bar_top = top + max(picture.height for _, picture in pictures) + margin
    figure = Image.new("RGB", (content + 2 * margin, bar_top + 4 * em + margin), PAPER)
    pen = ImageDraw.Draw(figure)

    left = (figure.width - sum(columns) - margin * (len(columns) - 1)) // 2
    for (title, image), column in zip(pictures, columns, strict=True):
        pen.text((left, top - em // 2), title, INK, font, anchor="ls")
        figure.paste(image, (left, top))
        left += column + margin

    width = min(content - 6 * em, 36 * em)
    _render_bar(figure, pen, font, ((figure.width - width) // 2, bar_top), width, em, limit)
    stream = BytesIO()
    figure.save(stream, "PNG")
    return stream.getvalue()


def viridis() -> CodeArray:
    """The color scale: (256, 3) uint8, sRGB, from dark to bright; within one code of matplotlib's."""
    anchors = np.frombuffer(bytes.fromhex(VIRIDIS), np.uint8).reshape(-1, 3)
    steps = np.arange(256)
    channels = [np.interp(steps, steps[::5], anchors[:, channel]) for channel in range(3)]
    return np.rint(np.stack(channels, axis=-1)).astype(np.uint8)


def ticks(limit: float) -> list[float]:
    """Where the color bar is marked: round figures from 0 upwards, and the limit.

    Args:
        limit: End of the bar, above 0.

    Returns:
        At most seven values, rising.
    """
    power = 10.0 ** math.floor(math.log10(limit / 5))
    # The slack keeps 0.05 / 5 at a step of 0.01, whichever way its last bit falls.
    step = next(power * digit for digit in (1, 2, 2.5, 5, 10) if power * digit >= limit / 5 * (1 - 1e-9))
    return [step * index for index in range(math.ceil(limit / step - 1e-6))] + [limit]


def _cells(size: int, scale: float) -> NDArray[np.int64]:
    """The cell that each of ``size`` rows or columns falls into; no cell is empty."""
    return np.arange(size, dtype=np.int64) * max(round(size * scale), 1) // size


def _starts(cells: NDArray[np.int64]) -> NDArray[np.intp]:
    """Where a new cell begins in a rising list of cells."""
    return np.flatnonzero(np.diff(cells, prepend=-1))


def _resize(rmse: FloatArray) -> FloatArray:
    """A map at a size to draw: large ones reduced as ``ErrorMap`` does, small ones enlarged by a whole factor."""
    if max(rmse.shape) > PANEL:
        reduced = ErrorMap(*rmse.shape)
        reduced.add(np.square(rmse))
        return reduced.rmse
    factor = max(SMALL_PANEL // max(rmse.shape), 1)
    return rmse.repeat(factor, axis=0).repeat(factor, axis=1)


def _shown(srgb_codes: CodeArray) -> Image:
    """A picture at the size of its map."""
    from PIL import Image

    height, width, _ = srgb_codes.shape
    longest = max(height, width)
    scale = PANEL / longest if longest > PANEL else max(SMALL_PANEL // longest, 1)
    size = (max(round(width * scale), 1), max(round(height * scale), 1))
    image = Image.fromarray(srgb_codes)
    return image.resize(size, Image.Resampling.BOX) if size != image.size else image


def _color(rmse: FloatArray, limit: float) -> Image:
    from PIL import Image

    steps = np.rint(np.minimum(rmse / limit, 1) * 255).astype(np.uint8)
    return Image.fromarray(viridis()[steps])


def _render_bar(
    figure: Image, pen: ImageDraw, font: Font, corner: tuple[int, int], width: int, em: int, limit: float
) -> None:
    """Draw the color bar, marks and caption: ``width`` pixels from 0 to ``limit``, then a point for what is above.

    It takes four ``em``, the font's size, from the corner downwards.
    """
    left, top = corner
    right, bottom = left + width, top + em
    scale = np.linspace(0, limit, width, dtype=np.float32)
    figure.paste(_color(np.broadcast_to(scale, (em, width)), limit), corner)
    tip = right + em // 2
    pen.polygon([(right, top), (tip, top + em // 2), (right, bottom - 1)], fill=tuple(viridis()[-1].tolist()))

    # From the end backwards, as the limit must be labeled; a label that has no room is left out.
    room = float("inf")
    for value in reversed(ticks(limit)):
        x = left + width * value / limit
        label = f">= {value:.4g}" if value == limit else f"{value:.4g}"
        half = font.getlength(label) / 2
        pen.line([(x, bottom), (x, bottom + em // 4)], INK, max(em // 16, 1))
        if x + half < room:
            pen.text((x, bottom + 5 * em // 4), label, INK, font, anchor="ms")
            room = x - half - em / 2
    pen.text((left + width / 2, bottom + 3 * em), CAPTION, INK, font, anchor="ms")
