"""WebP, AVIF, JPEG XL and TIFF: in and out, pixels untouched, the camera's metadata kept."""

from __future__ import annotations

import io
import struct
from dataclasses import replace

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image

from gamutcli.containers import bmff, exif, ifd, jxl, webp, with_metadata, xmp
from gamutcli.errors import InputError, UsageError
from gamutcli.metadata import Metadata, read_metadata
from gamutcli.payload import carriers, in_exif
from gamutcli.payload.carriers import Extracted, embed, extract, metadata_beside, strip
from gamutcli.payload.parts import split
from tests.support.camera import (
    CAMERA_PACKET,
    NOTHING,
    camera_exif,
    compacted,
    noise,
    payloads_in,
    picture,
    with_payload,
)
from tests.support.damage import survive

IPTC = b"\x1c\x02\x78\x00\x05hello"
CODES = np.arange(16 * 24 * 3, dtype=np.uint8).reshape(16, 24, 3)
CAMERA = Metadata(in_exif.insert(exif.least_block(), b"A camera"), CAMERA_PACKET)


def tiff_file(**settings: object) -> bytes:
    stream = io.BytesIO()
    tifffile.imwrite(stream, CODES, photometric="rgb", **settings)
    return stream.getvalue()


FILES = {
    "webp": picture("WEBP", quality=80),
    "webp-lossless": picture("WEBP", lossless=True),
    "webp-extended": picture("WEBP", icc_profile=b"a profile"),
    "avif": picture("AVIF", quality=80),
    "avif-metadata": picture("AVIF", exif=CAMERA.exif, xmp=CAMERA_PACKET),
    "jxl": imagecodecs.jpegxl_encode(CODES, level=90, usecontainer=False),
    "jxl-container": imagecodecs.jpegxl_encode(CODES, lossless=True, usecontainer=True),
    "tiff": tiff_file(),
    "tiff-tiles": tiff_file(byteorder=">", tile=(16, 16), compression="deflate"),
    "tiff-big": tiff_file(bigtiff=True),
}


def pixels(data: bytes) -> bytes:
    if jxl.recognises(data):
        return imagecodecs.jpegxl_decode(data).tobytes()
    if ifd_of(data) is not None:
        return tifffile.imread(io.BytesIO(data)).tobytes()
    with Image.open(io.BytesIO(data)) as image:
        return image.convert("RGBA").tobytes()


def ifd_of(data: bytes) -> ifd.Tiff | None:
    return ifd.Tiff(data) if data[:2] in (b"II", b"MM") else None


@pytest.fixture(params=FILES, name="file")
def each_file(request: pytest.FixtureRequest) -> bytes:
    return FILES[request.param]


@pytest.mark.parametrize("carrier", ["auto", "exif"])
@pytest.mark.parametrize("metadata", [NOTHING, CAMERA], ids=["plain", "camera"])
def test_in_and_out_with_every_pixel_untouched(file, carrier, metadata):
    embedded = embed(file, noise(70_001), metadata, carrier)
    assert embedded.carrier == ("exif" if carrier == "exif" else "xmp")
    found = extract(embedded.data)
    assert (found.payload, found.carrier) == (noise(70_001), embedded.carrier)
    assert pixels(embedded.data) == pixels(file)
    stripped = strip(embedded.data)
    assert extract(stripped) is None
    assert pixels(stripped) == pixels(file)
    assert len(stripped) < len(file) + 5000
    assert strip(file) == file


def test_the_camera_metadata_goes_in_and_stays(file):
    data = strip(embed(file, noise(100), CAMERA).data)
    assert data.count(CAMERA_PACKET) == 1
    assert data.count(b"A camera") == 1


def test_a_second_payload_replaces_the_first(file):
    data = embed(embed(file, noise(5000), CAMERA).data, b"another", NOTHING).data
    assert extract(data).payload == b"another"
    assert data.count(b"gamut1:") == 1
    assert data.count(b"A camera") == 1


@pytest.mark.parametrize("second", ["xmp", "exif"])
@pytest.mark.parametrize("first", ["xmp", "exif"])
def test_a_payload_is_where_it_was_asked_for_and_gives_way_to_one_elsewhere(file, first, second):
    data = embed(file, noise(5000), CAMERA, first).data
    again = embed(data, b"another", NOTHING, second)
    assert again.carrier == second
    found = extract(again.data)
    assert (found.payload, found.carrier, found.others) == (b"another", second, ())
    assert again.data.count(b"gamut1:") == again.data.count(b"A camera") == 1


def test_beside_the_picture_means_metadata_only(file):
    embedded = embed(file, noise(100), CAMERA, "sidecar")
    assert (embedded.carrier, extract(embedded.data)) == ("sidecar", None)
    assert embedded.data.count(CAMERA_PACKET) == 1


