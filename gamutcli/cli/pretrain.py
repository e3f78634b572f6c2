"""gamut pretrain: learn weights to start fits from, on a folder of pictures."""

from __future__ import annotations

import json
import shlex
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from gamutcli.cli import console, options
from gamutcli.cli.console import Outcomes
from gamutcli.cli.types import FileName
from gamutcli.measuring.words import json_safe

if TYPE_CHECKING:
    from gamutcli.fitting.fit import Progress
    from gamutcli.pretrain.recipe import Recipe
    from gamutcli.pretrain.run import PretrainResult

#: Without a terminal, how often it is told how far the work is.
SECONDS_A_LINE = 30.0
#: Options that do not change the weights.
SILENT = ("overwrite", "quiet", "verbose", "as_json")


@click.command()
@click.argument("pictures", type=options.FOLDER, metavar="DIR")
@options.option(
    "-o",
    "--output",
    type=FileName((".safetensors",)),
    required=True,
    metavar="FILE.safetensors",
    help="The weights file to write.",
)
@options.choice(
    "--preset",
    values=options.PRESETS,
    default="balanced",
    show_default=True,
    help="Whose network; paper has the published way of learning as well.",
)
@options.choice("--model", values=options.MODELS, help="The paper's network of this size instead of the preset's.")
@options.choice("--inner-optimizer", values=options.OPTIMIZERS, help="Of the short fit to one crop.")
@options.option("--inner-steps", type=click.IntRange(min=1), metavar="N", help="Of that fit.")
@options.option("--inner-rate", type=click.FloatRange(min=0, min_open=True), metavar="RATE", help="Of that fit.")
@options.option("--inner-batch", type=click.IntRange(min=2), metavar="N", help="Pixels of each of its steps.")
@options.choice(
    "--outer-optimizer",
    values=("adam", "average"),
    help="How the weights follow the fits: by Adam, or by a share of the way.",
)
@options.option(
    "--outer-rate", type=click.FloatRange(min=0, min_open=True), metavar="RATE", help="Adam's, or the first share."
)
@options.option("--meta-batch", type=click.IntRange(min=1), metavar="N", help="Crops an outer step.")
@options.option("--epochs", type=click.IntRange(min=1), metavar="N", help="Crops that are taken of each picture.")
@options.assume_profile
@options.steps_scale
@options.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Same seed, same weights.")
@options.device
@options.overwrite
@options.speech
def pretrain(
    pictures: Path,
    output: Path,
    preset: str,
    model: str | None,
    assume_profile: str | None,
    steps_scale: float,
    seed: int,
    device: str,
    overwrite: bool,
    quiet: bool,
    verbose: int,
    as_json: bool,
    **recipe: Any,
) -> int:
    """Learn weights that fits can start from (Reptile).

    DIR holds wide-gamut TIFF or PNG pictures of any size; those that do not name their colour space are taken as
    ProPhoto RGB. Random crops of 512 x 512 pixels are learned from. What is not given is measured to be good, or with
    --preset paper the paper's own.

    Interrupted or killed, the same command goes on where it stopped, from FILE.safetensors.checkpoint, to the same
    weights. `gamut reduce --init FILE.safetensors` starts from them.

    \b
    Examples:
      gamut pretrain prophoto/ -o weights.safetensors
      gamut pretrain prophoto/ -o paper-53kb.safetensors --model 53kb
      gamut pretrain prophoto/ -o paper.safetensors --preset paper --device cuda
      gamut pretrain prophoto/ -o quick.safetensors --epochs 1 --steps-scale 0.1
    """
    from gamutcli.experiments.pictures import pictures_in
    from gamutcli.pretrain.recipe import recipe_of
    from gamutcli.pretrain.run import pretrain as learn

    network, chosen = recipe_of(preset, model)
    chosen = _adapt(chosen, steps_scale, recipe)
    found = pictures_in(pictures)
    outcomes = Outcomes(len(found), quiet=quiet, verbose=verbose, as_json=False)

    with outcomes.progress(output, "crops") as bar:
        progress = bar or (None if quiet else _lines(output))
        result = learn(
            found,
            output,
            network,
            chosen,
            command=_command(click.get_current_context()),
            assume_profile=assume_profile or "prophoto",
            seed=seed,
            device=device,
            overwrite=overwrite,
            progress=progress,
            guard=outcomes.file,
        )
    if as_json:
        console.say(json.dumps(json_safe(asdict(result)), indent=2))
    else:
        outcomes.result(pictures, result, _summary)
    return outcomes.close()


def _command(context: click.Context) -> str:
    """What was typed, with the names of files and folders in place of paths that only this machine has."""
    words = ["gamut", "pretrain"]
    for parameter in context.command.params:
        name = parameter.name or ""
        if name in SILENT or context.get_parameter_source(name) in (None, ParameterSource.DEFAULT):
            continue
        value = context.params[name]
        told = value.name if isinstance(value, Path) and value.is_absolute() else str(value)
        words += [told] if isinstance(parameter, click.Argument) else [parameter.opts[-1], told]
    return shlex.join(words)


def _lines(output: Path) -> Progress:
    """Tells how far it is in a line now and then, where there is no terminal for a bar."""
    from gamutcli.experiments.runner import time_left

    start = told = time.monotonic()
    first = 0

    def progress(crop: int, crops: int, loss: float) -> None:
        nonlocal told, first
        first = first or crop
        now = time.monotonic()
        if now - told > SECONDS_A_LINE:
            told = now
            left = time_left((now - start) / (crop - first + 1) * (crops - crop))
            console.progress(f"{output}: crop {crop} of {crops}, loss {loss:.4g}, about {left}")

    return progress


def _adapt(recipe: Recipe, steps_scale: float, given: dict[str, Any]) -> Recipe:
    """A recipe with what the user gave, its steps scaled."""
    changed = replace(recipe, **{name: value for name, value in given.items() if value is not None})
    return replace(changed, inner_steps=max(1, round(changed.inner_steps * steps_scale)))


def _summary(result: PretrainResult) -> str:
    resumed = f", from crop {result.resumed_at} on" if result.resumed_at else ""
    return (
        f"{result.file}: {result.layers} hidden layers of {result.hidden}, learned from {result.crops} crops of "
        f"{result.pictures} pictures{resumed} in {result.seconds:.0f} s; sha256 {result.digest[:16]}"
    )
