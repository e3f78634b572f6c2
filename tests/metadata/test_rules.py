"""What cameras and editors wrote about a photograph reaches the next file, and is true there."""

from __future__ import annotations

import io
import json
import shutil
import struct
import subprocess
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import piexif
import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as st

from gamutcli.color.spaces import PROPHOTO, SRGB
from gamutcli.errors import InputError
from gamutcli.images import encode_reduced, write_wide
from gamutcli.metadata import EXIF_LIMIT, Metadata, make_true, read_metadata, rules
from gamutcli.metadata.ifd import (
    ASCII,
    LONG,
    RATIONAL,
    SHORT,
    Directories,
    Entry,
    data_entry,
    entry,
    in_byte_order,
    read_directories,
    write_block,
)
from gamutcli.metadata.rules import parse_exif
from tests.support.camera import text_entry
from tests.support.counting import counted_calls

XMP = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    b'<rdf:Description rdf:about="" xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmp:Rating="4"'
    b' xmlns:e="http://ns.adobe.com/exif/1.0/" xmlns:p="http://ns.adobe.com/photoshop/1.0/">'
    b"<e:ColorSpace>65535</e:ColorSpace><p:ICCProfile>ProPhoto RGB</p:ICCProfile></rdf:Description>"
    b"</rdf:RDF></x:xmpmeta>"
)
IPTC = b"\x1c\x02\x69\x00\x05Title"


def camera_block(**exif: Any) -> bytes:
    """An EXIF block as a camera writes it, with a thumbnail, in big-endian order."""
    thumbnail = encode_reduced(np.zeros((12, 16, 3), np.uint8), "jpeg")
    tags = {
        "0th": {
            271: b"Maker",
            272: b"Model X",
            274: 6,
            282: (300, 1),
            283: (300, 1),
            296: 2,
            306: b"2024:05:06 07:08:09",
        },
        "Exif": {33434: (1, 250), 36867: b"2024:05:06 07:08:09", 42036: b"50mm", 0xA001: 65535, 0xA002: 9, 0xA003: 9}
        | {37500: b"maker note", 37510: b"ASCII\0\0\0a comment"},
        "GPS": {1: b"N", 2: ((48, 1), (8, 1), (1234, 100)), 3: b"E", 4: ((11, 1), (34, 1), (5, 1))},
        "Interop": {1: b"R03"},
        "1st": {259: 6},
        "thumbnail": thumbnail,
    }
    tags["Exif"].update(exif.get("exif", {}))  # type: ignore[attr-defined]
    block: bytes = piexif.dump(tags)
    return block.removeprefix(b"Exif\0\0")


def loaded(block: bytes | None) -> dict[str, Any]:
    """The block as another reader understands it."""
    assert block is not None
    tags: dict[str, Any] = piexif.load(b"Exif\0\0" + block)
    return tags


@pytest.mark.parametrize("srgb", [True, False])
def test_camera_lens_date_place_and_orientation_stay_while_size_and_color_space_become_true(srgb: bool) -> None:
    tags = loaded(make_true(Metadata(exif=camera_block()), 600, 400, srgb).exif)
    assert tags["0th"][271] == b"Maker"
    assert tags["0th"][274] == 6
    assert tags["0th"][282] == (300, 1)
    assert tags["Exif"][33434] == (1, 250)
    assert tags["Exif"][36867] == b"2024:05:06 07:08:09"
    assert tags["Exif"][42036] == b"50mm"
    assert tags["Exif"][37500] == b"maker note"
    assert tags["GPS"][2] == ((48, 1), (8, 1), (1234, 100))
    assert tags["Exif"][0xA001] == (1 if srgb else 65535)
    assert (tags["Exif"][0xA002], tags["Exif"][0xA003]) == (600, 400)
    assert tags["thumbnail"] is None
    assert tags["1st"] == {}
    assert tags["Interop"] == {}


def test_a_picture_without_exif_gets_a_small_true_block() -> None:
    true = make_true(Metadata(), 6, 4, srgb=True)
    tags = loaded(true.exif)
    assert true.exif is not None
    assert len(true.exif) < 120
    assert tags["Exif"][0xA001] == 1
    assert tags["0th"].keys() == {0x8769}


