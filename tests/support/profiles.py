"""ICC profiles as other programs make them, built by hand so that reading is not tested against our own writing."""

from __future__ import annotations

import struct
from collections.abc import Callable

import numpy as np

from gamutcli.arrays import DoubleArray


def fixed(*values: float) -> bytes:
    return struct.pack(f">{len(values)}i", *(round(value * 65536) for value in values))


def gamma_curve(gamma: float) -> bytes:
    """A curveType with one entry, a u8Fixed8 number."""
    return b"curv" + bytes(4) + struct.pack(">IH", 1, round(gamma * 256))


def table_curve(samples: list[int]) -> bytes:
    return b"curv" + bytes(4) + struct.pack(f">I{len(samples)}H", len(samples), *samples)


def para_curve(kind: int, *values: float) -> bytes:
    return b"para" + bytes(4) + struct.pack(">H2x", kind) + fixed(*values)


def desc(text: str) -> bytes:
    return b"desc" + bytes(4) + struct.pack(">I", len(text) + 1) + text.encode() + bytes(1 + 78)


def matrix_tags(matrix: DoubleArray, curve: bytes, description: bytes = desc("a test")) -> dict[bytes, bytes]:
    colorants = [b"XYZ " + bytes(4) + fixed(*column) for column in matrix.T]
    return {
        b"desc": description,
        **dict(zip((b"rXYZ", b"gXYZ", b"bXYZ"), colorants, strict=True)),
        **dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve),
    }


def profile_of(
    tags: dict[bytes, bytes],
    version: int = 0x02400000,
    kind: bytes = b"mntr",
    space: bytes = b"RGB ",
    pcs: bytes = b"XYZ ",
) -> bytes:
    """A profile with the given tags."""
    start = 132 + 12 * len(tags)
    table, body = struct.pack(">I", len(tags)), b""
    for name, tag in tags.items():
        table += struct.pack(">4sII", name, start + len(body), len(tag))
        body += tag + bytes(-len(tag) % 4)
    header = struct.pack(">I4xI4s4s4s12x4s", start + len(body), version, kind, space, pcs, b"acsp")
    white = fixed(0.9642, 1.0, 0.8249)
    return header.ljust(68, b"\0") + white + bytes(128 - 80) + table + body


def lut16(channels: int, points: int, to_lab: Callable[[DoubleArray], DoubleArray]) -> bytes:
    """A table of lut16Type to Lab, with straight curves.

    Args:
        channels: Of the codes.
        points: Along each side of the table.
        to_lab: (n, channels) codes from 0 to 1, to (n, 3) L*, a*, b*.

    Source: ICC.1:2001-04, section 6.5.7 and annex A: 100 is FF00 and no chroma 8000.
    """
    axes = np.meshgrid(*[np.linspace(0, 1, points)] * channels, indexing="ij")
    lab = to_lab(np.stack(axes, axis=-1).reshape(-1, channels))
    table = np.rint(np.stack([lab[:, 0] * 652.8, (lab[:, 1] + 128) * 256, (lab[:, 2] + 128) * 256], axis=-1))
    head = b"mft2" + bytes(4) + bytes([channels, 3, points, 0]) + fixed(1, 0, 0, 0, 1, 0, 0, 0, 1)
    straight = struct.pack(">2H", 0, 65535)
    return (
        head
        + struct.pack(">2H", 2, 2)
        + straight * channels
        + table.clip(0, 65535).astype(">u2").tobytes()
        + straight * 3
    )


def table_profile(channels: int, points: int, to_lab: Callable[[DoubleArray], DoubleArray]) -> bytes:
    """A profile of RGB or CMYK that is made of tables."""
    table = lut16(channels, points, to_lab)
    white = b"XYZ " + bytes(4) + fixed(0.9642, 1.0, 0.8249)
    tags = {b"desc": desc("a test of tables"), b"wtpt": white, b"A2B0": table, b"A2B1": table}
    return profile_of(tags, kind=b"prtr", space=b"RGB " if channels == 3 else b"CMYK", pcs=b"Lab ")
