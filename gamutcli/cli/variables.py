"""Options from the environment: GAMUT_EXT for every command that has --ext, GAMUT_REDUCE_EXT for reduce alone.

The command line comes first, then the variable of the command, then the one of all. A value of the latter that this
command cannot use, but another one can, is not meant for this one: GAMUT_EXT=webp does not stop expand.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import click
from click.core import ParameterSource

PREFIX = "GAMUT_"


def variable_of(*words: str) -> str:
    """The variable of words: GAMUT_MAX_PAYLOAD, GAMUT_REDUCE_MAX_PAYLOAD."""
    return PREFIX + "_".join(words).replace("-", "_").replace(" ", "_").upper()


class Option(click.Option):
    """An option that can also be set in the environment, for one command or for all."""

    def resolve_envvar_value(self, ctx: click.Context) -> str | None:
        """Find the variable that counts here."""
        long = next(name for name in self.opts if name.startswith("--"))[2:]
        command = ctx.command_path.partition(" ")[2]
        own = os.environ.get(variable_of(command, long))
        if own:
            return own
        shared = os.environ.get(variable_of(long))
        if not shared or self._suits(shared, ctx):
            return shared or None
        others = (other for other in _options(ctx.find_root().command) if other.envvar == self.envvar)
        return None if any(other._suits(shared, ctx) for other in others) else shared

    def _suits(self, value: str, ctx: click.Context) -> bool:
        try:
            self.type.convert(value, self, ctx)
        except click.UsageError:
            return False
        return True


def give_way(given: dict[str, Any], **defaults: Any) -> None:
    """Of options that exclude each other, let those from the environment give way to one on the command line.

    Args:
        given: The options of this command, which are changed.
        defaults: Those among them, with what they are where nobody says anything.
    """
    context = click.get_current_context()
    sources = {name: context.get_parameter_source(name) for name in defaults}
    if ParameterSource.COMMANDLINE in sources.values():
        given.update({name: defaults[name] for name in defaults if sources[name] is ParameterSource.ENVIRONMENT})


def _options(command: click.Command) -> Iterator[Option]:
    """Every option of a command and of those below it."""
    yield from (parameter for parameter in command.params if isinstance(parameter, Option))
    if isinstance(command, click.Group):
        for below in command.commands.values():
            yield from _options(below)
