"""Which options of `gamut batch` about engines go together, and what is said without Ray; none of this needs Ray."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

import gamutcli
from gamutcli.cli import USAGE
from tests.support.batches import files_of, shoot, started
from tests.support.commands import Gamut

RAY = ("--engine", "ray")


@pytest.fixture
def words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, ...]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    shoot(Path("photos"), 1)
    return ("batch", "reduce", "photos", "-o", "web", "--preset", "fast")


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--ray-address", "auto"), "--ray-address: is about Ray; add --engine ray."),
        (("--ray-cpus", "2"), "--ray-cpus: is about Ray; add --engine ray."),
        (("--ray-gpus", "0.5", "--engine", "local"), "--ray-gpus: is about Ray; add --engine ray."),
        ((*RAY, "--ray-gpus", "1.5"), "--ray-gpus 1.5: above 1, GPUs are given whole."),
        ((*RAY, "--ray-gpus", "inf"), "--ray-gpus inf: is no number of what there can be."),
        ((*RAY, "--ray-cpus", "nan"), "--ray-cpus nan: is no number of what there can be."),
        ((*RAY, "--ray-gpus", "0.001"), "--ray-gpus 0.001: 0.01 is the smallest part of one."),
        ((*RAY, "--device", "cuda"), "--device cuda: with --engine ray it needs --ray-gpus, as 1 or 0.25."),
        ((*RAY, "--ray-address", "auto", "--memory", "1GB"), "--memory: nodes of a cluster have said theirs"),
        (
            (*RAY, "--ray-address", "nonsense"),
            "--ray-address nonsense: is no address of a cluster; write auto, or HOST",
        ),
        ((*RAY, "--ray-address", "ray://head:10001"), "--ray-address ray://head:10001: is no address of a cluster"),
    ],
)
def test_options_that_do_not_go_together(
    gamut: Gamut, words: tuple[str, ...], more: tuple[str, ...], said: str
) -> None:
    outcome = gamut(*words, *more)
    assert outcome.code == USAGE
    assert outcome.err.startswith(f"gamut: error: {said}")
    assert len(outcome.err.splitlines()) == 1
    assert not Path("web").exists()


def test_an_address_where_nobody_answers(gamut: Gamut, words: tuple[str, ...]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    outcome = gamut(*words, *RAY, "--ray-address", f"127.0.0.1:{port}")
    assert outcome.code == USAGE
    assert outcome.err.startswith(f"gamut: error: --ray-address 127.0.0.1:{port}: no cluster answers there (")


def test_files_of_this_process_are_no_nodes(gamut: Gamut, words: tuple[str, ...]) -> None:
    outcome = gamut("batch", "reduce", "photos", "-o", "memory://web", *RAY)
    assert (outcome.code, outcome.err) == (
        USAGE,
        "gamut: error: memory://: is of one process alone; --engine ray has others.\n",
    )


def test_what_the_environment_says_of_ray_is_for_runs_that_use_it(
    gamut: Gamut, words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GAMUT_RAY_ADDRESS", "10.0.0.1:6379")
    monkeypatch.setenv("GAMUT_RAY_CPUS", "2")
    assert gamut(*words).code == 0
    assert len(files_of(Path("web"))) == 1


@pytest.mark.parametrize("more", [(), ("--dry-run",), ("--ray-address", "auto")])
def test_without_ray_it_says_what_to_install(words: tuple[str, ...], more: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / "none").mkdir()
    (tmp_path / "none/ray.py").write_text("raise ImportError")
    path = os.pathsep.join([str(tmp_path / "none"), str(Path(gamutcli.__file__).parents[1])])
    with started(*words, *RAY, *more, env={**os.environ, "PYTHONPATH": path}) as process:
        out, err = process.communicate()
    assert (process.returncode, out) == (USAGE, "")
    assert err == "gamut: error: --engine ray: needs Ray: pip install 'ray>=2.55'\n"
    assert not (tmp_path / "web").exists()
