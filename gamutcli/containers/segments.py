"""JPEG segments: take a file apart and put it together again without touching what is not ours.

The parts of a file that come after the first scan begins are one tail, never looked into. A multi-picture file (MPF)
counts offsets from a header in one of the segments to pictures in that tail, so those numbers follow when segments
before or behind that header grow.

Source: ITU-T T.81, annex B; XMP specification part 3, 1.1.3; CIPA DC-007 (MPF), 5.2.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass, replace

from gamutcli.containers import ifd
from gamutcli.errors import InputError

MAX_BODY = 65_533

MAX_SEGMENTS = 4096
"""Most segments before the pixels: a profile or an XMP extension takes 255, and this many hold 268 MB."""

_CUT = "the JPEG file is cut short or damaged before its pixels begin; copy or export it again."

EXIF = b"Exif\0\0"
XMP = b"http://ns.adobe.com/xap/1.0/\0"
EXTENSION = b"http://ns.adobe.com/xmp/extension/\0"
PHOTOSHOP = b"Photoshop 3.0\0"
MPF = b"MPF\0"

APP0, APP1, APP2, APP11, APP13, COM = 0xE0, 0xE1, 0xE2, 0xEB, 0xED, 0xFE

_SOI, _EOI, _SOS = 0xD8, 0xD9, 0xDA
_MP_ENTRIES = 0xB002
#: Photoshop's numbers for IPTC records, and for a digest of them.
IPTC_RESOURCE, _IPTC_DIGEST = 0x0404, 0x0425
_COPYRIGHT_FLAG, _URL, _URLS = 0x040A, 0x040B, 0x041E


@dataclass(frozen=True)
class Segment:
    """One marker segment: all its bytes, of which the first `lead` are fill, marker and length."""

    marker: int
    raw: bytes
    lead: int

    @property
    def body(self) -> bytes:
        """The bytes after the length."""
        return self.raw[self.lead :]

    def holds(self, marker: int, signature: bytes) -> bool:
        """Tell whether this is an application segment with that signature."""
        return self.marker == marker and self.raw.startswith(signature, self.lead)

    @property
    def exif(self) -> bytes | None:
        """The TIFF block in an EXIF segment; None of any other."""
        if self.holds(APP1, EXIF):
            return self.body[len(EXIF) :]
        # ImageMagick and GraphicsMagick forget the signature when the picture was a WebP.
        bare = self.holds(APP1, b"II*\0") or self.holds(APP1, b"MM\0*")
        return self.body if bare else None


def make(marker: int, body: bytes) -> Segment:
    """Return a segment with this body.

    Raises:
        InputError: The body is longer than 65,533 bytes.
    """
    if len(body) > MAX_BODY:
        raise InputError(f"a metadata block of {len(body):,} bytes does not fit a JPEG segment")
    return Segment(marker, struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body, 4)


def split(data: bytes) -> tuple[list[Segment], bytes]:
    """Take a file apart.

    Returns:
        The segments between the start of the image and its first scan, and everything from that scan on.

    Raises:
        InputError: Not a JPEG file, cut short before the first scan, or of more segments than `MAX_SEGMENTS`.
    """
    if not data.startswith(b"\xff\xd8"):
        raise InputError("not a JPEG file; export it again.")
    segments: list[Segment] = []
    position = 2
    while True:
        start = position
        while data[position : position + 1] == b"\xff" and data[position + 1 : position + 2] == b"\xff":
            position += 1
        if position + 4 > len(data) or data[position] != 0xFF:
            raise InputError(_CUT)
        marker = data[position + 1]
        if marker == _SOS:
            return segments, data[start:]
        length = int.from_bytes(data[position + 2 : position + 4], "big")
        end = position + 2 + length
        if marker in (0x00, _SOI, _EOI) or length < 2 or end > len(data):
            raise InputError(_CUT)
        if len(segments) == MAX_SEGMENTS:
            raise InputError(f"the JPEG file holds more than {MAX_SEGMENTS:,} segments; export it again.")
        segments.append(Segment(marker, data[start:end], position + 4 - start))
        position = end


def join(segments: Iterable[Segment], tail: bytes) -> bytes:
    """Put a file together again."""
    return b"".join([b"\xff\xd8", *(segment.raw for segment in segments), tail])


def replace_own(data: bytes, own: list[Segment], replaced: list[Segment]) -> bytes:
    """Return the file with segments put behind its leading APP0 ones, in place of those in `replaced`.

    Args:
        data: A JPEG file.
        own: The segments to put in.
        replaced: Segments of this file, as `split` returned them, to leave out.
    """
    segments, tail = split(data)
    gone = set(replaced)
    kept = [segment for segment in segments if segment not in gone]
    start = next((index for index, segment in enumerate(kept) if segment.marker != APP0), len(kept))
    new = [*kept[:start], *own, *kept[start:]]
    return join(_moved_pictures(segments, new), tail)


def _moved_pictures(old: list[Segment], new: list[Segment]) -> list[Segment]:
    """Return the new segments with the offsets of a multi-picture file set right."""
    index = next((i for i, segment in enumerate(new) if segment.holds(APP2, MPF)), None)
    if index is None or new[index] not in old:
        return new
    segment = new[index]
    grown = _length(new) - _length(old)
    header_moved = _length(new[:index]) - _length(old[: old.index(segment)])
    raw = bytearray(segment.raw)
    for position, name in _picture_fields(segment):
        order = ifd.Tiff(segment.body[len(MPF) :]).order
        number = struct.unpack_from(order + "I", raw, position)[0]
        number += grown if name == "size" else grown - header_moved
        struct.pack_into(order + "I", raw, position, number & 0xFFFFFFFF)
    return [*new[:index], replace(segment, raw=bytes(raw)), *new[index + 1 :]]


def _picture_fields(segment: Segment) -> list[tuple[int, str]]:
    """Return where, in the segment, stand the first picture's size and the other pictures' offsets."""
    try:
        tiff = ifd.Tiff(segment.body[len(MPF) :])
        directory = tiff.directory()
        entry = None if directory is None else directory.get(_MP_ENTRIES)
        table = b"" if entry is None else tiff.value(entry)
    except InputError:
        return []
    if entry is None or len(table) <= 4:
        return []
    start = segment.lead + len(MPF) + tiff.extent(entry)[0]
    fields = []
    for position in range(0, len(table) - 15, 16):
        offset = struct.unpack_from(tiff.order + "I", table, position + 8)[0]
        # A picture at offset 0 is this one: its size is all bytes up to its end; others are found by offset.
        fields.append((start + position + 4, "size") if offset == 0 else (start + position + 8, "offset"))
    return fields


def _length(segments: Iterable[Segment]) -> int:
    return sum(len(segment.raw) for segment in segments)


def extension_segments(guid: str, extension: bytes, chunk: int) -> list[Segment]:
    """Cut an XMP extension, a multiple of `chunk` bytes long, into segments."""
    starts = range(0, len(extension), chunk)
    heads = (EXTENSION + guid.encode() + struct.pack(">II", len(extension), start) for start in starts)
    return [make(APP1, head + extension[start : start + chunk]) for head, start in zip(heads, starts, strict=True)]


def joined_extensions(chunks: Iterable[Segment]) -> list[bytes]:
    """Join the segments of XMP extensions, in whatever order they stand; those that miss chunks are left out."""
    found: dict[bytes, dict[int, bytes]] = {}
    for segment in chunks:
        body = segment.body[len(EXTENSION) :]
        if len(body) > 40:  # GUID, whole length, offset
            found.setdefault(body[:36], {})[int.from_bytes(body[36:40], "big")] = body[40:]
    joined = []
    for head, pieces in found.items():
        whole = b"".join(pieces[offset] for offset in sorted(pieces))
        ends = {offset + len(piece) for offset, piece in pieces.items()}
        if len(whole) == int.from_bytes(head[32:], "big") and set(pieces) - ends == {0}:
            joined.append(whole)
    return joined


def with_iptc(irb: bytes, iptc: bytes) -> list[Segment]:
    """Return the segments of Photoshop's image resources with the IPTC records set.

    Args:
        irb: The resources that the file holds already, all segments joined; may be empty.
        iptc: IPTC-IIM records.
    """
    kept = [raw for number, raw in resources(irb) if number not in (IPTC_RESOURCE, _IPTC_DIGEST)]
    resource = b"8BIM\x04\x04\0\0" + struct.pack(">I", len(iptc)) + iptc + b"\0" * (len(iptc) & 1)
    whole = b"".join([resource, *kept])
    room = MAX_BODY - len(PHOTOSHOP)
    return [make(APP13, PHOTOSHOP + whole[start : start + room]) for start in range(0, len(whole), room)]


def resources(irb: bytes) -> list[tuple[int, bytes]]:
    """Return number and bytes of every image resource; what cannot be read follows as number -1.

    Source: Adobe Photoshop file format specification, "Image resource blocks".
    """
    found = []
    position = 0
    while irb[position : position + 4] == b"8BIM" and position + 12 <= len(irb):
        number, name_length = struct.unpack_from(">HB", irb, position + 4)
        size_at = position + 6 + (name_length + 2) // 2 * 2
        if size_at + 4 > len(irb):
            break
        size = struct.unpack_from(">I", irb, size_at)[0]
        end = size_at + 4 + size + (size & 1)
        if end > len(irb) + 1:
            break
        found.append((number, irb[position:end]))
        position = end
    if irb[position:]:
        found.append((-1, irb[position:]))
    return found


def iptc_of(irb: bytes) -> bytes | None:
    """Return the IPTC records among Photoshop's image resources, None where there are none."""
    for number, raw in resources(irb):
        if number == IPTC_RESOURCE:
            return _content(raw) or None
    return None


