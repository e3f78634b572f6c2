"""PNG: an uncompressed packet before the pixels, and every form in which other tools leave it."""

from __future__ import annotations

import zlib

import pytest

from gamutcli.containers import exif, png, xmp
from gamutcli.containers.blocks import Blocks
from gamutcli.errors import InputError
from gamutcli.metadata import Metadata
from gamutcli.payload.carriers import embed, extract, strip
from gamutcli.payload.parts import split
from tests.support.camera import (
    CAMERA_PACKET,
    NOTHING,
    camera_exif,
    chunks_of,
    noise,
    picture,
    pixels,
    with_chunks,
    with_payload,
)
from tests.support.damage import survive

PLAIN = picture("PNG")
PAYLOAD = noise(500)
(LINE,) = split(PAYLOAD, [len(PAYLOAD)])
PACKET = with_payload(CAMERA_PACKET, LINE.decode())
KEYWORD = b"XML:com.adobe.xmp\0"


@pytest.mark.parametrize("size", [1, 13_000, 42_001, 300_000])
@pytest.mark.parametrize("carrier", ["xmp", "exif"])
def test_any_size_goes_into_one_carrier_and_out(size, carrier):
    embedded = embed(PLAIN, noise(size), NOTHING, carrier)
    assert (embedded.carrier, embedded.notes) == (carrier, ())
    found = extract(embedded.data)
    assert (found.payload, found.carrier) == (noise(size), carrier)
    assert pixels(embedded.data) == pixels(PLAIN)
    assert strip(embedded.data) == PLAIN


def test_the_packet_is_uncompressed_and_stands_before_the_pixels():
    chunks = chunks_of(embed(PLAIN, PAYLOAD, NOTHING).data)
    kinds = [kind for kind, _ in chunks]
    assert kinds.index(b"iTXt") < kinds.index(b"IDAT")
    assert dict(chunks)[b"iTXt"].startswith(KEYWORD + b"\0\0\0\0<?xpacket")


@pytest.mark.parametrize("packet", [PACKET, with_payload(None, LINE.decode())], ids=["beside others", "alone"])
def test_a_packet_among_the_tags_of_exif_is_found(packet):
    # What Pillow makes of a TIFF's tags.
    data = png.write(PLAIN, Blocks(exif=(exif.with_packet(camera_exif(), packet),))).data
    assert extract(data).payload == PAYLOAD
    stripped = strip(data)
    assert extract(stripped) is None
    assert LINE[:40] not in stripped
    assert b"Maker" in stripped
    assert (b"Editor" in stripped) == (packet == PACKET)
    assert extract(embed(data, b"another", NOTHING).data).payload == b"another"


def test_the_camera_metadata_goes_in_beside_the_payload():
    iptc = b"\x1c\x02\x78\x00\x05hello"
    data = embed(PLAIN, PAYLOAD, Metadata(camera_exif(), CAMERA_PACKET, iptc)).data
    chunks = dict(chunks_of(data))
    assert chunks[b"eXIf"] == camera_exif()
    keyword, _, profile = chunks[b"zTXt"].partition(b"\0\0")
    assert keyword == b"Raw profile type iptc"
    assert zlib.decompress(profile).split() == [b"iptc", b"10", iptc.hex().encode()]
    assert dict(chunks_of(strip(data)))[b"iTXt"] == KEYWORD + b"\0\0\0\0" + CAMERA_PACKET


def test_the_file_keeps_its_own_metadata_where_none_is_given():
    own = with_chunks(
        PLAIN, (b"tIME", bytes(7)), (b"eXIf", camera_exif()), (b"iTXt", KEYWORD + bytes(4) + CAMERA_PACKET)
    )
    assert strip(embed(own, PAYLOAD, NOTHING).data) == own


def test_a_second_payload_replaces_the_first():
    data = embed(embed(PLAIN, noise(900), NOTHING).data, PAYLOAD, NOTHING).data
    assert data == embed(PLAIN, PAYLOAD, NOTHING).data


def raw_profile(name: bytes, profile: bytes) -> bytes:
    digits = profile.hex().encode()
    return b"\n%s\n%8d\n" % (name, len(profile)) + b"\n".join(digits[i : i + 72] for i in range(0, len(digits), 72))


XMP_PROFILE = raw_profile(b"xmp", PACKET)
EXIF_PROFILE = raw_profile(b"exif", b"Exif\0\0" + camera_exif(comment=b"ASCII\0\0\0" + LINE))
APP1_PROFILE = raw_profile(b"generic profile", b"http://ns.adobe.com/xap/1.0/\0" + PACKET)


