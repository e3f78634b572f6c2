"""Read a WebP: 8 bits, sRGB unless it holds a profile."""

from __future__ import annotations

from gamutcli.color.icc import Profile
from gamutcli.containers import webp
from gamutcli.errors import InputError
from gamutcli.images.channels import picture_of, presumed_srgb, samples_of
from gamutcli.images.claims import check_webp
from gamutcli.images.files import damaged, decoding
from gamutcli.images.picture import COARSE_COLORS, Picture
from gamutcli.images.reading import Reading, choose
from gamutcli.metadata import read_metadata

_PROFILE, _LOSSY, _FRAME = b"ICCP", b"VP8 ", b"ANMF"


def read_webp(name: str, data: bytes, reading: Reading) -> Picture:
    """Read a WebP, of an animation the picture that was chosen.

    Raises:
        InputError: It is damaged or cut short, an animation of which no picture was chosen, or its profile cannot be
            used.
    """
    import imagecodecs

    try:
        chunks = webp.chunks_of(data)
    except InputError as error:
        raise damaged(name, "WebP") from error
    check_webp(name, data)
    index = choose(name, reading, max(1, sum(kind == _FRAME for kind, _ in chunks)))
    with decoding(name, "WebP"):
        codes = imagecodecs.webp_decode(data, index)  # the format ends at 16383 pixels a side
    meaning: bytes | Profile | None = next((body for kind, body in chunks if kind == _PROFILE), None)
    notes: tuple[str, ...] = ()
    if meaning is None:
        meaning, notes = presumed_srgb(reading)
    if any(kind == _LOSSY for kind, _ in chunks):
        notes += (COARSE_COLORS,)
    return picture_of(name, samples_of(codes), meaning, read_metadata(data), reading, notes)
