"""Write a wide-gamut picture: 16-bit TIFF, strip by strip and compressed on all processors; or PNG, AVIF or JPEG XL."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np

from gamutcli.arrays import Code16Array, StrPath
from gamutcli.color.icc import write_profile
from gamutcli.color.spaces import RGBSpace
from gamutcli.containers import Metadata
from gamutcli.containers.ifd import ByteOrder
from gamutcli.errors import OutputError, UsageError
from gamutcli.images.encode import check_side
from gamutcli.images.files import format_of
from gamutcli.images.png_write import write_png
from gamutcli.images.screen import check_space, encode_wide
from gamutcli.metadata import make_true
from gamutcli.metadata.ifd import (
    BYTE,
    LONG,
    RATIONAL,
    SHORT,
    UNDEFINED,
    Directories,
    Entry,
    depends_on_order,
    entry,
    header,
    in_byte_order,
    lay_out,
)
from gamutcli.metadata.rules import PIXEL_X, PIXEL_Y, parse_exif
from gamutcli.parallel import in_order

try:
    from isal.isal_zlib import compress as isal_compress
except ImportError:  # there is none for this processor
    isal_compress = None  # type: ignore[assignment]

# TIFF's number for each compression. 8 is Adobe's Deflate, which more programs know than 32946.
COMPRESSIONS = {"none": 1, "lzw": 5, "deflate": 8, "zstd": 50000}
# Measured on 24 MP of photographs with the predictor: ISA-L's level 2 takes 0.42 s and leaves 68.8 %, libdeflate's
# level 1 1.4 s and 68.3 % (its level 6 half as much again, and more bytes); Zstandard's level 1 is within 1 % of 5.
_ISAL_LEVEL, _DEFLATE_LEVEL, _ZSTD_LEVEL = 2, 1, 1
_STRIP_BYTES = 1 << 20  # of codes: small enough to share out, large enough to compress well
_CLASSIC_LIMIT = (1 << 32) - (1 << 24)  # offsets of 32 bits, less some room for the tags


Packed = bytes | bytearray | memoryview


class _Strip(NamedTuple):
    rows: int
    width: int
    size: int  # bytes in the file


def write_wide(
    path: StrPath,
    strips: Code16Array | Iterable[Code16Array],
    space: RGBSpace,
    metadata: Metadata,
    compression: str = "deflate",
    file: BinaryIO | None = None,
    size: tuple[int, int] | None = None,
) -> None:
    """Write a 16-bit picture with its ICC profile, EXIF, XMP and IPTC.

    EXIF is made true (ColorSpace, size) on the way.

    Args:
        path: A .tif, .tiff or .png file; or .avif (10 bits) or .jxl, for spaces that these can name. Where no `file`
            is given it is written in place, and half of it stays behind when that fails: see `storage.publish`.
        strips: (height, width, 3) uint16, or its parts from top to bottom, each (rows, width, 3). A part must not
            change after it has been handed over: it is compressed while the next one is made.
        space: What the codes mean.
        metadata: Of the photograph.
        compression: Of a TIFF: "none", "lzw", "deflate" or "zstd"; all but the first with predictor.
        file: Empty, open for writing, and able to seek: takes the bytes instead.
        size: (height, width) of the picture; where it is not told, parts are collected first in all formats but TIFF.

    Raises:
        UsageError: An unknown suffix or compression, or a space that the format cannot name.
        OutputError: More bytes than a TIFF holds.
        OSError: The disk is full, or the like.
    """
    format = check_wide(path, space, compression)
    parts = [strips] if isinstance(strips, np.ndarray) else strips
    if size is None and format != "tiff":
        parts = list(parts)
        size = sum(map(len, parts)), parts[0].shape[1]
    if size is not None:
        check_side(path, format, *size)
    with Path(path).open("wb") if file is None else nullcontext(file) as opened:
        if size is None or format == "tiff":
            _write_tiff(opened, os.fspath(path), parts, space, metadata, compression)
        elif format == "png":
            write_png(opened, _cut(parts), size, space, metadata)
        else:
            opened.write(encode_wide(format, parts, size, space, metadata))


def check_wide(path: StrPath, space: RGBSpace, compression: str = "deflate") -> str:
    """Refuse what ``write_wide`` would refuse for its name, space or compression, and name the format.

    Raises:
        UsageError: See ``write_wide``.
    """
    if compression not in COMPRESSIONS:
        raise UsageError(f"unknown compression {compression}; use one of {', '.join(COMPRESSIONS)}.")
    format = format_of(path, wide=True)
    if format in ("avif", "jxl"):
        check_space(format, space)
    return format


def _write_tiff(
    file: BinaryIO,
    name: str,
    parts: Iterable[Code16Array],
    space: RGBSpace,
    metadata: Metadata,
    compression: str,
) -> None:
    """Write header, maker note, strips, and behind them the directories; then let the header point to these."""
    # Exif wants the pixel size in compressed files only; a TIFF has its own tags for it.
    true = make_true(metadata, 0, 0, space.name == "srgb")
    camera = parse_exif(true.exif)
    if not depends_on_order(camera):
        camera = in_byte_order(camera, "<")
    offsets: list[int] = []
    strips: list[_Strip] = []
    file.write(header(camera.order, 0))
    for item in camera.exif.values():
        if item.place is not None:
            file.write(bytes(item.place - file.tell()) + item.data)
    file.write(b"\0" * (file.tell() % 2))
    for strip, data in in_order(_encoder(compression, camera.order), _cut(parts)):
        offsets.append(file.tell())
        strips.append(strip)
        file.write(data)
        file.write(b"\0" * (len(data) % 2))
        if file.tell() > _CLASSIC_LIMIT:
            raise OutputError(f"{name}: would be larger than a TIFF can be (4 GB); use --compression deflate.")
    pixels = _pixel_tags(strips, offsets, compression, camera.order)
    start = file.tell()
    layout = lay_out(_describe(pixels, camera, space, true), start)
    file.write(layout.behind(start))
    file.seek(0)
    file.write(header(camera.order, layout.first))


def _pixel_tags(strips: list[_Strip], offsets: list[int], compression: str, order: ByteOrder) -> dict[int, Entry]:
    """Say how the pixels are laid out."""

    def numbers(kind: int, *values: int) -> Entry:
        return entry(kind, *values, order=order)

    tags = {
        0x0100: numbers(LONG, strips[0].width),
        0x0101: numbers(LONG, sum(strip.rows for strip in strips)),
        0x0102: numbers(SHORT, 16, 16, 16),
        0x0103: numbers(SHORT, COMPRESSIONS[compression]),
        0x0106: numbers(SHORT, 2),  # RGB
        0x0111: numbers(LONG, *offsets),
        0x0115: numbers(SHORT, 3),
        0x0116: numbers(LONG, strips[0].rows),
        0x0117: numbers(LONG, *(strip.size for strip in strips)),
        0x011C: numbers(SHORT, 1),  # the three samples of a pixel stand together
    }
    if compression != "none":
        tags[0x013D] = numbers(SHORT, 2)  # horizontal differences
    return tags


def _describe(pixels: dict[int, Entry], camera: Directories, space: RGBSpace, metadata: Metadata) -> Directories:
    """Add profile and metadata to the tags that lay out the pixels."""
    profile = write_profile(space)
    tags = {
        0x0112: entry(SHORT, 1, order=camera.order),
        0x011A: entry(RATIONAL, 1, 1, order=camera.order),  # resolution: square pixels of no given size
        0x011B: entry(RATIONAL, 1, 1, order=camera.order),
        0x0128: entry(SHORT, 1, order=camera.order),
        **camera.image,
        **pixels,
        0x8773: Entry(UNDEFINED, len(profile), profile),
    }
    if metadata.xmp:
        tags[0x02BC] = Entry(BYTE, len(metadata.xmp), metadata.xmp)
    if metadata.iptc:
        tags[0x83BB] = Entry(UNDEFINED, len(metadata.iptc), metadata.iptc)
    exif = {tag: item for tag, item in camera.exif.items() if tag not in (PIXEL_X, PIXEL_Y)}
    return Directories(camera.order, tags, exif, camera.gps)


def _encoder(compression: str, order: ByteOrder = "<") -> Callable[[Code16Array], tuple[_Strip, Packed]]:
    """Return the function that turns a strip's codes into its bytes in the file, and says what they are."""
    import imagecodecs

    def differences(strip: Code16Array) -> memoryview:
        encoded: Code16Array = imagecodecs.delta_encode(np.ascontiguousarray(strip, np.uint16), axis=-2)
        return stored(encoded)

    def deflated(data: memoryview) -> bytes | bytearray:
        if isal_compress is None:
            return imagecodecs.deflate_encode(bytes(data), level=_DEFLATE_LEVEL)
        return isal_compress(data, _ISAL_LEVEL)

    def stored(codes: Code16Array) -> memoryview:
        return np.ascontiguousarray(codes, f"{order}u2").data.cast("B")

    codecs: dict[str, Callable[[Code16Array], Packed]] = {
        "none": stored,
        "lzw": lambda strip: imagecodecs.lzw_encode(bytes(differences(strip))),
        "deflate": lambda strip: deflated(differences(strip)),
        "zstd": lambda strip: imagecodecs.zstd_encode(bytes(differences(strip)), level=_ZSTD_LEVEL),
    }

    def encode(strip: Code16Array) -> tuple[_Strip, Packed]:
        data = codecs[compression](strip)
        return _Strip(strip.shape[0], strip.shape[1], len(data)), data

    return encode


def _cut(parts: Iterable[Code16Array]) -> Iterator[Code16Array]:
    """Cut parts of any height into strips of about a megabyte; all but the last have the same height."""
    rest: Code16Array | None = None
    for part in parts:
        rows, top = max(1, _STRIP_BYTES // (6 * part.shape[1])), 0
        if rest is not None:  # a strip that was begun; only this one is copied
            top = rows - len(rest)
            rest = np.concatenate([rest, part[:top]])
            if len(rest) < rows:
                continue
            yield rest
        while top + rows <= len(part):
            yield part[top : top + rows]
            top += rows
        rest = part[top:] if top < len(part) else None
    if rest is not None:
        yield rest
