"""The part of all pictures that one of several processes, on any machines, takes for itself.

A picture's part goes by its name below the folder, so that every process finds the same parts without asking another.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass

from gamutcli.errors import UsageError


@dataclass(frozen=True)
class Shard:
    """Part `index`, counted from 1, of `count`.

    Attributes:
        index: Which.
        count: Of how many.
        origin: Where that was found, where nobody gave it.
    """

    index: int = 1
    count: int = 1
    origin: str = ""

    def __str__(self) -> str:
        return f"{self.index}/{self.count}"

    def holds(self, relative: str) -> bool:
        """Tell whether a picture with this name below its folder is in this part."""
        return self.count == 1 or stable_hash(relative) % self.count == self.index - 1


WHOLE = Shard()


def stable_hash(name: str) -> int:
    """A number below 2 ** 64 that a name has on every machine, however its file system composes accents."""
    data = unicodedata.normalize("NFC", name).encode("utf-8", "surrogateescape")
    return int.from_bytes(hashlib.blake2b(data, digest_size=8).digest())


def parse(text: str) -> Shard:
    """Read "2/5".

    Raises:
        UsageError: It is something else.
    """
    found = re.fullmatch(r"\s*(\d{1,9})\s*/\s*(\d{1,9})\s*", text)
    if not found or not 1 <= int(found[1]) <= int(found[2]):
        raise UsageError(f"--shard {text}: is no part of a whole; write 1/3, 2/3 or 3/3.")
    return Shard(int(found[1]), int(found[2]))


def from_environment(variables: Mapping[str, str]) -> Shard:
    """Find the part that a scheduler has given to this process; the whole where none has.

    Raises:
        UsageError: The variables of a scheduler contradict each other.
    """
    for origin, found in (
        ("SLURM_ARRAY_TASK_ID", _slurm(variables)),
        ("AWS_BATCH_JOB_ARRAY_INDEX", _indexed(variables, "AWS_BATCH_JOB_ARRAY_INDEX", "AWS_BATCH_JOB_ARRAY_SIZE")),
        ("JOB_COMPLETION_INDEX", _indexed(variables, "JOB_COMPLETION_INDEX", "JOB_COMPLETIONS")),
    ):
        if found is None:
            continue
        index, count = found
        if not 0 <= index < count:
            raise UsageError(
                f"{origin}: task {index + 1} of {count} is no part of a whole, as of an array with gaps; give --shard."
            )
        return Shard(index + 1, count, origin)
    return WHOLE


def _slurm(variables: Mapping[str, str]) -> tuple[int, int] | None:
    task = _number(variables, "SLURM_ARRAY_TASK_ID")
    count = _number(variables, "SLURM_ARRAY_TASK_COUNT")
    if task is None or count is None:
        return None
    first, step = _number(variables, "SLURM_ARRAY_TASK_MIN") or 0, _number(variables, "SLURM_ARRAY_TASK_STEP") or 1
    last = _number(variables, "SLURM_ARRAY_TASK_MAX")
    has_gaps = (task - first) % step or (last is not None and (last - first) // step + 1 != count)
    return (count, count) if has_gaps else ((task - first) // step, count)


def _indexed(variables: Mapping[str, str], index: str, count: str) -> tuple[int, int] | None:
    number = _number(variables, index)
    if number is None:
        return None
    of = _number(variables, count)
    if of is None:
        raise UsageError(f"{index} is set and {count} is not; set it to the number of tasks, or give --shard 1/1.")
    return number, of


def _number(variables: Mapping[str, str], name: str) -> int | None:
    value = variables.get(name, "")
    if not value:
        return None
    if not value.isdecimal():
        raise UsageError(f"{name}={value}: is no number; give --shard.")
    return int(value)
