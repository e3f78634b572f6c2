"""The pictures that weights are learned from: random crops of them, and samples of these."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

import numpy as np

from gamutcli.color.gamut import Correction
from gamutcli.fitting.presets import Preset
from gamutcli.fitting.sample import Sample, draw_sample
from gamutcli.fitting.scene import Scene
from gamutcli.images.original import Original, clip_to_srgb, read_assumed

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

#: Surrounds the work on one file: takes its errors, and lets the next have its turn.
Guard = Callable[[Path], AbstractContextManager[None]]


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
        codes = clip_to_srgb(original, preset.adaptation)
        scene = Scene(original, codes, preset.adaptation, Correction(0, preset.every_pixel))
        return draw_sample(replace(preset, samples=min(SAMPLES, preset.samples)), scene, seed)

    def _opened(self, path: Path) -> Original | None:
        if path in self._unreadable:
            return None
        if path in self._kept:
            self._kept.move_to_end(path)
            return self._kept[path]
        original = None
        with self._guard(path):
            source = read_assumed(path, self._assume_profile)
            original = source.original
            self._noted.setdefault(path, source.notes)
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
