"""What the pictures should come to, computed in the plainest way and in float64, with nothing of the library."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Doubles = NDArray[np.float64]

BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
CAT02 = np.array([[0.7328, 0.4296, -0.1624], [-0.7036, 1.6975, 0.0061], [0.0030, 0.0136, 0.9834]])
D50, D65 = (0.34567, 0.35850), (0.3127, 0.3290)


def _xyz(x: float, y: float) -> Doubles:
    return np.array([x / y, 1.0, (1 - x - y) / y])


def _rgb_to_xyz(primaries: tuple[tuple[float, float], ...], white: tuple[float, float]) -> Doubles:
    columns = np.stack([_xyz(*primary) for primary in primaries], axis=1)
    return columns * np.linalg.solve(columns, _xyz(*white))


PROPHOTO_TO_XYZ = _rgb_to_xyz(((0.7347, 0.2653), (0.1596, 0.8404), (0.0366, 0.0001)), D50)
SRGB_TO_XYZ = _rgb_to_xyz(((0.64, 0.33), (0.30, 0.60), (0.15, 0.06)), D65)


def srgb_to_prophoto(adaptation: str = "bradford") -> Doubles:
    """(3, 3) from linear sRGB to linear ProPhoto RGB."""
    cones = {"bradford": BRADFORD, "cat02": CAT02}[adaptation]
    adapt = np.linalg.inv(cones) @ np.diag((cones @ _xyz(*D50)) / (cones @ _xyz(*D65))) @ cones
    return np.linalg.inv(PROPHOTO_TO_XYZ) @ adapt @ SRGB_TO_XYZ


def prophoto_to_srgb(adaptation: str = "bradford") -> Doubles:
    """(3, 3) from linear ProPhoto RGB to linear sRGB."""
    return np.linalg.inv(srgb_to_prophoto(adaptation))


def prophoto_linear(codes: NDArray[np.uint16]) -> Doubles:
    """16-bit ROMM codes to linear light."""
    encoded = codes / 65535
    return np.where(encoded < 16 / 512, encoded / 16, encoded**1.8)


def srgb_linear(codes: NDArray[np.uint8]) -> Doubles:
    """8-bit sRGB codes to linear light."""
    encoded = codes / 255
    return np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)


def srgb_codes(linear: Doubles) -> NDArray[np.uint8]:
    """Clip linear sRGB, encode it, round it to 8 bits."""
    light = np.clip(linear, 0, 1)
    encoded = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    return np.floor(255 * encoded + 0.5).astype(np.uint8)


def reduced(codes: NDArray[np.uint16], adaptation: str = "bradford") -> NDArray[np.uint8]:
    """16-bit ROMM codes to the 8-bit sRGB codes of the reduced picture."""
    return srgb_codes(prophoto_linear(codes) @ prophoto_to_srgb(adaptation).T)


def plain(codes: NDArray[np.uint8], adaptation: str = "bradford") -> Doubles:
    """8-bit sRGB codes to linear ProPhoto RGB."""
    return srgb_linear(codes) @ srgb_to_prophoto(adaptation).T


@dataclass(frozen=True)
class Figures:
    """PSNR in dB; None where there is no pixel."""

    psnr_all: float
    psnr_og: float | None
    psnr_in: float | None
    og_pct: float


def figures(picture: Doubles, original: Doubles) -> Figures:
    """Compare two (height, width, 3) pictures in linear ProPhoto RGB."""
    srgb = original @ prophoto_to_srgb().T
    og = ((srgb < 0) | (srgb > 1)).any(-1) & ~(srgb < 0).all(-1) & ~(srgb > 1).all(-1)
    squares = ((picture - original) ** 2).mean(-1)

    def psnr(where: NDArray[np.bool_]) -> Any:
        return float(-10 * np.log10(squares[where].mean())) if where.any() else None

    return Figures(psnr(np.ones_like(og)), psnr(og), psnr(~og), 100 * float(og.mean()))
