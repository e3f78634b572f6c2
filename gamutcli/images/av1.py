"""How many pixels the AV1 in an AVIF asks a decoder for, from the headers of what is coded.

Source: AV1 Bitstream & Decoding Process Specification, 5.3 to 5.5 (OBUs, sequence header).
"""

from __future__ import annotations

from collections.abc import Iterator

_SEQUENCE, _FRAME_HEADER, _FRAME = 1, 3, 6
_HAS_EXTENSION, _HAS_SIZE = 4, 2


class _Bits:
    """Numbers one after the other, from the highest bit of each byte on; zeros where the data end."""

    def __init__(self, data: bytes) -> None:
        self._number, self._left = int.from_bytes(data, "big"), 8 * len(data)

    def take(self, count: int) -> int:
        self._left -= count
        return (self._number >> self._left if self._left >= 0 else 0) & ((1 << count) - 1)


def pixels_of(coded: bytes) -> int:
    """Count the pixels of all frames of an item, each as large as its sequence allows.

    Raises:
        ValueError: An OBU is cut short.
    """
    pixels = largest = 0
    for kind, body in _units(coded):
        if kind == _SEQUENCE:
            largest = _largest(body)
        elif kind in (_FRAME_HEADER, _FRAME):
            pixels += largest
    return pixels


def _units(coded: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield kind and beginning of every OBU."""
    at = 0
    while at < len(coded):
        head = coded[at]
        at += 2 if head & _HAS_EXTENSION else 1
        size, shift = len(coded) - at, 0
        if head & _HAS_SIZE:
            size = 0
            while True:
                if at >= len(coded) or shift > 28:
                    raise ValueError("an OBU that is cut short")
                byte = coded[at]
                size |= (byte & 0x7F) << shift
                at, shift = at + 1, shift + 7
                if byte < 0x80:
                    break
        if at + size > len(coded):
            raise ValueError("an OBU that is cut short")
        yield head >> 3 & 15, coded[at : at + min(size, 256)]
        at += size


def _largest(body: bytes) -> int:
    """Read from a sequence header how many pixels a frame has at most."""
    bits = _Bits(body)
    bits.take(4)  # profile, and whether it is a still
    if bits.take(1):  # a reduced header
        bits.take(5)
    else:
        _skip_operating_points(bits)
    widths = bits.take(4) + 1, bits.take(4) + 1
    width, height = (bits.take(count) + 1 for count in widths)
    return width * height


def _skip_operating_points(bits: _Bits) -> None:
    delay_bits = 0
    if bits.take(1):  # timing
        bits.take(64)
        if bits.take(1):
            zeros = 0
            while zeros < 32 and not bits.take(1):
                zeros += 1
            bits.take(zeros)
        if bits.take(1):  # a model of the decoder
            delay_bits = bits.take(5) + 1
            bits.take(42)
    has_delays = bits.take(1)
    for _ in range(bits.take(5) + 1):
        bits.take(12)
        if bits.take(5) > 7:
            bits.take(1)
        if delay_bits and bits.take(1):
            bits.take(2 * delay_bits + 1)
        if has_delays and bits.take(1):
            bits.take(4)
