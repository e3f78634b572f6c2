"""How AVIF and JPEG XL say by themselves that a picture lies: programs follow that, whatever EXIF says."""

from __future__ import annotations

import numpy as np

from gamutcli.containers import bmff, jxl
from gamutcli.images.identify import sniff
from gamutcli.images.picture import turn


def stated_orientation(data: bytes) -> int | None:
    """Return how the file itself asks for its picture to be turned: 1 to 8 as in EXIF; None for other formats.

    Source: ISO/IEC 23008-12:2022, 6.5.10 and 6.5.12 (irot, imir); ISO/IEC 18181-1:2024, annex D (orientation).
    """
    extension = sniff(data)
    if extension == "jxl":
        from gamutcli.images.jxl_header import read_header

        return read_header(jxl.whole_codestream(data)).orientation
    if extension != "avif":
        return None
    stored = np.arange(6).reshape(2, 3)
    shown = stored
    for kind, body in bmff.properties(data):
        if kind == b"irot" and body:
            shown = np.rot90(shown, body[0] & 3)
        elif kind == b"imir" and body:
            shown = np.flip(shown, axis=body[0] & 1)
    return next(value for value in range(1, 9) if np.array_equal(turn(stored, value), shown))
