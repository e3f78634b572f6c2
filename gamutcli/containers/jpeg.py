"""JPEG: EXIF, XMP and IPTC in segments of 65,533 bytes.

An EXIF segment always stands before the packet: some readers want one there. A block that fits no segment gives way:
first the thumbnail, then the whole of the EXIF; a packet moves to Extended XMP.

Source: XMP specification part 3, 1.1.3 (Extended XMP).
"""

from __future__ import annotations

import hashlib
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TypedDict, Unpack

from gamutcli.containers import exif, segments, xmp
from gamutcli.containers.blocks import Blocks, Written
from gamutcli.containers.segments import APP1, APP11, APP13, Segment
from gamutcli.containers.xmp import Packet
from gamutcli.errors import InputError

# 300 bytes for the name of an extension
PACKET_MAX = segments.MAX_BODY - len(segments.XMP) - 300
EXIF_MAX = segments.MAX_BODY - len(segments.EXIF)

CHUNK = 65_458
"""Bytes of an extension's chunk. ImageMagick joins segments and cuts them anew at full length: only full ones live."""

THUMBNAIL_NOTE = "the camera's EXIF thumbnail was dropped to make room"
EXIF_NOTE = "the camera's EXIF was left out: it does not fit a JPEG segment"
MOVED_NOTE = "the camera's XMP was moved to Extended XMP to make room; some tools drop it on saving"
C2PA_NOTE = "the file's Content Credentials (C2PA) remain, but their signature no longer matches the changed file"


class _Changes(TypedDict, total=False):
    packet: Packet | None
    block: bytes | None
    extension: bytes | None


@dataclass(frozen=True)
class Layout:
    """What goes into the segments.

    Attributes:
        block: The first EXIF block.
        packet: The first XMP packet.
        extension: The XMP extension.
        further_exif: Blocks behind the first.
        further_xmp: Packets behind the first.
            notes: What had to give way.
    """

    block: bytes | None = None
    packet: Packet | None = None
    extension: bytes | None = None
    further_exif: tuple[bytes, ...] = ()
    further_xmp: tuple[bytes, ...] = ()
    keeps_torn: bool = False
    notes: tuple[str, ...] = ()

    def noted(self, note: str, **changes: Unpack[_Changes]) -> Layout:
        """Return the layout with something changed that the user should know of."""
        return replace(self, notes=(*self.notes, note), **changes)

    def without_thumbnail(self) -> Layout:
        """Return the layout without the thumbnail in its EXIF; the same where there is none."""
        lean = None if self.block is None else exif.without_thumbnail(self.block)
        return self if lean == self.block else self.noted(THUMBNAIL_NOTE, block=lean)

    def with_packet_moved(self) -> Layout:
        """Return the layout with the packet in the extension; the same where there is one, or no packet."""
        if self.packet is None or self.extension is not None:
            return self
        return self.noted(MOVED_NOTE, packet=None, extension=xmp.without_wrapper(bytes(self.packet)))


def recognises(data: bytes) -> bool:
    """Tell whether this is a JPEG file."""
    return data.startswith(b"\xff\xd8\xff")


def read(data: bytes) -> Blocks:
    """Return the metadata of a JPEG file.

    Raises:
        InputError: Not a JPEG file, or cut short before its pixels.
    """
    held = segments.split(data)[0]
    tiffs = tuple(segment.exif for segment in held if segment.exif is not None)
    packets = tuple(
        segment.body[len(segments.XMP) :]
        for segment in held
        if segment.exif is None and segment.holds(APP1, segments.XMP)
    )
    chunks = _chunks(held)
    extensions = tuple(segments.joined_extensions(chunks))
    torn = b"" if extensions else b"".join(chunk.body for chunk in chunks)
    return Blocks(tiffs, packets, None, extensions, torn)


def write(data: bytes, blocks: Blocks) -> Written:
    """Return the file with these blocks and no other XMP or EXIF; every other segment stays as it is.

    Raises:
        InputError: Not a JPEG file, or cut short before its pixels; or a block that does not fit.
    """
    packet = None
    with suppress(InputError):  # one that cannot be parsed stays as it is
        packet = xmp.parse(blocks.xmp[0]) if blocks.xmp else None
    return write_layout(data, shrink_into_segments(lay_out(blocks, packet)), blocks.iptc)


def lay_out(blocks: Blocks, packet: Packet | None) -> Layout:
    """Return what is to go into the segments, the first packet parsed."""
    return Layout(
        blocks.exif[0] if blocks.exif else None,
        packet,
        blocks.extensions[0] if blocks.extensions else None,
        blocks.exif[1:],
        blocks.xmp[1:] if packet is not None else blocks.xmp,
        keeps_torn=bool(blocks.torn),
    )


def shrink_into_segments(layout: Layout) -> Layout:
    """Return a layout whose first EXIF block and first packet are small enough for a segment each."""
    if layout.block is not None and len(layout.block) > EXIF_MAX:
        layout = layout.without_thumbnail()
    if layout.block is not None and len(layout.block) > EXIF_MAX:
        layout = replace(layout, block=exif.least_block(), notes=(EXIF_NOTE,))
    if layout.packet is None or len(bytes(layout.packet)) <= PACKET_MAX:
        return layout
    packet = layout.packet.compacted()
    layout = replace(layout, packet=packet)
    # One that has an extension already comes from a file where both did fit.
    return layout.with_packet_moved() if len(bytes(packet)) > PACKET_MAX else layout


def write_layout(data: bytes, layout: Layout, iptc: bytes | None) -> Written:
    """Return the file with what is laid out in place of its EXIF and XMP.

    Args:
        data: A whole file.
        layout: Every block fits a segment.
        iptc: IPTC-IIM records; None leaves those in the file alone.

    Raises:
        InputError: Not a JPEG file, or a block that does not fit.
    """
    held = segments.split(data)[0]
    own = _segments_of(layout)
    replaced = [*_of_blocks(held), *([] if layout.keeps_torn else _chunks(held))]
    if iptc is not None:
        irb = [segment for segment in held if segment.holds(APP13, segments.PHOTOSHOP)]
        own += segments.with_iptc(b"".join(segment.body[len(segments.PHOTOSHOP) :] for segment in irb), iptc)
        replaced += irb
    c2pa = (C2PA_NOTE,) if any(segment.holds(APP11, b"JP") for segment in held) else ()
    return Written(segments.replace_own(data, own, replaced), (*c2pa, *layout.notes))


def _of_blocks(held: list[Segment]) -> list[Segment]:
    return [segment for segment in held if segment.exif is not None or segment.holds(APP1, segments.XMP)]


def _chunks(held: list[Segment]) -> list[Segment]:
    return [segment for segment in held if segment.holds(APP1, segments.EXTENSION)]


def _segments_of(layout: Layout) -> list[Segment]:
    """Return the segments that hold a layout: EXIF, packets, extension."""
    packet, chunks = layout.packet, []
    if layout.extension is not None:
        extension = layout.extension.strip()
        extension += b" " * (-len(extension) % CHUNK)
        guid = hashlib.md5(extension, usedforsecurity=False).hexdigest().upper()
        chunks = segments.extension_segments(guid, extension, CHUNK)
        packet = (packet or xmp.parse(None)).with_extension(guid)
    blocks = [*([layout.block] if layout.block is not None else []), *layout.further_exif]
    packets = [*([bytes(packet)] if packet is not None else []), *layout.further_xmp]
    own = [segments.make(APP1, segments.EXIF + block) for block in blocks]
    return own + [segments.make(APP1, segments.XMP + packet) for packet in packets] + chunks
