"""Encode a picture without loss, and write the header of a JPEG XL codestream anew: its colour space and orientation.

The encoder at hand (imagecodecs) names no colours but sRGB's and no orientation. Both are a few bits of the header,
which ends at a byte's boundary before the first frame; the frames stay as they are. In a lossless file, and only there,
the codes mean what the header says.

Source: ISO/IEC 18181-1:2024, annex D (image header) and E (colour encoding), B.2 (fields).
"""

from __future__ import annotations

from gamutcli.arrays import Code16Array, CodeArray
from gamutcli.color.spaces import ADOBE_RGB, DISPLAY_P3, REC2020, SRGB, Chromaticity, RGBSpace
from gamutcli.containers import jxl as container
from gamutcli.errors import InputError, UsageError
from gamutcli.images.files import damaged, encoding_jxl
from gamutcli.images.jxl_bits import ENUM, BitReader, BitWriter
from gamutcli.images.jxl_header import DEPTHS, XY, Header, read_header

_D65 = 1
# Primaries and transfer function by number; those of Adobe RGB have none and are written out.
_PRIMARIES = {"srgb": 1, "rec2020": 9, "displayp3": 11}
_TRANSFERS = {"srgb": 13, "displayp3": 13, "rec2020": 1}
_CUSTOM = 2
_ADOBE_GAMMA = round(1e7 * 256 / 563)
_RELATIVE_INTENT = 1

# Measured on photographs: the encoder's effort 3 takes 0.3 s a megapixel where its best takes 2.8 s for 6 % fewer
# bytes, and keeps 4 bytes of every sample and more. Effort 1 works row by row, in a tenth of the time: of 16 bits it
# makes 9 % more bytes, of 8 bits 9 to 28 %.
EFFORT, _EFFORT_OF_LARGE = 3, 1
LARGE = 50_000_000
"""Pixels beyond which memory counts for more than bytes."""

#: The spaces that a header can name exactly.
SPACES = (SRGB, DISPLAY_P3, ADOBE_RGB, REC2020)


def header_of(data: bytes, name: str) -> Header:
    """Read the header of a JPEG XL file, before anything is decoded.

    Raises:
        InputError: Damaged.
    """
    try:
        return read_header(container.codestream(data))
    except (EOFError, InputError) as error:
        raise damaged(name, "JPEG XL") from error


def encode_lossless(codes: CodeArray | Code16Array) -> bytes:
    """Encode codes, and return the file, tagged sRGB.

    Args:
        codes: (height, width, 3).
    """
    import imagecodecs

    height, width, _ = codes.shape
    effort = EFFORT if height * width <= LARGE else _EFFORT_OF_LARGE
    with encoding_jxl(height * width):
        return bytes(imagecodecs.jpegxl_encode(codes, lossless=True, effort=effort))


def rewrite(data: bytes, space: RGBSpace, orientation: int = 1) -> bytes:
    """Return a codestream, as imagecodecs wrote it, with another colour space and orientation.

    Args:
        data: Of one RGB picture without further channels, tagged sRGB.
        space: One of `SPACES`.
        orientation: 1 to 8, as in EXIF.

    Raises:
        UsageError: A space that the header cannot name.
    """
    if space == SRGB and orientation == 1:
        return data
    if space not in SPACES:
        names = ", ".join(known.name for known in SPACES[1:])
        raise UsageError(f"a JPEG XL cannot name {space.title}; choose --to {names}, or write a TIFF.")
    codestream = container.codestream(data)
    old, new = read_header(codestream), BitWriter()
    if old.channels or old.is_float or old.is_animated or old.colors.has_profile or old.colors.is_grey:
        raise ValueError("a codestream of another kind than imagecodecs writes of RGB")
    new.put(old.size_end, BitReader(codestream).take(old.size_end))
    new.put(1, 0)  # not all as usual
    new.put(1, 1)  # extra fields:
    new.put(3, orientation - 1)
    new.put(3, 0)  # no intrinsic size, no preview, no animation
    new.put(1, 0)  # whole numbers
    new.put_one_of(DEPTHS, old.depth)
    new.put(1, int(old.has_small_buffers))
    new.put(2, 0)  # no extra channels
    new.put(1, int(old.is_xyb))
    _put_color(new, space)
    new.put(1, 1)  # usual tone mapping
    new.put(2, 0)  # no extensions
    new.put(1, 1)  # usual transform
    return b"".join([new.whole_bytes(), memoryview(codestream)[(old.end + 7) // 8 :]])


def _put_color(bits: BitWriter, space: RGBSpace) -> None:
    if space == SRGB:
        bits.put(1, 1)
        return
    bits.put(2, 0)  # not as usual, no ICC profile
    bits.put_one_of(ENUM, 0)  # RGB
    bits.put_one_of(ENUM, _D65)
    bits.put_one_of(ENUM, _PRIMARIES.get(space.name, _CUSTOM))
    if space.name not in _PRIMARIES:
        for primary in space.primaries:
            _put_chromaticity(bits, primary)
    if space.name in _TRANSFERS:
        bits.put(1, 0)
        bits.put_one_of(ENUM, _TRANSFERS[space.name])
    else:
        bits.put(1, 1)
        bits.put(24, _ADOBE_GAMMA)
    bits.put_one_of(ENUM, _RELATIVE_INTENT)


def _put_chromaticity(bits: BitWriter, xy: Chromaticity) -> None:
    for value in xy:
        bits.put_one_of(XY, 2 * round(1e6 * value))  # twice: odd numbers are negative
