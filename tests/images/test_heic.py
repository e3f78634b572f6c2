"""A HEIC or HIF from a phone or a camera: read through pi-heif, as its header has it turned, with the colours it names.

The files are made by pillow-heif, whose wheels hold x265 (GPL): it is no part of gamutcli, and where it is not
installed these tests are skipped.
"""

from __future__ import annotations

import builtins
import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from gamutcli.color.icc import write_profile
from gamutcli.color.spaces import PROPHOTO
from gamutcli.errors import InputError
from gamutcli.images import Picture, read_wide
from gamutcli.images.picture import turn
from gamutcli.images.reading import Reading
from gamutcli.metadata import orientation_of
from tests.support.pictures import wide_codes

CODES = wide_codes(48, 64)
P3 = {"color_primaries": 12, "transfer_characteristics": 13, "matrix_coefficients": 6, "full_range_flag": 1}
LOSSLESS = {"quality": -1, "chroma": 444}


@pytest.fixture
def encoder() -> Any:
    pytest.importorskip("pi_heif")
    return pytest.importorskip("pillow_heif")


def heic(encoder: Any, path: Path, codes: Any = CODES, mode: str = "RGB;16", **settings: Any) -> Path:
    stream = io.BytesIO()
    size = (codes.shape[1], codes.shape[0])
    encoder.encode(mode, size, np.ascontiguousarray(codes).tobytes(), stream, **{**LOSSLESS, **P3, **settings})
    path.write_bytes(stream.getvalue())
    return path


def space_of(picture: Picture) -> str | None:
    return picture.profile.space.name if picture.profile and picture.profile.space else None


def test_ten_bits_are_widened_and_named_by_numbers(encoder: Any, tmp_path: Path) -> None:
    picture = read_wide(heic(encoder, tmp_path / "a.heic"))
    assert space_of(picture) == "displayp3"
    assert picture.notes == ()
    assert np.abs(picture.codes.astype(int) - CODES).max() < 65535 / 1023 * 2
    assert len(np.unique(picture.codes)) > 300


def test_white_and_black_stay_so(encoder: Any, tmp_path: Path) -> None:
    for code in (0, 65535):
        read = read_wide(heic(encoder, tmp_path / "a.heic", np.full((32, 32, 3), code, np.uint16))).codes
        assert (read == code).all()


def test_eight_bits_and_subsampled_colours_are_said(encoder: Any, tmp_path: Path) -> None:
    codes = (CODES >> 8).astype(np.uint8)
    notes = read_wide(heic(encoder, tmp_path / "a.heic", codes, "RGB", chroma=420)).notes
    assert any("8-bit input" in note for note in notes)
    assert any("half its size" in note for note in notes)


def test_an_icc_profile_comes_before_numbers(encoder: Any, tmp_path: Path) -> None:
    image = encoder.from_bytes("RGB;16", (64, 48), CODES.tobytes())
    image.info["icc_profile"] = write_profile(PROPHOTO)
    image.info["icc_profile_type"] = "prof"
    image.save(tmp_path / "a.heic", **LOSSLESS)
    assert space_of(read_wide(tmp_path / "a.heic")) == "prophoto"


def test_without_any_word_of_colours_it_is_srgb_as_the_standard_says(encoder: Any, tmp_path: Path) -> None:
    path = heic(encoder, tmp_path / "a.heic", save_nclx_profile=False)
    assert b"colr" not in path.read_bytes()
    picture = read_wide(path)
    assert space_of(picture) == "srgb"
    assert any("sRGB" in note for note in picture.notes)
    assert read_wide(path, Reading("prophoto")).profile is None


@pytest.mark.parametrize("transfer", [16, 18])
def test_hdr_is_refused(encoder: Any, tmp_path: Path, transfer: int) -> None:
    path = heic(encoder, tmp_path / "a.heic", color_primaries=9, transfer_characteristics=transfer)
    with pytest.raises(InputError, match="is HDR"):
        read_wide(path)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_heic_is_shown_as_its_header_turns_and_mirrors_it(encoder: Any, tmp_path: Path, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = orientation, "Maker"
    straight = read_wide(heic(encoder, tmp_path / "a.heic")).codes
    shown = read_wide(heic(encoder, tmp_path / "b.heic", exif=exif.tobytes()))  # the encoder makes it the header's
    np.testing.assert_array_equal(shown.codes, turn(straight, orientation))
    assert orientation_of(shown.metadata) == 1
    assert shown.metadata.exif is not None
    assert b"Maker" in shown.metadata.exif


def test_grey_and_transparency(encoder: Any, tmp_path: Path) -> None:
    grey = read_wide(heic(encoder, tmp_path / "a.heic", CODES[..., 0], "I;16L"))
    assert grey.is_grey
    assert np.abs(grey.codes[..., 1].astype(int) - CODES[..., 0]).max() < 65535 / 1023
    for alpha, words in ((65535, ""), (30000, "--background")):
        codes = np.dstack([CODES, np.full(CODES.shape[:2], alpha, np.uint16)])
        path = heic(encoder, tmp_path / "b.heic", codes, "RGBA;16")
        if not words:
            assert read_wide(path).alpha is None
            continue
        with pytest.raises(InputError, match=words):
            read_wide(path)
        assert read_wide(path, Reading(background=(0, 0, 0))).alpha is not None


def test_of_several_pictures_the_primary_one_is_read_unless_another_is_chosen(encoder: Any, tmp_path: Path) -> None:
    first = Image.fromarray((CODES >> 8).astype(np.uint8))
    file = encoder.from_pillow(first)
    file.add_from_pillow(Image.eval(first, lambda code: 255 - code))
    file.save(tmp_path / "a.heic", **LOSSLESS)
    picture, other = (read_wide(tmp_path / "a.heic", Reading(page=page)) for page in (None, 2))
    assert any("the other picture in the file was left out" in note for note in picture.notes)
    assert np.abs(65535 - picture.codes.astype(int) - other.codes).max() < 1500
    with pytest.raises(InputError, match="holds 2 pictures"):
        read_wide(tmp_path / "a.heic", Reading(page=3))


def test_a_heic_cut_anywhere_is_refused(encoder: Any, tmp_path: Path) -> None:
    whole = heic(encoder, tmp_path / "a.heic").read_bytes()
    for length in sorted({*range(1, len(whole), len(whole) // 40), *range(len(whole) - 5, len(whole))}):
        (tmp_path / "a.heic").write_bytes(whole[:length])
        with pytest.raises(InputError):
            read_wide(tmp_path / "a.heic")


@pytest.mark.parametrize("box", [b"hvc1", b"hvcC", b"pitm", b"iloc"])
def test_a_heic_with_a_damaged_box_is_refused(encoder: Any, tmp_path: Path, box: bytes) -> None:
    path = heic(encoder, tmp_path / "a.heic")
    path.write_bytes(path.read_bytes().replace(box, b"none"))
    with pytest.raises(InputError):
        read_wide(path)


def test_without_pi_heif_the_way_out_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usual = builtins.__import__

    def missing(name: str, *rest: Any, **named: Any) -> Any:
        if name == "pi_heif":
            raise ImportError(name)
        return usual(name, *rest, **named)

    monkeypatch.setattr(builtins, "__import__", missing)
    (tmp_path / "a.heic").write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic")
    with pytest.raises(InputError, match=r"a\.heic: is a HEIC; .* pip install pi-heif"):
        read_wide(tmp_path / "a.heic")
