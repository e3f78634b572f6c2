"""gamut batch: the single commands for folders, with memory of what is done."""

from __future__ import annotations

import click

from gamutcli.cli.batch.eval import evaluate
from gamutcli.cli.batch.expand import expand
from gamutcli.cli.batch.reduce import reduce
from gamutcli.cli.console import say


@click.group(invoke_without_command=True, subcommand_metavar="COMMAND SRC... -o DST")
@click.pass_context
def batch(context: click.Context) -> None:
    """Reduce, expand or judge whole folders.

    SRC is a folder, whose folders come back below DST; a file; a pattern in quotes; or - for names on standard input.
    Every option of the single command can be given. Interrupted, killed or run again, it goes on where it stopped: what
    is done is skipped, for the price of a look at its header.

    \b
    Examples:
      gamut batch reduce photos/ -o web/
      gamut batch reduce photos/ -o web/ --preset best -j 4 --exclude drafts
      find . -name '*.tif' -print0 | gamut batch reduce -0 - -o web/
      gamut batch expand web/ -o restored/
      gamut batch eval web/ --gt photos/ -o figures/
    """
    if context.invoked_subcommand is None:  # else click would answer with its help as an error
        say(context.get_help())


for _command in (reduce, expand, evaluate):
    batch.add_command(_command)
