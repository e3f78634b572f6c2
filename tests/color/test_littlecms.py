"""Colours against LittleCMS: relative colorimetric, no black point compensation, within one code of 8 bits."""

from __future__ import annotations

import io
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import ImageCms

from gamutcli.arrays import Code16Array, DoubleArray
from gamutcli.color.icc import MatrixProfile, TableProfile, read_profile, write_profile
from gamutcli.color.icc.profile import matrix_to_pcs
from gamutcli.color.icc.tables import to_prophoto_codes
from gamutcli.color.spaces import DISPLAY_P3, PROPHOTO, SPACES, SRGB, prophoto_linear_to_lab, rgb_to_rgb, rgb_to_xyz
from gamutcli.errors import InputError
from gamutcli.images.original import Original, clip_to_srgb
from tests.support.profiles import (
    gamma_curve,
    matrix_tags,
    para_curve,
    profile_of,
    table_curve,
    table_profile,
)

NO_OPTIMIZE = 0x0100
#: Where Debian's packages (argyll-ref, colord-data, digikam-data, icc-profiles-free, krita-data, rawtherapee-data, and
#: others) keep profiles.
INSTALLED = [Path("/usr/share/color/icc"), Path("/usr/share/color/argyll"), Path("/usr/share/rawtherapee/iccprofiles")]


def some_codes() -> Code16Array:
    """(100, 200, 3): any, dark ones, greys, and codes of 8 bits."""
    random = np.random.default_rng(11)
    parts = [
        random.integers(0, 65536, (40, 200, 3)),
        random.integers(0, 3000, (20, 200, 3)),
        np.repeat(random.integers(0, 65536, (20, 200, 1)), 3, axis=-1),
        random.integers(0, 256, (20, 200, 3)) * 257,
    ]
    return np.concatenate(parts).astype(np.uint16)


CODES = some_codes()
SRGB_PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def by_littlecms(codes: Code16Array, profile: bytes, model: str = "rgb") -> NDArray[np.int64]:
    """8-bit codes of sRGB, through single precision."""
    values = codes.astype(np.float32) / 65535 if model == "rgb" else codes
    found = imagecodecs.cms_transform(
        values,
        profile,
        SRGB_PROFILE,
        colorspace=model,
        outcolorspace="rgb",
        outdtype="f4",
        intent=1,
        flags=NO_OPTIMIZE,
    )
    return np.rint(np.clip(found, 0, 1) * 255).astype(np.int64)


def by_us(codes: Code16Array, profile: bytes) -> NDArray[np.int64]:
    read = read_profile(profile)
    assert isinstance(read, MatrixProfile)
    return clip_to_srgb(Original(codes, read)).astype(np.int64)


# Profiles of matrices.

