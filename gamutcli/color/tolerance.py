"""How near to 0 or 255 a code counts as clipped, after what happened to it. Measured on photographs."""

from __future__ import annotations

#: In the means of the fingerprint's blocks: those with many such pixels shift when a picture is compressed.
IN_BLOCKS = 6
#: In a picture that other tools compressed again or scaled; restores most (docs/PIXELS.md).
AFTER_TOOLS = 12

#: WebP halves the size of its colours, and JPEG XL codes in a space where sRGB has no edges.
_WIDE = 32


def of_format(format: str, quality: int | None) -> int:
    """How far a format's compression moves a clipped code.

    Args:
        format: "jpeg", "webp", "avif", "jxl", "png" or "tiff".
        quality: 1 to 100; None where the file is lossless.
    """
    if quality is None:
        return 0
    if format in ("webp", "jxl"):
        return _WIDE
    if format == "avif":
        return 4 if quality >= 98 else 10
    return min(20, round(5 + 0.75 * (100 - quality)))
