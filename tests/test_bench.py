"""The benchmark measures what it says: gains over the paper and over an AVIF residual of at most the given bytes."""

from __future__ import annotations

import json
import runpy
from pathlib import Path

import numpy as np
import pytest
from networks import noise
from pictures import wide_codes, write_tiff
from PIL import Image

from gamutcli.experiments import avif
from gamutcli.model import codes_to_prophoto

BENCH = Path(__file__).parent.parent / "bench"

needs_avif = pytest.mark.skipif(not avif.AVAILABLE, reason="this imagecodecs cannot write AVIF")


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its scripts import each other as scripts do."""
    monkeypatch.syspath_prepend(str(BENCH))


@pytest.fixture
def tiff(tmp_path: Path) -> Path:
    return write_tiff(tmp_path / "wide.tif", wide_codes(48, 64))


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


@needs_avif
def test_the_avif_residual_is_told_for_every_size(bench, tiff, monkeypatch, capsys):
    import avif_residual

    monkeypatch.setattr("sys.argv", ["avif_residual.py", "--bytes", "100,1500", "--speed", "8", str(tiff)])
    avif_residual.main()
    nothing, something = capsys.readouterr().out.splitlines()
    assert nothing.endswith("nothing fits")
    assert " dB " in something


@pytest.mark.fit
@needs_avif
def test_it_prints_and_writes_every_method(bench, tiff, tmp_path, capsys):
    import quality

    quality.main(["--no-paper", "--presets", "fast", "--avif", "1500", "--json", str(tmp_path / "f.json"), str(tiff)])
    written = json.loads((tmp_path / "f.json").read_text("utf-8"))
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
