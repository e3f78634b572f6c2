"""A 16-bit PNG is written strip by strip, and every reader finds in it the codes, the profile and the metadata."""

from __future__ import annotations

import io
import shutil
import subprocess
import zlib
from collections.abc import Iterator
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
from PIL import Image

from gamutcli.arrays import Code16Array
from gamutcli.color.spaces import PROPHOTO, SRGB
from gamutcli.containers import Metadata, png, with_metadata
from gamutcli.images import png_write, read_wide, write_wide
from gamutcli.images.profiles import profile_chunk
from gamutcli.metadata import make_true, read_metadata
from tests.metadata.test_rules import XMP, camera_block
from tests.support.pictures import wide_codes

CODES = wide_codes(71, 53)
CAMERA = Metadata(camera_block(), XMP)


def written(codes: Code16Array, rows: int = 500, metadata: Metadata = CAMERA) -> bytes:
    """The file of a picture that comes in parts."""
    file = io.BytesIO()
    parts = (codes[top : top + rows] for top in range(0, len(codes), rows))
    png_write.write_png(file, parts, codes.shape[:2], PROPHOTO, metadata)
    return file.getvalue()


def noise(height: int, width: int, codes: tuple[int, ...]) -> Code16Array:
    chosen = np.random.default_rng(height * width).choice(np.array(codes, np.uint16), (height, width, 3))
    return np.ascontiguousarray(chosen)


@pytest.mark.parametrize("rows", [1, 7, 71])
@pytest.mark.parametrize(
    "codes",
    [
        CODES,
        noise(71, 53, tuple(range(0, 65536, 257))),
        noise(71, 53, (0, 255, 256, 65535)),
        noise(71, 53, tuple(range(0x0100, 0x0104))),
        np.zeros((71, 53, 3), np.uint16),
        np.full((71, 1, 3), 65535, np.uint16),
    ],
    ids=["photograph", "noise", "extremes", "neighbours", "black", "one pixel wide"],
)
def test_libpng_decodes_the_very_codes(codes: Code16Array, rows: int) -> None:
    data = written(codes, rows)
    np.testing.assert_array_equal(imagecodecs.png_decode(data), codes)
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(data))), codes >> 8)


def test_libvips_decodes_the_very_codes(tmp_path: Path) -> None:
    if shutil.which("vips") is None:
        pytest.skip("vips is not installed")
    (tmp_path / "a.png").write_bytes(written(CODES, 7))
    subprocess.run(["vips", "copy", tmp_path / "a.png", f"{tmp_path}/a.tif[compression=none]"], check=True)
    picture = read_wide(tmp_path / "a.tif")
    np.testing.assert_array_equal(picture.codes, CODES)
    assert picture.profile is not None
    assert picture.profile.space == PROPHOTO


def test_all_but_the_pixels_is_as_it_would_be_around_those_of_libpng() -> None:
    by_libpng = png.with_chunks(imagecodecs.png_encode(CODES), [profile_chunk(PROPHOTO)])
    expected = with_metadata(by_libpng, make_true(CAMERA, 53, 71, srgb=False)).data
    data = written(CODES, 7)
    assert beside_pixels(data) == beside_pixels(expected)
    kinds = [kind for kind, _, _ in png.walk(data)]
    last = len(kinds) - kinds[::-1].index(b"IDAT")
    assert set(kinds[kinds.index(b"IDAT") : last]) == {b"IDAT"}, "pixels are one run of chunks"
    assert read_metadata(data) == read_metadata(expected)


def beside_pixels(data: bytes) -> list[tuple[bytes, bytes]]:
    """Every other chunk, in order, the place of the pixels marked."""
    found: list[tuple[bytes, bytes]] = []
    for kind, start, end in png.walk(data):
        chunk = (kind, b"" if kind == b"IDAT" else data[start:end])
        if found[-1:] != [chunk]:
            found.append(chunk)
    return found


def test_every_checksum_is_right() -> None:
    data = written(noise(200, 53, tuple(range(65536))), 7)
    for kind, start, end in png.walk(data):
        assert zlib.crc32(data[start - 4 : end]).to_bytes(4, "big") == data[end : end + 4], kind
    stream = b"".join(data[start:end] for kind, start, end in png.walk(data) if kind == b"IDAT")
    assert len(zlib.decompress(stream)) == 200 * (1 + 53 * 6)  # zlib compares the sum of all


def test_parts_of_any_height_make_the_same_pixels(tmp_path: Path) -> None:
    for rows in (1, 7, 500):
        parts = (CODES[top : top + rows] for top in range(0, 71, rows))
        with (tmp_path / f"{rows}.png").open("wb") as file:
            write_wide(tmp_path / f"{rows}.png", parts, SRGB, Metadata(), file=file, size=(71, 53))
    assert (tmp_path / "1.png").read_bytes() == (tmp_path / "7.png").read_bytes() == (tmp_path / "500.png").read_bytes()


def test_a_processor_without_isa_l_packs_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(png_write, "deflate", None)
    np.testing.assert_array_equal(imagecodecs.png_decode(written(CODES, 7)), CODES)


def test_it_is_about_as_small_as_libpng_makes_it() -> None:
    grain = np.random.default_rng(1).normal(0, 100, (400, 600, 3))
    photograph = np.clip(wide_codes(400, 600) + grain, 0, 65535).astype(np.uint16)
    common = imagecodecs.png_encode(photograph, level=1, strategy=3)
    assert len(written(photograph, metadata=Metadata())) < 1.05 * len(common)


def test_only_a_few_parts_are_held_at_a_time() -> None:
    made: list[int] = []
    held: list[int] = []

    class Counting(io.BytesIO):
        def write(self, data: object) -> int:
            held.append(len(made) - len(held))
            return 0

    def parts() -> Iterator[Code16Array]:
        for number in range(200):
            made.append(number)
            yield np.zeros((20, 1000, 3), np.uint16)

    png_write.write_png(Counting(), parts(), (4000, 1000), PROPHOTO, Metadata())
    assert len(made) == 200
    assert max(held) < 20
