"""Carriers: a payload in the metadata of an ordinary picture file, and out again.

Whole files go in and come out; pixels are never decoded, and what is not ours is left as it was found. The payload
is opaque here; `gamutcli.payload.format` knows what it means.

| Format | Where the payload lives |
|---|---|
| JPEG | an XMP packet; more than 42,000 bytes: and the EXIF user comment; more than 84,000: Extended XMP |
| PNG | an XMP packet in an uncompressed iTXt chunk before the pixels |
| WebP | an XMP packet in the "XMP " chunk |
| AVIF, HEIF | an XMP packet as an item of the meta box |
| JPEG XL | an XMP packet in an "xml " box of the container |
| TIFF | an XMP packet in tag 700 of the first directory |
"""

from __future__ import annotations

from dataclasses import replace
from typing import Protocol

from gamutcli.containers import Metadata, jpeg, tiff, with_metadata
from gamutcli.containers.blocks import whole_packet
from gamutcli.errors import InputError, UsageError
from gamutcli.payload import in_blocks, in_exif, in_jpeg, in_tiff, in_xmp
from gamutcli.payload.carried import CARRIERS, SIDECAR, Embedded, Extracted

__all__ = ["CARRIERS", "SIDECAR", "Embedded", "Extracted", "embed", "extract", "metadata_beside", "strip"]


class _Way(Protocol):
    """How files of a format hold a payload; the functions below say what each of these does."""

    def embed(self, data: bytes, payload: bytes, metadata: Metadata, carrier: str) -> Embedded: ...

    def extract(self, data: bytes) -> Extracted | None: ...

    def strip(self, data: bytes) -> bytes: ...


def embed(data: bytes, payload: bytes, metadata: Metadata, carrier: str = "auto") -> Embedded:
    """Put a payload into a picture file, in place of one that is there already.

    Args:
        data: A whole file.
        payload: The packed network.
        metadata: Blocks that replace those of the file; a block that is None leaves the file's own.
        carrier: "auto"; "xmp" or "exif" for that carrier only; "sidecar" where the payload goes elsewhere, and the
            file holds none.

    Returns:
        The file, the carrier used, and notes for the user.

    Raises:
        InputError: The file is damaged, or of a format that cannot carry a payload.
        UsageError: The payload does not fit the carrier asked for.
    """
    if carrier not in CARRIERS:
        raise UsageError(f"unknown carrier {carrier!r}: choose one of {', '.join(CARRIERS)}")
    if carrier == SIDECAR:
        cleared = _clear_metadata(metadata)
        written = with_metadata(strip(data), cleared)
        return Embedded(written.data, SIDECAR, (*cleared.notes[len(metadata.notes) :], *written.notes))
    embedded = _way_of(data).embed(data, payload, metadata, carrier)
    # A payload is never lost in silence, whatever the rest of the file is like.
    found = extract(embedded.data)
    if found is None or found.payload != payload:
        raise InputError("the file's metadata is damaged so that it cannot carry a payload: use --carrier sidecar")
    return embedded


def extract(data: bytes) -> Extracted | None:
    """Find the payload in a picture file.

    Args:
        data: A whole file.

    Returns:
        The payload and the carrier that held it, or None when there is none.

    Raises:
        InputError: The file is damaged, or of a format that cannot carry a payload.
        PayloadError: There is a payload, and it is damaged or parts of it are missing.
    """
    return _way_of(data).extract(data)


def strip(data: bytes) -> bytes:
    """Take the payload out of a picture file and leave everything else.

    Args:
        data: A whole file.

    Returns:
        The file; the very same bytes when it holds no payload.

    Raises:
        InputError: The file is damaged, or of a format that cannot carry a payload.
    """
    return _way_of(data).strip(data)


def metadata_beside(found: Extracted, metadata: Metadata) -> Metadata:
    """Return the metadata of a file in which a payload was found, without that payload."""
    if found.carrier == SIDECAR:
        return metadata
    exif = None if metadata.exif is None else in_exif.remove(metadata.exif)
    packet, notes = whole_packet(found.rest)
    return replace(metadata, exif=exif, xmp=packet, notes=metadata.notes + notes)


def _clear_metadata(metadata: Metadata) -> Metadata:
    """Take the payload out of a picture's metadata; a packet that cannot be parsed goes as well, with a note."""
    packet, notes = None, metadata.notes
    if metadata.xmp is not None:
        opened = in_xmp.open_packet(metadata.xmp)
        if isinstance(opened, in_xmp.Unreadable):
            notes = (*notes, f"an XMP packet was left out: {opened.reason}")
        else:
            packet = in_xmp.remove(opened)
    exif = None if metadata.exif is None else in_exif.remove(metadata.exif)
    return replace(metadata, exif=exif, xmp=None if packet is None else bytes(packet), notes=notes)


def _way_of(data: bytes) -> _Way:
    if jpeg.recognises(data):
        return in_jpeg
    return in_tiff if tiff.recognises(data) else in_blocks
