"""The paper's networks as a file could store them: bytes counted as they are, weights as they come back."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from gamutcli.experiments.pictures import open_subject
from gamutcli.experiments.recipe import fit_as_the_paper, judge_fit, preset_of, scene_of
from gamutcli.experiments.stored import FORMS, store_weights
from gamutcli.network.shape import FloatNetwork, Network, Shape
from gamutcli.payload.format import network_bytes
from tests.support.networks import PAPERS, network
from tests.support.pictures import wide_codes, write_tiff

Stores = dict[str, tuple[int, FloatNetwork | Network]]


@pytest.fixture
def floats() -> FloatNetwork:
    random = np.random.default_rng(0)
    shapes = ((32, PAPERS.size), (32, 32), (3, 32))
    return FloatNetwork(PAPERS, tuple(random.standard_normal(shape).astype(np.float32) for shape in shapes), 0.5)


def by_form(floats: FloatNetwork) -> Stores:
    return {form: (size, each.network) for each in store_weights(floats) for form, size in each.sizes.items()}


def bytes_of(floats: FloatNetwork) -> dict[str, int]:
    return {form: size for form, (size, _) in by_form(floats).items()}


def error(floats: FloatNetwork, form: str) -> float:
    """Root mean squared error of all weights."""
    found = by_form(floats)[form][1].weights
    squares = [np.square(a - b).ravel() for a, b in zip(found, floats.weights, strict=True)]
    return float(np.sqrt(np.concatenate(squares).mean()))


def test_every_form_is_there(floats: FloatNetwork) -> None:
    assert set(by_form(floats)) == set(FORMS)


def test_bytes_are_those_of_the_weights_and_their_scales(floats: FloatNetwork) -> None:
    count = sum(weight.size for weight in floats.weights)
    scales = 2 * (32 + 32 + 3)
    sizes = bytes_of(floats)
    assert sizes["fp32"] == 4 * count
    assert sizes["fp16"] == 2 * count
    assert sizes["int8"] == count + scales
    assert sizes["6 bits"] == 6 * count // 8 + scales


def test_a_last_byte_that_is_not_full_counts() -> None:
    one = FloatNetwork(PAPERS, (np.ones((1, 3), np.float32),), 1.0)
    assert bytes_of(one)["6 bits"] == 3 + 2  # 18 bits


def test_deflated_bytes_are_those_that_a_payload_would_hold(floats: FloatNetwork) -> None:
    for form in ("int8", "6 bits"):
        size, coarse = by_form(floats)[f"{form}, deflated"]
        assert isinstance(coarse, Network)
        assert size == network_bytes(coarse)
        # Weights at random: what deflate saves is what their distribution leaves unused.
        assert 0.7 * bytes_of(floats)[form] < size < bytes_of(floats)[form]


def test_weights_come_back_less_exact_the_smaller_the_form(floats: FloatNetwork) -> None:
    assert error(floats, "fp32") == 0
    assert 0 < error(floats, "fp16") < error(floats, "int8") < error(floats, "6 bits") < 0.05
    assert error(floats, "6 bits") > 3 * error(floats, "int8")


def test_deflating_changes_no_weight(floats: FloatNetwork) -> None:
    for form in ("int8", "6 bits"):
        assert error(floats, form) == error(floats, f"{form}, deflated")


def test_weights_beyond_float16_stay_finite() -> None:
    huge = FloatNetwork(PAPERS, (np.full((3, 3), 1e9, np.float32),), 1.0)
    for _, each in by_form(huge).values():
        assert all(np.isfinite(weight).all() for weight in each.weights)


def test_what_the_network_sees_and_means_stays(floats: FloatNetwork) -> None:
    for _, each in by_form(floats).values():
        assert (each.inputs, each.residual_scale, each.shape) == (PAPERS, 0.5, Shape(PAPERS, 32, 2))


def test_a_rounded_network_is_stored_as_it_is() -> None:
    """Its weights are levels already, so int8 loses nothing more than the scales round."""
    known = network(PAPERS, hidden=16)
    floats = FloatNetwork(known.inputs, known.weights, known.residual_scale)
    assert error(floats, "int8") < 2e-3
    assert error(floats, "6 bits") > 3 * error(floats, "int8")


@pytest.mark.fit
def test_quality_falls_with_the_bits(tmp_path: Path) -> None:
    original = open_subject(write_tiff(tmp_path / "wide.tif", wide_codes(48, 64))).original
    preset = preset_of("11kb", 300)
    scene = scene_of(original, preset)
    stores = by_form(fit_as_the_paper(scene, preset, 0).network)
    found = {form: judge_fit(scene, each, color_differences=False).psnr_og for form, (_, each) in stores.items()}
    clip = judge_fit(scene, None).psnr_og
    assert clip
    for psnr in found.values():
        assert psnr
        assert psnr > clip + 3
    noise = 0.1
    assert found["fp16"] == pytest.approx(found["fp32"], abs=noise)
    assert found["int8"] < found["fp32"] + noise
    assert found["6 bits"] < found["int8"] + noise
