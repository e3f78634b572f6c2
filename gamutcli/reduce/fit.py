"""A network for the picture: a sample drawn, fitted to, and rounded into the bytes there are."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from gamutcli import gpu
from gamutcli.arrays import FloatArray
from gamutcli.fingerprint.match import GRID_SIDE, SMALL_GRID_SIDE
from gamutcli.fitting.fit import Fit, Matrices, Progress
from gamutcli.fitting.presets import Preset, narrow_to
from gamutcli.fitting.quantise import FitOn, quantise_within, round_weights
from gamutcli.fitting.sample import Sample, draw_sample
from gamutcli.fitting.scene import Scene
from gamutcli.gpu.together import fit_on
from gamutcli.network.shape import Network
from gamutcli.parallel import Later, beside
from gamutcli.payload.fields import Fields
from gamutcli.payload.format import overhead_bytes
from gamutcli.reduce.plan import Plan
from gamutcli.weights import Weights

#: A network of so many units, in a payload of so many bytes, can afford the larger grid of block means.
LARGE_GRID_BYTES, LARGE_GRID_HIDDEN = 4096, 32
#: Of a preset's steps and rate, those of a fit that goes on behind rounded layers: more steps bring another 0.2 dB,
#: twice the rate nothing.
STEPS_ON, RATE_ON = 0.07, 2 / 15


@dataclass(frozen=True)
class Fitted:
    """A quantised network, or None, with what it took.

    Attributes:
        preset: Name of what it was fitted with.
        network: None where there is nothing to restore, or no room.
        grid_side: Blocks along a side of the fingerprint that goes with it.
        steps: Optimiser steps that were done.
        seconds: Drawing the sample, fitting and rounding.
        device: Where.
        tries: How many networks were fitted before it was chosen, itself included; ``seconds`` are those of all.
        notes: What to tell the user.
    """

    preset: str
    network: Network | None
    grid_side: int = SMALL_GRID_SIDE
    steps: int = 0
    seconds: float = 0.0
    device: str = "cpu"
    tries: int = 1
    notes: tuple[str, ...] = ()


def fit_network(
    scene: Scene, og_pixels: int, plan: Plan, progress: Progress | None, meanwhile: Sequence[Later[Any]]
) -> Fitted:
    """Draw a sample, fit a network to it and quantise that.

    Args:
        scene: The picture.
        og_pixels: How many pixels of the original are out of gamut: without one there is nothing to restore, unless
            the preset corrects what lies in gamut too.
        plan: What is to be done.
        progress: Called with (step, steps, loss).
        meanwhile: Work for a core that the fit leaves idle.
    """
    began = time.perf_counter()
    sample = draw_sample(plan.preset, scene, plan.seed) if og_pixels or plan.preset.every_pixel else None
    if sample is None:
        return Fitted(plan.preset.name, None, notes=("no colour was clipped: the payload holds no network",))
    lossless = not scene.correction.tolerance
    # As wide as without blocks: what these spare is time of whoever expands.
    clipped = scene.count_apparent()[0] if scene.blocks and not scene.correction.compression else sample.pixels
    preset = narrow_to(plan.preset, clipped, plan.max_payload, lossless)
    preset, start, notes = _choose_start(preset, plan.start)
    device = gpu.device_for(plan.device, gpu.fit_seconds(preset))
    with beside(*meanwhile):
        fitted = fit_on(device, sample, preset, plan.seed, progress, start)
        fields = Fields(scene.correction.compression, scene.blocks)
        network, grid_side = _quantise(
            fitted, sample, preset, fields, partial(_fit_behind, plan, device, sample, preset)
        )
        seconds = time.perf_counter() - began
    if network is None:
        notes += (f"no network fits into {preset.payload} bytes, so none is stored",)
    return Fitted(preset.name, network, grid_side, fitted.steps, seconds, device, notes=notes)


def describe_fit(fitted: Fitted) -> str:
    """What was done, in a few words."""
    if fitted.network is None:
        return f"looked for colours to fit, with preset {fitted.preset}, and stored no network,"
    shape = fitted.network.shape
    return (
        f"fitted {shape.depth} hidden layers of {shape.hidden} units in {fitted.steps:,} steps (preset "
        f"{fitted.preset}, {fitted.device}) and quantised them"
    )


def _choose_start(preset: Preset, start: Weights | None) -> tuple[Preset, Matrices | None, tuple[str, ...]]:
    """Return how to fit, what to start from, and what to tell of it: a narrowed network has another shape."""
    if start is None:
        return preset, None, ()
    if start.shape != preset.shape:
        wide, narrow = start.shape.hidden, preset.hidden
        return (
            preset,
            None,
            (f"fitted from random weights: --init is for {wide} units, and this picture gets {narrow}",),
        )
    steps = preset.meta_steps or preset.steps
    return replace(preset, steps=steps, residual_unit=start.residual_unit), list(start.weights), ()


def _fit_behind(
    plan: Plan, device: str, sample: Sample, preset: Preset, weights: Sequence[FloatArray], fixed: int
) -> Fit:
    """Fit the layers behind those that are rounded on, for a few steps at a low rate."""
    steps, rate = math.ceil(STEPS_ON * preset.steps), RATE_ON * preset.rate
    return fit_on(device, sample, replace(preset, steps=steps, rate=rate), plan.seed, None, weights, fixed)


def _quantise(
    fitted: Fit, sample: Sample, preset: Preset, fields: Fields, fit_behind: FitOn
) -> tuple[Network | None, int]:
    """Return the network, None where it does not fit into the preset's bytes, and the side of its fingerprint."""
    if preset.payload is None:
        scale = float(np.float32(fitted.residual_scale))
        return Network(preset.inputs, tuple(map(round_weights, fitted.weights)), scale), GRID_SIDE
    is_large = preset.payload >= LARGE_GRID_BYTES and preset.hidden >= LARGE_GRID_HIDDEN
    side = GRID_SIDE if is_large else SMALL_GRID_SIDE
    room = preset.payload - overhead_bytes(side, preset.inputs, fields)
    return quantise_within(fitted, sample, preset.inputs, room, fit_behind), side
