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

from gamutcli.containers import png, segments
from gamutcli.errors import InputError
from gamutcli.images import claims, decode_reduced, raw_layout, read_wide
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


@pytest.fixture
def undecoded(monkeypatch: pytest.MonkeyPatch) -> None:
    def decode(*_: Any, **__: Any) -> None:
        raise AssertionError("it was decoded")

    for name in ("jpeg8_decode", "png_decode", "webp_decode"):
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
    with pytest.raises(InputError, match=r"many\.jpg: the JPEG file holds more than 4,096 segments"):
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
