"""The camera's metadata through reduce and expand, in every format; and what privacy leaves of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import piexif
import pytest
import tifffile

from gamutcli.color.spaces import PROPHOTO
from gamutcli.expand import expand_image
from gamutcli.images import write_wide
from gamutcli.metadata import Metadata, orientation_of, read_metadata
from gamutcli.reduce import reduce_image
from tests.support.pictures import wide_codes
from tests.support.presets import changed_presets

NAMES = ("r.jpg", "r.png", "r.tif", "r.webp", "r.avif", "r.jxl")
PACKET = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    b'<rdf:Description rdf:about="" xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:e="http://ns.adobe.com/exif/1.0/"'
    b' xmlns:p="http://ns.adobe.com/photoshop/1.0/" xmp:Rating="4" e:GPSLatitude="60,10.2N">'
    b"<p:City>Helsinki</p:City><xmp:Label>Red</xmp:Label></rdf:Description></rdf:RDF></x:xmpmeta>"
)


def records(*items: tuple[int, bytes]) -> bytes:
    """IPTC-IIM records of the second envelope."""
    return b"".join(b"\x1c\x02" + bytes([number]) + len(text).to_bytes(2, "big") + text for number, text in items)


IPTC = records((120, b"A caption"), (90, b"Helsinki"), (80, b"Jane"))
EXIF: dict[str, Any] = {
    "0th": {piexif.ImageIFD.Make: b"Cam", piexif.ImageIFD.Orientation: 6, piexif.ImageIFD.Copyright: b"Jane"},
    "Exif": {piexif.ExifIFD.DateTimeOriginal: b"2026:05:04 03:02:01", piexif.ExifIFD.LensModel: b"50mm"},
    "GPS": {piexif.GPSIFD.GPSLatitudeRef: b"N", piexif.GPSIFD.GPSLatitude: ((60, 1), (10, 1), (12, 1))},
}


@pytest.fixture(scope="module", autouse=True)
def cheap() -> Iterator[None]:
    with changed_presets("fast", hidden=8, depth=2, steps=20, batch=256, samples=1024):
        yield


@pytest.fixture(scope="module")
def photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("photo") / "photo.tif"
    write_wide(path, wide_codes(60, 90), PROPHOTO, Metadata(piexif.dump(EXIF)[6:], PACKET, IPTC))
    return path


def exif(path: Path) -> dict[str, Any]:
    block = read_metadata(path).exif
    assert block is not None
    return piexif.load(b"Exif\0\0" + block)


def lies(name: str) -> int:
    """The orientation of a reduced file: a WebP's pixels are turned, for browsers do not heed it there."""
    return 1 if name.endswith(".webp") else 6


@pytest.mark.parametrize("name", NAMES)
def test_everything_comes_back(name: str, photo: Path, tmp_path: Path) -> None:
    reduce_image(photo, tmp_path / name, preset="fast")
    expand_image(tmp_path / name, tmp_path / "restored.tif")
    expand_image(tmp_path / name, tmp_path / "restored.png")
    for path in (tmp_path / name, tmp_path / "restored.tif", tmp_path / "restored.png"):
        tags, found = exif(path), read_metadata(path)
        for part in EXIF:
            kept = {tag: value for tag, value in EXIF[part].items() if tag != piexif.ImageIFD.Orientation}
            assert kept.items() <= tags[part].items(), (path.name, part)
        assert orientation_of(found) == lies(name)
        assert found.xmp is not None
        for word in (b"Rating", b"60,10.2N", b"Helsinki", b"Red"):
            assert word in found.xmp
        assert found.iptc == IPTC
    with tifffile.TiffFile(tmp_path / "restored.tif") as tiff:
        assert tiff.pages.first.tags[33723].value == IPTC
        assert b"gamut:Payload" not in tiff.pages.first.tags[700].value


