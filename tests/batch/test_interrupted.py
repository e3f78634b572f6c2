"""Interrupted, killed or without room: what was written is whole, and the next run goes on from there."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

import gamutcli
from gamutcli.cli import INTERRUPTED
from tests.support.batches import files_of, lines_of, objects, shoot, started, times_of
from tests.support.commands import Gamut

pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals are of Unix")

FAST = ("--preset", "fast", "-j", "2", "--json")


def remaining(folder: Path) -> list[str]:
    """What lies in a folder that is no result: temporary files."""
    return [name for name in files_of(folder) if ".part" in name]


def assert_whole(folder: Path) -> None:
    """Every result holds a payload that fits its pixels."""
    for name in files_of(folder):
        if ".part" not in name:
            assert gamutcli.inspect_image(folder / name).status == "ok", name


def ended(pid: int) -> bool:
    """Whether a process is gone, or waits for nothing but being noticed."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def children(pid: int) -> list[int]:
    path = Path(f"/proc/{pid}/task/{pid}/children")
    return list(map(int, path.read_text().split())) if path.exists() else []


def test_after_ctrl_c_pictures_in_hand_are_finished(gamut: Gamut, tmp_path: Path) -> None:
    photos, web = shoot(tmp_path / "photos", 60), tmp_path / "web"
    with started("batch", "reduce", photos, "-o", web, *FAST) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        first = process.stdout.readline()
        process.send_signal(signal.SIGINT)
        out, err = process.stdout.read(), process.stderr.read()
    assert process.returncode == INTERRUPTED
    assert "finishing the pictures in hand" in err
    *told, end = objects(first + out)
    assert {one["state"] for one in told} == {"done"}
    assert end["stopped"] == "interrupted"
    assert 0 < len(told) == len(files_of(web)) < 60
    assert_whole(web)
    before = times_of(web)
    again = gamut("batch", "reduce", photos, "-o", web, *FAST)
    assert again.code == 0
    assert objects(again.out)[-1]["counts"]["skipped"] == len(told)
    assert before.items() <= times_of(web).items()
    assert len(times_of(web)) == 60


def test_a_second_ctrl_c_ends_it_at_once(tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    os.mkfifo(photos / "hanging.tif")
    with started("batch", "reduce", photos, "-o", tmp_path / "web", *FAST) as process:
        while not lines_of(tmp_path / "web"):
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        assert process.stderr is not None
        assert "finishing the pictures in hand" in process.stderr.readline()
        process.send_signal(signal.SIGINT)
        process.communicate()
    assert process.returncode == INTERRUPTED


@pytest.mark.skipif(not Path("/proc").exists(), reason="no /proc")
def test_workers_do_not_outlive_who_gives_them_work(tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    os.mkfifo(photos / "hanging.tif")
    with started("batch", "reduce", photos, "-o", tmp_path / "web", *FAST) as process:
        while not (workers := children(process.pid)[1:]):  # the first keeps track of shared memory
            time.sleep(0.01)
        process.kill()
        process.wait()
        assert workers
        while not all(map(ended, workers)):
            time.sleep(0.01)


@pytest.mark.skipif(not Path("/proc").exists(), reason="no /proc")
@pytest.mark.parametrize("moment", range(4))
def test_killed_at_any_moment_nothing_is_lost_torn_or_done_twice(gamut: Gamut, tmp_path: Path, moment: int) -> None:
    photos, web = shoot(tmp_path / "photos", 40), tmp_path / "web"
    chance = random.Random(moment)
    with started("batch", "reduce", photos, "-o", web, *FAST) as process:
        assert process.stdout is not None
        for _ in range(chance.randrange(12)):
            process.stdout.readline()
        time.sleep(chance.random() * 0.05)
        if moment % 2 and children(process.pid):
            os.kill(chance.choice(children(process.pid)), signal.SIGKILL)
        else:
            process.kill()
        process.communicate()
    assert_whole(web)
    before = {name: time for name, time in times_of(web).items() if ".part" not in name}
    again = gamut("batch", "reduce", photos, "-o", web, *FAST)
    assert again.code == 0, again.err
    assert before.items() <= times_of(web).items()
    assert len(files_of(web)) == 40
    assert remaining(web) == []


def test_a_worker_that_is_killed_costs_no_picture(tmp_path: Path) -> None:
    photos, web = shoot(tmp_path / "photos", 30), tmp_path / "web"
    with started("batch", "reduce", photos, "-o", web, *FAST) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        first = process.stdout.readline()
        for pid in children(process.pid)[-1:]:
            os.kill(pid, signal.SIGKILL)
        out, err = first + process.stdout.read(), process.stderr.read()
    assert (process.returncode, len(files_of(web))) == (0, 30), err
    assert objects(out)[-1]["counts"]["failed"] == 0
    assert_whole(web)


def test_where_there_is_no_room_pictures_fail_and_the_next_run_makes_them(gamut: Gamut, tmp_path: Path) -> None:
    """The limit on the size of files stands for a full disk: writing breaks off in the middle."""
    photos, web = shoot(tmp_path / "photos", 4), tmp_path / "web"
    words = ("batch", "reduce", str(photos), "-o", str(web), *FAST)
    size = 1  # block of 512 or 1024 bytes: manifests may begin, and no picture fits
    script = f'trap "" XFSZ; ulimit -f {size}; exec "$@"'
    command = ["sh", "-c", script, "sh", *started_words(*words)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr
    assert objects(done.stdout)[-1]["counts"]["failed"] == 4
    assert "cannot be written" in done.stderr
    assert files_of(web) == {}
    again = gamut(*words)
    assert (again.code, len(files_of(web))) == (0, 4)


def started_words(*words: str) -> list[str]:
    from tests.support.batches import GAMUT

    return [*GAMUT, *words]


def test_a_sidecar_without_its_picture_that_a_killed_run_left_is_replaced_and_no_other(
    gamut: Gamut, tmp_path: Path
) -> None:
    photos, web = shoot(tmp_path / "photos", 2), tmp_path / "web"
    words = ("batch", "reduce", photos, "-o", web, "--preset", "fast", "-j", "1", "--carrier", "sidecar")
    assert gamut(*words).code == 0
    (manifest,) = (web / ".gamut-batch").iterdir()
    begun = [line for line in manifest.read_bytes().splitlines(keepends=True) if b'"begun"' in line]
    manifest.write_bytes(b"".join(begun))
    (web / "day0/000.jpg").unlink()
    assert gamut(*words).code == 0
    (web / "day1/001.jpg").unlink()
    shutil.rmtree(web / ".gamut-batch")
    outcome = gamut(*words)
    assert outcome.code == 1
    assert "001.jpg.gamut: is there without its picture" in outcome.err
