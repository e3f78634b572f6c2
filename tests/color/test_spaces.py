"""RGB spaces, transfer curves, matrices, Lab, and the tables that replace powers."""

from __future__ import annotations

import colour
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gamutcli.color.spaces import (
    ADOBE_RGB,
    D50,
    D65,
    DISPLAY_P3,
    PROPHOTO,
    REC2020,
    SPACES,
    SRGB,
    Adaptation,
    RGBSpace,
    adaptation_matrix,
    apply_matrix,
    decoding_table,
    encoding_table,
    prophoto_linear_to_lab,
    rgb_to_rgb,
    rgb_to_xyz,
    xy_to_xyz,
)

every_space = pytest.mark.parametrize("space", SPACES.values(), ids=SPACES.keys())


@every_space
def test_a_space_is_found_under_its_own_name(space: RGBSpace) -> None:
    assert SPACES[space.name] is space


@pytest.mark.parametrize(
    ("space", "published"),
    [
        (PROPHOTO, "ProPhoto RGB"),
        (SRGB, "sRGB"),
        (DISPLAY_P3, "Display P3"),
        (ADOBE_RGB, "Adobe RGB (1998)"),
        (REC2020, "ITU-R BT.2020"),
    ],
)
def test_primaries_and_whites_are_the_published_ones(space: RGBSpace, published: str) -> None:
    other = colour.RGB_COLOURSPACES[published]
    np.testing.assert_array_equal(space.primaries, other.primaries)
    # colour-science rounds D50 to four digits.
    np.testing.assert_allclose(space.white, other.whitepoint, atol=5e-5)


# sRGB: IEC 61966-2-1.  ROMM: 0.18 is middle grey, 1/1024 lies on the toe.  Rec. 2020: BT.2020-2 table 4.
@pytest.mark.parametrize(
    ("space", "linear", "encoded"),
    [
        (SRGB, 0.5, 0.735357),
        (SRGB, 0.002, 0.02584),
        (DISPLAY_P3, 0.5, 0.735357),
        (PROPHOTO, 0.18, 0.385711),
        (PROPHOTO, 1 / 1024, 16 / 1024),
        (ADOBE_RGB, 0.5, 0.5 ** (1 / 2.19921875)),
        (REC2020, 0.18, 0.408848),
        (REC2020, 0.01, 0.045),
    ],
)
def test_curves_hit_known_values(space: RGBSpace, linear: float, encoded: float) -> None:
    assert space.cctf_encoding(np.array(linear)) == pytest.approx(encoded, abs=1e-6)
    assert space.cctf_decoding(np.array(encoded)) == pytest.approx(linear, abs=2e-6)


@every_space
@given(value=st.floats(0, 1))
def test_decoding_undoes_encoding(space: RGBSpace, value: float) -> None:
    assert space.cctf_decoding(space.cctf_encoding(np.array(value))) == pytest.approx(value, abs=1e-7)


@every_space
def test_curves_rise_from_black_to_white_and_keep_the_array_type(space: RGBSpace) -> None:
    encoded = np.linspace(-0.1, 1.1, 4001, dtype=np.float32)
    linear = space.cctf_decoding(encoded)
    assert linear.dtype == np.float32
    assert np.all(np.diff(linear) >= 0)
    ends = np.array([0.0, 1.0])
    np.testing.assert_allclose(space.cctf_decoding(ends), ends, atol=1e-15)
    np.testing.assert_allclose(space.cctf_encoding(ends), ends, atol=1e-15)


@every_space
def test_white_is_the_sum_of_the_primaries(space: RGBSpace) -> None:
    np.testing.assert_allclose(rgb_to_xyz(space) @ np.ones(3), xy_to_xyz(space.white), atol=1e-14)


def test_srgb_matrix_is_the_published_one() -> None:
    published = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    np.testing.assert_allclose(rgb_to_xyz(SRGB), published, atol=5e-5)


def test_bradford_adapts_d65_to_d50_as_published() -> None:
    published = [[1.0479, 0.0229, -0.0502], [0.0296, 0.9904, -0.0171], [-0.0092, 0.0151, 0.7519]]
    np.testing.assert_allclose(adaptation_matrix(D65, D50, "bradford"), published, atol=2e-4)


@pytest.mark.parametrize("method", ["bradford", "cat02"])
def test_adaptation_maps_white_to_white(method: Adaptation) -> None:
    adapted = adaptation_matrix(D65, D50, method) @ xy_to_xyz(D65)
    np.testing.assert_allclose(adapted, xy_to_xyz(D50), atol=1e-14)


@pytest.mark.parametrize(("method", "name"), [("bradford", "Bradford"), ("cat02", "CAT02")])
def test_prophoto_to_srgb_agrees_with_colour_science(method: Adaptation, name: str) -> None:
    theirs = colour.matrix_RGB_to_RGB(
        colour.RGB_COLOURSPACES["ProPhoto RGB"], colour.RGB_COLOURSPACES["sRGB"], chromatic_adaptation_transform=name
    )
    # It uses the printed matrices and a D50 of four digits.
    np.testing.assert_allclose(rgb_to_rgb(PROPHOTO, SRGB, method), theirs, atol=5e-4)


