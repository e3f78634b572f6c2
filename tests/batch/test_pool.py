"""Workers are replaced when they hang, die or grow old; no picture waits for ever."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from gamutcli.batch.pool import Pool
from gamutcli.batch.units import DONE, FAILED, Outcome, Task, repeat
from tests.support.batches import plain_picture, wide_picture

pytestmark = pytest.mark.skipif(os.name == "nt", reason="pipes with names are of Unix")


def task(source: Path, memory: int = 0) -> Task:
    target = source.with_suffix(".jpg")
    return Task(
        "reduce", str(source), source.name, str(target), target.name, settings={"preset": "fast"}, memory=memory
    )


def hanging(folder: Path) -> Path:
    """A picture that never comes to its end."""
    folder.mkdir(exist_ok=True)
    path = folder / "hanging.tif"
    os.mkfifo(path)
    return path


@pytest.fixture
def pools() -> Iterator[list[Pool]]:
    made: list[Pool] = []
    yield made
    for pool in made:
        pool.close()


def result(pool: Pool) -> Outcome:
    """Wait for the one picture in hand."""
    while pool.running:
        for outcome in pool.collect(5.0):
            return outcome
    raise AssertionError("nothing was in hand")


def pids(pool: Pool) -> list[int]:
    return [worker._process.pid or 0 for worker in pool._workers]


def test_a_worker_takes_one_picture_after_the_other_until_it_is_old(tmp_path: Path, pools: list[Pool]) -> None:
    pools.append(pool := Pool(1, recycle=2))
    seen = []
    for number in range(4):
        pool.submit(task(plain_picture(tmp_path / f"{number}.tif")))
        seen += pids(pool)
        assert result(pool).state == DONE
    assert seen[0] == seen[1] != seen[2] == seen[3]
    assert pids(pool) == []


def test_a_picture_that_takes_too_long_is_given_up(tmp_path: Path, pools: list[Pool]) -> None:
    pools.append(pool := Pool(1, timeout=0.5))
    pool.submit(task(hanging(tmp_path)))
    (pid,) = pids(pool)
    outcome = result(pool)
    assert (outcome.state, outcome.is_lost, outcome.is_lasting) == (FAILED, False, True)
    assert "took longer than --timeout allows (0.5 s)" in outcome.reason
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_a_worker_that_dies_is_replaced(tmp_path: Path, pools: list[Pool]) -> None:
    pools.append(pool := Pool(1))
    pool.submit(task(hanging(tmp_path)))
    os.kill(pids(pool)[0], signal.SIGKILL)
    outcome = result(pool)
    assert (outcome.state, outcome.is_lost) == (FAILED, True)
    assert "hanging.tif: the process that worked on it ended (SIGKILL" in outcome.reason
    pool.submit(task(plain_picture(tmp_path / "a.tif")))
    assert result(pool).state == DONE


def test_one_that_died_while_nothing_was_in_hand_loses_no_other(tmp_path: Path, pools: list[Pool]) -> None:
    pools.append(pool := Pool(1))
    pool.submit(task(plain_picture(tmp_path / "a.tif")))
    assert result(pool).state == DONE
    os.kill(pids(pool)[0], signal.SIGKILL)
    pool.submit(task(plain_picture(tmp_path / "b.tif")))
    assert result(pool).is_lost


def test_pictures_in_hand_take_no_more_memory_than_there_is_and_large_ones_are_alone(
    tmp_path: Path, pools: list[Pool]
) -> None:
    pools.append(pool := Pool(3, memory=100))
    assert pool.has_room(1000)
    pool.submit(task(hanging(tmp_path), memory=60))
    assert pool.has_room(40)
    assert not pool.has_room(41)
    pool.submit(task(plain_picture(tmp_path / "a.tif"), memory=40))
    assert not pool.has_room(1)


def test_what_is_wrong_with_a_picture_is_told_with_its_name(tmp_path: Path, pools: list[Pool]) -> None:
    pools.append(pool := Pool(1))
    (tmp_path / "a.tif").write_bytes(b"II*\0")
    pool.submit(task(tmp_path / "a.tif"))
    outcome = result(pool)
    assert (outcome.state, outcome.exit_code, outcome.is_lasting) == (FAILED, 1, True)
    assert outcome.reason.startswith(f"{tmp_path}/a.tif: ")
    assert "InputError" in outcome.trace


# Several pictures in one process.


def results(pool: Pool) -> list[Outcome]:
    """Wait for all that is in hand."""
    found: list[Outcome] = []
    while pool.running:
        found += pool.collect(5.0)
    return found


def test_pictures_share_a_process_up_to_a_number(tmp_path: Path, pools: list[Pool]) -> None:
    pools.append(pool := Pool(3, company=2))
    for number in range(3):
        pool.submit(task(hanging(tmp_path / str(number))))
    assert len(pids(pool)) == 2
    assert not pool.has_room()


def test_a_picture_is_done_beside_one_that_takes_long(tmp_path: Path, pools: list[Pool]) -> None:
    pools.append(pool := Pool(2, company=2))
    pool.submit(task(hanging(tmp_path)))
    for number in range(2):
        pool.submit(task(plain_picture(tmp_path / f"{number}.tif")))
        outcome = result(pool)
        assert (outcome.state, outcome.task.relative) == (DONE, f"{number}.tif")
    assert (len(pids(pool)), pool.running) == (1, 1)


def test_what_was_in_hand_beside_one_that_takes_too_long_is_done_again(tmp_path: Path, pools: list[Pool]) -> None:
    pools.append(pool := Pool(2, company=2, timeout=2.0))
    pool.submit(task(hanging(tmp_path / "first")))
    time.sleep(0.5)
    pool.submit(task(hanging(tmp_path / "second")))
    before = pids(pool)
    first = result(pool)
    assert first.task.source.startswith(str(tmp_path / "first"))
    assert "took longer" in first.reason
    # In a new process, and not as one that may be what a process has died of.
    assert len(pids(pool)) == 1
    assert pids(pool) != before
    (second,) = results(pool)
    assert (second.is_lost, second.task.attempt, second.task.tidy) == (False, 1, True)
    assert "took longer" in second.reason


def test_whoever_was_in_hand_when_a_process_died_is_tried_again_alone(tmp_path: Path, pools: list[Pool]) -> None:
    pools.append(pool := Pool(3, company=3))
    for number in range(3):
        pool.submit(task(hanging(tmp_path / str(number))))
    os.kill(pids(pool)[0], signal.SIGKILL)
    found = results(pool)
    assert [outcome.is_lost for outcome in found] == [True] * 3
    for outcome in found:
        pool.submit(repeat(outcome.task))
    assert len(pids(pool)) == 3


def test_a_process_that_is_old_gets_no_more(tmp_path: Path, pools: list[Pool]) -> None:
    pools.append(pool := Pool(2, company=2, recycle=3))
    seen = set()
    for number in range(5):
        while not pool.has_room():
            assert all(outcome.state == DONE for outcome in pool.collect(5.0))
        pool.submit(task(plain_picture(tmp_path / f"{number}.tif")))
        seen |= set(pids(pool))
    assert all(outcome.state == DONE for outcome in results(pool))
    assert len(seen) == 2


@pytest.mark.fit
def test_side_by_side_in_threads_every_picture_gets_the_bytes_that_it_gets_alone(
    tmp_path: Path, pools: list[Pool]
) -> None:
    sources = [wide_picture(tmp_path / f"{number}.tif") for number in range(4)]
    made = []
    for company in (1, 4):
        pools.append(pool := Pool(company, company=company))
        for source in sources:
            while not pool.has_room():
                assert all(outcome.state == DONE for outcome in pool.collect(5.0))
            pool.submit(task(source))
        assert all(outcome.state == DONE for outcome in results(pool))
        made.append([source.with_suffix(".jpg").read_bytes() for source in sources])
        for source in sources:
            source.with_suffix(".jpg").unlink()
    assert made[0] == made[1]
