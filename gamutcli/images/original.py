"""The wide-gamut original: its codes as linear ProPhoto RGB, strip by strip, and what its profile says."""

from __future__ import annotations

import os
from copy import copy
from dataclasses import dataclass, replace

import numpy as np

from gamutcli.arrays import Code16Array, CodeArray, FloatArray, StrPath
from gamutcli.color.gamut import srgb_codes
from gamutcli.color.icc import Profile, read_profile, write_profile
from gamutcli.color.spaces import PROPHOTO, SPACES, SRGB, Adaptation, apply_matrix, rgb_to_rgb
from gamutcli.errors import InputError, UsageError
from gamutcli.images.picture import UNDONE, Picture, turned
from gamutcli.images.read import read_wide
from gamutcli.images.reading import AS_IT_IS, Reading
from gamutcli.metadata import Metadata, orientation_of, upright
from gamutcli.parallel import in_order, strips


class Original:
    """A wide-gamut picture as linear ProPhoto RGB, strip by strip.

    Args:
        codes: (height, width, 3) uint16, as its file stores them.
        profile: What they mean.
    """

    def __init__(self, codes: Code16Array, profile: Profile) -> None:
        self.codes = codes
        self._table = profile.decoding_table(65536)
        self._matrix = None if profile.space == PROPHOTO else profile.to_rgb(PROPHOTO)

    @property
    def size(self) -> tuple[int, int]:
        """(height, width)."""
        return self.codes.shape[0], self.codes.shape[1]

    @property
    def nbytes(self) -> int:
        """What it takes in memory."""
        return self.codes.nbytes + self._table.nbytes

    def part(self, codes: Code16Array) -> Original:
        """Codes cut out of this picture, as a picture of their own: (height, width, 3) uint16."""
        cut = copy(self)
        cut.codes = codes
        return cut

    def linear(self, codes: Code16Array) -> FloatArray:
        """(..., 3) of its codes to (..., 3) linear ProPhoto RGB."""
        light = np.empty(codes.shape, np.float32)
        for channel in range(3):
            light[..., channel] = self._table[channel].take(codes[..., channel])
        return light if self._matrix is None else apply_matrix(light, self._matrix)

    def strip(self, rows: slice) -> FloatArray:
        """(rows, width, 3) linear ProPhoto RGB."""
        return self.linear(self.codes[rows])


def clip_to_srgb(original: Original, adaptation: Adaptation = "bradford") -> CodeArray:
    """The (height, width, 3) sRGB codes of a wide-gamut picture, clipped and rounded."""
    matrix = rgb_to_rgb(PROPHOTO, SRGB, adaptation)

    def convert(rows: slice) -> CodeArray:
        return srgb_codes(apply_matrix(original.strip(rows), matrix))

    codes = np.empty((*original.size, 3), np.uint8)
    rows = list(strips(*original.size))
    for part, converted in zip(rows, in_order(convert, rows), strict=True):
        codes[part] = converted
    return codes


@dataclass(frozen=True, eq=False)
class Source:
    """A picture as it was read.

    Attributes:
        original: Its pixels.
        metadata: Of the camera.
        notes: What is to be said of it.
    """

    original: Original
    metadata: Metadata
    notes: tuple[str, ...]

    def lying(self, orientation: int) -> Original:
        """Its pixels, turned so that another Orientation than its own shows them as they are: 1 to 8, 1 is upright."""
        own = orientation_of(self.metadata)
        if own == orientation:
            return self.original
        return self.original.part(turned(turned(self.original.codes, own), UNDONE[orientation]))

    def upright(self) -> Source:
        """The same picture with its pixels turned as its Orientation asks for, which then asks for nothing."""
        return replace(self, original=self.lying(1), metadata=upright(self.metadata))


def read_source(path: StrPath, reading: Reading = AS_IT_IS) -> Source:
    """Read a wide-gamut picture, and find out which colours its codes mean.

    Raises:
        InputError: It cannot be read, or does not say which colours it holds.
        UsageError: An unknown space.
    """
    return _source(path, read_wide(path, reading), reading)


def read_assumed(path: StrPath, space: str) -> Source:
    """Read a picture; one that does not name its colour space is taken as another, as research data sets are.

    Raises:
        InputError: It cannot be read.
    """
    picture = read_wide(path)
    if picture.profile is not None:
        return _source(path, picture, AS_IT_IS)
    source = _source(path, picture, Reading(assume_profile=space))
    note = f"does not say which colours it holds, and is taken as {SPACES[space].title}"
    return replace(source, notes=(*source.notes, note))


def _source(path: StrPath, picture: Picture, reading: Reading) -> Source:
    profile, notes = _profile_of(path, picture, reading.assume_profile)
    return Source(Original(picture.codes, profile), picture.metadata, notes)


def _profile_of(source: StrPath, picture: Picture, assumed: str | None) -> tuple[Profile, tuple[str, ...]]:
    """What the codes of a picture mean, and what to tell the user of that."""
    if assumed is not None and assumed not in SPACES:
        raise UsageError(f"unknown space {assumed!r}; choose one of {', '.join(SPACES)}")
    profile = picture.profile
    if profile is None:
        if assumed is None:
            raise InputError(
                f"{os.fspath(source)}: does not say which colours it holds; if it is ProPhoto RGB, add "
                "--assume-profile prophoto."
            )
        return read_profile(write_profile(SPACES[assumed])), picture.notes
    notes = picture.notes
    if assumed is not None and profile.space != SPACES[assumed]:
        notes += (f"the file's own profile ({profile.description}) was used, not --assume-profile {assumed}",)
    if profile.space != PROPHOTO:
        title = profile.space.title if profile.space else profile.description or "an unnamed space"
        notes += (f"the input is {title}, converted to ProPhoto RGB",)
    return profile, notes
