"""Keep libraries of C++ from writing to the standard output and error of the program that uses them."""

from __future__ import annotations

import ctypes
import io
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from pathlib import Path
from typing import IO

# The descriptors are the whole program's: one at a time may turn them aside.
_one_at_a_time = threading.Lock()
_OUTPUT, ERROR = 1, 2


@contextmanager
def silenced() -> Iterator[None]:
    """Turn what is written to standard output and error away, and back again."""
    # A library of C++ that knows Python prints as Python does.
    with (
        Path(os.devnull).open("wb") as nowhere,
        turned_aside((_OUTPUT, ERROR), nowhere),
        redirect_stdout(io.StringIO()),
        redirect_stderr(io.StringIO()),
    ):
        yield


@contextmanager
def turned_aside(descriptors: tuple[int, ...], file: IO[bytes]) -> Iterator[None]:
    """Let all that is written to these descriptors go into a file, until the block ends."""
    with _one_at_a_time:
        _flush()
        kept: dict[int, int] = {}
        try:
            for descriptor in descriptors:
                with suppress(OSError):  # closed: nothing can be written there
                    kept[descriptor] = os.dup(descriptor)
                    os.dup2(file.fileno(), descriptor)
            yield
        finally:
            _flush()
            for descriptor, usual in kept.items():
                os.dup2(usual, descriptor)
                os.close(usual)


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            with suppress(OSError, ValueError):
                stream.flush()
    # What C holds back would come out later. Only a name that means the running program finds its library.
    with suppress(OSError, AttributeError, TypeError):
        ctypes.CDLL("ucrtbase" if os.name == "nt" else None).fflush(None)
