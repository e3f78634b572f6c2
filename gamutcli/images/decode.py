"""Decode the reduced picture, as every viewer does, whatever became of it on its way."""

from __future__ import annotations

import io

import numpy as np

from gamutcli.arrays import Code16Array, CodeArray
from gamutcli.errors import InputError
from gamutcli.images import jxl
from gamutcli.images.files import damaged, jpeg_header, png_header
from gamutcli.images.heif import depth_of
from gamutcli.images.kinds import HEAD, sniff, title
from gamutcli.images.picture import check_size
from gamutcli.images.tiff import read_tiff


def decode_reduced(data: bytes, name: str = "this picture") -> CodeArray:
    """Decode an 8-bit picture as every viewer does, without colour conversion or rotation.

    What another program made of it on the way is undone where nothing is lost: grey and palette become RGB, an
    opaque alpha channel goes, 16 bits become 8.

    Args:
        data: A whole JPEG, PNG, TIFF, WebP, AVIF or JPEG XL file.
        name: The file, for the message of an error.

    Returns:
        (height, width, 3) uint8.

    Raises:
        InputError: Another format, CMYK, transparency, damaged or cut short, absurdly large.
    """
    kind = sniff(data[:HEAD])
    if kind not in _DECODERS:
        raise InputError(
            f"{name}: is {title(kind) if data else 'empty'}; a JPEG, PNG, TIFF, WebP, AVIF or JPEG XL is needed."
        )
    return _DECODERS[kind](data, name)


def _decode_jpeg(data: bytes, name: str) -> CodeArray:
    import imagecodecs

    header = jpeg_header(name, data)
    check_size(name, header.width, header.height)
    if header.depth != 8:
        raise InputError(f"{name}: is a JPEG of {header.depth} bits; a JPEG of 8 bits is needed.")
    if header.channels not in (1, 3):
        raise InputError(f"{name}: is CMYK; a payload belongs to an RGB picture.")
    try:
        codes = imagecodecs.jpeg8_decode(data)
    except (imagecodecs.Jpeg8Error, ValueError) as error:
        raise damaged(name, "JPEG") from error
    return _rgb(codes, name)


def _decode_png(data: bytes, name: str) -> CodeArray:
    import imagecodecs

    header = png_header(name, data)
    check_size(name, header.width, header.height)
    try:
        codes = imagecodecs.png_decode(data)
    except (imagecodecs.PngError, ValueError) as error:
        raise damaged(name, "PNG") from error
    return _rgb(_narrowed(codes) if codes.dtype == np.uint16 else codes, name)


def _narrowed(codes: Code16Array, white: int = 65535) -> CodeArray:
    """Round codes of up to 16 bits, 0 to `white`, to 8 bits."""
    return ((codes.astype(np.uint32) * 255 + white // 2) // white).astype(np.uint8)


def _rgb(codes: CodeArray, name: str) -> CodeArray:
    """Turn grey, grey with alpha, RGB or RGB with alpha into RGB."""
    pixels = codes if codes.ndim == 3 else codes[..., None]
    if pixels.shape[2] in (2, 4):
        if pixels[..., -1].min() < 255:
            raise InputError(f"{name}: is transparent in places; flatten it first.")
        pixels = pixels[..., :-1]
    if pixels.shape[2] == 1:
        pixels = np.repeat(pixels, 3, axis=2)
    return np.ascontiguousarray(pixels)


def _decode_tiff(data: bytes, name: str) -> CodeArray:
    codes, _, _ = read_tiff(io.BytesIO(data), name)
    return _narrowed(codes)


def _decode_webp(data: bytes, name: str) -> CodeArray:
    import imagecodecs

    try:
        codes = imagecodecs.webp_decode(data)  # the format ends at 16383 pixels a side
    except (imagecodecs.WebpError, ValueError) as error:
        raise damaged(name, "WebP") from error
    return _rgb(codes, name)


def _decode_avif(data: bytes, name: str) -> CodeArray:
    import imagecodecs

    depth = depth_of(data, name)
    try:
        codes = imagecodecs.avif_decode(data)  # libavif refuses more than 16384 x 16384 pixels
    except (imagecodecs.AvifError, ValueError) as error:
        raise damaged(name, "AVIF") from error
    if codes.ndim == 4:
        raise InputError(f"{name}: is a sequence of pictures; one is needed.")
    return _rgb(_narrowed(codes, (1 << depth) - 1) if codes.dtype == np.uint16 else codes, name)


def _decode_jxl(data: bytes, name: str) -> CodeArray:
    import imagecodecs

    check_size(name, *jxl.size_of(data, name))
    try:
        codes = imagecodecs.jpegxl_decode(data, keeporientation=True)
    except (imagecodecs.JpegxlError, ValueError) as error:
        raise damaged(name, "JPEG XL") from error
    if codes.dtype not in (np.uint8, np.uint16) or codes.ndim > 3:
        raise InputError(f"{name}: is a JPEG XL of {codes.dtype}, {codes.shape}; one picture of 8 bits is needed.")
    return _rgb(_narrowed(codes) if codes.dtype == np.uint16 else codes, name)


_DECODERS = {
    "jpeg": _decode_jpeg,
    "png": _decode_png,
    "tiff": _decode_tiff,
    "webp": _decode_webp,
    "avif": _decode_avif,
    "jxl": _decode_jxl,
}
