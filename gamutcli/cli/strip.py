"""gamut strip: the same picture without its payload."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from gamutcli.cli import options
from gamutcli.cli.console import Outcomes
from gamutcli.cli.piping import receiving, sent

if TYPE_CHECKING:
    from gamutcli.results import Transfer


@click.command()
@click.argument("source", type=options.PICTURE_OR_DASH, metavar="FILE")
@click.argument("target", type=options.PICTURE_OR_DASH, metavar="OUT")
@options.overwrite
@options.speech
def strip(source: Path, target: Path, overwrite: bool, quiet: bool, verbose: int, as_json: bool) -> int:
    """Write the same picture without the payload.

    Pixels and all other metadata stay as they are, byte by byte. The exit code is 3 when there is no payload in FILE.
    FILE and OUT may be -, standard input and output.

    \b
    Examples:
      gamut strip photo.jpg plain.jpg
      gamut extract photo.jpg photo.gamut && gamut strip photo.jpg photo.jpg --overwrite
    """
    from gamutcli.payload_files import strip_payload

    outcomes = Outcomes(1, quiet=quiet, verbose=verbose, as_json=as_json)
    with outcomes.file(source), receiving(outcomes, source) as file:
        with sent(outcomes, target, file.suffix, overwrite=overwrite) as out:
            result = strip_payload(file, out, overwrite=overwrite)
        outcomes.result(file, result, _summary)
    return outcomes.close()


def _summary(result: Transfer) -> str:
    return f"{result.source} -> {result.file}: without {result.payload_bytes:,} bytes of payload"
