"""What a file says of a photograph in unusual places is found, and stands where readers look for it."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import imagecodecs
import numpy as np
import piexif
import pytest
import tifffile
from PIL import Image

from gamutcli.color.spaces import PROPHOTO
from gamutcli.containers import segments, with_metadata, xmp
from gamutcli.images import encode_reduced, write_wide
from gamutcli.metadata import Metadata, make_true, read_metadata, without_private
from gamutcli.metadata.ifd import ASCII, RATIONAL, Directories, Entry, data_entry, entry, write_block
from gamutcli.metadata.rules import parse_exif
from tests.support.camera import picture, text_entry, with_chunks, with_segments

CODES = np.zeros((8, 12, 3), np.uint8)
PACKET = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    b'<rdf:Description rdf:about="" xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmp:Rating="4"/></rdf:RDF></x:xmpmeta>'
)
RIGHTS = "http://ns.adobe.com/xap/1.0/rights/"
GAIN_MAP = "its gain map, which brightens it on HDR screens, was left out: the picture for other screens was read"


def resource(number: int, content: bytes) -> bytes:
    return b"8BIM" + struct.pack(">HHI", number, 0, len(content)) + content + bytes(len(content) % 2)


RESOURCES = (
    resource(0x0404, b"\x1c\x02\x69\x00\x05Title") + resource(0x040A, b"\1") + resource(0x040B, b"https://a.b/?c&d")
)


def png(*chunks: tuple[bytes, bytes]) -> bytes:
    return with_chunks(encode_reduced(CODES, "png"), *chunks)


def said(metadata: Metadata, tag: int) -> bytes:
    """A tag's bytes, from whichever directory, once the metadata were made true; a text without its closing zero."""
    found = parse_exif(make_true(metadata, 12, 8, True).exif)
    item = {**found.image, **found.exif}[tag]
    return item.data.rstrip(b"\0") if item.kind == ASCII else item.data


def property_of(metadata: Metadata, name: str) -> list[str]:
    return [value.strip() for value in xmp.parse(metadata.xmp, name).values(name)]


@pytest.mark.parametrize("form", ["tEXt", "zTXt", "iTXt"])
def test_texts_of_a_png_are_in_exif_and_xmp(form: str) -> None:
    def chunk(keyword: bytes, text: str) -> tuple[bytes, bytes]:
        if form == "iTXt":
            return b"iTXt", keyword + b"\0\0\0\0\0" + text.encode()
        body = text.encode("latin-1")
        return form.encode(), keyword + b"\0" + (body if form == "tEXt" else b"\0" + zlib.compress(body))

    found = read_metadata(
        png(
            chunk(b"Author", "Jané Doe"),
            chunk(b"Copyright", "© Jané"),
            chunk(b"Description", "A fjäll"),
            chunk(b"Software", "A program"),
            chunk(b"Source", "A scanner"),
            chunk(b"Title", "Fjäll & sjö"),
            chunk(b"Disclaimer", "Ask < first"),
            chunk(b"Comment", "Straße"),
            chunk(b"Creation Time", "Mon, 06 May 2024 07:08:09 +0200"),
        )
    )
    assert said(found, 0x013B).decode() == "Jané Doe"
    assert said(found, 0x8298).decode() == "© Jané"
    assert said(found, 0x010E).decode() == "A fjäll"
    assert said(found, 0x0131) == b"A program"
    assert said(found, 0x0110) == b"A scanner"
    assert said(found, 0x9003) == b"2024:05:06 07:08:09"
    assert said(found, 0x9011) == b"+02:00"
    assert said(found, 0x9286) == b"UNICODE\0" + "Straße".encode("utf-16-be")
    assert property_of(found, "http://purl.org/dc/elements/1.1/ title") == ["Fjäll & sjö"]
    assert property_of(found, f"{RIGHTS} UsageTerms") == ["Ask < first"]
    assert found.notes == ()


@pytest.mark.parametrize("text", ["2024-05-06T07:08:09", "2024:05:06 07:08:09", "Mon, 06 May 2024 07:08:09 -0000"])
def test_a_time_is_understood_in_the_forms_that_programs_write(text: str) -> None:
    assert said(read_metadata(png((b"tEXt", b"Creation Time\0" + text.encode()))), 0x9003) == b"2024:05:06 07:08:09"


