"""What every experiment takes, and how it is carried out."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from gamutcli.cli import console, options
from gamutcli.measuring.words import json_safe

if TYPE_CHECKING:
    from gamutcli.experiments.runner import Findings

Command = TypeVar("Command", bound=Callable[..., Any])

pictures = click.argument("pictures", type=options.FOLDER, default="sample_images", metavar="[DIR]")
output = options.option(
    "-o", "--output", type=options.FOLDER, required=True, metavar="DIR", help="Where the results go; made if needed."
)
seed = options.option(
    "--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Same seed, same machine, same figures."
)
overwrite = options.option(
    "--overwrite", is_flag=True, help="Start anew where the folder holds results with other settings."
)


def common_options(command: Command) -> Command:
    """The arguments and options of every experiment."""
    return pictures(output(options.steps_scale(seed(overwrite(options.speech(command))))))


def carry_out(
    experiment: Callable[..., Findings],
    *,
    pictures: Path,
    output: Path,
    steps_scale: float,
    seed: int,
    overwrite: bool,
    quiet: bool,
    verbose: int,
    as_json: bool,
    **more: Any,
) -> int:
    """Run an experiment on a folder of pictures, show what it found, and give the exit code.

    It takes a ``Job``, made of the options of ``common_options``, and its own options.
    """
    from gamutcli.experiments.pictures import pictures_in
    from gamutcli.experiments.runner import Job

    found = tuple(pictures_in(pictures))
    outcomes = console.Outcomes(len(found), quiet=quiet, verbose=verbose, as_json=False)

    def announce(text: str) -> None:
        if not quiet:
            console.progress(text)

    findings = experiment(Job(found, output, steps_scale, seed, overwrite, announce, outcomes.file), **more)
    if as_json:
        console.say(json.dumps(json_safe(findings.data), indent=2))
    elif not quiet:
        console.say(findings.text)
    if not quiet:
        for note in findings.notes:
            console.warning(note)
    announce("wrote " + ", ".join(map(str, findings.files)))
    return outcomes.close()
