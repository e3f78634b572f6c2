"""XMP packets: read properties, take some out, put some in, and leave every other byte alone.

A packet that a camera or an editor wrote is never serialised anew: expat tells where elements begin and end, and the
bytes between stay what they were. A packet is parsed once; what is taken out and put in is noted, and `bytes` writes
it down. Names are compared by namespace URI, in element and in attribute form, because tools rename prefixes and turn
one form into the other. Document types and entities are refused.

Source: ISO 16684-1 (XMP data model and serialisation).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from html import escape
from typing import NoReturn
from xml.parsers import expat

from gamutcli.errors import InputError

RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
NOTE = "http://ns.adobe.com/xmp/note/"

#: The property that names an extension, as expat gives names: namespace URI, a space, local name.
EXTENDED = f"{NOTE} HasExtendedXMP"

MAX_PACKET = 8 << 20
"""Largest packet that is parsed, bytes. Long editing histories reach a few megabytes."""

MAX_PACKETS = 100
"""Most packets of one file that are parsed; a picture has one, and a few more where tools disagree."""

MAX_ELEMENTS = 50_000
"""Most elements of one packet, and of all packets of a file together; an editing history of a megabyte
has about 15,000."""

# Far beyond what any editor writes.
MAX_DEPTH = 100

_EMPTY = (
    b'<?xpacket begin="\xef\xbb\xbf" id="W5M0MpCehiHzreSzNTczkc9d"?>\n'
    + f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="{RDF}"></rdf:RDF></x:xmpmeta>'.encode()
    + b'\n<?xpacket end="w"?>'
)
_TAG = re.compile(rb"""<(?:[^"'>]+|"[^"]*"|'[^']*')*>""")
_ATTRIBUTE = re.compile(rb"""\s+([^\s=/>]+)\s*=\s*("[^"]*"|'[^']*')""")
_NAME = re.compile(rb"[^\s/>]+")
# Each begins where nothing before it could: megabytes of beginnings without an end are read once.
_WRAPPER = re.compile(rb"<\?xpacket\b[^<>]*\?>")
_PADDING = re.compile(rb"(?<!\s)\s+(?=<\?xpacket\s+end)")


@dataclass(frozen=True, eq=False)
class Packet:
    """A packet, parsed, and what is to be changed in it.

    Attributes:
        source: What was parsed.
        gone: Names of the properties to take out.
        added: Descriptions to put in, last in the packet's RDF.
        is_compact: Whether the white space goes that editors leave at its end for later additions.
    """

    source: _Source
    gone: frozenset[str] = frozenset()
    added: tuple[bytes, ...] = ()
    is_compact: bool = False

    def values(self, name: str) -> list[str]:
        """Return the values of a property of the packet as it was parsed, wherever it stands.

        Args:
            name: Namespace URI, a space, local name; of an element, one whose text `parse` was told to keep.
        """
        return [value for element in self.source.elements for value in element.values(name)]

    def names(self) -> set[str]:
        """Return the names of all elements and attributes of the packet as it was parsed."""
        return {name for element in self.source.elements for name in (element.name, *element.attributes)}

    def without(self, *names: str) -> Packet:
        """Return the packet without some properties, in either form; every other byte is kept."""
        return replace(self, gone=self.gone.union(names))

    def with_property(self, prefix: str, namespace: str, local: str, text: str) -> Packet:
        """Return the packet with one more property, an element; the text is XML as it stands."""
        name = f"{prefix}:{local}"
        return self._with_description(f' xmlns:{prefix}="{namespace}"><{name}>{text}</{name}></rdf:Description>')

    def with_extension(self, guid: str) -> Packet:
        """Return the packet with the name of an extension, and no other: MD5 of it, 32 hexadecimal digits."""
        # The attribute form is what Adobe's toolkit writes and what simple readers search for.
        description = f' xmlns:xmpNote="{NOTE}" xmpNote:HasExtendedXMP="{guid}"/>'
        return self.without(EXTENDED)._with_description(description)

    def with_all_of(self, other: Packet) -> Packet:
        """Return the packet with all that another one says as it was parsed, as the extension of a packet is meant."""
        rest = self.without(EXTENDED)
        statements, room = [], MAX_PACKET
        for statement in other.source.statements():
            # Names that are declared once are repeated with every statement: a packet can grow a thousandfold.
            room -= len(statement)
            if room < 0:
                raise InputError(f"an XMP packet of more than {MAX_PACKET:,} bytes is too large to read")
            statements.append(statement)
        return replace(rest, added=(*rest.added, *statements))

    def compacted(self) -> Packet:
        """Return the packet without the white space that editors leave at its end for later additions."""
        return replace(self, is_compact=True)

    def _with_description(self, rest: str) -> Packet:
        rdf = self.source.rdf
        declared = "" if self.source.prefix(rdf) == b"rdf" else f' xmlns:rdf="{RDF}"'
        ours = f'<rdf:Description{declared} rdf:about="{escape(self.source.about)}"{rest}'
        return replace(self, added=(*self.added, ours.encode()))

    @property
    def is_silent(self) -> bool:
        """Whether all that the packet said was taken out, and nothing put in; as it was parsed, it is not."""
        return not self.added and bool(self._cuts) and self.source.says_only(self.gone)

    @cached_property
    def _cuts(self) -> list[tuple[int, int]]:
        return sorted(self.source.ranges(self.gone)) if self.gone else []

    def __bytes__(self) -> bytes:
        data = self.source.data
        edits = [(start, end, b"") for start, end in self._cuts]
        if self.added:
            edits.append(self._insertion())
        kept = bytearray()
        position = 0
        for start, end, new in sorted(edits):
            if end >= position:  # ranges inside one that is gone already are skipped
                kept += data[position : max(start, position)] + new
                position = end
        kept += data[position:]
        return _PADDING.sub(b"\n", bytes(kept)) if self.is_compact else bytes(kept)

    def _insertion(self) -> tuple[int, int, bytes]:
        """Return the range that the new descriptions replace, and what stands there then."""
        rdf = self.source.rdf
        new = b"".join(self.added)
        if rdf.closing < rdf.end:
            return rdf.closing, rdf.closing, new
        # <rdf:RDF/>: it has to be opened first
        return rdf.end - 2, rdf.end, b">" + new + b"</" + self.source.qualified(rdf) + b">"


class Allowance:
    """What the packets of one file may take together; those that are refused take it, too."""

    def __init__(self) -> None:
        self.packets, self.bytes, self.elements = MAX_PACKETS, 2 * MAX_PACKET, MAX_ELEMENTS

    def take(self, packet: bytes) -> None:
        """Take what it costs to parse a packet, UTF-8.

        Raises:
            InputError: So much is not left.
        """
        self.packets -= 1
        self.bytes -= len(packet)
        # Every element has one start tag, and a count of these takes no parser; comments and the wrapper count, too.
        self.elements -= packet.count(b"<") - packet.count(b"</")
        if min(self.packets, self.bytes, self.elements) < 0:
            raise InputError("the XMP packets of the file have too many elements to read")


def parse(packet: bytes | None, *texts: str, allowance: Allowance | None = None) -> Packet:
    """Parse a packet.

    Args:
        packet: UTF-8 or UTF-16; None is an empty one.
        texts: Names of the elements whose text is kept, for `Packet.values`; a packet may be megabytes of others.
        allowance: Of the file that the packet is from; None where it is the only one.

    Raises:
        InputError: Not well-formed, too large, without RDF, or it declares a document type.
    """
    data = _EMPTY if packet is None else packet
    if len(data) > MAX_PACKET:
        raise InputError(f"an XMP packet of {len(data):,} bytes is too large to read")
    try:
        data = _utf8(data)
        (allowance or Allowance()).take(data)
        return Packet(_Source(data, frozenset(texts)))
    except (expat.ExpatError, UnicodeDecodeError, ValueError) as error:
        raise InputError(f"the XMP packet is not well-formed XML: {error}") from error


def bare(packet: bytes) -> bytes:
    """Return the packet without its ``xpacket`` wrapper, as an extension has to be."""
    return _WRAPPER.sub(b"", _utf8(packet)).removeprefix(b"\xef\xbb\xbf").strip()


@dataclass(slots=True, eq=False)
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

    def namespace(self, prefix: str) -> str:
        """Return what a prefix stands for here."""
        element: _Element | None = self
        while element is not None and prefix not in element.declared:
            element = element.parent
        return "" if element is None else element.declared[prefix]

    def values(self, name: str) -> Iterator[str]:
        """Yield what is said of a property; the text of elements below counts as its own."""
        if name in self.attributes:
            yield self.attributes[name]
        if self.name == name:
            yield "".join(self.text)

    def properties(self) -> Iterator[str]:
        """Yield the names of what this description says, in either form."""
        yield from (name for name in self.attributes if name not in ("about", f"{RDF} about"))
        yield from (child.name for child in self.children)

    def holds_only(self, names: frozenset[str]) -> bool:
        said = list(self.properties())
        return bool(said) and all(name in names for name in said)


class _Source:
    """What expat found in a packet's bytes."""

    def __init__(self, data: bytes, texts: frozenset[str]) -> None:
        self.data = data
        self.elements: list[_Element] = []
        self._texts = texts
        self._open: list[_Element] = []
        self._wanted: _Element | None = None  # the open element whose text is kept
        self._declared: dict[str, str] = {}  # by the element that is about to start
        self._parser = parser = expat.ParserCreate("utf-8", " ")
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters
        parser.StartNamespaceDeclHandler = self._declare
        parser.StartDoctypeDeclHandler = self._refuse
        parser.EntityDeclHandler = self._refuse
        parser.Parse(data, True)
        self.rdf = self._first_rdf()

    def _first_rdf(self) -> _Element:
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

    def says_only(self, names: frozenset[str]) -> bool:
        if len(self.descriptions) < len(self.rdf.children):
            return False
        return all(name in names for element in self.descriptions for name in element.properties())

    def ranges(self, names: frozenset[str]) -> Iterator[tuple[int, int]]:
        """Yield where properties of these names stand; a description that says nothing else goes as a whole."""
        for element in self.elements:
            whole = element.parent is self.rdf and element.is_description and element.holds_only(names)
            if whole or element.name in names:
                yield element.start, element.end
            else:
                yield from self._attribute_ranges(element, names)

    def statements(self) -> Iterator[bytes]:
        """Yield what the packet says, each with the names that it was written with."""
        for element in self.rdf.children:
            declared: dict[str, str] = {}
            outer = element.parent
            while outer is not None:
                declared = {**outer.declared, **declared}
                outer = outer.parent
            names = "".join(
                f' xmlns{":" if prefix else ""}{prefix}="{escape(uri)}"'
                for prefix, uri in declared.items()
                if prefix not in element.declared
            )
            name_end = element.start + 1 + len(self.qualified(element))
            yield self.data[element.start : name_end] + names.encode() + self.data[name_end : element.end]

    def qualified(self, element: _Element) -> bytes:
        """Return an element's name as it is written, prefix and all."""
        match = _NAME.match(self.data, element.start + 1)
        assert match is not None  # expat saw a start tag here
        return match[0]

    def prefix(self, element: _Element) -> bytes:
        name = self.qualified(element)
        return name.partition(b":")[0] if b":" in name else b""

    def _attribute_ranges(self, element: _Element, names: frozenset[str]) -> Iterator[tuple[int, int]]:
        if names.isdisjoint(element.attributes):
            return
        position = element.start + 1 + len(self.qualified(element))
        while match := _ATTRIBUTE.match(self.data, position):
            prefix, _, local = match[1].decode().rpartition(":")
            if f"{element.namespace(prefix)} {local}" in names:
                yield match.span()
            position = match.end()

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
        if self._wanted is None and name in self._texts:
            self._wanted = element

    def _end(self, name: str) -> None:
        element = self._open.pop()
        if element is self._wanted:
            self._wanted = None
        element.closing = element.end = self._parser.CurrentByteIndex
        # Behind <a/> expat stands already; where this is not the end of a tag, <a> was another one.
        if self.data.startswith(b"</", element.closing) and not self._is_empty_tag(element):
            element.end = self.data.index(b">", element.closing) + 1

    def _is_empty_tag(self, element: _Element) -> bool:
        """Tell whether an element that has just ended is one tag."""
        if element.children or not self.data.endswith(b"/>", element.start, element.closing):
            return False
        tag = _TAG.match(self.data, element.start)
        assert tag is not None  # expat saw a start tag here
        return tag.end() == element.closing

    def _characters(self, text: str) -> None:
        if self._wanted is not None:
            self._wanted.text.append(text)

    def _declare(self, prefix: str | None, uri: str) -> None:
        self._declared[prefix or ""] = uri

    def _refuse(self, *_: object) -> NoReturn:
        raise InputError("the XMP packet declares a document type or an entity, which XMP does not allow")


def _utf8(packet: bytes) -> bytes:
    """Return the packet in UTF-8, without the NUL bytes that some writers put behind it."""
    for encoding, start in (("utf-16-le", b"<\0"), ("utf-16-be", b"\0<")):
        mark = "\ufeff".encode(encoding)
        if packet.startswith((start, mark)):
            even = packet[: len(packet) // 2 * 2]
            return even.decode(encoding, "replace").strip("\ufeff\0").encode()
    return packet.rstrip(b"\0")
