"""JPEG: where the payload goes, what it never disturbs, and that it comes back whatever the order."""

from __future__ import annotations

import struct

import pytest
from PIL import Image

from gamutcli.containers import exif, jpeg, xmp
from gamutcli.errors import PayloadError, UsageError
from gamutcli.metadata import Metadata, read_metadata
from gamutcli.payload import in_exif, in_jpeg, in_xmp
from gamutcli.payload.carriers import embed, extract, strip
from tests.support.camera import (
    CAMERA_PACKET,
    NOTHING,
    camera_exif,
    compacted,
    exif_of,
    noise,
    picture,
    pixels,
    segments_of,
    with_payload,
    with_segments,
)
from tests.support.damage import survive

PLAIN = picture()
XMP = b"http://ns.adobe.com/xap/1.0/\0"
EXTENSION = b"http://ns.adobe.com/xmp/extension/\0"
BIG_PACKET = with_payload(CAMERA_PACKET, "x" * 30_000).replace(in_xmp.NAMESPACE.encode(), b"https://example.org/")


@pytest.mark.parametrize(
    ("size", "carrier", "used"),
    [
        (1, "auto", "xmp"),
        (13_000, "auto", "xmp"),
        (42_000, "auto", "xmp"),
        (42_001, "auto", "xmp+exif"),
        (84_000, "auto", "xmp+exif"),
        (84_001, "auto", "extended-xmp"),
        (300_000, "auto", "extended-xmp"),
        (42_000, "xmp", "xmp"),
        (42_001, "xmp", "extended-xmp"),
        (13_000, "exif", "exif"),
        (42_000, "exif", "exif"),
    ],
)
def test_the_decision_table(size, carrier, used):
    embedded = embed(PLAIN, noise(size), NOTHING, carrier)
    assert embedded.carrier == used
    assert embedded.notes == ((in_jpeg.EXTENDED_NOTE,) if used == "extended-xmp" else ())
    found = extract(embedded.data)
    assert (found.payload, found.carrier) == (noise(size), used)
    assert pixels(embedded.data) == pixels(PLAIN)
    assert strip(embedded.data) == PLAIN


def test_an_exif_segment_stands_before_the_packet_and_behind_jfif():
    signatures = [body[:4] for _, body in segments_of(embed(PLAIN, noise(100), NOTHING).data)]
    assert signatures[:3] == [b"JFIF", b"Exif", b"http"]


def test_segments_stay_within_what_other_tools_keep():
    data = embed(PLAIN, noise(84_000), Metadata(camera_exif(), CAMERA_PACKET)).data
    lengths = {body[:4]: len(body) for marker, body in segments_of(data) if marker == 0xE1}
    assert lengths[b"http"] <= 60_000 + len(XMP)
    assert lengths[b"Exif"] <= 62_000 + 6


def test_chunks_of_an_extension_are_full():
    """ImageMagick joins the segments and cuts them anew at 65,533 bytes."""
    data = embed(PLAIN, noise(140_000), NOTHING).data
    chunks = [body for _, body in segments_of(data) if body.startswith(EXTENSION)]
    assert len(chunks) == 3
    assert {len(body) for body in chunks} == {65_533}
    assert {len(body) - len(EXTENSION) - 40 for body in chunks} == {65_458}


def test_the_camera_metadata_goes_in_beside_the_payload():
    iptc = b"\x1c\x02\x78\x00\x05hello"
    data = embed(PLAIN, noise(100), Metadata(camera_exif(), CAMERA_PACKET, iptc)).data
    bodies = [body for _, body in segments_of(data)]
    assert b"Exif\0\0" + camera_exif() in bodies
    assert b"Photoshop 3.0\x008BIM\x04\x04\0\0\0\0\0\x0a" + iptc in bodies
    stripped = [body for _, body in segments_of(strip(data))]
    assert XMP + CAMERA_PACKET in stripped
    assert stripped[1] == b"Exif\0\0" + camera_exif()


