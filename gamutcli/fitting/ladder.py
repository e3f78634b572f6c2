"""How much effort it takes to bring a picture's colours back within a wanted difference.

Effort has rungs: a preset and the bytes that its network may take, ordered by both. What each leaves of the colour
differences is known for photographs in the mean, so what one rung leaves of a picture foretells what the others would,
and few have to be tried.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from gamutcli.fitting.presets import PRESETS


@dataclass(frozen=True)
class Rung:
    """One effort.

    Attributes:
        preset: By its name.
        max_payload: Bytes that the whole payload may take; None: as the preset has it.
        leaves: The 99th percentile of dE2000 out of gamut that it leaves, where the rung that is tried first leaves 1.
    """

    preset: str
    max_payload: int | None
    leaves: float


#: Measured on photographs reduced to PNG; geometric means, the last one set by eye (docs/EXPERIMENTS.md).
LADDER = (
    Rung("fast", 3_000, 1.2),
    Rung("fast", 7_000, 1.1),
    Rung("fast", None, 1.0),
    Rung("balanced", None, 0.86),
    Rung("best", None, 0.62),
    Rung("best", 40_000, 0.57),
    Rung("best", 64_000, 0.52),
)
#: Its preset is the one that is tried first: it takes a second or two, and foretells the rest.
FIRST = "fast"
#: How much of a rung's promise counts in a file whose own losses no network undoes, as a power.
LOSSY = 0.4


def ladder_within(max_payload: int | None) -> tuple[Rung, ...]:
    """The rungs whose payloads stay within a limit, bytes; a rung that would be above it is held to it."""
    if max_payload is None:
        return LADDER
    rungs: dict[tuple[str, int], Rung] = {}
    for rung in LADDER:
        limit = min(rung.max_payload or PRESETS[rung.preset].payload or max_payload, max_payload)
        # Of two that the limit makes the same, the lower one says better what it leaves.
        rungs.setdefault((rung.preset, limit), replace(rung, max_payload=limit) if limit == max_payload else rung)
    return tuple(rungs.values())


@dataclass(frozen=True)
class Climb:
    """Which rung was taken.

    Attributes:
        index: Of the lowest rung that comes within what is wanted, as far as was tried; otherwise of the nearest.
        tries: How many rungs were tried.
        reached: Whether it does.
    """

    index: int
    tries: int
    reached: bool


def climb(ladder: Sequence[Rung], wanted: float, lossy: bool, measure: Callable[[int], float]) -> Climb:
    """Find the lowest rung that comes within a wanted colour difference, in few tries.

    A rung below the one that was found is left untried where it is foretold to fall short. The highest one is tried
    before it is said that none will do, but in a lossy file: there it is enough that two have shown it.

    Args:
        ladder: Rungs, each better than the one before.
        wanted: 99th percentile of dE2000.
        lossy: Whether the file has losses of its own.
        measure: Tries a rung, by its index, and gives the 99th percentile that it leaves.
    """
    left: dict[int, float] = {}
    too_low, enough = -1, len(ladder)
    index = max(i for i, rung in enumerate(ladder) if rung.preset == FIRST)
    while True:
        left[index] = measure(index)
        if left[index] <= wanted:
            enough = index
        else:
            too_low = index
        between = range(too_low + 1, enough)
        promising = [i for i in between if foretell(ladder, left, i, lossy) <= wanted]
        is_last_hope = enough == len(ladder) and (not lossy or len(left) < 2)
        if promising:
            index = promising[0]
        elif between and is_last_hope:
            index = between[-1] if not lossy else between[0]
        else:
            break
    index = enough if enough < len(ladder) else min(left, key=lambda i: left[i])
    return Climb(index, len(left), enough < len(ladder))


def foretell(ladder: Sequence[Rung], left: dict[int, float], index: int, lossy: bool) -> float:
    """What a rung will leave, from what others have left: one, and what photographs teach, or two and a power law."""
    near, *others = sorted(left, key=lambda i: abs(i - index))
    power = LOSSY if lossy else 1.0
    if others and left[near] > 0 and left[others[0]] > 0:
        far = others[0]
        power = math.log(left[far] / left[near]) / math.log(ladder[far].leaves / ladder[near].leaves)
    return left[near] * math.pow(ladder[index].leaves / ladder[near].leaves, min(max(power, 0.0), 2.0))
