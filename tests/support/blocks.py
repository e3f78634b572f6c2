"""The blocks of a picture whose lost pixels are given."""

from __future__ import annotations

from gamutcli.arrays import BoolArray
from gamutcli.fingerprint.blocks import LostBlocks, LostPixels


def lost_blocks(lost: BoolArray) -> LostBlocks:
    """Those that hold one of the (height, width) lost pixels."""
    pixels = LostPixels(*lost.shape)
    pixels.add(slice(0, len(lost)), lost)
    return pixels.blocks()
