"""PNG: XMP in text chunks, EXIF in eXIf.

The payload's packet is written uncompressed and ahead of the pixels. Other programs rewrite it: libvips makes it
another text chunk, ImageMagick a "raw profile" in hexadecimal; all of them are read.

Source: PNG specification, third edition; XMP specification part 3, 1.1.5.
"""

from __future__ import annotations

import binascii
import re
import struct
import zlib
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass

from gamutcli.containers.blocks import Blocks, Written
from gamutcli.containers.xmp import MAX_PACKET
from gamutcli.errors import InputError

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_AFTER_HEADER = len(SIGNATURE) + 25  # IHDR

_TEXTS = (b"iTXt", b"zTXt", b"tEXt")
_KEYWORD = b"XML:com.adobe.xmp"
_PROFILES = (_KEYWORD + b"\0", *(b"Raw profile type " + kind + b"\0" for kind in (b"xmp", b"exif", b"APP1")))
_RAW_PROFILE = re.compile(rb"\s*([\w ]+?)\s+([0-9]+)\s+")
_XMP_APP1 = b"http://ns.adobe.com/xap/1.0/\0"
_EXIF_APP1 = b"Exif\0\0"
# A raw profile is hexadecimal, two characters a byte, with line ends.
_MAX_TEXT = MAX_PACKET * 2 + (MAX_PACKET >> 4)
_STEP = 1 << 20  # bytes that are inflated at a time
_BLANKS = b" \t\n\v\f\r"


class _Room:
    """Bytes that the texts of a file may still inflate to; a text that is refused takes them, too."""

    def __init__(self) -> None:
        self.left = _MAX_TEXT


@dataclass(frozen=True)
class _Chunk:
    """One chunk: its type, and all its bytes with length and CRC, of which nothing is copied unasked."""

    kind: bytes
    raw: memoryview

    @property
    def body(self) -> bytes:
        return bytes(self.raw[8:-4])


def recognises(data: bytes) -> bool:
    """Tell whether this is a PNG file."""
    return data.startswith(SIGNATURE)


def read(data: bytes) -> Blocks:
    """Return the metadata of a PNG file.

    Raises:
        InputError: Not a PNG file, or cut short.
    """
    found = [block for _, block in _with_metadata(_chunks(data)[0]) if block is not None]
    return Blocks(
        exif=tuple(content for kind, content in found if kind == "exif"),
        xmp=tuple(content for kind, content in found if kind == "xmp"),
    )


def iptc(data: bytes) -> bytes | None:
    """Return the IPTC records of a PNG file, or Photoshop's resources with these in them, as ImageMagick writes them.

    Raises:
        InputError: Not a PNG file, or cut short.
    """
    room = _Room()
    for chunk in _chunks(data)[0]:
        if chunk.kind in _TEXTS and chunk.body.startswith((b"Raw profile type iptc\0", b"Raw profile type 8bim\0")):
            text = _text(chunk, room)[1]
            match = None if text is None else _RAW_PROFILE.match(text)
            if text is not None and match is not None:
                with suppress(binascii.Error):
                    return _unhexlify(text[match.end() :])
    return None


def texts(data: bytes) -> dict[str, str]:
    """Return the texts of a PNG file by their keywords, metadata in the form of text left out.

    Raises:
        InputError: Not a PNG file, or cut short.
    """
    found: dict[str, str] = {}
    room = _Room()
    for chunk in _chunks(data)[0]:
        if chunk.kind not in _TEXTS or chunk.body.startswith((_KEYWORD + b"\0", b"Raw profile type ")):
            continue
        keyword, text = _text(chunk, room)
        if text is None:
            continue
        encoding = "utf-8" if chunk.kind == b"iTXt" else "latin-1"
        found.setdefault(keyword.decode("latin-1"), text.decode(encoding, "replace"))
    return found


def density(data: bytes) -> tuple[int, int, bool] | None:
    """Return pixels per unit across and down, and whether the unit is the metre; None where the file does not say.

    Raises:
        InputError: Not a PNG file, or cut short.
    """
    for kind, start, end in walk(data):
        if kind == b"pHYs" and end - start == 9:
            across, down, unit = struct.unpack_from(">IIB", data, start)
            return across, down, unit == 1
    return None


def write(data: bytes, blocks: Blocks) -> Written:
    """Return the file with these blocks and no other XMP or EXIF; every other chunk stays as it is.

    Raises:
        InputError: Not a PNG file, or cut short.
    """
    chunks, tail = _chunks(data)
    current = _with_metadata(chunks)
    ours = [pack_chunk(b"eXIf", block) for block in blocks.exif]
    ours += [pack_chunk(b"iTXt", _KEYWORD + b"\0\0\0\0\0" + packet) for packet in blocks.xmp]
    if blocks.iptc is not None:
        ours.append(
            pack_chunk(b"zTXt", b"Raw profile type iptc\0\0" + zlib.compress(_raw_profile(b"iptc", blocks.iptc)))
        )
        current = [(chunk, found) for chunk, found in current if not _is_iptc(chunk)]
    kept = [chunk for chunk, found in current if found is None]
    pixels = next((index for index, chunk in enumerate(kept) if chunk.kind == b"IDAT"), None)
    if pixels is None:
        raise InputError("the PNG file holds no pixels")
    before = [chunk.raw for chunk in kept[:pixels]]
    after = [chunk.raw for chunk in kept[pixels:]]
    return Written(b"".join([SIGNATURE, *before, *ours, *after, tail]))


