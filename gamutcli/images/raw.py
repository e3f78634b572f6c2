"""Develop a camera RAW with LibRaw, through rawpy, which the extra [raw] asks for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from gamutcli.arrays import Code16Array
from gamutcli.color.icc import read_profile, write_profile
from gamutcli.color.spaces import PROPHOTO, encoding_table
from gamutcli.errors import InputError
from gamutcli.images.files import damaged
from gamutcli.images.picture import Picture, check_size
from gamutcli.metadata import Metadata, read_metadata, upright

#: Most of these are TIFF files inside, so that the name alone tells them.
RAW_SUFFIXES = frozenset(
    f".{suffix}"
    for suffix in (
        *("3fr", "arw", "cr2", "cr3", "dcr", "dng", "erf", "fff", "iiq", "kdc", "mef", "mos", "mrw", "nef"),
        *("nrw", "orf", "pef", "raf", "rw2", "rwl", "sr2", "srf", "srw", "x3f"),
    )
)
_DEVELOPED = "developed from the camera RAW with its own white balance and no other correction"


def read_raw(path: Path) -> Picture:
    """Develop a RAW to 16-bit ProPhoto RGB: the camera's white balance, no brightening, turned upright.

    Raises:
        InputError: rawpy is not installed, or the file is damaged or of an unknown camera.
    """
    try:
        import rawpy
    except ImportError as error:
        raise InputError(
            f"{path}: is a camera RAW; develop it to a 16-bit ProPhoto TIFF, or have it read: pip install rawpy"
        ) from error
    try:
        with rawpy.imread(str(path)) as raw:
            check_size(str(path), raw.sizes.width, raw.sizes.height)
            linear = raw.postprocess(
                use_camera_wb=True,
                no_auto_bright=True,
                output_bps=16,
                output_color=rawpy.ColorSpace.ProPhoto,
                gamma=(1, 1),
            )
            metadata = _metadata(path, raw)
    except rawpy.LibRawError as error:
        reason = error.args[0].decode() if error.args and isinstance(error.args[0], bytes) else str(error)
        raise InputError(f"{path}: cannot be developed ({reason}); develop it to a 16-bit ProPhoto TIFF.") from error
    if linear.ndim != 3 or linear.shape[2] != 3:
        raise damaged(str(path), "RAW")
    light = (np.arange(65536) / 65535).astype(np.float32)
    table: Code16Array = encoding_table(PROPHOTO, 65536).codes(light).astype(np.uint16)
    return Picture(table[linear], read_profile(write_profile(PROPHOTO)), metadata, (_DEVELOPED,))


def _metadata(path: Path, raw: Any) -> Metadata:
    """Read EXIF from the file where it is a TIFF, else from the preview in it."""
    import rawpy

    metadata = read_metadata(path)
    if metadata.exif is None:
        try:
            preview = raw.extract_thumb()
        except rawpy.LibRawError:
            return metadata
        if preview.format == rawpy.ThumbFormat.JPEG:
            metadata = read_metadata(bytes(preview.data))
    return upright(metadata)
