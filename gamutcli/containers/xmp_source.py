"""What expat finds in the bytes of an XMP packet: elements, what they declare, and where they stand."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import escape
from typing import NoReturn
from xml.parsers import expat

from gamutcli.errors import InputError

RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"

MAX_ELEMENTS = 50_000
"""Most elements of one packet, and of all packets of a file together; an editing history of a megabyte
has about 15,000."""

# Far beyond what any editor writes.
MAX_DEPTH = 100

_TAG = re.compile(rb"""<(?:[^"'>]+|"[^"]*"|'[^']*')*>""")
_ATTRIBUTE = re.compile(rb"""\s+([^\s=/>]+)\s*=\s*("[^"]*"|'[^']*')""")
_NAME = re.compile(rb"[^\s/>]+")


@dataclass(slots=True, eq=False)
class Element:
    """One element of a packet; positions are byte offsets."""

    name: str
    attributes: dict[str, str]
    start: int
    parent: Element | None
    declared: dict[str, str]
    closing: int = 0
    end: int = 0
    children: list[Element] = field(default_factory=list)
    text: list[str] = field(default_factory=list)

    @property
    def is_description(self) -> bool:
        """Whether properties stand in it."""
        return self.name == f"{RDF} Description"

    def namespace(self, prefix: str) -> str:
        """Return what a prefix stands for here."""
        element: Element | None = self
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
        """Tell whether it says something, and nothing but these properties."""
        said = list(self.properties())
        return bool(said) and all(name in names for name in said)


class Source:
    """What expat found in a packet's bytes."""

    def __init__(self, data: bytes, texts: frozenset[str]) -> None:
        self.data = data
        self.elements: list[Element] = []
        self._texts = texts
        self._open: list[Element] = []
        self._wanted: Element | None = None  # the open element whose text is kept
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

    def _first_rdf(self) -> Element:
        for element in self.elements:
            if element.name == f"{RDF} RDF":
                return element
        raise InputError("the XMP packet holds no RDF")

    @property
    def descriptions(self) -> list[Element]:
        """Those of the packet's RDF."""
        return [element for element in self.rdf.children if element.is_description]

    @property
    def about(self) -> str:
        """What the packet is about: every description has to say the same."""
        for element in self.descriptions:
            return element.attributes.get(f"{RDF} about", element.attributes.get("about", ""))
        return ""

    def says_only(self, names: frozenset[str]) -> bool:
        """Tell whether the packet says nothing but these properties."""
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

    def qualified(self, element: Element) -> bytes:
        """Return an element's name as it is written, prefix and all."""
        match = _NAME.match(self.data, element.start + 1)
        assert match is not None  # expat saw a start tag here
        return match[0]

    def prefix(self, element: Element) -> bytes:
        """Return the prefix of an element's name as it is written; nothing where it has none."""
        name = self.qualified(element)
        return name.partition(b":")[0] if b":" in name else b""

    def _attribute_ranges(self, element: Element, names: frozenset[str]) -> Iterator[tuple[int, int]]:
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
        element = Element(name, attributes, self._parser.CurrentByteIndex, parent, self._declared)
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

    def _is_empty_tag(self, element: Element) -> bool:
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
