"""Every error that gamutcli raises on purpose, and the exit code that the command line gives it.

    GamutError                   1   the parent of all
    +-- UsageError               2   an option or a file name that cannot be used as given
    +-- InputError               1   a file that cannot be read, or is not what was expected
    +-- OutputError              1   a target that exists already or cannot be written
    +-- DeviceError              1   the device asked for is not there
    +-- NoPayload                3   a picture without a gamutcli payload
    +-- PayloadError             4   a payload that is damaged, or of an unknown version
    +-- PixelsChanged            4   a payload whose picture has been edited since

A message is one line: what happened, to which file, and what to do next.
"""

from __future__ import annotations


class GamutError(Exception):
    """Parent of every error that gamutcli raises on purpose."""

    exit_code = 1


class UsageError(GamutError):
    """An option or a file name that cannot be used as given."""

    exit_code = 2


class InputError(GamutError):
    """A file that cannot be read, or is not what was expected."""


class OutputError(GamutError):
    """A target that exists already or cannot be written."""


class DeviceError(GamutError):
    """The device asked for is not there."""


class NoPayload(GamutError):
    """A picture without a gamutcli payload."""

    exit_code = 3


class PayloadError(GamutError):
    """A payload that is damaged, or of an unknown version."""

    exit_code = 4


class PixelsChanged(GamutError):
    """A payload whose picture has been edited since."""

    exit_code = 4


OUT_OF_MEMORY = "out of memory; close other programs or use a smaller picture."

_OF_MEMORY = ("memory", "bad_alloc", "can't start new thread")


def is_of_memory(caught: BaseException) -> bool:
    """Tell whether memory ran out: codecs, and threads that get no stack, say so in errors of their own."""
    return isinstance(caught, MemoryError) or any(word in str(caught).lower() for word in _OF_MEMORY)


def explain(source: object, caught: Exception) -> str:
    """One line for an error that a file has caused: ours say it themselves, others need help."""
    if isinstance(caught, GamutError):
        return str(caught)
    if is_of_memory(caught):
        return f"{source}: {OUT_OF_MEMORY}"
    if isinstance(caught, OSError):
        return f"{source}: {caught.strerror or caught}."
    return f"{source}: unexpected {type(caught).__name__}: {caught}; please report it with what -v -v shows."
