"""A wide-gamut file is read code by code, or refused in one clear line."""

from __future__ import annotations

import struct
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
import tifffile

from gamutcli.color.icc import write_profile
from gamutcli.color.spaces import SPACES
from gamutcli.errors import InputError
from gamutcli.images import MAX_PIXELS, Picture, read_wide
from gamutcli.metadata.ifd import LONG, SHORT, Directories, entry, lay_out, write_block
from tests.support.camera import text_entry
from tests.support.pictures import wide_codes, write_tiff

CODES = wide_codes(70, 51)


def refused(path: Path) -> str:
    """The line that says why a file is refused; it names the file and what to do next."""
    with pytest.raises(InputError) as caught:
        read_wide(path)
    line = str(caught.value)
    assert line.startswith(f"{path}: ")
    assert "\n" not in line
    assert "; " in line
    return line


def same(picture: Picture) -> bool:
    codes = picture.codes
    assert codes.dtype == np.uint16
    assert codes.dtype.isnative
    assert codes.flags.c_contiguous
    return codes.shape == CODES.shape and bool((codes == CODES).all())


LAYOUTS: dict[str, dict[str, Any]] = {
    "one strip": {},
    "strips": {"rowsperstrip": 16},
    "tiles": {"tile": (16, 32)},
    "BigTIFF": {"rowsperstrip": 16, "bigtiff": True},
}
PACKINGS: dict[str, dict[str, Any]] = {
    "uncompressed": {},
    "LZW": {"compression": "lzw"},
    "LZW with predictor": {"compression": "lzw", "predictor": True},
    "Deflate": {"compression": "zlib"},
    "Deflate with predictor": {"compression": "zlib", "predictor": True},
    "old Deflate with predictor": {"compression": "deflate", "predictor": True},
    "Zstandard with predictor": {"compression": "zstd", "predictor": True},
    "PackBits": {"compression": "packbits"},
}


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("packing", PACKINGS)
def test_every_layout_of_a_tiff_gives_the_same_codes(tmp_path: Path, layout: str, packing: str, order: str) -> None:
    settings: dict[str, Any] = LAYOUTS[layout] | PACKINGS[packing]
    picture = read_wide(write_tiff(tmp_path / "a.tif", CODES, byteorder=order, **settings))
    assert same(picture)
    assert picture.notes == ()


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("settings", [{}, {"tile": (16, 16)}, {"compression": "zlib", "predictor": True}])
def test_separate_colour_planes_are_joined(tmp_path: Path, order: str, settings: dict[str, Any]) -> None:
    planes = np.ascontiguousarray(np.moveaxis(CODES, -1, 0))
    path = write_tiff(tmp_path / "a.tif", planes, planarconfig="separate", byteorder=order, **settings)
    assert same(read_wide(path))


def test_the_profile_says_what_the_codes_mean(tmp_path: Path) -> None:
    for name, space in SPACES.items():
        profile = read_wide(write_tiff(tmp_path / f"{name}.tif", CODES, name)).profile
        assert profile is not None
        assert profile.space == space
    assert read_wide(write_tiff(tmp_path / "untagged.tif", CODES, None)).profile is None


@pytest.mark.parametrize("shape", [(1, 1, 3), (1, 9, 3), (9, 1, 3), (3, 3, 3), (3, 2, 3)])
def test_tiny_pictures_are_pictures(tmp_path: Path, shape: tuple[int, int, int]) -> None:
    codes = np.arange(np.prod(shape), dtype=np.uint16).reshape(shape)
    for packing in ("uncompressed", "LZW with predictor"):
        read = read_wide(write_tiff(tmp_path / f"{packing}.tif", codes, **PACKINGS[packing])).codes
        np.testing.assert_array_equal(read, codes)


def test_eight_bits_are_widened_and_said_so(tmp_path: Path) -> None:
    narrow = (CODES >> 8).astype(np.uint8)
    write_tiff(tmp_path / "a.tif", narrow)
    (tmp_path / "a.png").write_bytes(imagecodecs.png_encode(narrow))
    for name in ("a.tif", "a.png"):
        picture = read_wide(tmp_path / name)
        np.testing.assert_array_equal(picture.codes, narrow.astype(np.uint16) * 257)
        assert picture.notes[0].startswith("8-bit input")