def test_what_exif_says_itself_is_not_replaced() -> None:
    block = write_block(Directories("<", {0x013B: text_entry("The camera's owner")}))
    found = read_metadata(png((b"eXIf", block), (b"tEXt", b"Author\0Another"), (b"tEXt", b"Copyright\0Mine")))
    assert said(found, 0x013B) == b"The camera's owner"
    assert said(found, 0x8298) == b"Mine"


def test_texts_without_a_place_are_named() -> None:
    found = read_metadata(
        png((b"tEXt", b"parameters\0a cat"), (b"tEXt", b"date:create\0now"), (b"tEXt", b"Creation Time\0once"))
    )
    assert found.notes == ("texts of the PNG were left out, for want of a place: parameters, Creation Time",)


def test_a_png_without_texts_has_no_metadata() -> None:
    assert read_metadata(png()) == Metadata()


@pytest.mark.parametrize(
    ("per_metre", "unit", "ratio"),
    [(11811, 2, (300, 1)), (2835, 2, (72, 1)), (5000, 2, (127, 1)), (5001, 3, (5001, 100))],
)
def test_the_resolution_of_a_png_is_in_exif(per_metre: int, unit: int, ratio: tuple[int, int]) -> None:
    found = read_metadata(png((b"pHYs", struct.pack(">IIB", per_metre, per_metre, 1))))
    assert struct.unpack(">II", said(found, 0x011A)) == struct.unpack(">II", said(found, 0x011B)) == ratio
    assert struct.unpack(">H", said(found, 0x0128)) == (unit,)


def test_a_png_of_square_pixels_without_a_unit_says_no_resolution() -> None:
    assert read_metadata(png((b"pHYs", struct.pack(">IIB", 1, 1, 0)))) == Metadata()


@pytest.mark.parametrize("unit", [1, 2])
def test_the_density_of_a_jfif_is_in_exif(unit: int) -> None:
    data = bytearray(picture("JPEG"))
    assert data[6:11] == b"JFIF\0"
    struct.pack_into(">BHH", data, 13, unit, 240, 120)
    found = read_metadata(bytes(data))
    assert struct.unpack(">II", said(found, 0x011A)) == (240, 1)
    assert struct.unpack(">II", said(found, 0x011B)) == (120, 1)
    assert struct.unpack(">H", said(found, 0x0128)) == (unit + 1,)


def test_what_is_added_to_a_block_moves_nothing_in_it() -> None:
    thumbnail = encode_reduced(CODES, "jpeg")
    block = piexif.dump(
        {"0th": {271: b"M"}, "Exif": {37500: b"note note"}, "Interop": {1: b"R03"}, "1st": {}, "thumbnail": thumbnail}
    )
    found = read_metadata(picture("JPEG", exif=block, dpi=(300, 300), comment=b"A comment"))
    assert found.exif is not None
    tags = piexif.load(b"Exif\0\0" + found.exif)
    assert tags["Interop"] == {1: b"R03"}
    assert tags["thumbnail"] == piexif.load(block)["thumbnail"]
    assert tags["Exif"][37510] == b"ASCII\0\0\0A comment"
    assert found.exif.index(b"note note") == block.index(b"note note") - 6


def test_xmp_in_an_exif_block_is_xmp() -> None:
    block = write_block(Directories("<", {700: data_entry(PACKET), 271: text_entry("Canon")}))
    for data in (png((b"eXIf", block)), picture("WEBP", exif=block), picture("JPEG", exif=b"Exif\0\0" + block)):
        found = read_metadata(data)
        assert property_of(found, "http://ns.adobe.com/xap/1.0/ Rating") == ["4"]
        assert 700 not in parse_exif(make_true(found, 12, 8, True).exif).image


