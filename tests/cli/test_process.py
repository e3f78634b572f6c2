"""The command as a process of its own: signals, pipes, terminals."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from pictures import wide_codes, write_tiff

GAMUT = [sys.executable, "-m", "gamutcli"]
pytestmark = pytest.mark.skipif(os.name != "posix", reason="POSIX signals and terminals")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_run_leaves_nothing(tmp_path: Path, number: signal.Signals, code: int) -> None:
    source = write_tiff(tmp_path / "a.tif", wide_codes(60, 90))
    words = [*GAMUT, "reduce", source, tmp_path / "a.jpg", "--preset", "paper"]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    time.sleep(1.5)  # in the midst of the fit, which takes far longer
    assert process.poll() is None
    process.send_signal(number)
    out, err = process.communicate(timeout=20)
    assert process.returncode == code
    assert out == ""
    assert "Traceback" not in err
    assert list(tmp_path.iterdir()) == [source]


def test_a_reader_that_leaves_early_is_no_error(album: Path) -> None:
    command = " ".join([*GAMUT, "info", *[str(album / "photo.jpg")] * 40, "| head -n 1"])
    done = subprocess.run(command, shell=True, capture_output=True, text=True)
    assert done.stdout == f"{album / 'photo.jpg'}\n"
    assert done.stderr == ""


def on_a_terminal(words: list[str], **environment: str) -> str:
    """What a process shows when its stderr is a terminal."""
    import pty

    parent, child = pty.openpty()
    variables = {**os.environ, "TERM": "xterm", **environment}
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=child, env=variables)
    os.close(child)
    shown = b""
    while True:
        try:
            part = os.read(parent, 4096)
        except OSError:  # Linux says so when the last writer has gone
            part = b""
        if not part:
            break
        shown += part
    os.close(parent)
    assert process.wait() == 0
    return shown.decode()


def test_progress_is_shown_on_a_terminal_only(tmp_path: Path) -> None:
    source = write_tiff(tmp_path / "a.tif", wide_codes(60, 90))
    words = [*GAMUT, "reduce", str(source), str(tmp_path / "a.jpg"), "--preset", "fast", "--overwrite"]
    assert "steps, loss" in on_a_terminal(words)
    assert "steps, loss" not in on_a_terminal([*words, "-q"])
    assert "\x1b[3" not in on_a_terminal(words, NO_COLOR="1")
    assert subprocess.run(words, capture_output=True, text=True).stderr == ""
