"""Find the metadata in the files of every format that carries some."""

from __future__ import annotations

import io
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from gamutcli.arrays import StrPath
from gamutcli.containers import Blocks, Metadata, bmff, cr3, jp2, jpeg, jxl, png, segments, webp
from gamutcli.containers.blocks import whole_packet
from gamutcli.errors import InputError
from gamutcli.metadata.elsewhere import RESOURCES, Elsewhere, per_inch, with_elsewhere
from gamutcli.metadata.ifd import (
    MAKER_NOTE,
    UNDEFINED,
    Directories,
    Directory,
    Entry,
    header,
    read_directories,
    write_block,
)
from gamutcli.metadata.makernote import from_dng, settle
from gamutcli.metadata.rules import EXIF_LIMIT, GAIN_MAP, descriptive, in_their_directories, parse_exif

_XMP_TAG, _IPTC_TAG = 700, 33723


def read_metadata(source: StrPath | bytes) -> Metadata:
    """Read EXIF, XMP and IPTC of a TIFF, BigTIFF, JPEG, PNG, WebP, AVIF, HEIF, JPEG XL, JPEG 2000 or CR3 file.

    What PNG texts, Photoshop's resources and densities say is found in EXIF and XMP, where these do not say it.

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
    try:
        if jpeg.recognises(data):
            return _from_jpeg(data)
        if cr3.recognises(data):
            return _from_cr3(cr3.read(data))
        for module in (png, webp, bmff, jxl, jp2):
            if module.recognises(data):
                return _from_blocks(data, module.read(data))
    except InputError:
        pass
    return Metadata()


def _from_tiff(stream: BinaryIO) -> Metadata:
    try:
        found = read_directories(stream)
    except ValueError:
        return Metadata()
    packet, resources = _packet(found.image, _XMP_TAG), _resources(found.image)
    iptc = _packet(found.image, _IPTC_TAG) or segments.iptc_of(resources)
    in_place = from_dng(in_their_directories(found))
    # The file may be gigabytes: a note that stands far from its beginning cannot keep its place in a block.
    kept, notes = settle(replace(in_place, image=descriptive(in_place.image)), EXIF_LIMIT)
    block = write_block(kept) if kept.image or kept.exif or kept.gps else None
    block, packet, _ = with_elsewhere(block, packet, Elsewhere(resources=resources))
    return Metadata(block, packet, iptc, notes)


def _from_cr3(parts: Mapping[bytes, bytes]) -> Metadata:
    """Make one EXIF block of a CR3's, in which the maker note is a TIFF structure of its own."""
    image, note = parse_exif(parts.get(cr3.IMAGE)), parts.get(cr3.NOTE, b"")
    exif = dict(parse_exif(parts.get(cr3.EXIF)).image)
    if note[:8] == header(image.order, 8) and len(note) > 12:
        exif[MAKER_NOTE] = Entry(UNDEFINED, len(note) - 8, note[8:], 8)
    gps = parse_exif(parts.get(cr3.GPS)).image
    kept, notes = settle(Directories(image.order, descriptive(image.image), exif, gps), EXIF_LIMIT)
    block = write_block(kept) if kept.image or kept.exif or kept.gps else None
    return Metadata(block, parts.get(cr3.XMP), None, notes)


def _from_jpeg(data: bytes) -> Metadata:
    held, _ = segments.split(data)
    resources = b"".join(
        part.body.removeprefix(segments.PHOTOSHOP) for part in held if part.holds(segments.APP13, segments.PHOTOSHOP)
    )
    density = segments.density(held)
    comment = next((part.body for part in held if part.marker == segments.COM), b"").decode("utf-8", "replace")
    return _join(
        jpeg.read(data),
        Elsewhere(
            texts={"Comment": comment},
            density=None if density is None else ((density[0], 1), (density[1], 1), density[2] + 1),
            resources=resources,
        ),
    )


def _from_blocks(data: bytes, blocks: Blocks) -> Metadata:
    notes = (GAIN_MAP,) if any(map_of.recognises(data) and map_of.has_gain_map(data) for map_of in (bmff, jxl)) else ()
    if not png.recognises(data):
        return _join(blocks, Elsewhere(), notes)
    density, profile = png.density(data), png.iptc(data) or b""
    across_down = None if density is None or not density[2] else per_inch(*density[:2])
    is_resources = profile.startswith(b"8BIM")
    return _join(
        replace(blocks, iptc=None if is_resources else profile),
        Elsewhere(png.texts(data), across_down, profile if is_resources else b""),
    )


def _join(blocks: Blocks, found: Elsewhere, notes: tuple[str, ...] = ()) -> Metadata:
    """Join what the blocks of a file say with what it says elsewhere."""
    # Some WebP and HEIF files hold the block as a JPEG does.
    block = next((exif.removeprefix(segments.EXIF) for exif in blocks.exif), None)
    image = parse_exif(block).image
    if not found.resources:
        found = replace(found, resources=_resources(image))
    iptc = blocks.iptc or segments.iptc_of(found.resources) or _packet(image, _IPTC_TAG)
    packet, incomplete = whole_packet(blocks)
    block, packet, left_out = with_elsewhere(block, packet or _packet(image, _XMP_TAG), found)
    return Metadata(block, packet, iptc, notes + incomplete + left_out)


def _packet(image: Directory, tag: int) -> bytes | None:
    """Return a tag's bytes; some programs declare IPTC as numbers, but its bytes are never swapped."""
    return (image[tag].data.rstrip(b"\0") or None) if tag in image else None


def _resources(image: Directory) -> bytes:
    return image[RESOURCES].data if RESOURCES in image else b""
