"""gamut experiment losses: what a fit could predict and minimise instead."""

from __future__ import annotations

from typing import Any

import click

from gamutcli.cli import options
from gamutcli.cli.experiment.options import carry_out, common_options


@click.command()
@common_options
@options.choice(
    "--preset", values=options.PRESETS[:-1], default="fast", show_default=True, help="Width, steps and bytes."
)
@options.option(
    "--variants", metavar="LIST", help="Rows to measure, by their names as the table has them, with ; between them."
)
def losses(preset: str, variants: str | None, **given: Any) -> int:
    """Try other residuals and other losses.

    The networks of a preset, fitted to differences of linear light, of its square root, its logarithm and OKLab, to
    exponents instead of differences, and to linear differences whose errors count as the eye sees them, by dE76 and
    dE94. Restored pictures are judged as they are and after edits: one EV brighter, shadows lifted, a warmer white,
    more saturation. Writes losses.md, losses.csv and losses.json.

    Every row is kept as it comes.

    \b
    Examples:
      gamut experiment losses photos/ -o results/
      gamut experiment losses photos/ -o results/ --preset balanced --variants 'linear; linear, loss dE94'
    """
    from gamutcli.experiments.losses import losses as experiment

    names = None if variants is None else [name.strip() for name in variants.split(";") if name.strip()]
    return carry_out(experiment, preset=preset, variants=names, **given)
