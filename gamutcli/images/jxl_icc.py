"""The ICC profile in a JPEG XL codestream: its bytes, predicted from one another, as commands and data.

Source: ISO/IEC 18181-1:2024, E.4.
"""

from __future__ import annotations

import struct

from gamutcli.images.jxl_bits import BitReader
from gamutcli.images.jxl_entropy import EntropyDecoder

_CONTEXTS = 41
_MOST_BYTES = 1 << 22
_HEADER = 128
_TAGS = (
    *(b"cprt", b"wtpt", b"bkpt", b"rXYZ", b"gXYZ", b"bXYZ", b"kXYZ", b"rTRC", b"gTRC", b"bTRC", b"kTRC", b"chad"),
    *(b"desc", b"chrm", b"dmnd", b"dmdd", b"lumi"),
)
_XYZ_TAGS = (b"rXYZ", b"gXYZ", b"bXYZ", b"kXYZ", b"wtpt", b"bkpt", b"lumi")
_TYPES = (b"XYZ ", b"desc", b"text", b"mluc", b"para", b"curv", b"sf32", b"gbd ")


def read_stream(bits: BitReader) -> bytes:
    """Read the coded profile, whatever is in it.

    Args:
        bits: Where it begins; afterwards, where it ends.

    Raises:
        EOFError, ValueError: It is cut short or damaged.
        NotImplementedError: It is coded in a way that is not read here.
    """
    size = bits.long()
    if size > _MOST_BYTES:
        raise ValueError("a profile of too many bytes")
    decoder = EntropyDecoder(bits, _CONTEXTS)
    coded = bytearray()
    for at in range(size):
        before = coded[-1] if at else 0
        context = 0 if at <= _HEADER else 1 + _kind(before) + 8 * _kind_before(coded[-2])
        coded.append(decoder.number(context) & 0xFF)
    return bytes(coded)


def decode_profile(coded: bytes) -> bytes:
    """Turn a coded profile into the profile.

    Raises:
        ValueError: It is damaged.
    """
    try:
        return _Profile(coded).decode()
    except IndexError as error:
        raise ValueError("a profile that ends too early") from error


def _kind(byte: int) -> int:
    if chr(byte).isalpha() and byte < 128:
        return 0
    if chr(byte) in "0123456789.,":
        return 1
    if byte < 16:
        return {0: 2, 1: 3}.get(byte, 4)
    return 7 if byte <= 240 else 6 if byte == 255 else 5


def _kind_before(byte: int) -> int:
    kind = _kind(byte)
    return kind if kind < 2 else 2 if byte < 16 else 3 if byte > 240 else 4


class _Reader:
    """Bytes one after the other."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.at = 0

    @property
    def is_at_end(self) -> bool:
        return self.at >= len(self._data)

    def byte(self) -> int:
        self.at += 1
        return self._data[self.at - 1]

    def bytes(self, count: int) -> bytes:
        piece = self._data[self.at : self.at + count]
        if len(piece) < count:
            raise IndexError(count)
        self.at += count
        return piece

    def varint(self) -> int:
        value = shift = 0
        while True:
            byte = self.byte()
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80 or shift > 56:
                return value


class _Profile:
    """A profile on its way out of its code."""

    def __init__(self, coded: bytes) -> None:
        start = _Reader(coded)
        self._size, length = start.varint(), start.varint()
        if self._size > _MOST_BYTES:
            raise ValueError("a profile of too many bytes")
        self._commands = _Reader(start.bytes(length))
        self._data = _Reader(coded[start.at :])
        self._out = bytearray()

    def decode(self) -> bytes:
        self._add_header()
        if len(self._out) < self._size:
            self._add_tags()
        while not self._commands.is_at_end:
            self._follow(self._commands.byte())
            if len(self._out) > self._size:
                break
        if len(self._out) != self._size:
            raise ValueError("a profile of another length than it says")
        return bytes(self._out)

    def _add_header(self) -> None:
        likely = bytearray(_HEADER)
        likely[0:4] = struct.pack(">I", self._size)
        likely[8] = 4
        likely[12:24] = b"mntrRGB XYZ "
        likely[36:40] = b"acsp"
        likely[68:80] = struct.pack(">3I", 0xF6D6, 0x10000, 0xD32D)
        makers = {b"A": b"APPL", b"M": b"MSFT", b"SG": b"SGI ", b"SU": b"SUNW"}
        for at in range(min(_HEADER, self._size)):
            if at == 8:
                likely[80:84] = self._out[4:8]
            maker = makers.get(bytes(self._out[40:at])) if at in (41, 42) else None
            if maker:
                likely[40:44] = maker
            self._out.append(self._data.byte() + likely[at] & 0xFF)

    def _add_tags(self) -> None:
        count = self._commands.varint() - 1
        if count < 0:
            return
        self._out += struct.pack(">I", count)
        start, size = _HEADER + 12 * count, 0
        while not self._commands.is_at_end:
            command = self._commands.byte()
            code = command & 63
            if code == 0:
                return
            tag = self._data.bytes(4) if code == 1 else {2: b"rTRC", 3: b"rXYZ"}.get(code) or _TAGS[code - 4]
            start = self._commands.varint() if command & 64 else start + size
            size = 20 if tag in _XYZ_TAGS else size
            size = self._commands.varint() if command & 128 else size
            steps = {2: (b"gTRC", b"bTRC"), 3: (b"gXYZ", b"bXYZ")}.get(code, ())
            self._out += tag + struct.pack(">II", start & 0xFFFFFFFF, size & 0xFFFFFFFF)
            for step, more in enumerate(steps, 1):
                place = start + step * size if code == 3 else start
                self._out += more + struct.pack(">II", place & 0xFFFFFFFF, size & 0xFFFFFFFF)

    def _follow(self, command: int) -> None:
        if command in (1, 2, 3):
            data = self._data.bytes(self._commands.varint())
            self._out += data if command == 1 else _unshuffled(data, 2 * command - 2)
        elif command == 4:
            self._predict()
        elif command == 10:
            self._out += b"XYZ " + bytes(4) + self._data.bytes(12)
        elif 16 <= command < 16 + len(_TYPES):
            self._out += _TYPES[command - 16] + bytes(4)
        else:
            raise ValueError("an unknown command")

    def _predict(self) -> None:
        """Add what goes on as numbers before it did, and differs by so much."""
        flags = self._commands.byte()
        width, order = (flags & 3) + 1, flags >> 2 & 3
        stride = self._commands.varint() if flags & 16 else width
        count = self._commands.varint()
        if order == 3 or stride < width or stride * 4 >= len(self._out):
            raise ValueError("a prediction from what there is not")
        differences = self._data.bytes(count)
        if width > 1:
            differences = _unshuffled(differences, width)
        unit = {1: 1, 2: 2}.get(width, 4)
        begin = len(self._out)
        for at, difference in enumerate(differences):
            first = begin + at - at % unit
            one, two, three = (
                int.from_bytes(self._out[first - back * stride : first - back * stride + unit], "big")
                for back in (1, 2, 3)
            )
            expected = (one, 2 * one - two, 3 * one - 3 * two + three)[order]
            byte = expected >> 8 * (unit - 1 - at % unit) & 0xFF
            self._out.append(byte + difference & 0xFF)


def _unshuffled(data: bytes, width: int) -> bytes:
    """Put together numbers whose highest bytes all stand first, then the next ones."""
    rows = -(-len(data) // width)
    return bytes(data[at] for row in range(rows) for at in range(row, len(data), rows))
