"""Encode the reduced picture: an ordinary 8-bit sRGB file."""

from __future__ import annotations

import io
import os
from typing import Any, NamedTuple

import numpy as np

from gamutcli.arrays import CodeArray, StrPath
from gamutcli.color.icc import write_profile
from gamutcli.color.spaces import SRGB
from gamutcli.containers import png, webp
from gamutcli.containers.exif import make_block
from gamutcli.errors import UsageError, is_of_memory
from gamutcli.images import jpeg_pieces
from gamutcli.images.files import encoding_jxl
from gamutcli.images.identify import title
from gamutcli.images.profiles import profile_chunk

#: What a lossy format does when it is not told; WebP and JPEG XL are then lossless. On photographs an AVIF of 90 keeps
#: the pixels as well as a JPEG of 95 and needs half its bytes.
DEFAULT_QUALITY = {"jpeg": 95, "avif": 90}

#: Programs show a WebP as it is stored, whatever its EXIF says (seen: Chromium 156, ImageMagick), and the format has no
#: orientation of its own: its pixels have to be turned. JPEG, PNG, AVIF and JPEG XL are shown upright.
STORED_UPRIGHT = frozenset({"webp"})

_SUBSAMPLINGS = {"4:4:4": "444", "4:2:2": "422", "4:2:0": "420"}
# Limits of libjpeg, of the format, of libavif, and of libpng unless it is told otherwise.
_MAX_SIDE = {"jpeg": 65500, "webp": 16383, "avif": 16384, "png": 1_000_000}
_ICC_APP2 = b"ICC_PROFILE\0\x01\x01"  # part 1 of 1
# Run-length strategy: on photographs filtered rows have few repetitions beyond runs. Measured on 1.4-1.6 MP
# photographs: 0.06-0.1 s and 97-102 % of the bytes that Pillow's default takes 0.45 s for.
PNG_LEVEL, PNG_STRATEGY = 1, 3
# Measured on photographs, two processors, seconds a megapixel. WebP: 0.8 where the best takes 1.2 for 3 % fewer bytes;
# AVIF: 0.9 against 2.6 for 3 %.
_WEBP_METHOD, _AVIF_SPEED = 2, 8
_STRIP_BYTES = 1 << 18
_ORIENTATION = 0x0112


class _Settings(NamedTuple):
    quality: int | None
    subsampling: str
    orientation: int


def encode_reduced(
    srgb_codes: CodeArray, format: str, quality: int | None = None, subsampling: str = "4:4:4", orientation: int = 1
) -> bytes:
    """Encode the reduced picture, tagged with an sRGB profile and without other metadata.

    Args:
        srgb_codes: (height, width, 3) uint8.
        format: "jpeg", "png", "tiff", "webp", "avif" or "jxl".
        quality: 1 to 100, for the lossy formats; None is the format's own default (`DEFAULT_QUALITY`), which is
            lossless for WebP and JPEG XL. PNG and TIFF are lossless whatever it says.
        subsampling: Of the colour of a JPEG or AVIF: "4:4:4", "4:2:2" or "4:2:0".
        orientation: How to turn the picture for display, 1 to 8 as in EXIF, for AVIF and
            JPEG XL, whose readers heed no EXIF.

    Raises:
        UsageError: An unknown format or setting, or a picture larger than the format holds.
    """
    if format not in _ENCODERS:
        raise UsageError(f"a reduced picture cannot be {title(format)}; name it .jpg or .png.")
    if subsampling not in _SUBSAMPLINGS:
        raise UsageError(f"unknown subsampling {subsampling}; use one of {', '.join(_SUBSAMPLINGS)}.")
    if quality is not None and not 1 <= quality <= 100:
        raise UsageError(f"quality {quality} is not between 1 and 100.")
    check_side("this picture", format, *srgb_codes.shape[:2])
    quality = DEFAULT_QUALITY.get(format) if quality is None else quality
    return _ENCODERS[format](np.ascontiguousarray(srgb_codes), _Settings(quality, subsampling, orientation))


def check_side(name: StrPath, format: str, height: int, width: int) -> None:
    """Refuse a picture that is larger than its format holds.

    Args:
        name: The file, for the message of an error.
        format: As in `encode_reduced`.
        height: In pixels.
        width: In pixels.

    Raises:
        UsageError: It is.
    """
    limit = _MAX_SIDE.get(format)
    if limit and max(height, width) > limit:
        other = ".png" if format != "png" and max(height, width) <= _MAX_SIDE["png"] else ".tif"
        raise UsageError(
            f"{os.fspath(name)}: {title(format)} holds at most {limit} pixels a side; name the picture {other}."
        )


