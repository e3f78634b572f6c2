"""However a TIFF is cut into strips and tiles, a small one takes no time that its pixels do not."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
import tifffile

from gamutcli.errors import InputError
from gamutcli.images import tiff_pieces
from gamutcli.images.picture import believing
from gamutcli.images.tiff import read_tiff
from tests.support.hostile import tiled

SIDE = 16
BLANK = np.full((SIDE, SIDE, 3), 200, np.uint8)
# Compression, and how a tile is packed.
CHEAP = {"deflate": (8, lambda: zlib.compress(BLANK)), "lzw": (5, lambda: imagecodecs.lzw_encode(BLANK.tobytes()))}
COSTLY = {
    "png": (34933, lambda: imagecodecs.png_encode(BLANK)),
    "jpeg xl": (50002, lambda: imagecodecs.jpegxl_encode(BLANK)),
    "webp": (50001, lambda: imagecodecs.webp_encode(BLANK, lossless=True)),
    "lzma": (34925, lambda: imagecodecs.lzma_encode(BLANK.tobytes())),
}


def read(data: bytes) -> Any:
    return read_tiff(io.BytesIO(data), "a.tif")[0].codes


def shared(tile: bytes, times: int) -> bytes:
    """A TIFF packed by Deflate whose tiles are all the same bytes of the file."""
    data = tiled(tile, SIDE, 8, times)
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        page = file.pages.first
        offsets, first = page.tags[324], page.dataoffsets[0]
        assert max(tag.valueoffset for tag in page.tags) < first
    all_first = struct.pack("<I", first) * times**2
    return data[: offsets.valueoffset] + all_first + data[offsets.valueoffset + len(all_first) : first + len(tile)]


@pytest.mark.parametrize("kind", [*CHEAP, *COSTLY])
def test_tiles_are_counted_before_they_are_decoded(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tiff_pieces, "_PIECES", 25)
    monkeypatch.setattr(tiff_pieces, "_CODED", 25)
    compression, pack = (CHEAP | COSTLY)[kind]
    tile = bytes(pack())
    assert (read(tiled(tile, SIDE, compression, 5)) == 200).all()
    many = tiled(tile, SIDE, compression, 6)
    with believing():
        assert read(many).shape == (96, 96, 3)
    monkeypatch.setattr(tifffile.TiffPage, "asarray", lambda *_, **__: pytest.fail("it was decoded"))
    with pytest.raises(
        InputError, match=r"a\.tif: is cut into 36 strips or tiles of a few bytes each; .*--allow-large"
    ):
        read(many)


def test_tiles_that_take_longer_are_fewer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tiff_pieces, "_CODED", 25)
    for compression, pack in CHEAP.values():
        assert read(tiled(bytes(pack()), SIDE, compression, 6)).shape == (96, 96, 3)


def test_a_photograph_may_have_a_strip_for_each_row(tmp_path: Path) -> None:
    rows = 40_000
    assert rows > tiff_pieces._PIECES
    noise = np.random.default_rng(0).integers(0, 256, (rows, 24, 3), np.uint8)
    tifffile.imwrite(tmp_path / "a.tif", noise, photometric="rgb", rowsperstrip=1, compression="zlib")
    np.testing.assert_array_equal(read((tmp_path / "a.tif").read_bytes()), noise)


def test_plain_rows_that_share_no_byte_are_believed_up_to_some_count(tmp_path: Path) -> None:
    rows = tiff_pieces._PIECES + 1
    for count, path in ((rows - 1, tmp_path / "a.tif"), (rows, tmp_path / "b.tif")):
        tifffile.imwrite(
            path, np.zeros((count, 24, 3), np.uint8), photometric="rgb", rowsperstrip=1, compression="zlib"
        )
    assert read((tmp_path / "a.tif").read_bytes()).shape == (rows - 1, 24, 3)
    with pytest.raises(InputError, match="is cut into 32,769 strips"):
        read((tmp_path / "b.tif").read_bytes())


def test_blank_tiles_may_share_their_bytes_but_not_to_be_read_over_and_over(monkeypatch: pytest.MonkeyPatch) -> None:
    tile = zlib.compress(BLANK) + bytes(1_000)
    data = shared(tile, 10)
    assert len(data) < 3_000
    assert read(data).shape == (160, 160, 3)
    monkeypatch.setattr(tiff_pieces, "_READ_AGAIN", 100 * len(tile) - 1)
    with pytest.raises(InputError, match=r"a\.tif: its strips or tiles share their bytes.*--allow-large"):
        read(data)


@pytest.mark.parametrize(("side", "is_shared_out"), [(16, False), (64, False), (128, True)])
def test_threads_decode_only_what_is_worth_one(side: int, is_shared_out: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    decode = tifffile.TiffPage.asarray

    def asarray(page: Any, **settings: Any) -> Any:
        asked.append(settings["maxworkers"])
        return decode(page, **settings)

    monkeypatch.setattr(tifffile.TiffPage, "asarray", asarray)
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {0, 1, 2}, raising=False)
    tile = zlib.compress(np.full((side, side, 3), 200, np.uint8))
    assert (read(tiled(tile, side, 8, 3)) == 200).all()
    assert asked == [3 if is_shared_out else 1]
