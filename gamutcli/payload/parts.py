"""Text frames: a payload cut into parts that may stand in XMP or in an EXIF comment.

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

from gamutcli.errors import PayloadError, UsageError

MAX_PAYLOAD = 4 << 20
"""Largest payload accepted, bytes. The paper's largest network takes 140,000; anything near this limit is a lie."""

MAX_PARTS = 64

MARK = b"gamut1:"

_PART = re.compile(rb"gamut1:([0-9]{1,3})/([0-9]{1,3}):([0-9a-f]{16}):([A-Za-z0-9+/]*={0,2})")
_SPACE = re.compile(rb"\s+")


@dataclass(frozen=True)
class Part:
    """One piece of a payload; index counts from 1."""

    index: int
    total: int
    digest: bytes
    body: bytes


def text_length(size: int) -> int:
    """Return the length in characters, at most, of the part that holds `size` bytes."""
    return len(MARK) + len("64/64:") + 17 + (size + 2) // 3 * 4


def body_room(characters: int) -> int:
    """Return how many bytes fit a part of `characters` characters; the inverse of `text_length`."""
    return max(0, (characters - text_length(0)) // 4 * 3)


def frame(payload: bytes, sizes: Sequence[int]) -> list[bytes]:
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


def parse(text: bytes) -> list[Part]:
    """Find the parts in a text that may hold other words as well.

    Raises:
        PayloadError: A part is cut short or malformed.
    """
    compact = _SPACE.sub(b"", text)
    parts = []
    for match in _PART.finditer(compact):
        index, total = int(match[1]), int(match[2])
        try:
            body = base64.b64decode(match[4], validate=True)
        except binascii.Error as error:
            raise PayloadError("the payload is damaged: one of its parts is cut short") from error
        if not 1 <= index <= total <= MAX_PARTS:
            raise PayloadError("the payload is damaged: its parts are misnumbered")
        parts.append(Part(index, total, match[3], body))
    if len(parts) != compact.count(MARK):
        raise PayloadError("the payload is damaged: one of its parts cannot be read")
    return parts


def cut(text: bytes) -> bytes:
    """Return a text without the parts in it, everything else kept."""
    start = text.find(MARK)
    if start < 0:
        return text
    match = re.match(rb"[A-Za-z0-9+/:=\s]*", text[start:])
    assert match is not None  # the pattern matches the empty string
    return cut(text[:start] + text[start + match.end() :])


def join(parts: Iterable[Part]) -> bytes | None:
    """Join parts, in any order, into their payload.

    Returns:
        The payload, or None when there are no parts.

    Raises:
        PayloadError: Parts are missing, or the whole does not match its digest.
    """
    groups: dict[tuple[bytes, int], dict[int, bytes]] = {}
    for part in parts:
        groups.setdefault((part.digest, part.total), {}).setdefault(part.index, part.body)
    if not groups:
        return None
    missing = ""
    for (digest, total), bodies in groups.items():
        if len(bodies) < total:
            lost = ", ".join(str(index) for index in range(1, total + 1) if index not in bodies)
            missing = f"the payload is incomplete: part {lost} of {total} is gone (another program has dropped it)"
            continue
        whole = b"".join(bodies[index] for index in range(1, total + 1))
        if len(whole) <= MAX_PAYLOAD and _digest(whole) == digest:
            return whole
    raise PayloadError(missing or "the payload is damaged: its bytes do not match their digest")


def _digest(payload: bytes) -> bytes:
    return hashlib.sha256(payload).hexdigest()[:16].encode()
