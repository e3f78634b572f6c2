"""What the reproduction reports, on its own pictures: figures to set ours beside, not to beat.

Source: the reproduction of GamutMLP for the EECS 6322 reproducibility challenge, its averages of two attempts.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Published:
    """What one attempt at one network came to, a mean over the reproduction's pictures; None: not reported.

    Attributes:
        method: The network, by its key in ``methods``.
        attempt: 1 or 2.
        rmse_all: Over all pixels.
        rmse_og: Over out-of-gamut pixels.
        psnr_all: dB.
        psnr_og: dB.
        fit_seconds: Of the optimisation, on the reproduction's machine.
    """

    method: str
    attempt: int
    rmse_all: float | None
    rmse_og: float | None
    psnr_all: float | None
    psnr_og: float | None
    fit_seconds: float | None


PUBLISHED = (
    Published("11kb", 1, None, None, None, None, None),
    Published("11kb", 2, None, None, 44.24, 41.58, 51),
    Published("23kb", 1, 0.0043, 0.0070, 50.75, 45.18, 1268),
    Published("23kb", 2, 0.0081, 0.0108, 46.07, 42.84, 81),
    Published("53kb", 1, 0.0049, 0.0079, 50.66, 45.27, 1316),
    Published("53kb", 2, 0.0084, 0.0109, 46.41, 43.20, 147),
    Published("137kb", 1, None, None, None, None, None),
    Published("137kb", 2, None, None, 47.48, 44.07, 215),
    Published("23kb-meta", 1, 0.0051, 0.0082, 48.58, 43.97, 173),
    Published("23kb-meta", 2, 0.0081, 0.0106, 45.12, 42.43, 11),
    Published("53kb-meta", 1, 0.0098, 0.0139, 44.08, 40.12, 175),
    Published("53kb-meta", 2, 0.0074, 0.0100, 46.34, 43.29, 20),
)
