"""XMP packets: read properties, take some out, put some in, and leave every other byte alone.

A packet that a camera or an editor wrote is never serialised anew: expat tells where elements begin and end, and the
bytes between stay what they were. A packet is parsed once; what is taken out and put in is noted, and `bytes` writes
it down. Names are compared by namespace URI, in element and in attribute form, because tools rename prefixes and turn
one form into the other. Document types and entities are refused.

Source: ISO 16684-1 (XMP data model and serialisation).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import cached_property
from html import escape
from xml.parsers import expat

from gamutcli.containers.xmp_source import MAX_ELEMENTS, RDF, Source
from gamutcli.errors import InputError

NOTE = "http://ns.adobe.com/xmp/note/"

#: The property that names an extension, as expat gives names: namespace URI, a space, local name.
EXTENDED = f"{NOTE} HasExtendedXMP"

MAX_PACKET = 8 << 20
"""Largest packet that is parsed, bytes. Long editing histories reach a few megabytes."""

MAX_PACKETS = 100
"""Most packets of one file that are parsed; a picture has one, and a few more where tools disagree."""

_EMPTY = (
    b'<?xpacket begin="\xef\xbb\xbf" id="W5M0MpCehiHzreSzNTczkc9d"?>\n'
    + f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="{RDF}"></rdf:RDF></x:xmpmeta>'.encode()
    + b'\n<?xpacket end="w"?>'
)
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

    source: Source
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
        return Packet(Source(data, frozenset(texts)))
    except (expat.ExpatError, UnicodeDecodeError, ValueError) as error:
        raise InputError(f"the XMP packet is not well-formed XML: {error}") from error


def without_wrapper(packet: bytes) -> bytes:
    """Return the packet without its ``xpacket`` wrapper, as an extension has to be."""
    return _WRAPPER.sub(b"", _utf8(packet)).removeprefix(b"\xef\xbb\xbf").strip()


def _utf8(packet: bytes) -> bytes:
    """Return the packet in UTF-8, without the NUL bytes that some writers put behind it."""
    for encoding, start in (("utf-16-le", b"<\0"), ("utf-16-be", b"\0<")):
        mark = "\ufeff".encode(encoding)
        if packet.startswith((start, mark)):
            even = packet[: len(packet) // 2 * 2]
            return even.decode(encoding, "replace").strip("\ufeff\0").encode()
    return packet.rstrip(b"\0")