def test_a_thumbnail_beside_the_picture_is_no_second_page(tmp_path: Path) -> None:
    with tifffile.TiffWriter(tmp_path / "a.tif") as file:
        file.write(CODES, photometric="rgb", metadata=None)
        file.write((CODES[::8, ::8] >> 8).astype(np.uint8), photometric="rgb", subfiletype=1, metadata=None)
    with tifffile.TiffWriter(tmp_path / "b.tif") as file:
        file.write((CODES[::8, ::8] >> 8).astype(np.uint8), photometric="rgb", subfiletype=1, metadata=None)
        file.write(CODES, photometric="rgb", metadata=None)
    assert same(read_wide(tmp_path / "a.tif"))
    assert same(read_wide(tmp_path / "b.tif"))


def unwanted_tiffs() -> dict[str, tuple[Any, dict[str, Any], str]]:
    alpha = np.concatenate([CODES, CODES[..., :1]], -1)
    return {
        "CMYK": (alpha, {"photometric": "separated"}, "is CMYK without a profile"),
        "alpha": (alpha, {"extrasamples": ["unassalpha"]}, r"is transparent in places; .* --background white"),
        "32 bits": (CODES.astype(np.uint32), {}, "samples are 32 bits"),
        "signed": (CODES.astype(np.int16), {}, "samples are signed"),
        "pages": (np.stack([CODES, CODES]), {}, "holds 2 pictures; choose one with --page N"),
        "thumbnail": (CODES, {"subfiletype": 1}, "nothing but a thumbnail"),
        "raw": (CODES, {"extratags": [(50706, 1, 4, (1, 4, 0, 0), True)]}, "is a camera RAW"),
    }


@pytest.mark.parametrize("kind", unwanted_tiffs())
def test_other_kinds_of_tiff_are_refused(tmp_path: Path, kind: str) -> None:
    samples, settings, words = unwanted_tiffs()[kind]
    path = write_tiff(tmp_path / "a.tif", samples, None, **settings)
    with pytest.raises(InputError, match=words):
        read_wide(path)
    refused(path)


