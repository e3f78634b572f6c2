"""What lies in files, and how each kind is disturbed: a block in, another one out."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from tests.fuzz.content import exif, icc, payload, xmp

#: By name.
CHANGES: dict[str, Callable[[Random, bytes], bytes]] = {
    "exif": exif.disturbed,
    "icc": icc.disturbed,
    "payload": payload.disturbed,
    "xmp": xmp.disturbed,
}