def test_beside_the_picture_the_metadata_lose_a_payload_that_came_with_them(file):
    embedded = embed(file, noise(100), holding_an_old_payload(), "sidecar")
    assert (embedded.carrier, extract(embedded.data)) == ("sidecar", None)
    assert b"gamut1:" not in embedded.data
    assert embedded.data.count(CAMERA_PACKET) == embedded.data.count(b"A camera") == 1
    assert embed(file, b"", replace(CAMERA, exif=None), "sidecar").data.count(CAMERA_PACKET) == 1


def holding_an_old_payload() -> Metadata:
    (line,) = split(b"an old payload", [14])
    return Metadata(in_exif.insert(CAMERA.exif, line), with_payload(CAMERA_PACKET, line.decode()), notes=("seen",))


def test_metadata_beside_a_payload_are_those_of_the_file_without_it():
    found = extract(embed(FILES["webp"], noise(100), CAMERA).data)
    assert metadata_beside(found, holding_an_old_payload()) == replace(CAMERA, notes=("seen",))
    torn = replace(found, rest=replace(found.rest, torn=b"half an extension"))
    assert metadata_beside(torn, replace(CAMERA, notes=("seen",))).notes == (
        "seen",
        "a part of the XMP was left out: its extension is not all there",
    )


def test_metadata_beside_a_payload_in_a_file_of_its_own_stay_as_they_are():
    assert metadata_beside(Extracted(b"payload", "sidecar"), CAMERA) == CAMERA


