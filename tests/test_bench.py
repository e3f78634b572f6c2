"""The benchmark measures what it says: an AVIF residual of at most the given bytes, and gains over the paper."""

from __future__ import annotations

import json
import runpy
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from networks import noise
from pictures import wide_codes, write_tiff
from PIL import Image

from gamutcli.model import codes_to_prophoto

BENCH = Path(__file__).parent.parent / "bench"


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its scripts import each other as scripts do."""
    monkeypatch.syspath_prepend(str(BENCH))


@pytest.fixture
def avif(bench: None) -> ModuleType:
    import avif_residual

    if not avif_residual.AVAILABLE:
        pytest.skip("this imagecodecs cannot write AVIF")
    return avif_residual


@pytest.fixture
def tiff(tmp_path: Path) -> Path:
    return write_tiff(tmp_path / "wide.tif", wide_codes(48, 64))


def residual(avif, tiff, extension="png"):
    from originals import Picture

    picture = Picture(tiff, extension)
    return picture, avif.AvifResidual(picture.original, picture.plain, picture.corrected, speed=8)


@pytest.mark.parametrize("extension", ["png", "jpg"])
def test_avif_residual_is_better_than_the_clip_and_within_its_bytes(avif, tiff, extension):
    picture, files = residual(avif, tiff, extension)
    for size in (600, 1500):
        found = files.within(size)
        assert found.size == len(found.data) + avif.SCALE_BYTES <= size
        assert found.psnr_og > picture.plain_scores.psnr_og + 3


def test_more_bytes_are_never_worse(avif, tiff):
    _, files = residual(avif, tiff)
    decibels = [files.within(size).psnr_og for size in (500, 1000, 4000)]
    assert decibels == sorted(decibels)
    assert decibels[0] < decibels[-1]


def test_its_psnr_is_that_of_the_restored_picture(avif, tiff):
    picture, files = residual(avif, tiff)
    found = files.within(1000)
    restored = files.restored(found)
    assert found.psnr_og == pytest.approx(picture.scores(restored).psnr_og, abs=1e-3)
    untouched = ~picture.corrected
    np.testing.assert_array_equal(restored[untouched], picture.plain[untouched].clip(0, 1))


def test_no_file_is_smaller_than_its_header(avif, tiff):
    assert residual(avif, tiff)[1].within(100) is None


def test_a_picture_without_lost_colours_needs_no_file(avif, tmp_path):
    grey = write_tiff(tmp_path / "grey.tif", np.full((8, 8, 3), 30000, np.uint16))
    assert residual(avif, grey)[1].within(5000) is None


def test_gains_are_summed_up_over_pictures(bench):
    import quality

    def rows(paper: float, fast: float | None, seconds: float) -> list:
        gain = None if fast is None else fast - paper
        return [
            quality.Row("paper", paper, 50.0, 1.0, 20_000, fit_s=40.0, over_paper=0.0),
            quality.Row("fast", fast, 50.0, 1.0, 10_000, fit_s=seconds, over_paper=gain),
        ]

    found = quality.summary({"a": rows(40, 41, 1), "b": rows(40, 43, 2), "c": rows(50, 58, 3), "d": rows(50, None, 2)})
    assert found["fast"]["over_paper"] == {"mean": 4.0, "median": 3.0, "worst": 1.0}
    assert found["fast"]["fit_share"] == 2 / 40
    assert found["fast"]["bytes"] == 10_000
    assert found["fast"]["over_avif"] is None


def test_it_prints_and_writes_every_method(avif, tiff, tmp_path, capsys):
    import quality

    quality.main(["--no-paper", "--presets", "fast", "--avif", "1500", "--json", str(tmp_path / "f.json"), str(tiff)])
    written = json.loads((tmp_path / "f.json").read_text())
    methods = ["clip", "AVIF 1,500 B", "fast"]
    assert [row["method"] for row in written["pictures"]["wide"]] == list(written["summary"]) == methods
    fast = written["pictures"]["wide"][-1]
    assert fast["psnr_og"] > written["pictures"]["wide"][0]["psnr_og"] + 10
    assert fast["reduce_s"] > fast["fit_s"] > 0
    printed = capsys.readouterr().out
    assert all(f"| {method} " in printed for method in methods)


@pytest.mark.parametrize("script", ["quality.py", "speed.py", "table.py", "avif_residual.py"])
def test_every_script_tells_its_use(bench, script, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", [script, "--help"])
    with pytest.raises(SystemExit, match="0"):
        runpy.run_path(str(BENCH / script), run_name="__main__")
    assert "usage" in capsys.readouterr().out


def test_what_moves_pixels_moves_originals_likewise(bench: None) -> None:
    from pixels import operations

    codes = noise(41, 53)
    groups = dict(operations())
    moving = {name: each for name, each in groups["Turned"].items() if "%" not in name and "JPEG" not in name}
    moving |= {f"by {percent} %": groups["Cropped"][f"by {percent} %"] for percent in (1, 20)}
    for name, operation in moving.items():
        changed = np.asarray(operation.change(Image.fromarray(codes)))
        np.testing.assert_array_equal(changed, operation.move(codes), err_msg=name)


def test_a_resized_original_is_what_a_tool_makes_of_its_codes(bench: None) -> None:
    from pixels import resized

    codes = noise(40, 52) // 2 + 60  # far from being clipped
    operation = resized(0.5)
    moved = operation.move(codes_to_prophoto(codes, "bradford"))
    changed = codes_to_prophoto(np.asarray(operation.change(Image.fromarray(codes))), "bradford")
    np.testing.assert_allclose(moved, changed, atol=0.006)
