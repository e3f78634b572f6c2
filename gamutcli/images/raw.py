"""Develop a camera RAW with LibRaw, through rawpy, which the extra [raw] asks for."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from gamutcli.arrays import Code16Array, CodeArray
from gamutcli.color.icc import read_profile, write_profile
from gamutcli.color.spaces import PROPHOTO, encoding_table
from gamutcli.errors import InputError
from gamutcli.images.claims import check_jpeg
from gamutcli.images.files import read_bytes
from gamutcli.images.identify import HEAD, identify, verdict
from gamutcli.images.picture import Picture, check_size
from gamutcli.images.raw_evidence import Heard, contradicts, empty_rows, is_clipped, overheard
from gamutcli.images.raw_layout import check_layout, incomplete
from gamutcli.images.reading import AS_IT_IS, Reading
from gamutcli.images.scan import read_scan
from gamutcli.metadata import Metadata, read_metadata, upright_metadata

if TYPE_CHECKING:
    import rawpy

_DEVELOPED = "developed from the camera RAW with its own white balance and no other correction"
_FEWEST_EMPTY_ROWS = 4


def read_raw(path: Path, reading: Reading = AS_IT_IS) -> Picture:
    """Develop a RAW to 16-bit ProPhoto RGB: the camera's white balance, no brightening, turned upright.

    Raises:
        InputError: rawpy is not installed; the file is damaged, cut short or of an unknown camera; or what came out is
            not the photograph.
    """
    format = identify(path.name, read_bytes(path, HEAD))
    if format not in ("raw", "tiff", "unknown"):
        raise InputError(f"{path}: cannot be developed: it {verdict(format)}.")
    check_layout(path)
    scan = read_scan(path, reading)
    if scan is not None:
        return scan
    developed = _develop(path)
    _check(path, developed)
    light = (np.arange(65536) / 65535).astype(np.float32)
    table: Code16Array = encoding_table(PROPHOTO, 65536).codes(light).astype(np.uint16)
    codes = table[developed.linear]
    notes = (_DEVELOPED, *(f"LibRaw says: {remark}" for remark in dict.fromkeys(developed.heard.remarks)))
    return Picture(codes, read_profile(write_profile(PROPHOTO)), upright_metadata(developed.metadata), notes)


class _Developed(NamedTuple):
    """What LibRaw made of a RAW.

    Attributes:
        linear: (height, width, 3) uint16, linear ProPhoto RGB.
        heard: What LibRaw said of it.
        one_value: The sensor saw nothing but one value.
        empty_rows: Rows of the sensor that are nothing but zeros.
        preview: (height, width, 3) uint8, the camera's own rendering; None where there is none to be read.
        metadata: Of the file, or else of its preview.
    """

    linear: Code16Array
    heard: Heard
    one_value: bool
    empty_rows: int
    preview: CodeArray | None
    metadata: Metadata


def _develop(path: Path) -> _Developed:
    """Develop a RAW, and look at what its sensor saw."""
    try:
        import rawpy
    except ImportError as error:
        raise InputError(
            f"{path}: is a camera RAW; develop it to a 16-bit ProPhoto TIFF, or have it read: pip install rawpy"
        ) from error
    with ExitStack() as opened:
        try:
            with overheard() as heard:
                raw = opened.enter_context(rawpy.imread(str(path)))
                check_size(str(path), raw.sizes.width, raw.sizes.height)
                linear = raw.postprocess(
                    use_camera_wb=True,
                    no_auto_bright=True,
                    output_bps=16,
                    output_color=rawpy.ColorSpace.ProPhoto,
                    gamma=(1, 1),
                )
        except rawpy.LibRawError as error:
            raise _failure(path, heard, error) from error
        if linear.ndim != 3 or linear.shape[2] != 3:
            raise InputError(f"{path}: is a camera RAW without colours; develop it to a 16-bit RGB TIFF.")
        seen = raw.raw_image_visible
        with overheard():  # what is wrong with a preview is no fault of the photograph
            preview = _preview(raw)
        metadata = read_metadata(path)
        if metadata.exif is None and isinstance(preview, bytes):
            metadata = read_metadata(preview)
        return _Developed(
            linear,
            heard,
            one_value=seen is not None and bool(seen.min() == seen.max()),
            empty_rows=empty_rows(seen) if seen is not None and seen.ndim == 2 else 0,
            preview=_decode(preview),
            metadata=metadata,
        )


def _failure(path: Path, heard: Heard, error: rawpy.LibRawError) -> InputError:
    """Say why LibRaw gave up."""
    import rawpy

    reason = error.args[0].decode() if error.args and isinstance(error.args[0], bytes) else str(error)
    if heard.complaints or isinstance(error, (rawpy.LibRawIOError, rawpy.LibRawDataError)):
        return incomplete(path, f"LibRaw: {(*heard.complaints, reason)[0]}")
    return InputError(
        f"{path}: cannot be developed (LibRaw: {reason}); develop it in the camera maker's program, or convert it to "
        "DNG, or export a 16-bit ProPhoto TIFF."
    )


def _check(path: Path, developed: _Developed) -> None:
    """Refuse what is not a developed photograph."""
    if developed.heard.complaints:
        raise incomplete(path, f"LibRaw: {developed.heard.complaints[0]}")
    if developed.one_value:
        raise incomplete(path, "every pixel of its sensor has the same value")
    if developed.empty_rows >= _FEWEST_EMPTY_ROWS:
        raise incomplete(path, f"{developed.empty_rows} rows of its sensor are empty")
    if is_clipped(developed.linear):
        raise _not_developed(path, "all of it comes out white or black")
    # A preview is made anew when a DNG is edited, and cropped as the picture is.
    if developed.preview is None or _says_cropped(developed.metadata):
        return
    if contradicts(developed.preview, developed.linear):
        raise _not_developed(path, "what comes out is not what the preview in it shows")


def _not_developed(path: Path, reason: str) -> InputError:
    return InputError(
        f"{path}: is a camera RAW that LibRaw does not develop rightly ({reason}), or it is damaged; develop it in the "
        "camera maker's program, or export a 16-bit ProPhoto TIFF."
    )


def _says_cropped(metadata: Metadata) -> bool:
    packet = metadata.xmp or b""
    return b'HasCrop="True"' in packet or b"HasCrop>True<" in packet


def _preview(raw: rawpy.RawPy) -> bytes | CodeArray | None:
    """Return the largest preview in a RAW: a JPEG's bytes, or pixels."""
    import rawpy

    try:
        preview = raw.extract_thumb()
    except rawpy.LibRawError:
        return None
    return bytes(preview.data) if preview.format == rawpy.ThumbFormat.JPEG else np.asarray(preview.data)


def _decode(preview: bytes | CodeArray | None) -> CodeArray | None:
    """Return a preview's (height, width, 3) codes, None where it is no RGB picture or damaged."""
    import imagecodecs

    if isinstance(preview, bytes):
        try:
            check_jpeg("the preview", preview)
            preview = imagecodecs.jpeg8_decode(preview)
        except (imagecodecs.Jpeg8Error, ValueError, InputError):
            return None
    return preview if preview is not None and preview.ndim == 3 and preview.shape[2] == 3 else None
