"""The entropy coding of JPEG XL: numbers in contexts, by prefix codes, with repeats.

Only an ICC profile is read with it, a few thousand numbers, so that it is written to be read and not to be quick. The
standard's other way of coding, by asymmetric numeral systems, is not read: libjxl, with which nearly all files are
written, codes profiles by prefixes only.

Source: ISO/IEC 18181-1:2024, annex C.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from gamutcli.images.jxl_bits import BitReader, Choices

Symbols = Callable[[], int]

_LEAST_REPEATED: Choices = ((0, 224), (0, 512), (0, 4096), (15, 8))
_LEAST_LENGTHS: Choices = ((0, 3), (0, 4), (2, 5), (8, 9))
_WINDOW = 1 << 20
_ALPHABET_BITS, _REPEAT_ALPHABET_BITS = 15, 8

# Order and codes of the lengths of codes; RFC 7932, section 3.5.
_LENGTH_ORDER = (1, 2, 3, 4, 0, 5, 17, 6, 16, 7, 8, 9, 10, 11, 12, 13, 14, 15)
_LENGTH_CODES = {(2, 0): 0, (2, 1): 4, (2, 2): 3, (3, 3): 2, (4, 7): 1, (4, 15): 5}


@dataclass(frozen=True)
class _Split:
    """How a token stands for a range of numbers: those below 1 << `exponent` for themselves."""

    exponent: int
    high: int
    low: int

    def number(self, token: int, bits: BitReader) -> int:
        if token < 1 << self.exponent:
            return token
        kept = self.high + self.low
        extra = self.exponent - kept + ((token - (1 << self.exponent)) >> kept)
        if extra > 32:
            raise ValueError("a number of more than 32 bits")
        low = token & ((1 << self.low) - 1)
        high = token >> self.low & ((1 << self.high) - 1) | 1 << self.high
        return (high << extra | bits.take(extra)) << self.low | low


class EntropyDecoder:
    """Decodes numbers, each in a context.

    Args:
        bits: Where the codes begin; they are read at once.
        contexts: How many there are.
        repeats: Whether runs may be repeated.

    Raises:
        EOFError, ValueError: The data are cut short or damaged; so also `number`.
        NotImplementedError: The codes are no prefix codes.
    """

    def __init__(self, bits: BitReader, contexts: int, repeats: bool = True) -> None:
        self._bits = bits
        self._repeats: tuple[int, int, _Split] | None = None
        if bits.flag():
            if not repeats:
                raise ValueError("repeats where there may be none")
            least, shortest = bits.one_of(_LEAST_REPEATED), bits.one_of(_LEAST_LENGTHS)
            self._repeats = least, shortest, _split(bits, _REPEAT_ALPHABET_BITS)
            contexts += 1
        self._clusters = _clusters(bits, contexts) if contexts > 1 else [0]
        count = max(self._clusters) + 1
        if not bits.flag():
            raise NotImplementedError("numbers that are not coded by prefixes")
        self._splits = [_split(bits, _ALPHABET_BITS) for _ in range(count)]
        sizes = [_alphabet_size(bits) for _ in range(count)]
        self._symbols = [_by_prefix(bits, size) for size in sizes]
        self._done: list[int] = []
        self._copied, self._left = 0, 0

    def number(self, context: int) -> int:
        """Return the next number."""
        if self._left:
            self._left -= 1
            value = self._done[self._copied]
            self._copied += 1
        else:
            cluster = self._clusters[context]
            token = self._symbols[cluster]()
            if self._repeats is not None and token >= self._repeats[0]:
                self._start_repeat(token, *self._repeats)
                return self.number(context)
            value = self._splits[cluster].number(token, self._bits)
        self._done.append(value)
        return value

    def _start_repeat(self, token: int, least: int, shortest: int, split: _Split) -> None:
        self._left = split.number(token - least, self._bits) + shortest
        cluster = self._clusters[-1]
        distance = 1 + self._splits[cluster].number(self._symbols[cluster](), self._bits)
        if not self._done:
            raise ValueError("a repeat of nothing")
        self._copied = len(self._done) - min(distance, len(self._done), _WINDOW)


def _split(bits: BitReader, alphabet_bits: int) -> _Split:
    exponent = bits.take(alphabet_bits.bit_length())
    if exponent == alphabet_bits:
        return _Split(exponent, 0, 0)
    high = bits.take(exponent.bit_length())
    low = bits.take((exponent - high).bit_length()) if high <= exponent else 0
    if high + low > exponent:
        raise ValueError("a split of too many bits")
    return _Split(exponent, high, low)


def _clusters(bits: BitReader, contexts: int) -> list[int]:
    """Read which contexts share a code (C.2.2)."""
    if bits.flag():
        width = bits.take(2)
        return [bits.take(width) for _ in range(contexts)]
    moves_to_front = bits.flag()
    decoder = EntropyDecoder(bits, 1, repeats=contexts > 2)
    found = [decoder.number(0) for _ in range(contexts)]
    if max(found) > 255:
        raise ValueError("too many codes")
    if not moves_to_front:
        return found
    order = list(range(256))
    for at, index in enumerate(found):
        order.insert(0, order.pop(index))
        found[at] = order[0]
    return found


def _coded(bits: BitReader, codes: dict[tuple[int, int], int], longest: int) -> int:
    for width in range(1, longest + 1):
        value = codes.get((width, bits.peek(width)))
        if value is not None:
            bits.skip(width)
            return value
    raise ValueError("a code that there is not")


def _alphabet_size(bits: BitReader) -> int:
    if not bits.flag():
        return 1
    width = bits.take(4)
    return 1 + (1 << width) + bits.take(width)


def _by_prefix(bits: BitReader, size: int) -> Symbols:
    """Read a prefix code as of RFC 7932 (section 3.4 and 3.5), and return what reads its symbols."""
    if size == 1:
        return lambda: 0
    if size > 1 << _ALPHABET_BITS:
        raise ValueError("an alphabet of too many symbols")
    kind = bits.take(2)
    lengths = _few_lengths(bits, size) if kind == 1 else _lengths(bits, size, kind)
    if len(lengths) == 1:
        (only,) = lengths
        return lambda: only
    codes = _canonical(lengths)
    longest = max(lengths.values())
    return lambda: _coded(bits, codes, longest)


def _few_lengths(bits: BitReader, size: int) -> dict[int, int]:
    width = (size - 1).bit_length()
    symbols = [bits.take(width) for _ in range(bits.take(2) + 1)]
    if len(set(symbols)) < len(symbols) or max(symbols) >= size:
        raise ValueError("a symbol that there is not")
    shapes: dict[int, tuple[int, ...]] = {1: (1,), 2: (1, 1), 3: (1, 2, 2), 4: (2, 2, 2, 2)}
    shape = (1, 2, 3, 3) if len(symbols) == 4 and bits.flag() else shapes[len(symbols)]
    return dict(zip(symbols, shape, strict=True))


def _lengths(bits: BitReader, size: int, skipped: int) -> dict[int, int]:
    """Read the length of each symbol's code, which is itself coded."""
    coded: dict[int, int] = {}
    room = 32
    for which in _LENGTH_ORDER[skipped:]:
        if room <= 0:
            break
        length = _coded(bits, _LENGTH_CODES, 4)
        if length:
            coded[which] = length
            room -= 32 >> length
    if not coded or (len(coded) > 1 and room):
        raise ValueError("a code that is none")
    only = next(iter(coded)) if len(coded) == 1 else None
    codes = {} if only is not None else _canonical(coded)
    lengths: dict[int, int] = {}
    symbol, previous, room, repeat, repeated = 0, 8, 1 << 15, 0, 0
    while symbol < size and room > 0:
        length = only if only is not None else _coded(bits, codes, 5)
        if length < 16:
            repeat = 0
            if length:
                lengths[symbol] = previous = length
                room -= 1 << 15 >> length
            symbol += 1
            continue
        extra, again = (2, previous) if length == 16 else (3, 0)
        if repeated != again:
            repeat, repeated = 0, again
        old = repeat
        repeat = (repeat - 2 << extra if repeat else 0) + bits.take(extra) + 3
        added = repeat - old
        if symbol + added > size:
            raise ValueError("a run beyond the end")
        if again:
            lengths |= dict.fromkeys(range(symbol, symbol + added), again)
            room -= added << 15 >> again
        symbol += added
    if room:
        raise ValueError("a code that is none")
    return lengths


def _canonical(lengths: dict[int, int]) -> dict[tuple[int, int], int]:
    """Number the codes of each length in the order of their symbols, and turn their bits round."""
    codes: dict[tuple[int, int], int] = {}
    code, width = 0, 0
    for length, symbol in sorted((length, symbol) for symbol, length in lengths.items()):
        code <<= length - width
        width = length
        codes[width, int(f"{code:0{width}b}"[::-1], 2)] = symbol
        code += 1
    return codes
