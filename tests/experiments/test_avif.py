"""The lost colours as an AVIF picture: within its bytes, and as good as it says."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from gamutcli import images
from gamutcli.arrays import Code16Array
from gamutcli.color.gamut import Correction, codes_to_prophoto
from gamutcli.experiments import avif
from gamutcli.experiments.avif import SCALE_BYTES, AvifResidual, residual_of
from gamutcli.experiments.pictures import open_subject
from gamutcli.experiments.recipe import judge_fit
from gamutcli.fitting.scene import Scene
from gamutcli.images.original import clip_to_srgb
from gamutcli.measuring.metrics import Comparison, Scores
from tests.support.networks import noise
from tests.support.pictures import wide_codes, write_tiff

pytestmark = pytest.mark.skipif(not avif.AVAILABLE, reason="this imagecodecs cannot write AVIF")


def a_scene(folder: Path, codes: Code16Array, lossy: bool = False) -> Scene:
    """A picture as a PNG, or as a JPEG, keeps it."""
    original = open_subject(write_tiff(folder / "wide.tif", codes)).original
    reduced = clip_to_srgb(original)
    if lossy:
        reduced = images.decode_reduced(images.encode_reduced(reduced, "jpeg", 95))
    return Scene(original, reduced, "bradford", Correction(10 if lossy else 0))


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return a_scene(tmp_path, wide_codes(48, 64))


def judged_with(scene: Scene, residual: AvifResidual, size: int) -> Scores:
    found = residual.within(size)
    assert found
    comparison = Comparison()
    comparison.add(residual.restored(found), scene.original.strip(slice(None)))
    return comparison.scores()


@pytest.mark.parametrize("lossy", [False, True])
@pytest.mark.parametrize("size", [600, 1500])
def test_it_is_better_than_the_clip_and_within_its_bytes(tmp_path: Path, lossy: bool, size: int) -> None:
    scene = a_scene(tmp_path, wide_codes(48, 64), lossy)
    found = residual_of(scene).within(size)
    assert found
    assert found.size == len(found.data) + SCALE_BYTES <= size
    assert images.sniff(found.data) == "avif"
    clip = judge_fit(scene, None).psnr_og
    assert clip
    assert found.psnr_og > clip + 3


def test_more_bytes_are_never_worse(scene: Scene) -> None:
    residual = residual_of(scene)
    found = [residual.within(size) for size in (500, 1000, 4000)]
    decibels = [each.psnr_og for each in found if each]
    assert decibels == sorted(decibels)
    assert decibels[0] < decibels[-1]


@pytest.mark.parametrize("sizes", [(700, 1500), (1500, 700)])
def test_what_was_asked_before_does_not_matter(scene: Scene, sizes: tuple[int, int]) -> None:
    residual = residual_of(scene)
    for size in sizes:
        again, alone = residual.within(size), residual_of(scene).within(size)
        assert again
        assert alone
        assert again.data == alone.data


def test_its_psnr_is_that_of_the_restored_picture(scene: Scene) -> None:
    residual = residual_of(scene)
    found = residual.within(1000)
    assert found
    assert judged_with(scene, residual, 1000).psnr_og == pytest.approx(found.psnr_og, abs=1e-3)


def test_strips_make_no_difference(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = residual_of(scene)
    monkeypatch.setattr("gamutcli.parallel.STRIP_PIXELS", 64 * 5)
    parts = residual_of(scene)
    for size in (600, 1500):
        one, other = whole.within(size), parts.within(size)
        assert one
        assert other
        assert (str(one), one.data) == (str(other), other.data)
        assert one.psnr_og == pytest.approx(other.psnr_og, abs=1e-3)
        np.testing.assert_allclose(whole.restored(one), parts.restored(one), atol=1e-5)


@pytest.mark.parametrize(("side", "shrink"), [(48, 4), (7, 2), (1, 16), (203, 4), (17, 16)])
def test_a_picture_is_shrunk_to_means_of_parts_that_cover_it(side: int, shrink: int) -> None:
    edges = avif._edges(side, shrink)
    assert (edges[0], edges[-1], len(edges) - 1) == (0, side, -(-side // shrink))
    assert np.ptp(np.diff(edges)) <= 1
    picture = np.random.default_rng(0).random((side, 12, 3), np.float32)
    found = avif._means(picture, edges, avif._edges(12, 4))
    assert found.dtype == np.float32
    np.testing.assert_allclose(found[-1, 1], picture[edges[-2] :, 4:8].mean(axis=(0, 1)), rtol=1e-5)


def test_it_takes_little_more_memory_than_the_picture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gamutcli.parallel.STRIP_PIXELS", 1 << 12)
    monkeypatch.setattr(avif, "KINDS", {"4:2:0": avif.KINDS["4:2:0"]})
    scene = a_scene(tmp_path, wide_codes(384, 512))
    tracemalloc.start()
    try:
        residual = residual_of(scene)
        found = residual.within(2000)
        assert found
        restored = residual.restoring(found)
        for rows in scene.strips():
            restored(rows)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 20 * 384 * 512


def test_pixels_that_do_not_look_clipped_stay_as_they_are(scene: Scene) -> None:
    residual = residual_of(scene)
    found = residual.within(1000)
    assert found
    untouched = ~scene.correction.mask(scene.srgb_codes)
    assert untouched.any()
    plain = codes_to_prophoto(scene.srgb_codes, "bradford").clip(0, 1)
    np.testing.assert_array_equal(residual.restored(found)[untouched], plain[untouched])


def test_no_file_is_smaller_than_its_header(scene: Scene) -> None:
    assert residual_of(scene).within(100) is None


def test_a_picture_without_lost_colours_needs_no_file(tmp_path: Path) -> None:
    grey = a_scene(tmp_path, np.full((8, 8, 3), 30000, np.uint16))
    assert residual_of(grey).within(5000) is None


def test_a_large_picture_may_be_shrunk_further() -> None:
    plain = codes_to_prophoto(noise(2048, 16), "bradford")
    original = (plain * 1.5).astype(np.float32)
    corrected = np.ones(plain.shape[:2], bool)
    assert max(AvifResidual(original, plain, corrected, speed=10).shrinks) == 8
    assert max(AvifResidual(original[:2000], plain[:2000], corrected[:2000], speed=10).shrinks) == 4
