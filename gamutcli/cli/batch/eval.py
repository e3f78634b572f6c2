"""gamut batch eval."""

from __future__ import annotations

from typing import Any

import click

from gamutcli.cli import eval as single
from gamutcli.cli import options
from gamutcli.cli.batch.launch import launch
from gamutcli.cli.batch.options import batch_options, sources, suffixes_of, with_options_of

_ONE = single.evaluate
_SUFFIXES = suffixes_of(_ONE)


@with_options_of(_ONE, "map_file", "report_file")
@click.command("eval")
@sources(*_SUFFIXES)
@batch_options
@options.choice(
    "--ext",
    values=("json", "html", "png"),
    default="json",
    show_default=True,
    help="What is written of each: figures, a page, or maps of the errors.",
)
@options.preserve_time
def evaluate(ext: str, **given: Any) -> int:
    """Compare the pictures below folders with their originals.

    SRC is as for `gamut batch reduce`. The original of web/day1/photo.jpg is photo.tif, or of another suffix, in
    REF/day1, or else in REF itself.

    \b
    Examples:
      gamut batch eval web/ --gt photos/ -o figures/
      gamut batch eval web/ --gt photos/ -o pages/ --ext html
    """
    return launch("eval", f".{ext}", _SUFFIXES, given)
