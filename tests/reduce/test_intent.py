"""The perceptual intent, from picture to file and back."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from gamutcli.color.spaces import PROPHOTO, SRGB, apply_matrix, rgb_to_rgb
from gamutcli.errors import UsageError
from gamutcli.evaluation import evaluate
from gamutcli.expand import expand_image
from gamutcli.payload_files import inspect_image
from gamutcli.reduce import reduce_image
from gamutcli.reduce.plan import INTENTS
from tests.support.pictures import sample_crop, write_tiff
from tests.support.presets import changed_presets

WIDE = sample_crop("dahlia", 60, 120, 240, 300)


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiff(tmp_path_factory.mktemp("wide") / "wide.tif", WIDE)


def reduced(original: Path, target: Path, intent: str) -> Path:
    with changed_presets("fast", steps=60, batch=512, samples=8192):
        result = reduce_image(original, target, preset="fast", intent=intent)
    assert (result.intent, result.notes) == (intent, ())
    return target


@pytest.mark.parametrize(("kind", "version"), [("png", 2), ("webp", 2), ("avif", 2)])
def test_a_file_says_its_intent_and_comes_back(kind: str, version: int, original: Path, tmp_path: Path) -> None:
    file = reduced(original, tmp_path / f"moved.{kind}", "perceptual")
    info = inspect_image(file)
    assert (info.intent, info.format_version, info.status) == ("perceptual", version, "ok")
    scores = evaluate(file, original)
    assert scores.intent == "perceptual"
    assert scores.plain.psnr_og is not None
    assert scores.restored.psnr_og is not None
    assert scores.restored.psnr_og > scores.plain.psnr_og + 5


def test_a_jpeg_is_clipped_and_says_so_and_its_colours_come_back_closer(original: Path, tmp_path: Path) -> None:
    found = {}
    for intent in INTENTS:
        with changed_presets("fast", steps=60, batch=512, samples=8192):
            found[intent] = reduce_image(original, tmp_path / f"{intent}.jpg", preset="fast", intent=intent)
    steered = found["perceptual"]
    assert steered.intent == inspect_image(tmp_path / "perceptual.jpg").intent == "relative"
    assert any("its coefficients were chosen for the lost colours" in note for note in steered.notes)
    assert steered.psnr_og is not None
    assert found["relative"].psnr_og is not None
    assert steered.psnr_og > found["relative"].psnr_og + 0.2
    restored = evaluate(tmp_path / "perceptual.jpg", original).restored
    assert restored.psnr_og == pytest.approx(steered.psnr_og, abs=0.1)


def test_a_jpeg_of_fewer_colours_is_moved_as_others_are(original: Path, tmp_path: Path) -> None:
    target = tmp_path / "half.jpg"
    with changed_presets("fast", steps=60, batch=512, samples=8192):
        result = reduce_image(original, target, preset="fast", intent="perceptual", subsampling="4:2:0")
    assert result.intent == inspect_image(target).intent == "perceptual"


def test_where_the_clip_serves_better_the_file_is_that_of_relative_and_the_result_says_so(tmp_path: Path) -> None:
    codes = np.random.default_rng(3).uniform((-0.0005, 0.008, 0.004), (0.0, 0.012, 0.008), (96, 96, 3))
    light = apply_matrix(codes.astype(np.float32), rgb_to_rgb(SRGB, PROPHOTO)).clip(0, 1)
    dark = write_tiff(tmp_path / "dark.tif", np.round(65535 * PROPHOTO.cctf_encoding(light)).astype(np.uint16))
    found = {}
    for intent in INTENTS:
        with changed_presets("fast", steps=60, batch=512, samples=8192):
            found[intent] = reduce_image(dark, tmp_path / f"{intent}.png", preset="fast", intent=intent)
    assert (tmp_path / "perceptual.png").read_bytes() == (tmp_path / "relative.png").read_bytes()
    assert found["perceptual"].intent == "relative"
    assert any("clipped as with --intent relative" in note for note in found["perceptual"].notes)
    assert found["relative"].notes == ()


def test_relative_is_what_is_done_unasked_and_stays_version_1(original: Path, tmp_path: Path) -> None:
    file = reduced(original, tmp_path / "asked.png", "relative")
    with changed_presets("fast", steps=60, batch=512, samples=8192):
        reduce_image(original, tmp_path / "unasked.png", preset="fast")
    assert file.read_bytes() == (tmp_path / "unasked.png").read_bytes()
    assert (inspect_image(file).intent, inspect_image(file).format_version) == ("relative", 1)


def test_without_a_network_colours_are_moved_back_all_the_same(original: Path, tmp_path: Path) -> None:
    target = tmp_path / "bare.png"
    with changed_presets("fast", steps=60, batch=512, samples=8192):
        result = reduce_image(original, target, preset="fast", intent="perceptual", max_payload=400)
    assert result.model == "none"
    assert result.psnr_og is not None
    assert result.clip_psnr_og is not None
    assert result.psnr_og > result.clip_psnr_og + 3
    restored = evaluate(target, original).restored
    assert restored.psnr_og == pytest.approx(result.psnr_og, abs=0.1)


def test_pixels_that_were_compressed_again_are_not_asked_for_fractions(original: Path, tmp_path: Path) -> None:
    file = reduced(original, tmp_path / "moved.png", "perceptual")
    with Image.open(file) as image:
        image.save(tmp_path / "again.jpg", quality=98, subsampling=0, xmp=image.info["xmp"])
    assert inspect_image(tmp_path / "again.jpg").status == "recompressed"
    expand_image(tmp_path / "again.jpg", tmp_path / "again.tif")
    errors = tifffile.imread(tmp_path / "again.tif").astype(float) - WIDE
    assert np.sqrt(np.square(errors).mean()) < 0.05 * 65535


def test_the_papers_pictures_are_clipped(original: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--intent perceptual does not go with --preset paper"):
        reduce_image(original, tmp_path / "no.png", preset="paper", intent="perceptual")
    with pytest.raises(UsageError, match="unknown intent 'vivid'"):
        reduce_image(original, tmp_path / "no.png", intent="vivid")
