"""Reduce wide-gamut photographs to ordinary sRGB files, and get the lost colours back.

    import gamutcli

    gamutcli.reduce_image("photo.tif", "photo.jpg")       # an sRGB picture with a small network inside
    gamutcli.expand_image("photo.jpg", "restored.tif")    # 16-bit ProPhoto again
    print(gamutcli.evaluate("photo.jpg", "photo.tif").restored.psnr_og)

Names are loaded when first used: importing the package costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gamutcli import errors
    from gamutcli.evaluation import evaluate, write_report
    from gamutcli.expand import expand_image
    from gamutcli.payload_files import embed_payload, extract_payload, inspect_image, strip_payload
    from gamutcli.reduce import reduce_image
    from gamutcli.results import Evaluation, ExpandResult, Info, ReduceResult, Scores, Transfer

__version__ = "0.1.0"

__all__ = [
    "Evaluation",
    "ExpandResult",
    "Info",
    "ReduceResult",
    "Scores",
    "Transfer",
    "__version__",
    "embed_payload",
    "errors",
    "evaluate",
    "expand_image",
    "extract_payload",
    "inspect_image",
    "reduce_image",
    "strip_payload",
    "write_report",
]

#: Where each name lives.
_HOMES = {
    "gamutcli.evaluation": ("evaluate", "write_report"),
    "gamutcli.expand": ("expand_image",),
    "gamutcli.payload_files": ("embed_payload", "extract_payload", "inspect_image", "strip_payload"),
    "gamutcli.reduce": ("reduce_image",),
    "gamutcli.results": ("Evaluation", "ExpandResult", "Info", "ReduceResult", "Scores", "Transfer"),
}


def __getattr__(name: str) -> Any:
    if name == "errors":
        return import_module("gamutcli.errors")
    for home, names in _HOMES.items():
        if name in names:
            return getattr(import_module(home), name)
    raise AttributeError(f"module 'gamutcli' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
