"""The payload in a JPEG: what goes into the XMP packet, the EXIF user comment and Extended XMP.

A segment holds 65,533 bytes, and other programs keep less. The plan, in this order:

1. the payload in the XMP packet, up to 42,000 bytes, a packet of at most 60,000 in all;
2. the rest in the EXIF user comment, up to 42,000 bytes more, the thumbnail dropped when it is in the way;
3. the camera's own packet, when that is what takes the room, moves to Extended XMP;
4. the payload in Extended XMP, with a warning, because common tools drop it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from gamutcli.containers import Metadata, exif, jpeg, xmp
from gamutcli.containers.blocks import Blocks, merge
from gamutcli.containers.jpeg import Layout
from gamutcli.containers.xmp import Packet
from gamutcli.errors import UsageError
from gamutcli.payload import in_blocks, in_exif, in_xmp, parts
from gamutcli.payload.carried import AUTO, EXIF, EXTENDED, XMP, Embedded, Extracted, Located, join
from gamutcli.payload.in_blocks import OpenBlocks
from gamutcli.payload.in_xmp import Unreadable

PART_LIMIT = 42_000
"""Most payload bytes in one packet or comment: 56,000 in base64 leave room for what other programs add."""

PACKET_LIMIT = 60_000
"""Largest packet that libvips and sharp keep."""

EXIF_LIMIT = 62_000

EXTENDED_NOTE = (
    "the payload is in Extended XMP, which common tools drop on saving (jpegoptim, libvips, sharp): "
    "keep a copy, or choose a smaller model"
)


_NAMESPACE = in_xmp.NAMESPACE.encode()


@dataclass(frozen=True)
class _Plan:
    """What stands beside the payload, and how many of its bytes go into which carrier."""

    layout: Layout
    shares: dict[str, int] = field(default_factory=dict)


def embed(data: bytes, payload: bytes, metadata: Metadata, carrier: str) -> Embedded:
    """Return the file with payload and metadata in it; see `gamutcli.payload.carriers.embed`."""
    merged = merge(jpeg.read(data), metadata)
    held, notes = in_blocks.without_unreadable(_clear(in_blocks.open_blocks(merged), _open_extension(merged)))
    layout = jpeg.lay_out(held.close_blocks(), in_blocks.first_packet(held))
    layout = jpeg.shrink_into_segments(replace(layout, block=layout.block or exif.least_block()))
    plan = _make_plan(layout, len(payload), carrier)
    written = jpeg.write_layout(data, _fill(plan, payload), merged.iptc)
    return Embedded(written.data, "+".join(plan.shares), (*notes, *written.notes))


def extract(data: bytes) -> Extracted | None:
    """Return the payload of a file; see `gamutcli.payload.carriers.extract`."""
    blocks = jpeg.read(data)
    held, extension = in_blocks.open_blocks(blocks), _open_extension(blocks)
    return join(_find(held, extension), _clear(held, extension).close_blocks())


def strip(data: bytes) -> bytes:
    """Return the file without payload; see `gamutcli.payload.carriers.strip`."""
    blocks = jpeg.read(data)
    held, extension = in_blocks.open_blocks(blocks), _open_extension(blocks)
    if not _find(held, extension):
        return data
    rest = _clear(held, extension)
    return jpeg.write_layout(data, jpeg.lay_out(rest.close_blocks(), in_blocks.first_packet(rest)), None).data


def _open_extension(blocks: Blocks) -> Packet | Unreadable | None:
    """Parse the XMP extension; there should be one, and when there are more, ours is the one to find."""
    ours = (whole for whole in blocks.extensions if in_xmp.names_us(whole))
    chosen = next(ours, blocks.extensions[0] if blocks.extensions else None)
    return None if chosen is None else in_xmp.open_packet(chosen)


def _find(held: OpenBlocks, extension: Packet | Unreadable | None) -> list[Located]:
    found = in_blocks.find(held)
    if _NAMESPACE in held.blocks.torn:
        lost = "the payload is incomplete: a part of its Extended XMP is gone (another program dropped it)"
        found.append((EXTENDED, parts.Damage(lost)))
    if extension is not None:
        found += [(EXTENDED, part) for part in in_xmp.find(extension)]
    return found


def _clear(held: OpenBlocks, extension: Packet | Unreadable | None) -> OpenBlocks:
    """Return the blocks without the payload, and without the name of an extension that is not there."""
    rest = None if extension is None else in_xmp.remove(extension)
    torn = b"" if _NAMESPACE in held.blocks.torn else held.blocks.torn
    blocks = replace(held.blocks, extensions=() if rest is None else (bytes(rest),), torn=torn)
    cleared = replace(in_blocks.clear(held), blocks=blocks)
    if blocks.extensions or torn:
        return cleared
    packets = (packet.without(xmp.EXTENDED) if isinstance(packet, Packet) else packet for packet in cleared.packets)
    said = (packet for packet in packets if isinstance(packet, Unreadable) or not packet.is_silent)
    return replace(cleared, packets=tuple(said))


def _make_plan(layout: Layout, size: int, carrier: str) -> _Plan:
    """Return the first plan, from the safest to the most fragile, that has room for `size` bytes of payload."""
    thin = layout.without_thumbnail()
    if carrier == EXIF:
        for variant in (layout, thin):
            if size <= in_exif.room(variant.block, EXIF_LIMIT):
                return _Plan(variant, {EXIF: size})
        raise UsageError(
            f"the payload ({size:,} bytes) does not fit beside the camera's EXIF in one segment: use --carrier auto"
        )
    if size <= _packet_room(layout.packet):
        return _Plan(layout, {XMP: size})
    if layout.packet is not None:
        packet = layout.packet.compacted()
        layout, thin = replace(layout, packet=packet), replace(thin, packet=packet)
    moved = layout.with_packet_moved()
    for variant in (layout, thin, moved) if carrier == AUTO else (layout, moved):
        shares = _split(variant, size, with_comment=carrier == AUTO)
        if shares is not None:
            return _Plan(variant, shares)
    return _Plan(layout.noted(EXTENDED_NOTE), {EXTENDED: size})


def _split(layout: Layout, size: int, *, with_comment: bool) -> dict[str, int] | None:
    """Return shares for packet and comment, one where the payload fits one of them; None if it does not fit both."""
    in_packet = _packet_room(layout.packet)
    in_comment = min(PART_LIMIT, in_exif.room(layout.block, EXIF_LIMIT)) if with_comment else 0
    if size <= in_packet:
        return {XMP: size}
    if size <= in_comment:
        return {EXIF: size}
    if size <= in_packet + in_comment:
        return {XMP: in_packet, EXIF: size - in_packet} if in_packet else {EXIF: size}
    return None


def _packet_room(packet: Packet | None) -> int:
    return min(PART_LIMIT, parts.body_room(PACKET_LIMIT - len(bytes(in_xmp.insert(packet, b"")))))


def _fill(plan: _Plan, payload: bytes) -> Layout:
    """Return the layout with the payload in it."""
    layout = plan.layout
    lines = dict(zip(plan.shares, parts.split(payload, list(plan.shares.values())), strict=True))
    if XMP in lines:
        layout = replace(layout, packet=in_xmp.insert(layout.packet, lines[XMP]))
    if EXIF in lines:
        layout = replace(layout, block=in_exif.insert(layout.block, lines[EXIF]))
    if EXTENDED in lines:
        there = None if layout.extension is None else xmp.parse(layout.extension)
        layout = replace(layout, extension=xmp.without_wrapper(bytes(in_xmp.insert(there, lines[EXTENDED]))))
    return layout
