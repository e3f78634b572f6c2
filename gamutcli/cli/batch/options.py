"""The options of `gamut batch`: those of the single command, and those of many files."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from gamutcli.cli import options
from gamutcli.cli.options import Command, option
from gamutcli.cli.types import Bytes, FileName, PictureName


class SourceName(PictureName):
    """A file, a folder, a pattern or an address, as it was written; or -."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Check the word and leave it as it is: a path would lose what a pattern or an address has."""
        super().convert(value, param, ctx)
        return value


def with_options_of(single: click.Command, *without: str) -> Callable[[click.Command], click.Command]:
    """Give a command the options of a single one, but for some: what is added to that comes here by itself."""

    def add(command: click.Command) -> click.Command:
        command.params += [
            parameter
            for parameter in single.params
            if isinstance(parameter, click.Option) and parameter.name not in without
        ]
        return command

    return add


def suffixes_of(single: click.Command) -> tuple[str, ...]:
    """Return the suffixes of the files that a single command takes, as its argument proposes them."""
    return next(parameter.type.suffixes for parameter in single.params if isinstance(parameter.type, FileName))


def sources(*suffixes: str) -> Callable[[Command], Command]:
    """The argument on where pictures are."""
    return click.argument("sources", nargs=-1, required=True, type=SourceName(suffixes), metavar="SRC...")


_OUTPUT = option(
    "-o", "--output", type=options.PLACE, required=True, metavar="DST", help="Folder that the results go below."
)
_CHOICE = (
    option(
        "--include",
        multiple=True,
        metavar="PATTERN",
        help="Take only files that fit, as '*_final*' or '2024/*'; may be given more than once.",
    ),
    option("--exclude", multiple=True, metavar="PATTERN", help="Leave out files and folders that fit."),
    option(
        "--base",
        type=options.PLACE,
        metavar="DIR",
        help="Files named one by one get their folders below DST relative to this.",
    ),
    option("-0", "--null", is_flag=True, help="Names on standard input end with NUL, as find -print0 writes them."),
    option(
        "--name",
        "template",
        default="{stem}{suffix}",
        show_default=True,
        metavar="TEMPLATE",
        help="Names of results; {name} is the source's with its suffix, {kind} that suffix.",
    ),
)
_COURSE = (
    option("-j", "--jobs", type=click.IntRange(min=1), metavar="N", help="Pictures at a time  [default: what fits]"),
    option(
        "--memory",
        type=Bytes(),
        metavar="SIZE",
        help="That all pictures in hand may take, as 8GB  [default: 70 % of what there is]",
    ),
    option(
        "--timeout",
        type=click.FloatRange(min=0, min_open=True),
        default=900.0,
        show_default=True,
        metavar="S",
        help="Give a picture up after so many seconds.",
    ),
    option(
        "--recycle",
        type=click.IntRange(min=1),
        default=200,
        show_default=True,
        metavar="N",
        help="Pictures after which a process is replaced.",
    ),
    option("--shard", metavar="I/N", help="Do part I of N, as of an array job; found by itself there."),
    option("--retry-failed", is_flag=True, help="Try again what has failed in an earlier run."),
    option("--max-failures", type=click.IntRange(min=1), metavar="N", help="Stop after so many failures."),
    option("--dry-run", is_flag=True, help="Say what would be done and how long it would take."),
)
_ENGINE = (
    options.choice(
        "--engine",
        values=("local", "ray"),
        default="local",
        show_default=True,
        help="Who works: processes of this machine, or a Ray cluster.",
    ),
    option(
        "--ray-address",
        metavar="auto|ADDR",
        help="Of a cluster: auto for that of this machine, or HOST:PORT  [default: one is started here]",
    ),
    option(
        "--ray-cpus",
        type=click.FloatRange(min=0.01),
        metavar="N",
        help="Processors that Ray gives a picture, as 2 or 0.5  [default: 1]",
    ),
    option(
        "--ray-gpus",
        type=click.FloatRange(min=0),
        metavar="N",
        help="GPUs that Ray gives a picture, as 1 or 0.25  [default: 0]",
    ),
)

_WATCH = (
    option("--watch", is_flag=True, help="Go on with pictures that come into the folders, until Ctrl-C."),
    option(
        "--settle",
        type=click.FloatRange(min=0),
        default=2.0,
        show_default=True,
        metavar="S",
        help="With --watch: take a file when it has not changed for so many seconds.",
    ),
)


def watching(command: Command) -> Command:
    """The options on folders that pictures come into."""
    for add in reversed(_WATCH):
        command = add(command)
    return command


def batch_options(command: Command) -> Command:
    """The options on which pictures, and on how they are gone through."""
    for add in reversed((_OUTPUT, *_CHOICE, *_COURSE, *_ENGINE)):
        command = add(command)
    return command
