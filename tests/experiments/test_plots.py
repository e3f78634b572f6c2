"""Figures: they can be told apart without colours, and where matplotlib is missing, one line says so."""

from __future__ import annotations

import io
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from PIL import Image

from gamutcli.experiments import plots
from gamutcli.experiments.folder import ResultsFolder
from gamutcli.experiments.plots import Curve
from gamutcli.experiments.size import STYLES

CURVES = [
    Curve(label, [(1000 * 2**at, 40 + at), (9000 * 2**at, 50 + at)], STYLES[label]) for at, label in enumerate(STYLES)
]


def published(folder: Path) -> tuple[tuple[Path, ...], tuple[str, ...]]:
    results = ResultsFolder(folder, "size", {}, plots.file_names("size"), overwrite=False)
    return plots.publish(results, "size", lambda: plots.quality_by_size(CURVES, 38.0, "Quality"))


def test_a_figure_is_published_as_png_and_svg(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    (png, svg), notes = published(tmp_path)
    assert notes == ()
    with Image.open(png) as drawn:
        assert drawn.format == "PNG"
        assert 1000 < drawn.width < 3000
        assert 600 < drawn.height < 2000
        assert len(drawn.convert("RGB").getcolors(1 << 20) or ()) > 50
    assert ElementTree.parse(svg).getroot().tag.endswith("svg")


def test_the_same_figures_are_the_same_bytes(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    first = [file.read_bytes() for file in published(tmp_path / "one")[0]]
    assert first == [file.read_bytes() for file in published(tmp_path / "two")[0]]


def test_curves_can_be_told_apart_without_their_colours() -> None:
    pytest.importorskip("matplotlib")
    (axes,) = plots.quality_by_size(CURVES, None, "Quality").axes
    looks = [(line.get_marker(), line.get_markerfacecolor() == "white") for line in axes.lines]
    assert len(set(looks)) == len(CURVES)
    assert [line.get_label() for line in axes.lines] == list(STYLES)


def test_bytes_are_on_a_logarithmic_scale_and_the_clip_is_a_line_across() -> None:
    pytest.importorskip("matplotlib")
    (axes,) = plots.quality_by_size(CURVES, 38.0, "Quality").axes
    assert axes.get_xscale() == "log"
    clip = axes.lines[-1]
    assert clip.get_label().startswith("clip")
    assert set(clip.get_ydata()) == {38.0}
    assert "10 KB" in [axes.xaxis.get_major_formatter()(value, 0) for value in axes.get_xticks()]


def test_a_curve_without_points_is_left_out() -> None:
    pytest.importorskip("matplotlib")
    curves = [*CURVES[:2], Curve("AVIF of the residual", [], {})]
    (axes,) = plots.quality_by_size(curves, None, "Quality").axes
    assert len(axes.lines) == 2


def test_drawing_leaves_matplotlib_as_it_was(tmp_path: Path) -> None:
    matplotlib = pytest.importorskip("matplotlib")
    before = dict(matplotlib.rcParams)
    published(tmp_path)
    assert dict(matplotlib.rcParams) == before


def test_without_matplotlib_one_line_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    files, (note,) = published(tmp_path)
    assert files == ()
    assert note == ("size.png and size.svg were not drawn, as matplotlib is not installed (pip install matplotlib)")
    assert not list(tmp_path.glob("size.*"))


def test_what_fails_in_drawing_is_not_taken_for_a_missing_matplotlib(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    results = ResultsFolder(tmp_path, "size", {}, (), overwrite=False)
    with pytest.raises(ModuleNotFoundError, match="elsewhere"):
        plots.publish(results, "size", lambda: __import__("elsewhere"))


def test_a_png_holds_no_time_and_no_version(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    (png, svg), _ = published(tmp_path)
    with Image.open(io.BytesIO(png.read_bytes())) as drawn:
        assert "Software" not in drawn.info
    assert b"dc:date" not in svg.read_bytes()
