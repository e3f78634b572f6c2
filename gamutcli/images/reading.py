"""How a source is to be read, where its file leaves a choice to the user."""

from __future__ import annotations

from dataclasses import dataclass

from gamutcli.errors import InputError


@dataclass(frozen=True)
class Reading:
    """What the user says of a source; the defaults leave everything to the file.

    Attributes:
        assume_profile: What the codes mean where the file does not say: the name of a known RGB space, or the path of
            an ICC profile.
        linear: Whether the codes of a source that does not say otherwise are light, not encoded by a curve.
        exposure: By how many EV light is made brighter: 1 doubles it.
        page: Which of several pictures, counted from 1.
        background: 8-bit sRGB codes of the colour that shows through where the picture is transparent.
    """

    assume_profile: str | None = None
    linear: bool = False
    exposure: float = 0.0
    page: int | None = None
    background: tuple[int, int, int] | None = None


AS_IT_IS = Reading()


def choose(name: str, reading: Reading, count: int) -> int:
    """Return which of a file's pictures is to be read, counted from 0.

    Args:
        name: The file, for the message of an error.
        reading: What the user says.
        count: Of the pictures in the file, thumbnails and the like apart.

    Raises:
        InputError: There are several and none was chosen, or fewer than the number of the chosen one.
    """
    if reading.page is None and count > 1:
        raise InputError(f"{name}: holds {count} pictures; choose one with --page N, from 1 to {count}.")
    if reading.page is not None and not 1 <= reading.page <= count:
        held = "one picture" if count == 1 else f"{count} pictures"
        raise InputError(f"{name}: holds {held}, none of them number {reading.page}; give another --page, or none.")
    return (reading.page or 1) - 1
