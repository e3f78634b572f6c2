"""Profiles in the form in which a format wants them."""

from __future__ import annotations

import zlib

from gamutcli.color.icc import write_profile
from gamutcli.color.spaces import RGBSpace
from gamutcli.containers import png


def profile_chunk(space: RGBSpace) -> bytes:
    """Make the iCCP chunk of a known space, for a PNG."""
    return png.pack_chunk(b"iCCP", space.title.encode("latin-1") + b"\0\0" + zlib.compress(write_profile(space), 9))
