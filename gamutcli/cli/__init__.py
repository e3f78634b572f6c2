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
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import FrameType
from typing import NoReturn

import click
from click.utils import _expand_args

from gamutcli.cli import completions, console, options, streams
from gamutcli.cli.audit import audit
from gamutcli.cli.batch import batch
from gamutcli.cli.completions import completions as completions_command
from gamutcli.cli.embed import embed
from gamutcli.cli.eval import evaluate
from gamutcli.cli.expand import expand
from gamutcli.cli.experiment import experiment
from gamutcli.cli.extract import extract
from gamutcli.cli.help import help_
from gamutcli.cli.info import info
from gamutcli.cli.pretrain import pretrain
from gamutcli.cli.reduce import reduce
from gamutcli.cli.strip import strip
from gamutcli.cli.version import show_version
from gamutcli.cli.view import view
from gamutcli.errors import GamutError

FAILED = 1
USAGE = 2
INTERRUPTED = 130
TERMINATED = 143
HUNG_UP = 129
#: What ends a run, and with which code; nohup and shells in the background have some of them ignored.
_ENDINGS = {"SIGINT": INTERRUPTED, "SIGTERM": TERMINATED, "SIGHUP": HUNG_UP}


class _InOrder(click.Group):
    """Lists the commands in the order in which a user meets them, not by the alphabet."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command; where a picture stands in its place, say so."""
        word = args[0]
        if word not in self.commands and word.lower().endswith(options.CARRYING):
            ctx.fail(f"{word!r} is no command; say what to do with it, as in 'gamut reduce {word} ...'.")
        return super().resolve_command(ctx, args)


@click.group(cls=_InOrder, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=show_version,
    help="Show all versions, as a bug report needs them.",
)
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

    Every option can also be set in the environment, for all commands that have it as GAMUT_<OPTION>, for one as
    GAMUT_<COMMAND>_<OPTION>: GAMUT_PRESET=best, GAMUT_OVERWRITE=1, GAMUT_REDUCE_EXT=png. The command line comes first,
    then the variable of the command. A value that another command can use and this one cannot is left alone.
    """


for _command in (
    *(reduce, expand, evaluate, view, info, batch, audit, strip, extract, embed, pretrain, experiment),
    *(completions_command, help_),
):
    gamut.add_command(_command)


def run(arguments: Sequence[str]) -> int:
    """Run one command line inside this process.

    Args:
        arguments: The words after `gamut`; none of them is the same as --help.

    Returns:
        The exit code.
    """
    try:
        code: int | None = gamut.main(args=list(arguments) or ["--help"], prog_name="gamut", standalone_mode=False)
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
    except OSError as error:  # of a file, it would have been told with its name
        console.error(f"{error.filename or 'standard output'}: {error.strerror or error}.")
        return FAILED
    return code or 0


def main() -> NoReturn:
    """Run the command line of this process and end it."""
    if not sys.warnoptions:  # libraries say nothing on their own: what matters to a user is said by us, in one line
        warnings.simplefilter("ignore")
    logging.getLogger().addHandler(logging.NullHandler())
    # Work is shared out here; threads of the matrix library's own would only wait, at a tenth of a second each run.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    streams.calm()
    code = 0
    try:
        _heed_signals()
        completions.register()
        code = run(list(wildcards_expanded(sys.argv[1:])) if os.name == "nt" else sys.argv[1:])
        streams.finish()
    except KeyboardInterrupt:  # before or after the command, which tells of it itself
        code = INTERRUPTED
        streams.abandon()
    except OSError as error:
        console.error(f"standard output: {error.strerror}.")
        code = code or FAILED
        streams.abandon()
    _heed_no_more()  # all is done
    sys.exit(code)


def wildcards_expanded(words: Sequence[str]) -> Iterator[str]:
    """Replace wildcards by the files that they mean, as shells do everywhere but on Windows.

    A file that is there under the very name, such as a[1].tif, is meant as it is.
    """
    for word in words:
        if word.startswith("-") or Path(word).exists():
            yield word
        else:
            yield from sorted(_expand_args([word], env=False))


def _heed_signals() -> None:
    """Leave through the exception handlers, which remove temporary files."""
    for number in _numbers():
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, _leave)


def _leave(number: int, frame: FrameType | None) -> NoReturn:
    _heed_no_more()  # what is being tidied up is not left in the middle, however often the keys are pressed
    if number == signal.SIGINT:
        raise KeyboardInterrupt
    sys.exit(_ENDINGS[signal.Signals(number).name])


def _heed_no_more() -> None:
    for number in _numbers():
        signal.signal(number, _ignore)  # SIG_IGN would have Python complain of one that has just come


def _ignore(number: int, frame: FrameType | None) -> None:
    pass


def _numbers() -> list[int]:
    return [getattr(signal, name) for name in _ENDINGS if hasattr(signal, name)]
