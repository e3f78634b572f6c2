"""What ``fast``, ``balanced``, ``best`` and ``paper`` mean, and why.

Figures behind the choices are in docs/EXPERIMENTS.md.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from gamutcli.color import Adaptation
from gamutcli.errors import UsageError
from gamutcli.model import Box, Inputs

#: Seen by our networks: codes need few octaves, places many; the boxes tell texture from flat color.
NEIGHBOURHOOD_INPUTS = Inputs(
    position_octaves=12, color_octaves=4, boxes=(Box(radius=1, octaves=2), Box(radius=4, octaves=2), Box(16, octaves=2))
)
#: Le et al., section 3: x, y and linear ProPhoto RGB, twelve octaves from pi on each: 120 features.
PAPER_INPUTS = Inputs(position_octaves=12, color_octaves=12, color="prophoto_linear", first_octave=0)


@dataclass(frozen=True)
class Preset:
    """How much work a fit does, and on what.

    Attributes:
        name: The word the command line uses.
        inputs: What the network sees of a pixel.
        hidden: Width of the hidden layers.
        depth: Number of hidden layers.
        steps: Optimiser steps.
        batch: Pixels a step.
        samples: Pixels drawn from the picture, once; more cost memory and drawing time, no steps.
        rate: Peak rate of Adam; Muon's is a fixed multiple of it.
        optimizer: "muon" on the hidden matrices (Adam on the rest), or "adam" on all.
        decay: The rate falls along a cosine to 1 %; otherwise it is constant.
        every_pixel: Fit and correct the whole picture, as the paper does, not just what was clipped.
        adaptation: Between ProPhoto's white and sRGB's.
    """

    name: str
    inputs: Inputs
    hidden: int
    depth: int
    steps: int
    batch: int
    samples: int
    rate: float
    optimizer: Literal["muon", "adam"] = "muon"
    decay: bool = True
    every_pixel: bool = False
    adaptation: Adaptation = "bradford"


PRESETS = {
    preset.name: preset
    for preset in (
        Preset("fast", NEIGHBOURHOOD_INPUTS, 64, 3, steps=400, batch=2048, samples=1 << 16, rate=2e-2),
        Preset("balanced", NEIGHBOURHOOD_INPUTS, 64, 3, steps=1200, batch=2048, samples=1 << 17, rate=1.5e-2),
        Preset("best", NEIGHBOURHOOD_INPUTS, 80, 3, steps=3000, batch=4096, samples=1 << 18, rate=1.5e-2),
        # Faithful to the paper but for the batch: 65,536 there, 4,096 here, at the same result within 0.1 dB.
        Preset(
            "paper",
            PAPER_INPUTS,
            hidden=32,
            depth=2,
            steps=9000,
            batch=4096,
            samples=0,
            rate=5e-3,
            optimizer="adam",
            decay=False,
            every_pixel=True,
            adaptation="cat02",
        ),
    )
}

#: The paper's and the reproduction's model sizes, by their names: kilobytes as float32.
PAPER_MODELS = {"11kb": 16, "23kb": 32, "53kb": 64, "137kb": 128}


def choose(name: str, model: str | None = None) -> Preset:
    """Look a preset up.

    Args:
        name: One of ``PRESETS``.
        model: One of ``PAPER_MODELS``, with the paper's preset only.

    Raises:
        UsageError: An unknown name, or a model size for a preset that has its own.
    """
    if name not in PRESETS:
        raise UsageError(f"unknown preset {name!r}; choose one of {', '.join(PRESETS)}")
    preset = PRESETS[name]
    if model is None:
        return preset
    if model not in PAPER_MODELS:
        raise UsageError(f"unknown model {model!r}; choose one of {', '.join(PAPER_MODELS)}")
    if name != "paper":
        raise UsageError(f"--model {model} is a size of the paper's network: use it with --preset paper")
    return replace(preset, hidden=PAPER_MODELS[model])
