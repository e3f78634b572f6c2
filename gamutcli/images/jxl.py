"""The header of a JPEG XL codestream: read its size, write its colour space and orientation.

The encoder at hand (imagecodecs) names no colours but sRGB's and no orientation. Both are a few bits of the header,
which ends at a byte's boundary before the first frame; the frames stay as they are. In a lossless file, and only there,
the codes mean what the header says.

Source: ISO/IEC 18181-1:2024, annex D (image header) and E (colour encoding), B.2 (fields).
"""

from __future__ import annotations

from gamutcli.color.spaces import ADOBE_RGB, DISPLAY_P3, REC2020, SRGB, Chromaticity, RGBSpace
from gamutcli.containers import jxl as container
from gamutcli.errors import InputError, UsageError
from gamutcli.images.files import damaged

_D65 = 1
_RATIOS = {1: (1, 1), 2: (12, 10), 3: (4, 3), 4: (3, 2), 5: (16, 9), 6: (5, 4), 7: (2, 1)}
# Primaries and transfer function by number; those of Adobe RGB have none and are written out.
_PRIMARIES = {"srgb": 1, "rec2020": 9, "displayp3": 11}
_TRANSFERS = {"srgb": 13, "displayp3": 13, "rec2020": 1}
_CUSTOM = 2
_ADOBE_GAMMA = round(1e7 * 256 / 563)
_RELATIVE_INTENT = 1

#: The spaces that a header can name exactly.
SPACES = (SRGB, DISPLAY_P3, ADOBE_RGB, REC2020)

_SIZE_CHOICES = ((9, 1), (13, 1), (18, 1), (30, 1))
_ENUM_CHOICES = ((0, 0), (0, 1), (4, 2), (6, 18))
_XY_CHOICES = ((19, 0), (19, 1 << 19), (20, 1 << 20), (21, 1 << 21))


def size_of(data: bytes, name: str) -> tuple[int, int]:
    """Return (width, height) of a JPEG XL file, before anything is decoded.

    Raises:
        InputError: Damaged.
    """
    try:
        return _size(_Bits(container.codestream(data)))
    except (EOFError, InputError) as error:
        raise damaged(name, "JPEG XL") from error


