"""gamut experiment why: each deviation is a world of its own, judged by the truth and by what it believes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import fields, replace
from importlib.metadata import version
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from gamutcli import parallel
from gamutcli.arrays import Code16Array, FloatArray
from gamutcli.color.gamut import og_mask
from gamutcli.color.icc import read_profile, write_profile
from gamutcli.color.spaces import PROPHOTO
from gamutcli.errors import InputError
from gamutcli.experiments import descent, recipe, starts, variants, why_output
from gamutcli.experiments.deviations import NONE, Deviations, World, any_outside
from gamutcli.experiments.runner import Job
from gamutcli.experiments.variants import PAPER_SCALING, draw_world, fit_in, scaling_for_all, verdict_of
from gamutcli.experiments.why import CASES, Beginnings, why
from gamutcli.fitting.fit import Fit, fit
from gamutcli.fitting.presets import PAPER_INPUTS, Preset
from gamutcli.fitting.sample import Sample
from gamutcli.images.original import Original, clip_to_srgb
from gamutcli.network import predict
from gamutcli.network.shape import FloatNetwork
from gamutcli.weights import Weights, pack_weights
from tests.support import reference
from tests.support.commands import Gamut
from tests.support.pictures import wide_codes, write_tiff
from tests.support.reference import Doubles

PRESET = recipe.preset_of("11kb", 40)
HEIGHT, WIDTH = 60, 90
WHOLE = slice(0, HEIGHT)
ONE_BY_ONE = [Deviations(**{field.name: True}) for field in fields(Deviations)]
TOGETHER = Deviations(*[True] * len(ONE_BY_ONE))


def original_of(codes: Code16Array) -> Original:
    return Original(codes, read_profile(write_profile(PROPHOTO)))


@pytest.fixture
def original(monkeypatch: pytest.MonkeyPatch) -> Original:
    """A picture walked in seven strips."""
    monkeypatch.setattr(parallel, "STRIP_PIXELS", 10 * WIDTH - 1)
    return original_of(wide_codes(HEIGHT, WIDTH))


def world_of(original: Original, deviations: Deviations = NONE, **more: bool) -> World:
    return World(original, replace(deviations, **more), PRESET.adaptation)


def right_network(world: World) -> FloatNetwork:
    """One that corrects nothing."""
    hidden = PRESET.hidden
    shapes = [(hidden, PAPER_INPUTS.size), (hidden, hidden), (3, hidden)]
    return FloatNetwork(PAPER_INPUTS, tuple(np.zeros(shape, np.float32) for shape in shapes), 1.0)


def code_steps(values: FloatArray, truth: FloatArray) -> float:
    """Largest difference between two linear pictures, in 16-bit codes."""
    encoded = [PROPHOTO.cctf_encoding(linear.astype(np.float64)) for linear in (values, truth)]
    return float(65535 * np.abs(encoded[0] - encoded[1]).max())


# Without deviations.


@pytest.mark.fit
def test_no_deviation_is_the_paper_recipe(original: Original) -> None:
    scene = recipe.scene_of(original, PRESET)
    expected = recipe.fit_as_the_paper(scene, PRESET, seed=3)
    world = world_of(original)
    found = fit_in(world, PRESET, seed=3)
    assert found.steps == PRESET.steps
    for weight, wanted in zip(found.network.weights, expected.network.weights, strict=True):
        np.testing.assert_allclose(weight, wanted, atol=1e-5)
    verdict, scores = verdict_of(world, found.network, world.codes), recipe.judge_fit(scene, expected.network)
    plain = recipe.judge_fit(scene, None)
    assert plain.psnr_og is not None
    assert scores.psnr_og is not None
    assert scores.psnr_og > plain.psnr_og + 1
    assert verdict.psnr_og == pytest.approx(scores.psnr_og, abs=1e-3)
    assert verdict.psnr_all == pytest.approx(scores.psnr_all, abs=1e-3)
    assert verdict.clip_psnr_og == pytest.approx(plain.psnr_og, abs=1e-3)
    assert verdict.de2000_delivered == 0


@pytest.mark.fit
def test_without_deviation_the_own_figures_are_the_true_ones(original: Original) -> None:
    world = world_of(original)
    verdict = verdict_of(world, fit_in(world, PRESET, 0).network, world.codes)
    assert verdict.own_psnr_og == pytest.approx(verdict.psnr_og, abs=0.01)
    assert verdict.own_psnr_all == pytest.approx(verdict.psnr_all, abs=0.01)
    assert verdict.own_clip_psnr_og == pytest.approx(verdict.clip_psnr_og, abs=0.01)


def test_the_network_of_the_model_sees_and_predicts_the_same(original: Original) -> None:
    """The forward pass here, from values, is that of the decoder, from codes."""
    world = world_of(original)
    network = fit_in(world, PRESET, 0).network
    rows = slice(20, 29)
    predictor = predict.Predictor(network, world.codes, world.adaptation)
    expected = world.plain(rows).reshape(-1, 3) + predictor.residuals(rows, np.arange(9 * WIDTH))
    found = variants.Expansion(network, world, world.plain).strip(rows)
    np.testing.assert_allclose(found.reshape(-1, 3), expected, atol=1e-5)


# What each deviation does.


@pytest.mark.parametrize("deviations", [*ONE_BY_ONE, TOGETHER], ids=str)
def test_restored_truth_is_the_original(original: Original, deviations: Deviations) -> None:
    """Whatever a variant believes, the right residuals would give the right picture, as far as it read it."""
    world = world_of(original, deviations)
    network = right_network(world)
    plain = variants.Expansion(network, world, world.plain).strip(WHOLE)
    residuals = world.truth(WHOLE) - plain
    found = world.restored(plain + residuals)
    assert code_steps(found, original.strip(WHOLE)) <= (129 if deviations.eight_bits else 1)


def test_a_reads_at_most_256_values_a_channel(original: Original) -> None:
    own, true = world_of(original, eight_bits=True).truth(WHOLE), world_of(original).truth(WHOLE)
    ramp = original_of(np.arange(65536, dtype=np.uint16).reshape(256, 256, 1).repeat(3, axis=2))
    everything = world_of(ramp, eight_bits=True).truth(slice(0, 256))
    assert [len(np.unique(everything[..., channel])) for channel in range(3)] == [256] * 3
    assert len(np.unique(true)) > 1000
    encoded = 255 * PROPHOTO.cctf_encoding(own)
    np.testing.assert_allclose(encoded, np.round(original.codes / 257), atol=1e-3)


def test_b_puts_blue_first_and_keeps_the_matrix(original: Original) -> None:
    world = world_of(original, swapped=True)
    np.testing.assert_array_equal(world.truth(WHOLE), original.strip(WHOLE)[..., ::-1])
    linear = reference.prophoto_linear(original.codes)[..., ::-1] @ reference.prophoto_to_srgb("cat02").T
    assert np.abs(world.codes.astype(int) - reference.srgb_codes(linear)).max() <= 1
    # A file is written in the order in which it was read.
    np.testing.assert_array_equal(world.delivered(WHOLE), world.codes[..., ::-1])


def test_c_takes_encoded_values_for_light(original: Original) -> None:
    world = world_of(original, encoded=True)
    np.testing.assert_allclose(world.truth(WHOLE), original.codes / 65535, atol=1e-6)
    np.testing.assert_allclose(PROPHOTO.cctf_decoding(world.truth(WHOLE)), original.strip(WHOLE), atol=1e-5)
    linear = original.codes / 65535 @ reference.prophoto_to_srgb("cat02").T
    assert np.abs(world.codes.astype(int) - reference.srgb_codes(linear)).max() <= 1


def test_d_sees_what_no_file_holds(original: Original) -> None:
    world = world_of(original, unrounded=True)
    np.testing.assert_array_equal(world.codes, clip_to_srgb(original, PRESET.adaptation))
    inside = ~world.mask(world.truth(WHOLE))
    assert 0.1 < inside.mean() < 0.9
    # Nothing is lost in gamut, as nothing is rounded.  (The mask matches whites in another way than the recipe.)
    lost = np.abs(world.seen(WHOLE) - world.truth(WHOLE))[inside]
    assert np.median(lost) < 1e-6
    assert np.median(np.abs(world.plain(WHOLE) - world.truth(WHOLE))[inside]) > 1e-4


def test_d_believes_its_clip_to_be_better_than_it_is() -> None:
    # Just out of gamut, so that rounding weighs as much as clipping.
    srgb = np.random.default_rng(0).uniform((0.4, 0.2, -0.002), (0.6, 0.4, -0.001), (HEIGHT, WIDTH, 3))
    light = srgb @ reference.srgb_to_prophoto("cat02").T
    original = original_of(np.round(65535 * PROPHOTO.cctf_encoding(light)).astype(np.uint16))
    world = world_of(original, unrounded=True)
    assert world.mask(world.truth(WHOLE)).mean() > 0.5
    verdict = verdict_of(world, right_network(world), world.codes)
    assert verdict.own_clip_psnr_og is not None
    assert verdict.clip_psnr_og is not None
    assert verdict.own_clip_psnr_og > verdict.clip_psnr_og + 0.5
    # Of a network that changes nothing it believes the same, and a decoder finds the same.
    assert verdict.own_psnr_og == pytest.approx(verdict.own_clip_psnr_og)
    assert verdict.psnr_og == pytest.approx(verdict.clip_psnr_og)


def test_e_scales_by_the_sample_and_by_the_whole() -> None:
    codes = np.full((20, 30, 3), 30_000, np.uint16)
    codes[10, 11] = 2_000  # in gamut, and no fiftieth pixel
    codes[:, :6] = (60_000, 12_000, 6_000)
    world = world_of(original_of(codes), two_scalings=True)
    _, sampled = draw_world(world, 0)
    whole = scaling_for_all(world, world.plain)
    assert (whole.low[2:] < sampled.low[2:]).all()
    assert whole.low[0] == -1 + 1 / 20
    assert (sampled.high <= whole.high).all()
    # So the same pixel looks different to the network that was fitted to it.
    pixel = (sampled.low + sampled.high)[None] / 2
    assert np.abs(whole.features(pixel) - sampled.features(pixel)).max() > 0.5
    np.testing.assert_allclose(sampled.features(sampled.low[None])[0, 12::24], -1)  # cosine of -pi
    # Without the deviation, nothing depends on the pixels.
    plain = world_of(original_of(codes))
    assert draw_world(plain, 0)[1] is scaling_for_all(plain, plain.plain) is PAPER_SCALING


def test_e_scales_a_picture_of_one_colour() -> None:
    world = world_of(original_of(np.full((1, 9, 3), 30_000, np.uint16)), two_scalings=True)
    assert np.isfinite(draw_world(world, 0)[0].features).all()
    assert verdict_of(world, right_network(world), world.codes).psnr_og is None


def test_f_marks_pixels_on_one_side_as_well(original: Original) -> None:
    plain, wider = world_of(original), world_of(original, any_outside=True)
    values = np.array([[-0.1] * 3, [1.2] * 3, [0.5] * 3, [0.9, 0.05, 0.05], [1.2, 1.1, 1.3]], np.float32)
    assert plain.mask(values).tolist() == [False, False, False, True, False]
    assert wider.mask(values).tolist() == [True, True, False, True, True]
    srgb = np.random.default_rng(0).uniform(-0.5, 1.5, (5000, 3)).astype(np.float32)
    one_side = (srgb < 0).all(axis=-1) | (srgb > 1).all(axis=-1)
    np.testing.assert_array_equal(any_outside(srgb), og_mask(srgb) | one_side)
    assert not (og_mask(srgb) & one_side).any()
    # ProPhoto RGB holds sRGB: no picture has such a pixel.
    np.testing.assert_array_equal(wider.mask(wider.truth(WHOLE)), plain.mask(plain.truth(WHOLE)))


def fits_seen(monkeypatch: pytest.MonkeyPatch, module: ModuleType = variants) -> list[tuple[Sample, Preset]]:
    """Takes down what every fit of a module is given."""
    seen = []

    def noted(sample: Sample, preset: Preset, seed: int, **more: Any) -> Fit:
        seen.append((sample, preset))
        return fit(sample, preset, seed, **more)

    monkeypatch.setattr(module, "fit", noted)
    return seen


def test_g_is_slower(original: Original, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = fits_seen(monkeypatch)
    fit_in(world_of(original, slow_rate=True), PRESET, 0)
    ((_, preset),) = seen
    assert preset == replace(PRESET, rate=1e-3)
    assert PRESET.rate == 5e-3


def test_i_takes_the_whole_sample_in_every_step(original: Original, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = fits_seen(monkeypatch)
    variant = fit_in(world_of(original, full_batch=True), PRESET, 0)
    ((sample, preset),) = seen
    count = len(draw_world(world_of(original), 0)[0].importance)
    assert len(sample.importance) == count // 2 * 2 == preset.batch
    # As many visits as the paper's recipe makes.
    assert variant.steps == round(PRESET.steps * PRESET.batch / preset.batch)
    few = fit_in(world_of(original, full_batch=True), replace(PRESET, steps=1, batch=2), 0)
    assert few.steps == 1


@pytest.mark.parametrize("name", ["swapped", "encoded"])
def test_b_and_c_deliver_other_colours(original: Original, name: str) -> None:
    world = world_of(original, **{name: True})
    assert verdict_of(world, right_network(world), world_of(original).codes).de2000_delivered > 5


@pytest.mark.parametrize("name", ["unrounded", "two_scalings", "any_outside", "slow_rate", "full_batch"])
def test_others_deliver_the_right_picture(original: Original, name: str) -> None:
    world = world_of(original, **{name: True})
    assert verdict_of(world, right_network(world), world_of(original).codes).de2000_delivered == 0


def test_a_delivers_nearly_the_right_picture(original: Original) -> None:
    world = world_of(original, eight_bits=True)
    assert 0 < verdict_of(world, right_network(world), world_of(original).codes).de2000_delivered < 1


def psnr(picture: Doubles, truth: Doubles, where: NDArray[np.bool_]) -> float:
    return float(-10 * np.log10(((picture - truth) ** 2)[where].mean()))


@pytest.mark.parametrize("name", ["swapped", "encoded"])
def test_own_figures_are_of_own_values_over_the_own_mask(original: Original, name: str) -> None:
    true = reference.prophoto_linear(original.codes)
    own = {"swapped": true[..., ::-1], "encoded": original.codes / 65535}[name]
    true_og, own_og = (og_mask((linear @ reference.prophoto_to_srgb().T).astype(np.float32)) for linear in (true, own))
    assert (true_og != own_og).mean() > 0.05
    codes = reference.srgb_codes(own @ reference.prophoto_to_srgb("cat02").T)
    decoded = reference.srgb_linear(codes) @ reference.srgb_to_prophoto("cat02").T
    back = {"swapped": decoded[..., ::-1], "encoded": reference.prophoto_linear(decoded * 65535)}[name]
    world = world_of(original, **{name: True})
    verdict = verdict_of(world, right_network(world), world.codes)
    assert verdict.own_psnr_og == pytest.approx(psnr(decoded, own, own_og), abs=0.02)
    assert verdict.psnr_og == pytest.approx(psnr(back, true, true_og), abs=0.02)
    assert verdict.psnr_all == pytest.approx(psnr(back, true, np.ones_like(true_og)), abs=0.02)


# The experiment.


def quick(pictures: Path, output: Path, **more: Any) -> Job:
    return Job(tuple(sorted(pictures.glob("*.tif"))), output, steps_scale=0.0005, **more)


@pytest.fixture
def album(tmp_path: Path) -> Path:
    folder = tmp_path / "album"
    folder.mkdir()
    write_tiff(folder / "one.tif", wide_codes(40, 50))
    write_tiff(folder / "two.tif", wide_codes(30, 50)[:, ::-1])
    return folder


def beginnings_of(training: Path) -> Beginnings:
    random = np.random.default_rng(0)
    shapes = [(16, PAPER_INPUTS.size), (16, 16), (3, 16)]
    matrices = tuple(random.normal(0, 0.05, shape).astype(np.float32) for shape in shapes)
    weights = Weights(PAPER_INPUTS, matrices, PRESET.residual_unit, {"pictures": "none"})
    return Beginnings(weights, tuple(sorted(training.glob("*.tif"))))


def test_every_deviation_has_its_row(album: Path, tmp_path: Path) -> None:
    findings = why(quick(album, tmp_path / "out"), "11kb")
    assert [row["variant"] for row in findings.data["summary"]] == ["paper", *"abcdefgi", "all"]
    assert [case.deviations for case in CASES] == [NONE, *ONE_BY_ONE, TOGETHER]
    for picture in findings.data["pictures"]:
        paper = picture["rows"][0]
        for row in picture["rows"]:
            assert row["cost_db"] == pytest.approx(paper["psnr_og"] - row["psnr_og"])
            assert row["flatters_db"] == pytest.approx(row["own_psnr_og"] - row["psnr_og"])
    costs = [picture["rows"][-1]["cost_db"] for picture in findings.data["pictures"]]
    assert findings.data["summary"][-1]["cost_db"] == pytest.approx(np.mean(costs))
    assert findings.data["summary"][-1]["worst_cost_db"] == pytest.approx(max(costs))
    assert "(h)" in " ".join(findings.notes)


def test_the_results_are_written(album: Path, tmp_path: Path) -> None:
    findings = why(quick(album, tmp_path / "out"), "11kb")
    text, table, data = (tmp_path / "out" / name for name in ("why.md", "why.csv", "why.json"))
    assert findings.files == (text, table, data)
    written = text.read_text("utf-8")
    assert findings.text in written
    assert all(f"- ({letter}) " in written for letter in "abcdefghi")
    assert all(f"## {name}" in written for name in ("one.tif", "two.tif"))
    assert len(table.read_text("utf-8").splitlines()) == 1 + 2 * len(CASES)
    found = json.loads(data.read_text("utf-8"))
    settings = {"steps_scale": 0.0005, "seed": 0, "model": "11kb", "version": version("gamutcli")}
    assert found["settings"] == settings
    assert {"numpy", "gamutcli"} <= found["versions"].keys()


@pytest.mark.fit
def test_first_weights_are_compared_for_themselves(album: Path, tmp_path: Path) -> None:
    findings = why(quick(album, tmp_path / "out"), "11kb", beginnings_of(album))
    rows = {row["variant"]: row for row in findings.data["summary"]}
    assert [name for name, row in rows.items() if row["against"] == "Reptile"] == ["Reptile", "random", "h"]
    assert rows["Reptile"]["cost_db"] == 0
    assert len({rows[name]["psnr_og"] for name in ("Reptile", "random", "h")}) == 3
    assert rows["h"]["steps"] == recipe.scale_steps(recipe.META_STEPS, 0.0005)
    assert "2 of 2 pictures were also trained on by descent" in " ".join(findings.notes)
    assert "(h) from weights by one descent after the other" in findings.text
    # Nobody says so where it is not so.
    write_tiff(tmp_path / "other.tif", wide_codes(20, 30))
    elsewhere_of = beginnings_of(tmp_path)
    elsewhere = why(quick(album, tmp_path / "out2"), "11kb", elsewhere_of)
    assert elsewhere.notes == ()
    # Of weights by Reptile no more is known than the names.
    weights = replace(elsewhere_of.reptile, provenance={"pictures": "three.tif, two.tif"})
    alike = why(quick(album, tmp_path / "out3"), "11kb", replace(elsewhere_of, reptile=weights))
    (note,) = alike.notes
    assert note.startswith("(h): two.tif: the weights of the meta-initialisation were learned from versions")


def test_notes_need_no_picture_any_more(album: Path, tmp_path: Path) -> None:
    """What was measured is told of, whatever became of the files."""
    given = beginnings_of(album)
    first = why(quick(album, tmp_path / "out"), "11kb", given)

    @contextmanager
    def guard(path: Path) -> Iterator[None]:
        with suppress(InputError):
            yield

    job = quick(album, tmp_path / "out", guard=guard)
    (album / "two.tif").unlink()
    found = why(job, "11kb", given)
    assert [picture["picture"] for picture in found.data["pictures"]] == ["one.tif"]
    assert "1 of 1 pictures were also trained on by descent" in " ".join(found.notes)
    assert "2 of 2" in " ".join(first.notes)


def test_a_picture_that_cannot_be_trained_on_costs_no_fit(
    album: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = fits_seen(monkeypatch)
    training = tmp_path / "training"
    training.mkdir()
    (training / "broken.tif").write_bytes(b"II*\0 no picture")
    with pytest.raises(InputError, match=r"broken\.tif"):
        why(quick(album, tmp_path / "out"), "11kb", beginnings_of(training))
    assert seen == []


def test_nothing_is_trained_where_nothing_is_left_to_do(
    album: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = beginnings_of(album)
    why(quick(album, tmp_path / "out"), "11kb", given)
    seen = fits_seen(monkeypatch, descent)
    why(quick(album, tmp_path / "out"), "11kb", given)
    assert seen == []


def test_descent_goes_on_from_picture_to_picture(album: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = fits_seen(monkeypatch, descent)
    one, two = sorted(album.glob("*.tif"))
    both = descent.descend((one, two), PRESET, 0.01, 0)
    assert [preset for _, preset in seen] == [replace(PRESET, optimizer="sgd", rate=1e-2, steps=50)] * 2
    for alone in (one, two):
        weights = descent.descend((alone,), PRESET, 0.005, 0)
        assert seen[-1][1].steps == 50
        assert not any(np.array_equal(a, b) for a, b in zip(both, weights, strict=True))


def test_starts_are_compared_in_the_units_of_the_weights_by_reptile(album: Path) -> None:
    usual = beginnings_of(album)
    normalised = replace(usual, reptile=replace(usual.reptile, residual_unit=None))
    assert usual.preset("11kb", 7) == recipe.preset_of("11kb", 7)
    assert normalised.preset("11kb", 7) == replace(recipe.preset_of("11kb", 7), residual_unit=None)
    assert normalised.settings != usual.settings


def test_pictures_done_are_not_done_again(album: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = why(quick(album, tmp_path / "out"), "11kb", beginnings_of(album))

    def never(*arguments: Any, **more: Any) -> Fit:
        raise AssertionError("fitted again")

    monkeypatch.setattr(variants, "fit", never)
    monkeypatch.setattr(descent, "fit", never)
    again = why(quick(album, tmp_path / "out"), "11kb", beginnings_of(album))
    assert again.data == first.data


def test_a_picture_without_lost_colours_counts_for_the_whole_only(tmp_path: Path) -> None:
    write_tiff(tmp_path / "grey.tif", np.full((40, 50, 3), 30_000, np.uint16))
    findings = why(quick(tmp_path, tmp_path / "out"), "11kb")
    paper = findings.data["summary"][0]
    assert paper["psnr_og"] is paper["cost_db"] is paper["worst_cost_db"] is None
    assert paper["psnr_all"] > 20


def row_of(**figures: Any) -> dict[str, Any]:
    usual = {"variant": "c", "title": "t", "against": "paper", "psnr_og": 40.0, "psnr_all": 45.0, "clip_psnr_og": 30.0}
    more = {"own_psnr_og": 40.0, "flatters_db": 0.0, "de2000_delivered": 0.0, "steps": 9, "seconds": 1.0}
    return {**usual, **more, "cost_db": 0.0, "worst_cost_db": 0.0, **figures}


def test_figures_that_flatter_are_marked() -> None:
    shy, vain = row_of(), row_of(variant="d", own_psnr_og=41.0, flatters_db=1.0)
    text = why_output.text([shy, vain], 2)
    assert "+1.00 *" in text
    assert text.count(" *") == 1
    assert "better than the truth: (d) by 1.0 dB." in text
    assert "better than the truth" not in why_output.text([shy, row_of(flatters_db=0.4)], 2)


def test_costs_and_wrong_colours_are_told() -> None:
    text = why_output.text([row_of(), row_of(variant="b", cost_db=3.0, de2000_delivered=9.0), row_of(variant="all")], 1)
    assert "Cost more than 0.5 dB: (b) 3.0 dB." in text
    assert "other colours" in text
    assert "mean CIEDE2000 (b) 9.0." in text
    assert "other colours" not in why_output.text([row_of()], 1)


# The command.


@pytest.fixture
def command(gamut: Gamut) -> Gamut:
    """`command(DIR)` runs `gamut experiment why DIR`, in little time."""
    return lambda *words: gamut("experiment", "why", *words, "--steps-scale", 0.0005)


def test_the_command_shows_the_table(
    command: Gamut, album: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(starts, "find_shipped", lambda *shape: None)
    outcome = command(album, "-o", tmp_path / "out", "--model", "11KB", "--train", album)
    assert outcome.code == 0
    assert "Mean over 2 pictures" in outcome.out
    assert "(c) curve not decoded" in outcome.out
    assert "one.tif (1 of 2)" in outcome.err
    assert "(h), first weights by descent instead of Reptile, is left out" in outcome.err
    assert "wrote" in outcome.err


@pytest.mark.parametrize("init", [(), ("--init", "shipped")])
def test_weights_that_ship_are_compared(command: Gamut, album: Path, tmp_path: Path, init: tuple[str, ...]) -> None:
    (album / "one.tif").rename(album / "dahlia.tif")
    outcome = command(album, "-o", tmp_path / "out", "--model", "11kb", "--train", album, *init, "--json")
    assert outcome.code == 0
    assert [row["variant"] for row in outcome.json["summary"]][-3:] == ["Reptile", "random", "h"]
    assert outcome.json["meta"]["preset"] == "paper"
    assert "is left out" not in outcome.err
    assert "(h): dahlia.tif: the weights of the meta-initialisation were learned from" in outcome.err


def test_a_folder_that_nobody_named_need_not_hold_pictures(
    command: Gamut, album: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sample_images").mkdir()
    outcome = command(album, "-o", tmp_path / "out", "--model", "11kb")
    assert outcome.code == 0
    assert "(h), first weights by descent instead of Reptile, is left out" in outcome.err
    named = command(album, "-o", tmp_path / "out", "--model", "11kb", "--train", "sample_images")
    assert named.code == 1
    assert "sample_images: holds no TIFF or PNG picture" in named.err


def test_the_command_takes_weights_and_pictures_to_train_on(command: Gamut, album: Path, tmp_path: Path) -> None:
    meta = tmp_path / "meta.safetensors"
    meta.write_bytes(pack_weights(beginnings_of(album).reptile))
    words = (album, "-o", tmp_path / "out", "--init", meta, "--train", album)
    outcome = command(*words, "--model", "11kb", "--json")
    assert outcome.code == 0
    assert [row["variant"] for row in outcome.json["summary"]][-3:] == ["Reptile", "random", "h"]
    assert "trained on" in outcome.err
    wrong = command(*words, "--model", "53kb")
    assert wrong.code == 2
    assert f"{meta}: holds the weights of another network than --model 53kb" in wrong.err


def test_results_of_other_settings_are_not_mixed(command: Gamut, album: Path, tmp_path: Path) -> None:
    assert command(album, "-o", tmp_path / "out", "--model", "11kb").code == 0
    outcome = command(album, "-o", tmp_path / "out", "--model", "23kb")
    assert outcome.code == 2
    assert "model: 11kb, now 23kb" in outcome.err


def test_what_cannot_be_used_is_told(command: Gamut, album: Path, tmp_path: Path) -> None:
    missing = command(tmp_path / "nowhere", "-o", tmp_path / "out")
    assert missing.code == 1
    assert "nowhere: is no folder" in missing.err
    untrained = command(album, "-o", tmp_path / "out", "--train", tmp_path / "nobody")
    assert untrained.code == 1
    assert "nobody: is no folder" in untrained.err
    (album / "one.tif").write_bytes(b"no picture")
    outcome = command(album, "-o", tmp_path / "out", "--model", "11kb")
    assert outcome.code == 1
    assert "one.tif" in outcome.err
    assert "Mean over 1 picture:" in outcome.out
