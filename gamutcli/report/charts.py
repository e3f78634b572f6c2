"""The charts of a report as inline SVG: chromaticities, and how often which color difference occurs.

Colors, widths and fonts are set by the page's style sheet, which knows whether the page is dark or light.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

from gamutcli.arrays import DoubleArray, FloatArray
from gamutcli.color.spaces import DISPLAY_P3, PROPHOTO, SRGB, RGBSpace, apply_matrix, rgb_to_rgb, rgb_to_xyz
from gamutcli.measuring.maps import ticks

# Chromaticities x, y of the spectrum from 380 to 700 nm in steps of 5 nm, in ten-thousandths, for the standard
# observer of 1931 (2 degrees).  Source: x = X / (X + Y + Z) of the color-matching functions of ISO/CIE 11664-1:2019.
SPECTRUM = (
    "1741 0050, 1740 0050, 1738 0049, 1736 0049, 1733 0048, 1730 0048, 1726 0048, 1721 0048, 1714 0051, 1703 0058, "
    "1689 0069, 1669 0086, 1644 0109, 1611 0138, 1566 0177, 1510 0227, 1440 0297, 1355 0399, 1241 0578, 1096 0868, "
    "0913 1327, 0687 2007, 0454 2950, 0235 4127, 0082 5384, 0039 6548, 0139 7502, 0389 8120, 0743 8338, 1142 8262, "
    "1547 8059, 1929 7816, 2296 7543, 2658 7243, 3016 6923, 3374 6588, 3731 6245, 4087 5896, 4441 5547, 4788 5202, "
    "5125 4866, 5448 4544, 5752 4242, 6029 3965, 6270 3725, 6482 3514, 6658 3340, 6801 3197, 6915 3083, 7006 2993, "
    "7079 2920, 7140 2859, 7190 2809, 7230 2769, 7260 2740, 7283 2717, 7300 2700, 7311 2689, 7320 2680, 7327 2673, "
    "7334 2666, 7340 2660, 7344 2656, 7346 2654, 7347 2653"
)

#: Spaces whose triangles are drawn, with their classes in the style sheet.
TRIANGLES = {"srgb": SRGB, "p3": DISPLAY_P3, "prophoto": PROPHOTO}

# Darker pixels than this (luminance, white is 1) have no color to speak of: rounding decides it.
DARK = 0.002

# Of the chromaticity diagram, in units of about a pixel.
WIDTH, HEIGHT, MARGIN = 360, 340, 30
UNITS_PER_UV = 500
BINS = 40


def uv_of_xyz(xyz: DoubleArray) -> DoubleArray:
    """CIE 1976 u'v' of XYZ.

    Args:
        xyz: (..., 3), any scale; not black.

    Returns:
        (..., 2).

    Source: CIE 15:2018, section 8.2.2.
    """
    x, y, z = np.moveaxis(xyz, -1, 0)
    uv: DoubleArray = np.stack([4 * x, 9 * y], axis=-1) / (x + 15 * y + 3 * z)[..., None]
    return uv


def chromaticities(prophoto_linear: FloatArray) -> DoubleArray:
    """CIE 1976 u'v' of pixels under D65, the white of screens; the white of ProPhoto RGB is matched with Bradford.

    Args:
        prophoto_linear: (n, 3), linear ProPhoto RGB.

    Returns:
        (m, 2): one for every pixel that is not almost black.
    """
    xyz = apply_matrix(prophoto_linear, _to_xyz(PROPHOTO)).astype(np.float64)
    return uv_of_xyz(xyz[xyz[:, 1] > DARK])


@lru_cache
def spectral_locus() -> DoubleArray:
    """CIE 1976 u'v' of the spectrum, 380 to 700 nm: (65, 2)."""
    x, y = np.array(SPECTRUM.replace(",", "").split(), np.float64).reshape(-1, 2).T / 10_000
    return uv_of_xyz(np.stack([x, y, 1 - x - y], axis=-1))


def triangle(space: RGBSpace) -> DoubleArray:
    """CIE 1976 u'v' of a space's red, green and blue under D65: (3, 2)."""
    return uv_of_xyz(_to_xyz(space).T)