def rewritten(data: bytes, space: RGBSpace, orientation: int = 1) -> bytes:
    """Return a codestream, as imagecodecs wrote it, with another colour space and orientation.

    Args:
        data: Of one RGB picture without further channels, tagged sRGB.
        space: One of `SPACES`.
        orientation: 1 to 8, as in EXIF.

    Raises:
        UsageError: A space that the header cannot name.
    """
    if space == SRGB and orientation == 1:
        return data
    if space not in SPACES:
        names = ", ".join(known.name for known in SPACES[1:])
        raise UsageError(f"a JPEG XL cannot name {space.title}; choose --to {names}, or write a TIFF.")
    codestream = container.codestream(data)
    old, new = _Bits(codestream), _Bits(b"\xff\x0a")
    new.at = 16
    _size(old, new)
    xyb, depth = True, 8
    if not old.take(1):
        if old.take(1):
            raise ValueError("a codestream with extra fields")
        depth = _depth(old)
        modular_16 = old.take(1)
        if old.take(2):
            raise ValueError("a codestream with extra channels")
        xyb = bool(old.take(1))
        _skip_color(old)
        if old.take(2):
            raise ValueError("a codestream with extensions")
    else:
        modular_16 = 1
    if not old.take(1):
        raise ValueError("a codestream with a transform of its own")
    new.put(1, 0)  # not all as usual
    new.put(1, 1)  # extra fields:
    new.put(3, orientation - 1)
    new.put(3, 0)  # no intrinsic size, no preview, no animation
    _put_depth(new, depth)
    new.put(1, modular_16)
    new.put(2, 0)  # no extra channels
    new.put(1, int(xyb))
    _put_color(new, space)
    new.put(1, 1)  # usual tone mapping
    new.put(2, 0)  # no extensions
    new.put(1, 1)  # usual transform
    return new.whole_bytes() + codestream[(old.at + 7) // 8 :]


class _Bits:
    """Bits from the lowest of each byte on; those taken from one object can be put into another."""

    def __init__(self, data: bytes) -> None:
        self.number = int.from_bytes(data[:4096], "little")
        self.end = 8 * len(data)
        self.at = 16  # behind the signature

    def take(self, count: int) -> int:
        if self.at + count > self.end:
            raise EOFError
        value = self.number >> self.at & ((1 << count) - 1)
        self.at += count
        return value

    def put(self, count: int, value: int) -> None:
        self.number |= value << self.at
        self.at += count

    def take_one_of(self, choices: tuple[tuple[int, int], ...], copy: _Bits | None = None) -> int:
        """Read a number whose first two bits choose how many bits follow, and what is added to them."""
        choice = self.take(2)
        count, offset = choices[choice]
        value = self.take(count)
        if copy:
            copy.put(2, choice)
            copy.put(count, value)
        return value + offset

    def put_one_of(self, choices: tuple[tuple[int, int], ...], value: int) -> None:
        for choice, (count, offset) in enumerate(choices):
            if 0 <= value - offset < 1 << count:
                self.put(2, choice)
                self.put(count, value - offset)
                return
        raise ValueError(f"{value} does not fit")

    def whole_bytes(self) -> bytes:
        return self.number.to_bytes((self.at + 7) // 8, "little")


def _size(bits: _Bits, copy: _Bits | None = None) -> tuple[int, int]:
    """Read the size, and copy its bits."""

    def take(count: int) -> int:
        value = bits.take(count)
        if copy:
            copy.put(count, value)
        return value

    small = take(1)

    def side() -> int:
        return 8 * (take(5) + 1) if small else bits.take_one_of(_SIZE_CHOICES, copy)

    height = side()
    ratio = take(3)
    if ratio == 0:
        return side(), height
    across, down = _RATIOS[ratio]
    return height * across // down, height


def _depth(bits: _Bits) -> int:
    if bits.take(1):
        raise ValueError("a codestream of floating point numbers")
    return bits.take_one_of(((0, 8), (0, 10), (0, 12), (6, 1)))


def _put_depth(bits: _Bits, depth: int) -> None:
    bits.put(1, 0)
    bits.put_one_of(((0, 8), (0, 10), (0, 12), (6, 1)), depth)


def _skip_color(bits: _Bits) -> None:
    """Read over a colour encoding by numbers."""
    if bits.take(1):
        return
    if bits.take(1):
        raise ValueError("a codestream with an ICC profile")
    if bits.take_one_of(_ENUM_CHOICES) != 0:
        raise ValueError("a codestream that is not RGB")
    if bits.take_one_of(_ENUM_CHOICES) == _CUSTOM or bits.take_one_of(_ENUM_CHOICES) == _CUSTOM:
        raise ValueError("a codestream with colours of its own")
    if bits.take(1):
        bits.take(24)
    else:
        bits.take_one_of(_ENUM_CHOICES)
    bits.take_one_of(_ENUM_CHOICES)


def _put_color(bits: _Bits, space: RGBSpace) -> None:
    if space == SRGB:
        bits.put(1, 1)
        return
    bits.put(2, 0)  # not as usual, no ICC profile
    bits.put_one_of(_ENUM_CHOICES, 0)  # RGB
    bits.put_one_of(_ENUM_CHOICES, _D65)
    bits.put_one_of(_ENUM_CHOICES, _PRIMARIES.get(space.name, _CUSTOM))
    if space.name not in _PRIMARIES:
        for primary in space.primaries:
            _put_chromaticity(bits, primary)
    if space.name in _TRANSFERS:
        bits.put(1, 0)
        bits.put_one_of(_ENUM_CHOICES, _TRANSFERS[space.name])
    else:
        bits.put(1, 1)
        bits.put(24, _ADOBE_GAMMA)
    bits.put_one_of(_ENUM_CHOICES, _RELATIVE_INTENT)


def _put_chromaticity(bits: _Bits, xy: Chromaticity) -> None:
    for value in xy:
        bits.put_one_of(_XY_CHOICES, 2 * round(1e6 * value))  # twice: odd numbers are negative
