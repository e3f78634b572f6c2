"""The reference pages, made from what the code says of itself: commands as Markdown, the library for autodoc."""

from __future__ import annotations

from collections.abc import Iterator
from inspect import cleandoc
from textwrap import dedent

import click

import gamutcli
from gamutcli.cli import gamut

_UNWRAPPED = "\b"  # click's mark of a paragraph whose lines stay as they are


def commands() -> str:
    """Every command below `gamut`, in the order of its help."""
    return "\n".join(_command(gamut, click.Context(gamut, info_name="gamut")))


def library() -> str:
    """Every function and class of the package, in alphabetical order."""
    lines = ["```{eval-rst}", ".. currentmodule:: gamutcli", ""]
    for name in gamutcli.__all__:
        thing = getattr(gamutcli, name)
        if isinstance(thing, type):
            lines.append(f".. autoclass:: {name}\n   :members:")
        elif callable(thing):
            lines.append(f".. autofunction:: {name}")
    return "\n".join([*lines, "```"])


def _command(command: click.Command, context: click.Context) -> Iterator[str]:
    yield f"\n## {context.command_path}\n"
    yield f"```text\n{context.command_path} {' '.join(command.collect_usage_pieces(context))}\n```\n"
    yield from map(_paragraph, cleandoc(command.help or "").split("\n\n"))
    yield from _options(command, context)
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            child = command.commands[name]
            yield from _command(child, click.Context(child, parent=context, info_name=name))


def _paragraph(text: str) -> str:
    if not text.startswith(_UNWRAPPED):
        return _escaped(text) + "\n"
    head, *lines = text.strip("\b\n").splitlines()
    return f"{_escaped(head)}\n\n```text\n{dedent(chr(10).join(lines))}\n```\n"


def _options(command: click.Command, context: click.Context) -> Iterator[str]:
    records = [(one, one.get_help_record(context)) for one in command.get_params(context)]
    shown = [(one, record) for one, record in records if record and record[1]]
    if not shown:
        return
    yield "| option | | environment |\n|---|---|---|"
    for parameter, (names, text) in shown:
        names, text = (cell.replace("|", "\\|") for cell in (names, _escaped(text)))
        variable = f"`{parameter.envvar}`" if parameter.envvar else ""
        yield f"| `{names}` | {text} | {variable} |"
    yield ""


def _escaped(text: str) -> str:
    """What is not between backticks is no Markdown."""
    parts = text.split("`")
    for index in range(0, len(parts), 2):
        parts[index] = parts[index].replace("<", "\\<").replace("*", "\\*").replace("[", "\\[")
    return "`".join(parts)
