"""gamut experiment table: every method on every picture, each measured once."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest

from gamutcli.color.gamut import og_mask
from gamutcli.color.spaces import PROPHOTO, SRGB, rgb_to_rgb
from gamutcli.errors import InputError, OutputError, UsageError
from gamutcli.experiments import methods
from gamutcli.experiments.methods import KEYS, choose_methods, starts_in, title_of
from gamutcli.experiments.published import PUBLISHED
from gamutcli.experiments.runner import Findings, Job
from gamutcli.experiments.table import table
from gamutcli.experiments.table_output import COLUMNS
from gamutcli.fitting.presets import PAPER_INPUTS, PAPER_MODELS
from gamutcli.weights import Weights, pack_weights
from tests.support.pictures import wide_codes, write_tiff

STEPS_SCALE = 0.002
QUICK = ("clip", "soft", "11kb")


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A folder with two pictures."""
    folder = tmp_path / "photos"
    folder.mkdir()
    write_tiff(folder / "a.tif", wide_codes(40, 60))
    write_tiff(folder / "b.tif", wide_codes(50, 44))
    return folder


@pytest.fixture
def fits(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names the networks of the paper that are fitted meanwhile."""
    done: list[str] = []

    def counting(scene: Any, preset: Any, *rest: Any) -> Any:
        done.append(f"{preset.hidden}")
        return fit(scene, preset, *rest)

    fit = methods.fit_as_the_paper
    monkeypatch.setattr(methods, "fit_as_the_paper", counting)
    return done


def measured(photos: Path, *names: str, overwrite: bool = False, seed: int = 0, **more: Any) -> Findings:
    pictures = tuple(sorted(photos.iterdir()))
    job = Job(pictures, photos.parent / "out", STEPS_SCALE, seed, overwrite)
    return table(job, names or None, **more)


def written(photos: Path, name: str) -> Any:
    content = (photos.parent / "out" / name).read_bytes()
    return json.loads(content) if name.endswith(".json") else content.decode()


def some_weights(model: str, seed: int = 0, unit: float | None = 0.5) -> Weights:
    random, hidden = np.random.default_rng(seed), PAPER_MODELS[model]
    shapes = pairwise([PAPER_INPUTS.size, hidden, hidden, 3])
    layers = tuple(random.normal(0, 0.05, (after, before)).astype(np.float32) for before, after in shapes)
    return Weights(PAPER_INPUTS, layers, unit, {"made": "at random"})


# The figures


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Findings]:
    """All methods on one picture. Read only."""
    photos = tmp_path_factory.mktemp("everything") / "photos"
    photos.mkdir()
    write_tiff(photos / "a.tif", wide_codes(40, 60))
    return photos, measured(photos, starts={model: some_weights(model) for model in PAPER_MODELS})


def test_every_method_has_a_row_with_every_figure(everything: tuple[Path, Findings]) -> None:
    rows = everything[1].data["rows"]
    assert tuple(row["method"] for row in rows) == KEYS
    for row in rows:
        assert set(row) == set(COLUMNS)
        for name in ("bytes", "rmse_all", "rmse_og", "psnr_all", "psnr_og", "de2000_og_mean"):
            assert row[name] is not None, (row["method"], name)
        assert (row["fit_seconds"] is None) == (row["method"] in ("clip", "soft"))
        assert (row["weights"] is not None) == row["method"].endswith("-meta")


def test_the_clip_is_what_anybody_would_compute(everything: tuple[Path, Findings]) -> None:
    truth = PROPHOTO.cctf_decoding(wide_codes(40, 60) / 65535)
    srgb_linear = truth @ rgb_to_rgb(PROPHOTO, SRGB).T
    codes = np.round(SRGB.cctf_encoding(srgb_linear.clip(0, 1)) * 255)
    shown = SRGB.cctf_decoding(codes / 255) @ rgb_to_rgb(SRGB, PROPHOTO).T
    restored = PROPHOTO.cctf_decoding(np.round(PROPHOTO.cctf_encoding(shown.clip(0, 1)) * 65535) / 65535)
    squared = ((restored - truth) ** 2).mean(axis=-1)
    og = squared[og_mask(srgb_linear.astype(np.float32))]
    clip = everything[1].data["rows"][0]
    assert clip["bytes"] == 0
    assert clip["rmse_all"] == pytest.approx(np.sqrt(squared.mean()), rel=1e-3)
    assert clip["psnr_all"] == pytest.approx(-10 * np.log10(squared.mean()), abs=0.01)
    assert clip["rmse_og"] == pytest.approx(np.sqrt(og.mean()), rel=1e-3)
    assert clip["psnr_og"] == pytest.approx(-10 * np.log10(og.mean()), abs=0.01)


@pytest.mark.parametrize(("model", "hidden"), [("11kb", 16), ("23kb", 32), ("53kb", 64), ("137kb", 128)])
def test_the_papers_bytes_are_those_of_its_weights_as_float32(
    everything: tuple[Path, Findings], model: str, hidden: int
) -> None:
    waves = 5 * 12 * 2  # five inputs, twelve octaves, a sine and a cosine
    weights = waves * hidden + hidden * hidden + hidden * 3
    for row in everything[1].data["rows"]:
        if row["method"] in (model, f"{model}-meta"):
            assert row["bytes"] == 4 * weights


def test_soft_clip_takes_four_numbers_and_says_what_it_costs_the_picture(everything: tuple[Path, Findings]) -> None:
    soft = everything[1].data["rows"][1]
    assert soft["bytes"] == 16
    assert 0 < soft["shown_de2000_mean"] < 20
    assert f"dE2000 {soft['shown_de2000_mean']:.2f}" in everything[1].text


def test_ours_take_the_bytes_of_the_file(everything: tuple[Path, Findings], tmp_path: Path) -> None:
    from gamutcli import evaluate
    from gamutcli.experiments.ours import preset_named
    from gamutcli.fitting import presets
    from gamutcli.reduce import reduce_image

    photo = everything[0] / "a.tif"
    assert presets.PRESETS["fast"].steps > preset_named("fast", STEPS_SCALE).steps
    reduced = reduce_image(photo, tmp_path / "a.png", preset=preset_named("fast", STEPS_SCALE), device="cpu")
    found = evaluate(tmp_path / "a.png", photo, device="cpu").restored
    row = next(row for row in everything[1].data["rows"] if row["method"] == "fast")
    assert row["bytes"] == reduced.payload_bytes
    assert row["psnr_og"] == pytest.approx(found.psnr_og)
    assert row["de2000_og_mean"] == pytest.approx(found.de2000_og_mean)


def test_names_are_the_papers() -> None:
    assert [title_of(key) for key in ("clip", "soft", "23kb", "137kb-meta", "best")] == [
        "clip",
        "soft clip",
        "23 KB + enc",
        "137 KB + enc + meta",
        "best",
    ]


# Means


def test_means_are_those_of_the_pictures(photos: Path) -> None:
    found = measured(photos, "clip", "soft").data
    for mean in found["mean"]:
        rows = [row for row in found["rows"] if row["method"] == mean["method"]]
        assert len(rows) == 2
        for name in ("bytes", "rmse_og", "psnr_all", "psnr_og", "de2000_og_mean"):
            assert mean[name] == pytest.approx(np.mean([row[name] for row in rows]))


def test_an_infinite_psnr_is_null_and_left_out_of_the_mean(photos: Path) -> None:
    write_tiff(photos / "c.tif", np.zeros((10, 10, 3), np.uint16))
    findings = measured(photos, "clip")
    rows = written(photos, "table.json")["rows"]
    assert [row["psnr_all"] is None for row in rows] == [False, False, True]
    assert rows[2]["rmse_all"] == 0
    (mean,) = findings.data["mean"]
    assert mean["psnr_all"] == pytest.approx((rows[0]["psnr_all"] + rows[1]["psnr_all"]) / 2)
    assert mean["exact_all"] == 1
    assert any("clip: 1 exact" in note for note in findings.notes)
    assert any("without a pixel out of gamut" in note and "1 of 3" in note for note in findings.notes)
    assert "exact" in written(photos, "table.md").split("## c.tif")[1]


# Files


def test_the_files_agree(photos: Path) -> None:
    measured(photos, *QUICK)
    rows = written(photos, "table.json")["rows"]
    lines = list(csv.DictReader(io.StringIO(written(photos, "table.csv"))))
    assert len(lines) == len(rows) == 2 * len(QUICK)
    for line, row in zip(lines, rows, strict=True):
        assert list(line) == list(COLUMNS)
        assert line == {name: "" if row[name] is None else str(row[name]) for name in COLUMNS}


def test_the_json_tells_what_made_it(photos: Path) -> None:
    findings = measured(photos, *QUICK)
    found = written(photos, "table.json")
    assert found == findings.data
    assert found["settings"] == {"steps_scale": STEPS_SCALE, "seed": 0, "version": version("gamutcli")}
    assert "numpy" in found["versions"]
    assert [picture["picture"] for picture in found["pictures"]] == ["a.tif", "b.tif"]


def test_the_markdown_has_the_means_their_figures_and_every_picture(photos: Path) -> None:
    findings = measured(photos, *QUICK)
    text = written(photos, "table.md")
    assert findings.text in text
    for part in ("Mean over 2 pictures", "## a.tif", "## b.tif", "steps scale 0.002"):
        assert part in text
    for each in PUBLISHED:
        line = next(
            line
            for line in findings.text.splitlines()
            if f"| {title_of(each.method)} " in line and f"attempt {each.attempt}" in line
        )
        cells = [cell.strip() for cell in line.split("|")[3:-1]]
        figures = (each.rmse_all, each.rmse_og, each.psnr_all, each.psnr_og, each.fit_seconds)
        assert [None if cell == "-" else float(cell.replace(",", "")) for cell in cells] == list(figures)
    assert any("| 11 KB + enc " in line and "| " + "ours" in line for line in _squeezed(findings.text))
    assert "*its* pictures" in findings.text


def _squeezed(text: str) -> list[str]:
    return [" ".join(line.split()) for line in text.splitlines()]


# Going on


def test_what_was_measured_is_not_measured_again(photos: Path, fits: list[str]) -> None:
    first = measured(photos, *QUICK)
    assert fits == ["16", "16"]
    again = measured(photos, *QUICK)
    assert fits == ["16", "16"]
    assert again.data["rows"] == first.data["rows"]


def test_a_killed_run_goes_on(photos: Path, fits: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(methods, "fit_as_the_paper", killed)
        with pytest.raises(KeyboardInterrupt):
            measured(photos, *QUICK)
    kept = json.loads((photos.parent / "out" / "table-records" / "a.tif.json").read_bytes())
    assert [row["method"] for row in kept["rows"]] == ["clip", "soft"]
    findings = measured(photos, *QUICK)
    assert fits == ["16", "16"]
    assert findings.data["rows"][:2] == [{"picture": "a.tif", **row} for row in kept["rows"]]


def test_more_methods_are_added(photos: Path, fits: list[str]) -> None:
    measured(photos, "11kb")
    findings = measured(photos, "23kb", "clip", "11kb")
    assert fits == ["16", "16", "32", "32"]
    assert [row["method"] for row in findings.data["mean"]] == ["clip", "11kb", "23kb"]


def test_a_changed_picture_is_measured_again(photos: Path, fits: list[str]) -> None:
    before = measured(photos, "11kb").data["rows"]
    write_tiff(photos / "b.tif", wide_codes(48, 44))
    after = measured(photos, "11kb").data["rows"]
    assert len(fits) == 3
    assert after[0] == before[0]
    assert after[1]["rmse_og"] != before[1]["rmse_og"]


def test_other_settings_are_refused_unless_it_shall_start_anew(photos: Path, fits: list[str]) -> None:
    measured(photos, "11kb")
    with pytest.raises(UsageError, match="other settings"):
        measured(photos, "11kb", seed=1)
    findings = measured(photos, "11kb", seed=1, overwrite=True)
    assert len(fits) == 4
    assert findings.data["settings"]["seed"] == 1


# Which methods


def test_without_weights_rows_are_left_out_and_it_says_so(photos: Path) -> None:
    keys = [method.key for method in choose_methods(None, {"23kb": some_weights("23kb")})]
    assert keys == [key for key in KEYS if not key.endswith("-meta") or key == "23kb-meta"]
    findings = table(Job((photos / "a.tif",), photos.parent / "out", STEPS_SCALE))
    assert any("53 KB + enc + meta" in note and "--weights" in note for note in findings.notes)


def test_methods_of_a_number_of_bytes_stay_within_them(photos: Path) -> None:
    names = ["clip", "max-2500", "avif-900"]
    rows = measured(photos, *names).data["rows"]
    plain, limited, avif = (next(row for row in rows if row["method"] == name) for name in names)
    assert 0 < limited["bytes"] <= 2500
    assert 0 < avif["bytes"] <= 900
    assert avif["psnr_og"] > plain["psnr_og"]


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["max-"], "unknown method 'max-'; choose from .*max-BYTES"),
        (["clip", "24kb"], "unknown method '24kb'; choose from clip, soft, 11kb"),
        ([], "no method named"),
        (["23kb-meta"], "23kb-meta: no weights to start from.*--weights"),
    ],
)
def test_methods_that_cannot_be_measured_are_refused(names: list[str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        choose_methods(names, {})


def test_fits_start_from_the_weights(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []
    fit = methods.fit_as_the_paper

    def watching(scene: Any, preset: Any, seed: int, start_weights: Any) -> Any:
        seen.append((preset.steps, preset.residual_unit, start_weights))
        return fit(scene, preset, seed, start_weights)

    monkeypatch.setattr(methods, "fit_as_the_paper", watching)
    weights = some_weights("11kb", unit=0.25)
    findings = measured(photos, "11kb", "11kb-meta", starts={"11kb": weights})
    plain, meta = seen[:2]
    assert plain == (round(9000 * STEPS_SCALE), 0.5, None)
    assert meta == (round(1200 * STEPS_SCALE), 0.25, weights.weights)
    assert findings.data["meta"]["11kb"] == {"sha256": weights.digest, "made": "at random"}


def test_pictures_that_the_weights_know_are_told_where_they_are_used(photos: Path) -> None:
    weights = replace(some_weights("11kb"), provenance={"pictures": "b-0.tif, b-1.tif"})
    note = "b.tif: the weights of the meta-initialisation were learned from versions of these pictures"
    findings = measured(photos, "clip", "11kb-meta", starts={"11kb": weights})
    assert any(each.startswith(note) for each in findings.notes)
    assert note in written(photos, "table.md")
    assert not any(note in each for each in measured(photos, "clip", starts={"11kb": weights}).notes)


@pytest.mark.parametrize("other", [some_weights("11kb", seed=1), some_weights("11kb", seed=0, unit=None)])
def test_rows_of_other_weights_are_not_mixed_in(photos: Path, fits: list[str], other: Weights) -> None:
    before = measured(photos, "11kb-meta", starts={"11kb": some_weights("11kb", seed=0)}).data["rows"]
    rows = measured(photos, "11kb-meta", starts={"11kb": other}).data["rows"]
    assert len(fits) == 4
    assert rows[0]["rmse_all"] != before[0]["rmse_all"]
    assert other.digest[:12] in rows[0]["weights"] == rows[1]["weights"]


def test_weights_are_found_by_their_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(methods, "find_shipped", lambda shape: some_weights("53kb") if shape.hidden == 64 else None)
    mine = some_weights("23kb", seed=3)
    (tmp_path / "paper-23kb.safetensors").write_bytes(pack_weights(mine))
    found = starts_in(tmp_path)
    assert {model: weights.digest for model, weights in found.items()} == {
        "23kb": mine.digest,
        "53kb": some_weights("53kb").digest,
    }
    assert set(starts_in(None)) == {"53kb"}


def test_a_folder_without_weights_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"holds none of paper-11kb\.safetensors"):
        starts_in(tmp_path)


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    (tmp_path / "paper-23kb.safetensors").write_bytes(pack_weights(some_weights("11kb")))
    with pytest.raises(InputError, match=r"paper-23kb\.safetensors: holds the weights of another network"):
        starts_in(tmp_path)


# Pictures


def test_an_untagged_png_is_taken_as_prophoto(photos: Path) -> None:
    (photos / "b.tif").unlink()
    (photos / "a.png").write_bytes(imagecodecs.png_encode(wide_codes(40, 60)))
    findings = measured(photos, "clip", "soft", "fast", report_file=photos.parent / "out" / "report.html")
    rows = findings.data["rows"]
    tagged = [{**row, "fit_seconds": None} for row in rows if row["picture"] == "a.tif"]
    untagged = [{**row, "fit_seconds": None, "picture": "a.tif"} for row in rows if row["picture"] == "a.png"]
    assert tagged == untagged
    assert any("taken as ProPhoto" in note for note in findings.data["pictures"][0]["notes"])
    assert "taken as ProPhoto" in written(photos, "table.md")


# The report


def test_the_report_starts_with_the_table_and_shows_every_picture(
    photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    findings = measured(photos, "clip", "soft", report_file=photos.parent / "out" / "report.html")
    assert photos.parent / "out" / "report.html" in findings.files
    page = written(photos, "report.html")
    assert page.index("Mean over 2 pictures") < page.index("soft clip") < page.index('<article id="picture-1">')
    assert page.count("<article") == 2
    assert "a.png" in page
    # A run that resumes takes the reduced pictures from before.
    monkeypatch.setattr("gamutcli.experiments.table.reduce_image", None)
    measured(photos, "clip", "soft", report_file=photos.parent / "again.html")
    assert (photos.parent / "again.html").read_text("utf-8") == page


def test_the_report_names_no_option_that_nobody_gave(photos: Path) -> None:
    write_tiff(photos / "a.tif", wide_codes(40, 60), space="displayp3")
    write_tiff(photos / "b.tif", wide_codes(40, 60), space=None)
    measured(photos, "clip", report_file=photos.parent / "out" / "report.html")
    page = written(photos, "report.html")
    assert "converted to ProPhoto RGB" in page
    assert "--assume-profile" not in page


def test_an_existing_report_is_not_replaced_unasked(photos: Path) -> None:
    page = photos.parent / "page.html"
    page.write_text("mine")
    with pytest.raises(OutputError, match="exists already"):
        measured(photos, "clip", report_file=page)
    assert page.read_text("utf-8") == "mine"


def test_of_a_changed_picture_the_report_shows_the_new_one(photos: Path) -> None:
    (photos / "b.tif").unlink()
    measured(photos, "clip", report_file=photos.parent / "page.html")
    write_tiff(photos / "a.tif", wide_codes(33, 47))
    measured(photos, "clip", report_file=photos.parent / "out" / "report.html")
    assert "47 × 33" in written(photos, "report.html")
