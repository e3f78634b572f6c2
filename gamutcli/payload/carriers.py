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
from types import ModuleType

from gamutcli.containers import blocks, bmff, exif, jpeg, jxl, png, tiff, webp
from gamutcli.containers.blocks import SIDECAR, Embedded, Extracted, HasMetadata
from gamutcli.errors import InputError, UsageError

__all__ = ["CARRIERS", "SIDECAR", "Embedded", "Extracted", "HasMetadata", "embed", "extract", "strip"]

# These plan for themselves; every other format has a place for blocks, without limits of size.
_WITH_A_PLAN = (jpeg, tiff)
_WITH_BLOCKS = (png, webp, bmff, jxl)

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
    embedded = _embedded(data, payload, metadata, carrier)
    if carrier != SIDECAR:
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
    module = _module(data)
    if module in _WITH_A_PLAN:
        extracted: Extracted | None = module.extract(data)
        return extracted
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
    stripped: bytes
    if module in _WITH_A_PLAN:
        stripped = module.strip(data)
    else:
        current = module.read(data)
        stripped = module.write(data, blocks.remove(current)) if blocks.holds_payload(current) else data
    return stripped


def _embedded(data: bytes, payload: bytes, metadata: HasMetadata, carrier: str) -> Embedded:
    module = _module(data)
    if module in _WITH_A_PLAN:
        embedded: Embedded = module.embed(data, payload, metadata, carrier)
        return embedded
    merged, notes = blocks.merge(module.read(data), metadata)
    if metadata.iptc and module is not png:
        first = merged.exif[0] if merged.exif else None
        merged = replace(merged, exif=(exif.with_iptc(first, metadata.iptc), *merged.exif[1:]))
    filled, used = blocks.insert(merged, payload, carrier)
    return Embedded(module.write(data, filled), used, notes)


def _module(data: bytes) -> ModuleType:
    """Return the module of the file's format, told by its first bytes."""
    for module in (*_WITH_A_PLAN, *_WITH_BLOCKS):
        if module.recognises(data):
            return module
    raise InputError("neither JPEG, PNG, TIFF, WebP, AVIF nor JPEG XL: it cannot carry a payload")