def test_the_file_keeps_its_own_metadata_where_none_is_given():
    own = with_segments(PLAIN, (0xE1, b"Exif\0\0" + camera_exif()), (0xE1, XMP + CAMERA_PACKET))
    data = embed(own, noise(100), NOTHING).data
    assert exif_of(data) == exif_of(own)
    assert strip(data) == own


def test_a_second_payload_replaces_the_first():
    data = embed(PLAIN, noise(140_000), NOTHING).data
    data = embed(data, noise(50_000), NOTHING).data
    data = embed(data, noise(100), NOTHING).data
    assert extract(data).payload == noise(100)
    assert data == embed(PLAIN, noise(100), NOTHING).data


def test_a_payload_that_comes_with_the_metadata_is_not_kept():
    packet = with_payload(CAMERA_PACKET, "gamut1:1/1:0123456789abcdef:AAAA")
    block = in_exif.insert(camera_exif(), b"gamut1:1/1:0123456789abcdef:AAAA")
    data = embed(PLAIN, noise(100), Metadata(block, packet)).data
    assert extract(data).payload == noise(100)
    assert data.count(b"gamut1:") == 1


def test_other_segments_stay_as_they_are_and_where_they_are():
    others = [
        (0xE2, b"ICC_PROFILE\0\x01\x02" + noise(60_000)),
        (0xE2, b"ICC_PROFILE\0\x02\x02" + noise(1000)),
        (0xEB, b"JP\0\x01\0\0\0\x01" + noise(500)),
        (0xED, b"Photoshop 3.0\x008BIM\x04\x0c\0\0\0\0\0\x02ab"),
        (0xE5, b"private"),
        (0xFE, b"a comment"),
    ]
    own = with_segments(PLAIN, *others)
    embedded = embed(own, noise(90_000), NOTHING)
    kept = [segment for segment in segments_of(embedded.data) if segment[0] != 0xE1]
    assert kept == segments_of(own)
    assert strip(embedded.data) == own
    assert jpeg.C2PA_NOTE in embedded.notes


def test_bytes_behind_the_picture_stay():
    own = PLAIN + noise(1000)
    assert embed(own, noise(100), NOTHING).data.endswith(noise(1000))


def test_iptc_goes_in_among_the_other_image_resources():
    resources = b"8BIM\x04\x0c\0\0\0\0\0\x02ab" + b"8BIM\x04\x04\0\0\0\0\0\x03old\0" + b"8BIM\x04\x25\0\0\0\0\0\x02md"
    own = with_segments(PLAIN, (0xED, b"Photoshop 3.0\0" + resources))
    data = embed(own, noise(100), Metadata(iptc=b"new!")).data
    (resources,) = (body for marker, body in segments_of(data) if marker == 0xED)
    assert resources == b"Photoshop 3.0\x008BIM\x04\x04\0\0\0\0\0\x04new!8BIM\x04\x0c\0\0\0\0\0\x02ab"


@pytest.mark.parametrize("position", ["before", "behind"])
def test_a_multi_picture_file_finds_its_other_pictures(tmp_path, position):
    """The offsets count from inside the MPF segment; ours is put before it, the old packet stood before or behind."""
    path = tmp_path / "two.mpo"
    Image.new("RGB", (32, 24), "red").save(
        path, "MPO", save_all=True, append_images=[Image.new("RGB", (16, 12), "blue")], quality=90
    )
    own = path.read_bytes()
    if position == "behind":
        own = moved_packet_behind_mpf(own)
    path.write_bytes(embed(own, noise(3000), NOTHING).data)
    with Image.open(path) as image:
        assert image.n_frames == 2
        image.seek(1)
        assert image.size == (16, 12)
        assert image.convert("RGB").getpixel((8, 6))[2] > 200
        first_size = image.mpinfo[0xB002][0]["Size"]
    data = path.read_bytes()
    assert data[first_size - 2 : first_size + 2] == b"\xff\xd9\xff\xd8"
    assert strip(data) == (own if position == "before" else strip(data))