def walk(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Yield type, start and end of the content of every chunk, the last one included.

    Raises:
        InputError: Not a PNG file, or cut short; what was whole has been yielded by then.
    """
    if not data.startswith(SIGNATURE):
        raise InputError("not a PNG file")
    position = len(SIGNATURE)
    while position + 12 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, position)
        start, end = position + 8, position + 8 + length
        if end + 4 > len(data):
            break
        yield kind, start, end
        if kind == b"IEND":
            return
        position = end + 4
    raise InputError("the PNG file is cut short")


def pack_chunk(kind: bytes, body: bytes) -> bytes:
    """Return a chunk with length and CRC."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def with_chunks(data: bytes | bytearray, chunks: Iterable[bytes]) -> bytes:
    """Return the file with chunks directly after the header, where every kind of chunk may stand."""
    return b"".join([data[:_AFTER_HEADER], *chunks, data[_AFTER_HEADER:]])


def _chunks(data: bytes) -> tuple[list[_Chunk], bytes]:
    """Split a file into its chunks and what follows the last one."""
    places, whole = list(walk(data)), memoryview(data)
    return [_Chunk(kind, whole[start - 8 : end + 4]) for kind, start, end in places], data[places[-1][2] + 4 :]


def _with_metadata(chunks: list[_Chunk]) -> list[tuple[_Chunk, tuple[str, bytes] | None]]:
    """Return every chunk with the metadata block in it, all blocks together no larger than `_MAX_TEXT`."""
    room = _Room()
    return [(chunk, _metadata_in(chunk, room)) for chunk in chunks]


def _metadata_in(chunk: _Chunk, room: _Room) -> tuple[str, bytes] | None:
    """Return ("xmp" or "exif", block) when the chunk holds one that there is room for."""
    if chunk.kind == b"eXIf":
        return "exif", chunk.body.removeprefix(_EXIF_APP1)
    if chunk.kind not in _TEXTS or not chunk.body.startswith(_PROFILES):
        return None
    keyword, text = _text(chunk, room)
    if text is None:
        return None
    return ("xmp", text) if keyword == _KEYWORD else _from_raw_profile(text)


def _text(chunk: _Chunk, room: _Room) -> tuple[bytes, bytes | None]:
    """Return keyword and text of a text chunk; the text is None in every other chunk."""
    if chunk.kind not in _TEXTS:
        return b"", None
    keyword, _, rest = chunk.body.partition(b"\0")
    if chunk.kind == b"tEXt":
        return keyword, rest
    if chunk.kind == b"zTXt":
        return keyword, _inflate(rest[1:], room) if rest[:1] == b"\0" else None
    # iTXt: compression flag, method, language, NUL, translated keyword, NUL, text
    fields = rest[2:].split(b"\0", 2)
    if len(fields) < 3:
        return keyword, None
    return keyword, _inflate(fields[2], room) if rest[0] else fields[2]


def _inflate(compressed: bytes, room: _Room) -> bytes | None:
    """Return the text, or None when it is damaged or there is no room for it."""
    text = bytearray()
    stream = zlib.decompressobj()
    try:
        # In steps, so that the room is taken, too, by what inflates to much before it turns out to be damaged.
        while room.left > 0 and not stream.eof and (compressed or stream.unconsumed_tail):
            part = stream.decompress(stream.unconsumed_tail or compressed, min(room.left, _STEP))
            compressed = b""
            room.left -= len(part)
            text += part
    except zlib.error:
        room.left -= _STEP
    return bytes(text) if stream.eof else None


def _from_raw_profile(text: bytes) -> tuple[str, bytes] | None:
    """Read ImageMagick's form: a name, a length, then hexadecimal digits."""
    match = _RAW_PROFILE.match(text)
    if match is None:
        return None
    try:
        profile = _unhexlify(text[match.end() :])
    except binascii.Error:
        return None
    if profile.startswith(_EXIF_APP1):
        return "exif", profile.removeprefix(_EXIF_APP1)
    if profile[:4] in (b"II*\0", b"MM\0*"):
        return "exif", profile
    packet = profile.removeprefix(_XMP_APP1)
    return ("xmp", packet) if packet.lstrip()[:1] in (b"<", b"\xef") else None


def _unhexlify(digits: bytes) -> bytes:
    return binascii.unhexlify(digits.translate(None, _BLANKS))


def _raw_profile(name: bytes, profile: bytes) -> bytes:
    digits = binascii.hexlify(profile)
    lines = b"\n".join(_slices(digits, 72))
    return b"\n%s\n%8d\n%s\n" % (name, len(profile), lines)


def _slices(text: bytes, width: int) -> Iterator[bytes]:
    for start in range(0, len(text), width):
        yield text[start : start + width]


def _is_iptc(chunk: _Chunk) -> bool:
    return chunk.kind in _TEXTS and chunk.body.startswith(b"Raw profile type iptc\0")
