"""What a file holds besides pixels, in one shape for every format, and the payload in it.

A format's module has two functions, ``read(data) -> Blocks`` and ``write(data, blocks) -> bytes``; they know where
the blocks live and nothing of payloads. What to put into the blocks is decided here, except for JPEG, whose 64 KB
segments ask for a plan of their own.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

from gamutcli.containers import exif, xmp
from gamutcli.errors import InputError, PayloadError
from gamutcli.payload import parts
from gamutcli.payload.parts import Part

AUTO = "auto"
XMP = "xmp"
EXIF = "exif"
SIDECAR = "sidecar"


class HasMetadata(Protocol):
    """The blocks of another picture's metadata; `gamutcli.metadata.Metadata` is one."""

    @property
    def exif(self) -> bytes | None:
        """A TIFF block, without ``Exif`` and two NUL bytes before it."""

    @property
    def xmp(self) -> bytes | None:
        """An XMP packet."""

    @property
    def iptc(self) -> bytes | None:
        """IPTC-IIM records."""


@dataclass(frozen=True)
class Blocks:
    """The metadata blocks of one file; a format may hold several of a kind.

    Attributes:
        exif: TIFF blocks.
        xmp: XMP packets.
        iptc: IPTC-IIM records to write; None leaves those in the file alone.
    """

    exif: tuple[bytes, ...] = ()
    xmp: tuple[bytes, ...] = ()
    iptc: bytes | None = None


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
    """A payload that was found in a file, and the carrier that held it."""

    payload: bytes
    carrier: str


def merge(current: Blocks, metadata: HasMetadata) -> tuple[Blocks, tuple[str, ...]]:
    """Return what a file should hold: the blocks of `metadata` where there are any, else its own; no payload.

    Returns:
        The blocks, and notes on those that had to be left out.
    """
    notes: list[str] = []
    blocks = Blocks(
        (metadata.exif,) if metadata.exif else current.exif,
        (metadata.xmp,) if metadata.xmp else current.xmp,
        metadata.iptc or None,
    )
    readable = []
    for packet in blocks.xmp:
        try:
            xmp.insert(packet, "")
        except InputError as error:
            notes.append(f"an XMP packet was left out: {error}")
        else:
            readable.append(packet)
    return remove(replace(blocks, xmp=tuple(readable))), tuple(notes)


def find(blocks: Blocks) -> list[tuple[str, Part]]:
    """Return the parts of payloads in the blocks, each with the name of its carrier.

    Raises:
        PayloadError: A part is there and cannot be read.
    """
    found = []
    for packet in (*blocks.xmp, *filter(None, map(exif.packet, blocks.exif))):
        found += [(XMP, part) for part in parts_in_packet(packet)]
    for block in blocks.exif:
        comment = exif.comment(block)
        found += [(EXIF, part) for part in parts.parse(comment)]
    return found


def parts_in_packet(packet: bytes) -> list[Part]:
    """Return the parts in one packet; a broken packet counts only when it names our namespace."""
    try:
        texts = xmp.find(packet)
    except InputError as error:
        if xmp.NAMESPACE.encode() in packet:
            raise PayloadError(f"the payload is damaged: {error}") from error
        return []
    found = []
    for text in texts:
        read = parts.parse(text.encode("ascii", "replace"))
        if not read:
            raise PayloadError("the payload is damaged, or a newer version of gamutcli has written it")
        found += read
    return found


def holds_payload(blocks: Blocks) -> bool:
    """Tell whether there is a payload, whole or damaged."""
    try:
        return bool(find(blocks))
    except PayloadError:
        return True


def join(found: list[tuple[str, Part]]) -> Extracted | None:
    """Join the parts that `find` returned; None when there are none."""
    payload = parts.join(part for _, part in found)
    if payload is None:
        return None
    return Extracted(payload, "+".join(dict.fromkeys(carrier for carrier, _ in found)))


def remove(blocks: Blocks) -> Blocks:
    """Return the blocks without the payload; those that held nothing else are gone."""
    packets = [packet_without_payload(packet) for packet in blocks.xmp]
    tiffs = [exif.remove(_without_payload_in_packet(block)) for block in blocks.exif]
    return replace(
        blocks,
        xmp=tuple(packet for packet in packets if packet),
        exif=tuple(block for block in tiffs if block),
    )


def insert(blocks: Blocks, payload: bytes, carrier: str) -> tuple[Blocks, str]:
    """Return the blocks with the payload in them, for a format without limits of size.

    Args:
        blocks: What the file should hold besides; no payload in it.
        payload: The packed network.
        carrier: "auto" or "xmp", "exif", or "sidecar" for nothing.

    Returns:
        The blocks, and the name of the carrier used.
    """
    if carrier == SIDECAR:
        return blocks, SIDECAR
    (line,) = parts.frame(payload, [len(payload)])
    if carrier == EXIF:
        first = blocks.exif[0] if blocks.exif else None
        return replace(blocks, exif=(exif.insert(first, line), *blocks.exif[1:])), EXIF
    packet = blocks.xmp[0] if blocks.xmp else None
    return replace(blocks, xmp=(xmp.insert(packet, line.decode()), *blocks.xmp[1:])), XMP


def packet_without_payload(packet: bytes) -> bytes | None:
    """Return the packet without our payload; None when nothing else was in it, or it is ours and broken."""
    try:
        return xmp.remove(packet) if xmp.find(packet) else packet
    except InputError:
        return None if xmp.NAMESPACE.encode() in packet else packet


def _without_payload_in_packet(block: bytes) -> bytes:
    """Return an EXIF block whose tag for XMP, where it has one, holds no payload."""
    packet = exif.packet(block)
    rest = None if packet is None else packet_without_payload(packet)
    return block if rest == packet else exif.with_packet(block, rest)
