"""Reading other people's ICC profiles, refusing the unusable ones, and writing our own."""

from __future__ import annotations

import hashlib
import io
import struct
import tracemalloc
from collections.abc import Callable

import imagecodecs
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageCms

from gamutcli.arrays import DoubleArray
from gamutcli.color.icc import PCS_WHITE, MatrixProfile, TableProfile, read_profile, write_profile
from gamutcli.color.icc.profile import matrix_to_pcs
from gamutcli.color.icc.read import MAX_POINTS, MAX_PROFILE
from gamutcli.color.spaces import (
    ADOBE_RGB,
    DISPLAY_P3,
    PROPHOTO,
    REC2020,
    SPACES,
    SRGB,
    RGBSpace,
    rgb_to_rgb,
    rgb_to_xyz,
)
from gamutcli.errors import InputError
from tests.support.profiles import desc, fixed, gamma_curve, matrix_tags, para_curve, profile_of, table_curve

every_space = pytest.mark.parametrize("space", SPACES.values(), ids=SPACES.keys())

# As published by Kodak: columns of four digits.
KODAK_PROPHOTO = np.array([[0.7977, 0.1352, 0.0313], [0.2880, 0.7119, 0.0001], [0.0000, 0.0000, 0.8249]])
# As in the sRGB profile of 1998.
HP_SRGB = np.array([[0.4361, 0.3851, 0.1431], [0.2225, 0.7169, 0.0606], [0.0139, 0.0971, 0.7141]])
# Apple's Generic RGB: none of the spaces we know.
GENERIC_RGB = np.array([[0.4543, 0.3533, 0.1566], [0.2420, 0.6736, 0.0844], [0.0149, 0.0906, 0.7195]])


def mluc(text: str) -> bytes:
    encoded = text.encode("utf-16-be")
    return b"mluc" + bytes(4) + struct.pack(">II4sII", 1, 12, b"enUS", len(encoded), 28) + encoded


def kodak(curve: bytes = gamma_curve(1.8), description: bytes = desc("ProPhoto RGB")) -> bytes:
    return profile_of(matrix_tags(KODAK_PROPHOTO, curve, description))


def matrix_profile(data: bytes) -> MatrixProfile:
    profile = read_profile(data)
    assert isinstance(profile, MatrixProfile)
    return profile


# --- recognising ---


def test_kodaks_prophoto_is_recognised_and_keeps_its_plain_gamma() -> None:
    profile = read_profile(kodak())
    assert profile.space == PROPHOTO
    assert profile.description == "ProPhoto RGB"
    assert not profile.is_exact_curve
    expected = (np.arange(65536) / 65535) ** (461 / 256)
    np.testing.assert_allclose(profile.decoding_table(65536), np.stack([expected] * 3), atol=1e-7)


@pytest.mark.parametrize("description", [desc("Camera of Mr. Smith"), mluc("Größe sRGB"), b"", b"junk", b"mluc" * 9])
def test_the_description_does_not_matter(description: bytes) -> None:
    assert read_profile(kodak(description=description)).space == PROPHOTO


def test_descriptions_of_both_versions_are_read() -> None:
    assert read_profile(kodak(description=desc("Old"))).description == "Old"
    assert read_profile(kodak(description=mluc("Größe"))).description == "Größe"


def test_a_description_cannot_send_control_codes_to_the_terminal() -> None:
    assert read_profile(kodak(description=mluc("a\x1b[2Jb\n"))).description == "a[2Jb"


def test_prophoto_with_the_romm_toe_is_exact() -> None:
    profile = read_profile(
        profile_of(matrix_tags(KODAK_PROPHOTO, para_curve(3, 1.8, 1, 0, 1 / 16, 1 / 32)), 0x04300000)
    )
    assert profile.space == PROPHOTO
    assert profile.is_exact_curve
    codes = np.arange(65536, dtype=np.float64) / 65535
    expected = np.where(codes < 16 / 512, codes / 16, codes**1.8).astype(np.float32)
    np.testing.assert_array_equal(profile.decoding_table(65536), np.stack([expected] * 3))


def test_the_srgb_profile_of_1998_keeps_its_own_numbers_and_is_of_srgb_s_family() -> None:
    # Its white is 0.8251 in Z, where that of the connection space is 0.8249.
    samples = np.rint(SRGB.cctf_decoding(np.linspace(0, 1, 1024)) * 65535).astype(int).tolist()
    profile = matrix_profile(profile_of(matrix_tags(HP_SRGB, table_curve(samples)), 0x02100000))
    assert profile.space is None
    assert profile.family == SRGB
    np.testing.assert_allclose(profile.to_xyz_d50, HP_SRGB, atol=1e-5)


