"""What files say outside EXIF, XMP and IPTC, put into these: PNG texts, densities, Photoshop's resources."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from html import escape

from gamutcli.containers import exif, segments, xmp
from gamutcli.containers.ifd import ByteOrder
from gamutcli.errors import InputError
from gamutcli.metadata.ifd import ASCII, RATIONAL, SHORT, UNDEFINED, Entry, entry

RESOURCES = 0x8649
_X_RESOLUTION, _Y_RESOLUTION, _UNIT = 0x011A, 0x011B, 0x0128
_USER_COMMENT, _TAKEN, _TAKEN_OFFSET = 0x9286, 0x9003, 0x9011
_LONGEST_TIME, _MOST_NAMED = 64, 8
NO_UNIT, INCH, CENTIMETRE = 1, 2, 3

# Keywords of the PNG specification, 11.3.3, and the tags of EXIF that mean the same.
_TEXT_TAGS = {"Description": 0x010E, "Source": 0x0110, "Software": 0x0131, "Author": 0x013B, "Copyright": 0x8298}
_CREATED, _COMMENT, _TITLE, _DISCLAIMER = "Creation Time", "Comment", "Title", "Disclaimer"
_RIGHTS = "http://ns.adobe.com/xap/1.0/rights/"
_MARKED, _STATEMENT = f"{_RIGHTS} Marked", f"{_RIGHTS} WebStatement"
_USAGE, _DC_TITLE = f"{_RIGHTS} UsageTerms", "http://purl.org/dc/elements/1.1/ title"
_PREFIXES = {_RIGHTS: "xmpRights", "http://purl.org/dc/elements/1.1/": "dc"}

Ratio = tuple[int, int]


@dataclass(frozen=True)
class Elsewhere:
    """What a file says in other places.

    Attributes:
        texts: By keyword, as PNG has them.
        density: Pixels per unit across and down, each a numerator and a denominator, and EXIF's number of the unit.
        resources: Photoshop's image resource blocks.
    """

    texts: Mapping[str, str] = field(default_factory=dict)
    density: tuple[Ratio, Ratio, int] | None = None
    resources: bytes = b""


def per_inch(across: int, down: int) -> tuple[Ratio, Ratio, int]:
    """Translate pixels per metre: to whole pixels per inch where that is what was meant, else to the centimetre."""
    inches = round(across * 0.0254), round(down * 0.0254)
    if (round(inches[0] / 0.0254), round(inches[1] / 0.0254)) == (across, down):
        return (inches[0], 1), (inches[1], 1), INCH
    return (across, 100), (down, 100), CENTIMETRE


def with_elsewhere(
    block: bytes | None, packet: bytes | None, found: Elsewhere
) -> tuple[bytes | None, bytes | None, tuple[str, ...]]:
    """Add to EXIF and XMP what is said elsewhere and not in them.

    Returns:
        Both, the very same where there is nothing to add; and notes for the user.
    """
    texts = {word: text.strip("\0 \r\n") for word, text in found.texts.items()}
    taken = _moment(texts.get(_CREATED, ""))
    if taken is not None:
        texts.pop(_CREATED)
    with suppress(InputError):  # a block that cannot be read stays as it is
        order = exif.order_of(block)
        image = {tag: _text(texts[word]) for word, tag in _TEXT_TAGS.items() if texts.get(word)}
        image |= _resolution(found.density, order)
        kept = segments.of_the_photograph(found.resources)
        if kept:
            image[RESOURCES] = Entry(UNDEFINED, len(kept), kept)
        tags = {} if taken is None else _times(taken)
        if texts.get(_COMMENT):
            tags[_USER_COMMENT] = _comment(texts[_COMMENT], order)
        block = exif.with_missing(block, _values(image), _values(tags))
    said = {_DC_TITLE: _in_any_language(texts.get(_TITLE)), _USAGE: _in_any_language(texts.get(_DISCLAIMER))}
    is_marked, address = segments.rights_of(found.resources)
    said |= {_MARKED: "True" if is_marked else "", _STATEMENT: escape(address)}
    known = {*_TEXT_TAGS, _COMMENT, _TITLE, _DISCLAIMER}
    # With a colon: what a program noted of the file itself ("date:create", "exif:...", "Thumb::...").
    unknown = [word for word, text in texts.items() if word not in known and ":" not in word and text]
    if len(unknown) > _MOST_NAMED:
        unknown = [*unknown[:_MOST_NAMED], f"{len(unknown) - _MOST_NAMED:,} more"]
    notes = (f"texts of the PNG were left out, for want of a place: {', '.join(unknown)}",) if unknown else ()
    return block, _with_properties(packet, said), notes


def _text(text: str) -> Entry:
    """EXIF has no encoding beyond ASCII; UTF-8 is what all readers try."""
    data = text.encode() + b"\0"
    return Entry(ASCII, len(data), data)


def _comment(text: str, order: ByteOrder) -> Entry:
    if text.isascii():
        data = b"ASCII\0\0\0" + text.encode()
    else:
        data = b"UNICODE\0" + text.encode("utf-16-le" if order == "<" else "utf-16-be")
    return Entry(UNDEFINED, len(data), data)


def _moment(text: str) -> datetime | None:
    """Read a time in the form that the PNG specification recommends, in ISO 8601, or as EXIF has it."""
    from email.utils import parsedate_to_datetime  # it brings sockets, and few pictures need it

    if len(text) > _LONGEST_TIME:
        return None
    for read in (parsedate_to_datetime, datetime.fromisoformat, _exif_time):
        with suppress(ValueError, TypeError):
            return read(text)
    return None


def _exif_time(text: str) -> datetime:
    return datetime.strptime(text, "%Y:%m:%d %H:%M:%S")


def _times(taken: datetime) -> dict[int, Entry]:
    offset = taken.strftime("%z")
    tags = {_TAKEN: _text(taken.strftime("%Y:%m:%d %H:%M:%S"))}
    return {**tags, _TAKEN_OFFSET: _text(f"{offset[:3]}:{offset[3:5]}")} if offset else tags


def _resolution(density: tuple[Ratio, Ratio, int] | None, order: ByteOrder) -> dict[int, Entry]:
    if density is None or 0 in (*density[0], *density[1]):
        return {}
    across, down, unit = density
    return {
        _X_RESOLUTION: entry(RATIONAL, *across, order=order),
        _Y_RESOLUTION: entry(RATIONAL, *down, order=order),
        _UNIT: entry(SHORT, unit, order=order),
    }


def _values(entries: Mapping[int, Entry]) -> dict[int, tuple[int, bytes]]:
    return {tag: (item.kind, item.data) for tag, item in entries.items()}


def _in_any_language(text: str | None) -> str:
    return f'<rdf:Alt><rdf:li xml:lang="x-default">{escape(text)}</rdf:li></rdf:Alt>' if text else ""


def _with_properties(packet: bytes | None, said: Mapping[str, str]) -> bytes | None:
    """Return a packet with properties that it does not have; one that cannot be parsed stays as it is."""
    if not any(said.values()):
        return packet
    try:
        opened = xmp.parse(packet)
    except InputError:
        return packet
    there = opened.names()
    for name, text in said.items():
        if text and name not in there:
            namespace, _, local = name.rpartition(" ")
            opened = opened.with_property(_PREFIXES[namespace], namespace, local, text)
    return bytes(opened)
