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
import math
import os
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

import numpy as np

from gamutcli import gpu, storage
from gamutcli.arrays import FloatArray, StrPath
from gamutcli.color.gamut import Correction
from gamutcli.errors import InputError, UsageError
from gamutcli.fitting.fit import Matrices, Progress, first_weights
from gamutcli.fitting.presets import PAPER_RESIDUAL_UNIT, Preset, choose
from gamutcli.fitting.sample import Sample, draw_for
from gamutcli.fitting.scene import Scene
from gamutcli.gpu.fit import fit_on
from gamutcli.images.original import Original, clipped_codes, read_original
from gamutcli.parallel import one_blas_thread
from gamutcli.weights import Weights, pack_tensors, pack_weights, unpack_tensors

#: Side of a crop, pixels, as in the paper; smaller pictures are taken whole.
CROP = 512
#: Pixels drawn from a crop for the networks of this project's own presets.
SAMPLES = 1 << 14
#: Crops with fewer corrected pixels teach nothing; the paper's networks correct every pixel, and take every crop.
FEWEST_PIXELS = 1024
#: Places in a picture that are looked at before it is passed over.
TRIES = 8
#: Pictures that were read are kept in memory up to so many bytes.
KEPT_BYTES = 1 << 30
#: Seconds between two checkpoints, at least.
CHECKPOINT_SECONDS = 5.0
#: How slowly the outer Adam forgets gradients and their squares.
MEAN_DECAY, SQUARE_DECAY = 0.9, 0.999

#: What a checkpoint keeps of every layer.
GROUPS = ("weight", "mean", "square")
#: And of the run.
COUNTS = ("done", "used", "moves")
#: From either end of a file, bytes that tell one picture from another; reading thousands of them whole takes minutes.
TELLING = 1 << 16

#: Surrounds the work on one file: takes its errors, and lets the next have its turn.
Guard = Callable[[Path], AbstractContextManager[None]]


@dataclass(frozen=True)
class Recipe:
    """How the weights are learned.

    Attributes:
        inner_optimizer: Of the fit to one crop.
        inner_steps: Of that fit.
        inner_rate: Its rate, which does not decay.
        inner_batch: Pixels of each of its steps.
        outer_optimizer: "adam" takes the way that a fit went for a gradient, as the paper does; "average" goes a share
            of that way.
        outer_rate: Of Adam; or the share at the start, which falls to nothing in the end.
        meta_batch: Crops whose ways are averaged in one outer step.
        epochs: Crops that are taken of each picture.
    """

    inner_optimizer: Literal["sgd", "adam", "muon"]
    inner_steps: int
    inner_rate: float
    inner_batch: int
    outer_optimizer: Literal["adam", "average"]
    outer_rate: float
    meta_batch: int
    epochs: int


#: The paper's: plain descent within, Adam without. Our notes of it do not tell batch and epochs.
PAPER_RECIPE = Recipe("sgd", 10_000, 1e-2, 4096, "adam", 1e-3, meta_batch=1, epochs=1)
#: Measured (docs/PRETRAINING.md).
PAPER_NETWORK_RECIPE = Recipe("adam", 100, 5e-3, 1024, "adam", 1e-3, meta_batch=1, epochs=8)
OWN_NETWORK_RECIPE = Recipe("muon", 50, 5e-3, 1024, "adam", 1e-3, meta_batch=1, epochs=8)


def recipe_of(preset: str, model: str | None) -> tuple[Preset, Recipe]:
    """The network and the way to learn that go with a preset.

    Args:
        preset: One of ``presets.PRESETS``; "paper" learns as the paper does.
        model: One of ``presets.PAPER_MODELS``: the paper's network of this size, whatever the preset.

    Raises:
        UsageError: An unknown name.
    """
    network = choose("paper" if model else preset, model)
    if network.name == "paper":
        network = replace(network, residual_unit=PAPER_RESIDUAL_UNIT)
    if preset == "paper":
        return network, PAPER_RECIPE
    return network, PAPER_NETWORK_RECIPE if model else OWN_NETWORK_RECIPE


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
    state = checkpoint.read(overwrite) or _first_state(preset, seed)
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


@dataclass(eq=False)
class State:
    """Where a run is: all that it takes to go on.

    Attributes:
        weights: So far.
        means: The outer Adam's mean gradients, one array a layer.
        squares: Its mean squares.
        done: Crops that had their turn, those passed over included.
        used: Crops that were learned from.
        moves: Outer steps that moved the weights.
        loss: Mean loss of the last inner fits; not a number before the first.
    """

    weights: Matrices
    means: Matrices
    squares: Matrices
    done: int = 0
    used: int = 0
    moves: int = 0
    loss: float = float("nan")


def _first_state(preset: Preset, seed: int) -> State:
    weights = first_weights(preset, np.random.default_rng(seed))
    return State(weights, [0 * weight for weight in weights], [0 * weight for weight in weights])


