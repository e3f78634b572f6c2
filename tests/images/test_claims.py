"""A few bytes that claim gigabytes of pixels, or a hundred passes over them, are refused before they are decoded."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image

from gamutcli.color.icc import read as icc
from gamutcli.containers import bmff, jxl, png, segments, xmp
from gamutcli.containers.blocks import MAX_EXIF_BLOCKS
from gamutcli.errors import InputError
from gamutcli.images import av1, claims, decode_reduced, jxl_header, picture, raw_layout, read_wide, tiff_pieces
from gamutcli.images.claims import check_jxl, check_plain
from gamutcli.images.jp2_codestream import asked_by, read_size
from gamutcli.images.jxl_frames import frames_of
from gamutcli.images.picture import believing
from gamutcli.images.reading import Reading
from tests.support import hostile
from tests.support.pictures import write_tiff

WHITE = np.full((40, 56, 3), 255, np.uint8)


def encoded(form: str, picture: Any = WHITE, **settings: Any) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, form, **settings)
    return stream.getvalue()


def jpeg_claiming(side: int, **settings: Any) -> bytes:
    """A JPEG of 40 x 56 whose frame header says another size."""
    data = encoded("JPEG", **settings)
    parts, tail = segments.split(data)
    for index, part in enumerate(parts):
        if part.marker in (0xC0, 0xC2):
            parts[index] = segments.make(part.marker, part.body[:1] + struct.pack(">HH", side, side) + part.body[5:])
    return segments.join(parts, tail)


def png_claiming(side: int) -> bytes:
    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    pixels = zlib.compress(bytes(1 << 16))
    chunks = [(b"IHDR", header), (b"IDAT", pixels), (b"IEND", b"")]
    return png.SIGNATURE + b"".join(png.pack_chunk(kind, body) for kind, body in chunks)


def webp_claiming(side: int) -> bytes:
    data = bytearray(encoded("WEBP", lossless=True))
    at = data.index(b"VP8L") + 9
    bits = int.from_bytes(data[at : at + 4], "little") & ~0xFFFFFFF | (side - 1) | (side - 1) << 14
    data[at : at + 4] = bits.to_bytes(4, "little")
    return bytes(data)


def lossy_webp_claiming(side: int) -> bytes:
    data = bytearray(encoded("WEBP", quality=80))
    at = data.index(b"\x9d\x01\x2a") + 3
    data[at : at + 4] = struct.pack("<HH", side, side)
    return bytes(data)


CLAIMING: dict[str, tuple[str, Callable[[], bytes]]] = {
    "baseline": ("jpg", lambda: jpeg_claiming(22_000)),
    "progressive": ("jpg", lambda: jpeg_claiming(22_000, progressive=True)),
    "png": ("png", lambda: png_claiming(22_000)),
    "lossless webp": ("webp", lambda: webp_claiming(16_000)),
    "lossy webp": ("webp", lambda: lossy_webp_claiming(16_000)),
}


CLAIMING |= {
    "avif": ("avif", lambda: hostile.avif_claiming(16_000)),
    "avif, in what is coded": ("avif", lambda: hostile.avif_of_hidden(5_800)),
}
WIDE = {
    "tile of jpeg": ("tif", lambda: hostile.tiled(hostile.jpeg_of(30_000), 64, 7), "claims 30000 x 30000"),
    "tile of webp": ("tif", lambda: hostile.tiled(webp_claiming(16_000), 64, 50001), "claims 16000 x 16000"),
    "tiles of webp": ("tif", lambda: hostile.tiled(webp_claiming(2_000), 64, 50001, 4), "say to hold more pixels"),
    "tile of png": ("tif", lambda: hostile.tiled(png_claiming(22_000), 64, 34933), "claims 22000 x 22000"),
    "tile of scans": ("tif", lambda: hostile.tiled(hostile.jpeg_of_scans(101), 64, 7), "more than 100 scans"),
    "tile of jpeg 2000": ("tif", lambda: hostile.tiled(hostile.jp2_of(20_000), 64, 34712), "claims 20000 x 20000"),
    "tile of jpeg xl": ("tif", lambda: hostile.tiled(hostile.jxl_of(200, 300), 64, 50002), "holds 187 frames or more"),
    "tile of lerc": ("tif", lambda: hostile.tiled(lerc_of(9_000), 64, 34887), "say to hold more pixels"),
    "tile of jpeg xr": ("tif", lambda: hostile.tiled(jpegxr_of(9_000), 64, 34934), "say to hold more pixels"),
    "large tile": ("tif", lambda: hostile.tile_of(12_000), "12000 x 12000 are far larger"),
    "packets": ("j2k", lambda: hostile.jp2_of(1024, block=0, precinct=1), "claims 1024 x 1024"),
    "layers": ("j2k", lambda: hostile.jp2_of(512, layers=65535, body=2000), "claims 512 x 512"),
    "blocks": ("j2k", lambda: hostile.jp2_of(2900, block=0), "claims 2900 x 2900"),
    "components": ("j2k", lambda: hostile.jp2_of(600, components=2000), "damaged"),
    "samples": ("j2k", lambda: hostile.jp2_of(22_000), "claims 22000 x 22000"),
}


def lerc_of(side: int) -> bytes:
    """Lerc2 of 64 x 64 whose header says another size."""
    data = bytearray(imagecodecs.lerc_encode(np.full((64, 64), 200, np.uint8)))
    data[14:22] = struct.pack("<II", side, side)
    return bytes(data)


def jpegxr_of(side: int) -> bytes:
    """A JPEG XR of 64 x 64 whose header says another size."""
    data = bytearray(imagecodecs.jpegxr_encode(np.full((64, 64, 3), 200, np.uint8)))
    at = data.index(b"WMPHOTO\0") + 10
    assert data[at] & 0x80  # sides of 16 bits
    data[at + 2 : at + 6] = struct.pack(">HH", side - 1, side - 1)
    return bytes(data)


@pytest.fixture
def undecoded(monkeypatch: pytest.MonkeyPatch) -> None:
    def decode(*_: Any, **__: Any) -> None:
        raise AssertionError("it was decoded")

    for name in (
        *("jpeg_decode", "jpeg8_decode", "png_decode", "webp_decode", "avif_decode", "jpegxl_decode", "jpeg2k_decode"),
        *("lerc_decode", "jpegxr_decode", "zlib_decode"),
    ):
        monkeypatch.setattr(imagecodecs, name, decode)


@pytest.mark.usefixtures("undecoded")
@pytest.mark.parametrize("kind", CLAIMING)
def test_a_header_is_not_believed_beyond_what_the_bytes_can_hold(tmp_path: Path, kind: str) -> None:
    suffix, make = CLAIMING[kind]
    file = tmp_path / f"claims.{suffix}"
    file.write_bytes(make())
    for read in (lambda: read_wide(file), lambda: decode_reduced(file.read_bytes(), str(file))):
        with pytest.raises(InputError, match=r"claims\.\w+: claims \d+ x \d+ pixels"):
            read()


@pytest.mark.usefixtures("undecoded")
def test_a_kilobyte_is_not_believed_megapixels(tmp_path: Path) -> None:
    """To write three as JPEG XL takes two seconds and more, which a JPEG of a kilobyte asked for."""
    file = tmp_path / "claims.jpg"
    file.write_bytes(jpeg_claiming(1_100))
    with pytest.raises(InputError, match=r"claims\.jpg: claims 1100 x 1100 pixels"):
        read_wide(file)


@pytest.mark.usefixtures("undecoded")
@pytest.mark.parametrize("kind", WIDE)
def test_what_a_part_of_a_picture_claims_is_believed_no_more(tmp_path: Path, kind: str) -> None:
    suffix, make, words = WIDE[kind]
    file = tmp_path / f"claims.{suffix}"
    file.write_bytes(make())
    assert file.stat().st_size < 200_000
    with pytest.raises(InputError, match=rf"claims\.{suffix}: .*{words}"):
        read_wide(file, Reading(assume_profile="prophoto"))


@pytest.mark.usefixtures("undecoded")
@pytest.mark.parametrize("read", [lambda data: decode_reduced(data, "a.jxl"), lambda data: check_jxl("a.jxl", data)])
def test_frames_of_a_jpeg_xl_are_counted_before_they_are_decoded(read: Callable[[bytes], Any]) -> None:
    with pytest.raises(InputError, match=r"a\.jxl: holds 65 frames or more, too many for its bytes"):
        read(hostile.jxl_of(100))


@pytest.mark.usefixtures("undecoded")
def test_a_reduced_jpeg_xl_that_became_an_animation_is_refused() -> None:
    with pytest.raises(InputError, match=r"a\.jxl: is an animation"):
        decode_reduced(hostile.jxl_of(3), "a.jxl")


@pytest.mark.usefixtures("undecoded")
def test_a_plain_jpeg_xl_is_believed_up_to_some_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(claims._PLAIN, "JPEG XL", 1 << 17)
    monkeypatch.setattr(claims, "_GROWTH", 100)
    with pytest.raises(InputError, match=r"a\.jxl: claims 512 x 512 pixels"):
        check_jxl("a.jxl", hostile.jxl_of(1))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WebP", "AVIF", "HEIC", "JPEG XL", "JPEG 2000"])
def test_a_small_file_holds_no_large_picture_in_any_format(kind: str) -> None:
    """Half a megabyte is believed 32 megapixels; a photograph of any size is."""
    check_plain("a", kind, 8192, 4096, 1 << 19)
    with pytest.raises(InputError, match=r"a: claims 8192 x 4104 pixels"):
        check_plain("a", kind, 8192, 4104, 1 << 19)
    check_plain("a", kind, 24_000, 16_000, 24_000 * 16_000 // 30)
    with pytest.raises(InputError, match="claims"):
        check_plain("a", kind, 8192, 4096, 1 << 10, bits=96)


@pytest.mark.parametrize(("kind", "side"), [("AVIF", 4096), ("HEIC", 4096), ("JPEG XL", 2896), ("JPEG 2000", 2896)])
def test_formats_that_take_longer_are_believed_less(kind: str, side: int) -> None:
    check_plain("a", kind, side, side, 1 << 10)
    with pytest.raises(InputError, match="claims"):
        check_plain("a", kind, side, side + 8, 1 << 10)
    check_plain("a", kind, side, side + 8, 1 << 16)


def test_plain_pictures_of_every_pixel_format_count_as_what_they_decode_to(tmp_path: Path) -> None:
    for bits, shape in ((8, (6000, 6000, 3)), (16, (4400, 4400, 3))):
        file = tmp_path / f"{bits}.tif"
        tifffile.imwrite(file, np.zeros(shape, f"u{bits // 8}"), photometric="rgb", compression="zlib")
        with pytest.raises(InputError, match="more than pictures of so few bytes have"):
            read_wide(file)


def test_what_is_refused_says_how_it_is_read_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(claims._PLAIN, "JPEG XL", 1 << 17)
    monkeypatch.setattr(claims, "_GROWTH", 100)
    with pytest.raises(InputError, match=r"claims 512 x 512 .*--allow-large if you trust it"):
        decode_reduced(hostile.jxl_of(1), "a.jxl")
    with believing():
        assert decode_reduced(hostile.jxl_of(1)).shape == (512, 512, 3)
    with pytest.raises(InputError, match="--allow-large"):
        decode_reduced(hostile.jxl_of(1), "a.jxl")


def test_items_of_an_avif_that_share_the_same_bytes_are_refused() -> None:
    assert len(bmff.items_of(hostile.avif_of_shared(2), b"av01")) == 2
    with pytest.raises(InputError):
        bmff.items_of(hostile.avif_of_shared(3), b"av01")


def test_an_openexr_is_not_believed_beyond_its_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    openexr = pytest.importorskip("OpenEXR")
    plain = np.full((500, 500), 0.5, np.float16)
    settings = {"compression": openexr.DWAB_COMPRESSION, "type": openexr.scanlineimage}
    file = tmp_path / "a.exr"
    openexr.File(settings, dict.fromkeys("RGB", plain)).write(str(file))
    assert read_wide(file).codes.shape == (500, 500, 3)
    monkeypatch.setattr(claims, "_PLAIN_SAMPLES", 1 << 16)
    with pytest.raises(InputError, match=r"a\.exr: claims 750,000 samples"):
        read_wide(file)


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("settings", [{}, {"progressive": True, "lossless": True}], ids=["plain", "other"])
def test_a_large_picture_of_one_colour_is_believed(form: str, settings: dict[str, Any]) -> None:
    picture = np.full((2100, 2100, 3), 255, np.uint8)  # above the size that is believed in any case
    if form == "WEBP":
        noise = np.random.default_rng(0).integers(0, 255, (100, 100, 3), np.uint8)
        picture[:100, :100] = noise  # a WebP of nothing but white has 100 bytes
    assert decode_reduced(encoded(form, picture, **settings)).shape == picture.shape


def with_scans(count: int) -> bytes:
    """A progressive JPEG whose last scan is repeated."""
    data = encoded("JPEG", progressive=True)
    last, end = data.rindex(b"\xff\xda"), data.rindex(b"\xff\xd9")
    return data[:last] + data[last:end] * (count - data.count(b"\xff\xda") + 1) + data[end:]


def test_a_jpeg_of_more_than_a_hundred_scans_is_refused() -> None:
    claims.check_jpeg("a.jpg", with_scans(claims.MAX_SCANS))
    with pytest.raises(InputError, match=r"a\.jpg: is stored in more than 100 scans"):
        claims.check_jpeg("a.jpg", with_scans(claims.MAX_SCANS + 1))


def test_scans_are_counted_in_the_picture_alone() -> None:
    """What looks like a scan in a segment between scans, or behind the end, is none."""
    data = encoded("JPEG", progressive=True)
    last = data.rindex(b"\xff\xda")
    comment = segments.make(segments.COM, b"\xff\xda\xff\xd9" * 200).raw
    claims.check_jpeg("a.jpg", data[:last] + comment + data[last:] + b"\xff\xda" * 200)


def test_a_jpeg_of_too_many_segments_is_refused_with_its_name(tmp_path: Path) -> None:
    data = encoded("JPEG")
    many = segments.make(segments.APP1, segments.EXIF).raw * (segments.MAX_SEGMENTS + 1)
    file = tmp_path / "many.jpg"
    file.write_bytes(data[:2] + many + data[2:])
    with pytest.raises(InputError, match=r"many\.jpg: the JPEG file holds more than 4,096 segments; export it again\."):
        read_wide(file)


def test_strips_that_share_their_bytes_count_once(tmp_path: Path) -> None:
    file = write_tiff(tmp_path / "a.tif", np.zeros((256, 256, 3), np.uint16), rowsperstrip=16)
    read_wide(file)
    with tifffile.TiffFile(file, mode="r+b") as opened:
        offsets = opened.pages.first.tags[273]
        offsets.overwrite([offsets.value[0]] * len(offsets.value))
    with pytest.raises(InputError, match="damaged or cut short"):
        read_wide(file)


def test_bytes_of_overlapping_ranges_are_counted_once() -> None:
    assert claims.distinct_bytes([(10, 5), (0, 3), (12, 8), (10, 5), (11, 1)]) == 13
    assert claims.distinct_bytes([]) == 0


@pytest.mark.parametrize(("kind", "value"), [(3, 65535), (4, 1 << 31), (3, (1, 2, 3, 4, 5, 6))])
def test_a_tiff_whose_profile_is_a_number_is_refused(tmp_path: Path, kind: int, value: Any) -> None:
    count = len(value) if isinstance(value, tuple) else 1
    file = write_tiff(tmp_path / "a.tif", np.zeros((8, 8, 3), np.uint16), None, extratags=[(34675, kind, count, value)])
    with pytest.raises(InputError, match=r"a\.tif: what should be its ICC profile is not one"):
        read_wide(file)


def test_values_of_a_raw_that_overlap_are_not_more_than_its_bytes(tmp_path: Path) -> None:
    count, size = 2000, 50_000
    rows = b"".join(struct.pack("<HHII", 0xC000 + number, 1, size, 0) for number in range(count))
    file = tmp_path / "a.nef"
    file.write_bytes(b"II*\0" + struct.pack("<IH", 8, count) + rows + bytes(4 + size))
    (numbers,) = raw_layout.read_directories(file)
    assert 0 < sum(map(len, numbers.values())) <= file.stat().st_size


@pytest.mark.usefixtures("undecoded")
def test_a_png_wider_than_libpng_reads_is_refused_with_what_to_do(tmp_path: Path) -> None:
    header = struct.pack(">IIBBBBB", 1_000_001, 1, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(bytes(3_000_004))), (b"IEND", b"")]
    file = tmp_path / "wide.png"
    file.write_bytes(png.SIGNATURE + b"".join(png.pack_chunk(kind, body) for kind, body in chunks))
    with pytest.raises(InputError, match=r"wide\.png: a PNG of more than 1,000,000 pixels a side is not read; export"):
        read_wide(file)


@pytest.mark.parametrize("body", [b"", b"\x08\0\x10\0\x10", b"\x08\0\x10\0\x10\x03"])
def test_a_frame_header_that_is_cut_short_is_left_to_the_decoder(body: bytes) -> None:
    parts, tail = segments.split(encoded("JPEG"))
    claims.check_jpeg("a.jpg", segments.join([parts[0], segments.make(0xC2, body), *parts[1:]], tail))


@pytest.mark.parametrize(
    "settings", [{"lossless": True}, {"distance": 1.0}, {"level": 60}], ids=["lossless", "lossy", "coarse"]
)
@pytest.mark.parametrize("count", [1, 3])
def test_frames_of_a_jpeg_xl_are_found_up_to_its_last_byte(settings: dict[str, Any], count: int) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (count, 300, 700, 3), np.uint8)
    data = bytes(imagecodecs.jpegxl_encode(noise if count > 1 else noise[0], **settings))
    header = jxl_header.read_header(data)
    frames = list(frames_of(data, header))
    assert [(frame.width, frame.height) for frame in frames if frame.is_shown] == [(700, 300)] * count
    assert [frame.is_last for frame in frames] == [False] * (len(frames) - 1) + [True]
    if count > 1:
        with pytest.raises((EOFError, ValueError)):
            list(frames_of(data[: len(data) // 2], header))


@pytest.mark.parametrize("subsampling", ["444", "420", "422"])
def test_frames_of_a_jpeg_in_jpeg_xl_are_found(subsampling: str) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (300, 700, 3), np.uint8)
    data = bytes(imagecodecs.jpegxl_encode_jpeg(imagecodecs.jpeg8_encode(noise, subsampling=subsampling)))
    codestream = jxl.whole_codestream(data)
    (frame,) = frames_of(codestream, jxl_header.read_header(codestream))
    assert (frame.width, frame.height, frame.is_last) == (700, 300, True)


def test_pixels_of_an_avif_are_those_of_its_items() -> None:
    data = encoded("AVIF", np.zeros((70, 90, 3), np.uint8))
    assert [av1.pixels_of(item) for item in bmff.items_of(data, b"av01")] == [70 * 90]


def test_what_a_jpeg_2000_asks_for_is_counted_as_its_coder_writes_it() -> None:
    picture = np.random.default_rng(0).integers(0, 255, (300, 700, 3), np.uint8)
    data = bytes(imagecodecs.jpeg2k_encode(picture, codecformat="j2k", resolutions=4, level=0))
    asked = asked_by(data, read_size(data))
    assert asked.samples == 300 * 700 * 3
    assert asked.packets == 3 * 4  # components and resolutions
    assert asked.blocks >= asked.samples // 64**2


def test_the_documents_state_the_limits_that_there_are() -> None:
    root = Path(__file__).parents[2]
    security, inputs = (
        " ".join((root / name).read_text("utf-8").split()) for name in ("SECURITY.md", "docs/INPUTS.md")
    )
    growth = claims._GROWTH
    plain = [f"{claims._PLAIN[kind] >> 20}" for kind in ("AVIF", "HEIC", "JPEG XL", "JPEG 2000")]
    for sentence in (
        f"{picture.MAX_PIXELS >> 20} megapixels",
        f"{claims.MAX_SCANS} scans, above {claims.SCANNED_PIXELS // claims.MAX_SCANS // 10**6} megapixels fewer",
        f"down to {claims.FEW_SCANS}; {segments.MAX_SEGMENTS:,} segments",
        f"({claims._DEFLATE_GROWTH:,} times as many); {claims._PNG_SIDE:,} pixels a side",
        f"{claims._LARGE_GROWTH} pixels a byte beyond {claims._LARGE >> 20} megapixels",
        f"{growth} pixels a byte, beyond {', '.join(plain[:-1])} and {plain[-1]} megapixels",
        f"{tiff_pieces._PIECES:,}, or one for {tiff_pieces._PIECE_BYTES} bytes of theirs",
        f"{tiff_pieces._CODED:,}, or one for {tiff_pieces._CODED_BYTES}; read, with what they share, "
        f"{tiff_pieces._READ_AGAIN >> 20} MB or twice what there is",
        f"JPEG and PNG, up to {claims._SMALL >> 20} megapixel",
        f"{xmp.MAX_PACKETS} packets, {xmp.MAX_PACKET >> 20} MB each",
        f"{MAX_EXIF_BLOCKS} blocks",
        f"{icc.MAX_PROFILE >> 20} MB, {icc.MAX_POINTS:,} points a curve",
    ):
        assert sentence in security, sentence
    assert f"{claims._LARGE_GROWTH} pixels a byte beyond {claims._LARGE >> 20} megapixels in every format" in inputs
    assert f"{growth} beyond {plain[0]} of AVIF and HEIC and beyond {plain[2]} of JPEG XL and JPEG 2000" in inputs