def moved_packet_behind_mpf(data: bytes) -> bytes:
    """The file as if an editor had put an XMP packet behind the MPF segment, with the offsets right."""
    packet = struct.pack(">BBH", 0xFF, 0xE1, len(XMP + CAMERA_PACKET) + 2) + XMP + CAMERA_PACKET
    header = data.index(b"MPF\0") + 4
    end = header - 6 + int.from_bytes(data[header - 6 : header - 4], "big")
    moved = bytearray(data[:end] + packet + data[end:])
    order = "<" if moved[header : header + 2] == b"II" else ">"
    table = moved.index(struct.pack(order + "HHI", 0xB002, 7, 32), header)
    entries = header + struct.unpack_from(order + "I", moved, table + 8)[0]
    for position in (entries + 4, entries + 16 + 8):
        number = struct.unpack_from(order + "I", moved, position)[0] + len(packet)
        struct.pack_into(order + "I", moved, position, number)
    return bytes(moved)


def test_the_thumbnail_goes_before_the_payload_does():
    metadata = Metadata(camera_exif(thumbnail=50_000))
    embedded = embed(PLAIN, noise(60_000), metadata)
    assert embedded.carrier == "xmp+exif"
    assert embedded.notes == (jpeg.THUMBNAIL_NOTE,)
    assert exif_of(embedded.data)["thumbnail"] is None
    assert exif_of(embedded.data)["GPS"] == exif_of(with_segments(PLAIN, (0xE1, b"Exif\0\0" + metadata.exif)))["GPS"]
    assert extract(embedded.data).payload == noise(60_000)


def test_a_thumbnail_that_is_not_in_the_way_stays():
    embedded = embed(PLAIN, noise(42_000), Metadata(camera_exif(thumbnail=50_000)))
    assert embedded.notes == ()
    assert exif_of(embedded.data)["thumbnail"]


def test_a_large_maker_note_sends_the_payload_elsewhere_and_stays():
    embedded = embed(PLAIN, noise(60_000), Metadata(camera_exif(maker_note=55_000)))
    assert embedded.carrier == "extended-xmp"
    assert embedded.notes == (in_jpeg.EXTENDED_NOTE,)
    assert extract(embedded.data).payload == noise(60_000)
    with pytest.raises(UsageError, match="use --carrier auto"):
        embed(PLAIN, noise(60_000), Metadata(camera_exif(maker_note=55_000)), "exif")


def test_exif_that_fits_no_segment_is_left_out_and_that_is_said():
    block = camera_exif().ljust(70_000, b"\0")
    embedded = embed(PLAIN, noise(100), Metadata(block))
    assert embedded.notes == (jpeg.EXIF_NOTE,)
    assert extract(embedded.data).payload == noise(100)


def test_a_large_camera_packet_leaves_room_in_the_comment():
    embedded = embed(PLAIN, noise(30_000), Metadata(xmp=BIG_PACKET))
    assert embedded.carrier == "exif"
    assert embedded.notes == ()
    assert XMP + compacted(BIG_PACKET) in [body for _, body in segments_of(embedded.data)]


def fullest(packet: bytes) -> tuple[int, int]:
    """The largest payload that goes into a camera's packet alone, and how long the packet is then."""
    fits, beyond = 1, 42_001
    while beyond - fits > 1:
        size = (fits + beyond) // 2
        if embed(PLAIN, noise(size), Metadata(xmp=packet)).carrier == "xmp":
            fits = size
        else:
            beyond = size
    data = embed(PLAIN, noise(fits), Metadata(xmp=packet)).data
    return fits, next(len(body) - len(XMP) for _, body in segments_of(data) if body.startswith(XMP))


