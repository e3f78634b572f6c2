"""How a source is to be read, where its file leaves a choice to the user."""

from __future__ import annotations

from dataclasses import dataclass


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
