"""`gamut batch --engine ray`: what the local engine does, on the nodes of a cluster."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gamutcli.cli import INTERRUPTED, USAGE
from tests.support.batches import files_of, lines_of, objects, plain_picture, shoot, started, times_of, wide_picture
from tests.support.commands import Gamut
from tests.support.rays import Nodes, can_blind

pytest.importorskip("ray")
pytestmark = pytest.mark.filterwarnings("ignore")  # Ray's are not ours

FAST = ("--preset", "fast", "--json")


@pytest.fixture(scope="module")
def nodes() -> Iterator[Nodes]:
    made = Nodes()
    yield made
    made.close()


def on(nodes: Nodes) -> tuple[str, ...]:
    """The options that name the cluster."""
    return ("--engine", "ray", "--ray-address", nodes.address)


def ran(*words: object, **settings: Any) -> subprocess.CompletedProcess[str]:
    """A command line in a process of its own that has come to its end."""
    with started(*words, **settings) as process:
        out, err = process.communicate()
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


def timeless(out: str) -> list[str]:
    """What was printed as JSON Lines, without seconds and in no order."""
    told = [{name: value for name, value in one.items() if not name.endswith("seconds")} for one in objects(out)]
    return sorted(map(str, told))


def test_results_and_lines_are_those_of_the_local_engine(
    gamut: Gamut, nodes: Nodes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shoot(Path("photos"), 6)
    wide_picture(Path("photos/wide.tif"))
    Path("photos/bad.tif").write_bytes(b"II*\0")
    words = ("batch", "reduce", "photos", "-o")
    here = gamut(*words, "local", *FAST)
    there = ran(*words, "ray", *FAST, *on(nodes))
    assert (here.code, there.returncode) == (1, 1)
    assert len(files_of(Path("ray"))) == 7
    assert files_of(Path("ray")) == files_of(Path("local"))
    assert there.stderr == here.err.replace("local/", "ray/")
    assert timeless(there.stdout) == timeless(here.out.replace('"local/', '"ray/'))

    def lines(folder: str) -> set[tuple[str, str, str]]:
        return {(line["file"], line["state"], line.get("digest", "")) for line in lines_of(Path(folder))}

    assert lines("ray") == lines("local")
    assert len(list(Path("ray/.gamut-batch").iterdir())) == 1

    before = times_of(Path("ray"))
    again = ran(*words, "ray", *FAST, *on(nodes), "--retry-failed")  # a picture's own error is one the next time, too
    assert objects(again.stdout)[-1]["counts"] == {"done": 0, "skipped": 7, "failed": 1, "refused": 0}
    assert times_of(Path("ray")) == before


def test_there_and_back_and_judged_in_shards(nodes: Nodes, tmp_path: Path) -> None:
    photos = shoot(tmp_path / "photos", 3)
    for shard in ("1/2", "2/2"):
        assert (
            ran("batch", "reduce", photos, "-o", tmp_path / "web", *FAST, *on(nodes), "--shard", shard).returncode == 0
        )
    assert ran("batch", "expand", tmp_path / "web", "-o", tmp_path / "back", *on(nodes)).returncode == 0
    judged = ran("batch", "eval", tmp_path / "web", "--gt", photos, "-o", tmp_path / "figures", *on(nodes))
    assert (judged.returncode, judged.stderr) == (0, "")
    assert len(files_of(tmp_path / "figures")) == len(files_of(tmp_path / "back")) == 3


def test_a_node_that_is_lost_costs_no_picture_and_nothing_is_done_twice(nodes: Nodes, tmp_path: Path) -> None:
    photos, web = tmp_path / "photos", tmp_path / "web"
    for number in range(12):
        wide_picture(photos / f"{number:02}.tif")
    other = nodes.add()
    with started("batch", "reduce", photos, "-o", web, *FAST, *on(nodes)) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        first = "".join(process.stdout.readline() for _ in range(3))
        before = times_of(web)
        nodes.remove(other)
        out, err = first + process.stdout.read(), process.stderr.read()
    assert (process.returncode, err) == (0, "")
    *told, end = objects(out)
    assert len({one["file"] for one in told}) == len(told) == len(files_of(web)) == 12
    assert end["counts"]["done"] + end["counts"]["skipped"] == 12  # skipped: it was lost just after it was done
    assert before.items() <= times_of(web).items()
    assert sorted(line["file"] for line in lines_of(web) if line["state"] == "done") == sorted(files_of(web))
    assert list(web.rglob("*.part*")) == []
    nodes.wait_for(2)


def test_where_no_node_is_left_that_could_work_it_does_not_wait_for_ever(nodes: Nodes, tmp_path: Path) -> None:
    photos = shoot(tmp_path / "photos", 2)
    os.mkfifo(photos / "hanging.tif")
    other = nodes.add(2)
    more = (*on(nodes), "--ray-cpus", "2", "--timeout", "20")
    with started("batch", "reduce", photos, "-o", tmp_path / "web", *FAST, *more) as process:
        while len(lines_of(tmp_path / "web")) < 3:
            time.sleep(0.01)
        nodes.remove(other)
        _, err = process.communicate()
    assert (process.returncode, err) == (
        1,
        "gamut: error: no node of the cluster has 2 CPU for a picture any more.\n",
    )
    nodes.wait_for(2)


def test_after_ctrl_c_pictures_in_hand_are_finished(nodes: Nodes, tmp_path: Path) -> None:
    photos, web = shoot(tmp_path / "photos", 60), tmp_path / "web"
    with started("batch", "reduce", photos, "-o", web, *FAST, *on(nodes)) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        first = process.stdout.readline()
        process.send_signal(signal.SIGINT)
        out, err = first + process.stdout.read(), process.stderr.read()
    assert process.returncode == INTERRUPTED
    assert "finishing the pictures in hand" in err
    *told, end = objects(out)
    assert {one["state"] for one in told} == {"done"}
    assert end["stopped"] == "interrupted"
    assert 0 < len(told) == len(files_of(web)) < 60


def test_a_second_ctrl_c_ends_it_at_once_and_the_nodes_have_room_again(nodes: Nodes, tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    for name in ("a", "b", "c"):
        os.mkfifo(photos / f"{name}.tif")  # one that never comes to its end
    with started("batch", "reduce", photos, "-o", tmp_path / "web", *FAST, *on(nodes)) as process:
        while len(lines_of(tmp_path / "web")) < 3:
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        assert process.stderr is not None
        assert "finishing the pictures in hand" in process.stderr.readline()
        process.send_signal(signal.SIGINT)
        process.communicate()
    assert process.returncode == INTERRUPTED
    plain_picture(tmp_path / "more/a.tif")
    assert ran("batch", "reduce", tmp_path / "more", "-o", tmp_path / "web", *FAST, *on(nodes)).returncode == 0


def test_a_picture_that_takes_too_long_is_given_up_and_the_others_are_done(nodes: Nodes, tmp_path: Path) -> None:
    photos, web = shoot(tmp_path / "photos", 3), tmp_path / "web"
    os.mkfifo(photos / "hanging.tif")
    done = ran("batch", "reduce", photos, "-o", web, *FAST, *on(nodes), "--timeout", "15")
    assert done.returncode == 1
    assert "hanging.tif: took longer than --timeout allows (15 s) and was given up" in done.stderr
    assert objects(done.stdout)[-1]["counts"] == {"done": 3, "skipped": 0, "failed": 1, "refused": 0}


def test_it_stops_after_so_many_failures(nodes: Nodes, tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    for number in range(20):
        (tmp_path / f"photos/{number}.tif").write_bytes(b"II*\0")
    done = ran("batch", "reduce", tmp_path / "photos", "-o", tmp_path / "web", *FAST, *on(nodes), "--max-failures", "1")
    end = objects(done.stdout)[-1]
    assert (done.returncode, end["stopped"]) == (1, "1 failed, as many as --max-failures allows")
    assert end["counts"]["failed"] < 20


@pytest.mark.skipif(not can_blind(), reason="no node can be given other file systems here")
def test_a_node_that_does_not_see_the_files_ends_it_before_it_begins(nodes: Nodes, tmp_path: Path) -> None:
    photos = shoot(tmp_path / "mounted/photos", 2)
    with nodes.blind_node(tmp_path / "mounted"):
        done = ran("batch", "reduce", photos, "-o", tmp_path / "web", *FAST, *on(nodes))
    assert (done.returncode, done.stdout) == (USAGE, "")
    assert done.stderr.startswith("gamut: error: node ")
    assert f"does not see {photos}; every node needs it at the same place as this machine." in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "web").exists()


def test_a_node_with_another_version_is_told(nodes: Nodes, tmp_path: Path) -> None:
    root = Path(sys.modules["gamutcli"].__file__ or "").parent
    shutil.copytree(root, tmp_path / "old/gamutcli", ignore=shutil.ignore_patterns("__pycache__", "weights"))
    start = tmp_path / "old/gamutcli/__init__.py"
    start.write_text(start.read_text() + '\n__version__ = "0.0"\n')
    other = nodes.add(env_vars={"PYTHONPATH": str(tmp_path / "old")})
    try:
        photos = shoot(tmp_path / "photos", 2)
        done = ran("batch", "reduce", photos, "-o", tmp_path / "web", *FAST, *on(nodes), cwd=tmp_path)
    finally:
        nodes.remove(other)
        nodes.wait_for(2)
    assert done.returncode == USAGE
    assert "has gamutcli 0.0, not " in done.stderr


def test_what_no_node_has_is_told(nodes: Nodes, tmp_path: Path) -> None:
    photos = shoot(tmp_path / "photos", 1)
    done = ran("batch", "reduce", photos, "-o", tmp_path / "web", *on(nodes), "--ray-cpus", "64")
    assert (done.returncode, done.stderr) == (
        USAGE,
        "gamut: error: --ray-cpus, --ray-gpus: no node of the cluster has 64 CPU for a picture.\n",
    )


def test_a_dry_run_knows_how_large_the_cluster_is_and_touches_nothing(nodes: Nodes, tmp_path: Path) -> None:
    photos = shoot(tmp_path / "photos", 4)
    done = ran("batch", "reduce", photos, "-o", tmp_path / "web", *on(nodes), "--preset", "fast", "--dry-run")
    assert done.returncode == 0, done.stderr
    assert "with 2 pictures at a time" in done.stdout
    assert not (tmp_path / "web").exists()


def test_without_an_address_a_cluster_is_started_here_and_ends_with_the_run(tmp_path: Path) -> None:
    photos, web = shoot(tmp_path / "photos", 4), tmp_path / "web"
    variables = {name: value for name, value in os.environ.items() if name != "RAY_ADDRESS"}
    with started("batch", "reduce", photos, "-o", web, *FAST, "--engine", "ray", env=variables) as process:
        out, err = process.communicate()
    assert (process.returncode, err) == (0, "")
    assert objects(out)[-1]["counts"]["done"] == len(files_of(web)) == 4


def test_the_address_may_come_from_where_ray_looks_for_it(nodes: Nodes, tmp_path: Path) -> None:
    photo = plain_picture(tmp_path / "photo.tif")
    words = ("batch", "reduce", photo, "-o", tmp_path / "web", *FAST, "--engine", "ray")
    done = ran(*words, env={**os.environ, "RAY_ADDRESS": nodes.address})
    assert (done.returncode, done.stderr) == (
        0,
        f"gamut: on the Ray cluster at {nodes.address}, as RAY_ADDRESS says\n",
    )
