"""How much memory a picture will take at its peak, predicted from its header.

Measured on pictures of 1 to 100 megapixels, each in a process of its own with one thread; what is reduced and judged is
within a quarter. Pictures without colours outside sRGB take less. What counts is the stage that takes most: the fit,
with a sample of a size that the preset sets, or the encoder.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from gamutcli.batch.sizes import pixels_of
from gamutcli.images import jxl

MB = 1_000_000
#: Megabytes that a process takes before it has seen a picture; what a sampled pixel takes; what a pixel does in a fit.
_PROCESS, _SAMPLED, _FITTED = 75, 940e-6, 10.4
#: Megabytes a megapixel that encoding to 8 bits takes, all in all.
_ENCODED = {".jpg": 15.4, ".png": 13.3, ".webp": 46.0, ".avif": 50.0, ".jxl": 19.5, ".tif": 15.0}
#: Of a fit that sees every pixel.
_EVERY_PIXEL = 62.0
#: The same for wide-gamut files: a constant, and a megapixel's.
_EXPANDED = {".tif": (80, 3.6), ".png": (84, 3.6), ".avif": (74, 49.7), ".jxl": (190, 20.7)}
#: What a megapixel takes of a large JPEG XL, which is packed row by row: to 8 bits, and to 16.
_LARGE_JXL, _LARGE_JXL_EXPANDED = 13.3, (75, 19.5)
_JUDGED = (135, 10.2)
#: What a thread more takes for its strips.
_THREAD = 30


def predictor(command: str, suffix: str, settings: Mapping[str, Any], threads: int) -> Callable[[str], int]:
    """Return what predicts the bytes that a source takes.

    Args:
        command: "reduce", "expand" or "eval".
        suffix: Of the results, with its dot.
        settings: Of the library's function.
        threads: That a picture may use.
    """

    def predict(source: str) -> int:
        megapixels = pixels_of(source) / MB
        return int(MB * (_peak(command, suffix, settings, megapixels) + _THREAD * (threads - 1)))

    return predict


def _peak(command: str, suffix: str, settings: Mapping[str, Any], megapixels: float) -> float:
    is_large_jxl = suffix == ".jxl" and megapixels * MB > jxl.LARGE
    if command == "expand":
        fixed, each = _LARGE_JXL_EXPANDED if is_large_jxl else _EXPANDED.get(suffix, _EXPANDED[".avif"])
        return fixed + each * megapixels
    if command == "eval":
        return _JUDGED[0] + _JUDGED[1] * megapixels
    from gamutcli.fitting.presets import PRESETS

    # What comes within a wanted difference may be the largest.
    preset = PRESETS["best" if settings.get("target_de") else settings.get("preset", "balanced")]
    each = _LARGE_JXL if is_large_jxl else _ENCODED.get(suffix, max(_ENCODED.values()))
    encoding = _PROCESS + each * megapixels
    if preset.every_pixel:
        return max(encoding, _PROCESS + _EVERY_PIXEL * megapixels)
    return max(encoding, _PROCESS + _SAMPLED * preset.samples + _FITTED * megapixels)
