"""gamut experiment: the paper's tables and figures on a folder of pictures."""

from __future__ import annotations

import click

from gamutcli.cli.console import say
from gamutcli.cli.experiment.losses import losses
from gamutcli.cli.experiment.maps import maps
from gamutcli.cli.experiment.size import size
from gamutcli.cli.experiment.steps import steps
from gamutcli.cli.experiment.table import table
from gamutcli.cli.experiment.why import why


@click.group(invoke_without_command=True, subcommand_metavar="COMMAND [ARGS]...")
@click.pass_context
def experiment(context: click.Context) -> None:
    """Measure the paper's tables and figures on your own pictures.

    Every experiment takes a folder of wide-gamut TIFF or PNG pictures (those that do not name their colour space are
    taken as ProPhoto RGB) and writes into the folder given with -o, with the settings and versions that made the
    figures. Interrupted, it goes on where it stopped: pictures already done are not done again.

    \b
    Examples:
      gamut experiment table photos/ -o results/
      gamut experiment size photos/ -o results/
    """
    if context.invoked_subcommand is None:  # else click would answer with its help as an error
        say(context.get_help())


_COMMANDS: tuple[click.Command, ...] = (table, maps, size, why, steps, losses)
for _command in _COMMANDS:
    experiment.add_command(_command)