def test_colorants_of_four_digits_are_those_of_the_known_space() -> None:
    rounded = np.round(matrix_to_pcs(DISPLAY_P3), 4)
    assert matrix_profile(profile_of(matrix_tags(rounded, gamma_curve(2.2)))).space == DISPLAY_P3


@pytest.mark.parametrize("step", [0.0002, 0.0015, -0.0015])
def test_colorants_beside_a_known_space_are_followed_as_they_are(step: float) -> None:
    moved = matrix_to_pcs(DISPLAY_P3) + step * np.array([[1, -1, 0], [0, 1, -1], [-1, 0, 1]])
    profile = matrix_profile(profile_of(matrix_tags(moved, gamma_curve(2.2))))
    assert profile.space is None
    assert profile.family == DISPLAY_P3
    np.testing.assert_allclose(profile.to_xyz_d50, moved, atol=1e-5)


def test_an_unknown_space_has_a_matrix_and_no_name() -> None:
    profile = read_profile(profile_of(matrix_tags(GENERIC_RGB, gamma_curve(1.8))))
    assert profile.space is None
    assert not profile.is_exact_curve
    np.testing.assert_allclose(profile.to_xyz_d50, GENERIC_RGB, atol=1e-5)
    np.testing.assert_allclose(profile.to_rgb(PROPHOTO) @ np.ones(3), np.ones(3), atol=5e-4)


def test_the_matrix_of_a_known_space_is_the_exact_one() -> None:
    profile = matrix_profile(profile_of(matrix_tags(KODAK_PROPHOTO, gamma_curve(1.8))))
    np.testing.assert_array_equal(profile.to_rgb(SRGB), rgb_to_rgb(PROPHOTO, SRGB))


def test_the_matrix_of_an_unknown_space_agrees_with_the_exact_one_where_both_exist() -> None:
    # 1 % away from ProPhoto's primaries: too far to be recognised, near enough to compare.
    mixed = 0.99 * KODAK_PROPHOTO + 0.01 * HP_SRGB
    profile = read_profile(profile_of(matrix_tags(mixed, gamma_curve(1.8))))
    assert profile.space is None
    np.testing.assert_allclose(profile.to_rgb(SRGB), rgb_to_rgb(PROPHOTO, SRGB), atol=0.03)


# --- adaptation ---

CAT02_TO_D50 = np.array([[1.0425, 0.0309, -0.0528], [0.0222, 1.0018, -0.0211], [-0.0012, -0.0034, 0.7619]])


def chad(matrix: DoubleArray) -> dict[bytes, bytes]:
    return {b"chad": b"sf32" + bytes(4) + fixed(*matrix.ravel())}


