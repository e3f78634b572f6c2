"""XMP packets: ours in theirs, and theirs untouched."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree

import pytest

from gamutcli.containers import xmp
from gamutcli.errors import InputError
from tests.support.camera import CAMERA_PACKET

TEXT = "gamut1:1/1:0123456789abcdef:AAAA"

ATTRIBUTE_FORM = b"""<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:ns1='https://gamutcli.github.io/ns/1.0/' xmlns:xmp="http://ns.adobe.com/xap/1.0/"
 xmp:Rating="5" ns1:Payload='%s' xmp:Label=">ns1:Payload='x'"/>
</rdf:RDF></x:xmpmeta>""" % TEXT.encode()


def test_a_new_packet_is_well_formed_and_is_found_again():
    packet = xmp.insert(None, TEXT)
    assert packet.startswith(b"<?xpacket begin=")
    assert packet.endswith(b'<?xpacket end="w"?>')
    ElementTree.fromstring(packet)
    assert xmp.find(packet) == [TEXT]


def test_a_camera_packet_keeps_every_byte():
    packet = xmp.insert(CAMERA_PACKET, TEXT)
    ElementTree.fromstring(packet)
    assert xmp.find(packet) == [TEXT]
    assert xmp.remove(packet) == CAMERA_PACKET
    end = CAMERA_PACKET.index(b"</rdf:RDF>")
    assert packet.startswith(CAMERA_PACKET[:end])
    assert packet.endswith(CAMERA_PACKET[end:])


def test_our_description_is_about_the_same_thing():
    packet = xmp.insert(CAMERA_PACKET, TEXT)
    assert packet.count(b'rdf:about="uuid:1"') == 2


def test_what_the_packet_is_about_is_quoted():
    odd = CAMERA_PACKET.replace(b"uuid:1", b"a &amp; &quot;b&quot; &lt;c&gt;")
    packet = xmp.insert(odd, TEXT)
    ElementTree.fromstring(packet)
    assert xmp.remove(packet) == odd


def test_a_second_payload_replaces_the_first():
    packet = xmp.insert(xmp.insert(CAMERA_PACKET, "gamut1:old"), TEXT)
    assert xmp.find(packet) == [TEXT]


def test_a_packet_of_ours_alone_vanishes():
    assert xmp.remove(xmp.insert(None, TEXT)) is None


def test_the_attribute_form_under_another_prefix_is_found_and_removed():
    assert xmp.find(ATTRIBUTE_FORM) == [TEXT]
    rest = xmp.remove(ATTRIBUTE_FORM)
    assert rest == ATTRIBUTE_FORM.replace(b" ns1:Payload='%s'" % TEXT.encode(), b"")
    ElementTree.fromstring(rest)


def test_any_property_can_be_removed_in_either_form():
    names = ("http://ns.adobe.com/xap/1.0/ Rating", "http://purl.org/dc/elements/1.1/ title")
    rest = xmp.remove(CAMERA_PACKET.replace(b"<x:xmpmeta", b"<x:xmpmeta xmlns:xmp='urn:elsewhere'"), *names)
    assert rest is None
    rest = xmp.remove(xmp.insert(CAMERA_PACKET, TEXT), *names)
    assert b"Rating" not in rest
    assert b"title" not in rest
    assert xmp.find(rest) == [TEXT]
    assert xmp.remove(CAMERA_PACKET, "urn:elsewhere Rating") == CAMERA_PACKET


def test_the_name_counts_only_in_our_namespace():
    other = ATTRIBUTE_FORM.replace(b"https://gamutcli.github.io/ns/1.0/", b"https://example.org/")
    assert xmp.find(other) == []
    assert xmp.remove(other) == other


@pytest.mark.parametrize("rdf", [b"<r:RDF %s/>", b"<r:RDF %s></r:RDF>", b"<r:RDF %s >\n</r:RDF >"])
def test_an_empty_packet_with_any_prefix_is_filled(rdf):
    packet = rdf % b'xmlns:r="http://www.w3.org/1999/02/22-rdf-syntax-ns#"'
    filled = xmp.insert(packet, TEXT)
    ElementTree.fromstring(filled)
    assert xmp.find(filled) == [TEXT]


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-16"])
def test_utf_16_and_trailing_nul_bytes_are_read(encoding):
    packet = xmp.insert(None, TEXT).decode()
    assert xmp.find(packet.encode(encoding)) == [TEXT]
    assert xmp.find(packet.encode() + bytes(100)) == [TEXT]


def test_text_that_a_tool_has_wrapped_into_a_structure_is_found():
    inner = f'<rdf:Description xmlns:rdf="{xmp.RDF}"><rdf:value>{TEXT}</rdf:value></rdf:Description>'
    assert xmp.find(xmp.insert(None, inner)) == [TEXT]


def test_the_name_of_an_extension_can_be_set_changed_and_removed():
    packet = xmp.point_to(CAMERA_PACKET, "A" * 32)
    packet = xmp.point_to(packet, "B" * 32)
    assert xmp.find(packet, xmp.EXTENDED) == ["B" * 32]
    assert xmp.point_to(packet, None) == CAMERA_PACKET
    assert xmp.point_to(xmp.point_to(None, "A" * 32), None) is None


def test_compacting_drops_padding_only():
    packet = xmp.compact(CAMERA_PACKET)
    assert len(packet) == len(CAMERA_PACKET) - 2001
    assert packet.replace(b"\n", b"").replace(b" ", b"") == CAMERA_PACKET.replace(b"\n", b"").replace(b" ", b"")


LAUGHS = b"""<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">&b;</rdf:RDF>"""


@pytest.mark.parametrize(
    "packet",
    [
        LAUGHS,
        b'<!DOCTYPE x SYSTEM "file:///etc/passwd"><x/>',
        b"",
        b"not xml",
        b"\xff\xfe<",
        CAMERA_PACKET[:300],
        CAMERA_PACKET.replace(b"\xc3", b""),
        bytes(xmp.MAX_PACKET + 1),
    ],
    ids=["laughs", "external", "empty", "words", "mark", "cut", "latin", "huge"],
)
def test_hostile_packets_are_refused(packet):
    with pytest.raises(InputError):
        xmp.find(packet)
    with pytest.raises(InputError):
        xmp.insert(packet, TEXT)


def test_xml_without_rdf_is_refused():
    with pytest.raises(InputError, match="no RDF"):
        xmp.insert(b"<x/>", TEXT)


@pytest.mark.parametrize("packet", [b"<a>" * 101, b"<x>" + b"<a/>" * 200 + b"</x>"], ids=["deep", "wide"])
def test_more_elements_than_any_editor_writes_are_refused(monkeypatch, packet):
    monkeypatch.setattr(xmp, "MAX_ELEMENTS", 200)
    with pytest.raises(InputError, match="too many"):
        xmp.find(packet)
