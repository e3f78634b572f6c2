"""What the header of a JPEG XL codestream says of the picture: size, depth, channels, turn and colours.

Source: ISO/IEC 18181-1:2024, annex D (image header) and E (colour encoding).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from gamutcli.color.cicp import named_space, space_of
from gamutcli.color.spaces import D65, DISPLAY_P3, PROPHOTO, REC2020, SRGB, Chromaticity, RGBSpace, TransferCurve
from gamutcli.images.jxl_bits import ENUM, BitReader, BitWriter, Choices

_SIDES: Choices = ((9, 1), (13, 1), (18, 1), (30, 1))
_SMALL_SIDES: Choices = ((6, 1), (8, 65), (10, 321), (12, 1345))
_EIGHTHS: Choices = ((0, 16), (0, 32), (5, 1), (9, 33))
DEPTHS: Choices = ((0, 8), (0, 10), (0, 12), (6, 1))
_FLOAT_DEPTHS: Choices = ((0, 32), (0, 16), (0, 24), (6, 1))
_COUNTS: Choices = ((0, 0), (0, 1), (4, 2), (12, 1))
_SHIFTS: Choices = ((0, 0), (0, 3), (0, 4), (3, 1))
_NAMES: Choices = ((0, 0), (4, 0), (5, 16), (10, 48))
_FILTERS: Choices = ((0, 1), (2, 0), (4, 3), (8, 19))
_TICKS: Choices = ((0, 100), (0, 1000), (10, 1), (30, 1))
_TICK_PARTS: Choices = ((0, 1), (0, 1001), (8, 1), (10, 1))
_LOOPS: Choices = ((0, 0), (3, 0), (16, 0), (32, 0))
XY: Choices = ((19, 0), (19, 1 << 19), (20, 1 << 20), (21, 1 << 21))
_RATIOS = {1: (1, 1), 2: (12, 10), 3: (4, 3), 4: (3, 2), 5: (16, 9), 6: (5, 4), 7: (2, 1)}

_ALPHA, _SPOT, _BLACK, _FILTER = 0, 2, 4, 5  # types of a further channel
_RGB, _GREY, _XYB = 0, 1, 2  # kinds of colours
_CUSTOM = 2
#: What pictures in the codec's own space are decoded to: wide enough for all, with a curve that a header can name.
OUTPUT = RGBSpace(
    "prophoto-1.8", "ProPhoto RGB", PROPHOTO.primaries, PROPHOTO.white, TransferCurve(1.8, source="JPEG XL")
)
_WHITES: dict[int, Chromaticity] = {1: D65, 10: (1 / 3, 1 / 3), 11: (0.314, 0.351)}
_PRIMARIES = {1: SRGB.primaries, 9: REC2020.primaries, 11: DISPLAY_P3.primaries}


@dataclass(frozen=True)
class Channel:
    """A further channel.

    Attributes:
        is_alpha: Whether it is of transparency.
        is_associated: Whether the colours are then stored as they show on black.
        is_black: Whether it is an ink, and the colours are those of the others.
    """

    is_alpha: bool
    is_associated: bool = False
    is_black: bool = False


@dataclass(frozen=True)
class Colors:
    """A colour encoding by numbers; each None where a profile takes its place."""

    is_grey: bool = False
    has_profile: bool = False
    white: Chromaticity | None = D65
    primaries: tuple[Chromaticity, Chromaticity, Chromaticity] | None = SRGB.primaries
    gamma: float | None = None
    transfer: int = 13


@dataclass(frozen=True)
class Header:
    """What a header says.

    Attributes:
        width: As stored, before it is turned.
        height: Likewise.
        orientation: 1 to 8, as in EXIF.
        depth: Bits of a sample.
        is_float: Whether samples are floating point numbers.
        channels: Those beside the colours.
        is_xyb: Whether colours are stored in the codec's own space, whatever space is named.
        colors: What is named.
        is_animated: Whether it is a sequence of pictures.
        has_timecodes: Whether each of these says its time.
        preview: Width and height of a smaller picture that comes before the first; None where there is none.
        has_small_buffers: Whether buffers of 16 bits do for its samples.
        size_end: Where the size ends, in bits.
        depth_at: Where the depth begins, and where it ends, in bits.
        color_at: Where the colour encoding begins, and where it ends.
        end: Where all this ends, in bits: there an ICC profile begins, or behind the next whole byte the first frame.
    """

    width: int
    height: int
    orientation: int = 1
    depth: int = 8
    is_float: bool = False
    channels: tuple[Channel, ...] = ()
    is_xyb: bool = True
    colors: Colors = Colors()
    is_animated: bool = False
    has_timecodes: bool = False
    preview: tuple[int, int] | None = None
    has_small_buffers: bool = True
    size_end: int = 0
    depth_at: tuple[int, int] = (0, 0)
    color_at: tuple[int, int] = (0, 0)
    end: int = 0


def read_header(codestream: bytes) -> Header:
    """Read the header of a codestream.

    Raises:
        EOFError: It is cut short.
    """
    bits = BitReader(codestream, 16)  # behind the signature
    header = replace(Header(*_size(bits)), size_end=bits.at)
    if not bits.flag():
        header = _metadata(bits, header)
    if not bits.flag():
        _skip_transforms(bits, header.is_xyb)
    return replace(header, end=bits.at)


def space_named(name: str, colors: Colors) -> RGBSpace | None:
    """Return the space that a colour encoding names, None where it leaves that open.

    Raises:
        InputError: It is HDR.
    """
    if colors.white is None or colors.primaries is None:
        return None
    if colors.gamma is not None:
        curve = TransferCurve(1 / colors.gamma, source="JPEG XL")
    else:
        known = named_space(name, 1, colors.transfer)
        if known is None:
            return None
        curve = known.curve
    return space_of(colors.primaries, colors.white, curve, "the space that it names by numbers")


def _metadata(bits: BitReader, header: Header) -> Header:
    has_more = bits.flag()
    if has_more:
        header = replace(header, orientation=bits.take(3) + 1)
        if bits.flag():
            _size(bits)
        if bits.flag():
            header = replace(header, preview=_preview(bits))
        if bits.flag():
            header = replace(header, is_animated=True, has_timecodes=_animation(bits))
    depth_at = bits.at
    is_float, depth = _depth(bits)
    depth_end = bits.at
    has_small_buffers = bits.flag()
    channels = tuple(_channel(bits) for _ in range(bits.one_of(_COUNTS)))
    is_xyb, color_at = bits.flag(), bits.at
    colors, color_end = _colors(bits), bits.at
    if has_more and not bits.flag():
        bits.skip(16 + 16 + 1 + 16)  # of how bright screens are
    skip_extensions(bits)
    return replace(
        header,
        is_float=is_float,
        depth=depth,
        has_small_buffers=has_small_buffers,
        channels=channels,
        is_xyb=is_xyb,
        colors=colors,
        depth_at=(depth_at, depth_end),
        color_at=(color_at, color_end),
    )


def _size(bits: BitReader) -> tuple[int, int]:
    is_small = bits.flag()

    def side() -> int:
        return 8 * (bits.take(5) + 1) if is_small else bits.one_of(_SIDES)

    height = side()
    ratio = bits.take(3)
    return (_across(height, ratio) if ratio else side()), height


def _across(height: int, ratio: int) -> int:
    across, down = _RATIOS[ratio]
    return height * across // down


def _preview(bits: BitReader) -> tuple[int, int]:
    sides, unit = (_EIGHTHS, 8) if bits.flag() else (_SMALL_SIDES, 1)
    height = unit * bits.one_of(sides)
    ratio = bits.take(3)
    return (_across(height, ratio) if ratio else unit * bits.one_of(sides)), height


def _animation(bits: BitReader) -> bool:
    """Read how pictures follow one another; return whether each says its time."""
    for choices in (_TICKS, _TICK_PARTS, _LOOPS):
        bits.one_of(choices)
    return bits.flag()


def _depth(bits: BitReader) -> tuple[bool, int]:
    """Read whether samples are floating point numbers, and of how many bits."""
    if not bits.flag():
        return False, bits.one_of(DEPTHS)
    depth = bits.one_of(_FLOAT_DEPTHS)
    bits.take(4)
    return True, depth


def _channel(bits: BitReader) -> Channel:
    if bits.flag():
        return Channel(is_alpha=True)
    kind = bits.enum()
    _depth(bits)
    bits.one_of(_SHIFTS)
    bits.skip(8 * bits.one_of(_NAMES))
    is_associated = kind == _ALPHA and bits.flag()
    if kind == _SPOT:
        bits.skip(4 * 16)
    elif kind == _FILTER:
        bits.one_of(_FILTERS)
    return Channel(kind == _ALPHA, is_associated, kind == _BLACK)


def _colors(bits: BitReader) -> Colors:
    if bits.flag():
        return Colors()
    has_profile, kind = bits.flag(), bits.enum()
    if has_profile or kind not in (_RGB, _GREY):
        if not has_profile and kind != _XYB:
            _skip_numbers(bits)
        elif not has_profile:
            bits.enum()
        return Colors(kind == _GREY, has_profile, None, None, None, _CUSTOM)
    white: Chromaticity | None
    number = bits.enum()
    white = _chromaticity(bits) if number == _CUSTOM else _WHITES.get(number)
    primaries: tuple[Chromaticity, Chromaticity, Chromaticity] | None = SRGB.primaries
    if kind == _RGB:
        number = bits.enum()
        custom = number == _CUSTOM
        primaries = (
            (_chromaticity(bits), _chromaticity(bits), _chromaticity(bits)) if custom else _PRIMARIES.get(number)
        )
    gamma = bits.take(24) / 1e7 if bits.flag() else None
    transfer = _CUSTOM if gamma is not None else bits.enum()
    bits.enum()  # rendering intent
    return Colors(kind == _GREY, False, white, primaries, gamma or None, transfer)


def _skip_numbers(bits: BitReader) -> None:
    """Read over the numbers of colours of an unknown kind."""
    if bits.enum() == _CUSTOM:
        _chromaticity(bits)
    if bits.enum() == _CUSTOM:
        for _ in range(3):
            _chromaticity(bits)
    if bits.flag():
        bits.take(24)
    else:
        bits.enum()
    bits.enum()


def _chromaticity(bits: BitReader) -> Chromaticity:
    x, y = (bits.one_of(XY) for _ in range(2))
    return _signed(x) / 1e6, _signed(y) / 1e6


def _signed(number: int) -> int:
    return -(number + 1) // 2 if number & 1 else number // 2


def skip_extensions(bits: BitReader) -> None:
    """Read over fields of later versions."""
    which = bits.long()
    lengths = [bits.long() for at in range(64) if which >> at & 1]
    for length in lengths:
        bits.skip(length)


def _skip_transforms(bits: BitReader, is_xyb: bool) -> None:
    """Read over matrices and filters of the picture's own (D.3.5)."""
    if is_xyb and not bits.flag():
        bits.skip(16 * 16)
    mask = bits.take(3)
    for at, count in enumerate((15, 55, 210)):
        if mask >> at & 1:
            bits.skip(16 * count)


