"""Chains of three operations, drawn once: the same on every machine, whatever is installed there."""

from __future__ import annotations

import random
from dataclasses import dataclass

from .operations import OPERATIONS, Operation

COUNT = 30
# What leaves nothing to look at would make most chains dull.
SUBJECTS = (
    *[("jpeg", "xmp")] * 3,
    ("jpeg", "exif"),
    ("jpeg", "xmp+exif"),
    ("png", "xmp"),
    ("webp", "xmp"),
    ("tiff", "xmp"),
    ("avif", "xmp"),
)
_DULL = ("strip all", "default", "save()", "strip XMP", "save(exif=)", "another picture", "strip EXIF", "CMYK")


@dataclass(frozen=True)
class Chain:
    """Three operations on one subject."""

    format: str
    carrier: str
    operations: tuple[Operation, ...]

    def __str__(self) -> str:
        return f"{self.format}, {self.carrier}: " + "; ".join(map(str, self.operations))


def chains() -> list[Chain]:
    """Draw the chains, each of three tools; every tool has the same chance, however many operations it has."""
    draw = random.Random(2024)
    drawn = []
    while len(drawn) < COUNT:
        format, carrier = draw.choice(SUBJECTS)
        current, operations, left = format, [], {each.tool for each in OPERATIONS}
        for _ in range(3):
            fit = [each for each in OPERATIONS if each.tool in left and current in each.reads and not _is_dull(each)]
            tool = draw.choice(sorted({each.tool for each in fit}))
            operations.append(draw.choice([each for each in fit if each.tool == tool]))
            current = operations[-1].writes or current
            left.remove(tool)
        drawn.append(Chain(format, carrier, tuple(operations)))
    return drawn


def _is_dull(operation: Operation) -> bool:
    return operation.writes == "jxl" or any(word in operation.what for word in _DULL)
