"""What ``fast``, ``balanced``, ``best`` and ``paper`` mean, and why.

Figures behind the choices are in docs/EXPERIMENTS.md.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal

from gamutcli.color.spaces import Adaptation
from gamutcli.errors import UsageError
from gamutcli.network.shape import Box, Inputs, Shape

#: Seen by our networks.  What a pixel is among its nearest neighbours tells texture and noise from flat colour; the
#: mean of a wider box tells which surface it is part of.
NEIGHBOURHOOD_INPUTS = Inputs(
    position_octaves=10,
    color_octaves=6,
    boxes=(Box(radius=1, octaves=2, contrast=True), Box(radius=1, octaves=2), Box(radius=4, octaves=2)),
)
#: Le et al., section 3: x, y and linear ProPhoto RGB, twelve octaves from pi on each: 120 features.
PAPER_INPUTS = Inputs(position_octaves=12, color_octaves=12, color="prophoto_linear", first_octave=0)


@dataclass(frozen=True)
class Preset:
    """How much work a fit does, and on what.

    Attributes:
        name: The word the command line uses.
        inputs: What the network sees of a pixel.
        hidden: Width of the hidden layers, at most: pictures with few clipped pixels get by with less.
        depth: Number of hidden layers.
        steps: Optimiser steps.
        batch: Pixels a step.
        samples: Pixels drawn from the picture, once; more cost memory and drawing time, no steps.
        rate: Peak rate of Adam; Muon's is a fixed multiple of it.
        optimizer: "muon" on the hidden matrices (Adam on the rest), "adam" on all, or plain "sgd".
        decay: The rate falls along a cosine to 1 %; otherwise it is constant.
        payload: Bytes that the payload may take; None: as many as the network needs at 8 bits.
        decoding: Multiplications that expanding the picture may take, about; None: any number.  It narrows the network
            of pictures with millions of clipped pixels, within bounds, so that they expand in seconds.
        every_pixel: Fit and correct the whole picture, as the paper does, not just what was clipped.
        adaptation: Between ProPhoto's white and sRGB's.
        meta_steps: Optimiser steps from meta-learned weights; None: as many as from random ones.
        eye: Power of what an error is to the eye by which it counts in the fit; 0: light alone.
        residual_unit: What an output of 1.0 means, linear ProPhoto units; None: the root mean square of the residuals.
    """

    name: str
    inputs: Inputs
    hidden: int
    depth: int
    steps: int
    batch: int
    samples: int
    rate: float
    payload: int | None = None
    decoding: int | None = None
    optimizer: Literal["muon", "adam", "sgd"] = "muon"
    decay: bool = True
    every_pixel: bool = False
    adaptation: Adaptation = "bradford"
    meta_steps: int | None = None
    eye: float = 0.0
    residual_unit: float | None = None

    @property
    def shape(self) -> Shape:
        """The network's."""
        return Shape(self.inputs, self.hidden, self.depth)


PRESETS = {
    preset.name: preset
    for preset in (
        Preset(
            "fast",
            NEIGHBOURHOOD_INPUTS,
            hidden=64,
            depth=3,
            steps=340,
            batch=2048,
            samples=1 << 17,
            rate=2e-2,
            payload=14_000,
            decoding=40_000_000_000,
        ),
        Preset(
            "balanced",
            NEIGHBOURHOOD_INPUTS,
            hidden=80,
            depth=3,
            steps=850,
            batch=2048,
            samples=1 << 18,
            rate=1.5e-2,
            payload=14_000,
            decoding=40_000_000_000,
        ),
        Preset(
            "best",
            NEIGHBOURHOOD_INPUTS,
            hidden=104,
            depth=3,
            steps=2500,
            batch=4096,
            samples=1 << 19,
            rate=1.5e-2,
            payload=23_000,
            eye=0.15,
        ),
        # Faithful to the paper but for the batch (65,536 there, 4,096 here, at the same result within 0.1 dB) and for
        # residuals in units of their own root mean square, without which short fits never get to the last digits.
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
            meta_steps=1200,
        ),
    )
}

#: The paper's networks predict residuals of values scaled to [-1, 1].
PAPER_RESIDUAL_UNIT = 0.5
#: The paper's and the reproduction's model sizes, by their names: kilobytes as float32.
PAPER_MODELS = {"11kb": 16, "23kb": 32, "53kb": 64, "137kb": 128}


