"""TIFF: XMP in tag 700, EXIF as directories of the file itself.

Strips and tiles are found by absolute offsets, so they stay where they are: a new directory and new values are
appended. Only the first picture of a file is looked at.

Source: TIFF 6.0; XMP specification part 3, 1.1.8; Exif 3.0 (CIPA DC-008), 4.6.3.
"""

from __future__ import annotations

from gamutcli.containers import blocks, exif, ifd, xmp
from gamutcli.containers.blocks import EXIF, SIDECAR, XMP, Blocks, Embedded, Extracted, HasMetadata
from gamutcli.errors import InputError, PayloadError
from gamutcli.payload import parts
from gamutcli.payload.parts import Part

_XMP_TAG, _IPTC_TAG = 700, 33723

# Tags of TIFF 6.0 that describe a photograph; the others below 700 say how its own pixels are stored.
_DESCRIPTIVE = frozenset({270, 271, 272, 274, 282, 283, 296, 305, 306, 315, 316})
# Later ones that belong to the file: XMP, IPTC, Photoshop's resources, ICC profile, Photoshop's layers, pointers.
_OF_THE_FILE = frozenset({_XMP_TAG, _IPTC_TAG, 34377, 34675, 37724, ifd.EXIF_POINTER, ifd.GPS_POINTER})


def recognises(data: bytes) -> bool:
    """Tell whether this is a TIFF or BigTIFF file."""
    return data.startswith((b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"))


def embed(data: bytes, payload: bytes, metadata: HasMetadata, carrier: str) -> Embedded:
    """Return the file with payload and metadata in it; see `gamutcli.payload.carriers.embed`."""
    data = strip(data)
    tiff = ifd.Tiff(data)
    given, notes = blocks.merge(Blocks(xmp=_packets(tiff)), metadata)
    for block in given.exif:
        _copy_exif(ifd.Tiff(block), tiff)
    if given.iptc is not None:
        tiff.set((), _IPTC_TAG, ifd.UNDEFINED, given.iptc)
    packet = given.xmp[0] if given.xmp else None
    line = b"" if carrier == SIDECAR else parts.frame(payload, [len(payload)])[0]
    used = carrier if carrier in (SIDECAR, EXIF) else XMP
    if used == XMP:
        packet = xmp.insert(packet, line.decode())
    if packet is not None:
        tiff.set((), _XMP_TAG, ifd.BYTE, packet)
    # What is set last ends the file, where `strip` can cut it off.
    return Embedded(exif.insert(bytes(tiff.data), line) if used == EXIF else bytes(tiff.data), used, notes)


def extract(data: bytes) -> Extracted | None:
    """Return the payload of a file; see `gamutcli.payload.carriers.extract`."""
    return blocks.join(_found(data))


def strip(data: bytes) -> bytes:
    """Return the file without payload; see `gamutcli.payload.carriers.strip`."""
    try:
        if not _found(data):
            return data
    except PayloadError:
        pass  # damaged, but ours: it goes as well
    tiff = ifd.Tiff(exif.remove(data) or data)
    for packet in _packets(tiff):
        rest = blocks.packet_without_payload(packet)
        if rest is None:
            tiff.remove((), _XMP_TAG)
        elif rest != packet:
            tiff.set((), _XMP_TAG, ifd.BYTE, rest)
    return bytes(tiff.data)


def _found(data: bytes) -> list[tuple[str, Part]]:
    tiff = ifd.Tiff(data)
    found = [(XMP, part) for packet in _packets(tiff) for part in blocks.parts_in_packet(packet)]
    return found + [(EXIF, part) for part in parts.parse(exif.comment(data))]


def _packets(tiff: ifd.Tiff) -> tuple[bytes, ...]:
    directory = tiff.directory()
    if directory is None:
        raise InputError("the TIFF file holds no picture")
    entry = directory.get(_XMP_TAG)
    return () if entry is None else (tiff.value(entry),)


def _copy_exif(source: ifd.Tiff, target: ifd.Tiff) -> None:
    """Copy a camera's tags into a file: those of its first directory that describe, and all of Exif and GPS."""
    for path in ((), (ifd.EXIF_POINTER,), (ifd.GPS_POINTER,)):
        directory = source.directory(path)
        entries = () if directory is None else directory.entries
        values = {
            entry.tag: (entry.type, source.value_in_order(entry, target.order))
            for entry in entries
            if entry.size and (_describes(entry.tag) if not path else entry.tag != ifd.INTEROP_POINTER)
        }
        if values:
            target.update(path, values)


def _describes(tag: int) -> bool:
    return tag in _DESCRIPTIVE or (tag >= 700 and tag not in _OF_THE_FILE)
