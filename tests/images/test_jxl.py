"""A JPEG XL is read whatever way it says its colours in: numbers, a profile in its codestream, or its own space."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gamutcli.color.icc import write_profile
from gamutcli.color.spaces import ADOBE_RGB, DISPLAY_P3, PROPHOTO, REC2020, SPACES, SRGB, RGBSpace, rgb_to_rgb
from gamutcli.containers import jxl as container
from gamutcli.errors import InputError
from gamutcli.images import Picture, read_wide
from gamutcli.images.jxl import rewrite
from gamutcli.images.jxl_bits import BitReader, BitWriter
from gamutcli.images.jxl_header import read_header
from gamutcli.images.jxl_icc import decode_profile, read_stream
from gamutcli.images.original import read_source
from gamutcli.images.picture import turn
from gamutcli.images.reading import Reading
from gamutcli.metadata import orientation_of
from tests.support.pictures import wide_codes

CODES = wide_codes(48, 64)
SMALL = (wide_codes(16, 24) >> 8).astype(np.uint8)

# What cjxl 0.7 made of SMALL with a profile of ours: lossless (-d 0 -e 9), and in its own space (-d 0.5).
PROPHOTO_LOSSLESS = base64.b64decode(
    "/woDQQg3ChIOkMnt8Crz/P9UaOGztIS1Kco9zgrLOhf4cyz7c6yb4+np6enTfASwEAC4N20MAAAAAAAAUMrGOhOd5UQrOHhvVXfUxaqgNQEAAACk"
    "TAUAYDzGzeSjz4Ei5w0UNG/ovAsi5YgAKVMBADAe42by1edAqSOGTZpxQci8aRMmjQu112qg022UuZYk9QEr2qG27RgeTtzodJkTU2abBuADHgAI"
    "AgEADANLKHCczzj9LLQ4KZjQ0DBhIcBAPCGEP8OgIlU4xlg1KgYfKVmKMUZhhoFD7EIAMABICfU9ALhpGwgm2iJ/QgOkVQPDjR1x6280cfMDxpgj"
    "A00uS8ENbM0DqnNmerz91itDBlt2x2AiHi/T96cT38L+tydvrrihYfnTPGgC5aDjMRO1fbG3/UTPLkH20gKFIMEWySNLdgBvfL2BYG8XO2MW+TP/"
    "hAYWayAoLf1pSakyB8Y4IdmxrOtlAFifQUP0EHTyaAI="
)
SRGB_LOSSLESS = base64.b64decode(
    "/woDQQhXSwMmACAAJGCAqeAQKnVUNRjjitOQo1u/0oNzorCaeLj8Pc+5J1T+nE+i3Mu2U0i/XBVKvMrY4ONh7JiDbZkNt97sWqwkbNg2DwEA0H8A"
    "qqxNMwy/MKszK3ko5MfkQNaKsqaOgEP62hqa6gZAu1YGwOnT4LwDwYOtw1UIHHEX8OYBNqqFh/iB+xJAm0MW4hf81gz/G2eVT/6HKm1v/DP+x/+Q"
    "z6lbFRn/oRgZxS2KZFjFip3GJTGTSAEHoPPJXqXB36Gzw//0rCAbVGstAChAdS8Zle9SFKA/xxkunVsPSaLx2QuELrGUwJ/O5/kFkauly/ifvhP0"
    "vk1KLYABgCn3ajYsd2n3q8yLmQGiQ9ZO2BoOQCkVeYndmvXQf6vWEj5fSyIUG/Sw/hRXriYdAHpgPw1DWy34c/P9L7HS69+/c8r7R8QJ2Bfi37/7"
    "hfz7tz/R++9ALgg8LggCAQAMA0socJzPOP0stDgpmNDQMGEhwEA8IYQ/w6AiVTjGWDUqBh8pWYoxRmGGgUPsQgAwAEgJ9T0AuGkbCCbaIn9CA6RV"
    "A8ONHXHrbzRx8wPGmCMDTS5LwQ1szQOqc2Z6vP3WK0MGW3bHYCIeL9P3pxPfwv63J2+uuKFh+dM8aALloOMxE7V9sbf9RM8uQfbSAoUgwRbJI0t2"
    "AG98vYFgbxc7Yxb5M/+EBhZrICgt/WlJqTIHxjgh2bGs62UAWJ9BQ/QQdPJoAg=="
)
PROPHOTO_LOSSY = base64.b64decode(
    "/woDQQo3ChIOkMnt8Crz/P9UaOGztIS1Kco9zgrLOhf4cyz7c6yb4+np6enTfASwEAC4N20MAAAAAAAAUMrGOhOd5UQrOHhvVXfUxaqgNQEAAACk"
    "TAUAYDzGzeSjz4Ei5w0UNG/ovAsi5YgAKVMBADAe42by1edAqSOGTZpxQci8aRMmjQu112qg022UuZYk9QEr2qG27RgeTtzodJkTU2abBuADHgAA"
    "EogAIAK/yigBAFChMsq4wcu5ni8/dFhM27jO0FbbFpYkioxjk3QChySxkO6chEKc8+r3F+DMVw7cduJ166DZMnN32B0LyQWGaRn1ChMJAKBCCuQB"
    "bi1KiiQjFWNkjJGnwVIAL1IA0hRS7eR5xNfOTlRNZJdER232YvRI+Sq75yj8tdF0kYHQ6VAEGpwA"
)


def jxl(path: Path, codes: Any = CODES, space: RGBSpace = SRGB, orientation: int = 1, **settings: Any) -> Path:
    data = bytes(imagecodecs.jpegxl_encode(np.ascontiguousarray(codes), **{"lossless": True, **settings}))
    plain = space == SRGB and orientation == 1
    path.write_bytes(data if plain else rewrite(data, space, orientation))
    return path


def space_of(picture: Picture) -> str | None:
    return picture.profile.space.name if picture.profile and picture.profile.space else None


@pytest.mark.parametrize("space", [SRGB, DISPLAY_P3, ADOBE_RGB, REC2020])
def test_colours_by_numbers(tmp_path: Path, space: RGBSpace) -> None:
    picture = read_wide(jxl(tmp_path / "a.jxl", space=space))
    assert space_of(picture) == space.name
    np.testing.assert_array_equal(picture.codes, CODES)
    assert picture.notes == ()


@pytest.mark.parametrize("bits", [8, 10, 12])
def test_a_jpeg_xl_of_any_depth_is_widened(tmp_path: Path, bits: int) -> None:
    codes = (CODES >> (16 - bits)).astype(np.uint8 if bits == 8 else np.uint16)
    picture = read_wide(jxl(tmp_path / "a.jxl", codes, bitspersample=bits))
    np.testing.assert_array_equal(picture.codes, np.round(codes / ((1 << bits) - 1) * 65535))
    assert any("8-bit" in note for note in picture.notes) == (bits == 8)


def test_floating_point_is_read(tmp_path: Path) -> None:
    light = (CODES / 65535).astype(np.float32)  # as imagecodecs names it
    source = read_source(jxl(tmp_path / "a.jxl", light))
    expected = light @ rgb_to_rgb(SRGB, PROPHOTO).T
    np.testing.assert_allclose(source.original.strip(slice(None)), expected, atol=1e-4)


@pytest.mark.parametrize("orientation", [1, 3, 6, 7])
def test_a_jpeg_xl_is_turned_upright(tmp_path: Path, orientation: int) -> None:
    picture = read_wide(jxl(tmp_path / "a.jxl", space=DISPLAY_P3, orientation=orientation))
    np.testing.assert_array_equal(picture.codes, turn(CODES, orientation))
    assert orientation_of(picture.metadata) == 1


@pytest.mark.parametrize(("data", "name"), [(PROPHOTO_LOSSLESS, "prophoto"), (SRGB_LOSSLESS, "srgb")])
def test_an_icc_profile_in_the_codestream_comes_out_byte_by_byte(tmp_path: Path, data: bytes, name: str) -> None:
    codestream = container.codestream(data)
    profile = decode_profile(read_stream(BitReader(codestream, read_header(codestream).end)))
    assert profile == write_profile(SPACES[name])
    (tmp_path / "a.jxl").write_bytes(data)
    picture = read_wide(tmp_path / "a.jxl")
    assert space_of(picture) == name
    np.testing.assert_array_equal(picture.codes, SMALL.astype(np.uint16) * 257)


def test_wide_colours_in_the_codec_s_own_space_are_not_cut_off(tmp_path: Path) -> None:
    (tmp_path / "a.jxl").write_bytes(PROPHOTO_LOSSY)
    source = read_source(tmp_path / "a.jxl")
    restored = PROPHOTO.cctf_encoding(source.original.strip(slice(None))) * 255
    difference = np.abs(restored - SMALL)
    assert difference.mean() < 1
    assert difference.max() < 12
    assert any("8-bit" in note for note in source.notes)


def test_grey_and_transparency(tmp_path: Path) -> None:
    assert read_wide(jxl(tmp_path / "a.jxl", CODES[..., 0])).is_grey
    for alpha, is_transparent in ((65535, False), (30000, True)):
        path = jxl(tmp_path / "b.jxl", np.dstack([CODES, np.full(CODES.shape[:2], alpha, np.uint16)]))
        if is_transparent:
            with pytest.raises(InputError, match="--background"):
                read_wide(path)
        else:
            np.testing.assert_array_equal(read_wide(path).codes, CODES)


def test_an_animation_needs_a_choice(tmp_path: Path) -> None:
    both = np.stack([CODES, 65535 - CODES])
    path = jxl(tmp_path / "a.jxl", both)
    with pytest.raises(InputError, match="is an animation; choose one of its pictures with --page N"):
        read_wide(path)
    np.testing.assert_array_equal(read_wide(path, Reading(page=2)).codes, both[1])


@pytest.mark.parametrize("data", [PROPHOTO_LOSSLESS, SRGB_LOSSLESS, PROPHOTO_LOSSY])
def test_a_jpeg_xl_cut_anywhere_is_refused(tmp_path: Path, data: bytes) -> None:
    for length in range(1, len(data), 7):
        (tmp_path / "a.jxl").write_bytes(data[:length])
        with pytest.raises(InputError):
            read_wide(tmp_path / "a.jxl")


@given(at=st.integers(2, len(SRGB_LOSSLESS) - 1), byte=st.integers(0, 255))
def test_a_damaged_profile_gives_an_error_of_its_own_kind(at: int, byte: int) -> None:
    codestream = bytearray(container.codestream(SRGB_LOSSLESS))
    codestream[min(at, len(codestream) - 1)] = byte
    try:
        header = read_header(bytes(codestream))
        decode_profile(read_stream(BitReader(bytes(codestream), header.end)))
    except (EOFError, ValueError, NotImplementedError):
        pass


@given(st.lists(st.tuples(st.integers(1, 40), st.integers(0, 2**40 - 1)), max_size=30))
def test_what_is_written_bit_by_bit_is_read_so(numbers: list[tuple[int, int]]) -> None:
    writer = BitWriter()
    for count, value in numbers:
        writer.put(count, value & ((1 << count) - 1))
    reader = BitReader(writer.whole_bytes())
    assert [reader.take(count) for count, _ in numbers] == [value & ((1 << count) - 1) for count, value in numbers]
    with pytest.raises(EOFError):
        reader.take(8)
