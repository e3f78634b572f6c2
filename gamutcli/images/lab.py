"""Pictures in CIE Lab as linear ProPhoto RGB: both are relative to D50, so that no profile is needed."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gamutcli.arrays import FloatArray
from gamutcli.color.spaces import lab_to_prophoto_linear
from gamutcli.parallel import in_order, strips

#: Values of PhotometricInterpretation: a* and b* with a sign, and as ICC profiles of version 2 store them.
CIE_LAB, ICC_LAB = 8, 9


def light_of_lab(codes: NDArray[Any], photometric: int) -> FloatArray:
    """Convert to linear ProPhoto RGB, unclipped.

    Args:
        codes: (height, width, 3 or more) uint8 or uint16, of which the first three are read.
        photometric: ``CIE_LAB`` or ``ICC_LAB``.

    Source: TIFF 6.0, section 23; Adobe Photoshop TIFF Technical Notes (2002), "ICC L*a*b*"; ICC.1:2001-04, annex A.
    """
    light = np.empty((*codes.shape[:2], 3), np.float32)
    unit = 1 if codes.dtype == np.uint8 else 256
    # In 16 bits version 2 of ICC has 100 at FF00, as TIFF's own Lab has at FFFF.
    white = 255 * unit if photometric == ICC_LAB else int(np.iinfo(codes.dtype).max)

    def convert(rows: slice) -> FloatArray:
        part = codes[rows, :, :3]
        lab = np.empty(part.shape, np.float64)
        lab[..., 0] = part[..., 0] * (100.0 / white)
        signed = part[..., 1:].view(np.int8 if unit == 1 else np.int16) if photometric == CIE_LAB else part[..., 1:]
        lab[..., 1:] = signed.astype(np.float64) / unit - (0 if photometric == CIE_LAB else 128)
        return lab_to_prophoto_linear(lab).astype(np.float32)

    parts = list(strips(*codes.shape[:2]))
    for rows, strip in zip(parts, in_order(convert, parts), strict=True):
        light[rows] = strip
    return light