def test_a_space_adapted_by_another_method_is_followed_as_every_program_follows_it() -> None:
    adapted = CAT02_TO_D50 @ rgb_to_xyz(DISPLAY_P3)
    curve = para_curve(3, 2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
    profile = matrix_profile(profile_of({**matrix_tags(adapted, curve), **chad(CAT02_TO_D50)}, 0x04300000))
    assert profile.space is None
    np.testing.assert_allclose(profile.to_xyz_d50, adapted, atol=2e-5)


def test_colorants_left_unadapted_are_adapted_with_chad() -> None:
    tags = {**matrix_tags(rgb_to_xyz(ADOBE_RGB), gamma_curve(2.2)), **chad(CAT02_TO_D50)}
    profile = matrix_profile(profile_of(tags))
    assert profile.has_neutral_white
    np.testing.assert_allclose(profile.to_xyz_d50.sum(axis=1), PCS_WHITE, atol=0.002)


def test_colorants_of_a_camera_need_not_add_up_to_white() -> None:
    profile = matrix_profile(profile_of(matrix_tags(KODAK_PROPHOTO * 1.2, gamma_curve(2.2))))
    assert not profile.has_neutral_white
    np.testing.assert_allclose(profile.to_xyz_d50, KODAK_PROPHOTO * 1.2, atol=2e-5)


def test_channels_may_be_swapped() -> None:
    swapped = matrix_profile(profile_of(matrix_tags(HP_SRGB[:, [1, 0, 2]], gamma_curve(2.2))))
    np.testing.assert_allclose(swapped.to_xyz_d50, HP_SRGB[:, [1, 0, 2]], atol=2e-5)


# --- curves ---


@pytest.mark.parametrize(
    ("curve", "expected"),
    [
        (table_curve([]), lambda x: x),
        (gamma_curve(2.2), lambda x: x ** (563 / 256)),
        (table_curve([0, 65535]), lambda x: x),
        (table_curve([0, 10000, 65535]), lambda x: np.interp(x, [0, 0.5, 1], [0, 10000 / 65535, 1])),
        (para_curve(0, 2.5), lambda x: x**2.5),
        (para_curve(1, 2, 0.5, 0.5), lambda x: (0.5 * x + 0.5) ** 2),
        (para_curve(1, 2, 2, -1), lambda x: np.where(x >= 0.5, (2 * x - 1) ** 2, 0)),
        (para_curve(2, 2, 0.5, 0, 0.25), lambda x: (0.5 * x) ** 2 + 0.25),
        (para_curve(2, 2, 1, -0.5, 0.25), lambda x: np.where(x >= 0.5, (x - 0.5) ** 2, 0) + 0.25),
        (para_curve(3, 2, 1, 0, 0.25, 0.25), lambda x: np.where(x >= 0.25, x**2, x / 4)),
        (
            para_curve(4, 2, 0.5, 0.25, 0.5, 0.5, 0.125, 0.0625),
            lambda x: np.where(x >= 0.5, (x / 2 + 0.25) ** 2 + 0.125, x / 2 + 0.0625),
        ),
        (para_curve(0, 1.0) + b"more", lambda x: x),
        (para_curve(2, 1, 2, 0, 0), lambda x: np.minimum(2 * x, 1)),
    ],
)
def test_every_kind_of_curve_is_decoded(curve: bytes, expected: Callable[[DoubleArray], DoubleArray]) -> None:
    table = read_profile(profile_of(matrix_tags(GENERIC_RGB, curve))).decoding_table(256)
    assert table.shape == (3, 256)
    assert table.dtype == np.float32
    np.testing.assert_allclose(table, np.stack([expected(np.arange(256) / 255)] * 3), atol=1e-6)


def test_each_channel_has_its_own_curve() -> None:
    tags = matrix_tags(KODAK_PROPHOTO, gamma_curve(1.0)) | {b"gTRC": gamma_curve(2.0), b"bTRC": gamma_curve(3.0)}
    table = read_profile(profile_of(tags)).decoding_table(256)
    np.testing.assert_allclose(table[:, 128], [(128 / 255) ** gamma for gamma in (1, 2, 3)], rtol=1e-6)


def test_a_space_with_one_wrong_curve_is_not_exact() -> None:
    romm = para_curve(3, 1.8, 1, 0, 1 / 16, 1 / 32)
    tags = matrix_tags(KODAK_PROPHOTO, romm) | {b"bTRC": gamma_curve(1.8)}
    profile = read_profile(profile_of(tags))
    assert profile.space == PROPHOTO
    assert not profile.is_exact_curve


# --- grey, and tables ---


@pytest.mark.parametrize("model", [b"RGB ", b"CMYK"])
def test_where_there_are_tables_they_rule(model: bytes) -> None:
    tags = matrix_tags(KODAK_PROPHOTO, gamma_curve(1.8)) | {b"A2B0": b"mAB "}
    profile = read_profile(profile_of(tags, space=model, pcs=b"Lab "))
    assert isinstance(profile, TableProfile)
    assert profile.model == model.decode().strip().lower()


def test_a_grey_profile_is_for_grey_pictures() -> None:
    data = profile_of({b"kTRC": gamma_curve(2.2)}, space=b"GRAY")
    with pytest.raises(InputError, match="a grey ICC profile"):
        read_profile(data)
    profile = read_profile(data, is_grey=True)
    assert isinstance(profile, MatrixProfile)
    np.testing.assert_allclose(profile.to_rgb(SRGB) @ np.ones(3), np.ones(3), atol=1e-6)
    np.testing.assert_allclose(profile.decoding_table(256)[1], (np.arange(256) / 255) ** (563 / 256), atol=1e-6)


# --- refusing ---


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "is not one"),
        (b"x" * 500, "is not one"),
        (kodak()[:131], "is not one"),
        (kodak()[:140], "cut short"),
        (kodak()[:-1], "cut short"),
        (profile_of({b"kTRC": gamma_curve(2.2)}, space=b"GRAY"), "a grey ICC profile"),
        (profile_of({b"desc": b""}, space=b"CMYK", kind=b"prtr", pcs=b"Lab "), "neither tables nor a matrix"),
        (profile_of({b"desc": b""}, pcs=b"Lab "), "neither tables nor a matrix"),
        (profile_of({b"A2B0": b"mft2"}, space=b"Lab ", pcs=b"Lab "), "a Lab ICC profile"),
        (profile_of({b"desc": b""}, space=b"YCbr"), "a YCbCr ICC profile"),
        (profile_of({b"desc": b""}, version=0x05000000), "version 5"),
        (profile_of({b"A2B0": b"mft2"}, space=b"6CLR", kind=b"prtr", pcs=b"Lab "), "not an RGB ICC profile"),
        (profile_of(matrix_tags(KODAK_PROPHOTO, gamma_curve(1.8)), kind=b"link"), "does not describe a color space"),
        (profile_of({b"desc": desc("nothing else")}), "lacks its rTRC tag"),
        (kodak(curve=b"curv"), "damaged"),
        (kodak(curve=b"zzzz" + bytes(20)), "damaged"),
        (kodak(curve=b"curv" + bytes(4) + b"\xff" * 40), "damaged"),
        (kodak(curve=gamma_curve(0)), "damaged"),
        (kodak(curve=table_curve([65535, 0])), "damaged"),
        (kodak(curve=table_curve([7, 7])), "damaged"),
        (kodak(curve=para_curve(5, 1, 1, 1, 1, 1, 1, 1)), "damaged"),
        (kodak(curve=para_curve(3, 1.8)), "damaged"),
        (kodak(curve=para_curve(0, -2)), "damaged"),
        (kodak(curve=para_curve(0, 0)), "damaged"),
        (kodak(curve=para_curve(1, 2, 0, 0)), "damaged"),
        (kodak(curve=para_curve(1, 30000, 2, 0)), "damaged"),
        (profile_of(matrix_tags(KODAK_PROPHOTO * 0, gamma_curve(1.8))), "do not make colours"),
        (profile_of(matrix_tags(np.outer(PCS_WHITE, np.ones(3) / 3), gamma_curve(1.8))), "do not make colours"),
        (profile_of(matrix_tags(KODAK_PROPHOTO, gamma_curve(1.8)) | {b"rXYZ": b"XYZ "}), "damaged"),
        (profile_of(matrix_tags(KODAK_PROPHOTO, gamma_curve(1.8)) | {b"rXYZ": mluc("red")}), "damaged"),
    ],
)
def test_unusable_profiles_are_refused_in_one_line(data: bytes, reason: str) -> None:
    with pytest.raises(InputError, match=reason) as refused:
        read_profile(data, "photo.tif")
    assert str(refused.value).startswith("photo.tif: ")
    assert "\n" not in str(refused.value)


