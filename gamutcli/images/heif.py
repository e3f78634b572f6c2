"""Read an AVIF, or a HEIC through pi-heif, of 8 to 12 bits, with the colours that it says its pixels mean."""

from __future__ import annotations

import struct
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gamutcli.color.cicp import named_space
from gamutcli.color.icc import Profile, profile_of, read_profile
from gamutcli.containers import bmff
from gamutcli.errors import InputError
from gamutcli.images.channels import picture_of, presumed_srgb, samples_of
from gamutcli.images.claims import check_avif, check_plain
from gamutcli.images.files import damaged, decoding
from gamutcli.images.picture import COARSE_COLORS, Picture, check_size, turn
from gamutcli.images.reading import Reading, choose
from gamutcli.metadata import read_metadata, upright_metadata

# Quarter turns against the clock, as EXIF's Orientation.
_ORIENTATIONS = {0: 1, 1: 8, 2: 3, 3: 6}
# Exchanged: above and below, or left and right.
_MIRRORED = {0: 4, 1: 2}

_BYTES = 12  # of memory a pixel that decoding a HEIC takes, about


def read_avif(name: str, data: bytes, reading: Reading) -> Picture:
    """Read a wide-gamut AVIF; its samples are widened to 16 bits, and it is turned upright.

    Raises:
        InputError: Anything but one RGB picture whose colours are known.
    """
    import imagecodecs

    choose(name, reading, 1)
    properties = _properties(data, name)
    needed = check_avif(name, data)
    profile = _profile(name, properties)
    depth = depth_of(data, name)
    with decoding(name, "AVIF", needed):
        codes = imagecodecs.avif_decode(data)  # libavif refuses more than 16384 x 16384 pixels
    shown = _as_shown(name, codes, properties)
    # Readers of AVIF heed its own turn, and not that of EXIF.
    notes = (COARSE_COLORS,) if _is_subsampled(properties) else ()
    return picture_of(
        name, samples_of(shown, (1 << depth) - 1), profile, upright_metadata(read_metadata(data)), reading, notes
    )


def _is_subsampled(properties: list[tuple[bytes, bytes]]) -> bool:
    """Tell whether an AVIF in colour holds fewer of these than pixels.

    Source: AV1 Codec ISO Media File Format Binding, 2.3.3 (monochrome, chroma_subsampling_x).
    """
    return any(kind == b"av1C" and len(body) >= 4 and body[2] & 0x18 == 0x08 for kind, body in properties)


def read_heic(name: str, data: bytes, reading: Reading) -> Picture:
    """Read a HEIC or HIF: its primary picture, unless another is chosen, as its header has it cropped and turned.

    Raises:
        InputError: pi-heif is not installed, the file is damaged, or its colours are not known.
    """
    if _is_avif(data):
        return read_avif(name, data, reading)
    try:
        import pi_heif
    except ImportError as error:
        raise InputError(
            f"{name}: is a HEIC; export it as a 16-bit TIFF with its profile, or have it read: pip install pi-heif"
        ) from error
    properties = _properties(data, name)
    needed = 0
    for kind, body in properties:
        if kind == b"ispe" and len(body) >= 12:
            width, height = struct.unpack_from(">II", body, 4)
            check_size(name, width, height)
            check_plain(name, "HEIC", width, height, len(data))
            needed = max(needed, _BYTES * width * height)
    profile = _profile(name, properties)
    with decoding(name, "HEIC", needed):
        file = pi_heif.open_heif(data, convert_hdr_to_8bit=False, hdr_to_16bit=False)
        if not len(file):
            raise ValueError("no picture could be read")
        at = file.primary_index if reading.page is None else choose(name, reading, len(file))
        picture = file[at]
        codes = np.asarray(picture)
    samples = samples_of(codes, (1 << picture.info["bit_depth"]) - 1)
    if samples.alpha and picture.premultiplied_alpha:
        samples = replace(samples, alpha="associated")
    notes = _left_out(file, picture) + ((COARSE_COLORS,) if picture.info.get("chroma") in (420, 422) else ())
    if not any(kind == b"colr" for kind, _ in properties):
        profile, presumed = presumed_srgb(reading)
        notes += presumed
    return picture_of(name, samples, profile, upright_metadata(read_metadata(data)), reading, notes)


