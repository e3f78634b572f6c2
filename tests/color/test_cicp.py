"""Colours by the numbers of ITU-T H.273."""

from __future__ import annotations

import numpy as np
import pytest

from gamutcli.color.cicp import named_space, space_of
from gamutcli.color.spaces import ADOBE_RGB, D65, DISPLAY_P3, PROPHOTO, REC2020, SRGB, rgb_to_rgb
from gamutcli.errors import InputError

SDR_PRIMARIES = (1, 4, 5, 6, 7, 8, 9, 10, 11, 12, 22)
SDR_TRANSFERS = (1, 4, 5, 6, 7, 8, 11, 12, 13, 14, 15, 17)


@pytest.mark.parametrize(
    ("numbers", "space"),
    [((1, 13), SRGB), ((12, 13), DISPLAY_P3), ((9, 1), REC2020), ((9, 14), REC2020), ((9, 15), REC2020)],
)
def test_known_spaces_are_known_by_their_numbers(numbers: tuple[int, int], space: object) -> None:
    assert named_space("a", *numbers) == space


@pytest.mark.parametrize("primaries", SDR_PRIMARIES)
def test_white_is_grey_under_all_primaries(primaries: int) -> None:
    space = named_space("a", primaries, 8)
    assert space is not None
    np.testing.assert_allclose(rgb_to_rgb(space, PROPHOTO) @ np.ones(3), np.ones(3), atol=1e-9)


@pytest.mark.parametrize("transfer", SDR_TRANSFERS)
def test_all_transfer_functions_lead_from_black_to_white(transfer: int) -> None:
    space = named_space("a", 1, transfer)
    assert space is not None
    codes = np.linspace(0, 1, 1001)
    light = space.cctf_decoding(codes)
    # ST 428 alone keeps room above white.
    assert light[0] == 0
    assert light[-1] == pytest.approx(52.37 / 48 if transfer == 17 else 1, abs=2e-4)
    assert np.all(np.diff(light) > 0)
    assert np.diff(light).max() < 0.01


@pytest.mark.parametrize(
    ("transfer", "code", "light"),
    [(1, 0.5, 0.2597), (4, 0.5, 0.5**2.2), (5, 0.5, 0.5**2.8), (7, 0.0912, 0.0228), (8, 0.3, 0.3), (13, 0.5, 0.2140)],
)
def test_transfer_functions_have_the_published_values(transfer: int, code: float, light: float) -> None:
    space = named_space("a", 1, transfer)
    assert space is not None
    assert space.cctf_decoding(np.array([code]))[0] == pytest.approx(light, abs=2e-4)


@pytest.mark.parametrize("numbers", [(2, 2), (2, 13), (1, 2), (3, 13), (1, 3), (1, 9), (1, 10), (255, 1)])
def test_what_is_unspecified_reserved_or_a_logarithm_has_no_space(numbers: tuple[int, int]) -> None:
    assert named_space("a", *numbers) is None


@pytest.mark.parametrize(("transfer", "name"), [(16, "PQ"), (18, "HLG")])
@pytest.mark.parametrize("primaries", [2, 9])
def test_hdr_is_refused_with_the_way_out(primaries: int, transfer: int, name: str) -> None:
    with pytest.raises(InputError, match=rf"a\.png: is HDR \({name}\); export it for SDR"):
        named_space("a.png", primaries, transfer)


def test_other_numbers_make_a_space_of_their_own() -> None:
    space = space_of(SRGB.primaries, D65, ADOBE_RGB.curve, "mine")
    assert (space.title, space.primaries, space.curve) == ("mine", SRGB.primaries, ADOBE_RGB.curve)
