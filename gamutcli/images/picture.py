"""What a wide-gamut file holds, and the sizes that are believed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import numpy as np
from numpy.typing import NDArray

from gamutcli.arrays import Code16Array
from gamutcli.color.icc import Profile
from gamutcli.errors import InputError
from gamutcli.metadata import Metadata

Code = TypeVar("Code", bound=np.generic)
Arguments = ParamSpec("Arguments")
Returned = TypeVar("Returned")

# Half a gigapixel, 3.2 GB of 16-bit codes: more than any camera or stitched print needs, and below the 4 GB at which
# a classic TIFF ends.
MAX_PIXELS = 1 << 29

EIGHT_BITS = "8-bit input: its colours were coarse before they were reduced; export 16 bits if you can"
COARSE_COLORS = "its colours are stored at half its size (chroma subsampling): fine edges between them were lost before"


@dataclass(frozen=True)
class Picture:
    """A wide-gamut picture as its file stores it.

    Attributes:
        codes: (height, width, 3) uint16, or floating point with 1.0 as white, encoded with the profile's curves; four
            channels of CMYK; not rotated by Orientation.
        profile: What the codes mean; None when the file does not say.
        metadata: EXIF, XMP and IPTC, as stored.
        notes: What to tell the user about this file.
        alpha: (height, width) uint16: how opaque each pixel is, 65535 wholly; None where all are.
        is_grey: Whether the file is, so that its three channels are one.
    """

    codes: NDArray[Any]
    profile: Profile | None
    metadata: Metadata
    notes: tuple[str, ...] = ()
    alpha: Code16Array | None = None
    is_grey: bool = False


_believed: ContextVar[list[str] | None] = ContextVar("believed", default=None)


@contextmanager
def believing() -> Iterator[list[str]]:
    """Read files that claim more than the limits allow, as the user says that they are honest, or as we made them.

    Yields:
        A list, to which is added for what a file would have been refused.
    """
    claims: list[str] = []
    token = _believed.set(claims)
    try:
        yield claims
    finally:
        _believed.reset(token)


def heeding_allow_large(function: Callable[Arguments, Returned]) -> Callable[Arguments, Returned]:
    """Have a function believe the files that it reads where it is called with ``allow_large=True``."""

    @wraps(function)
    def heeding(*arguments: Arguments.args, **named: Arguments.kwargs) -> Returned:
        if not named.get("allow_large"):
            return function(*arguments, **named)
        with believing():
            return function(*arguments, **named)

    return heeding


def refuse(message: str) -> None:
    """Refuse a file for what it claims, and say how it is read all the same; do nothing where the user believes it.

    Raises:
        InputError: With this message.
    """
    claims = _believed.get()
    if claims is None:
        raise InputError(f"{message.rstrip('.')}; or use --allow-large if you trust it.")
    claims.append(message)


def check_size(name: str, width: int, height: int) -> None:
    """Refuse a size that a header claims, before anything is allocated for it.

    Raises:
        InputError: No pixel at all, or more than `MAX_PIXELS`.
    """
    if width < 1 or height < 1:
        raise InputError(f"{name}: has no pixels ({width} x {height}); export it again.")
    if width * height > MAX_PIXELS:
        refuse(f"{name}: {width} x {height} is beyond {MAX_PIXELS >> 20} megapixels; split it into parts.")


#: The Orientation that undoes another.
UNDONE = {1: 1, 2: 2, 3: 3, 4: 4, 5: 5, 6: 8, 7: 7, 8: 6}


def turn(codes: NDArray[Code], orientation: int) -> NDArray[Code]:
    """Turn a picture as it is to be looked at.

    Args:
        codes: (height, width, ...).
        orientation: 1 to 8, as in EXIF.

    Source: CIPA DC-008 (Exif 2.32), tag Orientation.
    """
    codes = np.asarray(codes)
    if orientation >= 5:
        codes = codes.swapaxes(0, 1)
    if orientation in (2, 3, 6, 7):
        codes = codes[:, ::-1]
    if orientation in (3, 4, 7, 8):
        codes = codes[::-1]
    return np.ascontiguousarray(codes)