VALID = [write_profile(SRGB), write_profile(PROPHOTO), kodak(description=mluc("ProPhoto"))]


@given(data=st.data())
def test_damage_never_raises_anything_but_input_error(data: st.DataObject) -> None:
    profile = bytearray(data.draw(st.sampled_from(VALID)))
    for _ in range(data.draw(st.integers(1, 4))):
        # Most damage to the header and the tag table is caught early: aim at the tags as well.
        at = data.draw(st.one_of(st.integers(0, 251), st.integers(0, len(profile) - 1)))
        profile[at] = data.draw(st.integers(0, 255))
    cut = data.draw(st.one_of(st.just(len(profile)), st.integers(0, len(profile))))
    try:
        found = read_profile(bytes(profile[:cut]))
    except InputError:
        return
    if not isinstance(found, MatrixProfile):  # the name of a tag became that of a table
        return
    table = found.decoding_table(256)
    assert np.all((table >= 0) & (table <= 1))


# --- writing ---


@every_space
def test_what_we_write_is_what_we_read(space: RGBSpace) -> None:
    profile = read_profile(write_profile(space))
    assert profile.space == space
    assert profile.is_exact_curve
    assert profile.description == space.title


@every_space
def test_grey_stays_grey_to_the_last_bit(space: RGBSpace) -> None:
    white = read_profile(write_profile(space)).to_xyz_d50.sum(axis=1)
    np.testing.assert_array_equal(np.rint(white * 65536), [0xF6D6, 0x10000, 0xD32D])


def test_the_same_space_gives_the_same_bytes() -> None:
    assert write_profile(REC2020) == write_profile(REC2020)


