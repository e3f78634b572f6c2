"""Colours by numbers: coding-independent code points (ITU-T H.273), as PNG, AVIF and HEIC use them."""

from __future__ import annotations

from gamutcli.color.spaces import (
    ADOBE_RGB,
    D65,
    DISPLAY_P3,
    PROPHOTO,
    REC2020,
    SRGB,
    Chromaticity,
    RGBSpace,
    TransferCurve,
)
from gamutcli.errors import InputError

_Triple = tuple[Chromaticity, Chromaticity, Chromaticity]

_ILLUMINANT_C: Chromaticity = (0.310, 0.316)
_NTSC_1987: _Triple = ((0.630, 0.340), (0.310, 0.595), (0.155, 0.070))

# Primaries in the order red, green, blue, and the white: H.273 (07/2024), table 2.
_PRIMARIES: dict[int, tuple[_Triple, Chromaticity]] = {
    1: (SRGB.primaries, D65),
    4: (((0.67, 0.33), (0.21, 0.71), (0.14, 0.08)), _ILLUMINANT_C),
    5: (((0.64, 0.33), (0.29, 0.60), (0.15, 0.06)), D65),
    6: (_NTSC_1987, D65),
    7: (_NTSC_1987, D65),
    8: (((0.681, 0.319), (0.243, 0.692), (0.145, 0.049)), _ILLUMINANT_C),
    9: (REC2020.primaries, D65),
    10: (((1.0, 0.0), (0.0, 1.0), (0.0, 0.0)), (1 / 3, 1 / 3)),
    11: (DISPLAY_P3.primaries, (0.314, 0.351)),
    12: (DISPLAY_P3.primaries, D65),
    22: (((0.630, 0.340), (0.295, 0.605), (0.155, 0.077)), D65),
}

# Table 3: functions from light to code, here turned round; 11 and 12 differ from 1 outside 0 to 1 only.
_BT709 = REC2020.curve
_CURVES: dict[int, TransferCurve] = {
    **dict.fromkeys((1, 6, 11, 12, 14, 15), _BT709),
    4: TransferCurve(2.2, source="ITU-T H.273, table 3"),
    5: TransferCurve(2.8, source="ITU-T H.273, table 3"),
    7: TransferCurve(1 / 0.45, 1 / 1.1115, 0.1115 / 1.1115, 1 / 4, 4 * 0.0228, "SMPTE ST 240:1999"),
    8: TransferCurve(1.0, source="ITU-T H.273, table 3"),
    13: SRGB.curve,
    17: TransferCurve(2.6, (52.37 / 48) ** (1 / 2.6), source="SMPTE ST 428-1:2019"),
}
_HDR_TRANSFERS = {16: "PQ", 18: "HLG"}
_KNOWN = (SRGB, DISPLAY_P3, REC2020, ADOBE_RGB, PROPHOTO)

#: What stands for "not said".
UNSPECIFIED = 2


def named_space(name: str, primaries: int, transfer: int) -> RGBSpace | None:
    """Return the space of two code points, None when one of them is unspecified, reserved or a logarithm.

    Args:
        name: The file, for the message of an error.
        primaries: Number of the primaries.
        transfer: Number of the transfer function.

    Raises:
        InputError: The picture is HDR.
    """
    refuse_hdr(name, transfer)
    if primaries not in _PRIMARIES or transfer not in _CURVES:
        return None
    chromaticities, white = _PRIMARIES[primaries]
    return space_of(chromaticities, white, _CURVES[transfer], f"the space {primaries}/{transfer} of ITU-T H.273")


def refuse_hdr(name: str, transfer: int) -> None:
    """Refuse a transfer function of HDR, whose light has no white to be relative to.

    Raises:
        InputError: It is one.
    """
    if transfer in _HDR_TRANSFERS:
        raise InputError(
            f"{name}: is HDR ({_HDR_TRANSFERS[transfer]}); export it for SDR as a 16-bit ProPhoto TIFF, or as an "
            "OpenEXR and bring its light down with --exposure."
        )


def space_of(primaries: _Triple, white: Chromaticity, curve: TransferCurve, title: str) -> RGBSpace:
    """Return the known space of these primaries, white and curve, or a new one of that title."""
    for space in _KNOWN:
        if (space.primaries, space.white, space.curve) == (primaries, white, curve):
            return space
    return RGBSpace(title, title, primaries, white, curve)
