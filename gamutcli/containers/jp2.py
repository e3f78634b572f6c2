"""JPEG 2000: EXIF, XMP and IPTC in ``uuid`` boxes of the file; read only.

Source: ISO/IEC 15444-1, annex I (boxes); XMP specification part 3, 1.1.4; exiftool's names for the other two.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from gamutcli.containers.blocks import Blocks
from gamutcli.errors import InputError

_SIGNATURE = b"\0\0\0\x0cjP  \r\n\x87\n"
_XMP = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
_IPTC = bytes.fromhex("33c7a4d2b81d4723a0baf1a3e097ad38")
_EXIF = b"JpgTiffExif->JP2"


def recognises(data: bytes) -> bool:
    """Tell whether this is a JPEG 2000 file; a bare codestream holds no metadata."""
    return data.startswith(_SIGNATURE)


def read(data: bytes) -> Blocks:
    """Return the metadata of a JPEG 2000 file.

    Raises:
        InputError: Cut short.
    """
    found: dict[bytes, list[bytes]] = {}
    for kind, body in _boxes(data):
        if kind == b"uuid":
            found.setdefault(body[:16], []).append(body[16:])
    return Blocks(tuple(found.get(_EXIF, ())), tuple(found.get(_XMP, ())), next(iter(found.get(_IPTC, ())), None))


def _boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield kind and content of every box but the codestream, whose content is left out."""
    at = 0
    while at + 8 <= len(data):
        size, kind, head = *struct.unpack_from(">I4s", data, at), 8
        if size == 1:
            size, head = int.from_bytes(data[at + 8 : at + 16], "big"), 16
        end = at + size if size else len(data)
        if (size and size < head) or end > len(data):
            raise InputError("the JPEG 2000 file is cut short")
        yield kind, b"" if kind == b"jp2c" else data[at + head : end]
        at = end
