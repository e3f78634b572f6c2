"""A scene rendered from measured spectra: folded cloth and painted balls, seen from above, in D50 light.

The whole scene is one height field, so light, shadow and reflection are shifted copies of arrays. What makes colors
leave sRGB is what does so in front of a camera: saturated dyes, and light that goes from fold to fold of one cloth and
takes on the cloth's color each time (a reflectance R turns into R^2, R^3, ...). That is integrated per wavelength.

Reflectances: the 15 saturated test samples of the NIST Color Quality Scale 9.0 and the BabelColor average of the
ColorChecker, from colour-science. Light: CIE D50. Observer: CIE 1931, 2 degrees.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import colour
import numpy as np
from colour.characterisation import SDS_COLOURCHECKERS
from colour.quality.datasets import SDS_VS
from scipy.ndimage import gaussian_filter, zoom

from gamutcli.arrays import BoolArray, DoubleArray, FloatArray
from gamutcli.color import spaces as color

WIDTH, HEIGHT = 768, 512
SUPERSAMPLING = 2  # samples along each side of a pixel
SHAPE = (HEIGHT * SUPERSAMPLING, WIDTH * SUPERSAMPLING)
BOUNCES = 6  # reflections inside a fold that are counted
WAVELENGTHS = colour.SpectralShape(380, 730, 5)


@dataclass(frozen=True)
class Cloth:
    """A strip of cloth laid across the picture, over those that come before it."""

    dye: str  # a sample of NIST CQS 9.0
    edge: float  # where its left edge crosses the middle of the picture, in picture widths
    folds: float  # how many folds a picture width
    depth: float  # of the folds, pixels


@dataclass(frozen=True)
class Ball:
    """A painted ball that lies on the cloth; lengths in picture widths."""

    paint: str  # a sample of the ColorChecker
    x: float
    y: float
    radius: float


CLOTHS = (
    Cloth("VS12", -1.0, 5.0, 13.0),
    Cloth("VS8", 0.10, 6.0, 12.0),
    Cloth("VS6", 0.27, 5.0, 14.0),
    Cloth("VS4", 0.43, 7.0, 11.0),
    Cloth("VS2", 0.58, 5.0, 13.0),
    Cloth("VS1", 0.72, 6.0, 13.0),
    Cloth("VS14", 0.88, 5.0, 12.0),
)
BALLS = (
    Ball("cyan", 0.62, 0.17, 0.055),
    Ball("orange yellow", 0.17, 0.18, 0.045),
    Ball("white 9.5 (.05 D)", 0.34, 0.50, 0.040),
    Ball("red", 0.25, 0.42, 0.060),
    Ball("yellow green", 0.79, 0.46, 0.050),
    Ball("magenta", 0.47, 0.28, 0.035),
    Ball("blue", 0.55, 0.52, 0.050),
    Ball("neutral 5 (.70 D)", 0.90, 0.20, 0.038),
)


@dataclass(frozen=True)
class Surface:
    """What the camera sees: height, material and finish of each sample, all of SHAPE."""

    height: FloatArray  # samples, as all lengths across
    cover: FloatArray  # share of the light leaving a place that meets the same cloth again; 0 on the balls
    material: FloatArray  # index into the table of materials, whole numbers
    gloss: FloatArray  # 0 cloth, 1 lacquer


@dataclass(frozen=True)
class Light:
    """A distant light of the D50 spectrum."""

    direction: tuple[float, float, float]  # unit vector towards the light; x right, y down, z to the camera
    power: float
    is_key: bool  # part of the softbox, which is seen as a highlight; not of the room's light


def render(seed: int, cloths: Sequence[Cloth] = CLOTHS, balls: Sequence[Ball] = BALLS) -> DoubleArray:
    """Render the scene.

    Args:
        seed: Of the folds, the weave and the photon noise.
        cloths: From left to right, later ones on top; the first covers the left edge.
        balls: On top of them.

    Returns:
        (HEIGHT, WIDTH, 3) linear ProPhoto within [0, 1].
    """
    rng = np.random.default_rng(seed)
    surface = lay_out(rng, cloths, balls)
    diffuse, highlight = illuminate(surface)
    weave = 1.0 + np.where(surface.gloss > 0, 0.0, 0.05) * smooth_noise(rng, 1.2)
    table = color_table(cloths, balls)
    prophoto = shade(surface, table, diffuse * weave.astype(np.float32), highlight)
    prophoto = prophoto.reshape(HEIGHT, SUPERSAMPLING, WIDTH, SUPERSAMPLING, 3).mean(axis=(1, 3))
    prophoto *= 0.88 / np.percentile(prophoto.max(axis=-1), 99.5)
    prophoto += rng.normal(0.0, 0.004, prophoto.shape) * np.sqrt(prophoto)
    return soften_highlights(np.maximum(prophoto, 0.0))


def smooth_noise(rng: np.random.Generator, radius: float) -> FloatArray:
    """Noise of unit variance whose features are about `radius` pixels of the picture wide."""
    # Coarse noise is filtered on a coarse grid, else the filter takes longer than the rest of the scene.
    step = max(1, int(radius * SUPERSAMPLING / 4))
    coarse = rng.standard_normal([-(-length // step) for length in SHAPE])
    coarse = gaussian_filter(coarse, radius * SUPERSAMPLING / step, mode="wrap")
    noise = zoom(coarse, step, order=3, mode="nearest")[: SHAPE[0], : SHAPE[1]] if step > 1 else coarse
    normal: FloatArray = (noise / noise.std()).astype(np.float32)
    return normal


def lay_out(rng: np.random.Generator, cloths: Sequence[Cloth], balls: Sequence[Ball]) -> Surface:
    """Lay the cloths over each other from left to right, and the balls on top."""
    rows, columns = np.indices(SHAPE, dtype=np.float32) / (WIDTH * SUPERSAMPLING)
    height = np.zeros(SHAPE, np.float32)
    material = np.zeros(SHAPE, np.float32)
    for number, cloth in enumerate(cloths):
        wave = 0.012 * smooth_noise(rng, 60.0) + 0.35 * (rows - HEIGHT / WIDTH / 2)
        across = columns - cloth.edge + wave
        # Folds run along the strip and wander. The exponential of a sine has narrow crests between wide valleys, as
        # cloth has that was pushed together.
        phase = 2 * np.pi * cloth.folds * (across + 0.05 * smooth_noise(rng, 90.0))
        sharpness = 0.8 + 0.3 * np.tanh(smooth_noise(rng, 70.0))
        folds = np.exp(sharpness * (np.sin(phase) - 1)) + 0.35 * np.sin(2.3 * phase + smooth_noise(rng, 50.0))
        lying = cloth.depth * SUPERSAMPLING * (folds + 0.25 * smooth_noise(rng, 25.0)).astype(np.float32)
        # A hem of a few pixels that rounds down to the cloth below.
        hem = np.clip(across * WIDTH / 5.0, 0.0, 1.0)
        below = gaussian_filter(height, 12.0 * SUPERSAMPLING)
        lifted = below * 0.5 + lying * 0.8 + 7.0 * SUPERSAMPLING * np.sqrt(hem * (2.0 - hem))
        height = np.where(across > 0, lifted, height).astype(np.float32)
        material = np.where(across > 0, number, material).astype(np.float32)
    gloss = np.zeros(SHAPE, np.float32)
    height = gaussian_filter(height, 0.8 * SUPERSAMPLING)
    depth = (gaussian_filter(height, 9.0 * SUPERSAMPLING) - height) / SUPERSAMPLING
    cover = np.clip(0.5 + depth / 10.0, 0.1, 0.9).astype(np.float32)
    for number, ball in enumerate(balls, start=len(cloths)):
        radius = ball.radius * WIDTH * SUPERSAMPLING
        square = ((columns - ball.x) ** 2 + (rows - ball.y) ** 2) * (WIDTH * SUPERSAMPLING) ** 2
        inside = square < radius**2
        bottom = float(np.percentile(height[inside], 40))
        top = bottom + 0.8 * radius + np.sqrt(np.maximum(radius**2 - square, 0.0))
        height = np.where(inside, top, height).astype(np.float32)
        material = np.where(inside, number, material).astype(np.float32)
        gloss = np.where(inside, 1.0, gloss).astype(np.float32)
    return Surface(height, np.where(gloss > 0, 0.0, cover).astype(np.float32), material, gloss)


def lights() -> Iterator[Light]:
    """A softbox high on the left, and the room around."""
    for azimuth in np.radians(np.linspace(200.0, 236.0, 6)):
        for elevation in np.radians(np.linspace(30.0, 54.0, 4)):
            yield Light(towards(azimuth, elevation), 1.0 / 24, is_key=True)
    for azimuth in np.radians(np.arange(0.0, 360.0, 30.0)):
        for elevation in np.radians((25.0, 60.0)):
            yield Light(towards(azimuth, elevation), 0.30 / 24, is_key=False)


def towards(azimuth: float, elevation: float) -> tuple[float, float, float]:
    """Unit vector of a direction, both angles in radians."""
    level = np.cos(elevation)
    return float(level * np.cos(azimuth)), float(level * np.sin(azimuth)), float(np.sin(elevation))


def illuminate(surface: Surface) -> tuple[FloatArray, FloatArray]:
    """Add up all lights.

    Returns:
        Diffuse irradiance and reflected highlight, each of SHAPE.
    """
    slope_y, slope_x = np.gradient(surface.height)
    length = np.sqrt(slope_x**2 + slope_y**2 + 1.0)
    normal = (-slope_x / length, -slope_y / length, 1.0 / length)
    exponent = np.where(surface.gloss > 0, 180.0, 14.0).astype(np.float32)
    # Lacquer reflects 4 % of the light at its surface; the fibres of cloth less, and scattered.
    strength = np.where(surface.gloss > 0, 0.04, 0.004) * (exponent + 2.0)
    diffuse = np.zeros(SHAPE, np.float32)
    highlight = np.zeros(SHAPE, np.float32)
    for light in lights():
        x, y, z = light.direction
        lit = ~shadow(surface.height, light.direction)
        diffuse += light.power * lit * np.maximum(normal[0] * x + normal[1] * y + normal[2] * z, 0.0)
        if light.is_key:
            # Half way between the light and the camera, which is straight above.
            half = np.array([x, y, z + 1.0]) / np.sqrt(2.0 + 2.0 * z)
            cosine = np.maximum(normal[0] * half[0] + normal[1] * half[1] + normal[2] * half[2], 0.0)
            highlight += light.power * lit * strength * cosine**exponent
    return diffuse, highlight


def shadow(height: FloatArray, direction: tuple[float, float, float]) -> BoolArray:
    """Which samples something nearer to the light hides from it."""
    x, y, z = direction
    level = np.hypot(x, y)
    rise = z / level
    hidden = np.zeros(SHAPE, dtype=bool)
    relief = float(np.ptp(height))
    distance = 2.0
    while distance * rise < relief:
        dx, dy = round(x / level * distance), round(y / level * distance)
        here = (slice(max(0, -dy), SHAPE[0] - max(0, dy)), slice(max(0, -dx), SHAPE[1] - max(0, dx)))
        there = (slice(max(0, dy), SHAPE[0] + min(0, dy)), slice(max(0, dx), SHAPE[1] + min(0, dx)))
        hidden[here] |= height[there] > height[here] + distance * rise
        distance *= 1.12
        distance += 0.5
    return hidden


def shade(surface: Surface, table: DoubleArray, diffuse: FloatArray, highlight: FloatArray) -> DoubleArray:
    """Turn light into color.

    A share of the light that leaves a fold meets the same cloth again, and a share of that once more:
    E (R + c R^2 + c^2 R^3 + ...), where c says how deep the place lies.

    Returns:
        SHAPE + (3,) linear ProPhoto, in no particular exposure.
    """
    index = surface.material.astype(np.intp)
    prophoto = highlight[..., None] * white_light()
    for bounce in range(BOUNCES):
        prophoto += (diffuse * surface.cover**bounce)[..., None] * table[index, bounce]
    return prophoto


def color_table(cloths: Sequence[Cloth], balls: Sequence[Ball]) -> DoubleArray:
    """Linear ProPhoto of each material after 1, 2, ... reflections of D50 light: (materials, BOUNCES, 3)."""
    dyes = [SDS_VS["NIST CQS 9.0"][cloth.dye] for cloth in cloths]
    paints = [SDS_COLOURCHECKERS["BabelColor Average"][ball.paint] for ball in balls]
    spectra = np.stack([sd.copy().align(WAVELENGTHS).values for sd in dyes + paints])
    powers = spectra[:, None, :] ** np.arange(1, BOUNCES + 1)[:, None]
    return powers @ spectrum_to_prophoto()


def white_light() -> DoubleArray:
    """Linear ProPhoto of the light itself."""
    white: DoubleArray = spectrum_to_prophoto().sum(axis=0)
    return white


def spectrum_to_prophoto() -> DoubleArray:
    """Weights that integrate a reflectance to linear ProPhoto: (wavelengths, 3).

    Source: CIE 015, tristimulus values by summation; white (R = 1) has Y = 1.
    """
    observer = colour.MSDS_CMFS["CIE 1931 2 Degree Standard Observer"].copy().align(WAVELENGTHS).values
    weights = observer * colour.SDS_ILLUMINANTS["D50"].copy().align(WAVELENGTHS).values[:, None]
    weights /= weights[:, 1].sum()
    prophoto: DoubleArray = weights @ np.linalg.inv(color.rgb_to_xyz(color.PROPHOTO)).T
    return prophoto


def soften_highlights(linear: DoubleArray, knee: float = 0.85) -> DoubleArray:
    """Bend values above the knee below 1, as a camera's tone curve does; the ratios of the channels stay."""
    peak = np.maximum(linear.max(axis=-1, keepdims=True), 1e-6)
    over = np.maximum(peak - knee, 0.0) / (1.0 - knee)
    bent = np.minimum(peak, knee) + (1.0 - knee) * (1.0 - np.exp(-over))
    softened: DoubleArray = linear * (bent / peak)
    return softened
