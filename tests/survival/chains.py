"""Chains of three operations, drawn once: the same on every machine, whatever is installed there."""

from __future__ import annotations

import random
from dataclasses import dataclass

from .album import names
from .operations import OPERATIONS, Operation

COUNT = 30
# What leaves nothing to look at would make most chains dull.
_DULL = ("strip all", "default", "save()", "strip XMP", "save(exif=)", "another picture")


@dataclass(frozen=True)
class Chain:
    """Three operations on one subject."""

    kind: str
    carrier: str
    operations: tuple[Operation, ...]

    def __str__(self) -> str:
        return f"{self.kind}, {self.carrier}: " + "; ".join(map(str, self.operations))


def chains() -> list[Chain]:
    """Draw the chains; every tool has the same chance, however many operations it has."""
    draw = random.Random(2024)
    subjects = [(kind, carrier) for kind, carrier in names() if carrier != "sidecar"]
    drawn = []
    for _ in range(COUNT):
        kind, carrier = draw.choice(subjects)
        current, operations = kind, []
        for _ in range(3):
            fit = [
                each for each in OPERATIONS if current in each.reads and not any(word in each.what for word in _DULL)
            ]
            tool = draw.choice(sorted({each.tool for each in fit}))
            operations.append(draw.choice([each for each in fit if each.tool == tool]))
            current = operations[-1].writes or current
        drawn.append(Chain(kind, carrier, tuple(operations)))
    return drawn
