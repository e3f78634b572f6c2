"""Read a JPEG: from a camera, a phone or an editor, with whatever colours its profile names."""

from __future__ import annotations

from typing import Literal

from gamutcli.containers import ifd, segments
from gamutcli.containers.segments import Segment
from gamutcli.errors import InputError
from gamutcli.images.channels import Mode, Samples, picture_of
from gamutcli.images.claims import check_jpeg
from gamutcli.images.files import damaged, decoding, jpeg_header
from gamutcli.images.picture import COARSE_COLORS, Picture, check_size
from gamutcli.images.reading import Reading, choose
from gamutcli.metadata import GAIN_MAP, Metadata, read_metadata

_ICC = b"ICC_PROFILE\0"
_GAIN_MAP = b"urn:iso:std:iso:ts:21496:-1\0"
_GAIN_MAP_XMP = (b"http://ns.adobe.com/hdr-gain-map/1.0/", b"http://ns.apple.com/HDRGainMap/1.0/")
_FILM_XMP = (b"MotionPhoto=", b"MotionPhoto>", b"MicroVideo=", b"MicroVideo>")
_ADOBE, _APP14 = b"Adobe", 0xEE
_MODES: dict[int, Mode] = {1: "grey", 3: "rgb", 4: "cmyk"}
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_MP_ENTRIES, _MP_THUMBNAILS = 0xB002, range(0x010000, 0x020000)


def read_jpeg(name: str, data: bytes, reading: Reading) -> Picture:
    """Read a JPEG as libjpeg-turbo decodes it, with smooth upsampling of colours; 8 bits, 12, or up to 16 lossless.

    Raises:
        InputError: It is damaged or cut short, absurdly large, or its profile cannot be used.
    """
    import imagecodecs

    choose(name, reading, 1)
    header = jpeg_header(name, data)
    check_size(name, header.width, header.height)
    check_jpeg(name, data)
    parts, _ = segments.split(data)
    with decoding(name, "JPEG"):
        codes = imagecodecs.jpeg8_decode(data)
    if codes.shape[:2] != (header.height, header.width):
        raise damaged(name, "JPEG")
    white = (1 << header.depth) - 1
    if header.channels not in _MODES:
        raise InputError(f"{name}: has {header.channels} components; convert it to RGB.")
    if header.channels == 4 and any(part.holds(_APP14, _ADOBE) for part in parts):
        codes = white - codes  # Adobe stores how little ink there is
    samples = Samples(codes, white, _MODES[header.channels])
    metadata = read_metadata(data)
    return picture_of(name, samples, _profile(name, parts), metadata, reading, _notes(parts, metadata))


def _profile(name: str, parts: list[Segment]) -> bytes | None:
    """Join an ICC profile, which may stand in several segments, each with its number and how many there are.

    Source: ICC.1:2022, annex B.4.
    """
    found: dict[int, bytes] = {}
    count = 0
    for part in parts:
        if part.holds(segments.APP2, _ICC):
            body = part.body[len(_ICC) :]
            found.setdefault(body[0] if body else 0, body[2:])
            count = max(count, body[1] if len(body) > 1 else 0)
    if not found:
        return None
    if sorted(found) != list(range(1, count + 1)):
        raise InputError(f"{name}: its ICC profile is not all there; export the picture again.")
    return b"".join(found[number] for number in sorted(found))


def _notes(parts: list[Segment], metadata: Metadata) -> tuple[str, ...]:
    """Tell what an 8-bit picture for screens lacks, and which of the file's further pictures were left out."""
    notes: tuple[str, ...] = (COARSE_COLORS,) if _is_subsampled(parts) else ()
    xmp = metadata.xmp or b""
    if any(part.holds(segments.APP2, _GAIN_MAP) for part in parts) or any(word in xmp for word in _GAIN_MAP_XMP):
        notes += (GAIN_MAP,)
    elif further := _further_pictures(parts):
        what = "the other picture in the file was" if further == 1 else f"{further} other pictures in the file were"
        notes += (f"{what} left out",)
    if any(word in xmp for word in _FILM_XMP):
        notes += ("the film in the file was left out",)
    return notes


def _is_subsampled(parts: list[Segment]) -> bool:
    """Tell whether one of the components has fewer samples than another.

    Source: ITU-T T.81, B.2.2.
    """
    frame = next((part.body for part in parts if part.marker in _FRAMES), b"")
    return len(set(frame[7::3])) > 1


def _further_pictures(parts: list[Segment]) -> int:
    """Count the pictures behind the first in a multi-picture file, large thumbnails of it apart.

    Source: CIPA DC-007, 5.2.3.3.
    """
    block = next((part.body[len(segments.MPF) :] for part in parts if part.holds(segments.APP2, segments.MPF)), None)
    if block is None:
        return 0
    try:
        tiff = ifd.Tiff(block)
        directory = tiff.directory()
        entry = None if directory is None else directory.get(_MP_ENTRIES)
        table = b"" if entry is None else tiff.value(entry)
    except InputError:
        return 0
    order: Literal["little", "big"] = "little" if tiff.order == "<" else "big"
    kinds = [int.from_bytes(table[at : at + 4], order) & 0xFFFFFF for at in range(16, len(table) - 15, 16)]
    return sum(kind not in _MP_THUMBNAILS for kind in kinds)
