"""Carriers: a payload in the metadata of an ordinary picture file, and out again.

Whole files go in and come out; pixels are never decoded, and what is not ours is left as it was found. The payload
is opaque here; `gamutcli.payload` knows what it means.

| Format | Where the payload lives |
|---|---|
| JPEG | an XMP packet; more than 42,000 bytes: and the EXIF user comment; more than 84,000: Extended XMP |
| PNG | an XMP packet in an uncompressed iTXt chunk before the pixels |
"""

from __future__ import annotations

from types import ModuleType

from gamutcli.carriers import blocks, jpeg, png
from gamutcli.carriers.blocks import Embedded, Extracted, HasMetadata
from gamutcli.errors import InputError, UsageError

__all__ = ["CARRIERS", "Embedded", "Extracted", "HasMetadata", "embed", "extract", "strip"]

CARRIERS = ("auto", "xmp", "exif", "sidecar")


def embed(data: bytes, payload: bytes, metadata: HasMetadata, carrier: str = "auto") -> Embedded:
    """Put a payload into a picture file, in place of one that is there already.

    Args:
        data: A whole file.
        payload: The packed network; not looked at when the carrier is "sidecar".
        metadata: Blocks that replace those of the file; a block that is None leaves the file's own.
        carrier: "auto"; "xmp" or "exif" for that carrier only; "sidecar" writes the metadata alone.

    Returns:
        The file, the carrier used, and notes for the user.

    Raises:
        InputError: The file is damaged, or of a format that cannot carry a payload.
        UsageError: The payload does not fit the carrier asked for.
    """
    if carrier not in CARRIERS:
        raise UsageError(f"unknown carrier {carrier!r}: choose one of {', '.join(CARRIERS)}")
    module = _module(data)
    if module is jpeg:
        return jpeg.embed(data, payload, metadata, carrier)
    merged, notes = blocks.merge(module.read(data), metadata)
    filled, used = blocks.insert(merged, payload, carrier)
    return Embedded(module.write(data, filled), used, notes)


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
    module = _module(data)
    if module is jpeg:
        return jpeg.extract(data)
    return blocks.join(blocks.find(module.read(data)))


def strip(data: bytes) -> bytes:
    """Take the payload out of a picture file and leave everything else.

    Args:
        data: A whole file.

    Returns:
        The file; the very same bytes when it holds no payload.

    Raises:
        InputError: The file is damaged, or of a format that cannot carry a payload.
    """
    module = _module(data)
    if module is jpeg:
        return jpeg.strip(data)
    current = module.read(data)
    if not blocks.holds_payload(current):
        return data
    stripped: bytes = module.write(data, blocks.remove(current))
    return stripped


def _module(data: bytes) -> ModuleType:
    """Return the module of the file's format, told by its first bytes."""
    if data.startswith(jpeg.SIGNATURE):
        return jpeg
    if data.startswith(png.SIGNATURE):
        return png
    raise InputError("neither a JPEG nor a PNG file: it cannot carry a payload")
