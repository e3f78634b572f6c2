"""The examples of how to launch many pictures run, or at least say what they mean to who reads them."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from gamutcli.batch.shard import from_environment
from gamutcli.cli import run
from tests.support.batches import files_of, shoot
from tests.support.launchers import attempt, call, install
from tests.support.markdown import ROOT

EXAMPLES = ROOT / "examples/batch"

pytestmark = pytest.mark.skipif(shutil.which("bash") is None, reason="no bash")


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with six pictures in photos/ and `gamut` in .bin/."""
    shoot(tmp_path / "photos", 6)
    install(tmp_path)
    return tmp_path


def test_the_tasks_of_a_slurm_array_are_one_run(place: Path) -> None:
    assert "#SBATCH --array=1-16\n" in (EXAMPLES / "slurm.sh").read_text()
    array = {"SLURM_ARRAY_TASK_COUNT": "2", "SLURM_ARRAY_TASK_MIN": "1", "SLURM_ARRAY_TASK_MAX": "2"}
    for task in ("1", "2"):
        said = call(place, str(EXAMPLES / "slurm.sh"), "photos", "web", SLURM_ARRAY_TASK_ID=task, **array)
        assert f"part {task}/2 of the pictures, as SLURM_ARRAY_TASK_ID says" in said
    assert len(files_of(place / "web")) == 6


def test_xargs(place: Path) -> None:
    call(place, str(EXAMPLES / "xargs.sh"), "photos", "web")
    assert len(files_of(place / "web")) == 6


def test_gnu_parallel(place: Path) -> None:
    script = EXAMPLES / "parallel.sh"
    call(place, "sh", "-n", str(script))
    if shutil.which("parallel") is None:
        pytest.skip("no GNU parallel: the script was parsed")
    (place / "hosts.txt").write_text(":\n")
    call(place, str(script), "photos", "web")
    assert len(files_of(place / "web")) == 6


@pytest.mark.parametrize("script", ["slurm.sh", "xargs.sh", "parallel.sh"])
def test_without_two_folders_a_script_says_its_use(place: Path, script: str) -> None:
    for words in ((), ("photos",)):
        done = attempt(place, EXAMPLES / script, *words)
        assert (done.returncode, done.stderr.startswith("usage: ")) == (2, True)


@pytest.mark.parametrize("script", ["slurm.sh", "xargs.sh", "parallel.sh"])
def test_a_folder_that_is_not_there_is_no_success(place: Path, script: str) -> None:
    assert attempt(place, EXAMPLES / script, "none", "web").returncode == 2


@pytest.mark.skipif(shutil.which("make") is None, reason="no make")
def test_rules_of_make(place: Path) -> None:
    words = ("make", "-f", str(EXAMPLES / "Makefile"), "PHOTOS=photos/day0")
    call(place, *words)
    assert list(files_of(place / "web")) == ["000.jpg", "002.jpg", "004.jpg"]
    assert "gamut reduce" not in call(place, *words)


def test_a_job_of_kubernetes_says_its_parts_and_a_command_line_that_is_understood() -> None:
    yaml = pytest.importorskip("yaml")
    job: dict[str, Any] = yaml.safe_load((EXAMPLES / "kubernetes.yaml").read_text())["spec"]
    (container,) = job["template"]["spec"]["containers"]
    variables = {entry["name"]: entry["value"] for entry in container["env"]}
    parts = [from_environment({**variables, "JOB_COMPLETION_INDEX": str(index)}) for index in range(job["completions"])]
    assert [str(part) for part in parts] == [f"{index}/8" for index in range(1, 9)]
    assert job["completionMode"] == "Indexed"
    assert run([*container["args"], "--help"]) == 0
