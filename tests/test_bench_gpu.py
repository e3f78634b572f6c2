"""What is to measure a GPU works before there is one: on torch's CPU device, and where things go wrong."""

from __future__ import annotations

import ctypes
import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from gamutcli import gpu as package
from gamutcli import restore
from gamutcli.fitting import presets
from gamutcli.gpu import fit as gpu_fit
from tests.support.presets import changed_presets

BENCH = Path(__file__).parent.parent / "bench"

needs_torch = pytest.mark.skipif(find_spec("torch") is None, reason="torch is not installed")


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """bench/gpu.py; its scripts import each other as scripts do."""
    monkeypatch.syspath_prepend(str(BENCH))
    import gpu

    return gpu


@pytest.fixture
def here(bench: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[None]:
    """Measurements run in this process, which has torch already; what a rehearsal changes is changed back."""
    import gpu_inside
    import processes

    for module, name in ((package, "_lacking"), (gpu_fit, "fit_together")):
        monkeypatch.setattr(module, name, getattr(module, name))
    monkeypatch.setattr(restore, "GpuPredictor", restore.GpuPredictor)
    monkeypatch.setattr(gpu_inside, "REPEATS", 1)

    alone = processes.run

    def run(command: Sequence[str], limit: float, told: Any) -> processes.Run:
        if command[1] == "-m":  # a batch: its pictures are worked on by other processes anyway
            return alone(command, limit, told)
        capsys.readouterr()
        gpu_inside.main(list(command[2:]))
        return processes.Run(1.0, 1.0, 100.0, capsys.readouterr().out)

    monkeypatch.setattr(bench, "run", run)
    with changed_presets(*presets.PRESETS, steps=20):
        yield


@needs_torch
def test_everything_can_be_rehearsed(bench: ModuleType, here: None, tmp_path: Path) -> None:
    assert bench.main(["--rehearse", "--out", str(tmp_path), "--limit", "1000"]) == 0
    found = json.loads((tmp_path / "gpu.json").read_text())
    steps = found["steps"]
    assert {step["status"] for step in steps.values()} == {"done"}
    assert {f"fit {preset}, {device}" for preset in presets.PRESETS for device in ("cuda", "cpu")} <= set(steps)
    assert steps["fits together"]["pictures"] == 8
    assert {
        steps[f"batch {verb}, {device}"]["pictures"] for verb in ("reduce", "expand") for device in ("cuda", "cpu")
    } == {4}
    for preset in ("balanced", "paper"):
        assert steps[f"expand {preset}, cuda"]["command"]["device"] == "cuda"
        assert steps[f"expand {preset}, cpu"]["command"]["device"] == "cpu"
        assert steps[f"difference {preset}"]["largest_codes"] <= 2
        assert steps[f"network {preset}"]["together_s"] > 0
    assert 25 < steps["expand balanced, cuda"]["command"]["og_pct"] < 35
    assert steps["network paper"]["pixels"] == steps["picture"]["width"] * steps["picture"]["height"]
    assert steps["pretrain, cuda"]["crops"] > 0
    tables = (tmp_path / "gpu.md").read_text()
    assert "rehearsal" in tables
    assert "Not measured" not in tables


@needs_torch
def test_a_measurement_is_a_process_of_its_own(bench: ModuleType, tmp_path: Path) -> None:
    found = bench.Bench(tmp_path, 300, rehearse=True).inside("machine", "machine", "cuda")
    assert found["status"] == "done", found
    assert found["torch"]
    assert found["peak_mib"] > 20


def test_what_was_measured_is_kept_when_the_time_is_up(bench: ModuleType, tmp_path: Path) -> None:
    short = bench.Bench(tmp_path, 60, rehearse=False)
    short._step("first", ["-c", "print('{\"largest_codes\": 1}')"], (), lambda found: json.loads(found.output))
    short._end = 0
    short._step("second", ["-c", "raise SystemExit(3)"], (), lambda found: json.loads(found.output))
    steps = json.loads((tmp_path / "gpu.json").read_text())["steps"]
    assert steps["first"]["largest_codes"] == 1
    assert steps["second"]["status"] == "not reached"
    assert "second: not reached, no time was left" in (tmp_path / "gpu.md").read_text()
    assert bench.faults(short.results) == []


def test_a_measurement_that_fails_tells_why_and_the_next_goes_on(bench: ModuleType, tmp_path: Path) -> None:
    long = bench.Bench(tmp_path, 60, rehearse=False)
    long._step("broken", ["-c", "raise ValueError('no kernel image')"], (), lambda found: {})
    long._step("lacking", ["-c", ""], (tmp_path / "reduced.jpg",), lambda found: {})
    long._step("sound", ["-c", ""], (), lambda found: {"largest_codes": 3})
    steps = long.results["steps"]
    assert [step["status"] for step in steps.values()] == ["failed", "not reached", "done"]
    assert steps["broken"]["reason"] == "exit code 1: ValueError: no kernel image"
    assert steps["lacking"]["reason"] == "there is no reduced.jpg"
    assert [fault.partition(":")[0] for fault in bench.faults(long.results)] == ["broken", "sound"]


def test_a_process_that_takes_too_long_is_ended(bench: ModuleType) -> None:
    import processes

    with pytest.raises(processes.Failed, match="ended after"):
        processes.run([sys.executable, "-c", "import time; time.sleep(600)"], limit=0.2)


# The environment.


@pytest.fixture
def environment(bench: ModuleType, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """bench/gpu_environment.py, which must not get as far as pip."""
    import gpu_environment

    def install(python: str, *requirements: str) -> None:
        raise AssertionError(f"{requirements} were about to be installed")

    monkeypatch.setattr(gpu_environment, "install", install)
    return gpu_environment


@pytest.fixture
def driver(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """`driver(status, gpus)` pretends that a driver of that kind is there."""

    def pretend(status: int = 0, gpus: int = 1, cuda: int = 12040) -> None:
        def set_to(value: int) -> Callable[[object], int]:
            def answer(place: object) -> int:
                place._obj.value = value  # type: ignore[attr-defined]
                return 0

            return answer

        library = SimpleNamespace(
            cuInit=lambda flags: status, cuDeviceGetCount=set_to(gpus), cuDriverGetVersion=set_to(cuda)
        )
        monkeypatch.setattr(ctypes, "CDLL", lambda name: library)

    return pretend


def test_without_a_driver_nothing_is_made(
    environment: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(environment, "DRIVERS", ("no-such-library.so",))
    assert environment.main([str(tmp_path / "env")]) == 1
    assert capsys.readouterr().err == "make gpu: there is no NVIDIA driver.\n"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("found", [{"status": 100}, {"gpus": 0}])
def test_a_driver_without_a_gpu_is_not_enough(
    environment: ModuleType,
    driver: Callable[..., None],
    found: dict[str, int],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    driver(**found)
    assert environment.main([str(tmp_path / "env")]) == 1
    assert capsys.readouterr().err.startswith("make gpu: the NVIDIA driver finds no GPU")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("cuda", "torch"), [(12040, "torch<2.11"), (13000, "torch")])
def test_the_torch_that_is_installed_suits_the_driver(
    environment: ModuleType,
    driver: Callable[..., None],
    cuda: int,
    torch: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    driver(cuda=cuda)
    wanted: list[str] = []
    monkeypatch.setattr(environment, "make", lambda folder: sys.executable)
    monkeypatch.setattr(environment, "has_torch", lambda python: bool(wanted))
    monkeypatch.setattr(environment, "install", lambda python, *requirements: wanted.extend(requirements))
    assert "CUDA" in environment.prepare(tmp_path, None)
    assert wanted[0] == torch
    wanted.clear()
    environment.prepare(tmp_path, "torch==2.8.0")
    assert wanted[0] == "torch==2.8.0"


def test_an_environment_sees_what_this_python_has(
    environment: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As where the system's Python comes without ensurepip; and quicker.
    monkeypatch.setattr(environment.importlib.util, "find_spec", lambda name: None)
    python = environment.make(tmp_path / "env")
    imports = [python, "-c", "import numpy; print(numpy.__file__)"]
    assert subprocess.run(imports, capture_output=True).returncode == 1
    environment.lend(python)
    import numpy

    assert subprocess.run(imports, capture_output=True, text=True, check=True).stdout.strip() == numpy.__file__
