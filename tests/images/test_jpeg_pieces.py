"""Large JPEGs are coded in pieces, and hold the same pixels as if they were not."""

from __future__ import annotations

import io
from collections.abc import Callable

import imagecodecs
import numpy as np
import pytest
from PIL import Image

from gamutcli.arrays import CodeArray
from gamutcli.containers import segments
from gamutcli.errors import InputError
from gamutcli.images import decode_reduced, encode_reduced, jpeg_pieces
from gamutcli.images.jpeg_pieces import decode_in_pieces, encode_in_pieces
from tests.support.pictures import wide_codes

SUBSAMPLINGS = ("444", "422", "420")
#: Neither side is a multiple of the units that JPEG codes.
PHOTO: CodeArray = (wide_codes(603, 597) >> 8).astype(np.uint8)
PHOTO += np.random.default_rng(1).integers(0, 9, PHOTO.shape, np.uint8)


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pieces of 16 rows, read eight at a time: the picture has five of these."""
    monkeypatch.setattr(jpeg_pieces, "WRITTEN", 16 * 597)
    monkeypatch.setattr(jpeg_pieces, "READ", 1)
    monkeypatch.setattr(jpeg_pieces, "LARGE", 0)


def whole(codes: CodeArray, quality: int = 90, subsampling: str = "444") -> CodeArray:
    """What a picture becomes that is coded in one piece."""
    encoded = imagecodecs.jpeg8_encode(codes, level=quality, subsampling=subsampling)
    decoded: CodeArray = imagecodecs.jpeg8_decode(encoded)
    return decoded


@pytest.mark.parametrize("subsampling", SUBSAMPLINGS)
@pytest.mark.parametrize("size", [(603, 597), (16, 597), (1, 1), (17, 40)])
def test_pieces_hold_the_pixels_of_the_whole(size: tuple[int, int], subsampling: str) -> None:
    codes = np.ascontiguousarray(PHOTO[: size[0], : size[1]])
    encoded = encode_in_pieces(codes, 90, subsampling)
    expected = whole(codes, 90, subsampling)
    for decoded in (imagecodecs.jpeg8_decode(encoded), np.asarray(Image.open(io.BytesIO(encoded)))):
        np.testing.assert_array_equal(decoded, expected)


@pytest.mark.parametrize("quality", [1, 50, 95, 100])
def test_what_was_written_in_pieces_is_read_in_pieces(quality: int) -> None:
    found = decode_in_pieces(encode_in_pieces(PHOTO, quality, "444"))
    assert found is not None
    np.testing.assert_array_equal(found, whole(PHOTO, quality))


def test_the_reduced_picture_takes_this_way_from_a_size_on(monkeypatch: pytest.MonkeyPatch) -> None:
    in_pieces = encode_reduced(PHOTO, "jpeg")
    monkeypatch.setattr(jpeg_pieces, "LARGE", PHOTO.size)
    in_one = encode_reduced(PHOTO, "jpeg")
    assert len(in_one) < len(in_pieces) < 1.15 * len(in_one)  # codes of its own; here markers every few rows
    np.testing.assert_array_equal(decode_reduced(in_pieces), decode_reduced(in_one))


def by_pillow(**settings: object) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(PHOTO).save(stream, "JPEG", **{"quality": 90, "subsampling": 0, **settings})
    return stream.getvalue()


@pytest.mark.parametrize("rows", [1, 3])
def test_the_markers_of_other_programs_do_as_well(rows: int) -> None:
    data = by_pillow(restart_marker_rows=rows, optimize=True)
    found = decode_in_pieces(data)
    assert found is not None
    np.testing.assert_array_equal(found, imagecodecs.jpeg8_decode(data))


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"restart_marker_rows": 1, "subsampling": 2},  # a decoder smooths across the markers
        {"restart_marker_rows": 1, "progressive": True},
        {"restart_marker_blocks": 5},  # within a row
    ],
)
def test_what_does_not_come_apart_is_left_to_the_decoder(settings: dict[str, object]) -> None:
    data = by_pillow(**settings)
    assert decode_in_pieces(data) is None
    np.testing.assert_array_equal(decode_reduced(data), imagecodecs.jpeg8_decode(data))


def test_a_grey_one_is_left_to_the_decoder() -> None:
    stream = io.BytesIO()
    Image.fromarray(PHOTO[..., 0]).save(stream, "JPEG", restart_marker_rows=1)
    assert decode_in_pieces(stream.getvalue()) is None


def without_a_marker(data: bytes) -> bytes:
    at = data.index(b"\xff\xd3")
    return data[:at] + data[at + 2 :]


def with_two_markers_swapped(data: bytes) -> bytes:
    first, second = data.index(b"\xff\xd3"), data.index(b"\xff\xd4")
    changed = bytearray(data)
    changed[first + 1], changed[second + 1] = changed[second + 1], changed[first + 1]
    return bytes(changed)


def cut_short(data: bytes) -> bytes:
    return data[: len(data) // 2]


@pytest.mark.parametrize("damage", [without_a_marker, with_two_markers_swapped, cut_short])
def test_damaged_pieces_are_left_to_the_decoder(damage: Callable[[bytes], bytes]) -> None:
    data = damage(encode_in_pieces(PHOTO, 90, "444"))
    assert decode_in_pieces(data) is None
    with pytest.raises(InputError):
        decode_reduced(cut_short(data))


@pytest.mark.parametrize("marker", [0xC0, 0xC2, 0xCC, 0xDE, 0xD0, 0xF0, 0x02])
def test_headers_about_which_decoders_disagree_are_left_to_the_decoder(marker: int) -> None:
    parts, tail = segments.split(encode_in_pieces(PHOTO, 90, "444"))
    frame = next(part for part in parts if part.marker == 0xC0)
    assert decode_in_pieces(segments.join([segments.make(marker, frame.body), *parts], tail)) is None
    assert decode_in_pieces(segments.join([*parts, segments.make(marker, frame.body)], tail)) is None


def test_tables_without_end_are_not_copied_for_each_piece() -> None:
    parts, tail = segments.split(encode_in_pieces(PHOTO, 90, "444"))
    tables = [part for part in parts if part.marker == 0xDB]
    assert decode_in_pieces(segments.join([*tables * 3, *parts], tail)) is not None
    assert decode_in_pieces(segments.join([*tables * 200, *parts], tail)) is None


def test_what_stands_behind_the_picture_is_no_part_of_it() -> None:
    data = encode_in_pieces(PHOTO, 90, "444")
    found = decode_in_pieces(data + data)
    assert found is not None
    np.testing.assert_array_equal(found, whole(PHOTO))


def test_any_bits_may_be_flipped() -> None:
    """What a decoder makes of damaged pixels, it makes of them in pieces: the same, or it is asked itself."""
    data = encode_in_pieces(PHOTO, 90, "444")
    generator = np.random.default_rng(0)
    compared = 0
    for _ in range(60):
        damaged = bytearray(data)
        for at in generator.integers(0, len(data), 3):
            damaged[at] ^= 1 << int(generator.integers(0, 8))
        try:
            expected = imagecodecs.jpeg8_decode(bytes(damaged))
        except RuntimeError:
            continue
        try:
            found = decode_in_pieces(bytes(damaged))
        except InputError:
            continue
        if found is not None and expected.shape == found.shape:
            np.testing.assert_array_equal(found, expected)
            compared += 1
    assert compared >= 5