@pytest.mark.parametrize("name", NAMES)
def test_the_facts_are_made_true(name: str, photo: Path, tmp_path: Path) -> None:
    reduce_image(photo, tmp_path / name, preset="fast")
    tags = exif(tmp_path / name)["Exif"]
    assert tags[piexif.ExifIFD.ColorSpace] == 1
    size = (tags[piexif.ExifIFD.PixelXDimension], tags[piexif.ExifIFD.PixelYDimension])
    assert size == ((60, 90) if name == "r.webp" else (90, 60))


@pytest.mark.parametrize("name", NAMES)
def test_the_place_is_left_out_when_asked(name: str, photo: Path, tmp_path: Path) -> None:
    reduce_image(photo, tmp_path / name, preset="fast", strip_gps=True)
    data = (tmp_path / name).read_bytes()
    assert not exif(tmp_path / name)["GPS"]
    assert exif(tmp_path / name)["0th"][piexif.ImageIFD.Make] == b"Cam"
    found = read_metadata(data)
    assert found.xmp is not None
    assert b"Rating" in found.xmp
    assert found.iptc == records((120, b"A caption"), (80, b"Jane"))
    assert b"60,10.2N" not in data
    assert b"Helsinki" not in data


@pytest.mark.parametrize("name", NAMES)
def test_all_metadata_but_the_orientation_are_left_out_when_asked(name: str, photo: Path, tmp_path: Path) -> None:
    reduce_image(photo, tmp_path / name, preset="fast", no_metadata=True)
    tags, found = exif(tmp_path / name), read_metadata(tmp_path / name)
    assert orientation_of(found) == lies(name)
    assert piexif.ImageIFD.Make not in tags["0th"]
    assert piexif.ExifIFD.DateTimeOriginal not in tags["Exif"]
    assert not tags["GPS"]
    assert found.iptc is None
    assert b"Rating" not in (found.xmp or b"")
    expand_image(tmp_path / name, tmp_path / "restored.tif")
    assert exif(tmp_path / "restored.tif")["0th"][piexif.ImageIFD.Orientation] == lies(name)


def test_expand_can_leave_out_too(photo: Path, tmp_path: Path) -> None:
    reduce_image(photo, tmp_path / "r.jpg", preset="fast")
    expand_image(tmp_path / "r.jpg", tmp_path / "a.tif", strip_gps=True)
    assert not exif(tmp_path / "a.tif")["GPS"]
    assert exif(tmp_path / "a.tif")["0th"][piexif.ImageIFD.Make] == b"Cam"
    expand_image(tmp_path / "r.jpg", tmp_path / "b.tif", no_metadata=True)
    assert piexif.ImageIFD.Make not in exif(tmp_path / "b.tif")["0th"]


@pytest.mark.parametrize("damaged", [IPTC[:-2], b"\x1c\x02\x5a\x80\x04Hels", b"no records at all"])
def test_damaged_iptc_is_left_out_rather_than_half_of_it(damaged: bytes, tmp_path: Path) -> None:
    write_wide(tmp_path / "p.tif", wide_codes(60, 90), PROPHOTO, Metadata(iptc=damaged))
    reduce_image(tmp_path / "p.tif", tmp_path / "r.jpg", preset="fast", strip_gps=True)
    assert read_metadata(tmp_path / "r.jpg").iptc is None


def test_a_packet_that_gives_way_to_a_large_payload_comes_back(tmp_path: Path) -> None:
    long = PACKET.replace(b'xmp:Rating="4"', b'xmp:Rating="4" xmp:Nickname="' + b"n" * 66_000 + b'"')
    write_wide(tmp_path / "p.tif", wide_codes(60, 90), PROPHOTO, Metadata(xmp=long))
    reduced = reduce_image(tmp_path / "p.tif", tmp_path / "r.jpg", preset="fast")
    assert any("Extended XMP" in note for note in reduced.notes)
    expand_image(tmp_path / "r.jpg", tmp_path / "a.tif")
    packet = read_metadata(tmp_path / "a.tif").xmp
    assert packet is not None
    assert b"n" * 66_000 in packet
    assert b"Helsinki" in packet
    assert b"gamut:Payload" not in packet
