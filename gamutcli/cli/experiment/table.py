"""gamut experiment table: the paper's Table 1 on one's own pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from gamutcli.cli import options
from gamutcli.cli.experiment.options import carry_out, common_options


@click.command()
@common_options
@options.option(
    "--methods",
    metavar="LIST",
    help="Rows to measure: clip, soft, 11kb to 137kb, 11kb-meta to 137kb-meta, fast, balanced, best; all if not "
    "given. Only if named: max-BYTES (as --max-payload), avif-BYTES (the lost colours as an AVIF picture).",
)
@options.option(
    "--weights",
    type=options.FOLDER,
    metavar="DIR",
    help="Weights to start from, paper-11kb.safetensors and so on; for models without, those of the package.",
)
@options.option("--report", "report_file", type=options.PAGE, metavar="FILE.html", help="Show it all on a page.")
def table(methods: str | None, weights: Path | None, report_file: Path | None, **given: Any) -> int:
    """Measure the paper's Table 1.

    The plain clip; a soft clip; the paper's networks of four sizes, from random weights and, where there are weights to
    start from, from a meta-initialisation; and our presets fast, balanced and best. Writes table.md, with the means
    beside the figures of a published reproduction, table.csv and table.json.

    Every row is kept as it comes. Given more methods later, it measures only these.

    \b
    Examples:
      gamut experiment table photos/ -o results/
      gamut experiment table photos/ -o results/ --methods clip,23kb,balanced --report report.html
      gamut experiment table photos/ -o quick/ --steps-scale 0.05
    """
    from gamutcli.experiments.methods import starts_in
    from gamutcli.experiments.table import table as experiment

    names = None if methods is None else [name.strip().lower() for name in methods.split(",") if name.strip()]
    return carry_out(experiment, methods=names, starts=starts_in(weights), report_file=report_file, **given)
