"""Chance: numbers at the edges of what fits, and bytes disturbed here and there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import TypeVar

Item = TypeVar("Item")


def odd_number(chance: Random, bits: int) -> int:
    """A number of so many bits, most often one of those at which something changes."""
    power = 1 << chance.randrange(bits)
    most = (1 << bits) - 1
    choices = (0, 1, 2, 3, power, power - 1, power + 1, most, most - 1, most >> 1, chance.getrandbits(bits))
    return chance.choice(choices) & most


def near(chance: Random, number: int, bits: int) -> int:
    """A number by a little, or by a factor, beside another one; or an odd one."""
    choices = (number - 1, number + 1, number * 2, number // 2, -number, odd_number(chance, bits))
    return chance.choice(choices) & ((1 << bits) - 1)


def scrambled(chance: Random, data: bytes, *, same_length: bool = False) -> bytes:
    """Bytes with one to four disturbances."""
    changed = bytearray(data)
    for _ in range(chance.choice((1, 1, 1, 2, 4))):
        ways = _IN_PLACE if same_length or not changed else _IN_PLACE + _RESIZING
        chance.choice(ways)(chance, changed)
    return bytes(changed)


def cut(chance: Random, data: bytes) -> bytes:
    """The beginning of some bytes."""
    return data[: chance.randrange(len(data) + 1)]


def spliced(chance: Random, items: Sequence[Item], make: Callable[[], Item]) -> list[Item]:
    """A list with an item missing, twice, many times, elsewhere, or with a new one among them."""
    changed = list(items)
    at = chance.randrange(len(changed) + 1)
    way = chance.randrange(6)
    if way == 0 or not changed:
        changed.insert(at, make())
        return changed
    at = min(at, len(changed) - 1)
    if way == 1:
        del changed[at]
    elif way == 2:
        changed.insert(chance.randrange(len(changed) + 1), changed[at])
    elif way == 3:
        changed[at:at] = [changed[at]] * chance.choice((2, 17, 130))
    elif way == 4:
        changed.insert(chance.randrange(len(changed)), changed.pop(at))
    else:
        changed[at] = make()
    return changed


def _flip(chance: Random, data: bytearray) -> None:
    if data:
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)


def _set(chance: Random, data: bytearray) -> None:
    if data:
        data[chance.randrange(len(data))] = odd_number(chance, 8)


def _set_number(chance: Random, data: bytearray) -> None:
    size = chance.choice((2, 4, 8))
    if len(data) >= size:
        at = chance.randrange(len(data) - size + 1)
        data[at : at + size] = odd_number(chance, 8 * size).to_bytes(size, chance.choice(("little", "big")))


def _blank(chance: Random, data: bytearray) -> None:
    start, end = _range(chance, data)
    data[start:end] = bytes([chance.choice((0, 255, 32))]) * (end - start)


def _noise(chance: Random, data: bytearray) -> None:
    start, end = _range(chance, data)
    data[start:end] = chance.randbytes(end - start)


def _delete(chance: Random, data: bytearray) -> None:
    start, end = _range(chance, data)
    del data[start:end]


def _double(chance: Random, data: bytearray) -> None:
    start, end = _range(chance, data)
    at = chance.randrange(len(data) + 1)
    data[at:at] = data[start:end]


def _insert(chance: Random, data: bytearray) -> None:
    at = chance.randrange(len(data) + 1)
    data[at:at] = chance.randbytes(chance.choice((1, 2, 4, 60)))


def _truncate(chance: Random, data: bytearray) -> None:
    del data[chance.randrange(len(data) + 1) :]


def _range(chance: Random, data: bytearray) -> tuple[int, int]:
    start = chance.randrange(len(data) + 1)
    return start, min(len(data), start + chance.choice((1, 2, 4, 16, 300)))


_IN_PLACE = (_flip, _flip, _set, _set_number, _set_number, _blank, _noise)
_RESIZING = (_delete, _double, _insert, _truncate)
