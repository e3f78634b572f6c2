"""gamut experiment size: quality against the size of the payload."""

from __future__ import annotations

from typing import Any

import click

from gamutcli.cli.experiment.options import carry_out, common_options


@click.command()
@common_options
def size(**given: Any) -> int:
    """Plot PSNR against payload size.

    The paper's networks of four sizes, their weights stored as 32-bit and 16-bit floats, in 8 and in 6 bits, and
    deflated; our own at several limits of the payload, and with preset best; an AVIF picture of the lost colours; and
    the plain clip. Writes size.md, size.csv and size.json, and with matplotlib the figure size.png and size.svg.

    \b
    Examples:
      gamut experiment size photos/ -o results/
      gamut experiment size photos/ -o quick/ --steps-scale 0.05
    """
    from gamutcli.experiments.size import size as experiment

    return carry_out(experiment, **given)
