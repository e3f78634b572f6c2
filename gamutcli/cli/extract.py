"""gamut extract: a payload becomes a file of its own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from gamutcli.cli import options
from gamutcli.cli.console import Outcomes
from gamutcli.cli.piping import receiving, sent
from gamutcli.cli.types import PictureName

if TYPE_CHECKING:
    from gamutcli.results import Transfer


@click.command()
@click.argument("source", type=options.PICTURE_OR_DASH, metavar="FILE")
@click.argument("target", type=PictureName(options.PAYLOAD), metavar="OUT.gamut")
@options.overwrite
@options.speech
def extract(source: Path, target: Path, overwrite: bool, quiet: bool, verbose: int, as_json: bool) -> int:
    """Write the payload to a file of its own.

    FILE stays as it is. A payload beside a picture, named like it with .gamut behind, is its sidecar: expand, eval and
    info find it by themselves. The exit code is 3 when FILE holds no payload, 4 when it is damaged. FILE and OUT may be
    -, standard input and output.

    \b
    Examples:
      gamut extract photo.jpg photo.gamut
      gamut extract photo.jpg web/photo.jpg.gamut
    """
    from gamutcli.payload_files import extract_payload

    outcomes = Outcomes(1, quiet=quiet, verbose=verbose, as_json=as_json)
    with outcomes.file(source), receiving(outcomes, source) as file:
        with sent(outcomes, target, ".gamut", overwrite=overwrite) as out:
            result = extract_payload(file, out, overwrite=overwrite)
        outcomes.result(file, result, _summary)
    return outcomes.close()


def _summary(result: Transfer) -> str:
    return f"{result.source} -> {result.file}: {result.payload_bytes:,} bytes ({result.carrier})"
