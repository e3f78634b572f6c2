"""Moments in which a signal that would end the run waits: a file is created, named or removed, a process begins."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType

_ENDING = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))


@contextlib.contextmanager
def undisturbed() -> Iterator[None]:
    """Finish what is inside; a signal that comes meanwhile counts right after it.

    For what takes no time only. Python runs the handlers of signals in the main thread, so that nothing has to be
    done in another.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        came.append(number)

    # One that was not set by Python, which gives None, could not be set again; new processes go on to ignore the same.
    handlers = {number: signal.getsignal(number) for number in _ENDING}
    before = {number: found for number, found in handlers.items() if found not in (None, signal.SIG_IGN)}
    try:
        for number in before:
            signal.signal(number, note)
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        for number in came[:1]:
            signal.raise_signal(number)