@pytest.mark.parametrize("last", [False, True], ids=["before", "behind"])
@pytest.mark.parametrize(
    "chunk",
    [
        (b"iTXt", KEYWORD + b"\0\0\0\0" + PACKET),
        (b"iTXt", KEYWORD + b"\x01\0x-default\0key\0" + zlib.compress(PACKET)),
        (b"zTXt", KEYWORD + b"\0" + zlib.compress(PACKET)),
        (b"tEXt", KEYWORD + PACKET),
        (b"tEXt", b"Raw profile type xmp\0" + XMP_PROFILE),
        (b"zTXt", b"Raw profile type xmp\0\0" + zlib.compress(XMP_PROFILE)),
        (b"zTXt", b"Raw profile type APP1\0\0" + zlib.compress(APP1_PROFILE)),
        (b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(EXIF_PROFILE)),
        (b"eXIf", camera_exif(comment=b"ASCII\0\0\0" + LINE)),
    ],
    ids=["iTXt", "iTXt-deflate", "zTXt", "tEXt", "raw-tEXt", "raw-zTXt", "raw-APP1", "raw-exif", "eXIf"],
)
def test_every_form_is_read_wherever_it_stands(chunk, last):
    data = with_chunks(PLAIN, chunk, last=last)
    assert extract(data).payload == PAYLOAD
    stripped = strip(data)
    assert extract(stripped) is None
    assert CAMERA_PACKET in stripped or b"Cam" in stripped
    assert extract(embed(data, b"another", NOTHING).data).payload == b"another"


def test_text_of_other_keywords_stays():
    own = with_chunks(PLAIN, (b"tEXt", b"Comment\0gamut1:1/1"), (b"zTXt", b"Raw profile type icc\0\0" + b"broken"))
    assert strip(embed(own, PAYLOAD, NOTHING).data) == own


@pytest.mark.parametrize(
    "chunk",
    [
        (b"zTXt", KEYWORD + b"\0" + zlib.compress(bytes(100 << 20))),
        (b"zTXt", KEYWORD + b"\0" + b"not deflate"),
        (b"zTXt", KEYWORD + b"\0" + zlib.compress(PACKET)[:-50]),
        (b"zTXt", KEYWORD),
        (b"iTXt", KEYWORD),
        (b"iTXt", KEYWORD + b"\0\0no end"),
        (b"tEXt", b"Raw profile type xmp\0\nxmp\n 99999999999\nzz"),
        (b"tEXt", b"Raw profile type xmp\0\nxmp\n 4\n3c78"),
    ],
    ids=["bomb", "garbage", "cut", "short", "empty", "unended", "not-hex", "not-xml"],
)
def test_hostile_text_is_no_payload(chunk):
    assert extract(with_chunks(PLAIN, chunk)) is None


def test_many_bombs_are_no_worse_than_one():
    bomb = (b"zTXt", KEYWORD + b"\0" + zlib.compress(b" " * (8 << 20)))
    found = png.read(with_chunks(PLAIN, *[bomb] * 50)).xmp
    assert len(found) == 2


def test_bombs_that_turn_out_to_be_damaged_are_no_worse_than_one(monkeypatch):
    inflated = []
    start = zlib.decompressobj

    class Counting:
        def __init__(self):
            self.stream = start()

        def __getattr__(self, name):
            return getattr(self.stream, name)

        def decompress(self, *given):
            inflated.append(len(part := self.stream.decompress(*given)))
            return part

    chunk = (b"zTXt", KEYWORD + b"\0" + zlib.compress(b" " * (8 << 20))[:-4])
    data = with_chunks(PLAIN, *[chunk] * 50)
    monkeypatch.setattr(zlib, "decompressobj", Counting)
    assert png.read(data).xmp == ()
    assert sum(inflated) <= 18 << 20


def test_our_packet_is_found_among_others_of_100000_elements():
    packet = b"<r:RDF xmlns:r='%s'>" % xmp.RDF.encode() + b"<a/>" * 99_000 + b"</r:RDF>"
    foreign = (b"iTXt", KEYWORD + b"\1\0\0\0" + zlib.compress(packet))
    data = with_chunks(embed(PLAIN, PAYLOAD, NOTHING).data, *[foreign] * 10)
    assert extract(data).payload == PAYLOAD


def test_damage_never_escapes_as_another_error():
    data = embed(PLAIN, noise(300), Metadata(camera_exif(), CAMERA_PACKET)).data
    for cut in range(0, len(data), 37):
        survive(data[:cut], NOTHING)
    for position in range(8, 700):
        survive(data[:position] + b"\xff" + data[position + 1 :], NOTHING)


@pytest.mark.parametrize("data", [b"", b"GIF89a", PLAIN[:8], PLAIN[:-12], PLAIN[:33] + PLAIN[-12:]])
def test_what_is_no_whole_png_is_refused(data):
    with pytest.raises(InputError):
        embed(data, PAYLOAD, NOTHING)


def test_a_file_of_very_many_exif_blocks_is_refused() -> None:
    """Each is searched for a payload: a picture has one, and a few kilobytes hold thousands."""
    data = picture("PNG")
    block = png.pack_chunk(b"eXIf", exif.least_block())
    assert extract(png.with_chunks(data, [block] * 100)) is None
    with pytest.raises(InputError, match="more than 100 EXIF blocks"):
        extract(png.with_chunks(data, [block] * 101))
