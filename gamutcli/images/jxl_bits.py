"""Numbers in a JPEG XL codestream, read and written bit by bit from the lowest of each byte on.

Source: ISO/IEC 18181-1:2024, B.2 (fields).
"""

from __future__ import annotations

#: Pairs of (bits, offset): the first two bits choose one, its bits follow, and the offset is added.
Choices = tuple[tuple[int, int], tuple[int, int], tuple[int, int], tuple[int, int]]

ENUM: Choices = ((0, 0), (0, 1), (4, 2), (6, 18))


class BitReader:
    """Reads numbers one after the other.

    Args:
        data: Of which the first byte holds the first bits.
        at: Where to begin, in bits.

    Raises:
        EOFError: From every method: the data end before.
    """

    def __init__(self, data: bytes, at: int = 0) -> None:
        self._data = data
        self.at = at

    def take(self, count: int) -> int:
        """Return a number of so many bits."""
        value = self.peek(count)
        self.skip(count)
        return value

    def peek(self, count: int) -> int:
        """Return the next bits without taking them; zeros where the data end."""
        first = self.at >> 3
        piece = int.from_bytes(self._data[first : (self.at + count + 7) >> 3], "little")
        return piece >> (self.at & 7) & ((1 << count) - 1)

    def skip(self, count: int) -> None:
        """Leave out bits."""
        if self.at + count > 8 * len(self._data):
            raise EOFError("the codestream ends within its header")
        self.at += count

    def to_byte(self) -> None:
        """Go on where the next whole byte begins."""
        self.skip(-self.at % 8)

    def flag(self) -> bool:
        """Return whether the next bit is set."""
        return self.take(1) == 1

    def one_of(self, choices: Choices) -> int:
        """Return a number of one of four sizes: U32()."""
        bits, offset = choices[self.take(2)]
        return self.take(bits) + offset

    def enum(self) -> int:
        """Return the number of a name: Enum()."""
        return self.one_of(ENUM)

    def long(self) -> int:
        """Return a number of up to 64 bits: U64()."""
        selector = self.take(2)
        if selector < 3:
            return (0, 1 + self.take(4) if selector == 1 else 0, 17 + self.take(8) if selector == 2 else 0)[selector]
        value, shift = self.take(12), 12
        while self.flag():
            if shift == 60:
                return value | self.take(4) << shift
            value |= self.take(8) << shift
            shift += 8
        return value


class BitWriter:
    """Collects numbers one after the other."""

    def __init__(self) -> None:
        self._number = self._count = 0

    def put(self, count: int, value: int) -> None:
        """Add a number of so many bits."""
        self._number |= value << self._count
        self._count += count

    def put_one_of(self, choices: Choices, value: int) -> None:
        """Add a number of one of four sizes, the first that it fits."""
        for choice, (bits, offset) in enumerate(choices):
            if 0 <= value - offset < 1 << bits:
                self.put(2, choice)
                self.put(bits, value - offset)
                return
        raise ValueError(f"{value} does not fit")

    def whole_bytes(self) -> bytes:
        """Return all, filled up with zeros to a whole byte."""
        return self._number.to_bytes((self._count + 7) // 8, "little")
