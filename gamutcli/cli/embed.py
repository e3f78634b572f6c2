"""gamut embed: a payload goes into a picture, or back into it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from gamutcli.cli import options
from gamutcli.cli.console import Outcomes
from gamutcli.cli.types import FileName

if TYPE_CHECKING:
    from gamutcli.results import Transfer


@click.command()
@click.argument("picture", type=options.PICTURE, metavar="PICTURE")
@click.argument("payload", type=FileName((*options.PAYLOAD, *options.CARRYING)), metavar="PAYLOAD")
@click.argument("target", type=options.PICTURE, metavar="OUT")
@options.carrier
@options.force
@options.allow_large
@options.overwrite
@options.speech
def embed(
    picture: Path,
    payload: Path,
    target: Path,
    carrier: str,
    force: bool,
    allow_large: bool,
    overwrite: bool,
    quiet: bool,
    verbose: int,
    as_json: bool,
) -> int:
    """Put a payload into a picture.

    PAYLOAD is a .gamut file, or another picture that holds the payload. OUT is the same picture with it: no pixel
    changes, and all other metadata stay. A picture that was compressed again or resized takes the payload with a
    warning; another picture is refused with exit code 4, unless --force is given.

    \b
    Examples:
      gamut embed stripped.jpg photo.gamut photo.jpg
      gamut embed edited-title.jpg original.jpg both.jpg
      gamut embed photo.png photo.jpg beside.png --carrier sidecar
    """
    from gamutcli.payload_files import embed_payload

    outcomes = Outcomes(1, quiet=quiet, verbose=verbose, as_json=as_json)
    with outcomes.file(picture):
        how = {"force": force, "allow_large": allow_large, "overwrite": overwrite}
        result = embed_payload(picture, payload, target, carrier=carrier, **how)
        outcomes.result(picture, result, _summary)
    return outcomes.close()


def _summary(result: Transfer) -> str:
    return f"{result.source} -> {result.file}: with {result.payload_bytes:,} bytes ({result.carrier})"
