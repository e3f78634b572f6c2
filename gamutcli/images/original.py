"""The wide-gamut original: its codes as linear ProPhoto RGB, strip by strip, and what its profile says."""

from __future__ import annotations

import os
from copy import copy
from dataclasses import dataclass, replace

import numpy as np

from gamutcli.arrays import BoolArray, Code16Array, CodeArray, FloatArray, StrPath
from gamutcli.color.gamut import Rounding, depth_of, og_beyond_rounding, rounding_of, srgb_codes
from gamutcli.color.icc import MatrixProfile, profile_of
from gamutcli.color.spaces import PROPHOTO, SRGB, Adaptation, RGBSpace, apply_matrix, rgb_to_rgb
from gamutcli.fingerprint.blocks import LostPixels
from gamutcli.images.channels import mix_with_background
from gamutcli.images.convert import is_plain, to_prophoto
from gamutcli.images.meaning import assumed_profile, meaning_of
from gamutcli.images.named import named_by_exif
from gamutcli.images.picture import UNDONE, Picture, turn
from gamutcli.images.read import read_wide
from gamutcli.images.reading import AS_IT_IS, Reading
from gamutcli.metadata import Metadata, orientation_of, upright_metadata
from gamutcli.parallel import in_order, strips

#: Codes that are looked up at once: their light stays in a core's cache.
LOOKED_UP = 1 << 15


class Original:
    """A wide-gamut picture as linear ProPhoto RGB, strip by strip.

    Args:
        codes: (height, width, 3) uint16, as its file stores them; or ``StoredCodes``.
        profile: What they mean.
    """

    def __init__(self, codes: Code16Array, profile: MatrixProfile) -> None:
        self.codes = codes
        self._table = profile.decoding_table(65536)
        # One curve for all channels, as in most profiles.
        self._has_one_curve = bool((self._table == self._table[0]).all())
        self._matrix = None if profile.space == PROPHOTO else profile.to_rgb(PROPHOTO)
        self._profile = profile
        self._depth = depth_of(codes)
        self._roundings: dict[RGBSpace, Rounding] = {}

    @property
    def size(self) -> tuple[int, int]:
        """(height, width)."""
        return self.codes.shape[0], self.codes.shape[1]

    @property
    def nbytes(self) -> int:
        """What it takes in memory, where its codes are there."""
        return self.codes.nbytes + self._table.nbytes

    def part(self, codes: Code16Array) -> Original:
        """Codes cut out of this picture, as a picture of their own: (height, width, 3) uint16."""
        cut = copy(self)
        cut.codes = codes
        return cut

    def linear(self, codes: Code16Array) -> FloatArray:
        """(..., 3) of its codes to (..., 3) linear ProPhoto RGB."""
        light = self._look_up(codes)
        return light if self._matrix is None else apply_matrix(light, self._matrix)

    def _look_up(self, codes: Code16Array) -> FloatArray:
        light = np.empty(codes.shape, np.float32)
        if not self._has_one_curve:
            for channel in range(3):
                light[..., channel] = self._table[channel].take(codes[..., channel])
            return light
        # Contiguous pieces that stay in the cache take half the time.
        flat, out = np.ascontiguousarray(codes).reshape(-1), light.reshape(-1)
        for start in range(0, flat.size, LOOKED_UP):
            part = slice(start, start + LOOKED_UP)
            self._table[0].take(flat[part], out=out[part], mode="clip")
        return light

    def strip(self, rows: slice) -> FloatArray:
        """(rows, width, 3) linear ProPhoto RGB."""
        return self.linear(self.codes[rows])

    def og_mask(self, rows: slice, space: RGBSpace = SRGB) -> BoolArray:
        """Which pixels of a strip are out of gamut: beyond what sRGB holds by more than the file's own rounding.

        Args:
            rows: The strip.
            space: Another gamut to be asked about.

        Returns:
            (rows, width) bool; the white points are matched with Bradford, whatever the picture is reduced with, so
            that figures of different methods are over the same pixels.
        """
        codes = self.codes[rows]
        if self._profile.family == space:
            return np.zeros(codes.shape[:-1], bool)
        return self.beyond(codes, apply_matrix(self.linear(codes), rgb_to_rgb(PROPHOTO, space)), space)

    def beyond(self, codes: Code16Array, linear: FloatArray, space: RGBSpace = SRGB) -> BoolArray:
        """As ``og_mask``, where a strip's codes and their light in that space are at hand, by Bradford."""
        # Profiles of one space by several makers differ by more than 16 bits round, and all mean that space.
        if self._profile.family == space:
            return np.zeros(linear.shape[:-1], bool)
        if space not in self._roundings:
            self._roundings[space] = rounding_of(self._table, self._profile.to_rgb(space), self._depth)
        return og_beyond_rounding(linear, codes, self._roundings[space])


