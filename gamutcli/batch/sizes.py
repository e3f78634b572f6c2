"""How many pixels a picture has, by a look at its header: a guess that decides about memory and nothing else."""

from __future__ import annotations

import mmap
import os
import struct
from pathlib import Path

from gamutcli import images
from gamutcli.batch.digests import state_of
from gamutcli.batch.headers import read_head
from gamutcli.containers import bmff, ifd
from gamutcli.errors import GamutError
from gamutcli.images import jxl
from gamutcli.images.identify import RAW_SUFFIXES
from gamutcli.storage import remote

_WIDTH, _HEIGHT = 256, 257


def pixels_of(path: str) -> int:
    """Guess how many pixels a picture has: as many as its file has bytes, where its header is not looked into."""
    if remote.is_address(path):  # nothing comes down for a guess
        state = state_of(path, fresh=False)
        return 0 if state is None else state.size
    file = Path(path)
    if not file.is_file():  # a pipe would keep this process waiting, and all its workers
        return 0
    try:
        format = "raw" if file.suffix.lower() in RAW_SUFFIXES else images.sniff(images.read_bytes(file, 16))
        looker = _LOOKERS.get(format)
        found = looker(file) if looker else 0
    except (GamutError, OSError, ValueError, struct.error, IndexError):
        found = 0
    return found or _bytes_of(file)


def _bytes_of(path: Path) -> int:
    try:
        return os.stat(path).st_size
    except OSError:
        return 0


def _tiff(path: Path) -> int:
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        tiff = ifd.Tiff(data)  # type: ignore[arg-type] # what is done with bytes can be done with a map of a file
        directory, largest = tiff.directory(), 0
        for _ in range(100):
            if directory is None:
                break
            width, height = tiff.number(directory, _WIDTH) or 0, tiff.number(directory, _HEIGHT) or 0
            largest = max(largest, width * height)
            directory = tiff.following(directory)
        return largest


def _png(path: Path) -> int:
    width, height = struct.unpack_from(">II", images.read_bytes(path, 24), 16)
    return int(width * height)


def _jpeg(path: Path) -> int:
    data, at = read_head(path), 2
    while at + 9 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack_from(">HH", data, at + 5)
            return int(width * height)
        at += 1 if marker == 0xFF else 2 + struct.unpack_from(">H", data, at + 2)[0]
    return 0


def _webp(path: Path) -> int:
    data = images.read_bytes(path, 30)
    if data[12:16] == b"VP8X":
        return (1 + int.from_bytes(data[24:27], "little")) * (1 + int.from_bytes(data[27:30], "little"))
    if data[12:16] == b"VP8L":
        bits = int.from_bytes(data[21:25], "little")
        return (1 + (bits & 0x3FFF)) * (1 + (bits >> 14 & 0x3FFF))
    width, height = struct.unpack_from("<HH", data, 26)
    return int((width & 0x3FFF) * (height & 0x3FFF))


def _heif(path: Path) -> int:
    sizes = [body for kind, body in bmff.properties(images.read_bytes(path)) if kind == b"ispe" and len(body) >= 12]
    return max(
        (int(width * height) for width, height in (struct.unpack_from(">II", body, 4) for body in sizes)), default=0
    )


def _jxl(path: Path) -> int:
    header = jxl.header_of(images.read_bytes(path), str(path))
    return header.width * header.height


_LOOKERS = {
    "tiff": _tiff,
    "png": _png,
    "jpeg": _jpeg,
    "webp": _webp,
    "avif": _heif,
    "heic": _heif,
    "jxl": _jxl,
}
