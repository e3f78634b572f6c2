"""How weights are learned: the paper's way, and what was measured to pay.

Source: Le et al., GamutMLP, CVPR 2023, for the ``paper`` recipe.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from gamutcli.fitting.presets import PAPER_RESIDUAL_UNIT, Preset, choose


@dataclass(frozen=True)
class Recipe:
    """How the weights are learned.

    Attributes:
        inner_optimizer: Of the fit to one crop.
        inner_steps: Of that fit.
        inner_rate: Its rate, which does not decay.
        inner_batch: Pixels of each of its steps.
        outer_optimizer: "adam" takes the way that a fit went for a gradient, as the paper does; "average" goes a share
            of that way.
        outer_rate: Of Adam; or the share at the start, which falls to nothing in the end.
        meta_batch: Crops whose ways are averaged in one outer step.
        epochs: Crops that are taken of each picture.
    """

    inner_optimizer: Literal["sgd", "adam", "muon"]
    inner_steps: int
    inner_rate: float
    inner_batch: int
    outer_optimizer: Literal["adam", "average"]
    outer_rate: float
    meta_batch: int
    epochs: int


#: The paper's: plain descent within, Adam without. Our notes of it do not tell batch and epochs.
PAPER_RECIPE = Recipe("sgd", 10_000, 1e-2, 4096, "adam", 1e-3, meta_batch=1, epochs=1)
#: Measured (docs/PRETRAINING.md).
PAPER_NETWORK_RECIPE = Recipe("adam", 100, 5e-3, 1024, "adam", 1e-3, meta_batch=1, epochs=8)
OWN_NETWORK_RECIPE = Recipe("muon", 50, 5e-3, 1024, "adam", 1e-3, meta_batch=1, epochs=8)


def recipe_of(preset: str, model: str | None) -> tuple[Preset, Recipe]:
    """The network and the way to learn that go with a preset.

    Args:
        preset: One of ``presets.PRESETS``; "paper" learns as the paper does.
        model: One of ``presets.PAPER_MODELS``: the paper's network of this size, whatever the preset.

    Raises:
        UsageError: An unknown name.
    """
    network = choose("paper" if model else preset, model)
    if network.name == "paper":
        network = replace(network, residual_unit=PAPER_RESIDUAL_UNIT)
    if preset == "paper":
        return network, PAPER_RECIPE
    return network, PAPER_NETWORK_RECIPE if model else OWN_NETWORK_RECIPE
