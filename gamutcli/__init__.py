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
    from gamutcli.pipeline import (
        Evaluation,
        ExpandResult,
        Info,
        ReduceResult,
        Scores,
        evaluate,
        expand_image,
        inspect_image,
        reduce_image,
        write_report,
    )
    from gamutcli.transfer import Transfer, embed_payload, extract_payload, strip_payload

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

_IN_TRANSFER = ("Transfer", "embed_payload", "extract_payload", "strip_payload")


def __getattr__(name: str) -> Any:
    if name == "errors":
        return import_module("gamutcli.errors")
    if name in _IN_TRANSFER:
        return getattr(import_module("gamutcli.transfer"), name)
    if name in __all__:
        return getattr(import_module("gamutcli.pipeline"), name)
    raise AttributeError(f"module 'gamutcli' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