@pytest.mark.parametrize("found", [None, Extracted(b"another", "xmp")])
def test_a_payload_that_would_be_lost_in_the_file_is_not_lost_in_silence(
    found: Extracted | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(carriers, "extract", lambda data: found)
    with pytest.raises(InputError, match="use --carrier sidecar"):
        embed(FILES["webp"], b"payload", NOTHING)


def test_a_cut_file_is_refused_or_read_and_nothing_else_happens(file):
    data = embed(file, noise(300), CAMERA).data
    for cut in range(0, len(data), 97):
        survive(data[:cut], CAMERA)


def test_changed_bytes_never_escape_as_another_error(file):
    data = embed(file, noise(60), Metadata(exif.least_block(), compacted(CAMERA_PACKET))).data
    for position in range(0, len(data), 1 + len(data) // 150):
        for value in (0x00, 0x01, 0xFF):
            survive(data[:position] + bytes([value]) + data[position + 1 :], CAMERA)


def test_a_simple_webp_becomes_an_extended_one_that_tells_its_size_and_alpha():
    opaque = embed(FILES["webp"], b"payload", NOTHING).data
    assert opaque[12:16] == b"VP8X"
    assert struct.unpack_from("<IBxxxHBHB", opaque, 16) == (10, 0x04, 23, 0, 15, 0)
    clear = io.BytesIO()
    Image.new("RGBA", (7, 5), (9, 9, 9, 0)).save(clear, "WEBP", lossless=True)
    assert embed(clear.getvalue(), b"payload", CAMERA).data[20] == 0x04 | 0x08 | 0x10


def test_a_webp_chunk_of_xmp_whose_name_ends_with_nul_is_read_and_replaced():
    # What ImageMagick 6 and GraphicsMagick write.
    data = embed(FILES["webp"], b"payload", NOTHING).data.replace(b"XMP ", b"XMP\0")
    assert extract(data).payload == b"payload"
    assert b"XMP\0" not in strip(data)
    assert extract(strip(data)) is None
    assert extract(embed(data, b"another", NOTHING).data).payload == b"another"


def test_other_readers_find_the_packet():
    for name in ("webp", "webp-extended", "avif", "avif-metadata", "tiff"):
        data = embed(FILES[name], b"payload", CAMERA).data
        with Image.open(io.BytesIO(data)) as image:
            image.load()
            packet = image.tag_v2[700] if name == "tiff" else image.info["xmp"]
            assert payloads_in(packet) == [split(b"payload", [7])[0].decode()], name
            assert b"A camera" in image.getexif().get_ifd(0x8769)[0x9286]


def test_iptc_without_a_place_of_its_own_goes_into_exif():
    for name in ("webp", "avif", "jxl"):
        for metadata in (Metadata(iptc=IPTC), Metadata(camera_exif(), CAMERA_PACKET, IPTC)):
            data = embed(FILES[name], b"payload", metadata).data
            assert read_metadata(data).iptc == IPTC
            assert read_metadata(strip(data)).iptc == IPTC


@pytest.mark.parametrize("name", ["tiff", "tiff-tiles", "tiff-big"])
def test_a_tiff_gets_the_camera_tags_and_keeps_its_own(name):
    metadata = Metadata(camera_exif(), CAMERA_PACKET, b"\x1c\x02\x78\x00\x05hello")
    data = embed(FILES[name], b"payload", metadata).data
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        tags = file.pages[0].tags
        before = tifffile.TiffFile(io.BytesIO(FILES[name])).pages[0]
        own = {tag.code: tag.value for tag in before.tags if tag.code != 273}  # strips give way to the maker note
        assert {code: tags[code].value for code in own} == own
        np.testing.assert_array_equal(file.asarray(), before.asarray())
        assert tags[271].value == "Cam"
        assert tags[33723].value == metadata.iptc
        assert tags[34665].value["LensModel"] == "50mm"
        assert tags[34853].value["GPSLatitudeRef"] == "N"
        codes = [tag.code for tag in tags]
    assert codes == sorted(codes)


def test_further_pages_of_a_tiff_stay():
    stream = io.BytesIO()
    with tifffile.TiffWriter(stream) as file:
        file.write(CODES, photometric="rgb")
        file.write(CODES[::-1], photometric="rgb")
    data = embed(stream.getvalue(), b"payload", CAMERA).data
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        assert np.array_equal(file.pages[1].asarray(), CODES[::-1])


def test_a_payload_taken_out_of_a_tiff_leaves_no_bytes_behind():
    data = strip(embed(FILES["tiff"], noise(50_000), NOTHING).data)
    assert b"gamut1" not in data
    assert len(data) < len(FILES["tiff"]) + 300


def test_a_bare_codestream_gets_a_container_and_is_found_in_it():
    data = embed(FILES["jxl"], b"payload", NOTHING).data
    assert data.startswith(b"\0\0\0\x0cJXL \r\n\x87\n\0\0\0\x14ftypjxl ")
    assert data.endswith(FILES["jxl"])


def test_damaged_compressed_metadata_of_a_jpeg_xl_file_are_refused_plainly():
    data = FILES["jxl-container"]
    box = struct.pack(">I4s4s", 16, b"brob", b"xml ") + b"....."[:4]
    with pytest.raises(InputError, match="Brotli"):
        extract(data[:32] + box + data[32:])


def test_a_sequence_of_pictures_is_refused():
    stream = io.BytesIO()
    Image.new("RGB", (16, 16), "red").save(
        stream, "AVIF", save_all=True, append_images=[Image.new("RGB", (16, 16), "blue")]
    )
    with pytest.raises(InputError, match="sequence"):
        embed(stream.getvalue(), b"payload", NOTHING)


def test_an_item_that_claims_more_bytes_than_there_are_is_refused():
    data = embed(FILES["avif"], noise(3000), NOTHING).data
    length = struct.pack(">Q", len(bmff.read(data).xmp[0]))
    assert data.count(length) == 1
    with pytest.raises(InputError, match="cut short or damaged"):
        extract(data.replace(length, struct.pack(">Q", 1 << 60)))


def test_a_webp_chunk_that_claims_more_bytes_than_there_are_is_refused():
    data = bytearray(FILES["webp"])
    data[16:20] = b"\xff\xff\xff\xff"
    with pytest.raises(InputError, match="cut short"):
        webp.read(bytes(data))


@pytest.mark.parametrize("data", [b"", b"GIF89a", b"%PDF-1.7", b"RIFF\0\0\0\0WAVE", bytes(100)])
def test_other_files_are_refused(data):
    for action in (extract, strip, lambda other: embed(other, b"payload", NOTHING)):
        with pytest.raises(InputError, match="cannot carry a payload"):
            action(data)


def test_an_unknown_carrier_is_refused():
    with pytest.raises(UsageError, match="choose one of"):
        embed(FILES["tiff"], b"payload", NOTHING, "pigeon")


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """Every packet that is parsed meanwhile, in order."""
    seen: list[bytes] = []
    parse = xmp.parse

    def noting(packet: bytes | None, *texts: str, **more: xmp.Allowance | None) -> xmp.Packet:
        seen.append(packet or b"")
        return parse(packet, *texts, **more)

    monkeypatch.setattr(xmp, "parse", noting)
    return seen


@pytest.mark.parametrize("name", ["jpeg", "png", "webp", "avif", "jxl", "tiff"])
def test_a_packet_is_parsed_once_on_its_way_in_and_once_on_its_way_out(name: str, parsed: list[bytes]) -> None:
    file = FILES.get(name) or picture(name.upper())
    data = embed(file, noise(100), CAMERA).data
    assert parsed == [CAMERA_PACKET, packet_of(data)]  # what was given, and what was written: it is checked
    parsed.clear()
    found = extract(data)
    assert found.rest.xmp == (CAMERA_PACKET,)
    assert parsed == [packet_of(data)]
    parsed.clear()
    strip(data)
    assert parsed == [packet_of(data)]


def packet_of(data: bytes) -> bytes:
    start = data.index(b"<?xpacket begin")
    return data[start : data.index(b"?>", data.index(b"<?xpacket end")) + 2]


@pytest.mark.parametrize("name", ["jpeg", "png", "webp", "avif", "jxl", "tiff"])
def test_metadata_go_in_without_a_payload(name: str) -> None:
    file = FILES.get(name) or picture(name.upper())
    written = with_metadata(file, CAMERA)
    assert written.notes == ()
    assert packet_of(written.data) == CAMERA_PACKET
    assert b"A camera" in written.data
    assert pixels(written.data) == pixels(file)
    assert with_metadata(written.data, NOTHING).data.count(CAMERA_PACKET) == 1
