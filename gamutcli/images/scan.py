"""Read what Nikon Scan keeps of a film: named NEF like a camera's RAW, but RGB of the scanner, without a mosaic.

LibRaw develops it to white. Which colours and which curve it has depends on how Nikon Scan was set, and is not in the
file.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from gamutcli.arrays import Code16Array, CodeArray
from gamutcli.errors import InputError
from gamutcli.images.channels import picture_of, samples_of
from gamutcli.images.files import damaged
from gamutcli.images.picture import Picture, check_size
from gamutcli.images.raw_layout import (
    BITS,
    COMPRESSION,
    HEIGHT,
    ICC,
    PHOTOMETRIC,
    SAMPLES,
    WIDTH,
    Numbers,
    is_full_size,
    read_directories,
    strips_of,
)
from gamutcli.images.reading import Reading
from gamutcli.metadata import read_metadata

_UNCOMPRESSED, _RGB, _MOSAIC = 1, 2, 32803
_SCANNED = "a film scan by a Nikon Coolscan, not a camera RAW: its RGB is taken as it is"


def read_scan(path: Path, reading: Reading) -> Picture | None:
    """Read a film scanner's NEF; None of any other file.

    Raises:
        InputError: It is cut short or cannot be read; or neither the file nor the user says which colours it holds.
    """
    if path.suffix.lower() != ".nef":
        return None
    directories = read_directories(path)
    scans = [numbers for numbers in directories if _is_scan(numbers)]
    if not scans or any(numbers.get(PHOTOMETRIC) == (_MOSAIC,) for numbers in directories):
        return None
    icc = next((_bytes(numbers[ICC]) for numbers in directories if ICC in numbers), None)
    if icc is None and reading.assume_profile is None:
        raise InputError(
            f"{path}: is a film scan by a Nikon Coolscan, not a camera RAW, and does not say which colours it holds; "
            "name those that Nikon Scan was set to, as in --assume-profile srgb, or export a 16-bit TIFF with its "
            "profile from Nikon Scan or VueScan."
        )
    largest = max(scans, key=lambda numbers: numbers[WIDTH][0] * numbers[HEIGHT][0])
    return picture_of(str(path), samples_of(_codes(path, largest)), icc, read_metadata(path), reading, (_SCANNED,))


def _bytes(numbers: tuple[int, ...]) -> bytes:
    """Return what a tag holds that should consist of bytes; of one that does not, something that is no profile."""
    return bytes(numbers) if max(numbers) < 256 else b""


def _is_scan(numbers: Numbers) -> bool:
    """Tell a full-size picture of RGB, pixel by pixel, as it is."""
    return (
        is_full_size(numbers)
        and {WIDTH, HEIGHT} <= numbers.keys()
        and numbers.get(PHOTOMETRIC) == (_RGB,)
        and numbers.get(SAMPLES) == (3,)
        and numbers.get(BITS) in ((8, 8, 8), (16, 16, 16))
        and numbers.get(COMPRESSION, (_UNCOMPRESSED,)) == (_UNCOMPRESSED,)
    )


def _codes(path: Path, numbers: Numbers) -> CodeArray | Code16Array:
    """Read a scan's strips as (height, width, 3) codes of 8 or 16 bits."""
    width, height = numbers[WIDTH][0], numbers[HEIGHT][0]
    check_size(str(path), width, height)
    with path.open("rb") as file:
        order = "<" if file.read(2) == b"II" else ">"
        stored = bytearray()
        size = 3 * width * height * numbers[BITS][0] // 8
        for offset, count in strips_of(numbers):
            file.seek(offset)
            stored += file.read(min(count, size - len(stored)))
    codes = np.frombuffer(stored, "u1" if numbers[BITS][0] == 8 else f"{order}u2")
    if codes.size < 3 * width * height:
        raise damaged(str(path), "scan")
    return codes.reshape(height, width, 3).astype(codes.dtype.newbyteorder("="))
