"""Find the metadata in the files of every format that carries some."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from gamutcli.arrays import StrPath
from gamutcli.containers import Blocks, Metadata, bmff, jxl, png, segments, webp
from gamutcli.errors import InputError
from gamutcli.metadata.ifd import Directory, read_directories, write_block
from gamutcli.metadata.makernote import settle
from gamutcli.metadata.rules import EXIF_LIMIT, descriptive, parsed

_XMP_TAG, _IPTC_TAG = 700, 33723


def read_metadata(source: StrPath | bytes) -> Metadata:
    """Read EXIF, XMP and IPTC of a TIFF, BigTIFF, JPEG, PNG, WebP, AVIF, HEIF or JPEG XL file.

    Damaged metadata, and a file of another kind, count as none: a photograph is worth reading without them.

    Args:
        source: A path, or a whole file's bytes. Of a TIFF only the tags are read, not the pixels.

    Raises:
        InputError: The file cannot be opened.
    """
    if isinstance(source, bytes):
        return _read(io.BytesIO(source))
    try:
        with Path(source).open("rb") as file:
            return _read(file)
    except (OSError, ValueError) as error:
        raise InputError(f"{os.fspath(source)}: cannot be read ({error}); check the path.") from error


def _read(stream: BinaryIO) -> Metadata:
    head = stream.read(8)
    if head[:2] in (b"II", b"MM"):
        return _from_tiff(stream)
    stream.seek(0)
    data = stream.read()
    if data.startswith(b"\xff\xd8"):
        return _from_jpeg(data)
    for module in (png, webp, bmff, jxl):
        if module.recognises(data):
            return _from_blocks(data, module.read)
    return Metadata()


def _from_tiff(stream: BinaryIO) -> Metadata:
    try:
        found = read_directories(stream)
    except ValueError:
        return Metadata()
    # The file may be gigabytes: a note that stands far from its beginning cannot keep its place in a block.
    kept, notes = settle(replace(found, image=descriptive(found.image)), EXIF_LIMIT)
    return Metadata(
        exif=write_block(kept) if kept.image or kept.exif or kept.gps else None,
        xmp=_packet(found.image, _XMP_TAG),
        iptc=_packet(found.image, _IPTC_TAG),
        notes=notes,
    )


def _packet(image: Directory, tag: int) -> bytes | None:
    """Return a tag's bytes; some programs declare IPTC as numbers, but its bytes are never swapped."""
    return (image[tag].data.rstrip(b"\0") or None) if tag in image else None


def _from_blocks(data: bytes, read: Callable[[bytes], Blocks]) -> Metadata:
    try:
        blocks = read(data)
    except InputError:
        return Metadata()
    exif = next(iter(blocks.exif), None)
    if exif is not None:
        exif = exif.removeprefix(segments.EXIF)  # some WebP files hold the block as a JPEG does
    iptc = png.iptc(data) if png.recognises(data) else None
    return Metadata(exif, next(iter(blocks.xmp), None), iptc or _packet(parsed(exif).image, _IPTC_TAG))


def _from_jpeg(data: bytes) -> Metadata:
    try:
        parts, _ = segments.split(data)
    except InputError:
        return Metadata()

    def first(marker: int, signature: bytes) -> bytes | None:
        found = (part.body.removeprefix(signature) for part in parts if part.holds(marker, signature))
        return next(found, None)

    resources = first(segments.APP13, segments.PHOTOSHOP)
    return Metadata(
        exif=next((part.exif for part in parts if part.exif is not None), None),
        xmp=first(segments.APP1, segments.XMP),
        iptc=None if resources is None else segments.iptc_of(resources),
    )
