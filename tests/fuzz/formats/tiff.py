"""TIFF files: the tags of the first directory are the pieces; strips of pixels move with it."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from tests.fuzz.content import directories
from tests.fuzz.content.directories import Directory, Entry, Tree
from tests.fuzz.formats.pieces import Format, Inside, Piece

_CONTENT = {700: "xmp", 34675: "icc"}


@dataclass(frozen=True)
class Tag(Piece):
    """An entry as a piece."""

    entry: Entry


@dataclass(frozen=True)
class Head(Piece):
    """What is left of the tree."""

    order: str
    big: bool
    following: Directory | None


def split(data: bytes) -> list[Piece]:
    tree = directories.parse(data)
    head = Head(b"head", b"", tree.order, tree.big, tree.first.following)
    return [head, *map(_piece, tree.first.entries)]


def join(pieces: list[Piece]) -> bytes:
    entries = tuple(piece.entry for piece in pieces if isinstance(piece, Tag))[:65535]
    head = next((piece for piece in pieces if isinstance(piece, Head)), Head(b"head", b"", "<", False, None))
    return Tree(head.order, Directory(entries, head.following), head.big).packed()


def inside(piece: Piece) -> Inside | None:
    if not isinstance(piece, Tag) or piece.entry.tag not in _CONTENT:
        return None
    return Inside(_CONTENT[piece.entry.tag], piece.entry.value, lambda content: _value(piece.entry.tag, content))


def change(chance: Random, piece: Piece) -> Piece:
    if isinstance(piece, Tag):
        if piece.entry.below:
            below = tuple(directories.disturbed_directory(chance, each, "<") for each in piece.entry.below)
            return _piece(Entry(piece.entry.tag, 4, below=below))
        return _piece(directories.disturbed_entry(chance, piece.entry, "<"))
    assert isinstance(piece, Head)
    order = chance.choice("<>") if chance.random() < 0.2 else piece.order
    following = piece.following
    if following is not None:
        following = directories.disturbed_directory(chance, following, order)
    return Head(b"head", b"", order, piece.big ^ (chance.random() < 0.5), following)


def make(chance: Random) -> Piece:
    return _piece(directories.new_entry(chance, "<"))


def wrap(name: str, content: bytes, chance: Random) -> Piece:
    if name == "exif":  # its own directories become those of the file
        try:
            return _piece(Entry(0x8769, 4, below=(directories.parse(content).first,)))
        except Exception:  # whatever there is about a block that was disturbed
            return _value(0x8769, content)
    return _value(next(tag for tag, held in _CONTENT.items() if held == name), content)


def _value(tag: int, content: bytes) -> Tag:
    return _piece(Entry(tag, 7, content))


def _piece(entry: Entry) -> Tag:
    return Tag(entry.tag.to_bytes(2, "big"), entry.value, entry)


TIFF = Format(split, join, inside, change, make, wrap)
