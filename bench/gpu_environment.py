#!/usr/bin/env python3
"""Makes the environment that `make gpu` runs in, after it has seen that there is a GPU: first of all, and in a moment.

Use: gpu_environment.py FOLDER [--torch REQUIREMENT]

A torch that this Python has already, and that finds the GPU, is used from there, with all that lies beside it;
otherwise it comes from the registry, which for Linux gives one with CUDA.  Needs the standard library only.
"""

from __future__ import annotations

import argparse
import ctypes
import importlib.util
import shutil
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).parents[1]
#: NVIDIA's driver: on Linux, on Linux inside Windows, where containers mount it, on Windows.
DRIVERS = ("libcuda.so.1", "/usr/lib/wsl/lib/libcuda.so.1", "/usr/local/nvidia/lib64/libcuda.so.1", "nvcuda.dll")
#: From 2.11 on the registry's torch is made with CUDA 13, and an older driver does not run it.
NEW_CUDA, OLD_TORCH = 13000, "torch<2.11"
#: What the tests need beside the package.
TOOLS = ("pytest>=8", "hypothesis>=6.100")
FINDS_A_GPU = "import sys, torch; sys.exit(not torch.cuda.is_available())"
#: Where a Python keeps packages, its own first; Debian has other names for it.
SITE = "import sys; print(*[path for path in sys.path if path.endswith(('site-packages', 'dist-packages'))], sep='\\n')"


class NoGpu(Exception):
    """Why nothing can be measured here."""


def driver_cuda() -> int:
    """The newest CUDA that the driver knows, as in 12040 for 12.4.

    Raises:
        NoGpu: There is no driver, or no GPU that it can use.
    """
    driver = _driver()
    status = driver.cuInit(0)
    if status:
        raise NoGpu(f"the NVIDIA driver finds no GPU (cuInit: error {status})")
    count, cuda = ctypes.c_int(), ctypes.c_int()
    driver.cuDeviceGetCount(ctypes.byref(count))
    if not count.value:
        raise NoGpu("the NVIDIA driver finds no GPU")
    driver.cuDriverGetVersion(ctypes.byref(cuda))
    return cuda.value


def _driver() -> ctypes.CDLL:
    for name in DRIVERS:
        try:
            return ctypes.CDLL(name)
        except OSError:
            continue
    raise NoGpu("there is no NVIDIA driver")


def has_torch(python: str) -> bool:
    """Whether a Python has a torch that finds the GPU."""
    return subprocess.run([python, "-c", FINDS_A_GPU], capture_output=True).returncode == 0


def make(folder: Path) -> str:
    """Make an empty environment, unless it is there; with no pip of its own where this Python cannot give it one.

    Returns:
        Its Python.
    """
    python = folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    if not python.exists():
        venv.create(folder, with_pip=importlib.util.find_spec("ensurepip") is not None, clear=True)
    return str(python)


def lend(python: str) -> None:
    """Let an environment see what this Python has; what it has itself goes first.

    Not by ``system_site_packages``, which means those of the system's Python even where this one is an environment.
    """
    theirs = subprocess.run([python, "-c", SITE], check=True, capture_output=True, text=True).stdout.split("\n")[0]
    ours = subprocess.run([sys.executable, "-c", SITE], check=True, capture_output=True, text=True).stdout
    # Read in the order of the names: after that of the package.
    Path(theirs, "zz_lent.pth").write_text(ours)


def install(python: str, *requirements: str) -> None:
    """Install with the environment's pip, or with this Python's where it has none."""
    own = subprocess.run([python, "-m", "pip", "--version"], capture_output=True).returncode == 0
    pip = [python, "-m", "pip"] if own else [sys.executable, "-m", "pip", "--python", python]
    subprocess.run([*pip, "install", "--quiet", "--disable-pip-version-check", *requirements], check=True, cwd=ROOT)


def prepare(folder: Path, torch: str | None) -> str:
    """Make the environment, and see that it finds the GPU.

    Args:
        folder: Of the environment.
        torch: The requirement for pip; None: what this Python has, or else what the registry gives.

    Returns:
        A line on what is there.

    Raises:
        NoGpu: There is none, or the torch that was installed does not find it.
    """
    cuda = driver_cuda()
    if shutil.disk_usage(ROOT).free < 12 << 30:
        print("gpu_environment.py: torch with CUDA takes about 8 GiB of disk, and less than 12 are free", flush=True)
    python = make(folder)
    if torch is None and has_torch(sys.executable):
        lend(python)
    elif torch or not has_torch(python):
        install(python, torch or ("torch" if cuda >= NEW_CUDA else OLD_TORCH))
    install(python, "--editable", ".", *TOOLS)
    if not has_torch(python):
        raise NoGpu(
            f"torch finds no GPU, whose driver knows CUDA {cuda // 1000}.{cuda % 1000 // 10}; name another torch with "
            "TORCH='torch==...'"
        )
    return f"{folder}: torch finds a GPU, whose driver knows CUDA {cuda // 1000}.{cuda % 1000 // 10}"


def main(words: list[str] | None = None) -> int:
    """Make the environment; one line where that is in vain."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--torch", default="", metavar="REQUIREMENT", help="for pip; what suits the driver if empty")
    given = parser.parse_args(words)
    try:
        print(prepare(given.folder, given.torch or None))
    except NoGpu as reason:
        print(f"make gpu: {reason}.", file=sys.stderr)
        return 1
    except subprocess.CalledProcessError as error:
        print(f"make gpu: {' '.join(error.cmd[1:5])} ended with exit code {error.returncode}.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
