"""Wide-gamut pictures that browsers and phones show as they are: 10-bit AVIF and 16-bit JPEG XL.

Both name their colours by numbers (ITU-T H.273), which every reader of theirs heeds, and not by an ICC profile; a space
that has no numbers is refused.
"""

from __future__ import annotations

import numpy as np

from gamutcli.arrays import Code16Array
from gamutcli.color.spaces import DISPLAY_P3, REC2020, SRGB, RGBSpace
from gamutcli.containers import Metadata, with_metadata
from gamutcli.errors import OutputError, UsageError
from gamutcli.images import jxl
from gamutcli.images.files import encoding_jxl
from gamutcli.images.picture import turn
from gamutcli.metadata import make_true, orientation_of, upright_metadata

# Primaries, transfer function, matrix.
_AVIF_COLOURS = {SRGB: (1, 13, 6), DISPLAY_P3: (12, 13, 6), REC2020: (9, 14, 9)}
_AVIF_SPEED, _JXL_EFFORT = 8, 3
_AVIF_SIDE = 16384  # libavif's limit


def check_space(format: str, space: RGBSpace) -> None:
    """Refuse a space that the format cannot name.

    Args:
        format: "avif" or "jxl".
        space: Of the codes.

    Raises:
        UsageError: Another space, with those that can be had.
    """
    known, title = (tuple(_AVIF_COLOURS), "an AVIF") if format == "avif" else (jxl.SPACES, "a JPEG XL")
    if space not in known:
        names = " or ".join(other.name for other in known if other != SRGB)
        raise UsageError(f"{title} cannot name {space.title}; choose --to {names}, or write a TIFF.")


def encode_wide(format: str, codes: Code16Array, space: RGBSpace, metadata: Metadata) -> bytes:
    """Encode a picture for wide-gamut screens.

    Args:
        format: "avif": 10 bits, 4:4:4, the best quality there is; or "jxl": 16 bits, lossless.
        codes: (height, width, 3) uint16.
        space: What they mean; `check_space` has to let it pass.
        metadata: Of the photograph. An AVIF is turned upright, for its encoder cannot say how to turn it.

    Returns:
        The file, with EXIF and XMP.

    Raises:
        UsageError: The picture is larger than an AVIF can be.
    """
    check_space(format, space)
    orientation = orientation_of(metadata)
    if format == "avif":
        codes, metadata = turn(codes, orientation), upright_metadata(metadata)
        data = _avif(codes, space)
    else:
        data = _jxl(codes, space, orientation)
    true = make_true(metadata, codes.shape[1], codes.shape[0], space == SRGB)
    return with_metadata(data, true).data


def _avif(codes: Code16Array, space: RGBSpace) -> bytes:
    import imagecodecs

    if max(codes.shape[:2]) > _AVIF_SIDE:
        raise UsageError(f"an AVIF holds at most {_AVIF_SIDE} pixels a side; name the picture .tif.")
    primaries, transfer, matrix = _AVIF_COLOURS[space]
    ten_bits = ((codes.astype(np.uint32) * 1023 + 32767) // 65535).astype(np.uint16)
    try:
        return bytes(
            imagecodecs.avif_encode(
                ten_bits,
                level=100,
                speed=_AVIF_SPEED,
                bitspersample=10,
                pixelformat="yuv444",
                primaries=primaries,
                transfer=transfer,
                matrix=matrix,
            )
        )
    except imagecodecs.AvifError as error:
        raise OutputError(f"this AVIF could not be written ({error}); write a TIFF.") from error


def _jxl(codes: Code16Array, space: RGBSpace, orientation: int) -> bytes:
    import imagecodecs

    with encoding_jxl(codes.size // 3):
        data = imagecodecs.jpegxl_encode(np.ascontiguousarray(codes), lossless=True, effort=_JXL_EFFORT)
    return jxl.rewrite(bytes(data), space, orientation)
