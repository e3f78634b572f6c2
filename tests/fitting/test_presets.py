"""Presets by name, and how they are narrowed to a picture and to a number of bytes."""

from __future__ import annotations

import pytest

from gamutcli.errors import UsageError
from gamutcli.fitting.presets import HALVED, NARROWEST_LOSSY, PAPER_MODELS, PRESETS, Preset, choose, narrow_to


def weights(preset: Preset) -> int:
    return preset.hidden * (preset.inputs.size + (preset.depth - 1) * preset.hidden + 3)


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_is_found_by_its_name(name: str) -> None:
    assert choose(name) == PRESETS[name]
    assert choose(name).name == name


def test_effort_grows_from_fast_to_best() -> None:
    steps = [PRESETS[name].steps for name in ("fast", "balanced", "best")]
    assert steps == sorted(set(steps))


def test_unknown_names_are_answered_with_the_known_ones() -> None:
    with pytest.raises(UsageError, match="balanced"):
        choose("medium")
    with pytest.raises(UsageError, match="53kb"):
        choose("paper", "54kb")
    with pytest.raises(UsageError, match="--preset paper"):
        choose("fast", "53kb")


@pytest.mark.parametrize(("model", "hidden"), PAPER_MODELS.items())
def test_a_model_of_the_paper_takes_the_kilobytes_of_its_name(model: str, hidden: int) -> None:
    preset = choose("paper", model)
    assert preset.hidden == hidden
    # As float32, biases included.
    kilobytes = 4 * (weights(preset) + preset.depth * hidden + 3) / 1000
    assert kilobytes == pytest.approx(float(model[:-2]), rel=0.25)


def test_the_papers_network_is_left_as_it_is() -> None:
    assert narrow_to(PRESETS["paper"], 10, None) == PRESETS["paper"]


@pytest.mark.parametrize("name", ["fast", "balanced", "best"])
def test_a_picture_with_many_clipped_pixels_gets_the_presets_width_at_most(name: str) -> None:
    found = narrow_to(PRESETS[name], 1_000_000, None)
    assert PRESETS[name].hidden / 1.5 < found.hidden <= PRESETS[name].hidden
    assert found.payload == PRESETS[name].payload


def test_millions_of_clipped_pixels_get_a_network_that_is_quick_to_run() -> None:
    few, many = (narrow_to(PRESETS["balanced"], pixels, None).hidden for pixels in (1_000_000, 10_000_000))
    assert 0.6 * few <= many < few
    lossy = narrow_to(PRESETS["balanced"], 10_000_000, None, lossless=False).hidden
    assert NARROWEST_LOSSY <= lossy < many
    # However many there are, and whatever the preset.
    assert narrow_to(PRESETS["fast"], 100_000_000, None, lossless=False).hidden == NARROWEST_LOSSY
    # Unless the user asks for best, or names the bytes.
    assert narrow_to(PRESETS["best"], 10_000_000, None).hidden == PRESETS["best"].hidden
    assert narrow_to(PRESETS["balanced"], 10_000_000, 14_000).hidden >= few


def test_only_what_is_narrowed_for_the_sake_of_time_is_fitted_by_half_a_batch() -> None:
    whole = PRESETS["balanced"].batch
    assert narrow_to(PRESETS["balanced"], 20_000_000, None, lossless=False).batch == whole // 2
    assert narrow_to(PRESETS["balanced"], 20_000_000, None).batch == whole
    assert narrow_to(PRESETS["fast"], 20_000_000, None, lossless=False).batch == PRESETS["fast"].batch
    for narrow in (
        narrow_to(PRESETS["balanced"], 2000, None, False),
        narrow_to(PRESETS["balanced"], 10**7, 1500, False),
    ):
        assert (narrow.hidden <= HALVED, narrow.batch) == (True, whole)


def test_fewer_clipped_pixels_get_a_narrower_network() -> None:
    widths = [narrow_to(PRESETS["balanced"], pixels, None).hidden for pixels in (1, 500, 2000, 8000, 1_000_000)]
    assert widths == sorted(widths)
    assert widths[0] < widths[-1] / 4
    assert widths[0] > 0


def test_fewer_bytes_get_a_narrower_network_and_more_a_wider_one() -> None:
    limits = (500, 3000, 9000, 40_000)
    found = [narrow_to(PRESETS["balanced"], 10_000_000, limit) for limit in limits]
    assert [preset.payload for preset in found] == list(limits)
    widths = [preset.hidden for preset in found]
    assert widths == sorted(set(widths))
    assert widths[-1] > PRESETS["balanced"].hidden