def rename_colors(codestream: bytes, header: Header, profile_end: int) -> bytes:
    """Return a codestream in the codec's own space with other words: 16 bits of `OUTPUT`, or of sRGB where it is grey.

    A decoder gives the colours that are named; it cannot give those of an ICC profile.

    Args:
        codestream: The whole.
        header: What it says now.
        profile_end: Where the profile behind its header ends, in bits.
    """
    bits, new = BitReader(codestream), BitWriter()

    def copy(start: int, end: int) -> None:
        bits.at = start
        new.put(end - start, bits.take(end - start))

    copy(0, header.depth_at[0])
    new.put(1, 0)  # whole numbers
    new.put_one_of(DEPTHS, 16)
    copy(header.depth_at[1], header.color_at[0])
    _put_output(new, header.colors.is_grey)
    copy(header.color_at[1], header.end)
    return new.whole_bytes() + codestream[(profile_end + 7) // 8 :]


def _put_output(bits: BitWriter, is_grey: bool) -> None:
    bits.put(2, 0)  # not as usual, no profile
    bits.put_one_of(ENUM, _GREY if is_grey else _RGB)
    if is_grey:
        bits.put_one_of(ENUM, 1)  # D65
        bits.put(1, 0)
        bits.put_one_of(ENUM, 13)  # the curve of sRGB
    else:
        for group in ((OUTPUT.white,), OUTPUT.primaries):
            bits.put_one_of(ENUM, _CUSTOM)
            for value in (part for xy in group for part in xy):
                bits.put_one_of(XY, 2 * round(1e6 * value))  # twice: odd numbers are negative
        bits.put(1, 1)
        bits.put(24, round(1e7 / OUTPUT.curve.gamma))
    bits.put_one_of(ENUM, 1)  # relative colorimetric
