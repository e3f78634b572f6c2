"""Meta-learns the weights that fits start from: Reptile over random crops of wide-gamut pictures.

From the weights so far, a short fit to one crop leads somewhere; the weights then move a little into that direction,
and so on with the next crop. They come to lie where short fits to any picture lead far.

All that is random follows from the seed and the number of the step, so that a run which was killed goes on from its
checkpoint exactly as if nothing had happened.

Source: Nichol, Achiam, Schulman, On First-Order Meta-Learning Algorithms, 2018 (Reptile); Le et al., GamutMLP,
CVPR 2023, for what it is used for and for the ``paper`` recipe.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from gamutcli import gpu, storage
from gamutcli.arrays import StrPath
from gamutcli.errors import InputError
from gamutcli.fitting.fit import Progress
from gamutcli.fitting.presets import Preset
from gamutcli.parallel import one_blas_thread
from gamutcli.pretrain.album import Album, Guard
from gamutcli.pretrain.checkpoint import Checkpoint
from gamutcli.pretrain.learner import Learner, State, first_state
from gamutcli.pretrain.recipe import Recipe
from gamutcli.weights import Weights, pack_weights

#: Seconds between two checkpoints, at least.
CHECKPOINT_SECONDS = 5.0
#: From either end of a file, bytes that tell one picture from another; reading thousands of them whole takes minutes.
TELLING = 1 << 16


@dataclass(frozen=True)
class PretrainResult:
    """What ``pretrain`` did.

    ``loss`` is that of the last inner fits at their end, in the units of the fit (1 is as bad as no network for the
    presets that normalise residuals).
    """

    file: str
    preset: str
    hidden: int
    layers: int
    pictures: int
    crops: int
    steps: int
    resumed_at: int
    loss: float
    seconds: float
    digest: str
    notes: tuple[str, ...]


def pretrain(
    pictures: Sequence[Path],
    target: StrPath,
    preset: Preset,
    recipe: Recipe,
    *,
    command: str = "",
    assume_profile: str = "prophoto",
    seed: int = 0,
    device: str = "auto",
    overwrite: bool = False,
    progress: Progress | None = None,
    guard: Guard = lambda path: nullcontext(),
) -> PretrainResult:
    """Learn weights to start fits from.

    A checkpoint beside the target, ``TARGET.checkpoint``, is taken up where it has the same settings, and removed in
    the end.

    Args:
        pictures: Files of wide-gamut pictures.
        target: The weights file to write.
        preset: Its network, and how its samples are drawn.
        recipe: How to learn.
        command: What the user typed, for the provenance.
        assume_profile: Space of pictures that do not name theirs.
        seed: Of the first weights, the crops and the batches.
        device: "auto", "cpu" or "cuda".
        overwrite: Whether an existing target may be replaced, and a checkpoint of other settings dropped.
        progress: Called with (crop, crops, loss).
        guard: Surrounds the reading of each picture; where it takes an error, the picture is passed over.

    Raises:
        InputError: No picture could be used.
        UsageError: There is a checkpoint of other settings.
        OutputError, DeviceError: See ``gamutcli.errors``.
    """
    start = time.perf_counter()
    storage.check_target(target, overwrite)
    crops = len(pictures) * recipe.epochs
    work = crops * gpu.fit_seconds(replace(preset, steps=recipe.inner_steps, batch=recipe.inner_batch))
    device = gpu.device_for(device, work)
    settings = _settings(pictures, preset, recipe, assume_profile, seed, device)
    checkpoint = Checkpoint(Path(f"{os.fspath(target)}.checkpoint"), settings)
    state = checkpoint.read(overwrite) or first_state(preset, seed)
    resumed_at = state.done
    album = Album(pictures, preset, assume_profile, seed, guard)
    learner = Learner(album, preset, recipe, seed, device)
    saved = time.perf_counter()
    with one_blas_thread():
        while state.done < crops:
            learner.step(state, crops)
            if progress:
                progress(state.done, crops, state.loss)
            if time.perf_counter() - saved > CHECKPOINT_SECONDS:
                checkpoint.write(state)
                saved = time.perf_counter()
    if not state.used:
        checkpoint.remove()
        raise InputError(f"{os.fspath(target)}: not written, as no picture can be read and has colours beyond sRGB.")
    provenance = _provenance(pictures, preset, recipe, seed, state, command, device)
    weights = Weights(preset.inputs, tuple(state.weights), preset.residual_unit, provenance)
    storage.publish(target, pack_weights(weights), overwrite)
    checkpoint.remove()
    return PretrainResult(
        file=os.fspath(target),
        preset=preset.name,
        hidden=preset.hidden,
        layers=preset.depth,
        pictures=len(pictures),
        crops=state.used,
        steps=state.used * recipe.inner_steps,
        resumed_at=resumed_at,
        loss=state.loss,
        seconds=time.perf_counter() - start,
        digest=weights.digest,
        notes=album.notes,
    )


def _settings(
    pictures: Sequence[Path], preset: Preset, recipe: Recipe, assume_profile: str, seed: int, device: str
) -> dict[str, Any]:
    return {
        "version": version("gamutcli"),
        "pictures": _digest_of(pictures),
        "preset": asdict(preset),
        "recipe": asdict(recipe),
        "assume_profile": assume_profile,
        "seed": seed,
        "device": device,
    }


def _digest_of(pictures: Sequence[Path]) -> str:
    """Tells one set of pictures from another, by their names, sizes and ends."""
    sha = hashlib.sha256()
    for path in pictures:
        sha.update(repr((path.name, _telling(path))).encode())
    return sha.hexdigest()


def _telling(path: Path) -> tuple[int, bytes]:
    """The size of a file, and a digest of both its ends; of one that cannot be read, nothing."""
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            ends = file.read(TELLING)
            file.seek(max(0, size - TELLING))
            ends += file.read(TELLING)
    except OSError:
        return -1, b""
    return size, hashlib.sha256(ends).digest()


def _provenance(
    pictures: Sequence[Path], preset: Preset, recipe: Recipe, seed: int, state: State, command: str, device: str
) -> dict[str, str]:
    return {
        "command": command,
        "version": version("gamutcli"),
        "preset": preset.name,
        "recipe": json.dumps(asdict(recipe)),
        "seed": str(seed),
        "device": device,
        "crops": str(state.used),
        "pictures": ", ".join(path.name for path in pictures),
        "pictures_digest": _digest_of(pictures),
    }
