"""What networks could predict, and what errors could count by."""

from __future__ import annotations

import numpy as np
import pytest

from gamutcli.arrays import FloatArray
from gamutcli.color.differences import de94_weights
from gamutcli.experiments.domains import DOMAINS, DomainScene
from gamutcli.experiments.edits import EDITS
from gamutcli.experiments.recipe import scene_of
from gamutcli.fitting.presets import PRESETS
from gamutcli.fitting.sample import draw_by_residual
from gamutcli.images.original import read_source
from tests.support.pictures import wide_codes, write_tiff


def some_colors(count: int = 2000, seed: int = 0) -> FloatArray:
    return np.random.default_rng(seed).uniform(0.002, 1, (count, 3)).astype(np.float32)


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> DomainScene:
    file = write_tiff(tmp_path_factory.mktemp("scene") / "a.tif", wide_codes(40, 60))
    plain = scene_of(read_source(file).original, PRESETS["fast"])
    return DomainScene(plain.original, plain.srgb_codes, plain.adaptation, plain.correction)


@pytest.mark.parametrize("name", DOMAINS)
def test_what_is_predicted_exactly_is_restored_exactly(name: str) -> None:
    domain = DOMAINS[name]
    plain, true = some_colors().astype(np.float64), some_colors(seed=1).astype(np.float64)
    predicted = domain.residuals(plain, true)
    np.testing.assert_allclose(domain.restore(plain, predicted), true, atol=1e-9)
    np.testing.assert_allclose(domain.restore(plain, 0 * predicted), plain, atol=1e-9)


@pytest.mark.parametrize("name", DOMAINS)
def test_black_and_white_are_no_trouble(name: str) -> None:
    ends = np.array([[0.0, 0, 0], [1, 1, 1], [1, 0, 0], [0, 0, 1]])
    plain, true = np.repeat(ends, 4, axis=0), np.tile(ends, (4, 1))
    found = DOMAINS[name].residuals(plain, true)
    assert np.isfinite(found).all()
    np.testing.assert_allclose(DOMAINS[name].restore(plain, found), true, atol=1e-7)


def test_without_domain_and_loss_a_scene_is_what_it_was(scene: DomainScene) -> None:
    plain = scene_of(scene.original, PRESETS["fast"])
    inputs = PRESETS["fast"].inputs
    ours, theirs = (draw_by_residual(each, inputs, 500, 3) for each in (scene, plain))
    assert ours is not None
    assert theirs is not None
    np.testing.assert_array_equal(ours.features[:], theirs.features[:])
    np.testing.assert_array_equal(ours.importance, theirs.importance)
    np.testing.assert_allclose(ours.residuals, theirs.residuals, atol=1e-7)


def test_a_loss_draws_and_counts_dark_pixels_more_but_stays_unbiased(scene: DomainScene) -> None:
    """What the sample's weighted mean estimates is the picture's, whatever was drawn."""
    rows = slice(0, scene.original.size[0])
    weighed = DomainScene(
        scene.original, scene.srgb_codes, scene.adaptation, scene.correction, loss=de94_weights, share=0.5
    )
    sample = draw_by_residual(weighed, PRESETS["fast"].inputs, 1 << 15, 0)
    assert sample is not None
    inside = np.flatnonzero(scene.correction.mask(scene.srgb_codes))
    weights = weighed.importance(rows, inside)
    assert weights is not None
    expected = np.average(np.square(scene.residuals(rows, inside)).sum(axis=1), weights=weights)
    found = np.mean(sample.importance * np.square(sample.residuals).sum(axis=1))
    assert found == pytest.approx(expected, rel=0.03)


@pytest.mark.parametrize("name", EDITS)
def test_edits_change_pictures_keep_black_and_stay_within_range(name: str) -> None:
    colors = some_colors()
    edited = EDITS[name](colors)
    assert edited.dtype == np.float32
    assert edited.min() >= 0
    assert edited.max() <= 1
    assert np.abs(edited - colors).mean() > 0.01
    assert not EDITS[name](np.zeros((1, 3), np.float32)).any()


def test_edits_do_what_their_names_say() -> None:
    grey, colored = np.full((1, 3), 0.1, np.float32), np.array([[0.3, 0.1, 0.2]], np.float32)
    np.testing.assert_allclose(EDITS["psnr_og_ev"](grey), 0.2, rtol=1e-6)
    np.testing.assert_allclose(EDITS["psnr_og_vivid"](grey), grey, rtol=1e-5)
    assert np.ptp(EDITS["psnr_og_vivid"](colored)) == pytest.approx(1.2 * np.ptp(colored), rel=1e-5)
    warm = EDITS["psnr_og_warm"](grey)[0]
    assert warm[0] > warm[1] > warm[2]
    np.testing.assert_allclose(EDITS["psnr_og_shadows"](np.ones((1, 3), np.float32)), 1)
    assert 0.03 < EDITS["psnr_og_shadows"](np.full((1, 3), 0.01, np.float32))[0, 0] < 0.04
