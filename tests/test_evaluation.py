"""The figures of `evaluate` are those of the definitions."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import tifffile

from gamutcli.evaluation import evaluate
from gamutcli.payload_files import inspect_image
from gamutcli.reduce import reduce_image
from tests.support import reference
from tests.support.pictures import write_tiff
from tests.support.pipeline import CROPS, PHOTO, extensions, pixels

pytestmark = pytest.mark.usefixtures("cheap")


@extensions
def test_evaluate_agrees_with_the_definitions(album: Path, extension: str) -> None:
    truth = reference.prophoto_linear(PHOTO)
    found = evaluate(album / f"photo.{extension}", album / "photo.tif")
    pictures = {
        "plain": reference.plain(pixels(album / f"photo.{extension}")),
        "restored": reference.prophoto_linear(tifffile.imread(album / f"photo-{extension}.tif")),
    }
    for name, picture in pictures.items():
        expected, scores = reference.figures(picture, truth), getattr(found, name)
        assert scores.psnr_all == pytest.approx(expected.psnr_all, abs=0.01)
        assert scores.psnr_og == pytest.approx(expected.psnr_og, abs=0.01)
        assert scores.psnr_in == pytest.approx(expected.psnr_in, abs=0.01)
        assert scores.psnr_og == pytest.approx(-20 * math.log10(scores.rmse_og), abs=1e-6)
        assert found.og_pct == pytest.approx(expected.og_pct, abs=0.05)


@extensions
def test_reduce_reports_what_evaluate_measures(extension: str, tmp_path: Path) -> None:
    photo = write_tiff(tmp_path / "photo.tif", CROPS["fabrics"])
    said = reduce_image(photo, tmp_path / f"a.{extension}", preset="fast")
    found = evaluate(tmp_path / f"a.{extension}", photo)
    for name in ("all", "og"):
        assert getattr(said, f"psnr_{name}") == pytest.approx(getattr(found.restored, f"psnr_{name}"), abs=0.02)
        assert getattr(said, f"clip_psnr_{name}") == pytest.approx(getattr(found.plain, f"psnr_{name}"), abs=0.02)
    assert said.og_pct == found.og_pct
    assert said.payload_bytes == found.payload_bytes
    assert found.fit_seconds is None or found.fit_seconds == pytest.approx(said.fit_seconds, abs=0.001)
    info = inspect_image(tmp_path / f"a.{extension}")
    assert (info.payload_bytes, info.hidden, info.layers, info.model) == (
        said.payload_bytes,
        said.hidden,
        said.layers,
        said.model,
    )
    assert (info.width, info.height, info.status, info.carrier) == (96, 64, "ok", said.carrier)


@extensions
def test_a_restored_file_gets_the_figures_of_the_reduced_one(album: Path, extension: str) -> None:
    in_memory = evaluate(album / f"photo.{extension}", album / "photo.tif").restored
    on_disk = evaluate(album / f"photo-{extension}.tif", album / "photo.tif").restored
    for name in ("psnr_all", "psnr_og", "psnr_in", "de2000_og_mean", "de2000_og_p99"):
        assert getattr(on_disk, name) == pytest.approx(getattr(in_memory, name), abs=0.01)
