"""gamut info: what a file holds, and whether its pixels still fit."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from gamutcli.cli import options
from gamutcli.cli.console import Outcomes
from gamutcli.cli.piping import DASH, receiving
from gamutcli.cli.types import PictureName
from gamutcli.errors import PixelsChanged, UsageError

if TYPE_CHECKING:
    from gamutcli.results import Info


@click.command()
@click.argument(
    "files", nargs=-1, required=True, type=PictureName((*options.CARRYING, *options.PAYLOAD)), metavar="FILE..."
)
@options.allow_large
@options.speech
def info(files: tuple[Path, ...], allow_large: bool, quiet: bool, verbose: int, as_json: bool) -> int:
    """Tell what a reduced file holds.

    That is: the network and its payload, and whether the pixels are still those that it was fitted to. FILE may be a
    payload of its own, a .gamut file, which has no pixels; or -, standard input.

    --json prints one object for one file, a list for several. The exit code is 3 when the file holds no payload, and 4
    when the payload is damaged or the pixels have changed since; with several files it is 1 when that is true of any.

    \b
    Examples:
      gamut info photo.jpg
      gamut info --json *.jpg
      gamut info photo.jpg.gamut
      gamut info -q photo.jpg && gamut expand photo.jpg restored.tif
    """
    from gamutcli.payload_files import inspect_image

    if files.count(DASH) > 1:
        raise UsageError("-: standard input can be read once only.")
    outcomes = Outcomes(len(files), quiet=quiet, verbose=verbose, as_json=as_json)
    for source in files:
        with outcomes.file(source), receiving(outcomes, source) as file:
            result = inspect_image(file, allow_large=allow_large)
            changed = result.status == "changed"
            outcomes.result(file, result, _summary, PixelsChanged.exit_code if changed else 0)
    return outcomes.close()


def _summary(result: Info) -> str:
    lines = {
        "picture": f"{result.width} x {result.height} px",
        "payload": f"{result.payload_bytes:,} bytes ({result.carrier}), format {result.format_version}{_moved(result)}",
        "network": f"{result.model}: {result.layers} hidden layers of {result.hidden}" if result.hidden else "none",
        "pixels": _pixels(result),
    }
    return "\n".join([f"{result.file}", *(f"  {name:8s} {text}" for name, text in lines.items())])


def _moved(result: Info) -> str:
    return ": perceptual, colours were moved inwards" if result.intent == "perceptual" else ""


def _pixels(result: Info) -> str:
    if result.status == "payload":
        return "none: this is a payload alone"
    if result.status == "changed":
        return f"edited since they were reduced ({result.recognised}); expand needs --force"
    if result.status == "recompressed":
        return f"{result.recognised} since they were reduced; expand works, with some loss"
    return "unchanged since they were reduced" + (f", but {result.recognised}" if result.recognised else "")
