"""Keep libraries of C++ from writing to the standard output and error of the program that uses them."""

from __future__ import annotations

import ctypes
import io
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress

# The descriptors are the whole program's: one at a time may turn them aside.
_one_at_a_time = threading.Lock()
_OUTPUT, _ERROR = 1, 2


@contextmanager
def silenced() -> Iterator[None]:
    """Turn what is written to both descriptors aside, and back again."""
    with _one_at_a_time:
        _flush()
        kept: dict[int, int] = {}
        nowhere = os.open(os.devnull, os.O_WRONLY)
        try:
            for descriptor in (_OUTPUT, _ERROR):
                with suppress(OSError):  # closed: nothing can be written there
                    kept[descriptor] = os.dup(descriptor)
                    os.dup2(nowhere, descriptor)
            # A library of C++ that knows Python prints as Python does.
            with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
                yield
        finally:
            _flush()
            for descriptor, usual in kept.items():
                os.dup2(usual, descriptor)
                os.close(usual)
            os.close(nowhere)


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            with suppress(OSError, ValueError):
                stream.flush()
    # What C holds back would come out later. Only a name that means the running program finds its library.
    with suppress(OSError, AttributeError, TypeError):
        ctypes.CDLL("ucrtbase" if os.name == "nt" else None).fflush(None)
