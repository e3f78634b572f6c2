"""The command as a process of its own: signals, pipes, terminals."""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.pictures import wide_codes, write_tiff

GAMUT = [sys.executable, "-m", "gamutcli"]

# Whoever starts the tests in the background has them, and all that they start, ignore an interrupt.
HEEDING_SIGNALS = """
import os, signal, sys
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    signal.signal(number, signal.SIG_DFL)
signal.pthread_sigmask(signal.SIG_SETMASK, [])
os.execv(sys.argv[1], sys.argv[1:])
"""

pytestmark = pytest.mark.skipif(os.name != "posix", reason="POSIX signals and terminals")


def test_a_reader_that_leaves_early_is_no_error(album: Path) -> None:
    command = shlex.join([*GAMUT, "info", *[str(album / "photo.jpg")] * 40]) + " | head -n 1"
    done = subprocess.run(command, shell=True, capture_output=True, text=True)
    assert done.stdout == f"{album / 'photo.jpg'}\n"
    assert done.stderr == ""


class Terminal:
    """A process whose stderr is a terminal."""

    def __init__(self, words: list[str], **environment: str) -> None:
        import pty

        self._screen, child = pty.openpty()
        variables = {**os.environ, "TERM": "xterm", "COLUMNS": "100", "LINES": "30", **environment}
        heeding = [sys.executable, "-c", HEEDING_SIGNALS, *words]
        self.process = subprocess.Popen(heeding, stdout=subprocess.DEVNULL, stderr=child, env=variables)
        os.close(child)
        self.shown = ""

    def read(self, until: str | None = None) -> str:
        """Return all that was shown, once `until` is among it or the process has ended."""
        while until is None or until not in self.shown:
            try:
                part = os.read(self._screen, 4096)
            except OSError:  # Linux says so when the last writer has gone
                part = b""
            if not part:
                os.close(self._screen)
                self.process.wait()
                break
            self.shown += part.decode(errors="replace")
        return self.shown


def reducing(folder: Path, preset: str) -> list[str]:
    source = write_tiff(folder / "a.tif", wide_codes(60, 90))
    return [*GAMUT, "reduce", str(source), str(folder / "a.jpg"), "--preset", preset]


def test_progress_on_a_terminal_without_colours_where_none_are_wanted(tmp_path: Path) -> None:
    terminal = Terminal(reducing(tmp_path, "fast"), NO_COLOR="1")
    shown = terminal.read()
    assert terminal.process.returncode == 0
    assert "a.tif" in shown
    assert "steps, loss" in shown
    assert "\x1b[3" not in shown


def test_no_progress_on_a_terminal_that_wants_quiet(tmp_path: Path) -> None:
    assert Terminal([*reducing(tmp_path, "fast"), "-q"]).read() == ""


@pytest.mark.parametrize(("name", "code"), [("SIGINT", 130), ("SIGTERM", 143), ("SIGHUP", 129)])
def test_an_interrupted_run_leaves_nothing(tmp_path: Path, name: str, code: int) -> None:
    number = getattr(signal, name)
    terminal = Terminal(reducing(tmp_path, "paper"))
    terminal.read(until="steps, loss")
    terminal.process.send_signal(number)
    shown = terminal.read()
    assert terminal.process.returncode == code
    assert "Traceback" not in shown
    assert ("gamut: error: interrupted" in shown) is (number == signal.SIGINT)
    assert list(tmp_path.iterdir()) == [tmp_path / "a.tif"]


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_second_signal_disturbs_nothing(tmp_path: Path, name: str) -> None:
    terminal = Terminal(reducing(tmp_path, "paper"))
    terminal.read(until="steps, loss")
    for _ in range(20):
        with contextlib.suppress(ProcessLookupError):
            terminal.process.send_signal(getattr(signal, name))
    assert "Traceback" not in terminal.read()
    assert terminal.process.returncode in (129, 130, 143)
    assert list(tmp_path.iterdir()) == [tmp_path / "a.tif"]


def test_progress_counts_several_files(tmp_path: Path) -> None:
    sources = [str(write_tiff(tmp_path / name, wide_codes(8, 8))) for name in ("a.tif", "b.tif")]
    shown = Terminal([*GAMUT, "reduce", *sources, "-o", str(tmp_path / "web"), "--preset", "fast"]).read()
    assert "a.tif (1 of 2)" in shown
    assert "b.tif (2 of 2)" in shown
