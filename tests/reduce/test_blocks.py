"""Where a lossy file's noise looks like lost colours, the payload says where these are."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from gamutcli.color.spaces import PROPHOTO, SRGB, apply_matrix, rgb_to_rgb
from gamutcli.evaluation import evaluate
from gamutcli.expand import expand_image
from gamutcli.payload_files import inspect_image
from gamutcli.reduce import reduce_image
from tests.support.pictures import sample_crop, write_tiff
from tests.support.presets import changed_presets

#: Colours inside sRGB, whose reds are so near to 0 that a JPEG's noise hides whether they were clipped.
CODES = np.random.default_rng(5).normal((5, 70, 80), (1, 6, 6), (240, 320, 3)).clip(1, 254)
LIGHT = apply_matrix(SRGB.cctf_decoding((CODES / 255).astype(np.float32)), rgb_to_rgb(SRGB, PROPHOTO)).clip(0, 1)
NOISE = np.round(65535 * PROPHOTO.cctf_encoding(LIGHT)).astype(np.uint16)
#: Petals that sRGB cannot hold, for a part of it.
PETALS = sample_crop("dahlia", 80, 240, 80, 80)

Reduce = Callable[..., Path]


@pytest.fixture
def reduce(tmp_path: Path) -> Reduce:
    """`reduce(codes, "jpg")` gives the reduced file; the original lies beside it."""

    def reduced(codes: np.ndarray, kind: str, intent: str = "relative") -> Path:
        source = write_tiff(tmp_path / "original.tif", codes)
        with changed_presets("fast", steps=60, batch=512, samples=8192):
            reduce_image(source, tmp_path / f"reduced.{kind}", preset="fast", intent=intent, overwrite=True)
        return tmp_path / f"reduced.{kind}"

    return reduced


def petals_in_the_sea() -> np.ndarray:
    codes = NOISE.copy()
    codes[32:112, 48:128] = PETALS
    return codes


@pytest.mark.fit
@pytest.mark.parametrize(("kind", "version"), [("jpg", 2), ("avif", 2), ("png", 1)])
def test_blocks_are_marked_where_noise_looks_lost(kind: str, version: int, reduce: Reduce, tmp_path: Path) -> None:
    file = reduce(petals_in_the_sea(), kind)
    assert inspect_image(file).format_version == version
    if version == 2:
        result = expand_image(file, tmp_path / "restored.tif")
        # The petals' blocks are a tenth of the picture; the noise is the rest.
        assert 1 < result.og_pct < 15
    scores = evaluate(file, tmp_path / "original.tif")
    assert scores.plain.psnr_og is not None
    assert scores.restored.psnr_og is not None
    assert scores.restored.psnr_og > scores.plain.psnr_og + 3


def test_a_picture_that_blocks_spare_little_stays_of_version_1(reduce: Reduce) -> None:
    assert inspect_image(reduce(PETALS, "jpg")).format_version == 1


def test_a_picture_that_lost_nothing_marks_nothing(reduce: Reduce) -> None:
    grey = np.full((64, 64, 3), 30000, np.uint16)
    assert inspect_image(reduce(grey, "jpg")).format_version == 1
