"""How much memory a picture will take at its peak, predicted from its header.

Measured on pictures of 1 to 100 megapixels, each in a process of its own with one thread; what is reduced and judged is
within a quarter. Pictures without colours outside sRGB take less, as does judging by a TIFF that stays in its file.
What counts is the stage that takes most: the fit, or the encoder.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from gamutcli.batch.sizes import pixels_of, stays_in_its_file
from gamutcli.images import jxl

MB = 1_000_000
#: Megabytes that a process takes for a picture of any size; what a sampled pixel takes; what a megapixel does in a fit.
_PROCESS, _SAMPLED, _FITTED = 100, 70e-6, 8.9
#: Megabytes a megapixel that encoding to 8 bits takes, all in all; of JPEG XL on top of 90 more.
_ENCODED = {".jpg": 10.0, ".png": 13.0, ".webp": 45.4, ".avif": 49.2, ".jxl": 14.3, ".tif": 13.2}
_JXL = 90
#: What reading a TIFF takes, a constant and a megapixel's; what a megapixel that stays in its file does not take.
_UNPACKED, _STAYING = (75, 15.5), 6
#: Of a fit that sees every pixel.
_EVERY_PIXEL = 95.0
#: The same for wide-gamut files: a constant, and a megapixel's.
_EXPANDED = {".tif": (80, 3.6), ".png": (84, 3.6), ".avif": (74, 49.7), ".jxl": (190, 20.7)}
#: What a megapixel takes of a large JPEG XL, which is packed row by row: to 8 bits, and to 16.
_LARGE_JXL, _LARGE_JXL_EXPANDED = 12.2, (75, 19.5)
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
        peak = _peak(command, suffix, settings, megapixels)
        if command == "reduce" and source.lower().endswith((".tif", ".tiff")):
            if not settings.get("exposure") and stays_in_its_file(source):
                peak -= _STAYING * megapixels
            else:
                peak = max(peak, _UNPACKED[0] + _UNPACKED[1] * megapixels)
        return int(MB * (peak + _THREAD * (threads - 1)))

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
    encoding = _PROCESS + each * megapixels + (_JXL if suffix == ".jxl" and not is_large_jxl else 0)
    if preset.every_pixel:
        return max(encoding, _PROCESS + _EVERY_PIXEL * megapixels)
    return max(encoding, _PROCESS + _SAMPLED * preset.samples + _FITTED * megapixels)