SRGB_CURVE = para_curve(3, 2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
CURVES = {
    "linear": table_curve([]),
    "gamma-1.8": gamma_curve(1.8),
    "gamma-2.2": gamma_curve(2.2),
    "parametric-2.6": para_curve(0, 2.6),
    "srgb": SRGB_CURVE,
    "srgb-1024": table_curve(np.rint(SRGB.cctf_decoding(np.linspace(0, 1, 1024)) * 65535).astype(int).tolist()),
    "srgb-4096": table_curve(np.rint(SRGB.cctf_decoding(np.linspace(0, 1, 4096)) * 65535).astype(int).tolist()),
    "romm": para_curve(3, 1.8, 1, 0, 1 / 16, 1 / 32),
    "lightness": para_curve(3, 3, 1 / 1.16, 0.16 / 1.16, 0.1107, 0.08),
}
#: Columns of red, green and blue, as published.
COLORANTS = {
    **{f"{name}-of-four-digits": np.round(matrix_to_pcs(space), 4) for name, space in SPACES.items()},
    "hp-srgb-1998": np.array([[0.4361, 0.3851, 0.1431], [0.2225, 0.7169, 0.0606], [0.0139, 0.0971, 0.7141]]),
    "adobe-rgb-of-adobe": np.array(
        [[0.60974, 0.20528, 0.14919], [0.31111, 0.62567, 0.06322], [0.01947, 0.06087, 0.74457]]
    ),
    "kodak-romm": np.array([[0.7977, 0.1352, 0.0313], [0.2880, 0.7119, 0.0001], [0.0, 0.0, 0.8249]]),
    "p3-of-other-numbers": np.array(
        [[0.51512, 0.29198, 0.1571], [0.2412, 0.69225, 0.06656], [-0.00105, 0.04182, 0.78407]]
    ),
    "generic-rgb": np.array([[0.4543, 0.3533, 0.1566], [0.2420, 0.6736, 0.0844], [0.0149, 0.0906, 0.7195]]),
    "p3-by-cat02": np.array([[1.0425, 0.0309, -0.0528], [0.0222, 1.0018, -0.0211], [-0.0012, -0.0034, 0.7619]])
    @ rgb_to_xyz(DISPLAY_P3),
    "a-camera": np.array([[0.61, 0.33, 0.28], [0.25, 0.95, 0.05], [0.02, -0.12, 1.05]]),
    "swapped": np.array([[0.3851, 0.4361, 0.1431], [0.7169, 0.2225, 0.0606], [0.0971, 0.0139, 0.7139]]),
}


@pytest.mark.parametrize("colorants", COLORANTS.values(), ids=COLORANTS.keys())
@pytest.mark.parametrize("curve", CURVES.values(), ids=CURVES.keys())
def test_every_matrix_profile_agrees_within_one_code(colorants: DoubleArray, curve: bytes) -> None:
    profile = profile_of(matrix_tags(colorants, curve), 0x04300000 if curve.startswith(b"para") else 0x02400000)
    difference = np.abs(by_us(CODES, profile) - by_littlecms(CODES, profile))
    assert difference.max() <= 1
    assert (difference > 0).mean() < 0.02


@pytest.mark.parametrize("space", SPACES.values(), ids=SPACES.keys())
def test_our_own_profiles_agree_within_one_code(space: object) -> None:
    profile = write_profile(space)  # type: ignore[arg-type]
    assert np.abs(by_us(CODES, profile) - by_littlecms(CODES, profile)).max() <= 1


def installed_profiles() -> list[Path]:
    files = (path for folder in INSTALLED for path in folder.rglob("*") if path.suffix.lower() in (".icc", ".icm"))
    return sorted(files, key=lambda path: path.name)


@pytest.mark.parametrize("path", installed_profiles(), ids=lambda path: path.stem)
def test_profiles_that_are_installed_agree_within_one_code(path: Path) -> None:
    data = path.read_bytes()
    try:
        profile = read_profile(data)
    except InputError as error:
        pytest.skip(str(error))
    if not isinstance(profile, MatrixProfile):
        pytest.skip("made of tables")
    assert np.abs(by_us(CODES, data) - by_littlecms(CODES, data)).max() <= 1


# Profiles of tables.


def wide_lab(codes: DoubleArray) -> DoubleArray:
    """A scanner's space: ProPhoto, bent a little."""
    return prophoto_linear_to_lab((0.02 + 0.95 * codes) ** 2)


def press_lab(codes: DoubleArray) -> DoubleArray:
    """Inks on paper, roughly: each takes its own light away."""
    cyan, magenta, yellow, black = np.moveaxis(codes, -1, 0)
    light = np.stack([1 - 0.6 * cyan, 1 - 0.6 * magenta, 1 - 0.7 * yellow], axis=-1) * (1 - 0.95 * black[..., None])
    return prophoto_linear_to_lab(0.85 * light**1.5)


def table_of(data: bytes) -> TableProfile:
    profile = read_profile(data)
    assert isinstance(profile, TableProfile)
    return profile


@pytest.mark.parametrize("points", [2, 9, 17])
def test_tables_give_what_littlecms_gives(points: int) -> None:
    data = table_profile(3, points, wide_lab)
    converted = to_prophoto_codes(CODES, table_of(data))
    linear = PROPHOTO.cctf_decoding(converted / 65535) @ rgb_to_rgb(PROPHOTO, SRGB).T
    ours = np.rint(SRGB.cctf_encoding(np.clip(linear, 0, 1)) * 255).astype(np.int64)
    # What lies outside ProPhoto too is clipped there first.
    inside = ((converted > 0) & (converted < 65535)).all(axis=-1)
    assert inside.mean() > 0.5
    assert np.abs(ours - by_littlecms(CODES, data))[inside].max() <= 1


def test_tables_are_followed_in_16_bits() -> None:
    ramp = np.repeat(np.arange(20000, 20256, dtype=np.uint16)[None, :, None], 3, axis=2)
    converted = to_prophoto_codes(ramp, table_of(table_profile(3, 33, wide_lab)))
    assert len(np.unique(converted[..., 1])) > 128


def test_inks_become_the_colours_of_their_table() -> None:
    data = table_profile(4, 9, press_lab)
    inks = np.array([[[0, 0, 0, 0], [65535, 0, 0, 0], [0, 65535, 65535, 0], [0, 0, 0, 65535]]], np.uint16)
    converted = to_prophoto_codes(inks, table_of(data))
    expected = press_lab(inks / 65535)
    found = prophoto_linear_to_lab(PROPHOTO.cctf_decoding(converted / 65535))
    np.testing.assert_allclose(found, expected, atol=0.1)


def test_pillow_s_littlecms_agrees_about_inks() -> None:
    from PIL import Image

    data = table_profile(4, 9, press_lab)
    codes = np.random.default_rng(3).integers(0, 256, (40, 50, 4), dtype=np.uint8)
    theirs = ImageCms.profileToProfile(
        Image.fromarray(codes, "CMYK"),
        ImageCms.ImageCmsProfile(io.BytesIO(data)),
        ImageCms.ImageCmsProfile(io.BytesIO(write_profile(PROPHOTO))),
        ImageCms.Intent.RELATIVE_COLORIMETRIC,
        outputMode="RGB",
        flags=ImageCms.Flags.NOOPTIMIZE,
    )
    ours = to_prophoto_codes(codes.astype(np.uint16) * 257, table_of(data))
    assert np.abs(np.asarray(theirs).astype(int) - ours / 257).max() <= 1


@pytest.mark.parametrize("kind", [b"junk", b"mft2" + bytes(4) + b"\x03\x03\xff", b"mft2" + bytes(4) + b"\x09"])
def test_damaged_tables_are_an_error(kind: bytes) -> None:
    whole = table_profile(3, 5, wide_lab)
    data = whole.replace(whole[whole.index(b"mft2") :][: len(kind)], kind)
    with pytest.raises(InputError, match=r"a\.tif: the ICC profile \(a test of tables\) is damaged"):
        to_prophoto_codes(CODES, table_of(bytes(data)), "a.tif")
