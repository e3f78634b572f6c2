"""File formats by name, and the chunks and segments that PNG and JPEG consist of."""

from __future__ import annotations

import os
import stat
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gamutcli.arrays import StrPath
from gamutcli.containers import png
from gamutcli.errors import OUT_OF_MEMORY, InputError, UsageError, is_of_memory
from gamutcli.images.identify import title

_SUFFIXES = {
    ".jpg": "jpeg",
    ".jpeg": "jpeg",
    ".png": "png",
    ".tif": "tiff",
    ".tiff": "tiff",
    ".webp": "webp",
    ".avif": "avif",
    ".jxl": "jxl",
}
_JXL_BYTES = 64  # of memory a pixel, at most, that libjxl takes to encode one
_EIGHT_BITS = ("jpeg", "webp")  # formats that hold no more


def format_of(path: StrPath, wide: bool = False) -> str:
    """Name the format that a file's suffix asks for: "jpeg", "png", "tiff", "webp", "avif" or "jxl".

    Args:
        path: The file.
        wide: Whether it must hold more than 8 bits; then a message proposes no other.

    Raises:
        UsageError: Another suffix, or none.
    """
    format = _SUFFIXES.get(Path(path).suffix.lower())
    if format is None or (wide and format in _EIGHT_BITS):
        wrong = "unknown file type" if format is None else f"{title(format)} holds 8 bits"
        proposed = ", ".join(suffix for suffix, known in _SUFFIXES.items() if not (wide and known in _EIGHT_BITS))
        raise UsageError(f"{os.fspath(path)}: {wrong}; name it {proposed}.")
    return format


def read_bytes(path: Path, size: int = -1) -> bytes:
    """Read a file, or its beginning.

    Raises:
        InputError: It is no file, missing, empty or unreadable.
    """
    try:
        kind = path.stat().st_mode
        if stat.S_ISDIR(kind):
            raise InputError(f"{path}: is a folder; name a picture in it.")
        if not stat.S_ISREG(kind):  # it may have no end, or nobody who writes into it
            raise InputError(f"{path}: is a pipe or a device; copy it into a file, or give - for standard input.")
        with path.open("rb") as file:
            data = file.read(size)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise InputError(f"{path}: cannot be read ({reason}); check path and permissions.") from error
    if not data:
        raise InputError(f"{path}: is empty; copy or export it again.")
    return data


FileState = tuple[int, int] | None


def state_of(path: StrPath) -> FileState:
    """Size and time of a file, by which a later change is noticed; None where there is none."""
    try:
        state = Path(path).stat()
    except OSError:  # whoever reads it says so
        return None
    return state.st_size, state.st_mtime_ns


def check_unchanged(path: StrPath, before: FileState) -> None:
    """See to it that nobody has written into a file since it had a certain state.

    Raises:
        InputError: Somebody has.
    """
    if state_of(path) != before:
        raise changed(path)


def changed(path: StrPath) -> InputError:
    """Make the error for a file that was not left alone."""
    return InputError(f"{os.fspath(path)}: was changed while it was read; try again when it is complete.")


def damaged(name: str, format: str) -> InputError:
    """Make the error for a file whose inside does not hold what its header promises."""
    return InputError(f"{name}: the {format} is damaged or cut short; copy or export it again.")


@contextmanager
def decoding(name: str, format: str, needed: int = 0) -> Iterator[None]:
    """Turn what a codec raises into an error that names the file.

    Args:
        name: The file.
        format: Its format, in a word.
        needed: Bytes of memory that a codec takes which does not say when it gets none.
    """
    try:
        yield
    except (MemoryError, RuntimeError, ValueError, EOFError, SyntaxError, OSError) as error:  # of imagecodecs, pi-heif
        if is_of_memory(error) or not can_have(needed):
            raise InputError(f"{name}: {OUT_OF_MEMORY}") from error
        raise damaged(name, format) from error


@contextmanager
def encoding_jxl(pixels: int) -> Iterator[None]:
    """Say that memory ran out where libjxl says that something did: it is given pixels that it can encode.

    Raises:
        MemoryError: Memory for this many pixels is not to be had.
    """
    try:
        yield
    except RuntimeError as error:  # of imagecodecs
        if is_of_memory(error) or not can_have(_JXL_BYTES * pixels):
            raise MemoryError(str(error)) from error
        raise


def can_have(size: int) -> bool:
    """Tell whether so many bytes of memory are to be had; they are not touched."""
    try:
        np.empty(size, np.uint8)
    except MemoryError:
        return False
    return True


@dataclass(frozen=True)
class PngHeader:
    """IHDR of a PNG, and the small chunks before the pixels by their type."""

    width: int
    height: int
    depth: int
    color_type: int
    chunks: dict[bytes, bytes]

    @property
    def bits(self) -> int:
        """Bits of a pixel: grey and palette have one sample, RGB three; alpha is one more."""
        return self.depth * {2: 3, 4: 2, 6: 4}.get(self.color_type, 1)


def png_header(name: str, data: bytes) -> PngHeader:
    """Walk through a PNG's chunks without decoding the pixels.

    Args:
        name: The file, for the message of an error.
        data: The whole file.

    Raises:
        InputError: Cut short, or no IHDR at the start.
    """
    chunks: dict[bytes, bytes] = {}
    for kind, start, end in _png_chunks(name, data):
        if kind != b"IDAT":
            chunks.setdefault(kind, data[start:end])
    header = chunks.get(b"IHDR", b"")
    if len(header) != 13 or data[12:16] != b"IHDR":
        raise damaged(name, "PNG")
    width, height, depth, color_type = struct.unpack(">IIBB", header[:10])
    return PngHeader(width, height, depth, color_type, chunks)


def without_pixels(name: str, data: bytes) -> bytes:
    """Return a PNG without its IDAT chunks: all that a search for metadata needs.

    Raises:
        InputError: Cut short.
    """
    kept = [data[start - 8 : end + 4] for kind, start, end in _png_chunks(name, data) if kind != b"IDAT"]
    return b"".join([png.SIGNATURE, *kept])


def _png_chunks(name: str, data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Yield type, start and end of every chunk's content up to IEND."""
    try:
        yield from png.walk(data)
    except InputError as error:
        raise damaged(name, "PNG") from error


@dataclass(frozen=True)
class JpegHeader:
    """The frame header of a JPEG."""

    width: int
    height: int
    depth: int
    channels: int


def jpeg_header(name: str, data: bytes) -> JpegHeader:
    """Read a JPEG's frame header, and make sure that its pixels have an end.

    Decoders fill what is missing with grey, without a word.

    Args:
        name: The file, for the message of an error.
        data: The whole file.

    Raises:
        InputError: Cut short, or without a frame header.
    """
    frame, at = None, 2
    while at + 4 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker == 0xFF:  # a fill byte
            at += 1
            continue
        (length,) = struct.unpack_from(">H", data, at + 2)
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC) and at + 10 <= len(data):
            depth, height, width, channels = struct.unpack_from(">BHHB", data, at + 4)
            frame = JpegHeader(width, height, depth, channels)
        if marker == 0xDA:
            # Pixel data never holds FF D9: a byte FF in it is followed by 0 or a restart marker.
            if frame is not None and data.find(b"\xff\xd9", at + 2 + length) >= 0:
                return frame
            break
        at += 2 + max(2, length)
    raise damaged(name, "JPEG")
