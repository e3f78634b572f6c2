"""The file that a run can go on from, and what tells one run from another."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np

from gamutcli import storage
from gamutcli.arrays import FloatArray
from gamutcli.errors import InputError, UsageError
from gamutcli.fitting.fit import Matrices
from gamutcli.pretrain.learner import State
from gamutcli.weights import pack_tensors, unpack_tensors

#: What a checkpoint keeps of every layer.
GROUPS = ("weight", "mean", "square")
#: And of the run.
COUNTS = ("done", "used", "moves")


class Checkpoint:
    """The file that a run can go on from.

    Args:
        path: Of the file.
        settings: All that decides the result.
    """

    def __init__(self, path: Path, settings: dict[str, Any]) -> None:
        self.path = path
        self._settings = json.dumps(settings, sort_keys=True)

    def read(self, overwrite: bool) -> State | None:
        """Where an earlier run with the same settings was; None where there was none.

        Raises:
            UsageError: There is one of other settings, and ``overwrite`` is false.
            InputError: It is damaged.
        """
        if not self.path.is_file():
            return None
        try:
            tensors, described = unpack_tensors(self.path.read_bytes(), str(self.path))
            weights, means, squares = (_numbered(tensors, name) for name in GROUPS)
            done, used, moves = (int(described[name]) for name in COUNTS)
            state = State(weights, means, squares, done, used, moves, float(described["loss"]))
            if described["sha256"] != _digest(tensors):
                raise ValueError(self.path)
        except (OSError, KeyError, ValueError, InputError) as error:
            if overwrite:
                return None
            raise InputError(f"{self.path}: is damaged; remove it, or start anew with --overwrite.") from error
        if described.get("settings") != self._settings:
            if overwrite:
                return None
            raise UsageError(
                f"{self.path}: is of a run with other settings or pictures; finish that one, or start anew with "
                "--overwrite."
            )
        return state

    def write(self, state: State) -> None:
        """Keep where a run is."""
        groups = zip(GROUPS, (state.weights, state.means, state.squares), strict=True)
        tensors = {f"{name}{index}": part for name, parts in groups for index, part in enumerate(parts)}
        counts = {name: str(getattr(state, name)) for name in COUNTS}
        described = {"settings": self._settings, **counts, "loss": repr(state.loss), "sha256": _digest(tensors)}
        storage.publish(self.path, pack_tensors(tensors, described), overwrite=True)

    def remove(self) -> None:
        """The run is over."""
        self.path.unlink(missing_ok=True)


def _numbered(tensors: dict[str, FloatArray], name: str) -> Matrices:
    return [np.array(tensors[f"{name}{index}"]) for index in range(len(tensors) // len(GROUPS))]


def _digest(tensors: dict[str, FloatArray]) -> str:
    return hashlib.sha256(b"".join(tensors[name].tobytes() for name in sorted(tensors))).hexdigest()
