"""ICC profiles: reading matrix/TRC profiles of RGB spaces, and writing those of the spaces we know.

A profile is believed in what it says about curves and colorants, never in its description.  Numbers of sections are
those of ICC.1:2022; version 2 profiles follow ICC.1:2001-04.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from gamutcli.arrays import DoubleArray, FloatArray
from gamutcli.color.spaces import (
    SPACES,
    SRGB,
    RGBSpace,
    TransferCurve,
    adaptation_matrix,
    rgb_to_rgb,
    rgb_to_xyz,
    xy_to_xyz,
)
from gamutcli.color.spaces import decoding_table as standard_table
from gamutcli.errors import InputError

# The white of the profile connection space (section 7.2.16), which D50's x and y give to four digits only.
PCS_WHITE = (0.9642, 1.0, 0.8249)
_PCS_WHITE_XY = (PCS_WHITE[0] / sum(PCS_WHITE), PCS_WHITE[1] / sum(PCS_WHITE))

# Published profiles round colorants to four digits; the nearest two known spaces differ by 0.08.
_COLORANT_TOLERANCE = 0.002
# Rounding to 16 bits and joining 1024 points by lines stay below it; gamma 1.8 without its toe is 20 times above.
_CURVE_TOLERANCE = 2e-5

_KINDS = {b"GRAY": "a grey", b"CMYK": "a CMYK", b"Lab ": "a Lab", b"XYZ ": "an XYZ", b"YCbr": "a YCbCr"}
_ADVICE = "convert the picture to ProPhoto RGB in an editor and try again"


@dataclass(frozen=True)
class ParametricCurve:
    """``(a x + b) ** g + e`` from ``x = d`` on, ``c x + f`` below (section 10.18, function type 4)."""

    g: float
    a: float = 1.0
    b: float = 0.0
    c: float = 0.0
    d: float = 0.0
    e: float = 0.0
    f: float = 0.0

    def decode(self, encoded: DoubleArray) -> DoubleArray:
        """Turn stored values, 0 to 1, into light; same shape."""
        # Where the power overflows below d, it is not used.
        with np.errstate(over="ignore"):
            power = np.maximum(self.a * encoded + self.b, 0) ** self.g + self.e
        return np.where(encoded >= self.d, power, self.c * encoded + self.f)


@dataclass(frozen=True)
class SampledCurve:
    """Evenly spaced samples of 16 bits, joined by straight lines (section 10.6)."""

    samples: tuple[int, ...]

    def decode(self, encoded: DoubleArray) -> DoubleArray:
        """Turn stored values, 0 to 1, into light; same shape."""
        return np.interp(encoded * (len(self.samples) - 1), np.arange(len(self.samples)), self.samples) / 65535


Curve = ParametricCurve | SampledCurve


@dataclass(frozen=True, eq=False)
class Profile:
    """A matrix/TRC profile of an RGB space.

    Attributes:
        description: What the profile calls itself; may be empty, and may be wrong.
        to_xyz_d50: (3, 3): linear RGB to the profile connection space, whose white is D50.
        curves: The transfer curves of red, green and blue.
        space: The known space with these primaries and this white, whatever its curves are; None for another one.
        is_exact_curve: Whether all three curves are those of ``space``, up to rounding.
    """

    description: str
    to_xyz_d50: DoubleArray
    curves: tuple[Curve, Curve, Curve]
    space: RGBSpace | None
    is_exact_curve: bool

    def decoding_table(self, levels: int) -> FloatArray:
        """Light of every integer code.

        Curves that are a known space's up to rounding are replaced by it.

        Args:
            levels: 256 or 65536.

        Returns:
            (3, levels) float32, 0 to 1: a row each for red, green and blue.
        """
        if self.space is not None and self.is_exact_curve:
            return np.stack([standard_table(self.space, levels)] * 3)
        encoded = np.linspace(0, 1, levels)
        decoded = {curve: np.clip(curve.decode(encoded), 0, 1).astype(np.float32) for curve in set(self.curves)}
        return np.stack([decoded[curve] for curve in self.curves])

    def to_rgb(self, target: RGBSpace) -> DoubleArray:
        """Matrix from this profile's linear RGB to that of a known space.

        Returns:
            (3, 3); exactly the known matrix where the profile's space is known, Bradford-adapted otherwise.
        """
        if self.space is not None:
            return rgb_to_rgb(self.space, target)
        from_pcs = adaptation_matrix(_PCS_WHITE_XY, target.white, "bradford")
        return np.linalg.inv(rgb_to_xyz(target)) @ from_pcs @ self.to_xyz_d50


def read_profile(data: bytes, file: str = "this picture", is_grey: bool = False) -> Profile:
    """Read a profile as it is embedded in a picture.

    Args:
        data: The whole profile.
        file: Name for the message of an error.
        is_grey: Whether the picture is, which may then have a grey profile.

    Returns:
        The profile; a grey one's as that of an RGB space with the same curve for all three channels.

    Raises:
        InputError: It is damaged, or not a matrix/TRC profile of an RGB space.
    """
    try:
        return _parse_grey(data) if is_grey and data[16:20] == b"GRAY" else _parse(data)
    except _Refused as refused:
        raise InputError(f"{file}: {refused}; {_ADVICE}") from None
    except (struct.error, ValueError, ArithmeticError, np.linalg.LinAlgError):
        raise InputError(f"{file}: the ICC profile is damaged; {_ADVICE}") from None


class _Refused(Exception):
    """A profile that cannot be used, with the reason."""


def _parse(data: bytes) -> Profile:
    tags = _tags(data)
    curves = (_curve(_tag(tags, b"rTRC")), _curve(_tag(tags, b"gTRC")), _curve(_tag(tags, b"bTRC")))
    colorants = np.stack([_xyz(_tag(tags, name)) for name in (b"rXYZ", b"gXYZ", b"bXYZ")], axis=1)
    adaptation = _fixed(tags[b"chad"][8:44], 9).reshape(3, 3) if b"chad" in tags else np.eye(3)
    matrix = _to_pcs(colorants, adaptation)
    space = _recognised(matrix, adaptation)
    exact = space is not None and all(_is_curve_of(space, curve) for curve in curves)
    matrix.setflags(write=False)
    return Profile(_description(tags.get(b"desc", b"")), matrix, curves, space, exact)


def _parse_grey(data: bytes) -> Profile:
    """Read a profile of one curve (section 8.3.4): equal codes of any primaries are grey, so that any will do."""
    tags = _tags(data, b"GRAY")
    curve = _curve(_tag(tags, b"kTRC"))
    matrix = _matrix_to_pcs(SRGB)
    matrix.setflags(write=False)
    return Profile(_description(tags.get(b"desc", b"")), matrix, (curve, curve, curve), None, False)


def _tags(data: bytes, colors: bytes = b"RGB ") -> dict[bytes, bytes]:
    """Check the header (section 7.2) and cut out the tags (section 7.3)."""
    if len(data) < 132 or data[36:40] != b"acsp":
        raise _Refused("what should be the ICC profile is not one")
    if int.from_bytes(data[:4], "big") > len(data):
        raise _Refused("the ICC profile is cut short")
    kind, space = data[12:16], data[16:20]
    if space != colors:
        raise _Refused(f"{_KINDS.get(space, 'not an RGB')} ICC profile")
    if kind not in (b"mntr", b"scnr", b"prtr", b"spac"):
        raise _Refused("an ICC profile that does not describe a color space")
    count = int.from_bytes(data[128:132], "big")
    if 132 + 12 * count > len(data):
        raise _Refused("the ICC profile is cut short")
    tags = {}
    for at in range(132, 132 + 12 * count, 12):
        name, start, size = struct.unpack_from(">4sII", data, at)
        if start + size > len(data):
            raise _Refused("the ICC profile is cut short")
        tags[name] = data[start : start + size]
    # Where tables exist they rule, and the matrix beside them may be a decoy.
    if data[20:24] != b"XYZ " or tags.keys() & {b"A2B0", b"A2B1", b"D2B0", b"D2B1"}:
        raise _Refused("the ICC profile is made of lookup tables, which are not supported")
    return tags


def _tag(tags: dict[bytes, bytes], name: bytes) -> bytes:
    if name not in tags:
        raise _Refused(f"the ICC profile lacks its {name.decode()} tag")
    return tags[name]


def _fixed(data: bytes, count: int) -> DoubleArray:
    """Read s15Fixed16 numbers (section 4.6)."""
    return np.array(struct.unpack(f">{count}i", data), dtype=np.float64) / 65536


def _xyz(tag: bytes) -> DoubleArray:
    if tag[:4] != b"XYZ ":
        raise ValueError(tag[:4])
    return _fixed(tag[8:20], 3)


def _curve(tag: bytes) -> Curve:
    """Read a curve (section 10.6 or 10.18), and make sure that it leads from dark to light."""
    readers: dict[bytes, Callable[[bytes], Curve]] = {b"curv": _sampled_curve, b"para": _parametric_curve}
    if tag[:4] not in readers:
        raise ValueError(tag[:4])
    curve = readers[tag[:4]](tag)
    if isinstance(curve, ParametricCurve) and curve.g <= 0:
        raise ValueError(curve)
    decoded = curve.decode(np.linspace(0, 1, 257))
    if not np.all(np.isfinite(decoded)) or decoded[-1] <= decoded[0]:
        raise ValueError(curve)
    return curve


def _sampled_curve(tag: bytes) -> Curve:
    (count,) = struct.unpack_from(">I", tag, 8)
    if count == 0:
        return ParametricCurve(1.0)
    if 12 + 2 * count > len(tag):
        raise ValueError(count)
    samples = struct.unpack_from(f">{count}H", tag, 12)
    return SampledCurve(samples) if count > 1 else ParametricCurve(samples[0] / 256)


def _parametric_curve(tag: bytes) -> Curve:
    (kind,) = struct.unpack_from(">H", tag, 8)
    count = {0: 1, 1: 3, 2: 4, 3: 5, 4: 7}.get(kind)
    if count is None:
        raise ValueError(kind)
    values = _fixed(tag[12 : 12 + 4 * count], count).tolist()
    if kind in (1, 2):
        g, a, b = values[:3]
        level = values[3] if kind == 2 else 0.0
        return ParametricCurve(g, a, b, 0.0, -b / a, level, level)
    return ParametricCurve(*values)


def _to_pcs(colorants: DoubleArray, adaptation: DoubleArray) -> DoubleArray:
    """Colorants that add up to D50, adapted by the profile's own matrix when its maker left that out."""
    for matrix in (colorants, adaptation @ colorants):
        if np.abs(matrix.sum(axis=1) - PCS_WHITE).max() < 0.02 and np.linalg.det(matrix) > 1e-4:
            return matrix
    raise _Refused("the colorants of the ICC profile do not add up to white")


