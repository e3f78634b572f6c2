"""Files of weights: safetensors whose words are others, and whose lengths are right."""

from __future__ import annotations

import json
from random import Random
from typing import Any

from tests.fuzz.chance import near, odd_number, scrambled

_ODD: tuple[Any, ...] = (
    None,
    True,
    -1,
    0,
    1e400,
    10**400,
    "",
    "x" * 99,
    [],
    {},
    [[]],
    "1e400",
    '{"a": 1}',
    "nan",
    "[" * 3000,
)
_KINDS = ("F32", "F16", "F64", "BF16", "I8", "BOOL", "U64", "F8_E5M2", "X")


def disturbed(chance: Random, data: bytes) -> bytes:
    """A file with other words, tensors or numbers."""
    length = int.from_bytes(data[:8], "little")
    head, numbers = data[8 : 8 + length], data[8 + length :]
    way = chance.random()
    if way < 0.1:
        numbers = scrambled(chance, numbers)
    elif way < 0.25:
        head = scrambled(chance, head)
    elif way < 0.3:
        head = b"[" * chance.choice((500, 100_000)) + head
    else:
        words = json.loads(head)
        for _ in range(chance.choice((1, 1, 2))):
            words = _disturbed_words(chance, words)
        head = json.dumps(words).encode()
    size = near(chance, len(head), 64) if chance.random() < 0.05 else len(head)
    return size.to_bytes(8, "little") + head + numbers


def _disturbed_words(chance: Random, words: Any) -> Any:
    """One value somewhere below is another, is gone, or has another name."""
    if isinstance(words, str) and words[:1] in "{[" and chance.random() < 0.8:
        try:
            return json.dumps(_disturbed_words(chance, json.loads(words)))
        except ValueError:
            return chance.choice(_ODD)
    if isinstance(words, dict) and words and chance.random() < 0.9:
        key = chance.choice(list(words))
        changed = dict(words)
        way = chance.random()
        if way < 0.1:
            del changed[key]
        elif way < 0.2:
            changed[chance.choice(("layer9", "boxes", "__metadata__", "", "format"))] = changed.pop(key)
        elif key == "dtype":
            changed[key] = chance.choice(_KINDS)
        else:
            changed[key] = _disturbed_words(chance, words[key])
        return changed
    if isinstance(words, list) and words and chance.random() < 0.9:
        at = chance.randrange(len(words))
        return [*words[:at], _disturbed_words(chance, words[at]), *words[at + 1 :]]
    if isinstance(words, int) and chance.random() < 0.7:
        return near(chance, words, 40)
    return odd_number(chance, 64) if chance.random() < 0.2 else chance.choice(_ODD)
