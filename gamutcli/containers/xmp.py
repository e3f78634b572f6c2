"""XMP packets: put the payload's text into one, find it, and take it out again.

A packet that a camera or an editor wrote is never serialised anew: expat tells where elements begin and end, and the
bytes between stay what they were. Names are compared by namespace URI, in element and in attribute form, because
tools rename prefixes and turn one form into the other. Document types and entities are refused.

Source: ISO 16684-1 (XMP data model and serialisation).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from html import escape
from typing import NoReturn
from xml.parsers import expat

from gamutcli.errors import InputError

NAMESPACE = "https://gamutcli.github.io/ns/1.0/"
PREFIX = "gamut"
RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
NOTE = "http://ns.adobe.com/xmp/note/"

# Qualified names the way expat gives them: URI, space, local name.
PAYLOAD = f"{NAMESPACE} Payload"
EXTENDED = f"{NOTE} HasExtendedXMP"

MAX_PACKET = 8 << 20
"""Largest packet that is parsed, bytes. Long editing histories reach a few megabytes."""

# Far beyond what any editor writes.
MAX_ELEMENTS = 100_000
MAX_DEPTH = 100

_HEADER = b'<?xpacket begin="\xef\xbb\xbf" id="W5M0MpCehiHzreSzNTczkc9d"?>\n'
_FOOTER = b'\n<?xpacket end="w"?>'
_EMPTY = f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="{RDF}"></rdf:RDF></x:xmpmeta>'.encode()
_TAG = re.compile(rb"""<(?:[^"'>]+|"[^"]*"|'[^']*')*>""")
_ATTRIBUTE = re.compile(rb"""\s+([^\s=/>]+)\s*=\s*("[^"]*"|'[^']*')""")
_WRAPPER = re.compile(rb"<\?xpacket\b[^>]*\?>")
_PADDING = re.compile(rb"\s+(?=<\?xpacket\s+end)")


def find(packet: bytes, name: str = PAYLOAD) -> list[str]:
    """Return the values of a property, element or attribute, wherever it stands in the packet.

    Args:
        packet: A whole XMP packet, UTF-8 or UTF-16.
        name: Namespace URI, a space, local name.

    Raises:
        InputError: Not well-formed, too large, or it declares a document type.
    """
    return [value for element in _scan(_utf8(packet)).elements for value in element.values(name)]


def names_in(packet: bytes, wanted: Callable[[str], bool]) -> list[str]:
    """Return the names of elements and attributes that `wanted` picks; each is namespace URI, a space, local name.

    Raises:
        InputError: Not well-formed, too large, or it declares a document type.
    """
    elements = _scan(_utf8(packet)).elements
    names = {name for element in elements for name in (element.name, *element.attributes)}
    return sorted(name for name in names if wanted(name))


def insert(packet: bytes | None, payload: str) -> bytes:
    """Return a packet with the payload's text in it, and whatever else the given one says.

    Args:
        packet: The packet to extend; None starts a new one.
        payload: Text of the payload's part.

    Raises:
        InputError: The given packet cannot be parsed.
    """
    name = f"{PREFIX}:Payload"
    return _with_description(
        None if packet is None else remove(packet, PAYLOAD),
        f' xmlns:{PREFIX}="{NAMESPACE}"><{name}>{payload}</{name}></rdf:Description>',
    )


def point_to(packet: bytes | None, guid: str | None) -> bytes | None:
    """Return a packet that names an extension, or none.

    Args:
        packet: The packet; None starts a new one.
        guid: MD5 of the extension, 32 hexadecimal digits; None removes the name.

    Returns:
        The packet, or None when it says nothing at all.

    Raises:
        InputError: The given packet cannot be parsed.
    """
    rest = None if packet is None else remove(packet, EXTENDED)
    if guid is None:
        return rest
    # The attribute form is what Adobe's toolkit writes and what simple readers search for.
    return _with_description(rest, f' xmlns:xmpNote="{NOTE}" xmpNote:HasExtendedXMP="{guid}"/>')


def remove(packet: bytes, *names: str) -> bytes | None:
    """Return the packet without some properties, every other byte kept.

    Args:
        packet: A whole XMP packet.
        names: What to take out; our payload when none is given.

    Returns:
        The packet, or None when it says nothing else.

    Raises:
        InputError: The packet cannot be parsed.
    """
    names = names or (PAYLOAD,)
    packet = _utf8(packet)
    scan = _scan(packet)
    ranges: list[tuple[int, int]] = []
    for element in scan.elements:
        ours = element.parent is scan.rdf and element.is_description and element.holds_only(names)
        if ours or element.name in names:
            ranges.append((element.start, element.end))
        else:
            ranges.extend(element.attribute_ranges(packet, names))
    if not ranges:
        return packet
    if scan.says_only(names):
        return None
    kept = bytearray()
    position = 0
    for start, end in sorted(ranges):
        if end > position:  # ranges inside one that is gone already are skipped
            kept += packet[position : max(start, position)]
            position = end
    return bytes(kept + packet[position:])


def compact(packet: bytes) -> bytes:
    """Return the packet without the white space that editors leave at its end for later additions."""
    return _PADDING.sub(b"\n", packet)


def bare(packet: bytes) -> bytes:
    """Return the packet without its ``xpacket`` wrapper, as an extension has to be."""
    return _WRAPPER.sub(b"", _utf8(packet)).removeprefix(b"\xef\xbb\xbf").strip()


@dataclass
class _Element:
    """One element of a packet; positions are byte offsets."""

    name: str
    attributes: dict[str, str]
    start: int
    parent: _Element | None
    declared: dict[str, str]
    closing: int = 0
    end: int = 0
    children: list[_Element] = field(default_factory=list)
    text: list[str] = field(default_factory=list)

    @property
    def is_description(self) -> bool:
        return self.name == f"{RDF} Description"

    def qualified(self, packet: bytes) -> bytes:
        """Return the name as it is written, prefix and all."""
        match = re.compile(rb"[^\s/>]+").match(packet, self.start + 1)
        assert match is not None  # expat saw a start tag here
        return match[0]

    def prefix(self, packet: bytes) -> bytes:
        name = self.qualified(packet)
        return name.partition(b":")[0] if b":" in name else b""

    def namespace(self, prefix: str) -> str:
        """Return what a prefix stands for here."""
        element: _Element | None = self
        while element is not None and prefix not in element.declared:
            element = element.parent
        return "" if element is None else element.declared[prefix]

    def values(self, name: str) -> Iterator[str]:
        if name in self.attributes:
            yield self.attributes[name]
        if self.name == name:
            yield "".join(self.text)

    def properties(self) -> Iterator[str]:
        """Yield the names of what this description says, in either form."""
        yield from (name for name in self.attributes if name not in ("about", f"{RDF} about"))
        yield from (child.name for child in self.children)

    def holds_only(self, names: tuple[str, ...]) -> bool:
        said = list(self.properties())
        return bool(said) and all(name in names for name in said)

    def attribute_ranges(self, packet: bytes, names: tuple[str, ...]) -> Iterator[tuple[int, int]]:
        if not any(name in self.attributes for name in names):
            return
        position = self.start + 1 + len(self.qualified(packet))
        while match := _ATTRIBUTE.match(packet, position):
            prefix, _, local = match[1].decode().rpartition(":")
            if f"{self.namespace(prefix)} {local}" in names:
                yield match.span()
            position = match.end()


class _Scan:
    """What expat found in a packet."""

    def __init__(self, packet: bytes) -> None:
        self.elements: list[_Element] = []
        self._open: list[_Element] = []
        self._wanted: _Element | None = None  # the open element whose text is kept; text below it counts as its own
        self._declared: dict[str, str] = {}  # by the element that is about to start
        self._packet = packet
        self._parser = parser = expat.ParserCreate("utf-8", " ")
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters
        parser.StartNamespaceDeclHandler = self._declare
        parser.StartDoctypeDeclHandler = self._refuse
        parser.EntityDeclHandler = self._refuse
        parser.Parse(packet, True)

    @property
    def rdf(self) -> _Element:
        for element in self.elements:
            if element.name == f"{RDF} RDF":
                return element
        raise InputError("the XMP packet holds no RDF")

    @property
    def descriptions(self) -> list[_Element]:
        return [element for element in self.rdf.children if element.is_description]

    @property
    def about(self) -> str:
        """What the packet is about: every description has to say the same."""
        for element in self.descriptions:
            return element.attributes.get(f"{RDF} about", element.attributes.get("about", ""))
        return ""

    def says_only(self, names: tuple[str, ...]) -> bool:
        if len(self.descriptions) < len(self.rdf.children):
            return False
        return all(name in names for element in self.descriptions for name in element.properties())

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        parent = self._open[-1] if self._open else None
        element = _Element(name, attributes, self._parser.CurrentByteIndex, parent, self._declared)
        self._declared = {}
        if parent is not None:
            parent.children.append(element)
        if len(self.elements) == MAX_ELEMENTS or len(self._open) == MAX_DEPTH:
            raise InputError("the XMP packet has too many elements to read")
        self._open.append(element)
        self.elements.append(element)
        if self._wanted is None and name in (PAYLOAD, EXTENDED):
            self._wanted = element

    def _end(self, name: str) -> None:
        element = self._open.pop()
        if element is self._wanted:
            self._wanted = None
        element.closing = element.end = self._parser.CurrentByteIndex
        tag = _TAG.match(self._packet, element.start)
        assert tag is not None  # expat saw a start tag here
        if not tag[0].endswith(b"/>"):  # else expat stands behind it already
            element.end = self._packet.index(b">", element.closing) + 1

    def _characters(self, text: str) -> None:
        if self._wanted is not None:
            self._wanted.text.append(text)

    def _declare(self, prefix: str | None, uri: str) -> None:
        self._declared[prefix or ""] = uri

    def _refuse(self, *_: object) -> NoReturn:
        raise InputError("the XMP packet declares a document type or an entity, which XMP does not allow")


def _scan(packet: bytes) -> _Scan:
    if len(packet) > MAX_PACKET:
        raise InputError(f"an XMP packet of {len(packet):,} bytes is too large to read")
    try:
        return _Scan(packet)
    except (expat.ExpatError, UnicodeDecodeError, ValueError) as error:
        raise InputError(f"the XMP packet is not well-formed XML: {error}") from error


def _utf8(packet: bytes) -> bytes:
    """Return the packet in UTF-8, without the NUL bytes that some writers put behind it."""
    for encoding, start in (("utf-16-le", b"<\0"), ("utf-16-be", b"\0<")):
        mark = "\ufeff".encode(encoding)
        if packet.startswith((start, mark)):
            even = packet[: len(packet) // 2 * 2]
            return even.decode(encoding, "replace").strip("\ufeff\0").encode()
    return packet.rstrip(b"\0")


def _with_description(packet: bytes | None, rest_of_description: str) -> bytes:
    """Return the packet with one more description, last in its RDF."""
    packet = packet or _HEADER + _EMPTY + _FOOTER
    scan = _scan(packet)
    rdf = scan.rdf
    declared = "" if rdf.prefix(packet) == b"rdf" else f' xmlns:rdf="{RDF}"'
    ours = f'<rdf:Description{declared} rdf:about="{escape(scan.about)}"{rest_of_description}'.encode()
    if rdf.closing < rdf.end:
        return packet[: rdf.closing] + ours + packet[rdf.closing :]
    # <rdf:RDF/>: it has to be opened first
    opened = packet[rdf.start : rdf.end - 2] + b">"
    return packet[: rdf.start] + opened + ours + b"</" + rdf.qualified(packet) + b">" + packet[rdf.end :]
