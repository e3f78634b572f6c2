"""Colours by numbers: coding-independent code points (ITU-T H.273), as PNG and AVIF use them."""

from __future__ import annotations

from gamutcli.color.spaces import DISPLAY_P3, REC2020, SRGB, RGBSpace
from gamutcli.errors import InputError

# Primaries and transfer function of the spaces that are known here.
_SPACES: dict[tuple[int, int], RGBSpace] = {
    (1, 13): SRGB,
    (12, 13): DISPLAY_P3,
    (9, 1): REC2020,
    (9, 14): REC2020,
    (9, 15): REC2020,
}
_HDR_TRANSFERS = {16: "PQ", 18: "HLG"}


def named_space(name: str, primaries: int, transfer: int) -> RGBSpace | None:
    """Return the space of two code points, None when it is not known here.

    Args:
        name: The file, for the message of an error.
        primaries: Number of the primaries.
        transfer: Number of the transfer function.

    Raises:
        InputError: The picture is HDR.
    """
    if transfer in _HDR_TRANSFERS:
        raise InputError(f"{name}: is HDR ({_HDR_TRANSFERS[transfer]}); export it as 16-bit ProPhoto.")
    return _SPACES.get((primaries, transfer))
