"""Programs that believe to be used by a person at a terminal."""

from __future__ import annotations

import os
import select
import subprocess
from pathlib import Path

#: Seconds without a sign of life after which a program is taken to hang.
PATIENCE = 60


class Typist:
    """Types into a program and reads what it shows, as an unstyled stream of characters."""

    def __init__(self, words: list[str], folder: Path, **environment: str) -> None:
        import fcntl
        import pty
        import termios

        self._screen, child = pty.openpty()
        variables = {**os.environ, "TERM": "xterm", **environment}
        self.process = subprocess.Popen(
            words,
            cwd=folder,
            stdin=child,
            stdout=child,
            stderr=child,
            env=variables,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # shells want to control their terminal
        )
        os.close(child)
        self.shown = ""

    def type(self, text: str) -> None:
        """Type some keys."""
        os.write(self._screen, text.encode())

    def read(self, until: str) -> str:
        """Return all that was shown, once `until` is among it."""
        while until not in self.shown:
            if not select.select([self._screen], [], [], PATIENCE)[0]:
                raise AssertionError(f"no {until!r} in {self.shown!r}")
            self.shown += os.read(self._screen, 4096).decode(errors="replace")
        return self.shown

    def __enter__(self) -> Typist:
        return self

    def __exit__(self, *error: object) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._screen)
