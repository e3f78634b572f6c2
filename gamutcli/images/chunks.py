"""Write the chunks of a PNG that stand before its pixels."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable

from gamutcli.color.icc import write_profile
from gamutcli.color.spaces import RGBSpace

_AFTER_HEADER = 8 + 25  # signature and IHDR


def png_with_chunks(png: bytes | bytearray, chunks: Iterable[bytes]) -> bytes:
    """Insert chunks directly after the header, where every kind of chunk may stand."""
    return b"".join([png[:_AFTER_HEADER], *chunks, png[_AFTER_HEADER:]])


def profile_chunk(space: RGBSpace) -> bytes:
    """Make the iCCP chunk of a known space."""
    return _chunk(b"iCCP", space.title.encode("latin-1") + b"\0\0" + zlib.compress(write_profile(space), 9))


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