@every_space
def test_matrices_there_and_back_give_the_same_colors(space: RGBSpace) -> None:
    there, back = rgb_to_rgb(PROPHOTO, space), rgb_to_rgb(space, PROPHOTO)
    np.testing.assert_allclose(back @ there, np.eye(3), atol=1e-13)


def test_cached_matrices_and_tables_cannot_be_changed_by_accident() -> None:
    for array in (rgb_to_rgb(PROPHOTO, SRGB), rgb_to_xyz(SRGB), decoding_table(SRGB, 256)):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0


@pytest.mark.parametrize("shape", [(3,), (0, 3), (7, 5, 3), (40_000, 3)])
def test_apply_matrix_multiplies_every_pixel(shape: tuple[int, ...]) -> None:
    linear = np.random.default_rng(1).random(shape, dtype=np.float32)
    matrix = rgb_to_rgb(PROPHOTO, SRGB)
    converted = apply_matrix(linear, matrix)
    assert converted.dtype == np.float32
    np.testing.assert_allclose(converted, np.einsum("ij,...j->...i", matrix, linear), atol=1e-6)


def test_apply_matrix_accepts_every_second_pixel() -> None:
    linear = np.random.default_rng(2).random((6, 8, 3), dtype=np.float32)
    matrix = rgb_to_rgb(SRGB, PROPHOTO)
    np.testing.assert_array_equal(apply_matrix(linear[:, ::2], matrix), apply_matrix(linear, matrix)[:, ::2])


def test_lab_of_white_black_and_grey() -> None:
    prophoto_linear = np.array([[1, 1, 1], [0, 0, 0], [0.184186518] * 3])
    expected = [[100, 0, 0], [0, 0, 0], [50, 0, 0]]
    np.testing.assert_allclose(prophoto_linear_to_lab(prophoto_linear), expected, atol=1e-6)


def test_lab_agrees_with_colour_science() -> None:
    prophoto_linear = np.random.default_rng(3).random((100, 3)) ** 3
    xyz = prophoto_linear @ rgb_to_xyz(PROPHOTO).T
    theirs = colour.XYZ_to_Lab(xyz, np.array(PROPHOTO.white))
    np.testing.assert_allclose(prophoto_linear_to_lab(prophoto_linear), theirs, atol=1e-9)


@every_space
@pytest.mark.parametrize("levels", [256, 65536])
def test_decoding_table_holds_the_curve(space: RGBSpace, levels: int) -> None:
    table = decoding_table(space, levels)
    assert table.shape == (levels,)
    assert table.dtype == np.float32
    at = levels // 3
    assert table[at] == np.float32(space.cctf_decoding(np.array(at / (levels - 1))))
    assert (table[0], table[-1]) == (0, 1)


@every_space
@pytest.mark.parametrize("levels", [256, 65536])
def test_every_code_survives_decoding_and_encoding(space: RGBSpace, levels: int) -> None:
    codes = encoding_table(space, levels).codes(decoding_table(space, levels))
    assert codes.dtype == (np.uint8 if levels == 256 else np.uint16)
    np.testing.assert_array_equal(codes, np.arange(levels))


@every_space
@pytest.mark.parametrize("levels", [256, 65536])
def test_encoding_table_rounds_to_the_nearest_code(space: RGBSpace, levels: int) -> None:
    random = np.random.default_rng(4)
    linear = np.concatenate([random.random(50_000), 10.0 ** random.uniform(-9, 0, 50_000)]).astype(np.float32)
    exact = space.cctf_encoding(linear.astype(np.float64)) * (levels - 1)
    codes = encoding_table(space, levels).codes(linear)
    assert np.abs(codes - exact).max() <= 0.5 + 1e-9 * levels


@every_space
def test_encoding_table_is_exact_on_both_sides_of_every_threshold(space: RGBSpace) -> None:
    halves = space.cctf_decoding((np.arange(255) + 0.5) / 255)
    nearest = halves.astype(np.float32)
    below = np.where(nearest < halves, nearest, np.nextafter(nearest, np.float32(0)))
    codes = encoding_table(space, 256).codes
    np.testing.assert_array_equal(codes(below), np.arange(255))
    np.testing.assert_array_equal(codes(np.nextafter(below, np.float32(1))), np.arange(1, 256))


@every_space
def test_encoding_clips_what_lies_outside(space: RGBSpace) -> None:
    linear = np.array([[-np.inf, -1, -1e-30], [-0.0, 0, 1e-30], [1, 1.0000001, np.inf]], dtype=np.float32)
    expected = [[0, 0, 0], [0, 0, 0], [255, 255, 255]]
    np.testing.assert_array_equal(encoding_table(space, 256).codes(linear), expected)
