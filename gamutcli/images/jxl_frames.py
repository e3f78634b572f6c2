"""The frames of a JPEG XL, found by their headers alone: how much there is to decode, before anything is.

Source: ISO/IEC 18181-1:2024, annex F (frame header), F.3 (table of contents).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod

from gamutcli.images.jxl_bits import BitReader, Choices
from gamutcli.images.jxl_entropy import EntropyDecoder
from gamutcli.images.jxl_header import Header, skip_extensions
from gamutcli.images.jxl_icc import read_stream

_PLACES: Choices = ((8, 0), (11, 256), (14, 2304), (30, 18688))
_ENTRIES: Choices = ((10, 0), (14, 1024), (22, 17408), (30, 4211712))
_NAMES: Choices = ((0, 0), (4, 0), (5, 16), (10, 48))
_PASSES: Choices = ((0, 1), (0, 2), (0, 3), (3, 4))
_STEPS: Choices = ((0, 0), (0, 1), (0, 2), (1, 3))
_LAST_PASSES: Choices = ((0, 0), (0, 1), (0, 2), (3, 0))
_DURATIONS: Choices = ((0, 0), (0, 1), (8, 0), (32, 0))
_MODES: Choices = ((0, 0), (0, 1), (0, 2), (2, 3))
_ALPHAS: Choices = ((0, 0), (0, 1), (0, 2), (3, 3))
_REGULAR, _LOW_FREQUENCIES, _REFERENCE = 0, 1, 2  # types of a frame; 3 is regular too
_REPLACE, _BLEND, _WEIGHTED_ADD, _MULTIPLY = 0, 2, 3, 4
_USES_LOW_FREQUENCIES = 0x20
_ORDER_CONTEXTS = 8


@dataclass(frozen=True)
class Frame:
    """What a frame's header says.

    Attributes:
        width: Of what it holds, in pixels.
        height: Likewise.
        is_shown: Whether it is laid upon the whole picture, and not kept for others to refer to.
        is_last: Whether none follows.
    """

    width: int
    height: int
    is_shown: bool
    is_last: bool


def frames_of(codestream: bytes, header: Header) -> Iterator[Frame]:
    """Yield the frames of a codestream, from the first on.

    Raises:
        EOFError, ValueError: It is cut short or damaged.
        NotImplementedError: Its parts stand in an order that is coded in a way that is not read here.
    """
    bits = BitReader(codestream, header.end)
    if header.colors.has_profile:
        read_stream(bits)
    if header.preview:
        bits.to_byte()
        *_, parts = _frame(bits, header, *header.preview)
        _skip_parts(bits, parts)
    while True:
        bits.to_byte()
        frame, parts = _frame(bits, header, header.width, header.height)
        yield frame
        if frame.is_last:
            return
        _skip_parts(bits, parts)


def _frame(bits: BitReader, header: Header, width: int, height: int) -> tuple[Frame, int]:
    """Read a frame's header; width and height are those of the picture.

    Returns:
        The frame, and of how many parts it consists.
    """
    if bits.flag():  # all as usual
        return Frame(width, height, True, True), _parts((width, height), (8, 8), 256, 1)
    kind, is_modular, flags = bits.take(2), bits.flag(), bits.long()
    whole = width, height
    blocks, scale = (8, 8), 1
    is_ycbcr = not header.is_xyb and bits.flag()
    if not flags & _USES_LOW_FREQUENCIES:
        if is_ycbcr:
            modes = [bits.take(2) for _ in range(3)]
            blocks = 8 << int(any(mode in (1, 2) for mode in modes)), 8 << int(any(mode in (1, 3) for mode in modes))
        scale = 1 << bits.take(2)
        bits.skip(2 * len(header.channels))
    group = 128 << bits.take(2) if is_modular else 256
    if not is_modular and header.is_xyb:
        bits.skip(6)
    passes = 1 if kind == _REFERENCE else _passes(bits)
    is_partial, is_shown = False, kind not in (_LOW_FREQUENCIES, _REFERENCE)
    if kind == _LOW_FREQUENCIES:
        eighth = 8 ** (bits.take(2) + 1)
        width, height = -(-width // eighth), -(-height // eighth)
    elif bits.flag():
        left, top = (_signed(bits.one_of(_PLACES)) for _ in range(2)) if is_shown else (0, 0)
        width, height = bits.one_of(_PLACES), bits.one_of(_PLACES)
        is_partial = is_shown and (left > 0 or top > 0 or left + width < whole[0] or top + height < whole[1])
    is_last, replaces, lasts = False, True, False
    if is_shown:
        replaces, *_ = [_blending(bits, bool(header.channels), is_partial) for _ in range(1 + len(header.channels))]
        if header.is_animated:
            lasts = bits.one_of(_DURATIONS) > 0
            bits.skip(32 * header.has_timecodes)
        is_last = bits.flag()
    if not is_last and kind != _LOW_FREQUENCIES:
        may_be_kept = bits.take(2) > 0 or not lasts
        if kind == _REFERENCE or (may_be_kept and replaces and not is_partial):
            bits.flag()
    bits.skip(8 * bits.one_of(_NAMES))
    _skip_filters(bits, is_modular)
    skip_extensions(bits)
    parts = _parts((-(-width // scale), -(-height // scale)), blocks, group, passes)
    return Frame(width, height, is_shown, is_last), parts


def _parts(sides: tuple[int, int], blocks: tuple[int, int], group: int, passes: int) -> int:
    """Count the parts of a frame: groups of pixels for each pass, groups of blocks of 8 pixels a side, and two for all.

    Args:
        sides: Width and height.
        blocks: Sides that blocks are whole multiples of: 16 where colours are stored at half their size.
        group: Side of a group, in pixels or blocks.
        passes: How often.
    """
    groups = prod(-(-side // group) for side in sides)
    if groups == 1 and passes == 1:
        return 1
    in_blocks = (-(-side // block) * block // 8 for side, block in zip(sides, blocks, strict=True))
    return 2 + prod(-(-side // group) for side in in_blocks) + groups * passes


def _passes(bits: BitReader) -> int:
    count = bits.one_of(_PASSES)
    if count > 1:
        steps = bits.one_of(_STEPS)
        bits.skip(2 * (count - 1) + 2 * steps)
        for _ in range(steps):
            bits.one_of(_LAST_PASSES)
    return count


def _blending(bits: BitReader, has_channels: bool, is_partial: bool) -> bool:
    """Read how a frame is laid upon another; return whether it takes its place."""
    mode = bits.one_of(_MODES)
    if has_channels and mode in (_BLEND, _WEIGHTED_ADD):
        bits.one_of(_ALPHAS)
    if mode == _MULTIPLY or (has_channels and mode in (_BLEND, _WEIGHTED_ADD)):
        bits.flag()
    if mode != _REPLACE or is_partial:
        bits.take(2)
    return mode == _REPLACE


def _skip_filters(bits: BitReader, is_modular: bool) -> None:
    """Read over what smooths edges (J.1)."""
    if bits.flag():
        return
    if bits.flag() and bits.flag():
        bits.skip(6 * 16)
    if bits.take(2):
        if not is_modular and bits.flag():
            bits.skip(8 * 16)
        if bits.flag():
            bits.skip(5 * 16)
        if bits.flag():
            bits.skip((3 if is_modular else 4) * 16)
        if is_modular:
            bits.skip(16)
    skip_extensions(bits)


def _skip_parts(bits: BitReader, count: int) -> None:
    """Read a table of contents, and go on behind all that it lists."""
    if bits.flag():
        decoder = EntropyDecoder(bits, _ORDER_CONTEXTS)
        last = 0
        for _ in range(decoder.number(min(count.bit_length(), _ORDER_CONTEXTS - 1))):
            last = decoder.number(min(last.bit_length(), _ORDER_CONTEXTS - 1))
    bits.to_byte()
    size = sum(bits.one_of(_ENTRIES) for _ in range(count))
    bits.to_byte()
    bits.skip(8 * size)


def _signed(number: int) -> int:
    return -(number + 1) // 2 if number & 1 else number // 2
