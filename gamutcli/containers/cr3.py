"""Canon's CR3: EXIF in four boxes, a TIFF structure each, and XMP; read only.

Source: what exiftool (Canon.pm, QuickTime.pm) says of the boxes CMT1 to CMT4.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from gamutcli.errors import InputError

_CANON = bytes.fromhex("85c0b687820f11e08111f4ce462b6a48")
_XMP = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
#: The image's own tags, those of Exif, Canon's maker note, and GPS.
IMAGE, EXIF, NOTE, GPS = b"CMT1", b"CMT2", b"CMT3", b"CMT4"
XMP = b"xmp"


def recognises(data: bytes) -> bool:
    """Tell whether this is a CR3 file."""
    return data[4:12] == b"ftypcrx "


def read(data: bytes) -> dict[bytes, bytes]:
    """Return the TIFF structures and the XMP packet of a file, by the names above.

    Raises:
        InputError: Cut short.
    """
    found: dict[bytes, bytes] = {}
    for kind, start, end in _boxes(data, 0, len(data)):
        if kind == b"uuid" and data[start : start + 16] == _XMP:
            found[XMP] = data[start + 16 : end]
        for inner, inner_start, inner_end in _boxes(data, start, end) if kind == b"moov" else ():
            if inner == b"uuid" and data[inner_start : inner_start + 16] == _CANON:
                inside = _boxes(data, inner_start + 16, inner_end)
                found |= {name: data[at:until] for name, at, until in inside if name.startswith(b"CMT")}
    return found


def _boxes(data: bytes, at: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Yield kind, start and end of the content of every box."""
    while at + 8 <= end:
        (size, kind), head = struct.unpack_from(">I4s", data, at), 8
        if size == 1:
            size, head = int.from_bytes(data[at + 8 : at + 16], "big"), 16
        until = at + size if size else end
        if until > end or until < at + head:
            raise InputError("the CR3 file is cut short")
        yield kind, at + head, until
        at = until
