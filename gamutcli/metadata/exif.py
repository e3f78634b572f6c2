"""The camera's metadata: what is kept, and what has to be made true for the file that carries it on."""

from __future__ import annotations

import io
from contextlib import suppress
from dataclasses import dataclass, replace

from gamutcli.carriers import xmp
from gamutcli.errors import InputError
from gamutcli.metadata.ifd import (
    LONG,
    SHORT,
    Directories,
    Directory,
    Entry,
    data_entry,
    entry,
    read_directories,
    write_block,
)

# One JPEG segment holds 65,527 bytes of EXIF; other tools need some room in it for their own tags.
EXIF_LIMIT = 62_000

# Tags of the image itself that describe the photograph. The others describe how the pixels are stored, in which
# colours, or hold thumbnails and layers: all untrue in another file.
_DESCRIPTIVE = frozenset(
    {
        0x010E,  # ImageDescription
        0x010F,  # Make
        0x0110,  # Model
        0x0112,  # Orientation: the pixels are kept as stored, so it stays true
        0x011A,  # XResolution
        0x011B,  # YResolution
        0x0128,  # ResolutionUnit
        0x0131,  # Software
        0x0132,  # DateTime
        0x013B,  # Artist
        0x013C,  # HostComputer
        0x4746,  # Rating
        0x4749,  # RatingPercent
        0x8298,  # Copyright
        0x9C9B,  # XPTitle
        0x9C9C,  # XPComment
        0x9C9D,  # XPAuthor
        0x9C9E,  # XPKeywords
        0x9C9F,  # XPSubject
        0xC614,  # UniqueCameraModel
        0xC62F,  # CameraSerialNumber
        0xC630,  # LensInfo
    }
)
_EXIF_VERSION, _FLASHPIX_VERSION, _COLOR_SPACE, PIXEL_X, PIXEL_Y = 0x9000, 0xA000, 0xA001, 0xA002, 0xA003
# Interoperability ("this is Adobe RGB"), Gamma, padding: untrue or pointless from here on.
_EXIF_DROPPED = frozenset({0xA005, 0xA500, 0xEA1C})
_ORIENTATION = 0x0112
_MAKER_NOTE, _USER_COMMENT = 0x927C, 0x9286
_SRGB, _UNCALIBRATED = 1, 65535

_EXIF_XMP, _TIFF_XMP = "http://ns.adobe.com/exif/1.0/", "http://ns.adobe.com/tiff/1.0/"
# Statements of an XMP packet about the file it came from; readers take the facts from the new file itself.
_UNTRUE_XMP = (
    *(f"{_EXIF_XMP} {name}" for name in ("ColorSpace", "PixelXDimension", "PixelYDimension", "Gamma")),
    *(f"{_TIFF_XMP} {name}" for name in ("ImageWidth", "ImageLength", "BitsPerSample", "Compression")),
    *(f"{_TIFF_XMP} {name}" for name in ("PhotometricInterpretation", "SamplesPerPixel", "PlanarConfiguration")),
    "http://ns.adobe.com/photoshop/1.0/ ICCProfile",
    "http://ns.adobe.com/xap/1.0/ Thumbnails",
)


@dataclass(frozen=True)
class Metadata:
    r"""Metadata of a picture, as the bytes that files hold.

    Attributes:
        exif: EXIF block: a TIFF header and directories, without "Exif\0\0" before it.
        xmp: XMP packet, UTF-8.
        iptc: IPTC-IIM records.
        notes: What to tell the user about metadata that was left out.
    """

    exif: bytes | None = None
    xmp: bytes | None = None
    iptc: bytes | None = None
    notes: tuple[str, ...] = ()


