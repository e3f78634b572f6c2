"""Make the sample pictures: photographs regraded in linear ProPhoto RGB, and one scene rendered from spectra.

Use: python sample_images/make_samples.py [FOLDER]     (FOLDER: where the pictures go; default: beside this script)

Nothing is downloaded. The photographs are those that scikit-image and scikit-learn carry in their installed
packages; the spectra come with colour-science (the extra [samples]). Two runs with the same versions
of these packages on one machine write the same bytes.

The sources are 8-bit sRGB (one is Adobe RGB), so none of them holds the colors that the scene once had. Each is
graded as a photographer would grade a raw file in a wide working space: exposure, vibrance, saturation, and gains
for ranges of hue. README.md in this folder says so, with the author and the licence of each.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import rendered_scene
import skimage
import sklearn.datasets
import tifffile
from PIL import Image
from scipy.ndimage import uniform_filter

from gamutcli.arrays import BoolArray, Code16Array, CodeArray, DoubleArray
from gamutcli.color import gamut, icc
from gamutcli.color import spaces as color

SKIMAGE_DATA = Path(skimage.__file__).parent / "data"
SKLEARN_IMAGES = Path(sklearn.datasets.__file__).parent / "images"
SEED = 20230618
BOUNDARY = 0.99  # share of the way from grey to the boundary of Rec.2020 that no color passes


@dataclass(frozen=True)
class HueGain:
    """More (or less) saturation for one range of CIE Lab hues, with soft ends."""

    centre: float  # degrees
    width: float  # degrees on either side until the gain has faded away
    gain: float


@dataclass(frozen=True)
class Grade:
    """The controls of a raw developer that are used here. Gains are added to 1 and multiply the chroma."""

    exposure: float  # stops
    saturation: float  # for every colour alike
    vibrance: float = 0.0  # for pale colours more than for strong ones
    hues: tuple[HueGain, ...] = ()


@dataclass(frozen=True)
class Photograph:
    """One source, what is done to it, and what is written into the file about it."""

    name: str
    source: Path
    space: color.RGBSpace
    grade: Grade
    artist: str
    licence: str


PHOTOGRAPHS = (
    Photograph(
        name="dahlia",
        source=SKLEARN_IMAGES / "flower.jpg",
        space=color.SRGB,
        grade=Grade(
            exposure=0.25, saturation=0.45, vibrance=-0.2, hues=(HueGain(40.0, 40.0, 0.5), HueGain(210.0, 110.0, -1.0))
        ),
        artist="vultilion",
        licence="CC BY 2.0, https://creativecommons.org/licenses/by/2.0/",
    ),
    Photograph(
        name="pavilion",
        source=SKLEARN_IMAGES / "china.jpg",
        space=color.SRGB,
        grade=Grade(exposure=-0.1, saturation=0.55, hues=(HueGain(50.0, 50.0, 1.4), HueGain(115.0, 40.0, 1.1))),
        artist="danielbuechele",
        licence="CC BY 2.0, https://creativecommons.org/licenses/by/2.0/",
    ),
    Photograph(
        name="espresso",
        source=SKIMAGE_DATA / "coffee.png",
        space=color.SRGB,
        grade=Grade(exposure=0.3, saturation=0.0, hues=(HueGain(38.0, 14.0, 1.6),)),
        artist="Rachel Michetti",
        licence="CC0 1.0, https://creativecommons.org/publicdomain/zero/1.0/",
    ),
    Photograph(
        name="rocket",
        source=SKIMAGE_DATA / "rocket.jpg",
        # Its embedded profile is Adobe RGB (1998).
        space=color.ADOBE_RGB,
        grade=Grade(
            exposure=0.5, saturation=0.55, vibrance=-0.9, hues=(HueGain(285.0, 50.0, 0.4), HueGain(75.0, 50.0, 0.8))
        ),
        artist="SpaceX",
        licence="Public domain",
    ),
    Photograph(
        name="astronaut",
        source=SKIMAGE_DATA / "astronaut.png",
        space=color.SRGB,
        grade=Grade(exposure=0.1, saturation=1.1, vibrance=-1.2, hues=(HueGain(45.0, 35.0, 0.2),)),
        artist="NASA",
        licence="Public domain",
    ),
)


def codes_of(source: Path) -> CodeArray:
    """(height, width, 3) uint8 of an 8-bit picture."""
    with Image.open(source) as picture:
        return np.asarray(picture.convert("RGB"))


def photograph_to_prophoto(codes: CodeArray, space: color.RGBSpace, seed: int) -> DoubleArray:
    """Decode 8-bit codes to linear ProPhoto RGB, without the steps of 8 bits.

    Args:
        codes: (height, width, 3) uint8, encoded in `space`.
        space: What the codes mean.
        seed: Of the dither.

    Returns:
        (height, width, 3) linear ProPhoto.
    """
    rng = np.random.default_rng(seed)
    # Triangular noise of one code: wide enough to hide the steps, that a stronger saturation would show as bands.
    dither = rng.random(codes.shape) - rng.random(codes.shape)
    encoded = np.clip((codes + dither) / 255.0, 0.0, 1.0)
    linear: DoubleArray = space.cctf_decoding(encoded) @ color.rgb_to_rgb(space, color.PROPHOTO).T
    return reduce_color_noise(linear)


def reduce_color_noise(linear: DoubleArray, radius: int = 3, strength: float = 2e-4) -> DoubleArray:
    """Smooth the chroma where the luminance is smooth, as raw developers do before they saturate.

    It takes away the blocks of JPEG's chroma and the dither's color, which would otherwise be saturated as well.

    Args:
        linear: (height, width, 3) linear ProPhoto.
        radius: Of the window, pixels.
        strength: Variance of the square root of the luminance below which an area counts as smooth.

    Returns:
        (height, width, 3) linear ProPhoto of the same luminance.

    Source: He, Sun, Tang, Guided Image Filtering, ECCV 2010, with the luminance as the guide.
    """
    guide = np.sqrt(np.maximum(luminance(linear), 0.0))
    size = 2 * radius + 1
    guide_mean = uniform_filter(guide, size)
    guide_variance = uniform_filter(guide * guide, size) - guide_mean**2
    smooth = np.empty_like(linear)
    for channel in range(3):
        chroma = linear[..., channel] - guide**2
        chroma_mean = uniform_filter(chroma, size)
        slope = (uniform_filter(guide * chroma, size) - guide_mean * chroma_mean) / (guide_variance + strength)
        offset = chroma_mean - slope * guide_mean
        smooth[..., channel] = uniform_filter(slope, size) * guide + uniform_filter(offset, size)
    # The three chromas were filtered apart; their luminance must be nought again.
    smooth -= luminance(smooth)[..., None]
    return guide[..., None] ** 2 + smooth


def luminance(linear: DoubleArray) -> DoubleArray:
    """CIE Y of (..., 3) linear ProPhoto, 1 for white."""
    y: DoubleArray = linear @ color.rgb_to_xyz(color.PROPHOTO)[1]
    return y


def regrade(linear: DoubleArray, grade: Grade) -> DoubleArray:
    """Change exposure and chroma; colors move on straight lines through grey, at constant luminance.

    Args:
        linear: (height, width, 3) linear ProPhoto.
        grade: What to do.

    Returns:
        (height, width, 3) linear ProPhoto inside the gamut of Rec.2020, and so inside [0, 1] of ProPhoto.
    """
    linear = rendered_scene.soften_highlights(linear * 2.0**grade.exposure)
    lab = color.prophoto_linear_to_lab(linear)
    chroma = np.hypot(lab[..., 1], lab[..., 2])
    hue = np.degrees(np.arctan2(lab[..., 2], lab[..., 1]))
    gain = 1.0 + grade.saturation + grade.vibrance * np.exp(-chroma / 40.0)
    for part in grade.hues:
        distance = np.abs((hue - part.centre + 180.0) % 360.0 - 180.0)
        window = 0.5 + 0.5 * np.cos(np.pi * np.minimum(distance / part.width, 1.0))
        # The hue of a near-grey is noise: let the gain begin with the chroma.
        gain += part.gain * window * chroma / (chroma + 10.0)
    # In the deepest shadows the colour is nothing but noise: it fades, as in raw developers.
    shadows = np.maximum(luminance(linear), 0.0)
    gain *= shadows / (shadows + 0.001)
    return scale_chroma(linear, gain)


def scale_chroma(linear: DoubleArray, gain: DoubleArray, knee: float = 0.7) -> DoubleArray:
    """Multiply the distance from grey, and ease off before the boundary of Rec.2020.

    Rec.2020 rather than ProPhoto is the boundary, since it holds colours that surfaces have, and ProPhoto also
    some that nobody can see.

    Args:
        linear: (height, width, 3) linear ProPhoto.
        gain: (height, width), wanted.
        knee: Share of the way to the boundary up to which the gain is obeyed exactly.

    Returns:
        (height, width, 3) linear ProPhoto.
    """
    grey = np.clip(luminance(linear), 1e-6, 1.0 - 1e-6)[..., None]
    to_rec2020 = color.rgb_to_rgb(color.PROPHOTO, color.REC2020).T
    to_prophoto = color.rgb_to_rgb(color.REC2020, color.PROPHOTO).T
    chroma = linear @ to_rec2020 - grey
    # By how much each channel's chroma may be multiplied until the channel is 0 or 1: 1 / usage.
    usage = np.maximum(chroma / (1.0 - grey), -chroma / grey).max(axis=-1)
    wanted = gain * usage
    # Not quite up to the boundary: at its red corner Rec.2020 reaches out of ProPhoto by a hair.
    room = BOUNDARY - knee
    allowed = np.minimum(wanted, knee) + room * (1.0 - np.exp(-np.maximum(wanted - knee, 0.0) / room))
    scale = allowed / np.maximum(usage, 1e-9)
    graded: DoubleArray = (grey + chroma * scale[..., None]) @ to_prophoto
    return graded


def encode(linear: DoubleArray) -> Code16Array:
    """16-bit ProPhoto codes of (height, width, 3) linear ProPhoto.

    Raises:
        ValueError: A value is outside [0, 1], so that something would be lost.
    """
    if linear.min() < 0.0 or linear.max() > 1.0:
        raise ValueError(f"linear ProPhoto from {linear.min():.5f} to {linear.max():.5f} does not fit [0, 1]")
    return np.rint(color.PROPHOTO.cctf_encoding(linear) * 65535.0).astype(np.uint16)


def og_mask_of(codes: Code16Array) -> BoolArray:
    """Which pixels of a 16-bit ProPhoto picture sRGB cannot hold."""
    linear = color.decoding_table(color.PROPHOTO, 65536)[codes]
    return gamut.og_mask(color.apply_matrix(linear, color.rgb_to_rgb(color.PROPHOTO, color.SRGB)))


def write_picture(path: Path, codes: Code16Array, description: str, artist: str, licence: str) -> None:
    """Write one tagged 16-bit TIFF that names its author and licence."""
    tifffile.imwrite(
        path,
        codes,
        byteorder="<",
        photometric="rgb",
        compression="zlib",
        compressionargs={"level": 9},
        predictor=True,
        rowsperstrip=64,
        iccprofile=icc.write_profile(color.PROPHOTO),
        resolution=(300, 300),
        resolutionunit="INCH",
        description=description,
        software="gamutcli sample_images/make_samples.py",
        metadata=None,
        extratags=[(315, "s", 0, artist.encode(), True), (33432, "s", 0, licence.encode(), True)],
    )
    height, width = codes.shape[:2]
    og_pct, megabytes = 100.0 * og_mask_of(codes).mean(), path.stat().st_size / 1e6
    print(f"{path.name}: {width} x {height}, {og_pct:.1f} % of the pixels out of gamut, {megabytes:.2f} MB")


def main(arguments: Sequence[str]) -> None:
    """Write all samples into the folder given, or beside this script."""
    folder = Path(arguments[0]) if arguments else Path(__file__).parent
    for number, photo in enumerate(PHOTOGRAPHS):
        codes = codes_of(photo.source)
        linear = regrade(photograph_to_prophoto(codes, photo.space, SEED + number), photo.grade)
        description = f"Regraded in linear ProPhoto RGB from {photo.source.name}"
        write_picture(folder / f"{photo.name}.tif", encode(linear), description, photo.artist, photo.licence)
    write_picture(
        folder / "fabrics.tif",
        encode(rendered_scene.render(SEED)),
        "Rendered from measured reflectance spectra under CIE D50",
        "The gamutcli authors",
        "MIT",
    )


if __name__ == "__main__":
    main(sys.argv[1:])
