"""What the codes of a picture mean: its profile comes before the user's word, and that before Exif's."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
import tifffile

from gamutcli.color.icc import MatrixProfile, profile_of, write_profile
from gamutcli.color.spaces import ADOBE_RGB, DISPLAY_P3, PROPHOTO, REC2020, SPACES
from gamutcli.errors import InputError, UsageError
from gamutcli.images.meaning import meaning_of
from gamutcli.images.original import read_source
from gamutcli.images.picture import Picture
from gamutcli.images.reading import AS_IT_IS, Reading
from gamutcli.metadata import Metadata
from tests.support.pictures import wide_codes, write_tiff

CODES = wide_codes(40, 30)
NOTE = "a note of the file's own"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return write_tiff(tmp_path / "a.tif", CODES, None)


def picture(space: str | None, exif: bytes | None = None) -> Picture:
    return Picture(CODES, profile_of(SPACES[space]) if space else None, Metadata(exif), (NOTE,))


def assume(name: str | Path, linear: bool = False) -> Reading:
    return Reading(assume_profile=str(name), linear=linear)


def exif_block(color_space: int, index: bytes | None = None, order: str = "<") -> bytes:
    """An EXIF block with ColorSpace and, in a directory of its own, InteroperabilityIndex."""
    head = (b"II" if order == "<" else b"MM") + struct.pack(order + "HI", 42, 8)
    image = struct.pack(order + "HHHII4x", 1, 0x8769, 4, 1, 26)
    exif = struct.pack(order + "HHHIH2x", 1 + (index is not None), 0xA001, 3, 1, color_space)
    if index is None:
        return head + image + exif + bytes(4)
    exif += struct.pack(order + "HHII4x", 0xA005, 4, 1, 26 + 30)
    return head + image + exif + struct.pack(order + "HHHI", 1, 1, 2, 4) + index + bytes(4)


def tiff_with_exif(path: Path, color_space: int, index: bytes, big: bool = False) -> Path:
    """A TIFF with the same two tags, in directories behind its pixels."""
    pointer, count = ("Q", "Q") if big else ("I", "H")
    long = 16 if big else 4
    with tifffile.TiffWriter(path, bigtiff=big) as writer:
        writer.write(CODES, photometric="rgb", metadata=None, extratags=[(0x8768, pointer, 1, 0, True)])
    data = path.read_bytes()

    def directory(*entries: tuple[int, int, int, bytes]) -> bytes:
        size = struct.calcsize("<" + pointer)
        body = [
            struct.pack("<HH" + pointer, tag, kind, n) + value.ljust(size, b"\0") for tag, kind, n, value in entries
        ]
        return struct.pack("<" + count, len(entries)) + b"".join(body) + bytes(size)

    interoperability, exif = len(data), len(data) + len(directory((1, 2, 4, index)))
    data += directory((1, 2, 4, index))
    data += directory(
        (0xA001, 3, 1, struct.pack("<H", color_space)),
        (0xA005, long, 1, struct.pack("<" + pointer, interoperability)),
    )
    # tifffile keeps the number of Exif's pointer for itself, so that it stands in for another here.
    entry = struct.pack("<HH" + pointer, 0x8768, long, 1) + bytes(struct.calcsize("<" + pointer))
    assert data.count(entry) == 1
    path.write_bytes(data.replace(entry, struct.pack("<HH" + 2 * pointer, 0x8769, long, 1, exif)))
    return path


# The file's own profile.


def test_a_prophoto_file_needs_no_words(file: Path) -> None:
    profile, notes = meaning_of(file, picture("prophoto"), AS_IT_IS)
    assert profile.space == PROPHOTO
    assert notes == (NOTE,)


def test_another_space_is_converted_and_said_so(file: Path) -> None:
    profile, notes = meaning_of(file, picture("adobergb"), AS_IT_IS)
    assert profile.space == ADOBE_RGB
    assert any("Adobe RGB" in note and "converted" in note for note in notes)


def test_the_files_own_profile_wins_over_an_assumed_one(file: Path) -> None:
    profile, notes = meaning_of(file, picture("displayp3"), assume("prophoto"))
    assert profile.space == DISPLAY_P3
    assert any("--assume-profile prophoto" in note for note in notes)
    same, no_notes = meaning_of(file, picture("prophoto"), assume("prophoto"))
    assert same.space == PROPHOTO
    assert no_notes == (NOTE,)


def test_an_unusual_white_is_said(file: Path) -> None:
    odd = MatrixProfile("a camera", profile_of(PROPHOTO).to_xyz_d50 * 1.2, profile_of(PROPHOTO).curves)
    _, notes = meaning_of(file, Picture(CODES, odd, Metadata()), AS_IT_IS)
    assert any("equal codes grey" in note for note in notes)


# The user's word.


def test_a_file_without_a_profile_is_refused_with_what_to_do(file: Path) -> None:
    with pytest.raises(InputError, match=r"a\.tif: .*--assume-profile prophoto"):
        meaning_of(file, picture(None), AS_IT_IS)
    with pytest.raises(InputError, match=r"--assume-profile rec2020 --linear"):
        meaning_of(file, picture(None), Reading(linear=True))


def test_an_assumed_profile_is_taken_where_there_is_none(file: Path) -> None:
    profile, notes = meaning_of(file, picture(None), assume("prophoto"))
    assert profile.space == PROPHOTO
    assert notes == (NOTE,)


def test_an_assumed_space_can_hold_light(file: Path) -> None:
    profile, _ = meaning_of(file, picture(None), assume("rec2020", linear=True))
    assert isinstance(profile, MatrixProfile)
    assert profile.space == REC2020
    np.testing.assert_allclose(profile.decoding_table(256)[0], np.arange(256) / 255, atol=1e-7)


def test_an_assumed_profile_can_be_a_file(file: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.ICC").write_bytes(write_profile(ADOBE_RGB))
    for linear in (False, True):
        profile, _ = meaning_of(file, picture(None), assume(tmp_path / "mine.ICC", linear))
        assert isinstance(profile, MatrixProfile)
        assert profile.space == ADOBE_RGB
        assert profile.is_exact_curve != linear


def test_a_file_that_is_no_profile_is_an_input_error(file: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.icc").write_bytes(b"not one")
    with pytest.raises(InputError, match=r"mine\.icc: what should be the ICC profile is not one"):
        meaning_of(file, picture(None), assume(tmp_path / "mine.icc"))
    with pytest.raises(InputError, match=r"none\.icc"):
        meaning_of(file, picture(None), assume(tmp_path / "none.icc"))


def test_an_unknown_space_is_a_usage_error(file: Path) -> None:
    with pytest.raises(UsageError, match=r"prophoto, .*\.icc"):
        meaning_of(file, picture(None), assume("technicolor"))


# Exif's word.


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(
    ("color_space", "index", "expected"),
    [
        (1, None, "srgb"),
        (1, b"R98\0", "srgb"),
        (65535, b"R03\0", "adobergb"),
        (2, None, "adobergb"),
        (65535, b"R98\0", None),
        (65535, None, None),
    ],
)
def test_exif_names_srgb_and_adobe_rgb(
    tmp_path: Path, color_space: int, index: bytes | None, order: str, expected: str | None
) -> None:
    (tmp_path / "a.png").write_bytes(b"no TIFF")
    found = picture(None, exif_block(color_space, index, order))
    if expected is None:
        with pytest.raises(InputError, match="does not say which colours"):
            meaning_of(tmp_path / "a.png", found, AS_IT_IS)
        return
    profile, notes = meaning_of(tmp_path / "a.png", found, AS_IT_IS)
    assert profile.space == SPACES[expected]
    assert any("Exif says" in note for note in notes)


@pytest.mark.parametrize("big", [False, True])
def test_exif_of_a_tiff_is_read_from_the_file(tmp_path: Path, big: bool) -> None:
    source = read_source(tiff_with_exif(tmp_path / "a.tif", 65535, b"R03\0", big))
    assert any("Adobe RGB (1998), as its Exif says" in note for note in source.notes)


def test_the_users_word_is_stronger_than_exifs_which_is_said(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"no TIFF")
    profile, notes = meaning_of(tmp_path / "a.png", picture(None, exif_block(1)), assume("prophoto"))
    assert profile.space == PROPHOTO
    assert notes[1:] == ("is taken as prophoto, as --assume-profile says, although its Exif says sRGB",)
    _, notes = meaning_of(tmp_path / "a.png", picture(None, exif_block(1)), assume("srgb"))
    assert not any("Exif" in note for note in notes)


@pytest.mark.parametrize("length", [0, 1, 7, 9, 20, 30, 44, 60])
def test_exif_cut_short_says_nothing(tmp_path: Path, length: int) -> None:
    (tmp_path / "a.png").write_bytes(b"no TIFF")
    with pytest.raises(InputError, match="does not say which colours"):
        meaning_of(tmp_path / "a.png", picture(None, exif_block(65535, b"R03\0")[:length]), AS_IT_IS)