def clip_to_srgb(original: Original, adaptation: Adaptation = "bradford") -> CodeArray:
    """The (height, width, 3) sRGB codes of a wide-gamut picture, clipped and rounded."""
    return clip_and_mark(original, adaptation)[0]


def clip_and_mark(original: Original, adaptation: Adaptation = "bradford") -> tuple[CodeArray, LostPixels]:
    """Clip a wide-gamut picture to sRGB, and mark what is out of gamut, in one go.

    Returns:
        The (height, width, 3) sRGB codes, and the pixels that ``Original.og_mask`` marks.
    """
    matrix = rgb_to_rgb(PROPHOTO, SRGB, adaptation)
    codes, lost = np.empty((*original.size, 3), np.uint8), LostPixels(*original.size)

    def convert(rows: slice) -> BoolArray:
        wide = original.codes[rows]
        srgb_linear = apply_matrix(original.linear(wide), matrix)
        codes[rows] = srgb_codes(srgb_linear)
        return original.beyond(wide, srgb_linear) if adaptation == "bradford" else original.og_mask(rows)

    parts = list(strips(*original.size))
    for rows, og in zip(parts, in_order(convert, parts), strict=True):
        lost.add(rows, og)
    return codes, lost


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
        return self.original.part(turn(turn(self.original.codes, own), UNDONE[orientation]))

    def upright(self) -> Source:
        """The same picture with its pixels turned as its Orientation asks for, which then asks for nothing."""
        return replace(self, original=self.lying(1), metadata=upright_metadata(self.metadata))


def read_source(path: StrPath, reading: Reading = AS_IT_IS) -> Source:
    """Read a wide-gamut picture, and find out which colours its codes mean.

    Raises:
        InputError: It cannot be read, or does not say which colours it holds.
        UsageError: An unknown space.
    """
    return _source(path, read_wide(path, reading), reading)


def read_assumed(path: StrPath, space: str) -> Source:
    """Read a picture; one that does not name its colour space is taken as another, as research data sets are.

    It is in memory when this returns, whatever becomes of its file.

    Raises:
        InputError: It cannot be read.
    """
    picture = read_wide(path)
    picture = replace(picture, codes=np.asarray(picture.codes))
    if picture.profile is not None or named_by_exif(path, picture.metadata) is not None:
        return _source(path, picture, AS_IT_IS)
    source = _source(path, picture, Reading(assume_profile=space))
    note = f"does not say which colours it holds, and is taken as {assumed_profile(space).title}"
    return replace(source, notes=(*source.notes, note))


def _source(path: StrPath, picture: Picture, reading: Reading) -> Source:
    profile, notes = meaning_of(path, picture, reading)
    if not (isinstance(profile, MatrixProfile) and is_plain(picture.codes, profile, reading.exposure)):
        codes, told = to_prophoto(os.fspath(path), picture.codes, profile, reading.exposure)
        profile, notes, picture = profile_of(PROPHOTO), notes + told, replace(picture, codes=codes)
    codes = mix_with_background(picture.codes, picture.alpha, profile, reading.background)
    return Source(Original(codes, profile), picture.metadata, notes)
