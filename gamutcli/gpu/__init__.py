"""The network on a GPU, through torch: which device to use; ``predict`` and ``fit`` are what it does.

torch is optional and takes seconds to import, so nothing imports it before a GPU is known to be worth that.  Numbers
are float32 throughout (no TF32), sums of boxes are integers, tables come from numpy: a GPU restores the picture that a
CPU does, within two 16-bit codes.  All of it also runs on torch's own CPU device.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from gamutcli.errors import DeviceError, UsageError
from gamutcli.fitting.presets import Preset
from gamutcli.network.shape import FloatNetwork, Network

DEVICES = ("auto", "cpu", "cuda")
#: What is there where an NVIDIA driver is: on Linux, on Linux inside Windows, and on Windows.
DRIVER_FILES = (
    Path("/proc/driver/nvidia/version"),
    Path("/dev/nvidiactl"),
    Path("/usr/lib/wsl/lib/libcuda.so.1"),
    Path(os.environ.get("SYSTEMROOT", "C:/Windows"), "System32", "nvcuda.dll"),
)
#: Seconds that it takes to import torch and wake a GPU.
STARTING = 4.0
#: Pixels times weights a second on two cores: in a fit, in a prediction from codes, in one from linear colour, whose
#: waves no table holds.  Measured.
FIT_PACE, CODES_PACE, LINEAR_PACE = 1.2e10, 4e10, 1e10


def device_for(wanted: str, cpu_seconds: float) -> str:
    """Choose where a network runs; torch is imported only where it may be of use.

    Args:
        wanted: "cpu", "cuda", or "auto": a GPU where there is one and the work is worth its start.
        cpu_seconds: What the work would take on the CPU.

    Returns:
        "cpu" or "cuda".

    Raises:
        UsageError: Another word.
        DeviceError: "cuda" is wanted, and there is no GPU or no torch.
    """
    if wanted not in DEVICES:
        raise UsageError(f"unknown device {wanted!r}; choose one of {', '.join(DEVICES)}")
    hopeless = cpu_seconds <= STARTING or not any(path.exists() for path in DRIVER_FILES)
    if wanted == "cpu" or (wanted == "auto" and hopeless):
        return "cpu"
    lacking = _lacking()
    if lacking is None:
        return "cuda"
    if wanted == "auto":
        return "cpu"
    raise DeviceError(f"{lacking}; use --device cpu, or install torch for your GPU: pip install torch")


def check(wanted: str) -> None:
    """Raise now what ``device_for`` would raise after some work."""
    device_for(wanted, 0.0)


def device_name() -> str:
    """What networks can run on, in words; torch is imported."""
    lacking = _lacking()
    if lacking is not None:
        return f"{lacking}: cpu"
    import torch

    return f"cuda: {torch.cuda.get_device_name()}, CUDA {torch.version.cuda}"


def fit_seconds(preset: Preset) -> float:
    """What a fit takes on the CPU, about."""
    return preset.steps * preset.batch * preset.shape.weights / FIT_PACE


def prediction_seconds(network: Network | FloatNetwork, pixels: int) -> float:
    """What the prediction of some pixels takes on the CPU, about."""
    pace = CODES_PACE if network.inputs.color == "srgb_codes" else LINEAR_PACE
    return pixels * network.shape.weights / pace


def _lacking() -> str | None:
    """What stands against a GPU."""
    try:
        import torch
    except ModuleNotFoundError:
        return "torch is not installed"
    except (ImportError, OSError):
        return "torch is installed but cannot be loaded"
    with warnings.catch_warnings():
        # A driver too old for this torch is told in a warning, and so is a GPU that it has no kernels for.
        warnings.simplefilter("ignore")
        if not torch.cuda.is_available():
            return "torch finds no CUDA device"
        return _refusal()


def _refusal() -> str | None:
    """Why the GPU that torch finds does not work: too old for this torch, taken by another process, out of memory.

    With "auto" the CPU then does the work; what it takes to find out, the first kernel would take anyway.
    """
    import torch

    try:
        torch.ones(2, device="cuda").sum().item()
    except RuntimeError as error:
        return f"torch finds a GPU that does not work ({_first_line(error)})"
    return None


@cache
def _set_up() -> None:
    """What torch says about the setting of its precision is said once, and kept back.

    From 2.9 on it names a newer setting, which older ones lack; the two must not be mixed.
    """
    import torch

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.set_float32_matmul_precision("highest")


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0].rstrip(".")


@contextmanager
def working() -> Iterator[None]:
    """Exact float32, no gradients kept, and a line that tells what to do where a GPU fails."""
    import torch

    _set_up()
    torch.set_float32_matmul_precision("highest")
    try:
        with torch.no_grad():
            yield
    except torch.cuda.OutOfMemoryError as error:
        raise DeviceError("the GPU's memory does not hold this picture; use --device cpu.") from error
    except RuntimeError as error:
        raise DeviceError(f"the GPU failed ({_first_line(error)}); use --device cpu.") from error
