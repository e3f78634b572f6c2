"""Write a wide-gamut picture: 16-bit TIFF, strip by strip and compressed on all processors; or PNG, AVIF or JPEG XL."""

from __future__ import annotations

import os
import struct
from collections.abc import Callable, Iterable, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np

from gamutcli.arrays import Code16Array, StrPath
from gamutcli.color.icc import write_profile
from gamutcli.color.spaces import RGBSpace
from gamutcli.containers import Metadata, png, with_metadata
from gamutcli.errors import OutputError, UsageError
from gamutcli.images.encode import PNG_LEVEL, PNG_STRATEGY
from gamutcli.images.files import format_of
from gamutcli.images.profiles import profile_chunk
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
    entry,
    in_byte_order,
    write_with_pointers,
)
from gamutcli.metadata.rules import PIXEL_X, PIXEL_Y, parsed
from gamutcli.parallel import in_order

# TIFF's number for each compression. 8 is Adobe's Deflate, which more programs know than 32946.
COMPRESSIONS = {"none": 1, "lzw": 5, "deflate": 8, "zstd": 50000}
# Measured on 24 MP of photographs with the predictor: libdeflate's level 1 needs two thirds of level 6's time and
# leaves fewer bytes (109 against 110 MB); Zstandard's level 1 is within 1 % of level 5.
_DEFLATE_LEVEL = _ZSTD_LEVEL = 1
_STRIP_BYTES = 1 << 20  # of codes: small enough to share out, large enough to compress well
_CLASSIC_LIMIT = (1 << 32) - (1 << 24)  # offsets of 32 bits, less some room for the tags


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

    Raises:
        UsageError: An unknown suffix or compression, or a space that the format cannot name.
        OutputError: More bytes than a TIFF holds.
        OSError: The disk is full, or the like.
    """
    kind = check_wide(path, space, compression)
    parts = [strips] if isinstance(strips, np.ndarray) else strips
    with Path(path).open("wb") if file is None else nullcontext(file) as opened:
        if kind in ("avif", "jxl"):
            opened.write(encode_wide(kind, _whole(parts), space, metadata))
        elif kind == "png":
            opened.write(_png(_whole(parts), space, metadata))
        else:
            _write_tiff(opened, os.fspath(path), parts, space, metadata, compression)


def check_wide(path: StrPath, space: RGBSpace, compression: str = "deflate") -> str:
    """Refuse what ``write_wide`` would refuse for its name, space or compression, and name the format.

    Raises:
        UsageError: See ``write_wide``.
    """
    if compression not in COMPRESSIONS:
        raise UsageError(f"unknown compression {compression}; use one of {', '.join(COMPRESSIONS)}.")
    kind = format_of(path, wide=True)
    if kind in ("avif", "jxl"):
        check_space(kind, space)
    return kind


def _png(codes: Code16Array, space: RGBSpace, metadata: Metadata) -> bytes:
    import imagecodecs

    true = make_true(metadata, codes.shape[1], codes.shape[0], space.name == "srgb")
    data = imagecodecs.png_encode(np.ascontiguousarray(codes), level=PNG_LEVEL, strategy=PNG_STRATEGY)
    tagged = png.with_chunks(data, [profile_chunk(space)])
    return with_metadata(tagged, true).data


def _whole(parts: Iterable[Code16Array]) -> Code16Array:
    """Join the parts of a picture, for formats that are encoded in one go."""
    collected = list(parts)
    return collected[0] if len(collected) == 1 else np.concatenate(collected)


def _write_tiff(
    file: BinaryIO,
    name: str,
    parts: Iterable[Code16Array],
    space: RGBSpace,
    metadata: Metadata,
    compression: str,
) -> None:
    """Write header, strips, and behind them the directories; then let the header point to these."""
    offsets: list[int] = []
    strips: list[_Strip] = []
    file.write(b"II*\0\0\0\0\0")
    for strip, data in in_order(_encoder(compression), _cut(parts)):
        offsets.append(file.tell())
        strips.append(strip)
        file.write(data)
        file.write(b"\0" * (len(data) % 2))
        if file.tell() > _CLASSIC_LIMIT:
            raise OutputError(f"{name}: would be larger than a TIFF can be (4 GB); use --compression deflate.")
    width, height = strips[0].width, sum(strip.rows for strip in strips)
    layout = {
        0x0100: entry(LONG, width),
        0x0101: entry(LONG, height),
        0x0102: entry(SHORT, 16, 16, 16),
        0x0103: entry(SHORT, COMPRESSIONS[compression]),
        0x0106: entry(SHORT, 2),  # RGB
        0x0111: entry(LONG, *offsets),
        0x0115: entry(SHORT, 3),
        0x0116: entry(LONG, strips[0].rows),
        0x0117: entry(LONG, *(strip.size for strip in strips)),
        0x011C: entry(SHORT, 1),  # the three samples of a pixel stand together
    }
    if compression != "none":
        layout[0x013D] = entry(SHORT, 2)  # horizontal differences
    start = file.tell()
    file.write(write_with_pointers(_described(layout, width, height, space, metadata), start))
    file.seek(4)
    file.write(struct.pack("<I", start))


def _described(layout: dict[int, Entry], width: int, height: int, space: RGBSpace, metadata: Metadata) -> Directories:
    """Add profile and metadata to the tags that lay out the pixels."""
    true = make_true(metadata, width, height, space.name == "srgb")
    camera = in_byte_order(parsed(true.exif), "<")
    profile = write_profile(space)
    tags = {
        0x0112: entry(SHORT, 1),
        0x011A: entry(RATIONAL, 1, 1),  # resolution: square pixels of no given size
        0x011B: entry(RATIONAL, 1, 1),
        0x0128: entry(SHORT, 1),
        **camera.image,
        **layout,
        0x8773: Entry(UNDEFINED, len(profile), profile),
    }
    if true.xmp:
        tags[0x02BC] = Entry(BYTE, len(true.xmp), true.xmp)
    if true.iptc:
        tags[0x83BB] = Entry(UNDEFINED, len(true.iptc), true.iptc)
    # Exif wants the pixel size in compressed files only; a TIFF has its own tags for it.
    exif = {tag: item for tag, item in camera.exif.items() if tag not in (PIXEL_X, PIXEL_Y)}
    return Directories("<", tags, exif, camera.gps)


def _encoder(compression: str) -> Callable[[Code16Array], tuple[_Strip, bytes | bytearray]]:
    """Return the function that turns a strip's codes into its bytes in the file, and says what they are."""
    import imagecodecs

    def differences(strip: Code16Array) -> bytes:
        encoded: Code16Array = imagecodecs.delta_encode(np.ascontiguousarray(strip, "<u2"), axis=-2)
        return encoded.tobytes()

    codecs: dict[str, Callable[[Code16Array], bytes | bytearray]] = {
        "none": lambda strip: strip.astype("<u2", copy=False).tobytes(),
        "lzw": lambda strip: imagecodecs.lzw_encode(differences(strip)),
        "deflate": lambda strip: imagecodecs.deflate_encode(differences(strip), level=_DEFLATE_LEVEL),
        "zstd": lambda strip: imagecodecs.zstd_encode(differences(strip), level=_ZSTD_LEVEL),
    }

    def encode(strip: Code16Array) -> tuple[_Strip, bytes | bytearray]:
        data = codecs[compression](strip)
        return _Strip(strip.shape[0], strip.shape[1], len(data)), data

    return encode


def _cut(parts: Iterable[Code16Array]) -> Iterator[Code16Array]:
    """Cut parts of any height into strips of about a megabyte; all but the last have the same height."""
    rest: Code16Array | None = None
    for part in parts:
        rows = max(1, _STRIP_BYTES // (6 * part.shape[1]))
        ready = part if rest is None else np.concatenate([rest, part])
        whole = len(ready) // rows * rows
        for top in range(0, whole, rows):
            yield ready[top : top + rows]
        rest = ready[whole:] if whole < len(ready) else None
    if rest is not None:
        yield rest
