"""What the strips and tiles of a TIFF claim, each with a header of its own where a codec of pictures made it."""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING

from gamutcli.images.claims import check_jp2, check_jpeg, check_jxl, check_png, check_webp, distinct_bytes
from gamutcli.images.files import damaged, png_header
from gamutcli.images.picture import check_size, refuse

if TYPE_CHECKING:
    import tifffile

_SLACK = 1 << 22
"""Pixels that are believed whatever the picture's size: coders round up to whole blocks, and tiles stand over edges."""

_PIECES, _PIECE_BYTES = 1 << 15, 64
"""Strips and tiles that are believed whatever their bytes, and those that each further one has: a row has more."""

_CODED, _CODED_BYTES = 1 << 11, 256
"""Likewise where each takes a tenth of a millisecond and more: a file with its own header, or a decoder's memory."""

_READ_AGAIN = 1 << 26
"""Bytes that may be read of strips and tiles that share theirs: blank ones are short."""

_LZMA = 34925

Sides = tuple[int, int]


def check_tiles(name: str, page: tifffile.TiffPage) -> None:
    """Refuse tiles that are far larger than the picture that they cover.

    Raises:
        InputError: They are.
    """
    if not page.is_tiled:
        return
    across, down = -(-page.imagewidth // page.tilewidth), -(-page.imagelength // page.tilelength)
    check_size(name, across * page.tilewidth, down * page.tilelength)
    covered = across * page.tilewidth * down * page.tilelength
    if covered > 4 * max(_SLACK, page.imagewidth * page.imagelength):
        refuse(
            f"{name}: its tiles of {page.tilewidth} x {page.tilelength} are far larger than the picture; "
            "save it with smaller ones, or in strips."
        )


def check_count(name: str, page: tifffile.TiffPage, stored: int) -> None:
    """Refuse far more strips or tiles than there are bytes for: each takes its time, however small it is.

    Args:
        name: The file, for the message of an error.
        page: The picture.
        stored: Bytes of all of them, those that they share counted once.

    Raises:
        InputError: There are so many.
    """
    is_costly = int(page.compression) in (*_READERS, _LZMA)
    few, size = (_CODED, _CODED_BYTES) if is_costly else (_PIECES, _PIECE_BYTES)
    count = len(page.dataoffsets)
    if sum(page.databytecounts) > max(_READ_AGAIN, 2 * stored):
        refuse(f"{name}: its strips or tiles share their bytes, which would be read over and over; save it again.")
    if count > max(few, stored // size):
        refuse(f"{name}: is cut into {count:,} strips or tiles of a few bytes each; save it with larger ones.")


def check_coded(name: str, page: tifffile.TiffPage) -> None:
    """Refuse strips or tiles that say, in the headers of their own, to be larger than they are in the picture.

    Raises:
        InputError: They do, or bytes are shared in a way that would have them decoded over and over.
    """
    read = _READERS.get(int(page.compression))
    if read is None:
        return
    pieces = list(zip(page.dataoffsets, page.databytecounts, strict=False))
    ranges = set(pieces)
    if sum(count for _, count in ranges) > 2 * distinct_bytes(ranges):
        raise damaged(name, "TIFF")
    pixels, handle = page.imagewidth * page.imagelength, page.parent.filehandle
    planes = 1 if page.planarconfig == 1 else page.samplesperpixel
    room = max(4 * pixels, _SLACK) * planes
    for (offset, count), times in Counter(pieces).items():
        handle.seek(offset)
        width, height = read(name, handle.read(count), pixels)
        room -= width * height * times
        if room < 0:
            refuse(f"{name}: its strips or tiles say to hold more pixels than the whole picture; export it again.")
            return


def _of_jpeg(name: str, data: bytes, around: int) -> Sides:
    return check_jpeg(name, data, around)


def _of_png(name: str, data: bytes, around: int) -> Sides:
    header = png_header(name, data)
    check_size(name, header.width, header.height)
    check_png(name, data, header.width, header.height, header.bits)
    return header.width, header.height


def _of_webp(name: str, data: bytes, around: int) -> Sides:
    return check_webp(name, data)


def _of_jxl(name: str, data: bytes, around: int) -> Sides:
    header = check_jxl(name, data)
    return header.width, header.height


def _of_jp2(name: str, data: bytes, around: int) -> Sides:
    at = data.find(b"\xff\x4f\xff\x51")
    return check_jp2(name, data, data[max(0, at) :]).sides


def _of_lerc(name: str, data: bytes, around: int) -> Sides:
    """Source: Esri's specification of Lerc2: sides behind the version and, from the third on, a checksum."""
    if data[:6] != b"Lerc2 " or len(data) < 22:
        raise damaged(name, "TIFF")
    (version,) = struct.unpack_from("<i", data, 6)
    height, width = struct.unpack_from("<II", data, 14 if version >= 3 else 10)
    return width, height


def _of_jpegxr(name: str, data: bytes, around: int) -> Sides:
    """Source: ITU-T T.832, 8.3 (image header)."""
    at = data.find(b"WMPHOTO\0")
    if at < 0 or len(data) < at + 20:
        raise damaged(name, "TIFF")
    is_short = data[at + 10] & 0x80
    width, height = struct.unpack_from(">HH" if is_short else ">II", data, at + 12)
    return width + 1, height + 1


_READERS: dict[int, Callable[[str, bytes, int], Sides]] = {
    **dict.fromkeys((7, 33007), _of_jpeg),
    **dict.fromkeys((33003, 33004, 33005, 34712), _of_jp2),
    34887: _of_lerc,
    34933: _of_png,
    34934: _of_jpegxr,
    50001: _of_webp,
    **dict.fromkeys((50002, 52546), _of_jxl),
}
