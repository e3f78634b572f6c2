"""stdout and stderr as they are on any system: whatever is said can be shown, and a reader may leave."""

from __future__ import annotations

import codecs
import os
import sys

#: The error handler for what a stream's encoding lacks.
SHOWN = "gamutcli.shown"


def calm() -> None:
    """Let no character stop what is said, and no reader that leaves be complained of at the exit."""
    codecs.register_error(SHOWN, _shown)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors=SHOWN)


def finish() -> None:
    """Send what is still in stdout's buffer.

    Raises:
        OSError: It cannot be written.
    """
    try:
        sys.stdout.flush()
    except BrokenPipeError:  # the reader has left, as `head` does; the interpreter must not complain at its exit
        abandon()


def abandon() -> None:
    """Send what is still in stdout's buffer nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _shown(error: UnicodeError) -> tuple[str | bytes, int]:
    r"""Show a byte of a file name, which Python could not decode, as the byte that it is; anything else as \u65e5."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    character = ord(error.object[error.start])
    if 0xDC80 <= character <= 0xDCFF:
        return bytes([character - 0xDC00]), error.start + 1
    return error.object[error.start].encode("ascii", "backslashreplace"), error.start + 1
