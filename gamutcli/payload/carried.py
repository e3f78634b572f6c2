"""What the carriers have in common: their names, and what embedding and extracting give."""

from __future__ import annotations

from dataclasses import dataclass, field

from gamutcli.containers import Blocks
from gamutcli.payload import parts
from gamutcli.payload.parts import Damage, Part

AUTO = "auto"
XMP = "xmp"
EXIF = "exif"
EXTENDED = "extended-xmp"
SIDECAR = "sidecar"

#: What a user may ask for.
CARRIERS = (AUTO, XMP, EXIF, SIDECAR)

#: A part, or what is left of one, behind the name of the carrier that held it.
Located = tuple[str, Part | Damage]


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
        others: Further payloads that the file holds: one of another picture may come first.
    """

    payload: bytes
    carrier: str
    rest: Blocks = field(default_factory=Blocks, compare=False)
    others: tuple[bytes, ...] = ()


def join(found: list[Located], rest: Blocks) -> Extracted | None:
    """Join parts, and name their carriers; None when there are none.

    Raises:
        PayloadError: Parts are there, and none of them make a whole.
    """
    payloads = parts.join(part for _, part in found)
    if not payloads:
        return None
    sound = (carrier for carrier, part in found if isinstance(part, Part))
    return Extracted(payloads[0], "+".join(dict.fromkeys(sound)), rest, tuple(payloads[1:]))
