"""Colours that a file names without an ICC profile: in chunks of PNG, or in Exif."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Mapping
from pathlib import Path

from gamutcli.arrays import StrPath
from gamutcli.color.cicp import UNSPECIFIED, named_space, space_of
from gamutcli.color.icc import MAX_PROFILE, Profile, profile_of, read_profile
from gamutcli.color.spaces import ADOBE_RGB, SRGB, RGBSpace, TransferCurve
from gamutcli.errors import InputError
from gamutcli.images.files import damaged
from gamutcli.images.tags import read_exif_tags
from gamutcli.metadata import Metadata

_COLOR_SPACE, _INTEROPERABILITY_INDEX = 0xA001, 1


def named_by_png(name: str, chunks: Mapping[bytes, bytes], is_grey: bool = False) -> Profile | None:
    """Find out what a PNG's codes mean: cICP comes before iCCP, that before sRGB, and that before gAMA and cHRM.

    Args:
        name: The file, for the message of an error.
        chunks: Its chunks by their type.
        is_grey: Whether the picture is.

    Raises:
        InputError: The picture is HDR, its profile cannot be used, or its colours are not known here.

    Source: PNG specification, third edition, section 4.3, "Colour spaces".
    """
    cicp = chunks.get(b"cICP", b"")
    if len(cicp) == 4 and cicp[2] == 0 and cicp[3] == 1:
        space = named_space(name, cicp[0], cicp[1])
        if space is not None:
            return profile_of(space)
    if b"iCCP" in chunks:
        compressed = chunks[b"iCCP"].partition(b"\0")[2][1:]
        try:
            data = zlib.decompressobj().decompress(compressed, MAX_PROFILE + 1)
        except zlib.error as error:
            raise damaged(name, "PNG") from error
        return read_profile(data, name, is_grey)
    if b"sRGB" in chunks:
        return profile_of(SRGB)
    if cicp and tuple(cicp[:2]) != (UNSPECIFIED, UNSPECIFIED):
        raise InputError(
            f"{name}: its colours (cICP: {', '.join(map(str, cicp))}) are not known here; export it as a 16-bit "
            "ProPhoto TIFF."
        )
    space = _of_gamma_and_chromaticities(chunks)
    return None if space is None else profile_of(space)


def _of_gamma_and_chromaticities(chunks: Mapping[bytes, bytes]) -> RGBSpace | None:
    """The space that gAMA and cHRM describe; None where one is missing, or describes none."""
    gamma, chromaticities = chunks.get(b"gAMA", b""), chunks.get(b"cHRM", b"")
    if len(gamma) != 4 or len(chromaticities) != 32:
        return None
    (exponent,) = struct.unpack(">I", gamma)
    white, red, green, blue = (
        (x / 100000, y / 100000) for x, y in zip(*[iter(struct.unpack(">8I", chromaticities))] * 2, strict=True)
    )
    (rx, ry), (gx, gy), (bx, by) = red, green, blue
    area = (gx - rx) * (by - ry) - (gy - ry) * (bx - rx)
    if not 1000 <= exponent <= 1000000 or not white[1] or abs(area) < 1e-4:
        return None
    curve = TransferCurve(100000 / exponent, source="gAMA of a PNG file")
    return space_of((red, green, blue), white, curve, "the space of its cHRM and gAMA chunks")


def named_by_exif(path: StrPath, metadata: Metadata) -> RGBSpace | None:
    """Find the space that Exif names: sRGB, or Adobe RGB by its interoperability index; None for no or another one.

    Args:
        path: The file, whose own tags are read where it is a TIFF.
        metadata: Of the file.

    Source: CIPA DC-008 (Exif 2.32), tag ColorSpace; DCF 2.0, optional colour space.
    """
    with Path(path).open("rb") as file:
        is_tiff = file.read(2) in (b"II", b"MM")
        if is_tiff:
            exif, interoperability = read_exif_tags(file)
        elif metadata.exif is not None:
            exif, interoperability = read_exif_tags(io.BytesIO(metadata.exif))
        else:
            return None
    color_space, index = exif.get(_COLOR_SPACE), interoperability.get(_INTEROPERABILITY_INDEX, b"")
    if color_space == 1:
        return SRGB
    if color_space == 2 or (isinstance(index, bytes) and index.startswith(b"R03")):
        return ADOBE_RGB
    return None