def made_true(metadata: Metadata, width: int, height: int, srgb: bool) -> Metadata:
    """Adapt metadata to the file that is going to carry it.

    ColorSpace and pixel size state the facts; the thumbnail, tags about how pixels are stored, and statements about
    another colour space are gone. Orientation, camera, lens, exposure, dates, place and all unknown Exif tags stay.

    Args:
        metadata: As read from any file; damaged EXIF counts as none.
        width: Of the pixels as stored, before Orientation.
        height: Of the pixels as stored, before Orientation.
        srgb: Whether the pixels are sRGB; otherwise ColorSpace says "uncalibrated", as Exif wants it.

    Returns:
        Metadata with an EXIF block of at most 62,000 bytes; the XMP packet without statements about colour space,
        size and storage, and otherwise byte by byte; IPTC as it was.

    Source: CIPA DC-008 (Exif 2.32), section 4.6.5.
    """
    old = parsed(metadata.exif)
    color_space = _SRGB if srgb else _UNCALIBRATED
    exif = {tag: item for tag, item in old.exif.items() if tag not in _EXIF_DROPPED}
    exif.setdefault(_EXIF_VERSION, data_entry(b"0232"))
    exif.setdefault(_FLASHPIX_VERSION, data_entry(b"0100"))
    exif[_COLOR_SPACE] = entry(SHORT, color_space, order=old.order)
    exif[PIXEL_X] = entry(LONG, width, order=old.order)
    exif[PIXEL_Y] = entry(LONG, height, order=old.order)
    fitting, dropped = _fitting(Directories(old.order, descriptive(old.image), exif, old.gps))
    packet, notes = _true_packet(metadata.xmp)
    if dropped:
        notes += (f"the EXIF data exceed one segment, left out: {', '.join(dropped)}",)
    return replace(metadata, exif=write_block(fitting), xmp=packet, notes=metadata.notes + notes)


def orientation_of(metadata: Metadata) -> int:
    """How to turn the picture for display: 1 to 8 as in EXIF, 1 where nothing valid is said."""
    old = parsed(metadata.exif)
    item = old.image.get(_ORIENTATION)
    value = int.from_bytes(item.data[:2], "little" if old.order == "<" else "big") if item else 1
    return value if 1 <= value <= 8 else 1


def upright(metadata: Metadata) -> Metadata:
    """Return the metadata of a picture whose pixels have been turned as its Orientation asked for."""
    if orientation_of(metadata) == 1:
        return metadata
    old = parsed(metadata.exif)
    packet = metadata.xmp
    if packet is not None:
        with suppress(InputError):  # a packet that cannot be read is left out later, with a note
            packet = xmp.remove(packet, f"{_TIFF_XMP} Orientation")
    return replace(metadata, exif=write_block(replace(old, image=_without(old.image, _ORIENTATION))), xmp=packet)


def _true_packet(packet: bytes | None) -> tuple[bytes | None, tuple[str, ...]]:
    if packet is None:
        return None, ()
    try:
        return xmp.remove(packet, *_UNTRUE_XMP), ()
    except InputError as error:
        return None, (f"the XMP packet was left out: {error}",)


def parsed(exif: bytes | None) -> Directories:
    """Read an EXIF block; none, or one without a header, gives empty directories."""
    try:
        return read_directories(io.BytesIO(exif or b""))
    except ValueError:
        return Directories()


def descriptive(image: Directory) -> Directory:
    """Keep the tags that describe the photograph."""
    return {tag: item for tag, item in image.items() if tag in _DESCRIPTIVE and not _made_by_a_library(tag, item)}


def _made_by_a_library(tag: int, item: Entry) -> bool:
    """Tell what tifffile writes by itself: it describes an array and its writer, not the photograph."""
    return (tag, item.data[:9]) in ((0x010E, b'{"shape":'), (0x0131, b"tifffile."))


def _fitting(directories: Directories) -> tuple[Directories, list[str]]:
    """Leave out the largest values until the block fits into a segment: the maker note first."""
    dropped: list[str] = []
    while len(write_block(directories)) > EXIF_LIMIT:
        sizes = {tag: len(item.data) for tag, item in directories.exif.items()}
        sizes |= {tag: len(item.data) for tag, item in directories.image.items()}
        sizes |= {tag: len(item.data) for tag, item in directories.gps.items()}
        largest = _MAKER_NOTE if _MAKER_NOTE in sizes else max(sizes, key=lambda tag: sizes[tag])
        directories = Directories(
            directories.order,
            *(_without(part, largest) for part in (directories.image, directories.exif, directories.gps)),
        )
        dropped.append(
            {_MAKER_NOTE: "the maker note", _USER_COMMENT: "the comment"}.get(largest, f"tag 0x{largest:04X}")
        )
    return directories, dropped


def _without(directory: Directory, unwanted: int) -> Directory:
    return {tag: item for tag, item in directory.items() if tag != unwanted}
