"""WebP: XMP and EXIF as chunks behind the pixels.

A simple file, one VP8 or VP8L chunk, has no place for metadata: it is made an extended one, its pixels untouched.

Source: WebP container specification (RFC 9649), section 2.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from gamutcli.containers.blocks import Blocks, Written, with_iptc_in_exif
from gamutcli.errors import InputError

_EXIF, _XMP, _EXTENDED, _ICC = b"EXIF", b"XMP ", b"VP8X", b"ICCP"
# ImageMagick 6 and GraphicsMagick end the name with NUL instead of a blank.
_XMP_KINDS = (_XMP, b"XMP\0")
_OF_PIXELS = (_EXTENDED, b"VP8 ", b"VP8L", b"ALPH", b"ANIM", b"ANMF")
_EXIF_FLAG, _XMP_FLAG, _ALPHA_FLAG, _ICC_FLAG = 0x08, 0x04, 0x10, 0x20


@dataclass(frozen=True)
class _Chunk:
    """One chunk: its type, and its content, of which nothing is copied unasked."""

    kind: bytes
    content: memoryview

    @property
    def body(self) -> bytes:
        return bytes(self.content)


def recognises(data: bytes) -> bool:
    """Tell whether this is a WebP file."""
    return data[:4] == b"RIFF" and data[8:12] == b"WEBP"


def read(data: bytes) -> Blocks:
    """Return the metadata of a WebP file.

    Raises:
        InputError: Not a WebP file, or cut short.
    """
    chunks = _chunks(data)[0]
    return Blocks(
        exif=tuple(chunk.body.removeprefix(b"Exif\0\0") for chunk in chunks if chunk.kind == _EXIF),
        xmp=tuple(chunk.body for chunk in chunks if chunk.kind in _XMP_KINDS),
    )


def write(data: bytes, blocks: Blocks) -> Written:
    """Return the file with these blocks and no other XMP or EXIF; every other chunk stays as it is.

    Raises:
        InputError: Not a WebP file, cut short, or damaged.
    """
    blocks = with_iptc_in_exif(blocks)
    chunks, tail = _chunks(data)
    kept = [chunk for chunk in chunks if chunk.kind not in (_EXIF, *_XMP_KINDS)]
    if not kept:
        raise InputError("the WebP file holds no pixels")
    if kept[0].kind != _EXTENDED:  # to a simple file, more pixels mean nothing; to an extended one they would
        others = (chunk for chunk in kept[1:] if chunk.kind not in _OF_PIXELS)
        kept = [_extended(kept[0]), kept[0], *others]
    flags = kept[0].body or b"\0"
    flag = flags[0] & ~(_EXIF_FLAG | _XMP_FLAG)
    flag |= (_EXIF_FLAG if blocks.exif else 0) | (_XMP_FLAG if blocks.xmp else 0)
    kept[0] = _chunk(_EXTENDED, bytes([flag]) + kept[0].body[1:])
    kept += [_chunk(_EXIF, block) for block in blocks.exif] + [_chunk(_XMP, packet) for packet in blocks.xmp]
    return Written(_join(kept, tail))


def with_profile(data: bytes, profile: bytes) -> bytes:
    """Return a simple file, as encoders write it, as an extended one with an ICC profile.

    Raises:
        InputError: Not a WebP file, cut short, or damaged.
    """
    pixels = _chunks(data)[0][0]
    extended = _extended(pixels).body
    return _join([_chunk(_EXTENDED, bytes([extended[0] | _ICC_FLAG]) + extended[1:]), _chunk(_ICC, profile), pixels])


def chunks_of(data: bytes) -> list[tuple[bytes, bytes]]:
    """Return kind and content of every chunk.

    Raises:
        InputError: Not a WebP file, or cut short.
    """
    return [(chunk.kind, chunk.body) for chunk in _chunks(data)[0]]


def sizes(data: bytes) -> list[tuple[int, int]]:
    """Return width and height of every picture in a file, and of the canvas that it says to have.

    Raises:
        InputError: Not a WebP file, or cut short.
    """
    found = []
    for chunk in _chunks(data)[0]:
        if chunk.kind == b"ANMF":  # 16 bytes of the frame, then chunks
            frame = chunk.content[16:]
            while len(frame) >= 8:
                length = int.from_bytes(frame[4:8], "little")
                found.append(_size(bytes(frame[:4]), frame[8 : 8 + length]))
                frame = frame[8 + length + (length & 1) :]
        found.append(_size(chunk.kind, chunk.content))
    return [size for size in found if size is not None]


def _size(kind: bytes, body: bytes | memoryview) -> tuple[int, int] | None:
    """Return the size that a chunk states, None where it states none."""
    if kind == _EXTENDED and len(body) >= 10:
        return int.from_bytes(body[4:7], "little") + 1, int.from_bytes(body[7:10], "little") + 1
    if kind == b"VP8L" and body[:1] == b"\x2f" and len(body) >= 5:
        bits = int.from_bytes(body[1:5], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8 " and body[3:6] == b"\x9d\x01\x2a" and len(body) >= 10:
        width, height = struct.unpack_from("<HH", body, 6)
        return width & 0x3FFF, height & 0x3FFF
    return None


def _chunks(data: bytes) -> tuple[list[_Chunk], bytes]:
    """Split a file into its chunks and what follows the RIFF structure."""
    if not recognises(data):
        raise InputError("not a WebP file")
    end = 8 + int.from_bytes(data[4:8], "little")
    chunks = []
    whole, position = memoryview(data), 12
    while position + 8 <= end <= len(data):
        kind, length = struct.unpack_from("<4sI", data, position)
        if position + 8 + length > end:
            break
        chunks.append(_Chunk(kind, whole[position + 8 : position + 8 + length]))
        position += 8 + length + (length & 1)
    if position < end or end > len(data):
        raise InputError("the WebP file is cut short")
    return chunks, data[end:]


def _chunk(kind: bytes, body: bytes) -> _Chunk:
    return _Chunk(kind, memoryview(body))


def _join(chunks: list[_Chunk], tail: bytes = b"") -> bytes:
    """Put a file together."""
    pieces: list[bytes | memoryview] = [b"WEBP"]
    for chunk in chunks:
        length = len(chunk.content)
        pieces += [chunk.kind + struct.pack("<I", length), chunk.content, b"\0" * (length & 1)]
    return b"".join([b"RIFF", struct.pack("<I", sum(map(len, pieces))), *pieces, tail])


def _extended(pixels: _Chunk) -> _Chunk:
    """Return the header chunk that a simple file lacks: flags, and the size of the canvas less one."""
    size = _size(pixels.kind, pixels.content)
    if size is None:
        raise InputError("the WebP file is damaged: its pixels do not begin as they should")
    is_transparent = pixels.kind == b"VP8L" and pixels.content[4] & 0x10
    flags = _ALPHA_FLAG if is_transparent else 0
    width, height = size[0] - 1, size[1] - 1
    if min(width, height) < 0:
        raise InputError("the WebP file is damaged: it has no size")
    return _chunk(_EXTENDED, bytes([flags, 0, 0, 0]) + width.to_bytes(3, "little") + height.to_bytes(3, "little"))
