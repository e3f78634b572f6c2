"""What all formats have in common: pieces, and content that some of them hold."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from random import Random

from tests.fuzz.chance import scrambled, spliced
from tests.fuzz.content import CHANGES


@dataclass(frozen=True)
class Piece:
    """A chunk, segment, box or tag: its kind, and its bytes without the frame around them."""

    kind: bytes
    body: bytes


@dataclass(frozen=True)
class Inside:
    """What a piece holds: its name in `content.CHANGES`, its bytes, and how a piece is made of other ones."""

    name: str
    content: bytes
    wrap: Callable[[bytes], Piece]


@dataclass(frozen=True)
class Format:
    """How files of a format are taken apart and put together.

    Attributes:
        split: A file into pieces.
        join: Pieces into a file whose lengths and checksums are right.
        inside: What a piece holds, if that has a structure of its own.
        change: Disturbs a piece in a way of its kind.
        make: A piece that may be new to the file.
        wrap: A new piece for content of a name.
    """

    split: Callable[[bytes], list[Piece]]
    join: Callable[[list[Piece]], bytes]
    inside: Callable[[Piece], Inside | None]
    change: Callable[[Random, Piece], Piece]
    make: Callable[[Random], Piece]
    wrap: Callable[[str, bytes, Random], Piece]

    def disturbed(self, chance: Random, data: bytes) -> bytes:
        """A file with other pieces, or pieces changed, or what they hold."""
        pieces = self.split(data)
        for _ in range(chance.choice((1, 1, 2, 3))):
            way = chance.random()
            if way < 0.35:
                pieces = spliced(chance, pieces, lambda: self.make(chance))
                continue
            at = chance.randrange(len(pieces))
            held = self.inside(pieces[at])
            if held is not None and way < 0.6:
                pieces[at] = held.wrap(CHANGES[held.name](chance, held.content))
            else:
                pieces[at] = self.change(chance, pieces[at])
        joined = self.join(pieces)
        return scrambled(chance, joined) if chance.random() < 0.05 else joined

    def with_content(self, chance: Random, data: bytes, name: str, fresh: bytes) -> bytes:
        """A file whose content of a name is disturbed; where it holds none, fresh content is put in and disturbed."""
        pieces = self.split(data)
        held = [(at, found) for at, piece in enumerate(pieces) if (found := self.inside(piece)) and found.name == name]
        if held and chance.random() < 0.7:
            at, found = chance.choice(held)
            pieces[at] = found.wrap(CHANGES[name](chance, found.content))
        else:
            kept = [piece for at, piece in enumerate(pieces) if at not in dict(held) or chance.random() < 0.3]
            place = min(len(kept), chance.choice((1, 1, 1, 2, len(kept) - 1)))
            for _ in range(chance.choice((1, 1, 1, 2, 12))):
                kept.insert(place, self.wrap(name, CHANGES[name](chance, fresh), chance))
            pieces = kept
        return self.join(pieces)


def scrambled_piece(chance: Random, piece: Piece, *, same_length: bool = False) -> Piece:
    return replace(piece, body=scrambled(chance, piece.body, same_length=same_length))
