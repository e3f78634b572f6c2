"""EXIF: blocks whose directories are others; a payload in the comment is in other lines."""

from __future__ import annotations

from dataclasses import replace
from random import Random

from tests.fuzz.chance import scrambled
from tests.fuzz.content import directories
from tests.fuzz.content.directories import Directory, Entry
from tests.fuzz.content.payload import disturbed_line

_COMMENT = 37510
_CODES = (b"ASCII\0\0\0", b"UNICODE\0", b"JIS\0\0\0\0\0", bytes(8), b"")


def disturbed(chance: Random, data: bytes) -> bytes:
    """A block with other entries, or with its bytes disturbed."""
    if chance.random() < 0.15:
        return scrambled(chance, data)
    try:
        tree = directories.parse(data)
    except Exception:  # whatever there is about a block that was disturbed already
        return scrambled(chance, data)
    if chance.random() < 0.2:
        tree.first = _with_comment(chance, tree.first)
    packed = directories.disturbed(chance, tree).packed()
    return scrambled(chance, packed) if chance.random() < 0.05 else packed


def _with_comment(chance: Random, directory: Directory) -> Directory:
    """The directory with its user comment, one below included, in another encoding, longer or torn."""
    entries = []
    for entry in directory.entries:
        if entry.below:
            entry = replace(entry, below=tuple(_with_comment(chance, below) for below in entry.below))
        elif entry.tag == _COMMENT:
            entry = _comment(chance, entry)
        entries.append(entry)
    return replace(directory, entries=tuple(entries))


def _comment(chance: Random, entry: Entry) -> Entry:
    said = entry.value[8:]
    line = disturbed_line(chance, said) if chance.random() < 0.5 else said
    if chance.random() < 0.3:
        line = line.decode("latin-1").encode(chance.choice(("utf-16-le", "utf-16-be", "utf-16")))
    return replace(entry, value=chance.choice(_CODES) + line + chance.choice((b"", b"\0", b"\n" + said)))