@pytest.mark.parametrize("order", ["<", ">"])
def test_exposure_among_the_image_s_own_tags_goes_to_the_exif_directory(order: str, tmp_path: Path) -> None:
    exposure = {33434: (5, 1, (1, 17), True), 36867: ("s", 0, "2016:12:27 11:56:10", True), 34855: ("H", 1, 900, True)}
    tags = [(code, *value) for code, value in exposure.items()]
    tifffile.imwrite(tmp_path / "a.tif", CODES, photometric="rgb", byteorder=order, extratags=tags)
    found = parse_exif(read_metadata(tmp_path / "a.tif").exif)
    assert found.exif[33434] == entry(RATIONAL, 1, 17, order=found.order)
    assert found.exif[36867] == text_entry("2016:12:27 11:56:10")
    assert not {33434, 36867, 34855} & found.image.keys()


def test_exposure_in_the_exif_directory_is_not_replaced() -> None:
    block = write_block(Directories("<", {34855: entry(3, 100)}, {34855: entry(3, 900)}))
    assert parse_exif(make_true(Metadata(block), 12, 8, True).exif).exif[34855] == entry(3, 900)


def sources_with_resources(folder: Path) -> dict[str, bytes]:
    path = folder / "a.tif"
    tifffile.imwrite(path, CODES, photometric="rgb", extratags=[(34377, 7, len(RESOURCES), RESOURCES, True)])
    halves = [(0xED, b"Photoshop 3.0\0" + part) for part in (RESOURCES[:30], RESOURCES[30:])]
    digits = b"\niptc\n%8d\n%s\n" % (len(RESOURCES), RESOURCES.hex().encode())
    return {
        "tiff": path.read_bytes(),
        "jpeg": with_segments(picture("JPEG"), *halves),
        "png": png((b"zTXt", b"Raw profile type iptc\0\0" + zlib.compress(digits))),
    }


@pytest.mark.parametrize("origin", ["tiff", "jpeg", "png"])
def test_the_copyright_flag_and_url_of_photoshop_s_resources_stay_and_are_in_xmp(origin: str, tmp_path: Path) -> None:
    source = read_metadata(sources_with_resources(tmp_path)[origin])
    assert source.iptc == b"\x1c\x02\x69\x00\x05Title"
    for format in ("jpeg", "png", "webp", "avif", "jxl", "tiff"):
        found = read_metadata(with_metadata(encode_reduced(CODES, format), make_true(source, 12, 8, True)).data)
        assert property_of(found, f"{RIGHTS} Marked") == ["True"]
        assert property_of(found, f"{RIGHTS} WebStatement") == ["https://a.b/?c&d"]
        assert segments.rights_of(said(found, 0x8649)) == (True, "https://a.b/?c&d")
        assert found.iptc == source.iptc


def test_an_extension_of_a_jpeg_s_packet_is_in_the_packet() -> None:
    whole = (
        b'<x:xmpmeta xmlns:x="adobe:ns:meta/" xmlns:far="http://far.away/"><r:RDF '
        b'xmlns:r="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><r:Description r:about=""><far:off>a thing</far:off>'
        b"</r:Description></r:RDF></x:xmpmeta>"
    )
    named = bytes(xmp.parse(PACKET).with_extension("A" * 32))
    extension = segments.EXTENSION + b"A" * 32 + struct.pack(">II", len(whole), 0) + whole
    found = read_metadata(with_segments(picture("JPEG"), (0xE1, segments.XMP + named), (0xE1, extension)))
    assert property_of(found, "http://far.away/ off") == ["a thing"]
    assert property_of(found, "http://ns.adobe.com/xap/1.0/ Rating") == ["4"]
    assert property_of(found, xmp.EXTENDED) == []
    torn = read_metadata(with_segments(picture("JPEG"), (0xE1, segments.XMP + named), (0xE1, extension[:-9])))
    assert torn.notes == ("a part of the XMP was left out: its extension is not all there",)


def test_metadata_of_a_jpeg_2000_are_read() -> None:
    block = write_block(Directories("<", {271: text_entry("Canon")}))
    boxes = (b"JpgTiffExif->JP2" + block, bytes.fromhex("be7acfcb97a942e89c71999491e3afac") + PACKET)
    boxes += (bytes.fromhex("33c7a4d2b81d4723a0baf1a3e097ad38") + b"\x1c\x02\x69\x00\x05Title",)
    data = imagecodecs.jpeg2k_encode(CODES, codecformat="jp2")
    data += b"".join(struct.pack(">I4s", len(body) + 8, b"uuid") + body for body in boxes)
    assert read_metadata(bytes(data)) == Metadata(block, PACKET, b"\x1c\x02\x69\x00\x05Title")
    assert read_metadata(bytes(data)[:-1]) == Metadata()


