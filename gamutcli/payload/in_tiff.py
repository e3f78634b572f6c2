"""The payload in a TIFF: an XMP packet in tag 700, or the user comment of the file's own Exif directory."""

from __future__ import annotations

from dataclasses import replace

from gamutcli.containers import Metadata, tiff
from gamutcli.containers.blocks import merge
from gamutcli.payload import in_blocks, in_exif, in_xmp, parts
from gamutcli.payload.carried import EXIF, XMP, Embedded, Extracted, Located, join
from gamutcli.payload.in_blocks import OpenBlocks


def embed(data: bytes, payload: bytes, metadata: Metadata, carrier: str) -> Embedded:
    """Return the file with payload and metadata in it; see `gamutcli.payload.carriers.embed`."""
    data = in_exif.remove(data) or data
    merged = merge(tiff.read(data), metadata)
    held, notes = in_blocks.without_unreadable(in_blocks.clear(in_blocks.open_blocks(merged)))
    (line,) = parts.split(payload, [len(payload)])
    if carrier == EXIF:
        written = tiff.write(data, held.close_blocks())
        return Embedded(in_exif.insert(written.data, line), EXIF, (*notes, *written.notes))
    packet = in_xmp.insert(in_blocks.first_packet(held), line)
    written = tiff.write(data, replace(held.close_blocks(), xmp=(bytes(packet),)))
    return Embedded(written.data, XMP, (*notes, *written.notes))


def extract(data: bytes) -> Extracted | None:
    """Return the payload of a file; see `gamutcli.payload.carriers.extract`."""
    held = in_blocks.open_blocks(tiff.read(data))
    return join(_find(data, held), in_blocks.clear(held).close_blocks())


def strip(data: bytes) -> bytes:
    """Return the file without payload; see `gamutcli.payload.carriers.strip`."""
    held = in_blocks.open_blocks(tiff.read(data))
    if not _find(data, held):
        return data
    return tiff.write(in_exif.remove(data) or data, in_blocks.clear(held).close_blocks()).data


def _find(data: bytes, held: OpenBlocks) -> list[Located]:
    return in_blocks.find(held) + [(EXIF, part) for part in parts.parse(in_exif.text_of(data))]
