"""Which effort is tried for a wanted colour difference, on worlds whose rungs leave what the test says."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as some

from gamutcli.fitting.ladder import FIRST, LADDER, Climb, climb, ladder_within
from gamutcli.fitting.presets import PRESETS

TOP = len(LADDER) - 1
START = next(index for index, rung in enumerate(LADDER) if (rung.preset, rung.max_payload) == (FIRST, None))
#: What the rungs leave, in the end next to nothing or much.
WORLDS = some.lists(some.floats(0.01, 10), min_size=len(LADDER), max_size=len(LADDER)).map(
    lambda left: sorted(left, reverse=True)
)


def climbed(left: list[float], wanted: float, lossy: bool = False) -> tuple[Climb, list[int]]:
    tried: list[int] = []

    def measure(index: int) -> float:
        tried.append(index)
        return left[index]

    return climb(LADDER, wanted, lossy, measure), tried


def test_every_rung_leaves_less_than_the_one_below_and_takes_no_less() -> None:
    leaves = [rung.leaves for rung in LADDER]
    assert leaves == sorted(set(leaves), reverse=True)
    sizes = [rung.max_payload or PRESETS[rung.preset].payload or 0 for rung in LADDER]
    assert sizes == sorted(sizes)
    assert sizes[-1] == 64_000


@pytest.mark.parametrize("index", range(len(LADDER)))
def test_a_picture_like_others_takes_two_tries(index: int) -> None:
    left = [2 * rung.leaves for rung in LADDER]
    found, tried = climbed(left, left[index] * 1.001)
    assert found == Climb(index, len(tried), reached=True)
    assert tried == ([START] if index == START else [START, index])


@given(WORLDS, some.floats(0.01, 10))
def test_what_is_taken_comes_within_what_is_wanted_where_the_highest_rung_does(
    left: list[float], wanted: float
) -> None:
    found, tried = climbed(left, wanted)
    assert found.reached == (left[TOP] <= wanted)
    assert found.reached == (left[found.index] <= wanted)
    assert found.index in tried
    assert found.tries == len(tried) == len(set(tried))
    if not found.reached:
        assert TOP in tried
        assert left[found.index] == left[TOP]


@given(WORLDS, some.floats(0.01, 10))
def test_no_rung_below_that_was_tried_would_have_done(left: list[float], wanted: float) -> None:
    found, tried = climbed(left, wanted)
    if found.reached:
        assert all(left[index] > wanted for index in tried if index < found.index)


def test_losses_that_no_network_undoes_are_seen_after_two_tries() -> None:
    found, tried = climbed([3.2, 3.1, 3.0, 2.9, 2.85, 2.8, 2.8], 1.0, lossy=True)
    assert tried == [START, START + 1]
    assert found == Climb(START + 1, 2, reached=False)


def test_a_lossy_file_goes_on_where_that_is_promising() -> None:
    found, tried = climbed([3.2, 3.0, 2.5, 2.0, 1.5, 1.2, 1.0], 1.6, lossy=True)
    assert (found.index, found.reached, tried[0]) == (START + 2, True, START)


@pytest.mark.parametrize("limit", [200, 3_000, 5_000, 14_000, 30_000, 100_000])
def test_a_limit_bounds_every_rung(limit: int) -> None:
    ladder = ladder_within(limit)
    sizes = [rung.max_payload or PRESETS[rung.preset].payload or 0 for rung in ladder]
    assert sizes == sorted(sizes)
    assert sizes[-1] == min(limit, 64_000)
    assert any(rung.preset == FIRST for rung in ladder)
    assert len(set(zip([rung.preset for rung in ladder], sizes, strict=True))) == len(ladder)


def test_without_a_limit_the_ladder_is_whole() -> None:
    assert ladder_within(None) == LADDER
