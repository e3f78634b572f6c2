"""Edits that photographers make of a restored picture, to see whether its colours survive them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from gamutcli.arrays import FloatArray
from gamutcli.color.spaces import PROPHOTO, rgb_to_xyz

#: By how much each channel is multiplied for a warmer light, about that from 5000 to 6500 K.
WARMER = np.array([1.15, 1.0, 0.8], np.float32)
#: By how much colours are drawn away from the grey of their luminance.
VIVID = np.float32(1.2)
_LUMINANCE = rgb_to_xyz(PROPHOTO)[1].astype(np.float32)


def brighten(prophoto_linear: FloatArray) -> FloatArray:
    """(..., 3) linear ProPhoto RGB, one EV brighter, clipped."""
    return (np.float32(2) * prophoto_linear).clip(0, 1)


def lift(prophoto_linear: FloatArray) -> FloatArray:
    """(..., 3) with shadows lifted: what lies far below white becomes up to four times as bright, white stays."""
    lifted: FloatArray = prophoto_linear * (1 + 3 * (1 - prophoto_linear.clip(0, 1)) ** 8)
    return lifted.clip(0, 1)


def warm(prophoto_linear: FloatArray) -> FloatArray:
    """(..., 3) under a warmer white, clipped."""
    return (prophoto_linear * WARMER).clip(0, 1)


def saturate(prophoto_linear: FloatArray) -> FloatArray:
    """(..., 3) with a fifth more saturation, clipped."""
    grey: FloatArray = (prophoto_linear @ _LUMINANCE)[..., None]
    vivid: FloatArray = grey + VIVID * (prophoto_linear - grey)
    return vivid.clip(0, 1)


EDITS: dict[str, Callable[[FloatArray], FloatArray]] = {
    "psnr_og_ev": brighten,
    "psnr_og_shadows": lift,
    "psnr_og_warm": warm,
    "psnr_og_vivid": saturate,
}
