"""What a delivered picture says of itself, read without its pixels."""

from __future__ import annotations

import os
import struct
from pathlib import Path

from gamutcli import images
from gamutcli.containers import png
from gamutcli.errors import GamutError, InputError
from gamutcli.payload.format import unpack
from gamutcli.payload.sidecar import payload_of

_SCAN = 0xDA
_ALONE = frozenset((0x01, *range(0xD0, 0xD9)))  # markers without a length


def read_head(path: Path) -> bytes:
    """Read a picture file without the bulk of its pixels; its metadata can be found in what is returned.

    Of a JPEG that is all before the first scan, of a PNG all chunks but those of pixels, of other files everything.

    Raises:
        InputError: The file cannot be read.
    """
    start = images.read_bytes(path, 16)
    format = images.sniff(start)
    if format not in ("jpeg", "png"):
        return images.read_bytes(path)
    try:
        with path.open("rb") as file:
            return _jpeg_head(file.fileno()) if format == "jpeg" else _png_head(file.fileno())
    except (OSError, AttributeError) as error:
        raise InputError(f"{path}: cannot be read ({error}); check path and permissions.") from error


def holds_payload(path: Path) -> bool:
    """Tell whether a picture holds a payload that can be unpacked, or has one beside it."""
    try:
        unpack(payload_of(path, read_head(path)).payload)
    except GamutError:
        return False
    return True


def _read(file: int, size: int, at: int) -> bytes:
    """Read so many bytes, or as many as there are: a length may lie, and memory is taken before anything is read."""
    size = min(size, os.fstat(file).st_size - at)
    os.lseek(file, at, os.SEEK_SET)
    return os.read(file, max(0, size))


def _jpeg_head(file: int) -> bytes:
    """Read the segments before the first scan; what is no JPEG any more is returned as far as it was one."""
    at, data = 2, _read(file, 1 << 17, 0)
    while True:
        if at + 4 > len(data):
            more = _read(file, max(1 << 17, at + 4 - len(data)), len(data))
            if not more:
                return data
            data += more
            continue
        if data[at] != 0xFF:
            return data
        marker = data[at + 1]
        if marker == _SCAN:
            return data[: at + 64]
        if marker == 0xFF:
            at += 1
        else:
            at += 2 if marker in _ALONE else 2 + struct.unpack_from(">H", data, at + 2)[0]


def _png_head(file: int) -> bytes:
    kept, at = [png.SIGNATURE], len(png.SIGNATURE)
    while True:
        head = _read(file, 8, at)
        if len(head) < 8:
            return b"".join(kept)
        length, kind = struct.unpack(">I4s", head)
        if kind != b"IDAT":
            kept.append(_read(file, length + 12, at))
        at += length + 12
        if kind == b"IEND":
            return b"".join(kept)
