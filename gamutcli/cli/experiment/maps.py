"""gamut experiment maps: where the errors are."""

from __future__ import annotations

from typing import Any

import click

from gamutcli.cli import options
from gamutcli.cli.experiment.options import carry_out, common_options


@click.command()
@common_options
@options.map_range
def maps(**given: Any) -> int:
    """Draw where the errors are.

    For every picture a PNG: the picture as plain sRGB, and maps of the root mean squared error of the plain clip, of
    the paper's networks of 23 and 53 KB and of our own with preset balanced, all with one scale. Writes
    maps-PICTURE.png for each, maps.md and maps.json.

    \b
    Examples:
      gamut experiment maps photos/ -o results/
      gamut experiment maps photos/ -o results/ --map-range 0.02
    """
    from gamutcli.experiments.maps import maps as experiment

    return carry_out(experiment, **given)