def _is_avif(data: bytes) -> bool:
    """Tell an AVIF whose first brand is a general one."""
    brands = data[8 : int.from_bytes(data[:4], "big")]
    return b"avif" in brands and b"heic" not in brands


def _left_out(file: Any, picture: Any) -> tuple[str, ...]:
    """Tell of what stands beside a picture in its HEIC; of a gain map, the reader of metadata does."""
    notes: tuple[str, ...] = ()
    further = len(file) - 1
    if further:
        what = "the other picture in the file was" if further == 1 else f"{further} other pictures in the file were"
        notes += (f"{what} left out; --page N chooses one",)
    if picture.info["depth_images"]:
        notes += ("its map of depth was left out",)
    return notes


def _as_shown(name: str, codes: NDArray[Any], properties: list[tuple[bytes, bytes]]) -> NDArray[Any]:
    """Crop, turn and mirror a picture as its properties ask for, one after the other.

    Source: ISO/IEC 14496-12, 12.1.4 (clap); ISO/IEC 23008-12, 6.5.10 (irot) and 6.5.12 (imir).
    """
    for kind, body in properties:
        if kind == b"clap":
            codes = _crop(name, codes, body)
        elif kind == b"irot" and body:
            codes = turn(codes, _ORIENTATIONS[body[0] & 3])
        elif kind == b"imir" and body:
            codes = turn(codes, _MIRRORED[body[0] & 1])
    return codes


def _crop(name: str, codes: NDArray[Any], body: bytes) -> NDArray[Any]:
    """Cut out what a clean aperture leaves: its size and how far its middle is off, all as fractions."""
    try:
        numbers = struct.unpack_from(">II II iI iI", body)
        wide, high, right, down = (Fraction(*numbers[at : at + 2]) for at in range(0, 8, 2))
    except (struct.error, ZeroDivisionError) as error:
        raise damaged(name, "AVIF") from error
    height, width = codes.shape[:2]
    left, top = (width - wide) / 2 + right, (height - high) / 2 + down
    whole = all(number.denominator == 1 for number in (wide, high, left, top))
    if not whole or left < 0 or top < 0 or left + wide > width or top + high > height or not wide or not high:
        raise InputError(f"{name}: is cropped by its header to parts of pixels; export it as a 16-bit TIFF.")
    return codes[int(top) : int(top + high), int(left) : int(left + wide)]


def _profile(name: str, properties: list[tuple[bytes, bytes]]) -> Profile | None:
    """Find out what the codes mean: an ICC profile comes before numbers."""
    colours = [body for kind, body in properties if kind == b"colr"]
    for body in colours:
        if body[:4] in (b"prof", b"rICC"):
            return read_profile(body[4:], name)
    for body in colours:
        if body[:4] == b"nclx" and len(body) >= 8:
            primaries, transfer = struct.unpack_from(">HH", body, 4)
            space = named_space(name, primaries, transfer)
            if space is None and (primaries, transfer) != (2, 2):  # 2: unspecified
                raise InputError(
                    f"{name}: its colours (H.273: primaries {primaries}, transfer {transfer}) are not known here; "
                    "export it as a 16-bit ProPhoto TIFF."
                )
            return None if space is None else profile_of(space)
    return None


def depth_of(data: bytes, name: str) -> int:
    """Return the bits of one sample.

    Raises:
        InputError: Damaged, or a picture made of others, whose parts alone know.
    """
    for kind, body in _properties(data, name):
        if kind == b"av1C" and len(body) >= 4:
            # Two flags behind profile and level: more than 8 bits, and more than 10.
            return 8 if not body[2] & 0x40 else 12 if body[2] & 0x20 else 10
        if kind == b"pixi" and len(body) >= 6:
            return body[5]
    raise InputError(f"{name}: does not say how many bits its pixels have; save it again.")


def _properties(data: bytes, name: str) -> list[tuple[bytes, bytes]]:
    try:
        return bmff.properties(data)
    except InputError as error:
        raise damaged(name, "AVIF") from error