def choose(name: str, model: str | None = None, max_payload: int | None = None) -> Preset:
    """Look a preset up.

    Args:
        name: One of ``PRESETS``.
        model: One of ``PAPER_MODELS``, with the paper's preset only.
        max_payload: The user's limit, bytes; not with the paper's preset.

    Raises:
        UsageError: An unknown name, or a model size or a limit that does not go with the preset.
    """
    if name not in PRESETS:
        raise UsageError(f"unknown preset {name!r}; choose one of {', '.join(PRESETS)}")
    preset = PRESETS[name]
    if preset.payload is None and max_payload is not None:
        raise UsageError("--max-payload does not go with --preset paper, whose networks have fixed sizes: see --model")
    if model is None:
        return preset
    if model not in PAPER_MODELS:
        raise UsageError(f"unknown model {model!r}; choose one of {', '.join(PAPER_MODELS)}")
    if name != "paper":
        raise UsageError(f"--model {model} is a size of the paper's network: use it with --preset paper")
    return replace(preset, hidden=PAPER_MODELS[model])


#: Widths that a network may have.
WIDTHS = (8, 12, 16, 24, 32, 40, 48, 56, 64, 72, 80, 88, 96, 104, 112, 128, 144, 160, 192, 224, 256)
#: Bits a weight takes after rounding and coding, about: a first guess of the width that fits into given bytes.
BITS_A_WEIGHT = 4.8
#: How much of a preset's width a large picture keeps, however long it takes to expand.
NARROWEST_LOSSLESS = 0.7
#: Units that it keeps as a lossy file, and the share of the multiplications that this gets: its own losses hide most of
#: what a wider network would add. Where the multiplications are not enough for 24 units, 16 lose 0.02 to 0.14 dB of
#: 24 MP, of which more than 45 % look clipped, and 0.2 to 0.4 dB of 45 MP.
NARROWEST_LOSSY, DECODING_LOSSY = 16, 0.55
#: Units up to which a network narrowed so is fitted by half of a preset's batch, if it has so many steps: 0.1 dB
#: for a third of the fit's time. With the 340 steps of "fast" it would be up to 0.4 dB.
HALVED, STEPS_HALVED = 32, 500
#: Weights that a clipped pixel, three numbers, is worth: more would describe it twice.
WEIGHTS_A_PIXEL = 3


def narrow_to(preset: Preset, clipped_pixels: int, most_bytes: int | None, lossless: bool = True) -> Preset:
    """Narrow a preset's network to the picture and to the bytes that it may take.

    Args:
        preset: What to start from.
        clipped_pixels: How many pixels there are to correct.
        most_bytes: The user's limit for the whole payload, which replaces the preset's; wider networks than the
            preset's are chosen where it leaves room.
        lossless: Whether the reduced file keeps its codes exactly.

    Returns:
        The preset with its width and its limit set.
    """
    limit = most_bytes or preset.payload
    if limit is None:
        return preset
    widest = preset.hidden if most_bytes is None else WIDTHS[-1]
    room = 8 * limit / BITS_A_WEIGHT
    narrowest = preset.hidden * NARROWEST_LOSSLESS if lossless else NARROWEST_LOSSY
    decoding = math.inf  # where the user chose the bytes, too
    if most_bytes is None and preset.decoding is not None:
        decoding = preset.decoding * (1 if lossless else DECODING_LOSSY)

    def is_quick(hidden: int) -> bool:
        # Codes and places are looked up; the waves of the boxes are multiplied.
        a_pixel = hidden * ((preset.depth - 1) * hidden + 3 + preset.inputs.box_waves)
        return hidden <= narrowest or clipped_pixels * a_pixel <= decoding

    def is_small_enough(hidden: int) -> bool:
        weights = hidden * ((preset.depth - 1) * hidden + 3 + preset.inputs.size)
        return hidden <= widest and weights <= min(room, WEIGHTS_A_PIXEL * clipped_pixels)

    fitting = [hidden for hidden in WIDTHS if is_small_enough(hidden)] or [WIDTHS[0]]
    hidden = max((hidden for hidden in fitting if is_quick(hidden)), default=WIDTHS[0])
    was_narrowed = not lossless and hidden < max(fitting)
    batch = preset.batch // 2 if was_narrowed and hidden <= HALVED and preset.steps >= STEPS_HALVED else preset.batch
    return replace(preset, hidden=hidden, payload=limit, batch=batch)
