#!/usr/bin/env python3
"""One measurement of bench/gpu.py, in a process of its own: what comes first is first, and its memory is its own.

Prints an object of JSON.  Reaches into the package at two places only: where the fit on a
GPU and the predictor for one are taken from, so that what is timed is what they run, on what they run it.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import platform
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import replace
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import tifffile
from files import SAMPLES

from gamutcli import expand_image, gpu, reduce_image, restore
from gamutcli.fitting import presets
from gamutcli.gpu import fit as gpu_fit
from gamutcli.gpu import predict as gpu_predict
from gamutcli.gpu import together
from gamutcli.pretrain import run as pretrain
from gamutcli.pretrain.recipe import recipe_of

#: Of what is measured warm.
REPEATS = 5
#: With --rehearse: steps enough to get past the first look at the losses.
LITTLE: Any = {"steps": 70, "batch": 256, "samples": 4096}
MIB = 1 << 20
Found = dict[str, Any]


def rehearse() -> None:
    """Let torch's CPU device play the GPU, with fits of a few steps."""
    gpu._lacking = lambda: None
    for name, preset in presets.PRESETS.items():
        presets.PRESETS[name] = replace(preset, **LITTLE)
    gpu_fit.fit_together = partial(gpu_fit.fit_together, device="cpu")
    restore.GpuPredictor = partial(restore.GpuPredictor, device="cpu")


def is_on(device: str) -> bool:
    """Whether a real GPU is what is measured."""
    import torch

    return device == "cuda" and torch.cuda.is_available()


def waited(device: str) -> float:
    """The time, once the GPU has done all that it was given."""
    import torch

    if is_on(device):
        torch.cuda.synchronize()
    return time.perf_counter()


def gpu_memory(device: str) -> Found:
    """The most that this process held in the GPU's memory: by tensors, and in all that torch keeps for them."""
    import torch

    if not is_on(device):
        return {}
    return {
        "gpu_tensors_mib": torch.cuda.max_memory_allocated() / MIB,
        "gpu_reserved_mib": torch.cuda.max_memory_reserved() / MIB,
    }


def forget_memory(device: str) -> None:
    """Let ``gpu_memory`` count from now on."""
    import torch

    if is_on(device):
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()


def machine(device: str) -> Found:
    """What is measured on, and how long torch takes to come up."""
    start = time.perf_counter()
    gpu.check(device)
    woken = time.perf_counter() - start
    import torch

    found: Found = {
        "python": platform.python_version(),
        "system": platform.platform(),
        "cores": os.cpu_count(),
        "processor": _processor(),
        "numpy": np.__version__,
        "gamutcli": version("gamutcli"),
        "torch": torch.__version__,
        "cuda": torch.version.cuda,
        "torch_start_s": woken,
    }
    if is_on(device):
        card = torch.cuda.get_device_properties(0)
        found["gpu"], found["gpu_mib"] = card.name, card.total_memory / MIB
        found["capability"] = f"{card.major}.{card.minor}"
    return found


def _processor() -> str:
    names = Path("/proc/cpuinfo")
    lines = names.read_text().splitlines() if names.exists() else []
    return next((line.partition(": ")[2] for line in lines if line.startswith("model name")), platform.processor())


def picture(target: str, megapixels: str) -> Found:
    """Write a large picture: a sample of which 30 % lie outside sRGB, beside itself mirrored, again and again."""
    tile = tifffile.imread(SAMPLES / "astronaut.tif")
    height, width = (round((float(megapixels) * 1e6 * share) ** 0.5) for share in (2 / 3, 3 / 2))
    codes = np.pad(tile, ((0, max(0, height - len(tile))), (0, max(0, width - tile.shape[1])), (0, 0)), "symmetric")
    with tifffile.TiffFile(SAMPLES / "astronaut.tif") as file:
        profile = file.pages[0].tags[34675].value
    codes = np.ascontiguousarray(codes[:height, :width])
    tifffile.imwrite(target, codes, photometric="rgb", iccprofile=profile, metadata=None)
    return {"width": width, "height": height}


