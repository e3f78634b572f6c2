"""gamut batch expand."""

from __future__ import annotations

from typing import Any

import click

from gamutcli.cli import expand as single
from gamutcli.cli.batch.launch import launch
from gamutcli.cli.batch.options import batch_options, sources, suffixes_of, watching, with_options_of

_ONE = single.expand
_SUFFIXES = suffixes_of(_ONE)


@with_options_of(_ONE, "output")
@click.command()
@sources(*_SUFFIXES)
@batch_options
@watching
def expand(ext: str, **given: Any) -> int:
    """Bring the wide-gamut pictures below folders back.

    SRC is as for `gamut batch reduce`, and so is what is skipped, reported and made again.

    \b
    Examples:
      gamut batch expand web/ -o restored/
      gamut batch expand web/ -o screen/ --ext avif --to displayp3
      gamut batch expand web/ -o restored/ --include '*.jpg' --json
    """
    return launch("expand", f".{ext}", _SUFFIXES, given)