def of_the_photograph(irb: bytes) -> bytes:
    """Return the resources that tell of the photograph: its copyright flag, URL and list of URLs.

    The others tell of Photoshop's windows, channels, layers and thumbnail; IPTC records go by themselves.
    """
    return b"".join(raw for number, raw in resources(irb) if number in (_COPYRIGHT_FLAG, _URL, _URLS))


def rights_of(irb: bytes) -> tuple[bool, str]:
    """Return whether the resources call the photograph protected by copyright, and its URL, "" for none."""
    found = {number: _content(raw) for number, raw in resources(irb)[::-1] if number in (_COPYRIGHT_FLAG, _URL)}
    return any(found.get(_COPYRIGHT_FLAG, b"")), found.get(_URL, b"").rstrip(b"\0").decode("utf-8", "replace")


def _content(raw: bytes) -> bytes:
    """Return what an image resource holds, without signature, number, name and size."""
    start = 10 + (raw[6] + 2) // 2 * 2
    return raw[start : start + int.from_bytes(raw[start - 4 : start], "big")]


def density(held: Iterable[Segment]) -> tuple[int, int, int] | None:
    """Return pixels per unit across and down, and the unit, 1 for the inch and 2 for the centimetre, as JFIF has them.

    Source: ITU-T T.871, 10.1.
    """
    for segment in held:
        if segment.holds(APP0, b"JFIF\0") and len(segment.body) >= 12 and segment.body[7] in (1, 2):
            unit, across, down = struct.unpack_from(">BHH", segment.body, 7)
            return across, down, unit
    return None