def fit(source: str, preset: str, device: str) -> Found:
    """Fit to a picture as ``reduce`` does, behind rounded layers too: first, and warm where a GPU does it."""
    module, name = (gpu_fit, "fit_together") if device == "cuda" else (together, "fit_on_cpu")
    original = getattr(module, name)
    fits: list[list[float]] = []

    def again_and_again(*args: Any, **more: Any) -> Any:
        fits.append(seconds := [])
        for _ in range(1 + REPEATS if device == "cuda" else 1):
            start = waited(device)
            found = original(*args, **more)
            seconds.append(waited(device) - start)
        return found

    with tempfile.TemporaryDirectory() as folder, patch.object(module, name, again_and_again):
        result = reduce_image(source, Path(folder, "reduced.png"), preset=preset, device=device)
    return {
        "fits": len(fits),
        "first_s": sum(first for first, *_ in fits),
        "warm_s": sum(statistics.median(warm) for _, *warm in fits) if device == "cuda" else None,
        "runs_s": fits,
        "steps": result.steps,
        "hidden": result.hidden,
        "psnr_og": result.psnr_og,
        **gpu_memory(device),
    }


def fits(source: str, preset: str, device: str) -> Found:
    """Fit to as many pictures at once as are taken together, and to one."""
    jobs: list[Any] = []
    original = gpu_fit.fit_together

    def noting(wanted: list[Any], **more: Any) -> Any:
        if not jobs:  # the fit itself; those behind rounded layers follow
            jobs.extend(wanted)
        return original(wanted, **more)

    with tempfile.TemporaryDirectory() as folder, patch.object(gpu_fit, "fit_together", noting):
        reduce_image(source, Path(folder, "reduced.png"), preset=preset, device=device)
    together_s = [
        statistics.median(_timed(lambda count=count: original(jobs * count), device) for _ in range(REPEATS))
        for count in (1, together.MOST)
    ]
    return {"one_s": together_s[0], "pictures": together.MOST, "together_s": together_s[1], **gpu_memory(device)}


def pictures(folder: str, count: str) -> Found:
    """Write pictures of 1.6 megapixels: the samples, rolled."""
    samples = sorted(SAMPLES.glob("*.tif"))
    for number in range(int(count)):
        with tifffile.TiffFile(samples[number % len(samples)]) as file:
            codes, profile = file.asarray(), file.pages[0].tags[34675].value
        missing = [(0, max(0, side - have)) for side, have in zip((1034, 1550), codes.shape, strict=False)]
        codes = np.pad(np.roll(codes, 37 * number, axis=1), (*missing, (0, 0)), "symmetric")[:1034, :1550]
        target = Path(folder, f"{number:03}.tif")
        target.parent.mkdir(parents=True, exist_ok=True)
        tifffile.imwrite(target, np.ascontiguousarray(codes), photometric="rgb", iccprofile=profile, metadata=None)
    return {"count": int(count)}


def network(source: str, device: str) -> Found:
    """The network over the pixels of a reduced picture: on the device alone, the transfers alone, and both.

    By torch's kernels, and by the one that a process compiles which does much.
    """
    import torch

    predictors, calls, inputs = [], [], []
    original, given = restore.GpuPredictor, {}

    def watched(*args: Any, **more: Any) -> Any:
        given.update(arguments=args, named=more)
        predictor = original(*args, **more)
        predictors.append(predictor)
        predictor.residuals = _noting(predictor.residuals, calls)
        predictor.on_device = _noting(predictor.on_device, inputs)
        return predictor

    with tempfile.TemporaryDirectory() as folder, patch.object(restore, "GpuPredictor", watched):
        expand_image(source, Path(folder, "restored.tif"), compression="none", device="cuda")
    (predictor,) = predictors
    strips, tensors = list(calls), list(inputs)
    del predictor.residuals, predictor.on_device
    pixels = sum(inside.size for _, inside in strips)

    def kernels(predictor: Any = predictor) -> None:
        for rows, places, *colors in tensors:
            predictor.on_device(rows, places, *colors)

    def transfers() -> None:
        torch.tensor(predictor.srgb_codes, device=predictor.device)
        for _, inside in strips:
            torch.tensor(inside, dtype=torch.int32, device=predictor.device)
            blank[: len(inside)].cpu()

    def both() -> None:
        for rows, inside in strips:
            predictor.residuals(rows, inside)

    with gpu.working():
        blank = torch.zeros((max(inside.size for _, inside in strips), 3), device=predictor.device)
        found = {
            "on_device_s": statistics.median(_on_device(kernels, device) for _ in range(REPEATS)),
            "transfers_s": statistics.median(_timed(transfers, device) for _ in range(REPEATS)),
            "together_s": statistics.median(_timed(both, device) for _ in range(REPEATS)),
        }
        with patch.object(gpu_predict, "FUSED_AFTER", 0):
            start = waited(device)
            fused = original(*given["arguments"], **given["named"])
            if fused.is_fused:
                kernels(fused)
                found["fused_first_s"] = waited(device) - start
                found["fused_s"] = statistics.median(_on_device(lambda: kernels(fused), device) for _ in range(REPEATS))
        tensors.clear()
        inputs.clear()
        forget_memory(device)
        both()
    return {**found, "pixels": pixels, "color": predictor.inputs.color, **gpu_memory(device)}


