"""Benchmarks measure what they say, and the README says what they measured."""

from __future__ import annotations

import runpy
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gamutcli.color.gamut import codes_to_prophoto
from tests.support.networks import noise

BENCH = Path(__file__).parent.parent / "bench"


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its scripts import each other as scripts do."""
    monkeypatch.syspath_prepend(str(BENCH))


def result(picture: str, method: str, psnr: float, size: int, seconds: float | None = 2.0) -> dict[str, object]:
    """A row as `gamut experiment table` writes it."""
    return {
        "picture": picture,
        "method": method,
        "bytes": size,
        "psnr_og": psnr,
        "de2000_og_mean": 0.5,
        "fit_seconds": seconds,
        "shown_de2000_mean": 0.4 if method == "soft" else None,
    }


def test_the_main_table_sums_up_gains_over_the_paper_and_over_avif(bench):
    import results

    rows = []
    for picture, gain in (("a", 1.0), ("b", 3.0), ("c", 8.0)):
        rows += [result(picture, "clip", 30, 0, None), result(picture, "23kb", 50, 20_000, 20.0)]
        rows += [result(picture, "balanced", 50 + gain, 13_000), result(picture, "avif-14000", 48, 13_900, None)]
    told = results.told({"rows": rows})
    assert "| `balanced`, the default | 13.0 KB | 54.0 dB | +4.0 / +3.0 / +1.0 | 0.50 | 0.10 |" in told
    assert "6.0 dB behind `balanced`" in told
    assert "Not measured in this run: soft clip" in told
    assert "3 pictures" in told


def test_drift_is_told_where_it_is_more_than_the_tolerance(bench):
    import table

    row = [20.0, 35.0, 46.0, 3.5, 0.8, 36.0, 60.0, 3.3, 0.25, 13_500.0]
    published = table.shown([("one", row), ("mean", row)])
    assert not list(table.differences(published, [("one", row), ("mean", row)]))
    near, far = [*row[:6], 60.9, *row[7:]], [*row[:6], 61.2, *row[7:]]
    assert not list(table.differences(published, [("one", near), ("mean", near)]))
    (told,) = table.differences(published, [("one", far), ("mean", near)])
    assert "one, restored: 60.0 is published, 61.20 measured" in told
    (rows,) = table.differences(published, [("another", row), ("mean", row)])
    assert "another" in rows


def test_figures_are_written_between_their_comments_only(bench, tmp_path):
    import figures

    page = tmp_path / "README.md"
    page.write_text("a\n<!-- figures: x, by `make x` -->\nold\n<!-- /figures -->\nb\n")
    figures.publish("x", "new", True, page)
    assert page.read_text() == "a\n<!-- figures: x, by `make x` -->\nnew\n<!-- /figures -->\nb\n"
    with pytest.raises(SystemExit, match="no block of figures named y"):
        figures.publish("y", "new", True, page)


@pytest.mark.parametrize(
    "script", ["results.py", "speed.py", "table.py", "large.py", "figure.py", "alternatives.py", "differences.py"]
)
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


def measured(series: str, seconds: list[float], psnr: float = 55.0) -> dict[str, object]:
    """A file as bench.py writes it: one command, one picture."""
    runs = {"runs": [[value, 2 * value, 300] for value in seconds]}
    figures = {"reduce": runs, "quality, a": [20.0, 35.0, 46.0, 3.5, 0.8, 36.0, psnr, 3.3, 0.25, 9000.0]}
    return {"series": series, "date": "2026-11-27", "machine": "a machine", "figures": figures}


def test_runs_in_turn_tell_a_small_change_from_a_drift(bench):
    import compare

    drifting = [5.0, 6.0, 8.0]
    faster = measured("s", [value * 0.94 for value in drifting])
    rows = list(compare.moved(measured("s", drifting), faster))
    assert rows == [
        ("reduce", "wall s", "6.00", "5.64", "x 0.94"),
        ("reduce", "CPU s", "12.00", "11.28", "x 0.94"),
    ]
    assert list(compare.moved(measured("s", drifting), measured("other", [value * 0.94 for value in drifting]))) == []
    assert list(compare.moved(measured("s", [5.0, 6.0, 8.0]), measured("s", [5.1, 5.8, 8.1]))) == []


def test_without_turns_only_what_lies_beyond_all_runs_has_moved(bench):
    import compare

    old, new = measured("a", [5.0, 6.0]), measured("b", [7.0, 7.5])
    assert [row[1] for row in compare.moved(old, new)] == ["wall s", "CPU s"]
    assert "were not measured in turn" in compare.told(old, new)


def test_quality_has_no_noise_but_a_step_that_matters(bench):
    import compare

    old = measured("a", [5.0])
    assert compare.told(old, measured("a", [5.0], psnr=55.09)) == "Nothing moved beyond noise."
    assert "restored | 55.00 | 54.80 | -0.20" in compare.told(old, measured("a", [5.0], psnr=54.8))


def test_figures_of_other_days_come_with_what_else_the_machine_did(bench):
    import compare

    before, after = measured("a", [5.0]), {**measured("b", [5.0]), "load": 14.5}
    told = compare.told(before, after)
    assert "before: a machine, 2026-11-27\n" in told
    assert told.endswith("after: a machine, 2026-11-27, 14.5 processes at the start")