class Learner:
    """Takes outer steps.

    Args:
        album: Gives the samples.
        preset: The network.
        recipe: How to learn.
        seed: Of the batches.
        device: "cpu" or "cuda".
    """

    def __init__(self, album: Album, preset: Preset, recipe: Recipe, seed: int, device: str) -> None:
        self._album, self._recipe, self._seed = album, recipe, seed
        self._inner = replace(
            preset,
            steps=recipe.inner_steps,
            rate=recipe.inner_rate,
            batch=recipe.inner_batch,
            optimizer=recipe.inner_optimizer,
            decay=False,
        )
        self._device = device

    def step(self, state: State, crops: int) -> None:
        """Fit to the crops of one outer step, and move the weights; crops without a sample are passed over."""
        ways: list[Matrices] = []
        stop = min(state.done + self._recipe.meta_batch, crops)
        for number in range(state.done, stop):
            sample = self._album.sample(number)
            if sample is None:
                continue
            fitted = fit_on(self._device, sample, self._inner, self._seed + number, start_weights=state.weights)
            ways.append([end - begin for end, begin in zip(fitted.weights, state.weights, strict=True)])
            if math.isfinite(fitted.loss):
                # Of about the last 32; a fit that diverged gave the weights it had before.
                state.loss = fitted.loss if math.isnan(state.loss) else state.loss + (fitted.loss - state.loss) / 32
        if ways:
            state.used += len(ways)
            state.moves += 1
            self._move(state, [np.mean(layer, axis=0) for layer in zip(*ways, strict=True)], 1 - state.done / crops)
        state.done = stop

    def _move(self, state: State, way: Matrices, share_left: float) -> None:
        if self._recipe.outer_optimizer == "average":
            for weight, part in zip(state.weights, way, strict=True):
                weight += np.float32(self._recipe.outer_rate * share_left) * part
            return
        for weight, part, mean, square in zip(state.weights, way, state.means, state.squares, strict=True):
            mean += np.float32(1 - MEAN_DECAY) * (part - mean)
            square += np.float32(1 - SQUARE_DECAY) * (part * part - square)
            root = np.sqrt(square / np.float32(1 - SQUARE_DECAY**state.moves)) + np.float32(1e-8)
            weight += np.float32(self._recipe.outer_rate / (1 - MEAN_DECAY**state.moves)) * mean / root


class Album:
    """Draws samples from random crops of pictures; every picture has its turn once an epoch.

    Args:
        pictures: Their files.
        preset: What the network sees, and how samples are drawn.
        assume_profile: Space of pictures that do not name theirs.
        seed: Of the order of the pictures, the places of the crops and the samples.
        guard: Surrounds the reading of each; where it takes an error, the picture is passed over from then on.
    """

    def __init__(self, pictures: Sequence[Path], preset: Preset, assume_profile: str, seed: int, guard: Guard) -> None:
        self._pictures, self._preset, self._seed, self._guard = pictures, preset, seed, guard
        self._assume_profile = assume_profile
        self._kept: OrderedDict[Path, Original] = OrderedDict()
        self._unreadable: set[Path] = set()
        self._noted: dict[Path, tuple[str, ...]] = {}

    @property
    def notes(self) -> tuple[str, ...]:
        """What is to be said of the pictures so far, once for all of which it is true."""
        counts = Counter(note for notes in self._noted.values() for note in notes)
        return tuple(f"{count} of {len(self._pictures)} pictures: {note}" for note, count in counts.items())

    @property
    def kept_bytes(self) -> int:
        """What the pictures in memory take."""
        return sum(original.nbytes for original in self._kept.values())

    def sample(self, number: int) -> Sample | None:
        """The sample of one crop of the run; None where its picture cannot be read or has nothing to learn."""
        epoch, place = divmod(number, len(self._pictures))
        order = np.random.default_rng((self._seed, 0, epoch)).permutation(len(self._pictures))
        original = self._opened(self._pictures[order[place]])
        if original is None:
            return None
        generator = np.random.default_rng((self._seed, 1, number))
        for _ in range(TRIES):
            sample = self._drawn(_crop(original, generator), int(generator.integers(1 << 31)))
            if sample is not None and sample.pixels >= min(FEWEST_PIXELS, original.codes.size // 12):
                return sample
        return None

    def _drawn(self, original: Original, seed: int) -> Sample | None:
        preset = self._preset
        codes = clipped_codes(original, preset.adaptation)
        scene = Scene(original, codes, preset.adaptation, Correction(0, preset.every_pixel))
        return draw_for(replace(preset, samples=min(SAMPLES, preset.samples)), scene, seed)

    def _opened(self, path: Path) -> Original | None:
        if path in self._unreadable:
            return None
        if path in self._kept:
            self._kept.move_to_end(path)
            return self._kept[path]
        original = None
        with self._guard(path):
            original, notes = read_original(path, self._assume_profile)
            self._noted.setdefault(path, notes)
        if original is None:
            self._unreadable.add(path)
            return None
        # The picture that was not used for longest makes room.
        while self._kept and self.kept_bytes + original.nbytes > KEPT_BYTES:
            self._kept.popitem(last=False)
        self._kept[path] = original
        return original


def _crop(original: Original, generator: np.random.Generator) -> Original:
    """A random square of a picture, flipped and turned at random."""
    height, width = original.size
    top, left = (int(generator.integers(0, max(1, side - CROP + 1))) for side in (height, width))
    codes = original.codes[top : top + CROP, left : left + CROP]
    flips = generator.integers(0, 2, 3)
    if flips[0]:
        codes = codes[::-1]
    if flips[1]:
        codes = codes[:, ::-1]
    if flips[2]:
        codes = codes.swapaxes(0, 1)
    return original.part(np.ascontiguousarray(codes))


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
