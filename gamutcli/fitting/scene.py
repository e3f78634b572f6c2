"""The two sides of a picture: the wide-gamut original, and what the decoder will see of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gamutcli.arrays import CodeArray, FloatArray, IndexArray, take_pixels
from gamutcli.color.differences import de94_weights
from gamutcli.color.gamut import Correction
from gamutcli.color.spaces import Adaptation
from gamutcli.fingerprint.blocks import LostBlocks
from gamutcli.images.original import Original
from gamutcli.parallel import strips

#: Rows of a band. Measured on 13 photographs of 1,000 rows, a twelfth of them looked at: the error out of gamut is off
#: by about 0.5 dB in bands a 250th of the picture high, and by up to 17 dB in bands of a sixth.
BAND_ROWS = 8
#: Pixels that are looked at to count those that look clipped, about.
MOST_COUNTED = 1 << 20


@dataclass(frozen=True, eq=False)
class Scene:
    """One picture on both sides: as it was, and as the decoder will see it.

    Attributes:
        original: What is to be restored.
        srgb_codes: (height, width, 3) uint8, as decoded from the reduced file.
        adaptation: Between their whites.
        correction: Which pixels the decoder will correct.
        blocks: Where; None: everywhere.
        eye: Power of what an error is to the eye by which it counts; 0: all errors of light count the same.
    """

    original: Original
    srgb_codes: CodeArray
    adaptation: Adaptation
    correction: Correction
    blocks: LostBlocks | None = None
    eye: float = 0.0

    def strips(self) -> list[slice]:
        """Row ranges that cover the picture."""
        return list(strips(*self.original.size))

    def bands(self, most: int) -> list[slice]:
        """Row ranges of about so many pixels in all, evenly spread: low ones, since what is lost lies in spots."""
        height, width = self.original.size
        every = height * width // most
        if every < 2:
            return self.strips()
        tops = range((every - 1) * BAND_ROWS // 2, height, every * BAND_ROWS)
        return [slice(top, min(height, top + BAND_ROWS)) for top in tops]

    def corrected_pixels(self, rows: slice) -> IndexArray:
        """(n,) flat places of the pixels of a strip that the decoder will correct."""
        inside = np.flatnonzero(self.correction.mask(self.srgb_codes[rows]))
        return inside if self.blocks is None else self.blocks.keep(rows, inside, self.srgb_codes.shape)

    def count_apparent(self) -> tuple[int, int]:
        """About how many pixels look as if the decoder had to correct them, and how many of these lie in the blocks."""
        height, _ = self.original.size
        some, looking, marked = self.bands(MOST_COUNTED), 0, 0
        for rows in some:
            looking += int(np.count_nonzero(self.correction.mask(self.srgb_codes[rows])))
            marked += self.corrected_pixels(rows).size
        seen = sum(rows.stop - rows.start for rows in some)
        return looking * height // seen, marked * height // seen

    def residuals(self, rows: slice, inside: IndexArray) -> FloatArray:
        """(n, 3) linear ProPhoto residuals of some pixels of a strip."""
        before = self.correction.before(take_pixels(self.srgb_codes[rows], inside), self.adaptation)
        return self.truth(rows, inside) - before

    def importance(self, rows: slice, inside: IndexArray) -> FloatArray | None:
        """(n,) how much the squared errors of some pixels of a strip count; None: all the same."""
        return de94_weights(self.truth(rows, inside)) ** np.float32(self.eye) if self.eye else None

    def truth(self, rows: slice, inside: IndexArray) -> FloatArray:
        """(n, 3) linear ProPhoto RGB of some pixels of a strip, as they were."""
        return self.original.linear(take_pixels(self.original.codes[rows], inside))
