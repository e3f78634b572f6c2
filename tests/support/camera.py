"""Picture files, and the metadata that cameras and editors put into them."""

from __future__ import annotations

import io
import random
import struct
import zlib

import piexif
from PIL import Image

from gamutcli.containers import Metadata, xmp
from gamutcli.metadata.ifd import ASCII, Entry
from gamutcli.payload import in_xmp

NOTHING = Metadata()

CAMERA_PACKET = (
    b'<?xpacket begin="\xef\xbb\xbf" id="W5M0MpCehiHzreSzNTczkc9d"?>\n'
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/" x:xmptk="An Editor 7">\n'
    b' <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">\n'
    b'  <rdf:Description rdf:about="uuid:1" xmlns:dc="http://purl.org/dc/elements/1.1/"\n'
    b"    xmlns:xmp='http://ns.adobe.com/xap/1.0/' xmp:Rating='4'>\n"
    b"   <!-- a comment --><dc:title><rdf:Alt><rdf:li xml:lang='x-default'>Fj\xc3\xa4ll &amp; sj\xc3\xb6</rdf:li>"
    b"</rdf:Alt></dc:title>\n"
    b"  </rdf:Description>\n"
    b" </rdf:RDF>\n"
    b"</x:xmpmeta>\n" + b" " * 2000 + b'\n<?xpacket end="w"?>'
)


def with_payload(packet: bytes | None, text: str) -> bytes:
    """A packet with a text where the payload goes, and whatever else it says; None: and nothing else."""
    opened = None if packet is None else xmp.parse(packet)
    return bytes(in_xmp.insert(opened, text.encode()))


def payloads_in(packet: bytes) -> list[str]:
    """The texts that stand where the payload goes."""
    return xmp.parse(packet, in_xmp.PAYLOAD).values(in_xmp.PAYLOAD)


def without_payload(packet: bytes) -> bytes | None:
    rest = in_xmp.remove(in_xmp.open_packet(packet))
    return None if rest is None else bytes(rest)


def compacted(packet: bytes) -> bytes:
    return bytes(xmp.parse(packet).compacted())


def noise(size: int) -> bytes:
    """Bytes that compress as badly as a payload; the same for the same size."""
    return random.Random(size).randbytes(size)


def picture(image_format: str = "JPEG", **settings: object) -> bytes:
    image = Image.linear_gradient("L").resize((24, 16)).convert("RGB")
    stream = io.BytesIO()
    image.save(stream, image_format, **settings)
    return stream.getvalue()


def pixels(data: bytes) -> bytes:
    with Image.open(io.BytesIO(data)) as image:
        return image.convert("RGB").tobytes()


def camera_exif(*, thumbnail: int = 0, maker_note: int = 100, comment: bytes | None = None) -> bytes:
    """An EXIF block as a camera writes it; sizes in bytes."""
    small = io.BytesIO()
    Image.new("RGB", (160, 120)).save(small, "JPEG")
    exif: dict[int, object] = {
        piexif.ExifIFD.ExifVersion: b"0232",
        piexif.ExifIFD.MakerNote: b"Maker" + noise(maker_note),
        piexif.ExifIFD.LensModel: b"50mm",
    }
    if comment is not None:
        exif[piexif.ExifIFD.UserComment] = comment
    tags: dict[str, object] = {
        "0th": {piexif.ImageIFD.Make: b"Cam", piexif.ImageIFD.Orientation: 6},
        "Exif": exif,
        "GPS": {piexif.GPSIFD.GPSLatitudeRef: b"N"},
    }
    if thumbnail:
        tags |= {"1st": {piexif.ImageIFD.Compression: 6}, "thumbnail": small.getvalue().ljust(thumbnail, b"\0")}
    block: bytes = piexif.dump(tags)
    return block.removeprefix(b"Exif\0\0")


def text_entry(text: str) -> Entry:
    """An ASCII entry, with its closing zero."""
    data = text.encode("ascii") + b"\0"
    return Entry(ASCII, len(data), data)


def exif_of(data: bytes) -> dict[str, object]:
    """What another reader finds in a JPEG's EXIF."""
    tags: dict[str, object] = piexif.load(data)
    return tags


def segments_of(data: bytes) -> list[tuple[int, bytes]]:
    """Marker and body of every segment before the pixels, by the simplest possible walk."""
    found = []
    position = 2
    while data[position + 1] != 0xDA:
        (length,) = struct.unpack_from(">H", data, position + 2)
        found.append((data[position + 1], data[position + 4 : position + 2 + length]))
        position += 2 + length
    return found


def with_segments(data: bytes, *segments: tuple[int, bytes]) -> bytes:
    """The JPEG with segments put behind its JFIF one."""
    start = 4 + int.from_bytes(data[4:6], "big") if data[3] == 0xE0 else 2
    made = b"".join(struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body for marker, body in segments)
    return data[:start] + made + data[start:]


def chunks_of(data: bytes) -> list[tuple[bytes, bytes]]:
    """Type and content of every PNG chunk."""
    found = []
    position = 8
    while position < len(data):
        length, kind = struct.unpack_from(">I4s", data, position)
        found.append((kind, data[position + 8 : position + 8 + length]))
        position += 12 + length
    return found


def with_chunks(data: bytes, *chunks: tuple[bytes, bytes], last: bool = False) -> bytes:
    """The PNG with chunks put behind its header, or before its end."""
    start = len(data) - 12 if last else 33
    made = b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in chunks
    )
    return data[:start] + made + data[start:]
