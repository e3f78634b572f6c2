"""The payload in XMP packets: ours in theirs, and theirs untouched."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree

import pytest

from gamutcli.containers import xmp
from gamutcli.payload import in_xmp
from tests.support.camera import CAMERA_PACKET, payloads_in, with_payload, without_payload

TEXT = "gamut1:1/1:0123456789abcdef:AAAA"

ATTRIBUTE_FORM = b"""<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:ns1='https://gamutcli.github.io/ns/1.0/' xmlns:xmp="http://ns.adobe.com/xap/1.0/"
 xmp:Rating="5" ns1:Payload='%s' xmp:Label=">ns1:Payload='x'"/>
</rdf:RDF></x:xmpmeta>""" % TEXT.encode()


def test_a_new_packet_is_well_formed_and_is_found_again():
    packet = with_payload(None, TEXT)
    assert packet.startswith(b"<?xpacket begin=")
    assert packet.endswith(b'<?xpacket end="w"?>')
    ElementTree.fromstring(packet)
    assert payloads_in(packet) == [TEXT]


def test_a_camera_packet_keeps_every_byte():
    packet = with_payload(CAMERA_PACKET, TEXT)
    ElementTree.fromstring(packet)
    assert payloads_in(packet) == [TEXT]
    assert without_payload(packet) == CAMERA_PACKET
    end = CAMERA_PACKET.index(b"</rdf:RDF>")
    assert packet.startswith(CAMERA_PACKET[:end])
    assert packet.endswith(CAMERA_PACKET[end:])


def test_our_description_is_about_the_same_thing():
    packet = with_payload(CAMERA_PACKET, TEXT)
    assert packet.count(b'rdf:about="uuid:1"') == 2


def test_what_the_packet_is_about_is_quoted():
    odd = CAMERA_PACKET.replace(b"uuid:1", b"a &amp; &quot;b&quot; &lt;c&gt;")
    packet = with_payload(odd, TEXT)
    ElementTree.fromstring(packet)
    assert without_payload(packet) == odd


def test_a_second_payload_replaces_the_first():
    packet = with_payload(without_payload(with_payload(CAMERA_PACKET, "gamut1:old")), TEXT)
    assert payloads_in(packet) == [TEXT]


def test_a_packet_of_ours_alone_vanishes():
    assert without_payload(with_payload(None, TEXT)) is None


def test_the_attribute_form_under_another_prefix_is_found_and_removed():
    assert payloads_in(ATTRIBUTE_FORM) == [TEXT]
    rest = without_payload(ATTRIBUTE_FORM)
    assert rest == ATTRIBUTE_FORM.replace(b" ns1:Payload='%s'" % TEXT.encode(), b"")
    ElementTree.fromstring(rest)


def test_the_name_counts_only_in_our_namespace():
    other = ATTRIBUTE_FORM.replace(b"https://gamutcli.github.io/ns/1.0/", b"https://example.org/")
    assert payloads_in(other) == []
    assert without_payload(other) == other


@pytest.mark.parametrize("rdf", [b"<r:RDF %s/>", b"<r:RDF %s></r:RDF>", b"<r:RDF %s >\n</r:RDF >"])
def test_an_empty_packet_with_any_prefix_is_filled(rdf):
    packet = rdf % b'xmlns:r="http://www.w3.org/1999/02/22-rdf-syntax-ns#"'
    filled = with_payload(packet, TEXT)
    ElementTree.fromstring(filled)
    assert payloads_in(filled) == [TEXT]


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-16"])
def test_utf_16_and_trailing_nul_bytes_are_read(encoding):
    packet = with_payload(None, TEXT).decode()
    assert payloads_in(packet.encode(encoding)) == [TEXT]
    assert payloads_in(packet.encode() + bytes(100)) == [TEXT]


def test_text_that_a_tool_has_wrapped_into_a_structure_is_found():
    inner = f'<rdf:Description xmlns:rdf="{xmp.RDF}"><rdf:value>{TEXT}</rdf:value></rdf:Description>'
    assert payloads_in(with_payload(None, inner)) == [TEXT]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-be", "utf-32-le"])
def test_a_packet_that_is_ours_is_known_without_parsing_it_in_every_encoding(encoding: str) -> None:
    packet = with_payload(CAMERA_PACKET, "gamut1:").decode().encode(encoding)
    assert in_xmp.names_us(packet)
    assert not in_xmp.names_us(CAMERA_PACKET.decode().encode(encoding))


def test_a_packet_that_cannot_be_read_is_damage_and_goes_only_where_it_is_ours() -> None:
    ours = in_xmp.open_packet(with_payload(None, TEXT)[:-60] + b"<")
    theirs = in_xmp.open_packet(b"<x:xmpmeta xmlns:x='adobe:ns:meta/'><")
    for packet in (ours, theirs):
        assert isinstance(packet, in_xmp.Unreadable)
    assert len(in_xmp.find(ours)) == 1
    assert in_xmp.remove(ours) is None
    assert in_xmp.find(theirs) == []
    assert in_xmp.remove(theirs) is theirs
