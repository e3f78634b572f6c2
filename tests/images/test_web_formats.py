"""WebP and JPEG 2000 are read with the colours that they name, or that their standards say."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
from PIL import Image

from gamutcli.color.icc import write_profile
from gamutcli.color.spaces import ADOBE_RGB, DISPLAY_P3
from gamutcli.errors import InputError
from gamutcli.images import Picture, read_wide
from gamutcli.images.reading import Reading
from tests.support.pictures import wide_codes

CODES = wide_codes(48, 64)
NARROW = (CODES >> 8).astype(np.uint8)


def space_of(picture: Picture) -> str | None:
    return picture.profile.space.name if picture.profile and picture.profile.space else None


# WebP.


def webp(path: Path, codes: Any = NARROW, **settings: Any) -> Path:
    Image.fromarray(codes).save(path, "WEBP", **{"lossless": True, **settings})
    return path


def test_a_webp_means_what_its_profile_says(tmp_path: Path) -> None:
    picture = read_wide(webp(tmp_path / "a.webp", icc_profile=write_profile(ADOBE_RGB)))
    assert space_of(picture) == "adobergb"
    np.testing.assert_array_equal(picture.codes, NARROW.astype(np.uint16) * 257)
    (note,) = picture.notes
    assert note.startswith("8-bit input")


def test_a_webp_without_a_profile_is_srgb_unless_the_user_says_otherwise(tmp_path: Path) -> None:
    picture = read_wide(webp(tmp_path / "a.webp"))
    assert space_of(picture) == "srgb"
    assert any("taken as sRGB" in note for note in picture.notes)
    assert read_wide(tmp_path / "a.webp", Reading("adobergb")).profile is None


def test_a_lossy_webp_says_what_it_lacks(tmp_path: Path) -> None:
    picture = read_wide(webp(tmp_path / "a.webp", lossless=False, quality=95))
    assert any("half its size" in note for note in picture.notes)


def test_a_transparent_webp_needs_a_background(tmp_path: Path) -> None:
    alpha = np.full(NARROW.shape[:2], 255, np.uint8)
    assert read_wide(webp(tmp_path / "a.webp", np.dstack([NARROW, alpha]))).alpha is None
    alpha[0, 0] = 7
    with pytest.raises(InputError, match="--background"):
        read_wide(webp(tmp_path / "b.webp", np.dstack([NARROW, alpha])))


def test_of_an_animated_webp_a_picture_is_chosen(tmp_path: Path) -> None:
    other = Image.fromarray(255 - NARROW)
    webp(tmp_path / "a.webp", save_all=True, append_images=[other], duration=100)
    with pytest.raises(InputError, match="holds 2 pictures; choose one with --page N"):
        read_wide(tmp_path / "a.webp")
    second = read_wide(tmp_path / "a.webp", Reading(page=2)).codes
    np.testing.assert_array_equal(second, (255 - NARROW).astype(np.uint16) * 257)


# JPEG 2000.


def jp2(path: Path, codes: Any = CODES, **settings: Any) -> Path:
    samples = np.ascontiguousarray(codes)
    kind = "j2k" if path.suffix == ".j2k" else "jp2"
    path.write_bytes(imagecodecs.jpeg2k_encode(samples, level=0, reversible=True, codecformat=kind, **settings))
    return path


def with_color(data: bytes, body: bytes) -> bytes:
    """A JPEG 2000 file with another colr box; the box of boxes around it grows with it."""
    at, outer = data.index(b"colr") - 4, data.index(b"jp2h") - 4
    old = int.from_bytes(data[at : at + 4], "big")
    box = struct.pack(">I4s", 8 + len(body), b"colr") + body
    size = int.from_bytes(data[outer : outer + 4], "big") + len(box) - old
    return data[:outer] + struct.pack(">I", size) + data[outer + 4 : at] + box + data[at + old :]


@pytest.mark.parametrize("bits", [8, 10, 12, 16])
def test_a_jpeg_2000_of_any_depth_is_widened(tmp_path: Path, bits: int) -> None:
    codes = (CODES >> (16 - bits)).astype(np.uint8 if bits == 8 else np.uint16)
    codes[0, 0], codes[0, 1] = 0, (1 << bits) - 1
    picture = read_wide(jp2(tmp_path / "a.jp2", codes, bitspersample=bits))
    np.testing.assert_array_equal(picture.codes, np.round(codes / ((1 << bits) - 1) * 65535))
    assert space_of(picture) == "srgb"
    assert any("8-bit" in note for note in picture.notes) == (bits == 8)


@pytest.mark.parametrize(
    ("body", "name"),
    [
        (b"\2\0\0" + write_profile(DISPLAY_P3), "displayp3"),
        (b"\3\0\0" + write_profile(ADOBE_RGB), "adobergb"),
        (b"\1\0\0" + struct.pack(">I", 16), "srgb"),
        (b"\1\0\0" + struct.pack(">I", 21), "prophoto"),
        (b"\5\0\0" + struct.pack(">HHHB", 12, 13, 0, 128), "displayp3"),
    ],
)
def test_a_jpeg_2000_names_its_colours_in_four_ways(tmp_path: Path, body: bytes, name: str) -> None:
    path = jp2(tmp_path / "a.jp2")
    path.write_bytes(with_color(path.read_bytes(), body))
    picture = read_wide(path)
    assert space_of(picture) == name
    np.testing.assert_array_equal(picture.codes, CODES)


def test_colours_of_a_jpeg_2000_that_are_not_known_are_refused(tmp_path: Path) -> None:
    path = jp2(tmp_path / "a.jp2")
    path.write_bytes(with_color(path.read_bytes(), b"\1\0\0" + struct.pack(">I", 14)))
    with pytest.raises(InputError, match="JPEG 2000's number 14"):
        read_wide(path)


def test_a_bare_codestream_says_no_colours(tmp_path: Path) -> None:
    picture = read_wide(jp2(tmp_path / "a.j2k"))
    assert picture.profile is None
    np.testing.assert_array_equal(picture.codes, CODES)


def test_grey_and_signed_jpeg_2000(tmp_path: Path) -> None:
    assert read_wide(jp2(tmp_path / "a.jp2", CODES[..., 0])).is_grey
    with pytest.raises(InputError, match="signed"):
        read_wide(jp2(tmp_path / "a.jp2", (CODES >> 1).astype(np.int16)))


def with_definitions(data: bytes, *kinds: int) -> bytes:
    """A JPEG 2000 file that says of what type its channels are."""
    table = b"".join(struct.pack(">3H", at, kind, 0 if kind else at + 1) for at, kind in enumerate(kinds))
    box = struct.pack(">I4sH", 10 + len(table), b"cdef", len(kinds)) + table
    outer = data.index(b"jp2h") - 4
    size = int.from_bytes(data[outer : outer + 4], "big")
    grown = struct.pack(">I", size + len(box))
    return data[:outer] + grown + data[outer + 4 : outer + size] + box + data[outer + size :]


@pytest.mark.parametrize(("kind", "is_transparent"), [(0xFFFF, False), (1, True), (2, True)])
def test_a_channel_of_a_jpeg_2000_is_of_transparency_where_the_file_says_so(
    tmp_path: Path, kind: int, is_transparent: bool
) -> None:
    path = jp2(tmp_path / "a.jp2", np.dstack([CODES, CODES[..., 0]]))
    path.write_bytes(with_definitions(path.read_bytes(), 0, 0, 0, kind))
    if is_transparent:
        with pytest.raises(InputError, match="--background"):
            read_wide(path)
    else:
        picture = read_wide(path)
        np.testing.assert_array_equal(picture.codes, CODES)
        assert any("left out a channel" in note for note in picture.notes)


# Both.


@pytest.mark.parametrize("name", ["a.webp", "a.jp2", "a.j2k"])
def test_files_cut_anywhere_are_refused(tmp_path: Path, name: str) -> None:
    path = webp(tmp_path / name) if name == "a.webp" else jp2(tmp_path / name)
    whole = path.read_bytes()
    for length in sorted({*range(1, len(whole), len(whole) // 40), *range(len(whole) - 5, len(whole))}):
        path.write_bytes(whole[:length])
        with pytest.raises(InputError):
            read_wide(path)