def test_a_packet_is_filled_to_what_other_tools_keep_and_no_further():
    """Base64 has four characters for three bytes; the white space at the end of a camera's packet gives way.

    Two bytes stay free for larger numbers of parts than 1/1.
    """
    lengths = []
    for more in range(4):
        held = 30_000 + more
        size, length = fullest(BIG_PACKET.replace(b"x" * 30_000, b"x" * held))
        assert 3 * (60_000 - 2_000 - held) // 4 < size < 3 * (60_000 - held) // 4
        assert 59_998 - 4 < length <= 59_998
        lengths.append(length)
    assert max(lengths) == 59_998


def test_a_packet_that_fits_no_segment_moves_to_an_extension():
    packet = BIG_PACKET.replace(b"x" * 30_000, b"y" * 70_000)
    embedded = embed(PLAIN, noise(13_000), Metadata(xmp=packet))
    assert embedded.carrier == "xmp"
    assert embedded.notes == (jpeg.MOVED_NOTE,)
    chunks = [body[len(EXTENSION) + 40 :] for _, body in segments_of(embedded.data) if body.startswith(EXTENSION)]
    assert b"".join(chunks).rstrip() == xmp.without_wrapper(packet)
    assert extract(embedded.data).payload == noise(13_000)
    again = extract(strip(embedded.data))
    assert again is None
    assert b"y" * 60_000 in strip(embedded.data)


def test_where_the_camera_packet_has_moved_the_payload_may_fill_ours():
    packet = BIG_PACKET.replace(b"x" * 30_000, b"y" * 50_000)
    embedded = embed(PLAIN, noise(42_000), Metadata(xmp=packet), "xmp")
    assert (embedded.carrier, embedded.notes) == ("xmp", (jpeg.MOVED_NOTE,))
    assert embed(PLAIN, noise(42_001), Metadata(xmp=packet), "xmp").carrier == "extended-xmp"


def test_the_camera_extension_stays_when_the_payload_goes_into_it():
    extension = xmp.without_wrapper(BIG_PACKET)
    guid = "0123456789ABCDEF" * 2
    head = EXTENSION + guid.encode() + struct.pack(">II", len(extension), 0)
    pointing = bytes(xmp.parse(CAMERA_PACKET).with_extension(guid))
    own = with_segments(PLAIN, (0xE1, XMP + pointing), (0xE1, head + extension))
    embedded = embed(own, noise(140_000), NOTHING)
    assert embedded.carrier == "extended-xmp"
    assert extract(embedded.data).payload == noise(140_000)
    assert b"x" * 30_000 in embedded.data
    stripped = strip(embedded.data)
    assert extract(stripped) is None
    assert b"x" * 30_000 in stripped
    assert guid.encode() not in stripped


def test_the_reader_does_not_care_for_the_order_of_segments():
    for size in (84_000, 200_000):
        data = embed(PLAIN, noise(size), NOTHING).data
        backwards = with_segments(PLAIN, *reversed([s for s in segments_of(data) if s[0] == 0xE1]))
        assert extract(backwards).payload == noise(size)
        assert extract(strip(backwards)) is None


def test_exif_without_its_signature_is_exif():
    # What ImageMagick and GraphicsMagick make of a WebP with EXIF.
    data = embed(PLAIN, noise(13_000), Metadata(exif=camera_exif()), "exif").data
    (block,) = (body.removeprefix(b"Exif\0\0") for marker, body in segments_of(data) if marker == 0xE1)
    bare = with_segments(PLAIN, (0xE1, block))
    assert extract(bare).payload == noise(13_000)
    assert extract(strip(bare)) is None
    assert read_metadata(bare).exif == block