def test_making_true_twice_changes_nothing() -> None:
    once = make_true(Metadata(camera_block(), XMP, IPTC), 60, 40, srgb=True)
    assert make_true(once, 60, 40, srgb=True) == once


def test_exif_tags_that_nobody_knows_survive_and_storage_tags_go() -> None:
    block = write_block(
        Directories(
            "<",
            {0x0110: text_entry("Model"), 0x0111: entry(LONG, 8), 0x0142: entry(LONG, 16), 0x8773: data_entry(b"icc")},
            {0xBEEF: entry(SHORT, 1, 2, 3), 0xA500: entry(RATIONAL, 22, 10)},
        )
    )
    true = parse_exif(make_true(Metadata(exif=block), 6, 4, srgb=True).exif)
    assert true.image == {0x0110: text_entry("Model")}
    assert true.exif[0xBEEF] == entry(SHORT, 1, 2, 3)
    assert 0xA500 not in true.exif


def test_a_block_too_large_for_a_segment_loses_its_maker_note_first_and_says_so() -> None:
    true = make_true(
        Metadata(exif=camera_block(exif={37500: b"m" * 50_000, 37510: b"ASCII\0\0\0" + b"c" * 12_000})), 6, 4, True
    )
    assert true.exif is not None
    assert len(true.exif) <= EXIF_LIMIT
    tags = loaded(true.exif)
    assert 37500 not in tags["Exif"]
    assert len(tags["Exif"][37510]) == 12_008
    assert true.notes == ("the EXIF data exceed one segment, left out: the maker note",)


def test_the_largest_values_are_left_out_until_the_block_fits_and_no_more() -> None:
    sizes = {0xC000 + n: 1000 + n for n in range(100)}
    block = write_block(Directories(exif={tag: data_entry(bytes(size)) for tag, size in sizes.items()}))
    true = make_true(Metadata(exif=block), 6, 4, True)
    kept = parse_exif(true.exif).exif
    largest_kept = max(tag for tag in kept if tag >= 0xC000)
    assert sorted(tag for tag in kept if tag >= 0xC000) == list(range(0xC000, largest_kept + 1))
    assert EXIF_LIMIT - sizes[largest_kept + 1] - 14 < len(true.exif or b"") <= EXIF_LIMIT
    (note,) = true.notes
    assert note.startswith("the EXIF data exceed one segment, left out: tag 0xC063, tag 0xC062")
    assert note.endswith(f", {0xC063 - largest_kept - 8} more")


def test_leaving_out_lays_the_block_out_a_few_times_however_many_values_go(monkeypatch: pytest.MonkeyPatch) -> None:
    block = write_block(Directories(exif={0xB000 + n: data_entry(bytes(500)) for n in range(2000)}))
    laid_out = counted_calls(monkeypatch, rules, "lay_out", "write_block")
    make_true(Metadata(exif=block), 6, 4, True)
    assert 0 < len(laid_out) < 10


def overlapping(count: int, size: int) -> bytes:
    """An EXIF block whose tags all claim the same bytes."""
    rows = b"".join(struct.pack("<HHII", 0xC000 + n, 7, size, 100) for n in range(count))
    exif = struct.pack("<H", count) + rows + bytes(4)
    image = struct.pack("<HHHII", 1, 0x8769, 4, 1, 100 + size) + bytes(4)
    return (b"II*\0" + struct.pack("<I", 8) + image).ljust(100, b"\0") + bytes(size) + exif


def test_values_that_overlap_are_not_more_than_the_bytes_there_are() -> None:
    block = overlapping(400, 60_000)
    found = parse_exif(block).exif
    assert 0 < sum(len(item.data) for item in found.values()) <= len(block)


@pytest.mark.parametrize("kind", [16, 18])
def test_a_pointer_of_a_bigtiff_type_in_a_classic_block_leads_nowhere(kind: int) -> None:
    block = b"II*\0" + struct.pack("<IHHHII", 8, 1, 0x8769, kind, 1, 8) + bytes(4)
    assert make_true(Metadata(exif=block), 6, 4, True).exif


def test_the_xmp_packet_loses_untrue_statements_only() -> None:
    packet = make_true(Metadata(xmp=XMP), 6, 4, srgb=True).xmp
    assert packet is not None
    assert b'xmp:Rating="4"' in packet
    assert b"ColorSpace" not in packet
    assert b"ICCProfile" not in packet


