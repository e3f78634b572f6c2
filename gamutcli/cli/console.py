"""All that the commands say: results on stdout, everything else on stderr.

`Report` follows a command through its files: it shows results, warnings, errors and progress, goes on after a failing
file, counts the failures and knows the exit code in the end.
"""

from __future__ import annotations

import json
import math
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from gamutcli.errors import GamutError

if TYPE_CHECKING:
    from rich.console import RenderableType

    from gamutcli.fitting.fit import Progress
    from gamutcli.pretrain.run import PretrainResult
    from gamutcli.results import Evaluation, ExpandResult, Info, ReduceResult, Transfer

Result = TypeVar("Result", "ReduceResult", "ExpandResult", "Evaluation", "Info", "Transfer", "PretrainResult")


def error(message: str) -> None:
    """Print an error as one line on stderr."""
    _say("error", message)


def warning(message: str) -> None:
    """Print a warning as one line on stderr."""
    _say("warning", message)


def progress(message: str) -> None:
    """Print how far a long command is as one line on stderr."""
    click.echo(f"gamut: {' '.join(message.split())}", err=True)


def _say(kind: str, message: str) -> None:
    click.echo(f"gamut: {kind}: {' '.join(message.split())}", err=True)


def percent(value: float) -> str:
    """A share in per cent: `12.3 %`; a share too small to show is not shown as nothing."""
    if 0 < value < 0.1:
        return "< 0.1 %"
    return f"{value:.1f} %"


def decibels(value: float | None) -> str:
    """A PSNR: `47.15 dB`, `exact` when nothing differs, `-` when there is no such pixel."""
    if value is None:
        return "-"
    return "exact" if math.isinf(value) else f"{value:.2f} dB"


def gain(before: float | None, after: float | None) -> str:
    """Two PSNRs, without and with the network: `31.02 -> 47.15 dB`."""
    if before is None or after is None or math.isinf(before):
        return decibels(after)
    return f"{before:.2f} -> {decibels(after)}"


def render(renderable: RenderableType) -> str:
    """The text of a rich table or text, with colours only where stdout is a terminal that wants them."""
    from rich.console import Console

    console = Console()
    with console.capture() as capture:
        console.print(renderable)
    return capture.get().rstrip("\n")


def plain_data(value: Any) -> Any:
    """What JSON can hold: paths become text; infinite and undefined figures become null."""
    if isinstance(value, dict):
        return {key: plain_data(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain_data(item) for item in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return str(value) if isinstance(value, Path) else value


class Report:
    """What one command says about its files.

    Args:
        files: How many files the command was given; it decides between one JSON object and a list, and whether the
            exit code is the file's own or 1.
        quiet: Errors and JSON only.
        verbose: 1 shows all that is known of a result, 2 also shows tracebacks.
        as_json: Print results as JSON, when all is done.
    """

    def __init__(self, files: int, *, quiet: bool, verbose: int, as_json: bool) -> None:
        self._files = files
        self._quiet = quiet
        self._verbose = verbose
        self._as_json = as_json
        self._objects: list[dict[str, Any]] = []
        self._failures: list[int] = []

    @contextmanager
    def file(self, source: Path) -> Iterator[None]:
        """Surround what is done with one file: an error is shown and counted, and the next file has its turn."""
        try:
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
        from rich import progress
        from rich.console import Console

        columns = (
            progress.TextColumn("{task.description}", markup=False),
            progress.BarColumn(),
            progress.TextColumn(
                "{task.completed}/{task.total} {task.fields[unit]}, loss {task.fields[loss]:.4g}, left"
            ),
            progress.TimeRemainingColumn(),
        )
        with progress.Progress(*columns, console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task(source.name, total=None, visible=False, loss=math.nan, unit=unit)

            def update(step: int, steps: int, loss: float) -> None:
                bar.update(task, completed=step, total=steps, loss=loss, visible=True)

            yield update

    def result(self, source: Path, result: Result, summary: Callable[[Result], str], exit_code: int = 0) -> None:
        """Show the result of one file.

        Args:
            source: The file that it belongs to.
            result: The frozen dataclass that the pipeline returned.
            summary: Puts it into words.
            exit_code: Not 0 when the result is bad news, such as pixels that have changed.
        """
        fields = asdict(result)
        self._objects.append(plain_data(fields))
        if exit_code:
            self._failures.append(exit_code)
        if not self._quiet:
            for note in result.notes:
                warning(note if str(source) in note else f"{source}: {note}")
            if not self._as_json:
                click.echo(summary(result))
        if self._verbose and not self._as_json:
            for name, value in plain_data(fields).items():
                click.echo(f"  {name}: {json.dumps(value)}", err=True)

    def close(self) -> int:
        """Print the JSON, say how many files failed, and return the exit code."""
        if self._as_json and self._files > 1:
            click.echo(json.dumps(self._objects, indent=2))
        elif self._as_json and self._objects:
            click.echo(json.dumps(self._objects[0], indent=2))
        if not self._failures:
            return 0
        if self._files == 1:
            return self._failures[0]
        error(f"{len(self._failures)} of {self._files} files failed")
        return 1

    def _fail(self, source: Path, caught: Exception) -> None:
        code = caught.exit_code if isinstance(caught, GamutError) else 1
        message = _explain(source, caught)
        if self._verbose >= 2:
            traceback.print_exception(caught)
        error(message)
        self._failures.append(code)
        if self._files > 1:  # in a list, every file has its place
            self._objects.append({"file": str(source), "error": message, "exit_code": code})


def _explain(source: Path, caught: Exception) -> str:
    """One line for an error: ours say it themselves, others need help."""
    if isinstance(caught, GamutError):
        return str(caught)
    if isinstance(caught, MemoryError):
        return f"{source}: not enough memory; close other programs or use a smaller picture."
    if isinstance(caught, OSError):
        return f"{source}: {caught.strerror or caught}."
    return f"{source}: unexpected {type(caught).__name__}: {caught}; please report it with what -v -v shows."
