"""How many pixels a picture has, by a look at its header: a guess that decides about memory and nothing else."""

from __future__ import annotations

import mmap
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gamutcli import images
from gamutcli.batch.digests import state_of
from gamutcli.batch.headers import read_head
from gamutcli.containers import bmff, ifd
from gamutcli.errors import GamutError
from gamutcli.images import jxl
from gamutcli.images.identify import RAW_SUFFIXES
from gamutcli.images.stored import CAN_STAY, WORTH_STAYING
from gamutcli.storage import remote

_WIDTH, _HEIGHT, _BITS, _SAMPLE_FORMAT = 256, 257, 258, 339
_TILES, _ICC = 322, 34675
#: Compression, photometric interpretation, fill order, orientation, samples a pixel, planar configuration, predictor.
_PLAIN = {259: 1, 262: 2, 266: 1, 274: 1, 277: 3, 284: 1, 317: 1}
#: How tables of colours are named in an ICC profile, among its first bytes.
_FROM_TABLES, _TAGS = b"A2B", 2048


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
    with _opened(path) as tiff:
        return max((_pixels(tiff, directory) for directory in _directories(tiff)), default=0)


def stays_in_its_file(path: str) -> bool:
    """Tell a TIFF whose rows are read when they are wanted: large, uncompressed, 16 bits of red, green and blue.

    One that would be turned, or whose colours go through tables, comes into memory all the same.
    """
    if not CAN_STAY or remote.is_address(path) or not Path(path).is_file():
        return False
    try:
        with _opened(Path(path)) as tiff:
            page = max(_directories(tiff), key=lambda directory: _pixels(tiff, directory))
            is_plain = all((tiff.number(page, tag) or 1) == number for tag, number in _PLAIN.items())
            is_whole = set(tiff.numbers(page, _BITS)) == {16} and set(tiff.numbers(page, _SAMPLE_FORMAT)) <= {1}
            is_laid_out = page.get(_TILES) is None and _FROM_TABLES not in _bytes_at(tiff, page, _ICC)[:_TAGS]
            return is_plain and is_whole and is_laid_out and 6 * _pixels(tiff, page) >= WORTH_STAYING
    except (GamutError, OSError, ValueError, struct.error, IndexError):
        return False


def _bytes_at(tiff: ifd.Tiff, directory: ifd.Directory, tag: int) -> bytes:
    entry = directory.get(tag)
    return b"" if entry is None else tiff.value(entry)


@contextmanager
def _opened(path: Path) -> Iterator[ifd.Tiff]:
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        yield ifd.Tiff(data)  # type: ignore[arg-type] # what is done with bytes can be done with a map of a file


def _directories(tiff: ifd.Tiff) -> Iterator[ifd.Directory]:
    directory = tiff.directory()
    for _ in range(100):
        if directory is None:
            return
        yield directory
        directory = tiff.following(directory)


def _pixels(tiff: ifd.Tiff, directory: ifd.Directory) -> int:
    return (tiff.number(directory, _WIDTH) or 0) * (tiff.number(directory, _HEIGHT) or 0)


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
