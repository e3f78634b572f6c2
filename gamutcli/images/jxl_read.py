"""Read a JPEG XL of up to 16 bits or of floating point, whatever way it says its colours in."""

from __future__ import annotations

from gamutcli.color.icc import Profile, profile_of
from gamutcli.color.spaces import SRGB
from gamutcli.containers import jxl
from gamutcli.errors import InputError
from gamutcli.images.channels import Samples, picture_of, without_channels
from gamutcli.images.claims import check_jxl
from gamutcli.images.files import damaged, decoding
from gamutcli.images.jxl_bits import BitReader
from gamutcli.images.jxl_header import OUTPUT, Header, rename_colors, space_named
from gamutcli.images.jxl_icc import decode_profile, read_stream
from gamutcli.images.picture import EIGHT_BITS, Picture
from gamutcli.images.reading import Reading, choose
from gamutcli.metadata import read_metadata, upright_metadata


def read_jxl(name: str, data: bytes, reading: Reading) -> Picture:
    """Read a JPEG XL, turned upright; of an animation, the picture that was chosen.

    Raises:
        InputError: It is damaged or cut short, absurdly large, CMYK, HDR, or does not say its colours.
    """
    import imagecodecs

    header = check_jxl(name, data)
    codestream = jxl.whole_codestream(data)
    _check_samples(name, header)
    if not header.is_animated:
        choose(name, reading, 1)
    elif reading.page is None:
        raise InputError(f"{name}: is an animation; choose one of its pictures with --page N.")
    meaning, decodable = _meaning(name, data, codestream, header)
    with decoding(name, "JPEG XL"):
        codes = imagecodecs.jpegxl_decode(decodable, (reading.page or 1) - 1 if header.is_animated else None)
    shape = codes.shape[:2]
    if shape not in ((header.height, header.width), (header.width, header.height)) or codes.ndim > 3:
        raise damaged(name, "JPEG XL")
    is_renamed = decodable is not data
    white = 1 if header.is_float and not is_renamed else (1 << (16 if is_renamed else header.depth)) - 1
    alpha = next((channel for channel in header.channels if channel.is_alpha), None)
    samples = Samples(
        codes,
        white,
        "grey" if header.colors.is_grey else "rgb",
        None if alpha is None else "associated" if alpha.is_associated else "straight",
    )
    # The decoder gives no other channels than those of colours and the first of transparency.
    left_out = len(header.channels) - (alpha is not None)
    notes: tuple[str, ...] = (without_channels(left_out),) if left_out else ()
    if is_renamed and header.depth == 8 and not header.colors.is_grey:
        notes += (EIGHT_BITS,)
    return picture_of(name, samples, meaning, upright_metadata(read_metadata(data)), reading, notes)


def _check_samples(name: str, header: Header) -> None:
    if any(channel.is_black for channel in header.channels):
        raise InputError(f"{name}: is CMYK; convert it to 16-bit RGB.")
    if header.depth > 16 and not header.is_float:
        raise InputError(f"{name}: its samples are {header.depth} bits; convert it to 16 bits.")


def _meaning(name: str, data: bytes, codestream: bytes, header: Header) -> tuple[bytes | Profile, bytes]:
    """Find out what the codes mean that a decoder gives, and of which bytes it gives them.

    In the codec's own space colours are absolute, and any profile only says what they once were stored in: as the
    decoder does not follow profiles, it is asked for a space that holds all colours.
    """
    if not header.colors.has_profile:
        space = space_named(name, header.colors)
        if space is not None:
            return profile_of(space), data
        if not header.is_xyb:
            raise InputError(f"{name}: does not say its colours in a way that is known here; export it as a TIFF.")
    bits = BitReader(codestream, header.end)
    with decoding(name, "JPEG XL"):
        try:
            coded = read_stream(bits) if header.colors.has_profile else b""
        except NotImplementedError as error:
            raise InputError(
                f"{name}: its ICC profile is coded in a way that is not read here; export it as a 16-bit TIFF or PNG."
            ) from error
        if not header.is_xyb:
            return decode_profile(coded), data
        wide = rename_colors(codestream, header, bits.at)
    return profile_of(SRGB if header.colors.is_grey else OUTPUT), wide
