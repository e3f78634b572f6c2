"""Wide-gamut pictures that browsers and phones show as they are: 10-bit AVIF and 16-bit JPEG XL.

Both name their colours by numbers (ITU-T H.273), which every reader of theirs heeds, and not by an ICC profile; a space
that has no numbers is refused.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from gamutcli.arrays import Code16Array
from gamutcli.color.spaces import DISPLAY_P3, REC2020, SRGB, RGBSpace
from gamutcli.containers import Metadata, with_metadata
from gamutcli.errors import OutputError, UsageError
from gamutcli.images.picture import turn
from gamutcli.metadata import make_true, orientation_of, upright_metadata

# Primaries, transfer function, matrix.
_AVIF_COLOURS = {SRGB: (1, 13, 6), DISPLAY_P3: (12, 13, 6), REC2020: (9, 14, 9)}
_AVIF_SPEED = 8


def check_space(format: str, space: RGBSpace) -> None:
    """Refuse a space that the format cannot name.

    Args:
        format: "avif" or "jxl".
        space: Of the codes.

    Raises:
        UsageError: Another space, with those that can be had.
    """
    from gamutcli.images import jxl

    known, title = (tuple(_AVIF_COLOURS), "an AVIF") if format == "avif" else (jxl.SPACES, "a JPEG XL")
    if space not in known:
        names = " or ".join(other.name for other in known if other != SRGB)
        raise UsageError(f"{title} cannot name {space.title}; choose --to {names}, or write a TIFF.")


def encode_wide(
    format: str, parts: Iterable[Code16Array], size: tuple[int, int], space: RGBSpace, metadata: Metadata
) -> bytes:
    """Encode a picture for wide-gamut screens.

    Args:
        format: "avif": 10 bits, 4:4:4, the best quality there is; or "jxl": 16 bits, lossless.
        parts: Of the picture, from top to bottom: (rows, width, 3) uint16.
        size: (height, width) of all of them.
        space: What they mean; `check_space` has to let it pass.
        metadata: Of the photograph. An AVIF is turned upright, for its encoder cannot say how to turn it.

    Returns:
        The file, with EXIF and XMP.

    Raises:
        UsageError: The format cannot name the space.
    """
    check_space(format, space)
    orientation = orientation_of(metadata)
    height, width = size
    if format == "avif":
        metadata = upright_metadata(metadata)
        if orientation >= 5:  # lies on its side
            height, width = width, height
        data = _avif(turn(_join(map(_to_10_bits, parts), size), orientation), space)
    else:
        data = _jxl(_join(parts, size), space, orientation)
    return with_metadata(data, make_true(metadata, width, height, space == SRGB)).data


def _join(parts: Iterable[Code16Array], size: tuple[int, int]) -> Code16Array:
    """Copy the parts of a picture to where they belong, each as it comes: they are never all there twice."""
    codes = np.empty((*size, 3), np.uint16)
    top = 0
    for part in parts:
        codes[top : top + len(part)] = part
        top += len(part)
    return codes


def _to_10_bits(codes: Code16Array) -> Code16Array:
    narrow: Code16Array = ((codes.astype(np.uint32) * 1023 + 32767) // 65535).astype(np.uint16)
    return narrow


def _avif(ten_bits: Code16Array, space: RGBSpace) -> bytes:
    import imagecodecs

    primaries, transfer, matrix = _AVIF_COLOURS[space]
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
    from gamutcli.images import jxl

    data = jxl.encode_lossless(codes)
    del codes  # before the file is copied, which may be as large
    return jxl.rewrite(data, space, orientation)