@pytest.mark.parametrize("settings", [{"rowsperstrip": 16}, {"tile": (16, 16)}, *PACKINGS.values()])
@pytest.mark.parametrize("order", ["<", ">"])
def test_a_tiff_cut_anywhere_is_refused(tmp_path: Path, settings: dict[str, Any], order: str) -> None:
    whole = write_tiff(tmp_path / "whole.tif", CODES, byteorder=order, **settings).read_bytes()
    cut = tmp_path / "cut.tif"
    for length in sorted({*range(1, len(whole), len(whole) // 40), *range(1, 20), *range(len(whole) - 9, len(whole))}):
        cut.write_bytes(whole[:length])
        refused(cut)


def handmade_tiff(path: Path, width: int, height: int, strips: list[bytes], compression: int, rows: int = 10) -> Path:
    """A TIFF that says and holds just that."""
    offsets, body = [], b"II*\0\0\0\0\0"
    for strip in strips:
        offsets.append(len(body))
        body += strip + b"\0" * (len(strip) % 2)
    tags = {
        256: entry(LONG, width),
        257: entry(LONG, height),
        258: entry(SHORT, 16, 16, 16),
        259: entry(SHORT, compression),
        262: entry(SHORT, 2),
        273: entry(LONG, *offsets),
        277: entry(SHORT, 3),
        278: entry(LONG, rows),
        279: entry(LONG, *map(len, strips)),
    }
    behind = lay_out(Directories("<", tags), len(body)).behind(len(body))
    path.write_bytes(body[:4] + struct.pack("<I", len(body)) + body[8:] + behind)
    return path


ENCODERS: dict[int, Any] = {1: bytes, 5: imagecodecs.lzw_encode, 8: zlib.compress, 50000: imagecodecs.zstd_encode}


@pytest.mark.parametrize("compression", ENCODERS)
def test_a_strip_that_holds_less_than_it_should_is_not_filled_in_silence(tmp_path: Path, compression: int) -> None:
    encode = ENCODERS[compression]
    raw = [CODES[top : top + 10].tobytes() for top in range(0, 70, 10)]
    path = tmp_path / "a.tif"
    assert same(read_wide(handmade_tiff(path, 51, 70, [encode(strip) for strip in raw], compression)))
    for missing in (1, 6, 500, 1530, len(raw[0])):
        short = [*raw[:2], raw[2][:-missing], *raw[3:]]
        refused(handmade_tiff(path, 51, 70, [encode(strip) for strip in short], compression))


def test_a_strip_of_no_bytes_is_not_taken_for_black(tmp_path: Path) -> None:
    strips = [zlib.compress(CODES[top : top + 10].tobytes()) for top in range(0, 70, 10)]
    refused(handmade_tiff(tmp_path / "a.tif", 51, 70, [*strips[:2], b"", *strips[3:]], 8))


def test_sizes_that_cannot_be_are_refused_before_anything_is_allocated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tifffile.TiffPage, "asarray", lambda *_, **__: pytest.fail("the pixels were decoded"))
    path = tmp_path / "a.tif"
    strip = zlib.compress(bytes(1000))
    assert "megapixels" in refused(handmade_tiff(path, 2**20, MAX_PIXELS // 2**20 + 1, [strip], 8, rows=2**20))
    assert "megapixels" in refused(handmade_tiff(path, 2**31, 2**31, [strip], 8, rows=2**31))
    assert "damaged" in refused(handmade_tiff(path, 20000, 20000, [strip], 8, rows=20000))
    assert "damaged" in refused(handmade_tiff(path, 20000, 20000, [bytes(1000)], 1, rows=20000))
    assert "damaged" in refused(handmade_tiff(path, 51, 70, [strip], 8, rows=10))
    refused(handmade_tiff(path, 0, 70, [strip], 8))


def test_things_that_are_no_pictures_are_named(tmp_path: Path) -> None:
    (tmp_path / "empty.tif").write_bytes(b"")
    (tmp_path / "text.tif").write_text("II, but not a picture")
    (tmp_path / "anim.png").write_bytes(b"GIF89a..........")
    assert "is empty" in refused(tmp_path / "empty.tif")
    assert "not a picture" in refused(tmp_path / "text.tif")
    assert "is a GIF" in refused(tmp_path / "anim.png")
    assert "is a folder" in refused(tmp_path)
    assert "No such file" in refused(tmp_path / "missing.tif")


def test_a_damaged_profile_is_an_error_that_names_the_file(tmp_path: Path) -> None:
    path = write_tiff(tmp_path / "a.tif", CODES, None, iccprofile=write_profile(SPACES["prophoto"])[:200])
    assert "profile" in refused(path)


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(codes: Any = CODES, *chunks: bytes) -> bytes:
    """A PNG with chunks before its pixels."""
    data = bytes(imagecodecs.png_encode(np.ascontiguousarray(codes)))
    return data[:33] + b"".join(chunks) + data[33:]


def icc_chunk(name: str) -> bytes:
    return chunk(b"iCCP", b"name\0\0" + zlib.compress(write_profile(SPACES[name])))


SRGB_CHRM = struct.pack(">8I", 31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000)
P3_CHRM = struct.pack(">8I", 31270, 32900, 68000, 32000, 26500, 69000, 15000, 6000)

PNG_SPACES = [
    ("prophoto", [icc_chunk("prophoto")]),
    ("srgb", [chunk(b"sRGB", b"\0")]),
    ("displayp3", [chunk(b"cICP", bytes([12, 13, 0, 1]))]),
    ("rec2020", [chunk(b"cICP", bytes([9, 14, 0, 1])), icc_chunk("srgb")]),
    ("prophoto", [chunk(b"cICP", bytes([2, 2, 0, 1])), icc_chunk("prophoto")]),
    (None, [chunk(b"gAMA", struct.pack(">I", 55556))]),
    (None, [chunk(b"cHRM", SRGB_CHRM)]),
    (None, [chunk(b"gAMA", struct.pack(">I", 0)), chunk(b"cHRM", SRGB_CHRM)]),
    (None, [chunk(b"gAMA", struct.pack(">I", 45455)), chunk(b"cHRM", bytes(32))]),
    ("srgb", [chunk(b"gAMA", struct.pack(">I", 45455)), chunk(b"cHRM", SRGB_CHRM)]),
    ("displayp3", [chunk(b"gAMA", struct.pack(">I", 100000)), chunk(b"cHRM", P3_CHRM)]),
    ("srgb", [chunk(b"gAMA", struct.pack(">I", 100000)), chunk(b"cHRM", P3_CHRM), chunk(b"sRGB", b"\0")]),
]


@pytest.mark.parametrize(("name", "chunks"), PNG_SPACES)
def test_a_16_bit_png_says_its_space_in_one_of_four_ways(tmp_path: Path, name: str | None, chunks: list[bytes]) -> None:
    (tmp_path / "a.png").write_bytes(png(CODES, *chunks))
    picture = read_wide(tmp_path / "a.png")
    assert same(picture)
    assert picture.notes == ()
    assert (picture.profile and picture.profile.space) == (SPACES[name] if name else None)


def test_metadata_before_and_behind_the_pixels_of_a_png_are_found(tmp_path: Path) -> None:
    exif = write_block(Directories(image={0x010F: text_entry("Maker")}))
    text = b"XML:com.adobe.xmp\0\0\0\0\0<x/>"
    data = png(CODES, chunk(b"eXIf", exif))
    (tmp_path / "a.png").write_bytes(data[:-12] + chunk(b"iTXt", text) + data[-12:])
    metadata = read_wide(tmp_path / "a.png").metadata
    assert (metadata.exif, metadata.xmp) == (exif, b"<x/>")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (png(CODES, chunk(b"cICP", bytes([9, 16, 0, 1]))), r"is HDR \(PQ\)"),
        (png(CODES, chunk(b"iCCP", b"name\0\0garbage")), "the PNG is damaged"),
        (
            png()[:8] + chunk(b"IHDR", struct.pack(">IIBBBBB", 2**31 - 1, 2**31 - 1, 16, 2, 0, 0, 0)) + png()[33:],
            "mega",
        ),
        (png()[:8] + chunk(b"IHDR", struct.pack(">IIBBBBB", 0, 9, 16, 2, 0, 0, 0)) + png()[33:], "no pixels"),
        (
            png()[:8] + chunk(b"IHDR", struct.pack(">IIBBBBB", 51, 71, 16, 2, 0, 0, 0)) + png()[33:],
            "the PNG is damaged",
        ),
    ],
)
def test_other_kinds_of_png_are_refused(tmp_path: Path, data: bytes, words: str) -> None:
    (tmp_path / "a.png").write_bytes(data)
    with pytest.raises(InputError, match=words):
        read_wide(tmp_path / "a.png")
    refused(tmp_path / "a.png")


def test_a_png_cut_anywhere_is_refused(tmp_path: Path) -> None:
    whole = png(CODES, icc_chunk("prophoto"))
    for length in sorted({*range(1, len(whole), len(whole) // 60), *range(len(whole) - 13, len(whole))}):
        (tmp_path / "cut.png").write_bytes(whole[:length])
        refused(tmp_path / "cut.png")


def test_what_a_decoder_says_of_a_chunk_that_does_not_matter_is_not_repeated(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    broken = bytearray(png(CODES, chunk(b"pHYs", bytes(9))))
    broken[broken.index(b"pHYs") + 15] ^= 1  # its checksum
    (tmp_path / "a.png").write_bytes(broken)
    assert same(read_wide(tmp_path / "a.png"))
    assert capfd.readouterr() == ("", "")


def test_what_reads_a_format_is_imported_with_the_first_file_of_it() -> None:
    code = "import sys, gamutcli.reduce, gamutcli.expand; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    rare = {f"gamutcli.images.{name}" for name in ("raw", "exr", "heif", "jp2", "jxl_read", "jxl_header", "webp")}
    assert not rare & set(done.stdout.split())
