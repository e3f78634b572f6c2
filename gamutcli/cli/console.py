"""All that the commands say: results on stdout, everything else on stderr.

`Outcomes` follows a command through its files: it shows results, warnings, errors and progress, goes on after a failing
file, counts the failures and knows the exit code in the end.
"""

from __future__ import annotations

import json
import logging
import math
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import click

from gamutcli.cli.progress import line
from gamutcli.errors import GamutError, explain
from gamutcli.measuring.stages import LOGGER
from gamutcli.measuring.words import decibels, json_safe, printable
from gamutcli.storage.remote import name_of

if TYPE_CHECKING:
    from rich.console import RenderableType

    from gamutcli.fitting.fit import Progress
    from gamutcli.pretrain.run import PretrainResult
    from gamutcli.results import Evaluation, ExpandResult, Info, ReduceResult, Transfer

Result = TypeVar("Result", "ReduceResult", "ExpandResult", "Evaluation", "Info", "Transfer", "PretrainResult")


def say(text: str, err: bool = False) -> None:
    """Print text on stdout or stderr, just as that stream is: click would put its own encoding in the way."""
    click.echo(text, file=sys.stderr if err else sys.stdout)


def error(message: str) -> None:
    """Print an error as one line on stderr."""
    progress(f"error: {message}")


def warning(message: str) -> None:
    """Print a warning as one line on stderr."""
    progress(f"warning: {message}")


def progress(message: str) -> None:
    """Print how far a long command is as one line on stderr."""
    say(f"gamut: {printable(message.strip())}", err=True)


def percent(value: float) -> str:
    """A share in per cent: `12.3 %`; a share too small to show is not shown as nothing."""
    if 0 < value < 0.1:
        return "< 0.1 %"
    return f"{value:.1f} %"


def gain(before: float | None, after: float | None) -> str:
    """Two PSNRs, without and with the network: `31.02 -> 47.15 dB`."""
    if before is None or after is None or math.isinf(before):
        return decibels(after)
    return f"{before:.2f} -> {decibels(after)}"


def columns() -> int:
    """How many characters wide stdout is shown."""
    from rich.console import Console

    return Console().width


def render(renderable: RenderableType) -> str:
    """The text of a rich table or text, with colours only where stdout is a terminal that wants them.

    Nothing is cut: what is wider than the terminal stays so.
    """
    from rich.console import Console
    from rich.measure import Measurement

    console = Console()
    uncut = Measurement.get(console, console.options.update(max_width=1000), renderable)
    console.width = max(console.width, uncut.maximum)
    with console.capture() as capture:
        console.print(renderable)
    return capture.get().rstrip("\n")