def lossy_quality(format: str, quality: int | None) -> int | None:
    """Return the quality that a format works at where it loses something; None where it keeps every code.

    Args:
        format: As in `encode_reduced`.
        quality: 1 to 100; None is the format's default.
    """
    if format in ("png", "tiff") or (format == "jxl" and quality == 100):
        return None
    return DEFAULT_QUALITY.get(format) if quality is None else quality


def _encode_jpeg(codes: CodeArray, settings: _Settings) -> bytes:
    import imagecodecs

    sampling = _SUBSAMPLINGS[settings.subsampling]
    if codes.size // 3 >= jpeg_pieces.LARGE:
        return _tag(jpeg_pieces.encode_in_pieces(codes, settings.quality or DEFAULT_QUALITY["jpeg"], sampling))
    return _tag(imagecodecs.jpeg8_encode(codes, level=settings.quality, subsampling=sampling, optimize=True))


def _encode_png(codes: CodeArray, settings: _Settings) -> bytes:
    import imagecodecs

    data = imagecodecs.png_encode(codes, level=PNG_LEVEL, strategy=PNG_STRATEGY)
    return png.with_chunks(data, [profile_chunk(SRGB)])


def _encode_tiff(codes: CodeArray, settings: _Settings) -> bytes:
    import tifffile

    stream = io.BytesIO()
    tifffile.imwrite(
        stream,
        codes,
        photometric="rgb",
        compression="zlib",
        predictor=True,
        rowsperstrip=max(1, _STRIP_BYTES // (3 * codes.shape[1])),
        iccprofile=write_profile(SRGB),
        software=False,
        metadata=None,
    )
    return stream.getvalue()


def _encode_webp(codes: CodeArray, settings: _Settings) -> bytes:
    import imagecodecs

    lossless = settings.quality is None
    level, method = (50, _WEBP_METHOD) if lossless else (settings.quality, 4)
    try:
        # The bytes that Pillow makes, which copies the pixels twice on the way.
        data = bytes(imagecodecs.webp_encode(codes, level=level, method=method, lossless=lossless))
    except (imagecodecs.WebpError, ImportError) as error:
        # Of a picture whose size was checked, the import fails when there is no memory for it.
        if is_of_memory(error) or "ImportRGB" in str(error):
            raise MemoryError(str(error)) from error
        raise UsageError(f"this installation cannot write WEBP ({error}); name the picture .jpg or .png.") from error
    return webp.with_profile(data, write_profile(SRGB))


def _encode_avif(codes: CodeArray, settings: _Settings) -> bytes:
    exif = {}
    if settings.orientation != 1:
        # Pillow turns this tag into the file's own orientation and writes no EXIF.
        exif = {"exif": make_block({_ORIENTATION: settings.orientation}, {})}
    return _encode_with_pillow(
        codes, "AVIF", quality=settings.quality, subsampling=settings.subsampling, speed=_AVIF_SPEED, **exif
    )


def _encode_jxl(codes: CodeArray, settings: _Settings) -> bytes:
    import imagecodecs

    from gamutcli.images import jxl

    quality = lossy_quality("jxl", settings.quality)
    if quality is None:
        data = jxl.encode_lossless(codes)
    else:
        with encoding_jxl(codes.size // 3):
            data = bytes(imagecodecs.jpegxl_encode(codes, distance=_jxl_distance(quality), effort=jxl.EFFORT))
    return jxl.rewrite(data, SRGB, settings.orientation)


def _jxl_distance(quality: int) -> float:
    """Translate the quality that people know from JPEG to JPEG XL's distance.

    Source: libjxl, JxlEncoderDistanceFromQuality.
    """
    if quality >= 30:
        return 0.1 + (100 - quality) * 0.09
    return 53 / 3000 * quality**2 - 23 / 20 * quality + 25


def _encode_with_pillow(codes: CodeArray, format: str, **settings: Any) -> bytes:
    from PIL import Image

    stream = io.BytesIO()
    try:
        Image.fromarray(codes).save(stream, format, icc_profile=write_profile(SRGB), **settings)
    except (KeyError, OSError, ValueError) as error:  # KeyError: this Pillow was built without the format
        if is_of_memory(error):
            raise MemoryError(str(error)) from error
        raise UsageError(
            f"this installation cannot write {format} ({error}); name the picture .jpg or .png."
        ) from error
    return stream.getvalue()


def _tag(jpeg: bytes | bytearray) -> bytes:
    """Put an sRGB profile behind the JFIF segment that the encoder writes first."""
    end = 4 + int.from_bytes(jpeg[4:6], "big")
    body = _ICC_APP2 + write_profile(SRGB)
    return b"".join([jpeg[:end], b"\xff\xe2", (len(body) + 2).to_bytes(2, "big"), body, jpeg[end:]])


_ENCODERS = {
    "jpeg": _encode_jpeg,
    "png": _encode_png,
    "tiff": _encode_tiff,
    "webp": _encode_webp,
    "avif": _encode_avif,
    "jxl": _encode_jxl,
}
