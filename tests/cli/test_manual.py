"""Man pages: made from the help, one a command, in order for the programs that show them."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest

from gamutcli.cli import gamut as group
from gamutcli.cli.manual import pages


def test_every_command_has_a_page_with_all_its_options() -> None:
    made = pages()
    assert {"gamut.1", "gamut-experiment-table.1"} < set(made)
    for name, command in group.commands.items():
        page = made[f"gamut-{name}.1"].replace("\\-", "-")
        for option in command.params:
            if isinstance(option, click.Option):
                assert f".B {', '.join(option.opts)}" in page
        assert ".SH EXAMPLES" in page.replace('"', "")


@pytest.mark.parametrize(
    "checker", [["mandoc", "-Tlint", "-Wunsupp"], ["groff", "-man", "-ww", "-Tutf8", "-z"]], ids=lambda words: words[0]
)
def test_nothing_is_wrong_with_the_pages(tmp_path: Path, checker: list[str]) -> None:
    if shutil.which(checker[0]) is None:
        pytest.skip(f"{checker[0]} is not installed")
    subprocess.run([sys.executable, "-m", "gamutcli.cli.manual", str(tmp_path / "man")], check=True)
    files = sorted(map(str, (tmp_path / "man").iterdir()))
    assert len(files) == len(pages())
    done = subprocess.run([*checker, *files], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
