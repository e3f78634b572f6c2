"""Run the tests of what a fit is worth with every kernel of OpenBLAS that this machine can run, on three seeds.

A fit's digits depend on the kernel that multiplies its matrices, and it is the CPU that chooses: what holds with one
need not with another.  `python tests/kernels.py --quick` is the short form: the first seed with every kernel, the
others with one.  What else is said goes to pytest.
"""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

SEEDS = (0, 1, 2)

#: Of what numpy says of the CPU, what a kernel needs.
NEEDS = {
    "Prescott": "SSE3",
    "Nehalem": "SSE42",
    "Sandybridge": "AVX",
    "Haswell": "AVX2",
    "SkylakeX": "AVX512_SKX",
}
#: OpenBLAS has one kernel of two names.
ALIASES = {"Katmai": "Prescott"}

KERNEL = (
    "import numpy, threadpoolctl\n"
    "for library in threadpoolctl.threadpool_info():\n"
    "    if library['internal_api'] == 'openblas': print(library['architecture']); break\n"
)


@dataclass(frozen=True)
class Run:
    """The tests with one kernel and one seed."""

    kernel: str
    seed: int
    passed: bool
    said: str

    @property
    def line(self) -> str:
        return f"{self.kernel:12} seed {self.seed}: {'' if self.passed else 'FAILED, '}{self.said}"


def with_kernel(name: str) -> dict[str, str]:
    return {**os.environ, "OPENBLAS_CORETYPE": name}


def kernel_given(name: str) -> str:
    """The kernel that numpy takes when asked for one; "none" where its BLAS is not OpenBLAS."""
    command = [sys.executable, "-c", KERNEL]
    told = subprocess.run(command, env=with_kernel(name), capture_output=True, text=True, check=True).stdout.strip()
    return ALIASES.get(told, told) or "none"


def runs_here(name: str) -> bool:
    """Whether the CPU has the instructions; OpenBLAS does not ask."""
    features: dict[str, bool] = np._core._multiarray_umath.__cpu_features__  # type: ignore[attr-defined]
    return features.get(NEEDS[name], False)


def tested(kernel: str, seed: int, words: list[str]) -> Run:
    command = [sys.executable, "-m", "pytest", "-m", "fit", "-q", f"--fit-seed={seed}", *words]
    done = subprocess.run(
        command,
        env=with_kernel(kernel),
        cwd=Path(__file__).parent.parent,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    output = done.stdout.decode(errors="replace")
    if done.returncode:
        print(output)
    return Run(kernel, seed, done.returncode == 0, (output.strip().splitlines() or ["nothing"])[-1].strip("= "))


def main(words: list[str]) -> int | str:
    quick = "--quick" in words
    words = [word for word in words if word != "--quick"]
    kernels = [name for name in NEEDS if runs_here(name)]
    if not kernels:
        return "none of the kernels runs on this machine's CPU: the tests were not run with any"
    for name in (name for name in NEEDS if name not in kernels):
        print(f"{name:12} left out: this machine's CPU has no {NEEDS[name]}")
    for name in kernels:
        if (given := kernel_given(name)) != name:
            return f"OPENBLAS_CORETYPE={name} gives the kernel {given}: this numpy cannot be told which to use"
    runs = []
    for name in kernels:
        for seed in SEEDS if name == kernels[-1] or not quick else SEEDS[:1]:
            runs.append(tested(name, seed, words))
            print(runs[-1].line, flush=True)
    return int(not all(run.passed for run in runs))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
