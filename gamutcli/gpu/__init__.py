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
from pathlib import Path

from gamutcli.errors import DeviceError, UsageError
from gamutcli.model import FloatNetwork, Inputs, Network
from gamutcli.presets import Preset

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


def fit_seconds(preset: Preset) -> float:
    """What a fit takes on the CPU, about."""
    return preset.steps * preset.batch * _weights(preset.inputs, preset.hidden, preset.depth) / FIT_PACE


def prediction_seconds(network: Network | FloatNetwork, pixels: int) -> float:
    """What the prediction of some pixels takes on the CPU, about."""
    pace = CODES_PACE if network.inputs.color == "srgb_codes" else LINEAR_PACE
    return pixels * _weights(network.inputs, network.hidden, network.depth) / pace


def _weights(inputs: Inputs, hidden: int, depth: int) -> int:
    return hidden * (inputs.size + (depth - 1) * hidden + 3)


def _lacking() -> str | None:
    """What stands against a GPU."""
    try:
        import torch
    except ModuleNotFoundError:
        return "torch is not installed"
    except (ImportError, OSError):
        return "torch is installed but cannot be loaded"
    with warnings.catch_warnings():
        # A driver too old for this torch is told in a warning.
        warnings.simplefilter("ignore")
        available = torch.cuda.is_available()
    return None if available else "torch finds no CUDA device"


@contextmanager
def working() -> Iterator[None]:
    """Exact float32, no gradients kept, and a line that tells what to do where a GPU fails."""
    import torch

    torch.set_float32_matmul_precision("highest")
    try:
        with torch.no_grad():
            yield
    except torch.cuda.OutOfMemoryError as error:
        raise DeviceError("the GPU's memory does not hold this picture; use --device cpu.") from error
    except RuntimeError as error:
        reason = str(error).partition("\n")[0]
        raise DeviceError(f"the GPU failed ({reason}); use --device cpu.") from error
