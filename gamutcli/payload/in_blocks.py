"""The payload in the metadata blocks of a file, for every format that sets them no limits of size.

`OpenBlocks` are the blocks of one file with every packet parsed, once for all that is done to them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from gamutcli.containers import Blocks, Metadata, container_of, exif
from gamutcli.containers.blocks import merge
from gamutcli.containers.xmp import Allowance, Packet
from gamutcli.payload import in_exif, in_xmp, parts
from gamutcli.payload.carried import EXIF, XMP, Embedded, Extracted, Located, join
from gamutcli.payload.in_xmp import Unreadable


@dataclass(frozen=True)
class OpenExif:
    """An EXIF block, and the packet in the tag that TIFF has for it, if any."""

    block: bytes
    packet: Packet | Unreadable | None


@dataclass(frozen=True)
class OpenBlocks:
    """Blocks of a file whose packets are parsed; what else is in `Blocks` is as there."""

    blocks: Blocks
    packets: tuple[Packet | Unreadable, ...]
    exif: tuple[OpenExif, ...]

    def close_blocks(self) -> Blocks:
        """Return the blocks as bytes."""
        return replace(
            self.blocks, xmp=tuple(map(bytes, self.packets)), exif=tuple(opened.block for opened in self.exif)
        )


def open_blocks(blocks: Blocks) -> OpenBlocks:
    """Parse every packet of a file as far as its allowance goes, first those that may hold the payload."""
    allowance = Allowance()
    ours_first = sorted(enumerate(blocks.xmp), key=lambda item: not in_xmp.names_us(item[1]))
    opened = {index: in_xmp.open_packet(packet, allowance) for index, packet in ours_first}
    packets = tuple(opened[index] for index in range(len(blocks.xmp)))
    tiffs = []
    for block in blocks.exif:
        packet = exif.packet(block)
        tiffs.append(OpenExif(block, None if packet is None else in_xmp.open_packet(packet, allowance)))
    return OpenBlocks(blocks, packets, tuple(tiffs))


def embed(data: bytes, payload: bytes, metadata: Metadata, carrier: str) -> Embedded:
    """Return the file with payload and metadata in it; see `gamutcli.payload.carriers.embed`."""
    container = container_of(data)
    held, notes = without_unreadable(clear(open_blocks(merge(container.read(data), metadata))))
    (line,) = parts.split(payload, [len(payload)])
    blocks = held.close_blocks()
    used = EXIF if carrier == EXIF else XMP
    if used == EXIF:
        first = blocks.exif[0] if blocks.exif else None
        blocks = replace(blocks, exif=(in_exif.insert(first, line), *blocks.exif[1:]))
    else:
        packet = in_xmp.insert(first_packet(held), line)
        blocks = replace(blocks, xmp=(bytes(packet), *blocks.xmp[1:]))
    written = container.write(data, blocks)
    return Embedded(written.data, used, (*notes, *written.notes))


def extract(data: bytes) -> Extracted | None:
    """Return the payload of a file; see `gamutcli.payload.carriers.extract`."""
    held = open_blocks(container_of(data).read(data))
    return join(find(held), clear(held).close_blocks())


def strip(data: bytes) -> bytes:
    """Return the file without payload; see `gamutcli.payload.carriers.strip`."""
    container = container_of(data)
    held = open_blocks(container.read(data))
    return container.write(data, clear(held).close_blocks()).data if find(held) else data


def find(held: OpenBlocks) -> list[Located]:
    """Return the parts of payloads in the blocks, and what is left of some, each with the name of its carrier."""
    packets = [*held.packets, *(opened.packet for opened in held.exif if opened.packet is not None)]
    found: list[Located] = [(XMP, part) for packet in packets for part in in_xmp.find(packet)]
    return found + [(EXIF, part) for opened in held.exif for part in parts.parse(in_exif.text_of(opened.block))]


def clear(held: OpenBlocks) -> OpenBlocks:
    """Return the blocks without the payload; those that held nothing else are gone."""
    packets = (in_xmp.remove(packet) for packet in held.packets)
    return OpenBlocks(
        held.blocks, tuple(packet for packet in packets if packet is not None), tuple(_cleared_exif(held.exif))
    )


def without_unreadable(held: OpenBlocks) -> tuple[OpenBlocks, tuple[str, ...]]:
    """Return the blocks without packets that cannot be parsed, and notes on these."""
    readable = tuple(packet for packet in held.packets if isinstance(packet, Packet))
    gone = (packet for packet in held.packets if isinstance(packet, Unreadable))
    return replace(held, packets=readable), tuple(f"an XMP packet was left out: {packet.reason}" for packet in gone)


def first_packet(held: OpenBlocks) -> Packet | None:
    """Return the packet that the payload goes into, of blocks `without_unreadable`."""
    first = held.packets[0] if held.packets else None
    return first if isinstance(first, Packet) else None


def _cleared_exif(tiffs: tuple[OpenExif, ...]) -> Iterator[OpenExif]:
    for opened in tiffs:
        block, packet = opened.block, opened.packet
        if packet is not None:
            rest = in_xmp.remove(packet)
            if rest is None or bytes(rest) != bytes(packet):
                block = exif.with_packet(block, None if rest is None else bytes(rest))
            packet = rest
        cleared = in_exif.remove(block)
        if cleared is not None:
            yield OpenExif(cleared, packet)
