"""JPEG: what goes into the XMP packet, the EXIF user comment and Extended XMP.

A segment holds 65,533 bytes, and other programs keep less. The plan, in this order:

1. the payload in the XMP packet, up to 42,000 bytes, a packet of at most 60,000 in all;
2. the rest in the EXIF user comment, up to 42,000 bytes more, the thumbnail dropped when it is in the way;
3. the camera's own packet, when that is what takes the room, moves to Extended XMP;
4. the payload in Extended XMP, with a warning, because common tools drop it.

An EXIF segment always stands before the packet: some readers want one there.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from gamutcli.containers import blocks, exif, segments, xmp
from gamutcli.containers.blocks import AUTO, EXIF, SIDECAR, XMP, Blocks, Embedded, Extracted, HasMetadata
from gamutcli.containers.segments import APP1, APP11, APP13, Segment
from gamutcli.errors import InputError, PayloadError, UsageError
from gamutcli.payload import parts
from gamutcli.payload.parts import Part

EXTENDED = "extended-xmp"

PART_LIMIT = 42_000
"""Most payload bytes in one packet or comment: 56,000 in base64 leave room for what other programs add."""

PACKET_LIMIT = 60_000
"""Largest packet that libvips and sharp keep."""

# 300 bytes for the name of an extension
PACKET_MAX = segments.MAX_BODY - len(segments.XMP) - 300
EXIF_LIMIT = 62_000
EXIF_MAX = segments.MAX_BODY - len(segments.EXIF)

CHUNK = 65_458
"""Bytes of an extension's chunk. ImageMagick joins segments and cuts them anew at full length: only full ones live."""

_NAMESPACE = xmp.NAMESPACE.encode()

EXTENDED_NOTE = (
    "the payload is in Extended XMP, which common tools drop on saving (jpegoptim, libvips, sharp): "
    "keep a copy, or choose a smaller model"
)
THUMBNAIL_NOTE = "the camera's EXIF thumbnail was dropped to make room"
EXIF_NOTE = "the camera's EXIF was left out: it does not fit a JPEG segment"
MOVED_NOTE = "the camera's XMP was moved to Extended XMP to make room; some tools drop it on saving"
C2PA_NOTE = "the file's Content Credentials (C2PA) remain, but their signature no longer matches the changed file"


@dataclass(frozen=True)
class _Contents:
    """What a file's segments hold for us.

    Attributes:
        blocks: EXIF blocks and XMP packets.
        extension: The XMP extension, joined.
        torn: Whether there is an extension of ours that misses chunks.
        own: The segments that these come from.
    """

    blocks: Blocks
    extension: bytes | None
    torn: bool
    own: list[Segment]


@dataclass(frozen=True)
class _Plan:
    """What stands beside the payload, and how many of its bytes go where."""

    packet: bytes | None
    block: bytes
    extension: bytes | None
    in_packet: int = 0
    in_comment: int = 0
    in_extension: int = 0
    notes: tuple[str, ...] = ()

    def noted(self, note: str, **changes: bytes | None) -> _Plan:
        return replace(self, notes=(*self.notes, note), **changes)  # type: ignore[arg-type]


def recognises(data: bytes) -> bool:
    """Tell whether this is a JPEG file."""
    return data.startswith(b"\xff\xd8\xff")


