"""Write the ICC profiles of the spaces we know."""

from __future__ import annotations

import hashlib
import struct

import numpy as np

from gamutcli.arrays import DoubleArray
from gamutcli.color.icc.profile import PCS_WHITE, PCS_WHITE_XY, matrix_to_pcs
from gamutcli.color.spaces import SRGB, RGBSpace, TransferCurve, adaptation_matrix, xy_to_xyz


def write_profile(space: RGBSpace) -> bytes:
    """Make the profile of a known space.

    sRGB is of version 2 with a table of 1024 points, which everything opens; the others are of version 4 with exact
    parametric curves.

    Args:
        space: One of ``gamutcli.color.spaces.SPACES``.

    Returns:
        The profile; always the same bytes for the same space.
    """
    old = space == SRGB
    text = _old_text if old else _text
    curve = _curve_tag(space.curve, sampled=old)
    colorants = _rounded_to_white(matrix_to_pcs(space))
    tags = {
        b"desc": _old_description(space.title) if old else _text(space.title),
        b"cprt": text("Public domain"),
        b"wtpt": _fixed_tag(b"XYZ ", np.array(PCS_WHITE)),
        b"rXYZ": _fixed_tag(b"XYZ ", colorants[:, 0]),
        b"gXYZ": _fixed_tag(b"XYZ ", colorants[:, 1]),
        b"bXYZ": _fixed_tag(b"XYZ ", colorants[:, 2]),
        b"rTRC": curve,
        b"gTRC": curve,
        b"bTRC": curve,
    }
    if np.abs(xy_to_xyz(space.white) - PCS_WHITE).max() > 0.001:
        tags[b"chad"] = _fixed_tag(b"sf32", adaptation_matrix(space.white, PCS_WHITE_XY, "bradford"))
    return _assemble(tags, version=0x02400000 if old else 0x04300000)


def _assemble(tags: dict[bytes, bytes], version: int) -> bytes:
    """Lay out header, tag table and tags; equal tags share their bytes."""
    body, table, places = b"", struct.pack(">I", len(tags)), dict[bytes, int]()
    for name, tag in tags.items():
        if tag not in places:
            places[tag] = 132 + 12 * len(tags) + len(body)
            body += tag + bytes(-len(tag) % 4)
        table += struct.pack(">4sII", name, places[tag], len(tag))
    # A fixed date, so that equal spaces give equal bytes.
    header = struct.pack(
        ">I4xI4s4s4s6H4s28x3i48x",
        128 + len(table) + len(body),
        version,
        b"mntr",
        b"RGB ",
        b"XYZ ",
        *(2025, 1, 1, 0, 0, 0),
        b"acsp",
        *_to_fixed(np.array(PCS_WHITE)),
    )
    profile = header + table + body
    if version < 0x04000000:
        return profile
    # Section 7.2.18: taken while flags, intent and the ID itself are zero, as they are here.
    return profile[:84] + hashlib.md5(profile, usedforsecurity=False).digest() + profile[100:]


def _to_fixed(values: DoubleArray) -> list[int]:
    return [round(value * 65536) for value in values.ravel().tolist()]


def _fixed_tag(kind: bytes, values: DoubleArray) -> bytes:
    return struct.pack(f">4s4x{values.size}i", kind, *_to_fixed(values))


def _rounded_to_white(matrix: DoubleArray) -> DoubleArray:
    """Round to s15Fixed16 so that the columns add up to the rounded white: grey must stay grey."""
    fixed = np.rint(matrix * 65536)
    fixed[:, 1] += _to_fixed(np.array(PCS_WHITE)) - fixed.sum(axis=1)
    return fixed / 65536


def _curve_tag(curve: TransferCurve, sampled: bool) -> bytes:
    if sampled:
        samples = np.rint(curve.decode(np.linspace(0, 1, 1024)) * 65535).astype(">u2")
        return struct.pack(">4s4xI", b"curv", samples.size) + samples.tobytes()
    if not curve.slope:
        values, kind = [curve.gamma], 0
    else:
        values, kind = [curve.gamma, curve.a, curve.b, curve.slope, curve.break_], 3
    return struct.pack(">4s4xH2x", b"para", kind) + struct.pack(f">{len(values)}i", *_to_fixed(np.array(values)))


def _text(text: str) -> bytes:
    encoded = text.encode("utf-16-be")
    return struct.pack(">4s4xII2s2sII", b"mluc", 1, 12, b"en", b"US", len(encoded), 28) + encoded


def _old_text(text: str) -> bytes:
    return b"text" + bytes(4) + text.encode("ascii") + b"\0"


def _old_description(text: str) -> bytes:
    """A textDescriptionType: the ASCII text, and no Unicode or ScriptCode one."""
    ascii_text = text.encode("ascii") + b"\0"
    return struct.pack(">4s4xI", b"desc", len(ascii_text)) + ascii_text + bytes(4 + 4 + 2 + 1 + 67)
