"""Read an AVIF, 8 to 12 bits, with the colours that it says its pixels mean."""

from __future__ import annotations

import struct

import numpy as np

from gamutcli.arrays import Code16Array
from gamutcli.color.cicp import named_space
from gamutcli.color.icc import Profile, profile_of, read_profile
from gamutcli.containers import bmff
from gamutcli.errors import InputError
from gamutcli.images.files import damaged
from gamutcli.images.picture import EIGHT_BITS, Picture, turned
from gamutcli.metadata import read_metadata, upright

# Quarter turns against the clock, as EXIF's Orientation.
_ORIENTATIONS = {0: 1, 1: 8, 2: 3, 3: 6}


def read_avif(name: str, data: bytes) -> Picture:
    """Read a wide-gamut AVIF; its samples are widened to 16 bits, and it is turned upright.

    Raises:
        InputError: Anything but one RGB picture whose colours are known.
    """
    import imagecodecs

    properties = dict(reversed(_properties(data, name)))
    for kind, what in ((b"clap", "is cropped by its header"), (b"imir", "is mirrored by its header")):
        if kind in properties:
            raise InputError(f"{name}: {what}, which is not followed here; export it as a 16-bit TIFF.")
    profile = _profile(name, _properties(data, name))
    depth = depth_of(data, name)
    try:
        codes = imagecodecs.avif_decode(data)  # libavif refuses more than 16384 x 16384 pixels
    except MemoryError as error:
        raise InputError(f"{name}: does not fit into memory; split it into parts.") from error
    except (imagecodecs.AvifError, ValueError) as error:
        raise damaged(name, "AVIF") from error
    if codes.ndim != 3 or codes.shape[2] != 3:
        raise InputError(f"{name}: is not one plain RGB picture, but {codes.shape}; flatten it to RGB without alpha.")
    white = (1 << depth) - 1
    wide: Code16Array = ((codes.astype(np.uint32) * 65535 + white // 2) // white).astype(np.uint16)
    # Readers of AVIF heed its own turn, and not that of EXIF.
    orientation = _ORIENTATIONS[properties.get(b"irot", b"\0")[0] & 3]
    notes = (EIGHT_BITS,) if depth == 8 else ()
    return Picture(turned(wide, orientation), profile, upright(read_metadata(data)), notes)


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
