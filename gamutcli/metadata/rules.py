"""The camera's metadata: what is kept, and what has to be made true for the file that carries it on."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace

from gamutcli.containers import Metadata, segments, tiff, xmp
from gamutcli.containers.exif import make_block
from gamutcli.errors import InputError
from gamutcli.metadata import makernote
from gamutcli.metadata.elsewhere import RESOURCES
from gamutcli.metadata.ifd import (
    LONG,
    MAKER_NOTE,
    SHORT,
    Directories,
    Directory,
    Entry,
    data_entry,
    entry,
    lay_out,
    read_directories,
    write_block,
)

GAIN_MAP = "its gain map, which brightens it on HDR screens, was left out: the picture for other screens was read"

# One JPEG segment holds 65,527 bytes of EXIF; other tools need some room in it for their own tags.
EXIF_LIMIT = 62_000

# Of GeoTIFF: where on earth the pixels lie (scale, transformation, tie points, keys and their parameters).
_GEOREFERENCE = frozenset({33550, 33922, 34264, 34735, 34736, 34737})
# Tags of the image itself that describe the photograph. The others describe how the pixels are stored, in which
# colours, or hold thumbnails and layers: all untrue in another file.
_DESCRIPTIVE = tiff.DESCRIPTIVE | {
    0x4746,  # Rating
    0x4749,  # RatingPercent
    0x8298,  # Copyright
    0x9C9B,  # XPTitle
    0x9C9C,  # XPComment
    0x9C9D,  # XPAuthor
    0x9C9E,  # XPKeywords
    0x9C9F,  # XPSubject
    0x8649,  # Photoshop's resources, as far as they are about the photograph
    0x8546,  # what an electron microscope notes
    0xC614,  # UniqueCameraModel
    0xC615,  # LocalizedCameraModel
    0xC62F,  # CameraSerialNumber
    0xC630,  # LensInfo
    0xC68B,  # OriginalRawFileName
    0xC6D2,  # PanasonicTitle
    0xC6D3,  # PanasonicTitle2
    0xC763,  # TimeCodes
    0xC764,  # FrameRate
    0xC772,  # TStop
    0xC789,  # ReelName
    0xC7A1,  # CameraLabel
    *_GEOREFERENCE,
}
# Tags of the Exif directory that stand in the image's own in a TIFF/EP or DNG, where readers look for them all the
# same. Exposure, time, lens and what else a camera notes; not the versions, and nothing about pixels.
_OF_EXIF = frozenset(
    {
        *(0x828F, 0x829A, 0x829D, 0x8822, 0x8824, 0x8827, 0x882A, 0x882B, 0x9003, 0x9004, 0x9010, 0x9011, 0x9012),
        *range(0x8830, 0x8836),  # sensitivity
        *range(0x9201, 0x9216),  # shutter speed, aperture, light, flash, focal length, TIFF/EP's own
        *(0x9217, 0x927C, 0x9286, 0x9290, 0x9291, 0x9292),
        *range(0x9400, 0x9406),  # weather, depth, acceleration
        *(0xA20B, 0xA20E, 0xA20F, 0xA210, 0xA214, 0xA215, 0xA217, 0xA300, 0xA301),
        *range(0xA401, 0xA40D),  # scene
        *(0xA420, 0xA460, 0xA461, 0xA462),
        *range(0xA430, 0xA43D),  # owner, serial numbers, lens, title, editors
    }
)
_MOST_NAMED = 8  # tags in a note
_VERSIONS = {0x9000: b"0232", 0xA000: b"0100"}  # of Exif and of FlashPix
_COLOR_SPACE, PIXEL_X, PIXEL_Y = 0xA001, 0xA002, 0xA003
# Interoperability ("this is Adobe RGB"), Gamma, padding: untrue or pointless from here on.
_EXIF_DROPPED = frozenset({0xA005, 0xA500, 0xEA1C})
_ORIENTATION = 0x0112
_USER_COMMENT = 0x9286
_SRGB, _UNCALIBRATED = 1, 65535

_EXIF_XMP, _TIFF_XMP = "http://ns.adobe.com/exif/1.0/", "http://ns.adobe.com/tiff/1.0/"
# Statements of an XMP packet about the file it came from; readers take the facts from the new file itself.
_UNTRUE_XMP = frozenset(
    (
        *(f"{_EXIF_XMP} {name}" for name in ("ColorSpace", "PixelXDimension", "PixelYDimension", "Gamma")),
        *(f"{_TIFF_XMP} {name}" for name in ("ImageWidth", "ImageLength", "BitsPerSample", "Compression")),
        *(f"{_TIFF_XMP} {name}" for name in ("PhotometricInterpretation", "SamplesPerPixel", "PlanarConfiguration")),
        "http://ns.adobe.com/photoshop/1.0/ ICCProfile",
        "http://ns.adobe.com/xap/1.0/ Thumbnails",
        "http://ns.google.com/photos/1.0/container/ Directory",
        xmp.EXTENDED,  # which stands in the packet by now
    )
)
# Gain maps, and pictures within the packet.
_UNTRUE_NAMESPACES = ("http://ns.adobe.com/hdr-gain-map/1.0/", "http://ns.apple.com/HDRGainMap/1.0/")
_PICTURES_IN_XMP = "http://ns.google.com/photos/1.0/"
_FILM_IN_XMP = ("MotionPhoto", "MicroVideo")


_IPTC_CORE, _IPTC_EXTENSION = (
    "http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/",
    "http://iptc.org/std/Iptc4xmpExt/2008-02-29/",
)
_PHOTOSHOP = "http://ns.adobe.com/photoshop/1.0/"
_PLACES_IN_XMP = frozenset(
    {
        *(f"{_PHOTOSHOP} {name}" for name in ("City", "State", "Country")),
        *(f"{_IPTC_CORE} {name}" for name in ("Location", "CountryCode")),
        *(f"{_IPTC_EXTENSION} {name}" for name in ("LocationCreated", "LocationShown")),
    }
)
# Content location, city, sublocation, state, country.
_PLACES_IN_IPTC = frozenset((2, number) for number in (26, 27, 90, 92, 95, 100, 101))


def make_true(metadata: Metadata, width: int, height: int, srgb: bool) -> Metadata:
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
    old = in_their_directories(parse_exif(metadata.exif))
    packet, notes = _packet_without(metadata.xmp, _is_untrue)
    facts = {_COLOR_SPACE: _SRGB if srgb else _UNCALIBRATED, PIXEL_X: width, PIXEL_Y: height}
    if not (old.image or old.exif or old.gps):
        block = make_block({}, {**_VERSIONS, **facts})
        return replace(metadata, exif=block, xmp=packet, notes=metadata.notes + notes)
    exif = {tag: data_entry(version) for tag, version in _VERSIONS.items()}
    exif |= {tag: item for tag, item in old.exif.items() if tag not in _EXIF_DROPPED}
    exif |= {tag: entry(SHORT if tag == _COLOR_SPACE else LONG, fact, order=old.order) for tag, fact in facts.items()}
    settled, said = makernote.settle(Directories(old.order, descriptive(old.image), exif, old.gps), EXIF_LIMIT)
    fitting, dropped = _shrink(settled)
    if dropped:
        said += (f"the EXIF data exceed one segment, left out: {', '.join(dropped)}",)
    return replace(metadata, exif=write_block(fitting), xmp=packet, notes=metadata.notes + notes + said)


def _is_untrue(name: str) -> bool:
    namespace, _, local = name.rpartition(" ")
    of_others = local == "Data" or local.startswith(_FILM_IN_XMP)
    return (
        name in _UNTRUE_XMP or namespace in _UNTRUE_NAMESPACES or (namespace.startswith(_PICTURES_IN_XMP) and of_others)
    )


def orientation_of(metadata: Metadata) -> int:
    """How to turn the picture for display: 1 to 8 as in EXIF, 1 where nothing valid is said."""
    old = parse_exif(metadata.exif)
    item = old.image.get(_ORIENTATION)
    value = int.from_bytes(item.data[:2], "little" if old.order == "<" else "big") if item else 1
    return value if 1 <= value <= 8 else 1


def without_private(metadata: Metadata, no_metadata: bool, strip_gps: bool) -> Metadata:
    """Leave out what the photographer does not want to give away.

    Args:
        metadata: Of the photograph.
        no_metadata: Leave out all but Orientation, without which the picture would lie on its side.
        strip_gps: Leave out where it was taken.
    """
    if no_metadata:
        said = tuple(note for note in metadata.notes if note == GAIN_MAP)  # which is no metadata
        return Metadata(exif=make_block({_ORIENTATION: orientation_of(metadata)}, {}), notes=said)
    return without_place(metadata) if strip_gps else metadata


def without_place(metadata: Metadata) -> Metadata:
    """Leave out where the photograph was taken: the GPS directory, and what XMP and IPTC say of places.

    The maker note and comments stay as they are: what a camera hides in them is not known here.
    """
    old = parse_exif(metadata.exif)
    image = {tag: item for tag, item in old.image.items() if tag not in _GEOREFERENCE}
    is_placeless = not old.gps and len(image) == len(old.image)
    exif = metadata.exif if is_placeless else write_block(replace(old, image=image, gps={}))
    packet, notes = _packet_without(metadata.xmp, _is_of_a_place)
    iptc = _iptc_without_place(metadata.iptc)
    return replace(metadata, exif=exif, xmp=packet, iptc=iptc, notes=metadata.notes + notes)


def _is_of_a_place(name: str) -> bool:
    namespace, _, local = name.rpartition(" ")
    return (namespace == _EXIF_XMP and local.startswith("GPS")) or name in _PLACES_IN_XMP


def _iptc_without_place(iptc: bytes | None) -> bytes | None:
    """Leave out the data sets of IPTC-IIM that name a place; damaged records go as a whole.

    Source: IPTC-IIM 4.2, 2.27 and 2.90 to 2.101; 1.5 of its part on the length of data sets.
    """
    kept, at = bytearray(), 0
    while iptc is not None and at < len(iptc):
        length = int.from_bytes(iptc[at + 3 : at + 5], "big")
        end = at + 5 + length
        if iptc[at] != 0x1C:
            return (bytes(kept) or None) if not iptc[at:].strip(b"\0") else None
        if length & 0x8000 or end > len(iptc):
            return None
        if (iptc[at + 1], iptc[at + 2]) not in _PLACES_IN_IPTC:
            kept += iptc[at:end]
        at = end
    return bytes(kept) or None


def upright_metadata(metadata: Metadata) -> Metadata:
    """Return the metadata of a picture whose pixels have been turned as its Orientation asked for."""
    if orientation_of(metadata) == 1:
        return metadata
    old = parse_exif(metadata.exif)
    packet, notes = _packet_without(metadata.xmp, f"{_TIFF_XMP} Orientation".__eq__)
    return replace(
        metadata,
        exif=write_block(replace(old, image=_without(old.image, _ORIENTATION))),
        xmp=packet,
        notes=metadata.notes + notes,
    )


def turn_metadata(metadata: Metadata, orientation: int) -> Metadata:
    """Return the metadata of a picture that is to be turned so for display: 1 to 8 as in EXIF."""
    if orientation_of(metadata) == orientation:
        return metadata
    plain = upright_metadata(metadata)
    if orientation == 1:
        return plain
    old = parse_exif(plain.exif)
    tags = {**old.image, _ORIENTATION: entry(SHORT, orientation, order=old.order)}
    return replace(plain, exif=write_block(replace(old, image=tags)))


def _packet_without(packet: bytes | None, is_unwanted: Callable[[str], bool]) -> tuple[bytes | None, tuple[str, ...]]:
    """Return a packet without the properties whose names are unwanted, None when it says nothing else, and notes."""
    if packet is None:
        return None, ()
    try:
        opened = xmp.parse(packet)
    except InputError as error:
        return None, (f"the XMP packet was left out: {error}",)
    rest = opened.without(*filter(is_unwanted, opened.names()))
    return None if rest.is_silent else bytes(rest), ()


def parse_exif(exif: bytes | None) -> Directories:
    """Read an EXIF block; none, or one without a header, gives empty directories."""
    try:
        return read_directories(io.BytesIO(exif or b""))
    except ValueError:
        return Directories()


def in_their_directories(directories: Directories) -> Directories:
    """Move what cameras note into the Exif directory, where a TIFF/EP or DNG has it among the image's own tags."""
    moved = {tag: item for tag, item in directories.image.items() if tag in _OF_EXIF}
    image = {tag: item for tag, item in directories.image.items() if tag not in _OF_EXIF}
    return replace(directories, image=image, exif={**moved, **directories.exif})


