"""gamut batch reduce."""

from __future__ import annotations

from typing import Any

import click

from gamutcli.cli import reduce as single
from gamutcli.cli.batch.launch import launch
from gamutcli.cli.batch.options import batch_options, sources, suffixes_of, watching, with_options_of
from gamutcli.cli.variables import give_way

_ONE = single.reduce
_SUFFIXES = suffixes_of(_ONE)


@with_options_of(_ONE, "output")
@click.command()
@sources(*_SUFFIXES)
@batch_options
@watching
def reduce(ext: str, **given: Any) -> int:
    """Reduce the pictures below folders.

    SRC is a folder, whose folders come back below DST; a file; a pattern in quotes; or - for names on standard input.
    Hidden files, links to folders, and DST itself are left out. A picture whose result stands there is skipped where
    source and settings are what they were; where they are not, it is reported, and made again with --overwrite.

    On a terminal it shows how far it is, elsewhere a line a picture; --json prints an object a line, and in the end one
    with the counts. Ctrl-C finishes the pictures in hand, a second one stops at once.

    With --watch it goes on until then: a picture that comes into a folder is taken once nobody writes to it any more,
    and again when it has changed, where --overwrite is given.

    \b
    Examples:
      gamut batch reduce photos/ -o web/
      gamut batch reduce photos/ -o web/ --ext png --preset best
      gamut batch reduce 'photos/**/*_final.tif' -o web/ --name '{stem}-web{suffix}'
      gamut batch reduce photos/ -o web/ --dry-run
      gamut batch reduce photos/ -o web/ --shard 2/3
      gamut batch reduce exports/ -o web/ --watch --overwrite
      find photos -name '*.tif' -print0 | gamut batch reduce -0 - --base photos -o web/
    """
    from gamutcli.reduce.plan import check_target_de

    give_way(given, preset="balanced", target_de=None)
    if given["target_de"] is not None:
        check_target_de(given["target_de"], given["preset"], given["model"], given["init"])
    return launch("reduce", f".{ext}", _SUFFIXES, given)
