"""Decode the reduced picture, as every viewer does, whatever became of it on its way."""

from __future__ import annotations

import io

import numpy as np

from gamutcli.arrays import CodeArray
from gamutcli.errors import InputError
from gamutcli.images.channels import Samples, is_opaque, samples_of, to_8_bits
from gamutcli.images.claims import check_avif, check_jpeg, check_jxl, check_png, check_webp
from gamutcli.images.files import decoding, jpeg_header, png_header
from gamutcli.images.identify import HEAD, sniff, title
from gamutcli.images.jpeg_pieces import decode_in_pieces
from gamutcli.images.picture import check_size
from gamutcli.images.silence import silenced
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
    format = sniff(data[:HEAD])
    if format not in _DECODERS:
        raise InputError(
            f"{name}: is {title(format) if data else 'empty'}; a JPEG, PNG, TIFF, WebP, AVIF or JPEG XL is needed."
        )
    return _DECODERS[format](data, name)


def _decode_jpeg(data: bytes, name: str) -> CodeArray:
    import imagecodecs

    header = jpeg_header(name, data)
    check_size(name, header.width, header.height)
    if header.depth != 8:
        raise InputError(f"{name}: is a JPEG of {header.depth} bits; a JPEG of 8 bits is needed.")
    if header.channels not in (1, 3):
        raise InputError(f"{name}: is CMYK; a payload belongs to an RGB picture.")
    check_jpeg(name, data)
    with decoding(name, "JPEG"):
        codes = decode_in_pieces(data)
        if codes is None:
            codes = imagecodecs.jpeg8_decode(data)
    return _rgb(samples_of(codes), name)


def _decode_png(data: bytes, name: str) -> CodeArray:
    import imagecodecs

    header = png_header(name, data)
    check_size(name, header.width, header.height)
    check_png(name, data, header.width, header.height, header.bits)
    with decoding(name, "PNG"), silenced():
        codes = imagecodecs.png_decode(data)
    return _rgb(samples_of(codes), name)


def _rgb(samples: Samples, name: str) -> CodeArray:
    """Turn grey, grey with alpha, RGB or RGB with alpha into RGB of 8 bits."""
    if samples.mode not in ("grey", "rgb"):
        raise InputError(f"{name}: is {samples.mode}; a payload belongs to an RGB picture.")
    if samples.codes.dtype.kind == "f":
        raise InputError(f"{name}: is Lab or of floating point; a payload belongs to an RGB picture of 8 bits.")
    if not is_opaque(samples):
        raise InputError(f"{name}: is transparent in places; flatten it first.")
    pixels = samples.codes if samples.codes.ndim == 3 else samples.codes[..., None]
    narrow = to_8_bits(pixels[..., : samples.colors], samples.white)
    return np.repeat(narrow, 3, axis=2) if samples.mode == "grey" else narrow


def _decode_tiff(data: bytes, name: str) -> CodeArray:
    samples, _, _ = read_tiff(io.BytesIO(data), name)
    return _rgb(samples, name)


def _decode_webp(data: bytes, name: str) -> CodeArray:
    import imagecodecs

    check_webp(name, data)
    with decoding(name, "WebP"):
        codes = imagecodecs.webp_decode(data)  # the format ends at 16383 pixels a side
    return _rgb(samples_of(codes), name)


def _decode_avif(data: bytes, name: str) -> CodeArray:
    import imagecodecs

    from gamutcli.images.heif import depth_of

    depth = depth_of(data, name)
    needed = check_avif(name, data)
    with decoding(name, "AVIF", needed):
        codes = imagecodecs.avif_decode(data)  # libavif refuses more than 16384 x 16384 pixels
    return _rgb(samples_of(codes, (1 << depth) - 1), name)


def _decode_jxl(data: bytes, name: str) -> CodeArray:
    import imagecodecs

    header = check_jxl(name, data)
    if header.is_animated:
        raise InputError(f"{name}: is an animation; one picture is needed.")
    with decoding(name, "JPEG XL"):
        codes = imagecodecs.jpegxl_decode(data, keeporientation=True)
    if codes.dtype not in (np.uint8, np.uint16) or codes.ndim > 3:
        raise InputError(f"{name}: is a JPEG XL of {codes.dtype}, {codes.shape}; one picture of 8 bits is needed.")
    return _rgb(samples_of(codes, (1 << header.depth) - 1), name)


_DECODERS = {
    "jpeg": _decode_jpeg,
    "png": _decode_png,
    "tiff": _decode_tiff,
    "webp": _decode_webp,
    "avif": _decode_avif,
    "jxl": _decode_jxl,
}