def chromaticity_diagram(prophoto_linear: FloatArray, kind: str, title: str) -> str:
    """Draw colors among the spectral locus and the triangles of sRGB, Display P3 and ProPhoto RGB.

    Args:
        prophoto_linear: (n, 3), linear ProPhoto RGB; some thousands.
        kind: Class of the dots: "original", "plain" or "restored".
        title: What the diagram shows, for those who cannot see it.  No markup.

    Returns:
        An svg element.
    """
    parts = [f'<svg class="chart" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{title}">']
    for tick in range(7):
        (x, y), (corner_x, corner_y) = _place(np.array([[tick / 10, tick / 10], [0, 0]]))
        parts.append(f'<path class="grid" d="M{x:.1f} 8V{corner_y}M{corner_x} {y:.1f}H{WIDTH - 8}"/>')
        label = f"{tick / 10:.1f}" if tick else "0"
        parts.append(f'<text x="{x:.1f}" y="{corner_y + 14}" text-anchor="middle">{label}</text>')
        if tick:
            # The last one of this axis gives way to its name.
            name = label if tick < 6 else "v′"
            parts.append(f'<text x="{corner_x - 5}" y="{y + 3.5:.1f}" text-anchor="end">{name}</text>')
    parts.append(f'<path class="locus" d="{_path(spectral_locus())}Z"/>')
    dots = sorted({(round(x, 1), round(y, 1)) for x, y in _place(chromaticities(prophoto_linear)).tolist()})
    parts.append(f'<path class="dots {kind}" d="{"".join(f"M{x:g} {y:g}h0" for x, y in dots)}"/>')
    parts += [f'<path class="triangle {name}" d="{_path(triangle(space))}Z"/>' for name, space in TRIANGLES.items()]
    parts.append(f'<text x="{WIDTH - 8}" y="{HEIGHT - MARGIN - 5}" text-anchor="end">u′</text>')
    return "".join(parts) + "</svg>"


def histogram(plain: DoubleArray, restored: DoubleArray, title: str) -> str:
    """Draw how many pixels have which CIEDE2000, for two pictures over the same pixels.

    Args:
        plain: (n,) differences of the plain picture, at least one.
        restored: (n,) likewise of the restored one.
        title: What the diagram shows, for those who cannot see it.  No markup.

    Returns:
        An svg element; what is beyond the last bin is counted in it.
    """
    # Up to nearly the largest, so that a few outliers do not push all else into a corner.
    end = _round_up(max(float(np.percentile(np.concatenate([plain, restored]), 99.5)), 1.0))
    counts = {"plain": _shares(plain, end), "restored": _shares(restored, end)}
    top = _round_up(max(float(share.max()) for share in counts.values()))
    left, right, base, ceiling = 36, 472, 200, 10
    parts = [f'<svg class="chart wide" viewBox="0 0 480 240" role="img" aria-label="{title}">']
    for share in ticks(top):
        y = base - (base - ceiling) * share / top
        parts.append(f'<path class="grid" d="M{left} {y:.1f}H{right}"/>')
        parts.append(f'<text x="{left - 6}" y="{y + 4:.1f}" text-anchor="end">{share:g}</text>')
    for value in ticks(end):
        x = left + (right - left) * value / end
        label, anchor = (f"≥ {value:g}", "end") if value == end else (f"{value:g}", "middle")
        parts.append(f'<text x="{x:.1f}" y="{base + 17}" text-anchor="{anchor}">{label}</text>')
    for kind, shares in counts.items():
        steps = "".join(f"V{base - (base - ceiling) * share / top:.1f}h{(right - left) / BINS:g}" for share in shares)
        parts.append(f'<path class="bars {kind}" d="M{left} {base}{steps}V{base}"/>')
    parts.append(f'<text x="{(left + right) / 2}" y="236" text-anchor="middle">ΔE2000</text>')
    parts.append(f'<text x="2" y="236">% of pixels ↑</text><path class="axis" d="M{left} {base}H{right}"/>')
    return "".join(parts) + "</svg>"


@lru_cache
def _to_xyz(space: RGBSpace) -> DoubleArray:
    """Matrix from linear RGB to XYZ under D65."""
    matrix: DoubleArray = rgb_to_xyz(SRGB) @ rgb_to_rgb(space, SRGB)
    return matrix


def _place(uv: DoubleArray) -> DoubleArray:
    """Where chromaticities lie in the diagram: (n, 2)."""
    placed: DoubleArray = np.array([MARGIN, HEIGHT - MARGIN]) + uv * np.array([UNITS_PER_UV, -UNITS_PER_UV])
    return placed


def _path(uv: DoubleArray) -> str:
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in _place(uv).tolist())


def _shares(differences: DoubleArray, end: float) -> DoubleArray:
    """Percent of the pixels in each bin from 0 to ``end``."""
    bins = np.minimum((differences / end * BINS).astype(np.intp), BINS - 1)
    shares: DoubleArray = np.bincount(bins, minlength=BINS).astype(np.float64) * (100 / differences.size)
    return shares


def _round_up(value: float) -> float:
    """The next of 1, 2, 3, 4, 5, 6, 8, 10, 15, 20, ... times a power of ten."""
    power = 10.0 ** math.floor(math.log10(value))
    return next(digit * power for digit in (1, 1.5, 2, 3, 4, 5, 6, 8, 10) if digit * power >= value * (1 - 1e-9))