def test_compressed_metadata_of_a_jpeg_xl_are_read_and_replaced() -> None:
    block = write_block(Directories("<", {271: text_entry("Canon")}))
    data = imagecodecs.jpegxl_encode(CODES, lossless=True, usecontainer=True)
    for kind, body in ((b"Exif", bytes(4) + block), (b"xml ", PACKET)):
        packed = kind + imagecodecs.brotli_encode(body)
        data += struct.pack(">I4s", len(packed) + 8, b"brob") + packed
    found = read_metadata(bytes(data))
    assert found == Metadata(block, PACKET)
    assert b"brob" not in with_metadata(bytes(data), found).data


@pytest.mark.parametrize("brand", [b"heic", b"heix", b"mif1"])
def test_metadata_of_a_heic_are_read(brand: bytes) -> None:
    block = write_block(Directories("<", {271: text_entry("Apple")}))
    data = picture("AVIF", exif=block, xmp=PACKET)
    heic = data[:8] + data[8:40].replace(b"avif", brand).replace(b"miaf", b"    ") + data[40:]
    assert read_metadata(heic) == Metadata(block, PACKET)


def test_a_gain_map_is_mentioned_whatever_else_is_left_out() -> None:
    avif = picture("AVIF", exif=write_block(Directories("<", {271: text_entry("Apple")})))
    mapped = avif.replace(b"\0\0Exif", b"\0\0tmap", 1)
    assert read_metadata(avif).notes == ()
    assert read_metadata(mapped).notes == (GAIN_MAP,)
    assert without_private(read_metadata(mapped), no_metadata=True, strip_gps=False).notes == (GAIN_MAP,)
    jxl = bytes(imagecodecs.jpegxl_encode(CODES, usecontainer=True)) + struct.pack(">I4s", 8, b"jhgm")
    assert read_metadata(jxl).notes == (GAIN_MAP,)


def test_statements_about_a_gain_map_or_a_film_do_not_come_along() -> None:
    packet = PACKET.replace(
        b'xmp:Rating="4"',
        b'xmp:Rating="4" xmlns:hdrgm="http://ns.adobe.com/hdr-gain-map/1.0/" hdrgm:Version="1.0"'
        b' xmlns:G="http://ns.google.com/photos/1.0/camera/" G:MotionPhoto="1"',
    )
    true = make_true(Metadata(xmp=packet), 12, 8, True).xmp
    assert true is not None
    assert b"Rating" in true
    assert b"hdrgm:Version" not in true
    assert b"MotionPhoto" not in true


def test_where_on_earth_pixels_lie_stays_unless_places_are_to_go(tmp_path: Path) -> None:
    scale = (33550, 12, 3, (1.0, 1.0, 0.0), True)
    tifffile.imwrite(tmp_path / "a.tif", CODES, photometric="rgb", extratags=[scale])
    found = read_metadata(tmp_path / "a.tif")
    assert parse_exif(make_true(found, 12, 8, True).exif).image[33550] == Entry(12, 3, struct.pack("<3d", 1, 1, 0))
    assert 33550 not in parse_exif(without_private(found, no_metadata=False, strip_gps=True).exif).image


def test_a_restored_tiff_of_such_metadata_reads_back(tmp_path: Path) -> None:
    source = read_metadata(png((b"tEXt", b"Author\0Jane"), (b"pHYs", struct.pack(">IIB", 11811, 11811, 1))))
    write_wide(tmp_path / "a.tif", np.zeros((8, 12, 3), np.uint16), PROPHOTO, source)
    with Image.open(io.BytesIO((tmp_path / "a.tif").read_bytes())) as image:
        assert image.info["dpi"] == (300, 300)
        assert image.getexif()[0x013B] == "Jane"