@pytest.mark.parametrize(("space", "version", "limit"), [(SRGB, 2, 3000), (PROPHOTO, 4, 600), (DISPLAY_P3, 4, 600)])
def test_profiles_are_small_and_of_the_right_version(space: RGBSpace, version: int, limit: int) -> None:
    data = write_profile(space)
    assert data[8] == version
    assert len(data) == int.from_bytes(data[:4], "big") < limit
    assert len(data) % 4 == 0


@every_space
def test_littlecms_agrees_about_name_and_id(space: RGBSpace) -> None:
    data = write_profile(space)
    profile = ImageCms.ImageCmsProfile(io.BytesIO(data)).profile
    assert profile.profile_description == space.title
    assert profile.is_matrix_shaper
    if data[8] == 4:
        blank = data[:44] + bytes(4) + data[48:64] + bytes(4) + data[68:84] + bytes(16) + data[100:]
        assert profile.profile_id == hashlib.md5(blank, usedforsecurity=False).digest()


@every_space
def test_littlecms_converts_8_bit_pictures_as_our_matrices_do(space: RGBSpace) -> None:
    codes = np.random.default_rng(7).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    source, target = (ImageCms.ImageCmsProfile(io.BytesIO(write_profile(each))) for each in (SRGB, space))
    converted = ImageCms.profileToProfile(
        Image.fromarray(codes), source, target, ImageCms.Intent.RELATIVE_COLORIMETRIC, flags=ImageCms.Flags.NOOPTIMIZE
    )
    assert converted is not None
    linear = SRGB.cctf_decoding(codes / 255) @ rgb_to_rgb(SRGB, space).T
    expected = space.cctf_encoding(np.clip(linear, 0, 1)) * 255
    assert np.abs(np.asarray(converted) - expected).max() <= 1


@every_space
def test_littlecms_converts_16_bit_pictures_to_prophoto_within_a_few_codes(space: RGBSpace) -> None:
    codes = np.random.default_rng(8).integers(0, 65536, (64, 64, 3), dtype=np.uint16)
    converted = imagecodecs.cms_transform(
        codes,
        write_profile(space),
        write_profile(PROPHOTO),
        colorspace="rgb",
        outcolorspace="rgb",
        outdtype="u2",
        intent=1,
        flags=0x0100,  # cmsFLAGS_NOOPTIMIZE
    )
    linear = space.cctf_decoding(codes / 65535) @ rgb_to_rgb(space, PROPHOTO).T
    expected = PROPHOTO.cctf_encoding(np.clip(linear, 0, 1)) * 65535
    # The toe is 16 times as steep as the middle, which multiplies the rounding of the colorants to 1/65536.
    assert np.abs(converted - expected).max() < 16
    assert np.abs(converted - expected).mean() < 1


# --- what a small file may claim ---


def overlapping(names: list[bytes], size: int) -> bytes:
    """A profile with further tags that all claim the same bytes at its end."""
    data = kodak()
    count = int.from_bytes(data[128:132], "big")
    moved = 12 * len(names)
    rows = [struct.unpack_from(">4sII", data, 132 + 12 * row) for row in range(count)]
    table = b"".join(struct.pack(">4sII", name, start + moved, length) for name, start, length in rows)
    body = data[132 + 12 * count :]
    end = 132 + len(table) + moved + len(body)
    table += b"".join(struct.pack(">4sII", name, end, size) for name in names)
    whole = data[4:128] + struct.pack(">I", count + len(names)) + table + body + bytes(size)
    return struct.pack(">I", len(whole) + 4) + whole


def test_tags_that_nobody_reads_are_not_cut_out() -> None:
    data = overlapping([b"x%03d" % number for number in range(300)], 1 << 20)
    tracemalloc.start()
    try:
        assert read_profile(data).space == PROPHOTO
        assert tracemalloc.get_traced_memory()[1] < 8 << 20
    finally:
        tracemalloc.stop()


def test_a_curve_of_as_many_points_as_there_are_codes_is_read_and_one_of_more_refused() -> None:
    ramp = np.linspace(0, 65535, MAX_POINTS).astype(int).tolist()
    assert read_profile(kodak(table_curve(ramp))).space == PROPHOTO
    with pytest.raises(InputError, match="a curve of 65,537 points"):
        read_profile(kodak(table_curve([*ramp, 65535])))


def test_a_profile_larger_than_any_is_refused() -> None:
    with pytest.raises(InputError, match="larger than 16 MB"):
        read_profile(kodak() + bytes(MAX_PROFILE))
