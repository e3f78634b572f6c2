"""gamut experiment steps: what a start from meta-learned weights saves."""

from __future__ import annotations

from typing import Any

import click

from gamutcli.cli import options
from gamutcli.cli.experiment.options import carry_out, common_options


@click.command()
@common_options
@options.choice(
    "--model", values=options.MODELS, default="23kb", show_default=True, help="The paper's network of this size."
)
@options.choice("--preset", values=options.PRESETS[:-1], help="The network of this preset instead.")
@options.option(
    "--init",
    metavar="FILE|shipped",
    help="Weights that `gamut pretrain` made, or those that ship for the paper's networks, as if not given.",
)
def steps(model: str, preset: str | None, init: str | None, **given: Any) -> int:
    """Measure how many steps a meta-initialisation saves.

    Fits every picture from random and from meta-learned weights, and looks at the quality after some steps. The table
    tells how many steps are needed for the same quality. Use pictures that the weights were not learned from.
    Writes steps.md, steps.csv and steps.json, and with matplotlib the figure steps.png and steps.svg.

    \b
    Examples:
      gamut experiment steps photos/ -o results/
      gamut experiment steps photos/ -o results/ --model 53kb --init weights.safetensors
      gamut experiment steps photos/ -o results/ --preset fast --init weights.safetensors
    """
    from gamutcli.experiments.steps import steps as experiment

    return carry_out(experiment, model=model, preset=preset, init=init, **given)
