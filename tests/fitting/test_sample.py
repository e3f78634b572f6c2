"""Which pixels a fit works on: more where more was lost, and weighted so that the whole picture counts."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from gamutcli import parallel
from gamutcli.arrays import Code16Array
from gamutcli.color.differences import de94_weights
from gamutcli.color.gamut import Correction
from gamutcli.color.icc import read_profile, write_profile
from gamutcli.color.spaces import PROPHOTO
from gamutcli.fitting.presets import PRESETS
from gamutcli.fitting.sample import REPEATS, Sample, draw_by_residual, draw_sample, draw_sample_as_the_paper
from gamutcli.fitting.scene import Scene
from gamutcli.images.original import Original
from gamutcli.network.features import Features
from gamutcli.network.shape import Inputs
from tests.support import reference
from tests.support.networks import CODES, CODES_AND_BOXES, PAPERS
from tests.support.pictures import wide_codes

PICTURE = wide_codes(60, 90)


def scene_of(codes: Code16Array, correction: Correction | None = None) -> Scene:
    profile = read_profile(write_profile(PROPHOTO))
    return Scene(Original(codes, profile), reference.reduced(codes), "bradford", correction or Correction())


def drawn(scene: Scene, count: int = 20_000, seed: int = 0) -> Sample:
    sample = draw_by_residual(scene, CODES, count, seed)
    assert sample is not None
    return sample


def corrected(scene: Scene) -> NDArray[np.intp]:
    """Flat places of the pixels that the decoder corrects."""
    return np.flatnonzero(scene.correction.mask(scene.srgb_codes))


def rows(array: NDArray[np.float32]) -> Counter[bytes]:
    return Counter(row.tobytes() for row in np.ascontiguousarray(array))


def energy(residuals: NDArray[np.float32]) -> NDArray[np.float64]:
    return (residuals.astype(np.float64) ** 2).mean(axis=1)


@pytest.fixture
def scene() -> Scene:
    found = scene_of(PICTURE)
    assert 0.2 < corrected(found).size / (60 * 90) < 0.9
    return found


@pytest.fixture
def in_strips(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> Scene:
    """The same picture, walked in a dozen strips."""
    monkeypatch.setattr(parallel, "STRIP_PIXELS", 450)
    assert len(scene.strips()) == 12
    return scene


def test_a_sample_has_the_size_asked_for(in_strips: Scene) -> None:
    for count in (1000, 20_000):
        sample = drawn(in_strips, count)
        assert sample.pixels == corrected(in_strips).size
        assert sample.features[:].shape == (count, CODES.size)
        assert sample.residuals.shape == (count, 3)
        assert sample.importance.shape == (count,)
        assert {array.dtype for array in (sample.features[:], sample.residuals, sample.importance)} == {
            np.dtype(np.float32)
        }


@pytest.mark.parametrize("inputs", [CODES, CODES_AND_BOXES])
def test_only_pixels_that_the_decoder_corrects_are_drawn(in_strips: Scene, inputs: Inputs) -> None:
    sample = draw_by_residual(in_strips, inputs, 5000, 0)
    assert sample is not None
    inside = corrected(in_strips)
    whole = slice(0, 60)
    features = Features(inputs, in_strips.srgb_codes, "bradford").rows(whole, inside)
    both = np.concatenate([features, in_strips.residuals(whole, inside)], axis=1)
    found = np.concatenate([sample.features[:], sample.residuals], axis=1)
    # Features and residuals of a pixel stay together.
    assert set(rows(found)) <= set(rows(both))


def test_weights_undo_the_uneven_draw(in_strips: Scene) -> None:
    sample = drawn(in_strips)
    truth = in_strips.residuals(slice(0, 60), corrected(in_strips))
    assert sample.importance.min() > 0
    assert sample.importance.mean() == pytest.approx(1, abs=0.02)
    assert np.average(energy(sample.residuals), weights=sample.importance) == pytest.approx(
        energy(truth).mean(), rel=0.02
    )
    weighted = np.average(sample.residuals, axis=0, weights=sample.importance)
    np.testing.assert_allclose(weighted, truth.mean(axis=0), atol=0.02 * np.abs(truth).max())


def test_large_residuals_are_drawn_more_often(in_strips: Scene) -> None:
    sample = drawn(in_strips)
    truth = in_strips.residuals(slice(0, 60), corrected(in_strips))
    assert energy(sample.residuals).mean() > 1.3 * energy(truth).mean()
    order = np.argsort(energy(sample.residuals))
    assert sample.importance[order[:1000]].mean() > 2 * sample.importance[order[-1000:]].mean()


def test_for_the_eye_errors_count_by_what_they_are_to_it(in_strips: Scene) -> None:
    sample = draw_sample(replace(PRESETS["fast"], eye=0.5, samples=20_000), in_strips, 0)
    assert sample is not None
    assert sample.importance.mean() == pytest.approx(1, abs=0.02)
    whole, inside = slice(0, 60), corrected(in_strips)
    weights = np.sqrt(de94_weights(in_strips.truth(whole, inside)))
    truth = energy(in_strips.residuals(whole, inside))
    expected = np.average(truth, weights=weights)
    assert expected < 0.95 * truth.mean()
    assert np.average(energy(sample.residuals), weights=sample.importance) == pytest.approx(expected, rel=0.02)


def test_every_pixel_has_its_chance(scene: Scene) -> None:
    inside = corrected(scene)
    sample = drawn(scene, 20 * inside.size)
    features = Features(CODES, scene.srgb_codes, "bradford").rows(slice(0, 60), inside)
    assert set(rows(sample.features[:])) == set(rows(features))


def test_a_sample_is_in_random_order(scene: Scene) -> None:
    whole = np.array_split(np.arange(20_000), 4)
    means = [energy(drawn(scene).residuals[part]).mean() for part in whole]
    assert max(means) < 1.1 * min(means)


def test_the_same_seed_draws_the_same_sample(in_strips: Scene) -> None:
    first, second, other = drawn(in_strips, seed=3), drawn(in_strips, seed=3), drawn(in_strips, seed=4)
    for name in ("features", "residuals", "importance"):
        np.testing.assert_array_equal(getattr(first, name)[:], getattr(second, name)[:])
        assert not np.array_equal(getattr(first, name)[:], getattr(other, name)[:])


def test_there_is_nothing_to_draw_where_nothing_was_clipped() -> None:
    for value in (0, 20_000, 65_535):
        assert draw_by_residual(scene_of(np.full((8, 9, 3), value, np.uint16)), CODES, 100, 0) is None


@pytest.mark.parametrize("size", [(1, 1), (1, 40), (40, 1)])
def test_tiny_pictures_are_drawn_again_and_again_but_not_without_end(size: tuple[int, int]) -> None:
    codes = np.broadcast_to(np.array([60_000, 10_000, 5_000], np.uint16), (*size, 3))
    sample = drawn(scene_of(codes), 100_000)
    assert len(sample.importance) == REPEATS * size[0] * size[1]
    np.testing.assert_allclose(sample.importance, 1, rtol=1e-5)


def test_one_clipped_pixel_among_many_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parallel, "STRIP_PIXELS", 100)
    codes = np.full((50, 20, 3), 30_000, np.uint16)
    codes[33, 7] = (60_000, 10_000, 5_000)
    sample = drawn(scene_of(codes), 100)
    assert len(rows(sample.features[:])) == 1
    assert len(sample.importance) == REPEATS


# The paper's draw.


def og_pixels(codes: Code16Array) -> NDArray[np.bool_]:
    srgb = reference.prophoto_linear(codes) @ reference.prophoto_to_srgb().T
    return ((srgb < 0) | (srgb > 1)).any(-1) & ~(srgb < 0).all(-1) & ~(srgb > 1).all(-1)


def test_the_paper_draws_a_fifth_and_a_fiftieth() -> None:
    scene = scene_of(PICTURE, Correction(every_pixel=True))
    sample = draw_sample_as_the_paper(scene, PAPERS, 0, 0)
    og = og_pixels(PICTURE)
    assert len(sample.importance) == pytest.approx(og.sum() / 5 + (~og).sum() / 50, abs=2)
    assert (sample.importance == 1).all()
    features = Features(PAPERS, scene.srgb_codes, "bradford").rows(slice(0, 60), np.arange(60 * 90))
    assert set(rows(sample.features[:])) <= set(rows(features))


@pytest.mark.parametrize("color", [(0, 0, 0), (65_535, 65_535, 65_535), (60_000, 10_000, 5_000)])
@pytest.mark.parametrize("size", [(1, 1), (7, 9)])
def test_the_paper_draws_from_any_picture(color: tuple[int, int, int], size: tuple[int, int]) -> None:
    codes = np.broadcast_to(np.array(color, np.uint16), (*size, 3))
    sample = draw_sample_as_the_paper(scene_of(codes, Correction(every_pixel=True)), PAPERS, 0, 0)
    assert len(sample.importance) >= 1
    assert np.isfinite(sample.features[:]).all()
