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


def test_help_loads_next_to_nothing() -> None:
    """What makes it come at once, on a machine as slow as may be."""
    script = (
        "import sys\n"
        "before = set(sys.modules)\n"
        "from gamutcli.cli import run\n"
        "run(['--help']); run(['reduce', '--help']); run(['experiment', 'table', '--help'])\n"
        "print(*set(sys.modules) - before, file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, encoding="utf-8")
    loaded = done.stderr.split()
    others = {name.partition(".")[0] for name in loaded} - sys.stdlib_module_names
    assert others <= {"gamutcli", "click", "colorama"}  # click itself loads colorama on Windows
    assert len(loaded) < 180  # numpy alone would be 95 more
