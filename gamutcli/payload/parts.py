"""Text parts: a payload cut into pieces that may stand in XMP or in an EXIF comment.

A part is one line of ASCII::

    gamut1:INDEX/TOTAL:DIGEST:BASE64

INDEX counts from 1; DIGEST is the first 16 hexadecimal digits of the SHA-256 of the whole payload, so a part knows
what it belongs to wherever a tool has moved it; BASE64 is this part's bytes (RFC 4648, padded). Parts are joined by
INDEX, never by where they were found. White space inside a part means nothing.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice, product

from gamutcli.errors import PayloadError, UsageError

MAX_PAYLOAD = 4 << 20
"""Largest payload accepted, bytes. The paper's largest network takes 140,000; anything near this limit is a lie."""

MAX_PARTS = 64

MAX_TRIED = 64
"""How many ways to join one payload are tried, where a part turns up several times and differs."""

MARK = b"gamut1:"

_PART = re.compile(rb"([0-9]{1,3})/([0-9]{1,3}):([0-9a-f]{16}):([A-Za-z0-9+/]*={0,2})")
_SPACE = re.compile(rb"\s+")


@dataclass(frozen=True)
class Part:
    """One piece of a payload; index counts from 1."""

    index: int
    total: int
    digest: bytes
    body: bytes


@dataclass(frozen=True)
class Damage:
    """What cannot be read as a part, though it says that it is one; a good copy elsewhere makes up for it."""

    reason: str


def text_length(size: int) -> int:
    """Return the length in characters, at most, of the part that holds `size` bytes."""
    return len(MARK) + len("64/64:") + 17 + (size + 2) // 3 * 4


def body_room(characters: int) -> int:
    """Return how many bytes fit a part of `characters` characters; the inverse of `text_length`."""
    return max(0, (characters - text_length(0)) // 4 * 3)


def split(payload: bytes, sizes: Sequence[int]) -> list[bytes]:
    """Cut a payload into parts.

    Args:
        payload: The packed network.
        sizes: Bytes of each part; they add up to the payload's length.

    Returns:
        One ASCII line per part.

    Raises:
        UsageError: The payload is empty or beyond `MAX_PAYLOAD`.
    """
    if not 0 < len(payload) <= MAX_PAYLOAD:
        raise UsageError(f"a payload of {len(payload):,} bytes cannot be embedded (1 to {MAX_PAYLOAD:,} bytes can)")
    if sum(sizes) != len(payload) or len(sizes) > MAX_PARTS:
        raise ValueError("the sizes of the parts do not add up to the payload")
    digest = _digest(payload)
    lines = []
    start = 0
    for index, size in enumerate(sizes, 1):
        body = base64.b64encode(payload[start : start + size])
        lines.append(b"%s%d/%d:%s:%s" % (MARK, index, len(sizes), digest, body))
        start += size
    return lines


def parse(text: bytes) -> list[Part | Damage]:
    """Find the parts in a text that may hold other words as well, and what is left of damaged ones."""
    # No part holds the mark within, for it has no colon there.
    found = [_read(piece) for piece in _SPACE.sub(b"", text).split(MARK)[1:]]
    return list(dict.fromkeys(found))


def _read(piece: bytes) -> Part | Damage:
    """Read what stands behind a mark."""
    match = _PART.match(piece)
    if match is None:
        return Damage("the payload is damaged: one of its parts cannot be read")
    index, total = int(match[1]), int(match[2])
    try:
        body = base64.b64decode(match[4], validate=True)
    except binascii.Error:
        return Damage("the payload is damaged: one of its parts is cut short")
    if not 1 <= index <= total <= MAX_PARTS:
        return Damage("the payload is damaged: its parts are misnumbered")
    return Part(index, total, match[3], body)


def join(found: Iterable[Part | Damage]) -> list[bytes]:
    """Join parts, in any order, into their payloads.

    Returns:
        Every payload that is whole, in the order of their first parts; none when there are no parts.

    Raises:
        PayloadError: There are parts, or what is left of some, and no payload is whole.
    """
    groups: dict[tuple[bytes, int], dict[int, dict[bytes, None]]] = {}
    reasons = []
    for part in found:
        if isinstance(part, Damage):
            reasons.append(part.reason)
        else:
            groups.setdefault((part.digest, part.total), {}).setdefault(part.index, {})[part.body] = None
    wholes = []
    missing = ""
    for (digest, total), bodies in groups.items():
        if len(bodies) < total:
            lost = ", ".join(str(index) for index in range(1, total + 1) if index not in bodies)
            missing = f"the payload is incomplete: part {lost} of {total} is gone (another program has dropped it)"
            continue
        whole = _whole(digest, [list(bodies[index]) for index in range(1, total + 1)])
        if whole is not None:
            wholes.append(whole)
    if not wholes and (groups or reasons):
        raise PayloadError(
            next(iter(reasons), missing or "the payload is damaged: its bytes do not match their digest")
        )
    return wholes


def _whole(digest: bytes, choices: list[list[bytes]]) -> bytes | None:
    """Return the payload of a digest, of which some parts turned up with several bodies."""
    for bodies in islice(product(*choices), MAX_TRIED):
        if sum(map(len, bodies)) <= MAX_PAYLOAD:
            whole = b"".join(bodies)
            if _digest(whole) == digest:
                return whole
    return None


def _digest(payload: bytes) -> bytes:
    return hashlib.sha256(payload).hexdigest()[:16].encode()