def test_a_part_that_another_program_has_dropped_is_missed():
    data = embed(PLAIN, noise(84_000), NOTHING).data
    for signature in (b"Exif", XMP):
        rest = with_segments(PLAIN, *[s for s in segments_of(data) if s[0] == 0xE1 and not s[1].startswith(signature)])
        with pytest.raises(PayloadError, match="is gone"):
            extract(rest)
        assert strip(rest) in (PLAIN, with_segments(PLAIN, (0xE1, b"Exif\0\0" + exif.least_block())))


def test_a_dropped_chunk_of_an_extension_is_missed():
    data = embed(PLAIN, noise(140_000), NOTHING).data
    own = [segment for segment in segments_of(data) if segment[0] == 0xE1]
    torn = with_segments(PLAIN, *own[:-1])
    with pytest.raises(PayloadError, match="Extended XMP is gone"):
        extract(torn)
    assert strip(torn) == PLAIN
    assert extract(embed(torn, b"new", NOTHING).data).payload == b"new"


def test_an_extension_of_another_program_does_not_hide_ours():
    other = EXTENSION + b"0" * 32 + struct.pack(">II", 4, 0) + b"<x/>"
    data = embed(PLAIN, noise(140_000), NOTHING).data
    both = with_segments(PLAIN, (0xE1, other), *[segment for segment in segments_of(data) if segment[0] == 0xE1])
    assert extract(both).payload == noise(140_000)


def test_a_truncated_packet_is_damage_and_not_absence():
    packet = with_payload(None, "gamut1:1/1:0123456789abcdef:AAAA")[:-100]
    with pytest.raises(PayloadError, match="damaged"):
        extract(with_segments(PLAIN, (0xE1, XMP + packet)))


def test_a_broken_packet_of_another_program_is_no_payload():
    assert extract(with_segments(PLAIN, (0xE1, XMP + b"<broken"))) is None


def test_a_camera_packet_that_cannot_be_read_is_left_out_and_that_is_said():
    embedded = embed(PLAIN, noise(100), Metadata(xmp=b"<broken"))
    assert "an XMP packet was left out" in embedded.notes[0]
    assert extract(embedded.data).payload == noise(100)


def test_a_camera_packet_without_rdf_is_left_out_and_that_is_said():
    assert "holds no RDF" in embed(PLAIN, noise(100), Metadata(xmp=b"<x/>")).notes[0]


def test_beside_the_picture_means_metadata_only():
    embedded = embed(PLAIN, noise(100), Metadata(camera_exif(), CAMERA_PACKET), "sidecar")
    assert embedded.carrier == "sidecar"
    assert extract(embedded.data) is None
    assert exif_of(embedded.data)["GPS"]
    assert embed(PLAIN, b"", NOTHING, "sidecar").data == PLAIN


def test_strip_leaves_a_file_without_payload_alone():
    own = with_segments(PLAIN, (0xE1, b"Exif\0\0" + exif.least_block()), (0xE1, XMP + CAMERA_PACKET))
    assert strip(own) == own


def test_fill_bytes_between_segments_are_allowed():
    data = embed(PLAIN, noise(100), NOTHING).data
    filled = data[:2] + b"\xff\xff\xff" + data[2:]
    assert extract(filled).payload == noise(100)
    assert strip(filled) == PLAIN[:2] + b"\xff\xff\xff" + PLAIN[2:]


def test_damage_never_escapes_as_another_error():
    data = embed(PLAIN, noise(300), Metadata(camera_exif(), CAMERA_PACKET)).data
    for cut in range(0, len(data), 37):
        survive(data[:cut], NOTHING)
    for position in range(0, 900):
        survive(data[:position] + b"\xff" + data[position + 1 :], NOTHING)


@pytest.mark.parametrize("offset", [0, 1, 0x7FFFFFFF])
def test_an_extension_that_lies_about_its_length_allocates_nothing(offset):
    body = EXTENSION + b"A" * 32 + struct.pack(">II", 0xFFFFFFFF, offset) + b"<x/>"
    assert extract(with_segments(PLAIN, (0xE1, body))) is None
