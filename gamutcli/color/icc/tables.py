"""Codes under a profile of lookup tables, through LittleCMS."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from gamutcli.arrays import Code16Array
from gamutcli.color.icc.profile import TableProfile
from gamutcli.color.icc.write import write_profile
from gamutcli.color.spaces import PROPHOTO
from gamutcli.errors import InputError

_RELATIVE_COLORIMETRIC = 1
# cmsFLAGS_NOCACHE and cmsFLAGS_NOOPTIMIZE: every pixel through the profile's own tables, and not through one of 33
# points a side that is made of them.
_EXACTLY = 0x0040 | 0x0100
_PIXELS = 1 << 16


@lru_cache
def _prophoto() -> bytes:
    return write_profile(PROPHOTO)


def to_prophoto_codes(codes: Code16Array, profile: TableProfile, file: str = "this picture") -> Code16Array:
    """Convert by relative colorimetric intent, without black point compensation.

    Args:
        codes: (..., channels): as ICC profiles count them, 0 for no ink.
        profile: What they mean.
        file: Name for the message of an error.

    Returns:
        (..., 3) ProPhoto codes; what lies beyond that space is clipped.

    Raises:
        InputError: The profile is damaged.
    """
    import imagecodecs

    flat = np.ascontiguousarray(codes).reshape(1, -1, profile.channels)
    found = np.empty((1, flat.shape[1], 3), np.uint16)
    try:
        for start in range(0, flat.shape[1], _PIXELS):
            part = slice(start, start + _PIXELS)
            found[:, part] = imagecodecs.cms_transform(
                np.ascontiguousarray(flat[:, part]),
                profile.data,
                _prophoto(),
                colorspace=profile.model,
                outcolorspace="rgb",
                outdtype="u2",
                intent=_RELATIVE_COLORIMETRIC,
                flags=_EXACTLY,
            )
    except (imagecodecs.CmsError, ValueError) as error:
        raise InputError(
            f"{file}: the ICC profile ({profile.title}) is damaged, or of a kind that LittleCMS does not follow; "
            "convert the picture to ProPhoto RGB in an editor and try again."
        ) from error
    return found.reshape(*codes.shape[:-1], 3)
