"""XMP packets: properties read, taken out and put in, and every other byte left alone."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree

import pytest

from gamutcli.containers import xmp
from gamutcli.errors import InputError
from tests.support.camera import CAMERA_PACKET, compacted, payloads_in, with_payload

TEXT = "gamut1:1/1:0123456789abcdef:AAAA"
RATING, TITLE = "http://ns.adobe.com/xap/1.0/ Rating", "http://purl.org/dc/elements/1.1/ title"


def test_any_property_can_be_removed_in_either_form():
    everything = xmp.parse(CAMERA_PACKET.replace(b"<x:xmpmeta", b"<x:xmpmeta xmlns:xmp='urn:elsewhere'"))
    assert everything.without(RATING, TITLE).is_silent
    rest = bytes(xmp.parse(with_payload(CAMERA_PACKET, TEXT)).without(RATING, TITLE))
    assert b"Rating" not in rest
    assert b"title" not in rest
    assert payloads_in(rest) == [TEXT]
    assert bytes(xmp.parse(CAMERA_PACKET).without("urn:elsewhere Rating")) == CAMERA_PACKET


def test_what_is_taken_out_in_two_steps_is_what_is_taken_out_in_one():
    packet = xmp.parse(CAMERA_PACKET)
    assert bytes(packet.without(RATING).without(TITLE)) == bytes(packet.without(TITLE, RATING))
    assert packet.without(RATING).without(TITLE).is_silent


def test_a_property_goes_in_and_others_out_at_once():
    changed = bytes(xmp.parse(CAMERA_PACKET).without(RATING).with_property("e", "urn:e/", "Mood", "calm"))
    ElementTree.fromstring(changed)
    found = xmp.parse(changed, "urn:e/ Mood")
    assert found.values("urn:e/ Mood") == ["calm"]
    assert found.values(RATING) == []


def test_the_name_of_an_extension_can_be_set_changed_and_removed():
    packet = bytes(xmp.parse(CAMERA_PACKET).with_extension("A" * 32))
    packet = bytes(xmp.parse(packet).with_extension("B" * 32))
    assert xmp.parse(packet).values(xmp.EXTENDED) == ["B" * 32]
    assert bytes(xmp.parse(packet).without(xmp.EXTENDED)) == CAMERA_PACKET
    assert xmp.parse(bytes(xmp.parse(None).with_extension("A" * 32))).without(xmp.EXTENDED).is_silent


def test_compacting_drops_padding_only():
    packet = compacted(CAMERA_PACKET)
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
        xmp.parse(packet)


def test_xml_without_rdf_is_refused():
    with pytest.raises(InputError, match="no RDF"):
        xmp.parse(b"<x/>")


@pytest.mark.parametrize("packet", [b"<a>" * 101, b"<x>" + b"<a/>" * 200 + b"</x>"], ids=["deep", "wide"])
def test_more_elements_than_any_editor_writes_are_refused(monkeypatch, packet):
    monkeypatch.setattr(xmp, "MAX_ELEMENTS", 200)
    with pytest.raises(InputError, match="too many"):
        xmp.parse(packet)


def test_the_packets_of_a_file_share_an_allowance_that_refused_ones_take_too(monkeypatch):
    monkeypatch.setattr(xmp, "MAX_ELEMENTS", 50)
    allowance = xmp.Allowance()
    with pytest.raises(InputError, match="not well-formed"):
        xmp.parse(b"<x>" + b"<a/>" * 40, allowance=allowance)
    with pytest.raises(InputError, match="too many elements"):
        xmp.parse(b"<x>" + b"<a/>" * 20 + b"</x>", allowance=allowance)


def test_what_is_over_the_allowance_is_not_parsed(monkeypatch):
    def parser(*_):
        raise AssertionError("a packet beyond the allowance was parsed")

    monkeypatch.setattr(xmp.expat, "ParserCreate", parser)
    with pytest.raises(InputError, match="too many elements"):
        xmp.parse(b"<x>" + b"<a/>" * xmp.MAX_ELEMENTS + b"</x>")


@pytest.mark.parametrize("inside", [b"", b"/>", b" />", b"<a/>", b"<a b='/>'></a>", b"<a b='/>'/>", b"<!-- /> -->"])
def test_where_an_element_ends_is_found_whatever_is_in_it(inside):
    element = b"<m:x xmlns:m='urn:m/' y='/>'>" + inside + b"</m:x >"
    packet = b"<r:RDF xmlns:r='%s'><r:Description>" % xmp.RDF.encode() + element + b"<z/></r:Description></r:RDF>"
    assert bytes(xmp.parse(packet).without("urn:m/ x")) == packet.replace(element, b"")


def test_an_extension_that_repeats_its_names_without_end_is_refused():
    names = b"".join(b" xmlns:n%d='urn:%d'" % (n, n) for n in range(2000))
    packet = b"<r:RDF xmlns:r='%s'%s>" % (xmp.RDF.encode(), names) + b"<r:Description/>" * 2000 + b"</r:RDF>"
    with pytest.raises(InputError, match="too large"):
        xmp.parse(CAMERA_PACKET).with_all_of(xmp.parse(packet))


def test_wrapper_and_padding_are_found_at_the_end_of_what_only_begins_like_them():
    assert xmp.without_wrapper(
        b"<?xpacket begin='' id='1'?><a><![CDATA[<?xpacket <?xpacket ]]></a><?xpacket end='w'?>"
    ) == (b"<a><![CDATA[<?xpacket <?xpacket ]]></a>")
