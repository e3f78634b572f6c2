"""The command line: `gamut`, its commands and its exit codes.

A command lives in the file of its name, the options that commands share in options.py, and every word that they say in
console.py. Nothing here imports numpy, rich or the pipeline before a command needs it, so that help comes at once.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import warnings
from collections.abc import Sequence
from types import FrameType
from typing import NoReturn

import click

from gamutcli import __version__
from gamutcli.cli import console
from gamutcli.cli.embed import embed
from gamutcli.cli.eval import evaluate
from gamutcli.cli.expand import expand
from gamutcli.cli.experiment import experiment
from gamutcli.cli.extract import extract
from gamutcli.cli.info import info
from gamutcli.cli.pretrain import pretrain
from gamutcli.cli.reduce import reduce
from gamutcli.cli.strip import strip
from gamutcli.errors import GamutError

USAGE = 2
INTERRUPTED = 130
TERMINATED = 143


class _InOrder(click.Group):
    """Lists the commands in the order in which a user meets them, not by the alphabet."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)


@click.group(cls=_InOrder, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="gamut", message="%(prog)s %(version)s")
def gamut() -> None:
    """Keep the colours that sRGB cannot hold.

    `reduce` turns a 16-bit ProPhoto picture into an ordinary sRGB file that opens anywhere, with a small network in its
    metadata; `expand` uses it to bring the wide-gamut picture back.

    \b
    Examples:
      gamut reduce photo.tif photo.jpg
      gamut expand photo.jpg restored.tif
      gamut eval photo.jpg --gt photo.tif
      gamut info *.jpg

    \b
    Exit codes:
      0    good
      1    at least one file failed
      2    an option or a file name that cannot be used
      3    no payload in this file
      4    payload damaged, or the pixels have changed
      130  interrupted

    Every option can also be set in the environment, as GAMUT_<OPTION>: GAMUT_PRESET=best, GAMUT_OVERWRITE=1.
    """


for _command in (reduce, expand, evaluate, info, strip, extract, embed, pretrain, experiment):
    gamut.add_command(_command)


def run(arguments: Sequence[str]) -> int:
    """Run one command line inside this process.

    Args:
        arguments: The words after `gamut`; none of them is the same as --help.

    Returns:
        The exit code.
    """
    try:
        code: int = gamut.main(args=list(arguments) or ["--help"], prog_name="gamut", standalone_mode=False)
    except click.UsageError as error:
        hint = f" Try '{error.ctx.command_path} --help'." if error.ctx else ""
        console.error(error.format_message() + hint)
        return USAGE
    except click.Abort:
        console.error("interrupted")
        return INTERRUPTED
    except GamutError as error:
        console.error(str(error))
        return error.exit_code
    return code


def main() -> NoReturn:
    """Run the command line of this process and end it."""
    _calm_the_streams()
    signal.signal(signal.SIGTERM, _terminate)
    code = run(sys.argv[1:])
    try:
        sys.stdout.flush()
    except BrokenPipeError:  # the reader has left, as `head` does; the interpreter must not complain at its exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(code)


def _calm_the_streams() -> None:
    """Let libraries say nothing on their own: what matters to a user is said by us, in one line."""
    if not sys.warnoptions:
        warnings.simplefilter("ignore")
    logging.getLogger().addHandler(logging.NullHandler())
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # a file name may hold what the terminal cannot show


def _terminate(number: int, frame: FrameType | None) -> NoReturn:
    """Leave through the exception handlers, which remove temporary files."""
    sys.exit(TERMINATED)
