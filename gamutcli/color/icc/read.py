"""Read ICC profiles: believed in what they say of curves, colorants and tables, never in what they call themselves."""

from __future__ import annotations

import struct
from collections.abc import Callable

import numpy as np

from gamutcli.arrays import DoubleArray
from gamutcli.color.icc.profile import (
    LINEAR,
    PCS_WHITE,
    Curve,
    MatrixProfile,
    Model,
    ParametricCurve,
    Profile,
    SampledCurve,
    TableProfile,
    matrix_to_pcs,
)
from gamutcli.color.spaces import SRGB
from gamutcli.errors import InputError

_MODELS: dict[bytes, Model] = {b"RGB ": "rgb", b"GRAY": "grey", b"CMYK": "cmyk"}
_OTHER_MODELS = {b"Lab ": "a Lab", b"XYZ ": "an XYZ", b"YCbr": "a YCbCr", b"HSV ": "an HSV", b"CMY ": "a CMY"}
_TABLES = frozenset((b"A2B0", b"A2B1", b"A2B2", b"D2B0", b"D2B1", b"D2B2"))
# Tags that are read here; LittleCMS reads those of a profile of tables. The others of a profile may be many and large.
_READ = frozenset((b"desc", b"kTRC", b"rTRC", b"gTRC", b"bTRC", b"rXYZ", b"gXYZ", b"bXYZ", b"chad"))

MAX_PROFILE = 1 << 24
"""Largest profile that is read, bytes. Those of presses have up to 10 MB."""

MAX_POINTS = 1 << 16
"""Most points of a curve: so many codes 16 bits have. Makers write 4,096 at most."""

_MAX_DESCRIPTION = 1024  # characters
_ADVICE = "convert the picture to ProPhoto RGB in an editor and try again"


def read_profile(data: bytes, file: str = "this picture", is_grey: bool = False) -> Profile:
    """Read a profile as it is embedded in a picture.

    Args:
        data: The whole profile.
        file: Name for the message of an error.
        is_grey: Whether the picture is: only then a grey profile says what its codes mean.

    Returns:
        The profile.

    Raises:
        InputError: It is damaged, or not of a kind that is followed here.
    """
    try:
        return _parse(data, is_grey)
    except _Refused as refused:
        raise InputError(f"{file}: {refused}; {_ADVICE}") from None
    except (struct.error, ValueError, ArithmeticError, np.linalg.LinAlgError):
        raise InputError(f"{file}: the ICC profile is damaged; {_ADVICE}") from None


class _Refused(Exception):
    """A profile that cannot be used, with the reason."""


def _parse(data: bytes, is_grey: bool) -> Profile:
    tags = _tags(data)
    model = _model(data)
    description = _description(tags.get(b"desc", b""))
    # Where tables exist they rule, and the matrix beside them may be a decoy.
    if model == "cmyk" or tags.keys() & _TABLES or (model == "rgb" and data[20:24] != b"XYZ "):
        if not tags.keys() & _TABLES:
            raise _Refused("the ICC profile holds neither tables nor a matrix")
        return TableProfile(description, data, model)
    if model == "grey":
        if not is_grey:
            raise _Refused("a grey ICC profile on a picture of colours")
        if data[20:24] != b"XYZ ":
            raise _Refused("a grey ICC profile of an unusual kind")
        grey = _curve(_tag(tags, b"kTRC"))
        return MatrixProfile(description, matrix_to_pcs(SRGB), (grey, grey, grey))
    curves = (_curve(_tag(tags, b"rTRC")), _curve(_tag(tags, b"gTRC")), _curve(_tag(tags, b"bTRC")))
    colorants = np.stack([_xyz(_tag(tags, name)) for name in (b"rXYZ", b"gXYZ", b"bXYZ")], axis=1)
    adaptation = _fixed(tags[b"chad"][8:44], 9).reshape(3, 3) if b"chad" in tags else np.eye(3)
    matrix = _to_pcs(colorants, adaptation)
    matrix.setflags(write=False)
    return MatrixProfile(description, matrix, curves)


def _model(data: bytes) -> Model:
    """Find out what the codes are (section 7.2.6), of a picture and not of something else (section 7.2.5)."""
    kind, space = data[12:16], data[16:20]
    if data[8] >= 5:
        raise _Refused(f"an ICC profile of version {data[8]} (iccMAX)")
    if space not in _MODELS:
        raise _Refused(f"{_OTHER_MODELS.get(space, 'not an RGB')} ICC profile")
    if kind not in (b"mntr", b"scnr", b"prtr", b"spac"):
        raise _Refused("an ICC profile that does not describe a color space")
    return _MODELS[space]


def _tags(data: bytes) -> dict[bytes, bytes]:
    """Check the header (section 7.2) and cut out the tags that are read (section 7.3), of tables the names."""
    if len(data) > MAX_PROFILE:
        raise _Refused(f"the ICC profile is larger than {MAX_PROFILE >> 20} MB")
    if len(data) < 132 or data[36:40] != b"acsp":
        raise _Refused("what should be the ICC profile is not one")
    if int.from_bytes(data[:4], "big") > len(data):
        raise _Refused("the ICC profile is cut short")
    count = int.from_bytes(data[128:132], "big")
    if 132 + 12 * count > len(data):
        raise _Refused("the ICC profile is cut short")
    tags = {}
    for at in range(132, 132 + 12 * count, 12):
        name, start, size = struct.unpack_from(">4sII", data, at)
        if start + size > len(data):
            raise _Refused("the ICC profile is cut short")
        if name in _READ:
            tags[name] = data[start : start + size]
        elif name in _TABLES:
            tags[name] = b""
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
        return LINEAR
    if 12 + 2 * count > len(tag):
        raise ValueError(count)
    if count > MAX_POINTS:
        raise _Refused(f"the ICC profile has a curve of {count:,} points")
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
    """Colorants as they are, as every program takes them, even those of a camera that do not add up to white.

    Only where their maker has left out the adaptation to D50 that he gives, it is made good.
    """
    adapted = adaptation @ colorants
    left_out = not _adds_up(colorants) and _adds_up(adapted)
    matrix = adapted if left_out else colorants
    if abs(np.linalg.det(matrix)) < 1e-4 or matrix[1].sum() <= 0:
        raise _Refused("the colorants of the ICC profile do not make colours")
    return matrix


def _adds_up(matrix: DoubleArray) -> bool:
    return bool(np.abs(matrix.sum(axis=1) - PCS_WHITE).max() < 0.02)


def _description(tag: bytes) -> str:
    """The text of a description of version 2 or 4 (section 10.15); what cannot be read is empty."""
    text = ""
    if tag[:4] == b"desc" and len(tag) > 12:
        text = tag[12 : 12 + min(int.from_bytes(tag[8:12], "big"), _MAX_DESCRIPTION)].decode("latin-1")
    elif tag[:4] == b"mluc" and len(tag) >= 28:
        size, start = struct.unpack_from(">II", tag, 20)
        text = tag[start : start + min(size, 2 * _MAX_DESCRIPTION)].decode("utf-16-be", "replace")
    return "".join(letter for letter in text.split("\0")[0] if letter.isprintable())
