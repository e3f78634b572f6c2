"""How much work a network asks for on a picture, and how much of that is done unasked."""

from __future__ import annotations

import numpy as np

from gamutcli.arrays import CodeArray
from gamutcli.color.gamut import Correction
from gamutcli.network.shape import Inputs, Network
from gamutcli.parallel import STRIP_PIXELS, strips

#: Work that is done unasked, in multiplications: beyond what the presets' networks ask for on 100 MP, all clipped.
MOST_WORK = 1 << 43
#: Of any picture, and of a network that no preset makes: a second or two.
LITTLE_WORK = 1 << 36
#: What each byte of the file adds to that: photographs have 0.3 to 30 pixels a byte, and a hundred times as many ask
#: for little less of the machine than those do.
WORK_A_BYTE = 1 << 20
#: The widest network that ``reduce_image`` fits, and more than the multiplications a pixel of any that it does.
WIDEST, MOST_A_PIXEL = 256, 1 << 18
#: What an addition to a number in memory counts as, and all that is done for the boxes of one radius around a pixel.
ADDITION, BOXES = 32, 3 << 11


def excess_work(network: Network, correction: Correction, codes: CodeArray, size: int) -> str | None:
    """Tell what a payload asks for, where that is more than a picture of so many bytes is known to need.

    Args:
        network: The payload's.
        correction: Which pixels go through it.
        codes: (height, width, 3) uint8 the reduced picture.
        size: Bytes of its file.

    Returns:
        The work in words, or None: it is done unasked.
    """
    a_pixel = work_a_pixel(network)
    foreign = network.shape.hidden > WIDEST or a_pixel > MOST_A_PIXEL
    most = LITTLE_WORK if foreign else min(MOST_WORK, LITTLE_WORK + WORK_A_BYTE * size)
    height, width, _ = codes.shape
    in_boxes = box_work_a_pixel(network.inputs, height, width)
    if height * width * (a_pixel + in_boxes) <= most:
        return None
    pixels = work = 0
    for rows in strips(height, width):
        corrected = int(np.count_nonzero(correction.mask(codes[rows])))
        pixels += corrected
        # The boxes of a strip are summed up where a single pixel of it needs its own.
        work += corrected * a_pixel + (in_boxes * (rows.stop - rows.start) * width if corrected else 0)
    if work <= most:
        return None
    return f"{work:.1g} multiplications, a network {network.shape} on {pixels:,} pixels"


def work_a_pixel(network: Network) -> int:
    """About how many multiplications a corrected pixel takes; a table's row that is added counts as some."""
    shape = network.shape
    return shape.weights + ADDITION * 5 * shape.hidden


def box_work_a_pixel(inputs: Inputs, height: int, width: int) -> int:
    """Likewise what the boxes take of every pixel; what is around a strip is more than the strip if that is narrow."""
    radii = {box.radius for box in inputs.boxes}
    around = 2 * max(radii, default=0)
    rows = min(height, max(1, STRIP_PIXELS // width))
    return len(radii) * BOXES * (rows + around) * (width + around) // (rows * width)