class Outcomes:
    """What one command says about its files.

    Args:
        files: How many files the command was given; it decides between one JSON object and a list, and whether the
            exit code is the file's own or 1.
        quiet: Errors and JSON only.
        verbose: 1 tells every stage and how long it took, 2 also shows tracebacks.
        as_json: Print results as JSON, when all is done.
    """

    def __init__(self, files: int, *, quiet: bool, verbose: int, as_json: bool) -> None:
        self._files = files
        self._quiet = quiet
        self._verbose = verbose
        self._as_json = as_json
        self._started = 0
        self._results_to_stderr = False
        self._names: dict[str, tuple[str, str]] = {}  # how a file is called in messages, and in results
        self._objects: list[dict[str, Any]] = []
        self._failures: list[int] = []

    def rename(self, file: Path, name: str, in_results: str = "-") -> None:
        """Call a file by another name in all that is said, in messages and in results."""
        self._names[str(file)] = name, in_results

    def leave_stdout(self) -> None:
        """Show results on stderr: stdout is a picture."""
        self._results_to_stderr = True

    @contextmanager
    def file(self, source: Path) -> Iterator[None]:
        """Surround what is done with one file: an error is shown and counted, and the next file has its turn."""
        self._started += 1
        try:
            with self._stages(source):
                yield
        except BrokenPipeError:  # nobody listens any more
            raise
        except Exception as caught:
            self._fail(source, caught)

    @contextmanager
    def progress(self, source: Path, unit: str = "steps") -> Iterator[Progress | None]:
        """Give a function that shows how far a fit is, or None where no terminal watches."""
        if self._quiet or not sys.stderr.isatty():
            yield None
            return
        count = f" ({self._started} of {self._files})" if self._files > 1 and self._started else ""
        with line(printable(self._names.get(str(source), (source.name,))[0]) + count, unit) as update:
            yield update

    def result(self, source: Path, result: Result, summary: Callable[[Result], str], exit_code: int = 0) -> None:
        """Show the result of one file.

        Args:
            source: The file that it belongs to.
            result: The frozen dataclass that the pipeline returned.
            summary: Puts it into words.
            exit_code: Not 0 when the result is bad news, such as pixels that have changed.
        """
        result = self._renamed(result)
        self._objects.append(json_safe(asdict(result)))
        if exit_code:
            self._failures.append(exit_code)
        if self._quiet:
            return
        for note in result.notes:
            self._warn(source, note)
        if not self._as_json:
            seen = {name: printable(value) for name, value in vars(result).items() if isinstance(value, str)}
            self._show(summary(replace(result, **cast("Any", seen))))

    def close(self) -> int:
        """Print the JSON, say how many files failed, and return the exit code."""
        if self._as_json and self._files > 1:
            self._show(json.dumps(self._objects, indent=2))
        elif self._as_json and self._objects:
            self._show(json.dumps(self._objects[0], indent=2))
        if not self._failures:
            return 0
        if self._files == 1:
            return self._failures[0]
        error(f"{len(self._failures)} of {self._files} files failed")
        return 1

    def _show(self, text: str) -> None:
        say(text, err=self._results_to_stderr)

    def _warn(self, source: Path, note: str) -> None:
        warning(self._said(note if str(source) in note else f"{source}: {note}"))

    @contextmanager
    def _stages(self, source: Path) -> Iterator[None]:
        """Tell the stages of the work on a file, where that is wanted."""
        if not self._verbose or self._quiet:
            yield
            return
        handler = _Teller(lambda stage: progress(self._said(f"{_called(source)}: {stage}")))
        before = LOGGER.level
        LOGGER.addHandler(handler)
        LOGGER.setLevel(logging.INFO)
        try:
            yield
        finally:
            LOGGER.removeHandler(handler)
            LOGGER.setLevel(before)

    def _fail(self, source: Path, caught: Exception) -> None:
        code = caught.exit_code if isinstance(caught, GamutError) else 1
        message = self._said(explain(_called(source), caught))
        if self._verbose >= 2:
            for text in "".join(traceback.format_exception(caught)).splitlines():
                say(printable(text), err=True)
        error(message)
        self._failures.append(code)
        if self._files > 1:  # in a list, every file has its place
            name = self._names.get(str(source), ("", name_of(source)))[1]
            self._objects.append({"file": name, "error": message, "exit_code": code})

    def _said(self, text: str) -> str:
        """A message with the names that files are called by."""
        for path, (name, in_results) in self._names.items():
            text = text.replace(path, name)
            if in_results == "-":  # it has no place that something could be beside, and its name is made up
                text = text.replace(f" A sidecar would be {Path(path).name}.gamut.", "").replace(Path(path).name, name)
        return text

    def _renamed(self, result: Result) -> Result:
        """A result with - for files that have no name, and with addresses for those in buckets."""
        names = self._names
        fields = {field: names[str(value)][1] for field, value in vars(result).items() if str(value) in names}
        return replace(result, **cast("Any", fields)) if fields else result


def _called(source: Path) -> str:
    return "standard input" if str(source) == "-" else name_of(source)


class _Teller(logging.Handler):
    """Hands what is logged to a function."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        super().__init__()
        self._tell = tell

    def emit(self, record: logging.LogRecord) -> None:
        self._tell(record.getMessage())
