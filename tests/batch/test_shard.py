from __future__ import annotations

from collections import Counter

import pytest

from gamutcli.batch.shard import WHOLE, Shard, from_environment, parse, stable_hash
from gamutcli.errors import UsageError

NAMES = [f"day {number % 7}/IMG_{number:04}.tif" for number in range(3000)]


def test_every_picture_is_in_one_part_and_parts_are_about_equal() -> None:
    parts = [Shard(index, 3) for index in (1, 2, 3)]
    counts = Counter(tuple(part.holds(name) for part in parts) for name in NAMES)
    assert all(sum(held) == 1 for held in counts)
    assert all(900 < count < 1100 for count in counts.values())


def test_a_name_has_the_same_number_on_every_machine() -> None:
    assert stable_hash("day 1/photo.tif") == 16867873317335653995
    assert stable_hash("u\u0308.tif") == stable_hash("\u00fc.tif")
    assert stable_hash("\udcff.tif") != stable_hash("\udcfe.tif")


@pytest.mark.parametrize("text", ["0/3", "4/3", "1", "a/b", "1/0", "-1/3", "1/3/5"])
def test_what_is_no_part(text: str) -> None:
    with pytest.raises(UsageError, match="no part of a whole"):
        parse(text)


def slurm(task: int, count: int, first: int, last: int, step: int = 1) -> dict[str, str]:
    numbers = {"ID": task, "COUNT": count, "MIN": first, "MAX": last, "STEP": step}
    return {f"SLURM_ARRAY_TASK_{name}": str(number) for name, number in numbers.items()}


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, "1/1"),
        (slurm(0, 4, 0, 3), "1/4"),
        (slurm(4, 4, 1, 4), "4/4"),
        (slurm(14, 3, 4, 14, 5), "3/3"),
        ({"JOB_COMPLETION_INDEX": "2", "JOB_COMPLETIONS": "5"}, "3/5"),
        ({"AWS_BATCH_JOB_ARRAY_INDEX": "9", "AWS_BATCH_JOB_ARRAY_SIZE": "10"}, "10/10"),
    ],
)
def test_schedulers_give_parts(variables: dict[str, str], expected: str) -> None:
    assert str(from_environment(variables)) == expected


def test_the_parts_of_an_array_are_the_whole() -> None:
    parts = [from_environment(slurm(task, 3, 2, 6, 2)) for task in (2, 4, 6)]
    assert [str(part) for part in parts] == ["1/3", "2/3", "3/3"]
    assert from_environment({}) == WHOLE


@pytest.mark.parametrize(
    "variables",
    [
        slurm(7, 2, 3, 7),
        slurm(3, 2, 3, 7),
        {"JOB_COMPLETION_INDEX": "2"},
        {"AWS_BATCH_JOB_ARRAY_INDEX": "x", "AWS_BATCH_JOB_ARRAY_SIZE": "3"},
        {"AWS_BATCH_JOB_ARRAY_INDEX": "3", "AWS_BATCH_JOB_ARRAY_SIZE": "3"},
    ],
)
def test_an_array_that_makes_no_whole_is_refused(variables: dict[str, str]) -> None:
    with pytest.raises(UsageError, match=r"--shard|is set and"):
        from_environment(variables)
