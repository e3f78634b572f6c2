"""From what a decoder gives to 16-bit red, green and blue: depth, grey, transparency and further channels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from gamutcli.arrays import Code16Array, CodeArray
from gamutcli.color.icc import MatrixProfile, Profile, profile_of, read_profile
from gamutcli.color.spaces import PROPHOTO, SRGB, rgb_to_rgb
from gamutcli.errors import InputError
from gamutcli.images.picture import EIGHT_BITS, Picture
from gamutcli.images.reading import Reading
from gamutcli.images.stored import StoredCodes
from gamutcli.metadata import Metadata
from gamutcli.parallel import strips

#: How transparency went into the colours: not at all, or colours are stored as they show on black.
Alpha = Literal["straight", "associated"]
Mode = Literal["grey", "rgb", "cmyk", "lab"]
#: How many channels of colour each has.
COUNTS: dict[Mode, int] = {"grey": 1, "rgb": 3, "cmyk": 4, "lab": 3}

GREY = "is grey, and becomes red, green and blue of equal codes: none of its colours lies outside sRGB"
PRESUMED = "names no colours, and is taken as sRGB, as the standard of its format says"
GREY_CURVE = "names no curve of its light, and is taken to have that of sRGB"


@dataclass(frozen=True, eq=False)
class Samples:
    """The channels of a picture as its file stores them.

    Attributes:
        codes: (height, width) or (height, width, channels), uint8, uint16 or floating point; or ``StoredCodes``.
        white: The code of full light, and of no transparency; 1 of floating point.
        mode: What the first channels are; of "cmyk", 0 is no ink.
        alpha: What the channel behind them is; None where it is none of transparency, or there is none.
    """

    codes: NDArray[Any]
    white: int
    mode: Mode = "rgb"
    alpha: Alpha | None = None

    @property
    def colors(self) -> int:
        """How many channels are colours."""
        return COUNTS[self.mode]


def samples_of(codes: CodeArray | Code16Array, white: int | None = None) -> Samples:
    """Take channels as most decoders give them: grey or RGB, with alpha where their number is even.

    Args:
        codes: (height, width), or up to four channels.
        white: The highest code; None is that of the type.
    """
    channels = codes.shape[2] if codes.ndim == 3 else 1
    highest = int(np.iinfo(codes.dtype).max) if white is None else white
    return Samples(codes, highest, "grey" if channels < 3 else "rgb", "straight" if channels in (2, 4) else None)


def picture_of(
    name: str,
    samples: Samples,
    meaning: bytes | Profile | None,
    metadata: Metadata,
    reading: Reading,
    notes: tuple[str, ...] = (),
) -> Picture:
    """Make a picture of what was decoded.

    Args:
        name: The file, for the message of an error.
        samples: All its channels.
        meaning: An ICC profile as the file holds it, or what else says the colours; None where nothing does.
        metadata: Of the camera.
        reading: What the user says of transparency.
        notes: What the reader has to tell.

    Raises:
        InputError: It is transparent in places, and no background was named; or the profile cannot be used.
    """
    if samples.mode == "lab":  # of a format whose Lab is not known here, as that of TIFF is
        raise InputError(f"{name}: is Lab, not RGB; convert it to 16-bit RGB.")
    if samples.mode == "cmyk" and meaning is None and reading.assume_profile is None:
        raise InputError(
            f"{name}: is CMYK without a profile, which alone says what its inks look like; convert it to 16-bit RGB, "
            "or name that profile: --assume-profile PRESS.icc."
        )
    is_grey = samples.mode == "grey"
    profile = read_profile(meaning, name, is_grey) if isinstance(meaning, bytes) else meaning
    alpha = _alpha(name, samples, reading)
    codes = samples.codes if samples.codes.ndim == 3 else samples.codes[..., None]
    left_out = codes.shape[2] - samples.colors - (samples.alpha is not None)
    colours = to_16_bits(codes[..., : samples.colors] if codes.shape[2] > samples.colors else codes, samples.white)
    if samples.alpha == "associated" and alpha is not None:
        _separate(colours, alpha)
    if is_grey:
        colours = np.repeat(colours, 3, axis=2)
        notes += (GREY,)
    elif samples.white == 255:
        notes += (EIGHT_BITS,)
    if left_out > 0:
        notes += (without_channels(left_out),)
    return Picture(colours, profile, metadata, notes, alpha, is_grey)


def presumed_srgb(reading: Reading) -> tuple[Profile | None, tuple[str, ...]]:
    """Return what a picture means that names no colours, in a format whose standard says that it is sRGB then.

    Returns:
        The profile, and a note; None where the user says what to assume.
    """
    if reading.assume_profile is not None:
        return None, ()
    return profile_of(SRGB), (PRESUMED,)


def to_16_bits(codes: NDArray[Any], white: int) -> NDArray[Any]:
    """Spread codes of up to 16 bits, 0 to `white`, over all of 0 to 65535, as a contiguous array; floats stay.

    What lies in a file stays there: it is of 16 bits.
    """
    if isinstance(codes, StoredCodes):
        return codes
    if codes.dtype.kind == "f":
        return np.ascontiguousarray(codes)
    if white == 65535:
        return np.ascontiguousarray(codes, np.uint16)
    if white == 255:
        wide: Code16Array = codes.astype(np.uint16)
        wide *= 257
        return wide
    return _looked_up(codes, white, np.dtype(np.uint16))


def to_8_bits(codes: CodeArray | Code16Array, white: int) -> CodeArray:
    """Round codes of up to 16 bits, 0 to `white`, to 8 bits."""
    if white == 255:
        return np.ascontiguousarray(codes, np.uint8)
    return _looked_up(codes, white, np.dtype(np.uint8))


def _looked_up(codes: NDArray[Any], white: int, dtype: np.dtype[Any]) -> NDArray[Any]:
    """Spread codes, 0 to `white`, over all of another type; by strips, as numpy makes long indices of them."""
    highest = int(np.iinfo(dtype).max)
    table = ((np.arange(white + 1, dtype=np.uint32) * highest + white // 2) // white).astype(dtype)
    spread = np.empty(codes.shape, dtype)
    for rows in strips(*codes.shape[:2]):
        table.take(codes[rows], out=spread[rows], mode="clip")
    return spread


def is_opaque(samples: Samples) -> bool:
    """Tell whether nothing shows through."""
    return samples.alpha is None or int(samples.codes[..., samples.colors].min()) >= samples.white


def mix_with_background(
    codes: Code16Array, alpha: Code16Array | None, profile: MatrixProfile, background: tuple[int, int, int] | None
) -> Code16Array:
    """Return codes whose transparent parts are mixed with a background, as editors mix codes: without regard to light.

    Args:
        codes: (height, width, 3); they may be overwritten.
        alpha: (height, width): how opaque they are, 65535 wholly; None where they are so everywhere.
        profile: What they mean.
        background: 8-bit sRGB codes.
    """
    if alpha is None or background is None:
        return codes
    behind = _codes_of(background, profile)
    for rows in strips(*alpha.shape):
        share = alpha[rows, :, None].astype(np.float32) / 65535
        codes[rows] = np.rint(codes[rows] * share + behind * (1 - share))
    return codes


def _alpha(name: str, samples: Samples, reading: Reading) -> Code16Array | None:
    """Return how opaque each pixel is, None where all are."""
    if is_opaque(samples):
        return None
    if reading.background is None:
        raise InputError(
            f"{name}: is transparent in places; flatten it in the program that made it, or say what shows through: "
            "--background white."
        )
    alpha = samples.codes[..., samples.colors]
    if alpha.dtype.kind == "f":
        opacity: Code16Array = np.rint(np.nan_to_num(alpha.astype(np.float32)).clip(0, 1) * 65535).astype(np.uint16)
        return opacity
    return to_16_bits(alpha, samples.white)


def _separate(colours: NDArray[Any], alpha: Code16Array) -> None:
    """Undo, in place, that colours are stored as they show on black."""
    for rows in strips(*alpha.shape):
        share = np.maximum(alpha[rows, :, None], 1).astype(np.float32) / 65535
        straight = colours[rows] / share
        colours[rows] = straight if colours.dtype.kind == "f" else np.rint(np.minimum(straight, 65535))


def _codes_of(background: tuple[int, int, int], profile: MatrixProfile) -> Code16Array:
    """Find the codes that show an sRGB colour under another profile, as nearly as it can."""
    light = SRGB.cctf_decoding(np.array(background) / 255)
    light = np.linalg.inv(profile.to_rgb(PROPHOTO)) @ rgb_to_rgb(SRGB, PROPHOTO) @ light
    nearest: Code16Array = np.abs(profile.decoding_table(65536) - light[:, None]).argmin(axis=1).astype(np.uint16)
    return nearest


def without_channels(count: int) -> str:
    """Tell that channels were left out."""
    what = "a channel" if count == 1 else f"{count} channels"
    return f"left out {what} of no colour (a mask, a spot colour or a scanner's infrared)"
