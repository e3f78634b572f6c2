"""Help: every command and option is explained, and it comes at once."""

from __future__ import annotations

import subprocess
import sys

import click
import pytest

import gamutcli
from gamutcli.cli import gamut as group
from gamutcli.cli.experiment import experiment
from tests.support.commands import Gamut

COMMANDS = sorted(group.commands)
EXPERIMENTS = sorted(experiment.commands)


def test_the_main_loop_is_there() -> None:
    assert {"reduce", "expand", "eval", "info"} <= set(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself_with_examples(gamut: Gamut, name: str) -> None:
    outcome = gamut(name, "--help")
    assert outcome.code == 0
    assert "Examples:" in outcome.out
    assert f"gamut {name}" in outcome.out.split("Examples:")[1]


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_every_experiment_explains_itself_with_examples(gamut: Gamut, name: str) -> None:
    outcome = gamut("experiment", name, "--help")
    assert outcome.code == 0
    assert f"gamut experiment {name}" in outcome.out.split("Examples:")[1]
    assert "-o, --output DIR" in outcome.out
    assert "--steps-scale" in outcome.out


@pytest.mark.parametrize("name", COMMANDS)
def test_the_list_of_commands_shows_the_whole_first_sentence(gamut: Gamut, name: str) -> None:
    line = next(line for line in gamut("--help").out.splitlines() if line.split()[:1] == [name])
    assert line.endswith(".")
    assert not line.endswith("...")


@pytest.mark.parametrize("command", [*group.commands.values(), *experiment.commands.values()], ids=lambda c: c.name)
def test_every_option_has_help_and_a_variable(command: click.Command) -> None:
    for option in command.params:
        if isinstance(option, click.Option):
            long = next(word for word in option.opts if word.startswith("--"))
            assert option.help, long
            assert option.envvar == "GAMUT_" + long[2:].replace("-", "_").upper()


def test_no_words_show_the_help(gamut: Gamut) -> None:
    assert gamut().out == gamut("--help").out


def test_version(gamut: Gamut) -> None:
    first, *others = gamut("--version").out.splitlines()
    assert first == f"gamut {gamutcli.__version__}"
    assert [line.split()[0] for line in others] == [
        *("format", "weights", "python", "numpy", "torch", "libraries", "extras")
    ]


def test_version_asks_torch_for_nothing_where_no_driver_is() -> None:
    script = (
        "import sys; from gamutcli import gpu; gpu.DRIVER_FILES = (); from gamutcli.cli import run\n"
        "code = run(['--version']); sys.exit(code or 'torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", script], stdout=subprocess.DEVNULL).returncode == 0


def test_help_loads_nothing_heavy_and_little_beyond_click() -> None:
    script = (
        "import sys, click\n"
        "before = len(sys.modules)\n"
        "from gamutcli.cli import run\n"
        "run(['--help']); run(['reduce', '--help']); run(['experiment', 'table', '--help'])\n"
        "heavy = {'numpy', 'torch', 'rich', 'PIL', 'tifffile', 'imagecodecs'} & set(sys.modules)\n"
        "more = len(sys.modules) - before\n"
        "sys.exit(f'loaded: {heavy} and {more} modules' if heavy or more > 110 else 0)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