def embed(data: bytes, payload: bytes, metadata: HasMetadata, carrier: str) -> Embedded:
    """Return the file with payload and metadata in it; see `gamutcli.payload.carriers.embed`."""
    contents = _read(data)
    merged, notes = blocks.merge(contents.blocks, metadata)
    extension = None if metadata.xmp else _extension_without_payload(contents)
    if extension is None and (contents.extension is not None or contents.torn):
        merged = replace(merged, xmp=_without_pointer(merged.xmp))
    plan = _fitted(merged, extension)
    if carrier != SIDECAR:
        plan = _planned(plan, len(payload), carrier)
    packet, block, extension, used = _filled(plan, payload)
    packets = [*([packet] if packet else []), *merged.xmp[1:]]
    tiffs = [block, *merged.exif[1:]] if merged.exif or used != SIDECAR else []
    own = _rendered(tiffs, packets, extension)
    replaced = contents.own
    if merged.iptc is not None:
        irb = [segment for segment in segments.split(data)[0] if segment.holds(APP13, segments.PHOTOSHOP)]
        own += segments.with_iptc(b"".join(segment.body[len(segments.PHOTOSHOP) :] for segment in irb), merged.iptc)
        replaced = [*replaced, *irb]
    if any(segment.holds(APP11, b"JP") for segment in segments.split(data)[0]):
        notes += (C2PA_NOTE,)
    return Embedded(segments.replace_own(data, own, replaced), used, (*notes, *plan.notes))


def extract(data: bytes) -> Extracted | None:
    """Return the payload of a file; see `gamutcli.payload.carriers.extract`."""
    return blocks.join(_found(_read(data)))


def strip(data: bytes) -> bytes:
    """Return the file without payload; see `gamutcli.payload.carriers.strip`."""
    contents = _read(data)
    try:
        if not _found(contents):
            return data
    except PayloadError:
        pass  # damaged, but ours: it goes as well
    rest = blocks.remove(contents.blocks)
    extension = _extension_without_payload(contents)
    gone = extension is None and (contents.extension is not None or contents.torn)
    packets = _without_pointer(rest.xmp) if gone else rest.xmp
    return segments.replace_own(data, _rendered(rest.exif, packets, extension), contents.own)


def _read(data: bytes) -> _Contents:
    tiffs, packets, chunks, own = [], [], [], []
    for segment in segments.split(data)[0]:
        if segment.exif is not None:
            tiffs.append(segment.exif)
        elif segment.holds(APP1, segments.XMP):
            packets.append(segment.body[len(segments.XMP) :])
        elif segment.holds(APP1, segments.EXTENSION):
            chunks.append(segment)
            continue
        else:
            continue
        own.append(segment)
    joined = segments.joined_extensions(chunks)
    # There should be one; when there are more, ours is the one to find.
    extension = next((whole for whole in joined if _NAMESPACE in whole), joined[0] if joined else None)
    torn = not joined and any(_NAMESPACE in chunk.body for chunk in chunks)
    return _Contents(Blocks(tuple(tiffs), tuple(packets)), extension, torn, own + chunks if joined or torn else own)


def _found(contents: _Contents) -> list[tuple[str, Part]]:
    if contents.torn:
        raise PayloadError("the payload is incomplete: a part of its Extended XMP is gone (another program dropped it)")
    found = blocks.find(contents.blocks)
    if contents.extension is not None:
        found += [(EXTENDED, part) for part in blocks.parts_in_packet(contents.extension)]
    return found


def _extension_without_payload(contents: _Contents) -> bytes | None:
    return None if contents.extension is None else blocks.packet_without_payload(contents.extension)


def _without_pointer(packets: tuple[bytes, ...]) -> tuple[bytes, ...]:
    """Return the packets without the name of an extension that is gone."""
    freed = []
    for packet in packets:
        try:
            freed.append(xmp.point_to(packet, None))
        except InputError:
            freed.append(packet)
    return tuple(packet for packet in freed if packet)


def _fitted(merged: Blocks, extension: bytes | None) -> _Plan:
    """Return a plan without payload, whose packet and EXIF block fit a segment each."""
    plan = _Plan(merged.xmp[0] if merged.xmp else None, merged.exif[0] if merged.exif else exif.small(), extension)
    if len(plan.block) > EXIF_MAX:
        plan = plan.noted(THUMBNAIL_NOTE, block=exif.without_thumbnail(plan.block))
    if len(plan.block) > EXIF_MAX:
        plan = replace(plan, block=exif.small(), notes=(EXIF_NOTE,))
    if plan.packet is not None and len(plan.packet) > PACKET_MAX:
        plan = replace(plan, packet=xmp.compact(plan.packet))
    # One that has an extension already comes from a file where both did fit.
    if plan.packet is not None and len(plan.packet) > PACKET_MAX and plan.extension is None:
        plan = plan.noted(MOVED_NOTE, packet=None, extension=xmp.bare(plan.packet))
    return plan


