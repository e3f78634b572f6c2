"""Man pages, made from the help that the commands give: `python -m gamutcli.cli.manual FOLDER`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from inspect import cleandoc
from pathlib import Path

import click

from gamutcli import __version__
from gamutcli.cli import gamut


def pages() -> dict[str, str]:
    """Every page by its file name: gamut.1, gamut-reduce.1, gamut-experiment-table.1 and so on."""
    root = click.Context(gamut, info_name="gamut", **gamut.context_settings)
    return {f"{'-'.join(context.command_path.split())}.1": _page(context) for context in _contexts(root)}


def _contexts(context: click.Context) -> Iterator[click.Context]:
    yield context
    if isinstance(context.command, click.Group):
        for name, command in context.command.commands.items():
            yield from _contexts(click.Context(command, info_name=name, parent=context))


def _page(context: click.Context) -> str:
    command, title = context.command, "-".join(context.command_path.split())
    summary, *paragraphs = cleandoc(command.help or "").split("\n\n")
    lines = [
        f'.TH "{title.upper()}" 1 "" "gamutcli {__version__}" "User Commands"',
        ".SH NAME",
        f"{_escape(title)} \\- {_escape(_joined(summary).rstrip('.'))}",
        ".SH SYNOPSIS",
        f".B {_escape(context.command_path)}",
        _escape(" ".join(command.collect_usage_pieces(context))),
        ".SH DESCRIPTION",
    ]
    plain = [paragraph for paragraph in paragraphs if not paragraph.startswith("\b")]
    lines += "\n.PP\n".join(_escape(_joined(paragraph)) for paragraph in plain).splitlines()
    for paragraph in paragraphs:
        if paragraph not in plain:  # lines that are to stay as they are, below a title
            heading, *kept = paragraph.strip("\b\n").splitlines()
            lines += [f'.SH "{_escape(heading.rstrip(":").upper())}"', ".nf", *map(_escape, kept), ".fi"]
    options = [
        record
        for record in (p.get_help_record(context) for p in command.get_params(context) if isinstance(p, click.Option))
        if record
    ]
    if options:
        lines.append(".SH OPTIONS")
        for name, told in options:
            lines += [".TP", f".B {_escape(name)}", _escape(_joined(told))]
    lines += [".SH SEE ALSO", _escape(", ".join(f"{name}(1)" for name in _related(context)))]
    return "\n".join(lines) + "\n"


def _related(context: click.Context) -> list[str]:
    """The pages of the commands below, or of the one above."""
    here = "-".join(context.command_path.split())
    below = [f"{here}-{name}" for name in getattr(context.command, "commands", ())]
    return below or [here.rpartition("-")[0] or here]


def _joined(text: str) -> str:
    return " ".join(text.split())


def _escape(text: str) -> str:
    """Let troff show a text as it is."""
    shown = text.replace("\\", "\\e").replace("-", "\\-").replace("`", "\\(ga").replace("'", "\\(aq")
    return "\\&" + shown if shown.startswith((".", "\\(aq")) else shown


def main(folder: str) -> None:
    """Write all pages into a folder."""
    Path(folder).mkdir(parents=True, exist_ok=True)
    for name, page in pages().items():
        Path(folder, name).write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