def test_a_broken_xmp_packet_is_left_out_and_said_so() -> None:
    true = make_true(Metadata(xmp=b"<x:xmpmeta"), 6, 4, srgb=True)
    assert true.xmp is None
    assert true.notes[0].startswith("the XMP packet was left out")


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("big", [False, True])
def test_a_tiff_gives_its_camera_tags_packet_and_records(tmp_path: Path, order: Any, big: bool) -> None:
    extra = [
        (271, 2, 0, "Maker", True),
        (274, 3, 1, 6, True),
        (700, 1, len(XMP), XMP, True),
        (33723, 7, len(IPTC), IPTC, True),
        (33432, 2, 0, "Somebody", True),
    ]
    tifffile.imwrite(
        tmp_path / "a.tif",
        np.zeros((4, 6, 3), np.uint16),
        photometric="rgb",
        byteorder=order,
        bigtiff=big,
        extratags=extra,
        resolution=(300, 300),
        resolutionunit="inch",
    )
    found = read_metadata(tmp_path / "a.tif")
    tags = loaded(found.exif)
    assert tags["0th"][271] == b"Maker"
    assert tags["0th"][274] == 6
    assert tags["0th"][282] == (300, 1)
    assert tags["0th"][33432] == b"Somebody"
    assert 256 not in tags["0th"]
    assert not {270, 305} & tags["0th"].keys()  # tifffile's notes about the array and itself
    assert found.xmp == XMP
    assert found.iptc == IPTC


def test_metadata_of_a_written_tiff_come_back_whole(tmp_path: Path) -> None:
    given = make_true(Metadata(camera_block(), XMP, IPTC), 6, 4, srgb=False)
    write_wide(tmp_path / "a.tif", np.zeros((4, 6, 3), np.uint16), PROPHOTO, given)
    found = read_metadata(tmp_path / "a.tif")
    assert (found.xmp, found.iptc) == (given.xmp, given.iptc)
    before, after = loaded(given.exif), loaded(found.exif)
    for size in (0xA002, 0xA003):  # a TIFF has its own tags for these
        del before["Exif"][size]
    for part in ("0th", "Exif", "GPS"):
        pointers = {0x8769, 0x8825}
        assert {k: v for k, v in after[part].items() if k not in pointers} == {
            k: v for k, v in before[part].items() if k not in pointers
        }
    with tifffile.TiffFile(tmp_path / "a.tif") as file:
        assert file.pages.first.tags[0x8769].value["DateTimeOriginal"] == "2024:05:06 07:08:09"
        assert file.pages.first.tags[0x8825].value["GPSLatitudeRef"] == "N"


def segment(marker: int, body: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body


def test_a_jpeg_gives_exif_xmp_and_iptc() -> None:
    jpeg = encode_reduced(np.zeros((4, 6, 3), np.uint8), "jpeg")
    resources = b"8BIM\x04\x25\x00\x00" + struct.pack(">I", 3) + b"abc\0"
    resources += b"8BIM\x04\x04\x03abc" + struct.pack(">I", len(IPTC)) + IPTC
    parts = segment(0xE1, b"Exif\0\0" + camera_block()) + segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + XMP)
    parts += segment(0xED, b"Photoshop 3.0\0" + resources)
    found = read_metadata(jpeg[:2] + parts + jpeg[2:])
    assert found == Metadata(camera_block(), XMP, IPTC)


@pytest.mark.parametrize("compressed", [False, True])
def test_a_png_gives_exif_and_xmp(tmp_path: Path, compressed: bool) -> None:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    png = encode_reduced(np.zeros((4, 6, 3), np.uint8), "png")
    text = b"XML:com.adobe.xmp\0" + (b"\1\0\0\0" + zlib.compress(XMP) if compressed else b"\0\0\0\0" + XMP)
    (tmp_path / "a.png").write_bytes(png[:33] + chunk(b"eXIf", camera_block()) + chunk(b"iTXt", text) + png[33:])
    assert read_metadata(tmp_path / "a.png") == Metadata(camera_block(), XMP)