def _recognised(matrix: DoubleArray, adaptation: DoubleArray) -> RGBSpace | None:
    """The known space that these colorants belong to; the second look is for profiles not adapted with Bradford."""
    native = np.linalg.inv(adaptation) @ matrix
    for space in SPACES.values():
        if (
            np.abs(matrix - _matrix_to_pcs(space)).max() < _COLORANT_TOLERANCE
            or np.abs(native - rgb_to_xyz(space)).max() < _COLORANT_TOLERANCE
        ):
            return space
    return None


def _is_curve_of(space: RGBSpace, curve: Curve) -> bool:
    encoded = np.linspace(0, 1, 4097)
    return bool(np.abs(curve.decode(encoded) - space.cctf_decoding(encoded)).max() < _CURVE_TOLERANCE)


def _description(tag: bytes) -> str:
    """The text of a description of version 2 or 4 (section 10.15); what cannot be read is empty."""
    text = ""
    if tag[:4] == b"desc" and len(tag) > 12:
        text = tag[12 : 12 + int.from_bytes(tag[8:12], "big")].decode("latin-1")
    elif tag[:4] == b"mluc" and len(tag) >= 28:
        size, start = struct.unpack_from(">II", tag, 20)
        text = tag[start : start + size].decode("utf-16-be", "replace")
    return "".join(letter for letter in text.split("\0")[0] if letter.isprintable())


def _matrix_to_pcs(space: RGBSpace) -> DoubleArray:
    return adaptation_matrix(space.white, _PCS_WHITE_XY, "bradford") @ rgb_to_xyz(space)


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
    colorants = _rounded_to_white(_matrix_to_pcs(space))
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
        tags[b"chad"] = _fixed_tag(b"sf32", adaptation_matrix(space.white, _PCS_WHITE_XY, "bradford"))
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