def _planned(plan: _Plan, size: int, carrier: str) -> _Plan:
    """Return the first plan, from the safest to the most fragile, that has room for `size` bytes of payload."""
    lean = exif.without_thumbnail(plan.block)
    thin = plan if len(lean) == len(plan.block) else plan.noted(THUMBNAIL_NOTE, block=lean)
    if carrier == EXIF:
        for variant in (plan, thin):
            if size <= exif.room(variant.block, EXIF_LIMIT):
                return replace(variant, in_comment=size)
        raise UsageError(
            f"the payload ({size:,} bytes) does not fit beside the camera's EXIF in one segment: use --carrier auto"
        )
    if size <= _packet_room(plan.packet):
        return replace(plan, in_packet=size)
    if plan.packet is not None:
        plan, thin = (replace(variant, packet=xmp.compact(plan.packet)) for variant in (plan, thin))
    moved = plan
    if plan.packet is not None and plan.extension is None:
        moved = plan.noted(MOVED_NOTE, packet=None, extension=xmp.bare(plan.packet))
    variants = (plan, thin, moved) if carrier == AUTO else (plan, moved)
    for variant in variants:
        split = _split(variant, size, with_comment=carrier == AUTO)
        if split is not None:
            return split
    return replace(plan.noted(EXTENDED_NOTE), in_extension=size)


def _split(plan: _Plan, size: int, *, with_comment: bool) -> _Plan | None:
    """Return the plan with the payload in packet and comment, in one part where it fits one; None if it does not."""
    in_packet = _packet_room(plan.packet)
    in_comment = min(PART_LIMIT, exif.room(plan.block, EXIF_LIMIT)) if with_comment else 0
    if size <= in_packet:
        return replace(plan, in_packet=size)
    if size <= in_comment:
        return replace(plan, in_comment=size)
    if size <= in_packet + in_comment:
        return replace(plan, in_packet=in_packet, in_comment=size - in_packet)
    return None


def _packet_room(packet: bytes | None) -> int:
    return min(PART_LIMIT, parts.body_room(PACKET_LIMIT - len(xmp.insert(packet, ""))))


def _filled(plan: _Plan, payload: bytes) -> tuple[bytes | None, bytes, bytes | None, str]:
    """Return packet, EXIF block and extension with the payload in them, and the carrier's name."""
    packet, block, extension = plan.packet, plan.block, plan.extension
    shares = {XMP: plan.in_packet, EXIF: plan.in_comment, EXTENDED: plan.in_extension}
    used = [name for name, size in shares.items() if size]
    lines = dict(zip(used, parts.frame(payload, [shares[name] for name in used]), strict=True)) if used else {}
    if XMP in lines:
        packet = xmp.insert(packet, lines[XMP].decode())
    if EXIF in lines:
        block = exif.insert(block, lines[EXIF])
    if EXTENDED in lines:
        extension = xmp.bare(xmp.insert(extension, lines[EXTENDED].decode()))
    return packet, block, extension, "+".join(used) or SIDECAR


def _rendered(tiffs: Iterable[bytes], packets: Sequence[bytes], extension: bytes | None) -> list[Segment]:
    """Return the segments that hold these blocks: EXIF, packets, extension."""
    chunks = []
    if extension is not None:
        extension = extension.strip()
        extension += b" " * (-len(extension) % CHUNK)
        guid = hashlib.md5(extension, usedforsecurity=False).hexdigest().upper()
        chunks = segments.extension_segments(guid, extension, CHUNK)
        first = xmp.point_to(packets[0] if packets else None, guid)
        packets = [*([first] if first else []), *packets[1:]]
    own = [segments.make(APP1, segments.EXIF + block) for block in tiffs]
    return own + [segments.make(APP1, segments.XMP + packet) for packet in packets] + chunks
