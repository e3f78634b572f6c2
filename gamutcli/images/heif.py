"""What an AVIF says of its own pixels: their depth, and the colours that they mean."""

from __future__ import annotations

from gamutcli.carriers import bmff
from gamutcli.errors import InputError
from gamutcli.images.files import damaged


def depth_of(data: bytes, name: str) -> int:
    """Return the bits of one sample.

    Raises:
        InputError: Damaged, or a picture made of others, whose parts alone know.
    """
    for kind, body in _properties(data, name):
        if kind == b"av1C" and len(body) >= 4:
            # Two flags behind profile and level: more than 8 bits, and more than 10.
            return 8 if not body[2] & 0x40 else 12 if body[2] & 0x20 else 10
        if kind == b"pixi" and len(body) >= 6:
            return body[5]
    raise InputError(f"{name}: does not say how many bits its pixels have; save it again.")


def _properties(data: bytes, name: str) -> list[tuple[bytes, bytes]]:
    try:
        return bmff.properties(data)
    except InputError as error:
        raise damaged(name, "AVIF") from error
