"""Is an output what this run would write? Asked where no manifest knows: by making it again, in another place.

What takes its time in reducing is the fit, and the fit is left out: the file is made with a network that has learnt
next to nothing, and compared without payload. Equal files come from the same source with the same settings, but for the
seed and the effort of the fit, of which only the kind of network can be seen.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from gamutcli import images
from gamutcli.batch.making import write
from gamutcli.batch.units import Task
from gamutcli.errors import GamutError
from gamutcli.payload import carriers
from gamutcli.payload.format import Payload, unpack
from gamutcli.payload.sidecar import payload_of

_ANOTHER = "exists already and was not made from this source with these settings"


def difference(task: Task) -> str | None:
    """Why a result that stands there is not what a task would write; None where it is.

    Raises:
        GamutError: The source cannot be worked on.
    """
    with TemporaryDirectory(prefix="gamut-") as folder:
        made = Path(folder, Path(task.target).name)
        if task.command != "reduce":
            write(task, made, task.settings)
            return None if made.read_bytes() == images.read_bytes(Path(task.target)) else _ANOTHER
        try:
            there = _reduced(Path(task.target))
        except GamutError:
            return "exists already and holds no payload that can be read"
        write(task, made, _without_effort(task.settings))
        return None if _alike(there, _reduced(made)) else _ANOTHER


def _without_effort(settings: Any) -> dict[str, Any]:
    from gamutcli.fitting.presets import choose

    chosen = choose(settings.get("preset", "balanced"), settings.get("model"), settings.get("max_payload"))
    quick = replace(chosen, steps=1, meta_steps=1, batch=64, samples=1024)
    return {**settings, "preset": quick, "model": None, "target_de": None}


def _reduced(path: Path) -> tuple[bytes, Payload]:
    """The file without its payload, and the payload."""
    data = images.read_bytes(path)
    return carriers.strip(data), unpack(payload_of(path, data).payload)


def _alike(one: tuple[bytes, Payload], other: tuple[bytes, Payload]) -> bool:
    ours, theirs = one[1], other[1]
    same_picture = ours.fingerprint.digest == theirs.fingerprint.digest
    same_way = (ours.adaptation, ours.correction) == (theirs.adaptation, theirs.correction)
    networks = [payload.network for payload in (ours, theirs) if payload.network is not None]
    return one[0] == other[0] and same_picture and same_way and len({network.inputs for network in networks}) <= 1
