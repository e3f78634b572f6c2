"""gamut experiment why: what each of the reproduction's deviations costs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from gamutcli.cli import options
from gamutcli.cli.experiment.options import carry_out, common_options


@click.command()
@common_options
@options.choice(
    "--model", values=options.MODELS, default="23kb", show_default=True, help="The size of the paper's network."
)
@options.option(
    "--init",
    metavar="FILE|shipped",
    help="Weights by Reptile, from `gamut pretrain`, to compare first weights; or those that ship, as if not given.",
)
@options.option(
    "--train",
    type=options.FOLDER,
    metavar="DIR",
    help="Pictures to train the reproduction's first weights on; otherwise sample_images, if there.",
)
def why(model: str, init: str | None, train: Path | None, **given: Any) -> int:
    """Find out why a reproduction missed the paper.

    A published reproduction of the paper could not reach its figures. Its program differs from the paper in nine ways,
    (a) to (i), such as reading 8 bits, or never decoding ProPhoto's curve. Here each is switched on for itself on the
    paper's recipe, and all together, and judged twice: by the truth, and by the figures that the reproduction itself
    would have reported. Writes why.md, why.csv and why.json.

    \b
    Examples:
      gamut experiment why photos/ -o results/
      gamut experiment why photos/ -o quick/ --steps-scale 0.05
      gamut experiment why photos/ -o results/ --init weights.safetensors --train other-photos/
    """
    from gamutcli.experiments.why import beginnings_for
    from gamutcli.experiments.why import why as experiment

    return carry_out(experiment, model=model, beginnings=beginnings_for(model, init, train), **given)
