"""What the carriers have in common: their names, and what embedding and extracting give."""

from __future__ import annotations

from dataclasses import dataclass, field

from gamutcli.containers import Blocks
from gamutcli.payload import parts
from gamutcli.payload.parts import Part

AUTO = "auto"
XMP = "xmp"
EXIF = "exif"
EXTENDED = "extended-xmp"
SIDECAR = "sidecar"

#: What a user may ask for.
CARRIERS = (AUTO, XMP, EXIF, SIDECAR)

#: A part, behind the name of the carrier that held it.
Located = tuple[str, Part]


@dataclass(frozen=True)
class Embedded:
    """A file with a payload in it.

    Attributes:
        data: The whole file.
        carrier: Where the payload went: "xmp", "exif", "xmp+exif", "extended-xmp" or "sidecar" (not in this file).
        notes: What the user should know, one line each.
    """

    data: bytes
    carrier: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Extracted:
    """A payload that was found.

    Attributes:
        payload: Its bytes.
        carrier: What held it.
        rest: The blocks of the file without it; empty where it was beside the file.
    """

    payload: bytes
    carrier: str
    rest: Blocks = field(default_factory=Blocks, compare=False)


def join(found: list[Located], rest: Blocks) -> Extracted | None:
    """Join parts, and name their carriers; None when there are none.

    Raises:
        PayloadError: Parts are missing or do not belong together.
    """
    payload = parts.join(part for _, part in found)
    if payload is None:
        return None
    return Extracted(payload, "+".join(dict.fromkeys(carrier for carrier, _ in found)), rest)