def _noting(function: Callable[..., Any], calls: list[Any]) -> Callable[..., Any]:
    """A function that notes what it was called with."""

    def noting(*args: Any) -> Any:
        calls.append(args)
        return function(*args)

    return noting


def _timed(work: Callable[[], None], device: str) -> float:
    start = waited(device)
    work()
    return waited(device) - start


def _on_device(work: Callable[[], None], device: str) -> float:
    """Seconds on the GPU's own clock; on the CPU, by the wall."""
    import torch

    if not is_on(device):
        return _timed(work, device)
    start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    start.record()
    work()
    end.record()
    end.synchronize()
    return float(start.elapsed_time(end)) / 1000


def difference(one: str, other: str) -> Found:
    """How far two pictures lie apart, in 16-bit codes."""
    pair = [tifffile.imread(path) for path in (one, other)]
    worst, pixels, beyond = 0, 0, 0
    for top in range(0, len(pair[0]), 256):
        apart = np.abs(np.subtract(*(codes[top : top + 256] for codes in pair), dtype=np.int32)).max(axis=-1)
        worst, pixels = max(worst, int(apart.max())), pixels + int(np.count_nonzero(apart))
        beyond += int(np.count_nonzero(apart > 2))
    every = pair[0].shape[0] * pair[0].shape[1]
    return {"largest_codes": worst, "differing_pct": 100 * pixels / every, "beyond_2_codes": beyond}


class TimeIsUp(Exception):
    """The pretraining has run for as long as it was given."""


def learn(seconds: str, device: str) -> Found:
    """Pretrain the paper's network on the samples for some time, as `gamut pretrain --model 23kb` does."""
    chosen, recipe = recipe_of("balanced", "23kb")
    told: list[tuple[float, float]] = []

    def progress(done: int, crops: int, loss: float) -> None:
        told.append((time.perf_counter(), loss))
        if told[-1][0] - told[0][0] > float(seconds):
            raise TimeIsUp

    with tempfile.TemporaryDirectory() as folder, _until_time_is_up():
        pictures = sorted(SAMPLES.glob("*.tif"))
        endless = replace(recipe, epochs=1_000_000)
        start = time.perf_counter()
        pretrain.pretrain(
            pictures, Path(folder, "weights.safetensors"), chosen, endless, device=device, progress=progress
        )
    crops, spent = len(told) - 1, told[-1][0] - told[0][0]
    return {
        "crops": crops,
        "spent_s": spent,
        "first_crop_s": told[0][0] - start,
        "crops_a_second": crops / spent,
        "steps_a_second": crops * recipe.inner_steps / spent,
        "loss_first": told[0][1],
        "loss_last": told[-1][1],
        **gpu_memory(device),
    }


@contextmanager
def _until_time_is_up() -> Iterator[None]:
    try:
        yield
    except TimeIsUp:
        return


def command(*words: str) -> Found:
    """Run a command line, as `gamut` does; where a GPU is played, that is how to get at it."""
    from gamutcli.cli import run

    with redirect_stdout(io.StringIO()) as printed:
        code = run(list(words))
    if code:
        raise SystemExit(code)
    found: Found = json.loads(printed.getvalue())
    return found


MEASUREMENTS: dict[str, Callable[..., Found]] = {
    "machine": machine,
    "picture": picture,
    "fit": fit,
    "fits": fits,
    "pictures": pictures,
    "network": network,
    "difference": difference,
    "pretrain": learn,
    "command": command,
}


def main(words: list[str] | None = None) -> None:
    """Measure, and print what was found."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("measurement", choices=MEASUREMENTS)
    parser.add_argument("arguments", nargs=argparse.REMAINDER, help="of the function of that name; see there")
    parser.add_argument("--rehearse", action="store_true", help="torch's CPU device plays the GPU, with little work")
    given = parser.parse_args(words)
    if given.rehearse:
        rehearse()
    print(json.dumps(MEASUREMENTS[given.measurement](*given.arguments)))


if __name__ == "__main__":
    main()
