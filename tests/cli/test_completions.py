"""gamut completions: real shells complete commands, options, values and the files that a command takes."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.commands import Gamut
from tests.support.terminals import Typist

SHELLS = {
    "bash": (["bash", "--norc", "--noprofile", "-i"], 'eval "$(gamut completions bash)"'),
    "zsh": (["zsh", "-f", "-i"], 'ZDOTDIR=$PWD; eval "$(gamut completions zsh)"'),
    "fish": (["fish", "--private", "--no-config", "-i"], "gamut completions fish | source"),
}
pytestmark = pytest.mark.skipif(os.name != "posix", reason="POSIX shells and terminals")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with pictures and others, and a `gamut` and `gamutcli` that complete; else they show their words."""
    tmp_path = tmp_path_factory.mktemp("shell")
    for name in ("one.tif", "two words.tif", "note.txt", "page.html", "payload.gamut"):
        (tmp_path / name).write_bytes(b"")
    (tmp_path / "web").mkdir()
    (tmp_path / "web" / "inside.jpg").write_bytes(b"")
    programs = tmp_path / ".bin"
    programs.mkdir()
    for name in ("gamut", "gamutcli"):
        (programs / name).write_text(
            "#!/bin/sh\n"
            f'if [ -n "$_GAMUT_COMPLETE" ] || [ "$1" = completions ]; then\n'
            f'  exec {shlex.quote(sys.executable)} -m gamutcli "$@"\n'
            "fi\n"
            "echo; printf '<%s>' ran \"$@\" end; echo\n"
        )
        (programs / name).chmod(0o755)
    return tmp_path


@pytest.fixture(params=SHELLS, scope="module")
def shell(request: pytest.FixtureRequest, folder: Path) -> Iterator[Typist]:
    """A shell that has learned the words."""
    if shutil.which(request.param) is None:
        pytest.skip(f"{request.param} is not installed")
    words, line = SHELLS[request.param]
    root = str(Path(__file__).parents[2])
    path = f"{folder / '.bin'}{os.pathsep}{os.environ['PATH']}"
    with Typist(words, folder, PATH=path, PYTHONPATH=root, HOME=str(folder)) as typist:
        typist.type(f"{line}\n")
        typist.type("echo rea''dy\n")
        typist.read("ready\r\n")
        yield typist


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("gamut red\t", ["reduce"]),
        ("gamutcli exper\tta\t", ["experiment", "table"]),
        ("gamut reduce --preserv\t", ["reduce", "--preserve-time"]),
        ("gamut reduce --preset ba\t", ["reduce", "--preset", "balanced"]),
        ("gamut reduce on\t", ["reduce", "one.tif"]),
        ("gamut reduce two\t", ["reduce", "two words.tif"]),
        ("gamut expand we\tins\t", ["expand", "web/inside.jpg"]),
        ("gamut info pa\t", ["info", "payload.gamut"]),
        ("gamut eval one.tif --report pa\t", ["eval", "one.tif", "--report", "page.html"]),
        ("gamut reduce one.tif -o w\t", ["reduce", "one.tif", "-o", "web/"]),
        ("gamut reduce no\t", ["reduce", "no"]),
        ("gamut help experiment ma\t", ["help", "experiment", "maps"]),
    ],
)
def test_a_shell_completes(shell: Typist, typed: str, words: list[str]) -> None:
    shell.shown = ""
    shell.type(f"{typed}\n")
    assert "".join(f"<{word}>" for word in ["ran", *words, "end"]) in shell.read("<end>")


@pytest.mark.parametrize("name", SHELLS)
def test_the_script_is_one_that_the_shell_understands(gamut: Gamut, name: str) -> None:
    if shutil.which(name) is None:
        pytest.skip(f"{name} is not installed")
    outcome = gamut("completions", name)
    assert outcome.code == 0
    done = subprocess.run([name, "-n"], input=outcome.out, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_an_unknown_shell_is_a_usage_error(gamut: Gamut) -> None:
    outcome = gamut("completions", "csh")
    assert outcome.code == 2
    assert "'csh' is not one of 'bash', 'zsh', 'fish'" in outcome.err
