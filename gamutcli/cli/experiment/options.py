"""What every experiment takes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from gamutcli.cli import console, options

Command = TypeVar("Command", bound=Callable[..., Any])

pictures = click.argument("pictures", type=options.PATH, default="sample_images", metavar="[DIR]")
output = options.option(
    "-o", "--output", type=options.PATH, required=True, metavar="DIR", help="Where the results go; made if needed."
)
steps_scale = options.option(
    "--steps-scale",
    type=click.FloatRange(min=0, min_open=True),
    default=1.0,
    show_default=True,
    help="Multiplies every number of steps, for quick runs.",
)
seed = options.option(
    "--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Same seed, same machine, same figures."
)
overwrite = options.option(
    "--overwrite", is_flag=True, help="Start anew where the folder holds results with other settings."
)


def common(command: Command) -> Command:
    """The arguments and options of every experiment."""
    return pictures(output(steps_scale(seed(overwrite(options.speech(command))))))


def announcer(quiet: bool) -> Callable[[str], None]:
    """Says how far an experiment is: a line on stderr for each picture."""

    def announce(text: str) -> None:
        if not quiet:
            console.progress(text)

    return announce
