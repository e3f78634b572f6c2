"""gamut help: what --help shows, for those who ask in this order."""

from __future__ import annotations

import click

from gamutcli.cli.console import say


def _commands(context: click.Context, argument: click.Parameter, incomplete: str) -> list[str]:
    """What a shell may propose: the commands below those that are there already."""
    command = context.find_root().command
    for word in context.params.get("words") or ():
        command = command.commands.get(word, command) if isinstance(command, click.Group) else command
    return [name for name in getattr(command, "commands", ()) if name.startswith(incomplete)]


@click.command("help")
@click.argument("words", nargs=-1, metavar="[COMMAND]...", shell_complete=_commands)
@click.pass_context
def help_(context: click.Context, words: tuple[str, ...]) -> None:
    """Show the help of a command.

    \b
    Examples:
      gamut help
      gamut help reduce
      gamut help experiment table
    """
    root = context.find_root()
    command = root.command
    for word in words:
        if not isinstance(command, click.Group):
            raise click.UsageError(f"{root.command_path} has no commands, so no {word!r}.", root)
        name, found, _ = command.resolve_command(root, [word])
        assert found is not None  # else resolve_command has failed
        command, root = found, click.Context(found, info_name=name, parent=root)
    say(command.get_help(root))
