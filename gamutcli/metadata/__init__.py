"""The camera's metadata: read it from any picture, and make it true for the file that carries it on."""

from gamutcli.containers import Metadata
from gamutcli.metadata.read import read_metadata
from gamutcli.metadata.rules import (
    EXIF_LIMIT,
    GAIN_MAP,
    make_true,
    orientation_of,
    turn_metadata,
    upright_metadata,
    without_private,
)

__all__ = [
    "EXIF_LIMIT",
    "GAIN_MAP",
    "Metadata",
    "make_true",
    "orientation_of",
    "read_metadata",
    "turn_metadata",
    "upright_metadata",
    "without_private",
]
