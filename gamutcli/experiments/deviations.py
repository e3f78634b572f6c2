"""The reproduction's deviations from the paper, and the worlds that they make.

A world is what a variant of the recipe believes: what it takes for linear ProPhoto RGB (its *own values*), for the
truth, for the clip, and for out of gamut.  Where a variant is wrong, so is its own idea of how good it is; so a world
also tells what its values are in true linear ProPhoto RGB.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from gamutcli.arrays import BoolArray, CodeArray, FloatArray
from gamutcli.color.gamut import codes_to_prophoto, og_mask, srgb_codes
from gamutcli.color.spaces import PROPHOTO, SRGB, Adaptation, apply_matrix, decoding_table, encoding_table, rgb_to_rgb
from gamutcli.experiments.recipe import scale_steps
from gamutcli.fitting.presets import Preset
from gamutcli.images.original import Original
from gamutcli.parallel import in_order, strips

#: Gives some rows of a picture: (rows, width, 3), in a world's own values.
Values = Callable[[slice], FloatArray]

#: The reproduction's.
SLOW_RATE = 1e-3


@dataclass(frozen=True)
class Deviations:
    """What a variant does differently from the paper; the letters are those of the text.

    Attributes:
        eight_bits: (a) The picture is read as 8 bits a channel.
        swapped: (b) It is read in the order blue, green, red, and multiplied by the matrix for red, green, blue.
        encoded: (c) ProPhoto's curve is never decoded: the matrix acts on encoded values.
        unrounded: (d) The sRGB picture is not rounded to 8 bits, neither for the fit nor for the own figures.
        two_scalings: (e) Inputs are scaled by the extremes of the sampled pixels for the fit, of all when expanding.
        any_outside: (f) Every pixel with a channel outside is out of gamut, also where all three are on one side.
        slow_rate: (g) Adam at 1e-3 instead of 5e-3.
        full_batch: (i) Every step sees the whole sample; as many steps as give the same number of pixel visits.
    """

    eight_bits: bool = False
    swapped: bool = False
    encoded: bool = False
    unrounded: bool = False
    two_scalings: bool = False
    any_outside: bool = False
    slow_rate: bool = False
    full_batch: bool = False

    def preset(self, preset: Preset, pixels: int) -> Preset:
        """The recipe of this variant.

        Args:
            preset: The paper's.
            pixels: In the sample.
        """
        if self.slow_rate:
            preset = replace(preset, rate=SLOW_RATE)
        if self.full_batch:
            preset = replace(preset, batch=pixels, steps=scale_steps(preset.steps * preset.batch, 1 / pixels))
        return preset


#: The paper's recipe.
NONE = Deviations()


class World:
    """One picture as a variant sees it.

    Args:
        original: The picture as it is.
        deviations: What the variant does differently.
        adaptation: Between ProPhoto's white and sRGB's.

    Attributes:
        codes: (height, width, 3) the sRGB picture, clipped and rounded, in the variant's order of channels.
    """

    def __init__(self, original: Original, deviations: Deviations, adaptation: Adaptation) -> None:
        self.original = original
        self.deviations = deviations
        self.adaptation = adaptation
        self.size = original.size
        self._to_srgb = rgb_to_rgb(PROPHOTO, SRGB, adaptation)
        self._to_prophoto = rgb_to_rgb(SRGB, PROPHOTO, adaptation)
        self.codes: CodeArray = np.empty((*self.size, 3), np.uint8)
        for rows, converted in zip(self.strips(), in_order(self._converted, self.strips()), strict=True):
            self.codes[rows] = converted

    def strips(self) -> list[slice]:
        """Row ranges that cover the picture."""
        return list(strips(*self.size))

    def truth(self, rows: slice) -> FloatArray:
        """(rows, width, 3) what the variant takes for the truth, own values."""
        prophoto = self.original.strip(rows)
        if self.deviations.eight_bits:
            codes = encoding_table(PROPHOTO, 256).codes(prophoto)
            if self.deviations.encoded:
                prophoto = codes.astype(np.float32) / np.float32(255)
            else:
                prophoto = decoding_table(PROPHOTO, 256).take(codes)
        elif self.deviations.encoded:
            prophoto = PROPHOTO.cctf_encoding(prophoto)
        return self._reordered(prophoto)

    def unrounded(self, rows: slice) -> FloatArray:
        """(rows, width, 3) the truth clipped to sRGB and not rounded, own values."""
        clipped = apply_matrix(self.truth(rows), self._to_srgb).clip(0, 1)
        return apply_matrix(clipped, self._to_prophoto)

    def plain(self, rows: slice) -> FloatArray:
        """(rows, width, 3) what a decoder has before it corrects anything: the delivered picture in own values."""
        return codes_to_prophoto(self.codes[rows], self.adaptation)

    def seen(self, rows: slice) -> FloatArray:
        """(rows, width, 3) what the variant's fit, and its own figures, start from: own values."""
        return self.unrounded(rows) if self.deviations.unrounded else self.plain(rows)

    def mask(self, truth: FloatArray) -> BoolArray:
        """Which pixels the variant takes for out of gamut.

        Args:
            truth: (..., 3) own values.

        Returns:
            (...) bool; whites are matched as in ``Original.og_mask``, so that no deviation gives its mask.
        """
        srgb = apply_matrix(truth, rgb_to_rgb(PROPHOTO, SRGB))
        return any_outside(srgb) if self.deviations.any_outside else og_mask(srgb)

    def restored(self, values: FloatArray) -> FloatArray:
        """(..., 3) own values to true linear ProPhoto RGB, as a 16-bit file keeps it."""
        # What is not a colour of the variant's space has no meaning in the true one.
        values = values.clip(0, 1)
        prophoto_linear = PROPHOTO.cctf_decoding(values) if self.deviations.encoded else values
        codes = encoding_table(PROPHOTO, 65536).codes(self._reordered(prophoto_linear))
        return decoding_table(PROPHOTO, 65536).take(codes)

    def delivered(self, rows: slice) -> CodeArray:
        """(rows, width, 3) sRGB codes of the picture that other people see.

        A program that reads blue first also writes blue first: the channels of its file are where they belong.
        """
        codes = self.codes[rows]
        return codes[..., ::-1] if self.deviations.swapped else codes

    def _converted(self, rows: slice) -> CodeArray:
        return srgb_codes(apply_matrix(self.truth(rows), self._to_srgb))

    def _reordered(self, values: FloatArray) -> FloatArray:
        return np.ascontiguousarray(values[..., ::-1]) if self.deviations.swapped else values


def any_outside(srgb_linear: FloatArray) -> BoolArray:
    """Mark pixels with any channel below 0 or above 1: ``gamut.og_mask`` without its exception.

    Args:
        srgb_linear: (..., 3), linear light, unclipped.

    Returns:
        (...) bool.
    """
    outside: BoolArray = (srgb_linear.min(axis=-1) < 0) | (srgb_linear.max(axis=-1) > 1)
    return outside