def descriptive(image: Directory) -> Directory:
    """Keep the tags that describe the photograph."""
    kept = {tag: item for tag, item in image.items() if tag in _DESCRIPTIVE and not _made_by_a_library(tag, item)}
    if RESOURCES in kept:
        ours = segments.of_the_photograph(kept.pop(RESOURCES).data)
        kept |= {RESOURCES: data_entry(ours)} if ours else {}
    return kept


def _made_by_a_library(tag: int, item: Entry) -> bool:
    """Tell what tifffile writes by itself: it describes an array and its writer, not the photograph."""
    return (tag, item.data[:9]) in ((0x010E, b'{"shape":'), (0x0131, b"tifffile."))


def _shrink(directories: Directories) -> tuple[Directories, list[str]]:
    """Leave out the largest values until the block fits into a segment, which a maker note has had to by now."""
    dropped: list[int] = []
    while (excess := lay_out(directories, 8).end - EXIF_LIMIT) > 0:
        sizes = {tag: len(item.data) for tag, item in directories.exif.items()}
        sizes |= {tag: len(item.data) for tag, item in directories.image.items()}
        sizes |= {tag: len(item.data) for tag, item in directories.gps.items()}
        gone: set[int] = set()
        for tag in sorted(sizes, key=lambda tag: (tag != MAKER_NOTE, -sizes[tag])):
            if excess <= 0:
                break
            gone.add(tag)
            dropped.append(tag)
            excess -= 12 + (sizes[tag] + sizes[tag] % 2 if sizes[tag] > 4 else 0)
        parts = (directories.image, directories.exif, directories.gps)
        directories = Directories(
            directories.order,
            *({tag: item for tag, item in part.items() if tag not in gone} for part in parts),
        )
    return directories, _named(dropped)


def _named(tags: list[int]) -> list[str]:
    names = {MAKER_NOTE: "the maker note", _USER_COMMENT: "the comment"}
    named = [names.get(tag, f"tag 0x{tag:04X}") for tag in tags[:_MOST_NAMED]]
    return named + ([f"{len(tags) - _MOST_NAMED:,} more"] if len(tags) > _MOST_NAMED else [])


def _without(directory: Directory, unwanted: int) -> Directory:
    return {tag: item for tag, item in directory.items() if tag != unwanted}