def test_a_written_16_bit_png_keeps_them_too(tmp_path: Path) -> None:
    write_wide(tmp_path / "a.png", np.zeros((4, 6, 3), np.uint16), SRGB, Metadata(camera_block(), XMP))
    found = read_metadata(tmp_path / "a.png")
    assert loaded(found.exif)["Exif"][0xA001] == 1
    assert found.xmp == make_true(Metadata(xmp=XMP), 6, 4, srgb=True).xmp


@pytest.mark.parametrize(
    "data", [b"", b"II*\0", b"MM\0*\xff\xff\xff\xff", b"\xff\xd8\xff\xe1\xff", b"\x89PNG\r\n\x1a\n", b"GIF89a"]
)
def test_files_without_legible_metadata_have_none(data: bytes) -> None:
    assert read_metadata(data) == Metadata()


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"a\.tif: cannot be read"):
        read_metadata(tmp_path / "a.tif")


@given(st.integers(0, len(camera_block()) - 1), st.integers(0, 255))
def test_a_damaged_block_is_read_as_far_as_it_goes(at: int, value: int) -> None:
    for broken in (camera_block()[:at], camera_block()[:at] + bytes([value]) + camera_block()[at + 1 :]):
        true = make_true(Metadata(exif=broken), 6, 4, srgb=True)
        assert parse_exif(true.exif).exif[0xA001].data[:2] in (b"\1\0", b"\0\1")


def test_a_directory_that_claims_the_impossible_is_left_out() -> None:
    endless = b"II*\0\x08\0\0\0" + struct.pack("<HHHII", 1, 0x8769, 4, 1, 8) + bytes(4)
    huge = b"II*\0\x08\0\0\0" + struct.pack("<HHHII", 1, 0x010E, 2, 0xFFFFFFF0, 8) + bytes(4)
    assert read_directories(io.BytesIO(endless)) == Directories("<")
    assert read_directories(io.BytesIO(huge)) == Directories("<")


entries = st.one_of(
    st.binary(min_size=1, max_size=40).map(data_entry),
    st.lists(st.integers(0, 65535), min_size=1, max_size=9).map(lambda numbers: entry(SHORT, *numbers)),
    st.lists(st.integers(0, 2**32 - 1), min_size=1, max_size=5).map(lambda numbers: entry(LONG, *numbers)),
    st.tuples(st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1)).map(lambda pair: entry(RATIONAL, *pair)),
    st.binary(min_size=8, max_size=8).map(lambda data: Entry(12, 1, data)),
    st.text("abc ", max_size=9).map(text_entry),
)
directories = st.dictionaries(st.integers(1, 0x8000), entries, max_size=8)


@given(directories, directories, directories)
def test_directories_come_back_from_a_block_in_both_byte_orders(image: Any, exif: Any, gps: Any) -> None:
    little = Directories("<", image, exif, gps)
    assert read_directories(io.BytesIO(write_block(little))) == little
    big = in_byte_order(little, ">")
    assert read_directories(io.BytesIO(write_block(big))) == big
    assert in_byte_order(big, "<") == little


def test_an_ascii_entry_ends_with_zero() -> None:
    assert text_entry("ab") == Entry(ASCII, 3, b"ab\0")


@pytest.mark.skipif(shutil.which("exiftool") is None, reason="exiftool is not installed")
def test_exiftool_reads_a_written_tiff_without_complaint(tmp_path: Path) -> None:
    given = Metadata(camera_block(exif={37500: b""}), XMP, IPTC)
    write_wide(tmp_path / "a.tif", np.zeros((4, 6, 3), np.uint16), PROPHOTO, given)
    answer = subprocess.run(
        ["exiftool", "-json", "-G0", "-n", "-warning", "-error", "-all", tmp_path / "a.tif"],
        capture_output=True,
        check=True,
    )
    (tags,) = json.loads(answer.stdout)
    assert "ExifTool:Warning" not in tags
    assert tags["EXIF:Make"] == "Maker"
    assert tags["EXIF:Orientation"] == 6
    assert tags["EXIF:LensModel"] == "50mm"
    assert tags["EXIF:ColorSpace"] == 65535
    assert tags["EXIF:GPSLongitude"] == pytest.approx(11 + 34 / 60 + 5 / 3600)
    assert tags["XMP:Rating"] == 4
    assert tags["IPTC:Headline"] == "Title"
    assert tags["ICC_Profile:ColorSpaceData"] == "RGB "
