"""Pictures of any other kind than codes under a matrix profile, as 16-bit ProPhoto codes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gamutcli.arrays import Code16Array, FloatArray
from gamutcli.color.icc import MatrixProfile, Profile, TableProfile
from gamutcli.color.icc.tables import to_prophoto_codes
from gamutcli.color.spaces import PROPHOTO, apply_matrix, decoding_table, encoding_table
from gamutcli.parallel import in_order, one_blas_thread, strips

# Light that 16-bit codes cannot tell from 0 and from 1.
_LOW, _HIGH = np.float32(-0.5 / 16 / 65535), np.float32(1 + 0.5 * 1.8 / 65535)
_TABLES = "its profile is made of tables, which LittleCMS followed (relative colorimetric)"


@dataclass
class _Outside:
    """What of a picture 16-bit codes cannot hold: numbers of pixels, and the largest light met."""

    pixels: int = 0
    numberless: int = 0
    largest: float = 0.0

    def add(self, other: _Outside) -> None:
        self.pixels += other.pixels
        self.numberless += other.numberless
        self.largest = max(self.largest, other.largest)


def is_plain(codes: NDArray[Any], profile: Profile, exposure: float) -> bool:
    """Tell whether codes can stay as they are: whole numbers, with a matrix and curves, and no other exposure."""
    return codes.dtype == np.uint16 and isinstance(profile, MatrixProfile) and not exposure


def to_prophoto(
    name: str, codes: NDArray[Any], profile: Profile, exposure: float
) -> tuple[Code16Array, tuple[str, ...]]:
    """Convert a picture to 16-bit ProPhoto codes; light outside 0 to 1 is clipped and counted.

    Args:
        name: The file, for the message of an error.
        codes: (height, width, channels), whole numbers of 16 bits or floating point.
        profile: What they mean.
        exposure: By how many EV light is made brighter.

    Returns:
        (height, width, 3), and what to tell the user.
    """
    height, width = codes.shape[:2]
    converted = np.empty((height, width, 3), np.uint16)
    rows = list(strips(height, width))
    total = _Outside()

    def convert(part: slice) -> tuple[Code16Array, _Outside]:
        return _strip(name, codes[part], profile, exposure)

    with one_blas_thread():
        for part, (strip, outside) in zip(rows, in_order(convert, rows), strict=True):
            converted[part] = strip
            total.add(outside)
    notes: tuple[str, ...] = (_TABLES,) if isinstance(profile, TableProfile) else ()
    if exposure:
        notes += (f"its light was made {abs(exposure):g} EV {'brighter' if exposure > 0 else 'darker'}",)
    return converted, notes + _told(total, height * width, exposure)


def _strip(name: str, codes: NDArray[Any], profile: Profile, exposure: float) -> tuple[Code16Array, _Outside]:
    if isinstance(profile, TableProfile):
        found = to_prophoto_codes(_whole(codes), profile, name)
        if not exposure:
            return found, _Outside()
        light = decoding_table(PROPHOTO, 65536).take(found)
    else:
        light = _light(codes, profile)
    if exposure:
        light *= np.float32(2.0**exposure)
    numberless = np.isnan(light).any(axis=-1)
    if numberless.any():
        light = np.nan_to_num(light, copy=False, nan=0.0, posinf=np.inf, neginf=-np.inf)
    smallest = np.minimum(np.minimum(light[..., 0], light[..., 1]), light[..., 2])
    largest = np.maximum(np.maximum(light[..., 0], light[..., 1]), light[..., 2])
    outside = int(np.count_nonzero((smallest < _LOW) | (largest > _HIGH)))
    rounded = encoding_table(PROPHOTO, 65536).codes(light).astype(np.uint16, copy=False)
    return rounded, _Outside(outside, int(np.count_nonzero(numberless)), float(largest.max()))


def _light(codes: NDArray[Any], profile: MatrixProfile) -> FloatArray:
    """(rows, width, 3) linear ProPhoto RGB, beyond 0 and 1 too."""
    light = np.empty(codes.shape, np.float32)
    if codes.dtype == np.uint16:
        table = profile.decoding_table(65536)
        for channel in range(3):
            light[..., channel] = table[channel].take(codes[..., channel])
    else:
        # What is no number, and infinity, are found and counted where the light is complete.
        with np.errstate(invalid="ignore", over="ignore"):
            for channel, curve in enumerate(profile.curves):
                light[..., channel] = curve.decode(codes[..., channel].astype(np.float64))
    if profile.space == PROPHOTO:
        return light
    with np.errstate(invalid="ignore", over="ignore"):
        return apply_matrix(light, profile.to_rgb(PROPHOTO))


def _whole(codes: NDArray[Any]) -> Code16Array:
    """Codes of 16 bits, as tables take them."""
    if codes.dtype == np.uint16:
        return codes
    clipped = np.nan_to_num(codes.astype(np.float64), nan=0.0).clip(0, 1)
    whole: Code16Array = np.rint(clipped * 65535).astype(np.uint16)
    return whole


def _told(outside: _Outside, pixels: int, exposure: float) -> tuple[str, ...]:
    notes: tuple[str, ...] = ()
    if outside.numberless:
        notes += (f"{_of(outside.numberless, pixels)} no number (NaN), and became black there",)
    if outside.pixels:
        note = f"{_of(outside.pixels, pixels)} light outside 0 to 1, which was clipped"
        if np.isfinite(outside.largest) and outside.largest > _HIGH:
            needed = exposure - np.log2(outside.largest)
            note += f"; --exposure {needed:.1f} would keep the brightest ({outside.largest:.3g})"
        notes += (note,)
    return notes


def _of(count: int, pixels: int) -> str:
    return f"{count:,} of {pixels:,} pixels {'holds' if count == 1 else 'hold'}"
