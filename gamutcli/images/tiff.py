"""Read the photograph in a TIFF or BigTIFF file with tifffile, after a look at what its header claims."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, cast

import numpy as np
from numpy.typing import NDArray

from gamutcli.color.icc import MAX_PROFILE, Profile, profile_of
from gamutcli.color.spaces import PROPHOTO
from gamutcli.errors import OUT_OF_MEMORY, InputError, is_of_memory
from gamutcli.images.channels import COUNTS, Mode, Samples
from gamutcli.images.claims import check_plain, distinct_bytes
from gamutcli.images.files import damaged
from gamutcli.images.lab import CIE_LAB, ICC_LAB, light_of_lab
from gamutcli.images.picture import COARSE_COLORS, check_size
from gamutcli.images.reading import AS_IT_IS, Reading
from gamutcli.images.silence import silenced
from gamutcli.images.stored import CAN_STAY, WORTH_STAYING, StoredCodes
from gamutcli.images.tiff_pages import photograph
from gamutcli.images.tiff_pieces import check_coded, check_count, check_tiles

if TYPE_CHECKING:
    import tifffile

_ICC, _DNG_VERSION = 34675, 50706
_WHITE_IS_ZERO, _RGB, _PALETTE, _YCBCR = 0, 2, 3, 6
_MODES: dict[int, Mode] = {0: "grey", 1: "grey", 2: "rgb", 3: "rgb", 5: "cmyk", 6: "rgb", 8: "lab", 9: "lab"}
_RAW = (32803, 34892)
_SIGNED, _FLOATING = 2, 3  # values of SampleFormat
_BITS = (1, 2, 4, 8, 10, 12, 14, 16)
_FLOATING_BITS = (16, 24, 32, 64)
_ASSOCIATED, _STRAIGHT = 1, 2  # values of ExtraSamples
_JPEG = (7, 33007)
_OF_LIBTIFF = (1, 5, 8, 32773, 32946)

# How many bytes one stored byte can become at most: a header that claims more is not believed.
# Deflate: a match of 258 bytes for two bits. LZW: strings of up to 4096 bytes for 12 bits. Zstandard: a block of
# 128 KB for 4 bytes. PackBits: 128 bytes for two. JPEG: a block of 64 for a bit. LZMA: a match of 273 bytes for about
# a fiftieth of a bit. The others can say that a whole tile is of one colour.
_TILE = 1 << 17
_GROWTH = {
    **{1: 1, 5: 2731, 8: 1032, 32946: 1032, 32773: 64, 50000: 32768, 7: 512, 33007: 512, 34925: _TILE},
    **dict.fromkeys((33003, 33004, 33005, 34712, 34887, 34933, 34934, 50001, 50002, 52546), _TILE),
}
# Bytes of a decoded strip or tile from which on threads gain more than they cost. Sixty thousand tiles of 16 x 16 took
# 4.3 s of two processors, and take 1.2 s of one.
_WORTH_A_THREAD = 1 << 14
#: Lab becomes light when it is read.
_LIGHT = profile_of(PROPHOTO, linear=True)
PALETTE = "is a palette picture: of its colours few are left, and what lay between them was lost before"


def read_tiff(
    source: Path | BinaryIO, name: str | None = None, reading: Reading = AS_IT_IS
) -> tuple[Samples, bytes | Profile | None, tuple[str, ...]]:
    """Read a TIFF's photograph.

    Args:
        source: The file.
        name: What errors call it; its path when not given.
        reading: Which page the user chose.

    Returns:
        Its channels, the ICC profile or what else they mean, and notes for the user.

    Raises:
        InputError: Anything but one picture of up to 16 bits or of floating point, complete.
    """
    import tifffile

    path = name or str(source)
    # tifffile logs what it repairs; what matters of that is checked here and reported as an error.
    logger = logging.getLogger("tifffile")
    if not logger.handlers:
        logger.addHandler(logging.NullHandler())
    try:
        with tifffile.TiffFile(source) as file:
            page, notes = photograph(path, file, reading)
            _check_samples(path, page)
            _check_extent(path, page)
            if page.is_subsampled:
                notes += (COARSE_COLORS,)
            codes = _through_libtiff(path, page) if _is_plain_ycbcr(page) else _codes(path, page)
            samples = _samples(path, page, codes)
            profile = _LIGHT if int(page.photometric or 0) in (CIE_LAB, ICC_LAB) else _profile(path, page)
    except InputError:
        raise
    except MemoryError as error:
        raise InputError(f"{path}: {OUT_OF_MEMORY}") from error
    except Exception as error:  # a damaged file makes tifffile and the codecs raise whatever comes up
        if is_of_memory(error):
            raise InputError(f"{path}: {OUT_OF_MEMORY}") from error
        raise damaged(path, "TIFF") from error
    return samples, profile, (*notes, PALETTE) if int(page.photometric or 0) == _PALETTE else notes


def _profile(path: str, page: tifffile.TiffPage) -> bytes | None:
    """Return the ICC profile, whose tag may claim to hold anything."""
    tag = page.tags.get(_ICC)
    if tag is None:
        return None
    profile = tag.value if tag.count <= MAX_PROFILE else None
    if not isinstance(profile, bytes):
        raise InputError(f"{path}: what should be its ICC profile is not one; export the picture again.")
    return profile


def _check_samples(path: str, page: tifffile.TiffPage) -> None:
    """Refuse samples and compressions that are not known here."""
    photometric, channels = int(page.photometric or 0), int(page.samplesperpixel)
    if photometric in _RAW or _DNG_VERSION in page.tags:
        raise InputError(f"{path}: is a camera RAW; develop it to a 16-bit ProPhoto TIFF.")
    if photometric not in _MODES:
        raise InputError(f"{path}: is of an unknown kind (photometric {photometric}); convert it to 16-bit RGB.")
    if page.sampleformat == _SIGNED:
        raise InputError(f"{path}: its samples are signed; convert it to 16 bits, unsigned.")
    is_floating = page.sampleformat == _FLOATING
    if is_floating and _MODES[photometric] not in ("grey", "rgb"):
        raise InputError(f"{path}: is {_MODES[photometric].upper()} of floating point; convert it to 16-bit RGB.")
    if photometric in (CIE_LAB, ICC_LAB) and page.bitspersample not in (8, 16):
        raise InputError(f"{path}: is Lab of {page.bitspersample} bits; convert it to 16-bit RGB.")
    if page.dtype is None or page.bitspersample not in (_FLOATING_BITS if is_floating else _BITS):
        raise InputError(f"{path}: its samples are {page.bitspersample} bits; convert it to 16 bits (unsigned).")
    needed = 1 if photometric == _PALETTE else COUNTS[_MODES[photometric]]
    if channels < needed:
        raise InputError(f"{path}: has {channels} channels and needs {needed}; convert it to 16-bit RGB.")
    if int(page.compression) not in _GROWTH:
        name = getattr(page.compression, "name", str(page.compression))
        raise InputError(f"{path}: compression {name} is not supported; save it with LZW, Deflate or without.")
    is_readable = page.bitspersample == 8 and channels == 3 and isinstance(page.index, int)
    if _is_plain_ycbcr(page) and not (is_readable and int(page.compression) in _OF_LIBTIFF):
        raise InputError(f"{path}: is YCbCr of a kind that is not supported; convert it to 16-bit RGB.")


def _is_plain_ycbcr(page: tifffile.TiffPage) -> bool:
    """Tell luma and chroma that no codec turns into RGB."""
    return page.photometric == _YCBCR and int(page.compression) not in _JPEG


def _check_extent(path: str, page: tifffile.TiffPage) -> None:
    """Refuse sizes that cannot be, and strips or tiles that lie outside the file."""
    height, width, channels = page.imagelength, page.imagewidth, page.samplesperpixel
    check_size(path, width, height)
    layouts = ((height, width, channels), (channels, height, width), *(((height, width),) if channels == 1 else ()))
    if page.shape not in layouts:
        raise InputError(f"{path}: is a volume of {page.shape}; export one picture.")
    length = page.parent.filehandle.size
    counts, offsets = page.databytecounts, page.dataoffsets
    pieces = 1 if page.is_contiguous else int(np.prod(page.chunked))
    stored = distinct_bytes(zip(offsets, counts, strict=False))
    whole = 1 if page.is_subsampled else channels
    claimed = height * width * whole * page.bitspersample // 8
    check_tiles(path, page)
    complete = (
        len(offsets) >= pieces
        and len(counts) >= pieces
        and all(count > 0 and 0 < offset <= length - count for offset, count in zip(offsets, counts, strict=False))
        and claimed <= stored * _GROWTH[int(page.compression)]
    )
    if not complete:
        raise damaged(path, "TIFF")
    check_plain(path, "TIFF", width, height, stored, whole * page.bitspersample)
    check_count(path, page, stored)
    check_coded(path, page)


def _codes(path: str, page: tifffile.TiffPage) -> NDArray[Any]:
    """Decode on all processors this process may use: (height, width, channels).

    Small strips or tiles take less time than a thread takes to be handed one.
    """
    is_fine = page.nbytes < _WORTH_A_THREAD * len(page.dataoffsets)
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    codes = _stored(path, page)
    if codes is None:
        with silenced():  # libpng, of a TIFF packed by PNG
            codes = page.asarray(maxworkers=1 if is_fine else processors)
    if codes.shape != page.shape:
        raise damaged(path, "TIFF")
    if codes.ndim == 2:
        codes = codes[..., None]
    elif codes.shape[:2] != (page.imagelength, page.imagewidth):
        codes = np.moveaxis(codes, 0, -1)
    return codes.view(np.uint8) if codes.dtype == np.bool_ else codes


def _stored(path: str, page: tifffile.TiffPage) -> NDArray[Any] | None:
    """A large uncompressed picture, whose rows are read when they are wanted; None: to be read at once."""
    file, handle, shape = page.parent, page.parent.filehandle, (page.imagelength, page.imagewidth, COUNTS["rgb"])
    is_plain = page.photometric == _RGB and page.shape == shape and page.dtype == np.uint16
    if not (CAN_STAY and handle.is_file and page.is_final and is_plain and page.nbytes >= WORTH_STAYING):
        return None
    stored = np.dtype(np.uint16).newbyteorder(file.byteorder)
    codes = StoredCodes(path, os.dup(handle.fileno()), stored, page.dataoffsets[0], shape)
    return cast("NDArray[Any]", codes)


def _through_libtiff(path: str, page: tifffile.TiffPage) -> NDArray[Any]:
    """Decode luma and chroma, whose place and range some tags say: (height, width, 3)."""
    import imagecodecs

    handle = page.parent.filehandle
    handle.seek(0)
    codes = imagecodecs.tiff_decode(handle.read(), page.index, asrgb=True)
    if codes.shape != (page.imagelength, page.imagewidth, 4):
        raise damaged(path, "TIFF")
    return codes[..., :3]


def _samples(path: str, page: tifffile.TiffPage, codes: NDArray[Any]) -> Samples:
    """Say what the channels are; one of transparency comes to stand right behind the colours."""
    photometric = int(page.photometric or 0)
    white = 1 if codes.dtype.kind == "f" else (1 << page.bitspersample) - 1
    if photometric == _PALETTE:
        return Samples(_looked_up(path, page, codes[..., 0]), 65535, "rgb")
    mode = _MODES[photometric]
    colors = COUNTS[mode]
    if photometric in (CIE_LAB, ICC_LAB):
        extra = codes[..., colors:].astype(np.float32) / np.float32(white)
        codes, white, mode = np.concatenate([light_of_lab(codes, photometric), extra], axis=-1), 1, "rgb"
    if photometric == _WHITE_IS_ZERO:
        codes = np.concatenate([white - codes[..., :1], codes[..., 1:]], axis=2)
    kinds = [int(kind) for kind in page.extrasamples][: codes.shape[2] - colors]
    at = next((index for index, kind in enumerate(kinds) if kind in (_ASSOCIATED, _STRAIGHT)), None)
    if at is None:
        return Samples(codes, white, mode)
    if at:
        codes = codes[..., [*range(colors), colors + at, *(colors + n for n in range(len(kinds)) if n != at)]]
    return Samples(codes, white, mode, "associated" if kinds[at] == _ASSOCIATED else "straight")


def _looked_up(path: str, page: tifffile.TiffPage, indices: NDArray[Any]) -> NDArray[np.uint16]:
    """Replace the numbers of colours by the colours: (height, width, 3)."""
    if page.colormap is None or page.colormap.shape != (3, 1 << page.bitspersample):
        raise damaged(path, "TIFF")
    colors = page.colormap.astype(np.uint16)
    if colors.max() < 256:  # some programs write 8 bits where 16 belong
        colors = colors * np.uint16(257)
    codes: NDArray[np.uint16] = np.ascontiguousarray(colors.T)[indices]
    return codes
