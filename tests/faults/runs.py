"""A command in a process of its own, forked from one that has everything imported: it begins within milliseconds."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

SIGNALS = ("SIGKILL", "SIGTERM", "SIGHUP", "SIGINT")
#: What a run ends with that was told to, once it heeds signals, and before.
CODES = {"SIGKILL": {-9}, "SIGTERM": {143, -15}, "SIGHUP": {129, -1}, "SIGINT": {130, -2}}


@dataclass
class Run:
    """A command that runs.

    Attributes:
        pid: Of its process, which leads a group of its own.
        said: The file that its stderr goes to.
    """

    pid: int
    said: Path

    def send(self, name: str) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, getattr(signal, name))

    def is_running(self) -> bool:
        return os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None

    def wait(self) -> int:
        """Wait for it alone; returns its exit code, or the number of a signal below 0."""
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])

    def end(self) -> int:
        """Wait for it and all that it has started; returns its exit code, or the number of a signal below 0."""
        code = self.wait()
        with contextlib.suppress(ProcessLookupError, PermissionError):
            while True:
                os.killpg(self.pid, 0)
                time.sleep(0.002)
        return code

    @property
    def words(self) -> str:
        return self.said.read_text(errors="replace")


def start(words: Sequence[str], folder: Path, before: Callable[[], object] | None = None) -> Run:
    """Run `gamut` with these words in a folder; `before` is done in its process first."""
    said = folder.with_name(folder.name + ".said")
    said.write_bytes(b"")
    told = {getattr(signal, name) for name in SIGNALS[1:]}
    held = signal.pthread_sigmask(signal.SIG_BLOCK, told)  # until the new process has none of our handlers
    pid = os.fork()
    if pid == 0:
        for number in told:
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, held)
        _become(words, folder, said, before)
    signal.pthread_sigmask(signal.SIG_SETMASK, held)
    return Run(pid, said)


def finish(words: Sequence[str], folder: Path, before: Callable[[], object] | None = None) -> tuple[int, str]:
    """Run `gamut` to its end; returns its exit code and what it said."""
    run = start(words, folder, before)
    return run.end(), run.words


def _become(words: Sequence[str], folder: Path, said: Path, before: Callable[[], object] | None) -> NoReturn:
    code = 99
    try:
        os.setsid()
        os.chdir(folder)
        stderr = os.open(said, os.O_CREAT | os.O_TRUNC | os.O_WRONLY | os.O_APPEND, 0o600)
        if before is not None:  # a limit on files is none on what is said
            stderr = _passed_on(stderr)
        os.dup2(os.open(os.devnull, os.O_RDWR), 0)
        os.dup2(stderr, 1)
        os.dup2(stderr, 2)
        # What Python knows of the former files, such as that they can be sought in, is not true of these.
        sys.stdout, sys.stderr = (os.fdopen(number, "w", closefd=False) for number in (1, 2))
        if before is not None:
            before()
        from gamutcli.cli import main

        sys.argv = ["gamut", *words]
        main()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    except BaseException:
        os.write(2, traceback.format_exc().encode())
    finally:
        os._exit(code)


def _passed_on(file: int) -> int:
    """A pipe whose other end a process of this group writes into a file, until all who hold it have ended."""
    source, pipe = os.pipe()
    if os.fork():
        os.close(source)
        return pipe
    os.close(pipe)
    while data := os.read(source, 1 << 16):
        os.write(file, data)
    os._exit(0)
