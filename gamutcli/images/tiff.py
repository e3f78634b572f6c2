"""Read the photograph in a TIFF or BigTIFF file with tifffile, after a look at what its header claims."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

import numpy as np

from gamutcli.arrays import Code16Array, CodeArray
from gamutcli.errors import InputError
from gamutcli.images.files import damaged
from gamutcli.images.picture import EIGHT_BITS, check_size, widened

if TYPE_CHECKING:
    import tifffile

_ICC, _DNG_VERSION = 34675, 50706
_REDUCED, _MASK = 1, 4  # bits of NewSubfileType
_RGB = 2
_PHOTOMETRICS = {
    0: "grey",
    1: "grey",
    3: "a palette",
    4: "a mask",
    5: "CMYK",
    6: "YCbCr",
    8: "Lab",
    9: "Lab",
    10: "Lab",
}
_RAW = (32803, 34892)

# How many bytes one stored byte can become at most: a header that claims more is not believed.
# Deflate: a match of 258 bytes for two bits. LZW: strings of up to 4096 bytes for 12 bits. Zstandard: a block of
# 128 KB for 4 bytes. PackBits: 128 bytes for two.
_GROWTH = {1: 1, 5: 2731, 8: 1032, 32946: 1032, 32773: 64, 50000: 32768}


def read_tiff(source: Path | BinaryIO, name: str | None = None) -> tuple[Code16Array, bytes | None, tuple[str, ...]]:
    """Read a TIFF's photograph.

    Args:
        source: The file.
        name: What errors call it; its path when not given.

    Returns:
        Codes (height, width, 3) uint16, the ICC profile, and notes for the user.

    Raises:
        InputError: Anything but one RGB picture of 8 or 16 bits, complete.
    """
    import tifffile

    path = name or str(source)
    # tifffile logs what it repairs; what matters of that is checked here and reported as an error.
    logger = logging.getLogger("tifffile")
    if not logger.handlers:
        logger.addHandler(logging.NullHandler())
    try:
        with tifffile.TiffFile(source) as file:
            page = _photograph(path, file)
            _check_kind(path, page)
            _check_extent(path, page)
            codes = _codes(path, page)
            profile = page.tags.valueof(_ICC)
    except InputError:
        raise
    except MemoryError as error:
        raise InputError(f"{path}: does not fit into memory; split it into parts.") from error
    except Exception as error:  # a damaged file makes tifffile and the codecs raise whatever comes up
        raise damaged(path, "TIFF") from error
    if codes.dtype == np.uint8:
        return widened(cast("CodeArray", codes)), profile, (EIGHT_BITS,)
    return cast("Code16Array", codes), profile, ()


def _photograph(path: str, file: tifffile.TiffFile) -> tifffile.TiffPage:
    """Find the one full-size picture; thumbnails and masks beside it are no concern."""
    full: list[tifffile.TiffPage] = []
    for page in cast("Iterable[tifffile.TiffPage]", file.pages):
        if not page.subfiletype & (_REDUCED | _MASK):
            full.append(page)
        if len(full) > 1:
            raise InputError(f"{path}: holds several pages; export the picture alone.")
    if not full:
        raise InputError(f"{path}: holds nothing but a thumbnail; export the picture as a 16-bit TIFF.")
    return full[0]


def _check_kind(path: str, page: tifffile.TiffPage) -> None:
    """Refuse everything but RGB of 8 or 16 bits, in a compression that is lossless and known."""
    photometric, channels = int(page.photometric or 0), int(page.samplesperpixel)
    if photometric in _RAW or _DNG_VERSION in page.tags:
        raise InputError(f"{path}: is a camera RAW; develop it to a 16-bit ProPhoto TIFF.")
    if photometric != _RGB:
        kind = _PHOTOMETRICS.get(photometric, f"of an unknown kind ({photometric})")
        raise InputError(f"{path}: is {kind}, not RGB; convert it to 16-bit RGB.")
    if channels > 3:
        raise InputError(f"{path}: has {channels} channels (alpha?); flatten it to plain RGB.")
    if channels < 3:
        raise InputError(f"{path}: has {channels} channels, RGB needs 3; convert it to 16-bit RGB.")
    if page.dtype not in (np.uint8, np.uint16) or page.bitspersample not in (8, 16):
        kind = "floating point" if page.sampleformat == 3 else f"{page.bitspersample} bits"
        raise InputError(f"{path}: its samples are {kind}; convert it to 16 bits (unsigned).")
    if int(page.compression) not in _GROWTH:
        name = getattr(page.compression, "name", str(page.compression))
        raise InputError(f"{path}: compression {name} is not supported; save it with LZW, Deflate or without.")


def _check_extent(path: str, page: tifffile.TiffPage) -> None:
    """Refuse sizes that cannot be, and strips or tiles that lie outside the file."""
    check_size(path, page.imagewidth, page.imagelength)
    if page.shape not in ((page.imagelength, page.imagewidth, 3), (3, page.imagelength, page.imagewidth)):
        raise InputError(f"{path}: is a volume of {page.shape}; export one picture.")
    length = page.parent.filehandle.size
    counts, offsets = page.databytecounts, page.dataoffsets
    pieces = 1 if page.is_contiguous else int(np.prod(page.chunked))
    stored = sum(counts)
    complete = (
        len(offsets) >= pieces
        and len(counts) >= pieces
        and all(count > 0 and 0 < offset <= length - count for offset, count in zip(offsets, counts, strict=False))
        and page.nbytes <= stored * _GROWTH[int(page.compression)]
    )
    if not complete:
        raise damaged(path, "TIFF")


def _codes(path: str, page: tifffile.TiffPage) -> CodeArray | Code16Array:
    """Decode on all processors this process may use."""
    workers = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    codes = page.asarray(maxworkers=workers)
    if codes.shape != page.shape:
        raise damaged(path, "TIFF")
    if page.shape[0] == 3 and page.shape != (page.imagelength, page.imagewidth, 3):
        codes = np.moveaxis(codes, 0, -1)
    return np.ascontiguousarray(codes)
