"""gamut completions: what teaches bash, zsh and fish to complete the words of a command line.

click works out the words. The shell functions are our own: click's leave file names to the shell, which knows
nothing of the kinds of files that a command takes.
"""

from __future__ import annotations

import os

import click
from click import shell_completion

from gamutcli.cli.console import say

#: The names that the command is installed under.
PROGRAMS = ("gamut", "gamutcli")
VARIABLE = "_GAMUT_COMPLETE"

BASH = r"""
%(complete_func)s() {
    local kind word
    COMPREPLY=()
    while IFS=, read -r kind word; do
        [[ -n $word ]] || continue
        COMPREPLY+=("$word")
        [[ $kind == plain ]] || compopt -o filenames
    done < <(
        COMP_WORDS="${COMP_WORDS[*]}" COMP_CWORD=$COMP_CWORD %(complete_var)s=bash_complete %(prog_name)s 2>/dev/null
    )
}
complete -F %(complete_func)s %(prog_name)s
"""

ZSH = r"""
%(complete_func)s() {
    local kind word told
    local -a described
    while IFS= read -r kind && IFS= read -r word && IFS= read -r told; do
        if [[ $kind != plain ]]; then
            if [[ $word == */ ]]; then compadd -U -S '' -- "$word"; else compadd -U -- "$word"; fi
        elif [[ $told == _ ]]; then
            compadd -U -- "$word"
        else
            described+=("${word}:${told}")
        fi
    done < <(
        COMP_WORDS="${words[*]}" COMP_CWORD=$((CURRENT-1)) %(complete_var)s=zsh_complete %(prog_name)s 2>/dev/null
    )
    (( $#described )) && _describe -V values described -U
    return 0
}
(( $+functions[compdef] )) || { autoload -Uz compinit && compinit; }
compdef %(complete_func)s %(prog_name)s
"""

FISH = r"""
function %(complete_func)s
    set -lx COMP_WORDS (commandline -cp)
    set -lx COMP_CWORD (commandline -t)
    set -lx %(complete_var)s fish_complete
    for line in (%(prog_name)s 2>/dev/null)
        string split -m 1 , -- $line | tail -n 1
    end
end
complete --no-files --command %(prog_name)s --arguments "(%(complete_func)s)"
"""


class _Bash(shell_completion.BashComplete):
    source_template = BASH


class _Zsh(shell_completion.ZshComplete):
    source_template = ZSH


class _Fish(shell_completion.FishComplete):
    source_template = FISH


SHELLS: dict[str, type[shell_completion.ShellComplete]] = {"bash": _Bash, "zsh": _Zsh, "fish": _Fish}


def register() -> None:
    """Let click answer to our shell functions, where a shell asks."""
    if VARIABLE in os.environ:
        for name, shell in SHELLS.items():
            shell_completion.add_completion_class(shell, name)


@click.command()
@click.argument("shell", type=click.Choice(tuple(SHELLS)), metavar="bash|zsh|fish")
@click.pass_context
def completions(context: click.Context, shell: str) -> None:
    """Print what makes a shell complete the words.

    Commands, options, their values, and the files that a command takes are completed, for `gamut` and `gamutcli`. Put
    the line for your shell into the file named behind it.

    \b
    Examples:
      eval "$(gamut completions bash)"       # ~/.bashrc; needs bash 4.4 or newer
      eval "$(gamut completions zsh)"        # ~/.zshrc
      gamut completions fish | source        # ~/.config/fish/config.fish
    """
    root = context.find_root().command
    for program in PROGRAMS:
        say(SHELLS[shell](root, {}, program, VARIABLE).source().strip())
