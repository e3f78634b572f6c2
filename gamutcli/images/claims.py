"""What headers claim, held against the bytes there are: a few of these must not ask for gigabytes or minutes.

What few files need is imported with the first of them.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterable
from math import prod
from typing import TYPE_CHECKING

from gamutcli.containers import bmff, jxl, png, segments, webp
from gamutcli.errors import InputError
from gamutcli.images.files import damaged, decoding
from gamutcli.images.picture import check_size, refuse

if TYPE_CHECKING:
    from gamutcli.images.jp2_codestream import Size
    from gamutcli.images.jxl_header import Header

_SMALL = 1 << 20
"""Pixels of a picture that is believed whatever it claims: decoding so many costs next to nothing."""

MAX_SCANS, FEW_SCANS, SCANNED_PIXELS = 100, 20, 800_000_000
"""Most scans of a JPEG. Encoders write 10 (libjpeg) to 12 (mozjpeg); libjpeg-turbo advises programs to stop somewhere,
for each scan goes over all pixels however few bytes it has. More than the few are only read of a smaller picture."""

_DEFLATE_GROWTH = 1032
"""Bytes that one byte of deflate can become: a match of 258 for two bits."""

_PNG_SIDE = 1_000_000
"""Widest and highest PNG that libpng reads unless it is told otherwise."""

_GROWTH, _LARGE, _LARGE_GROWTH = 512, 1 << 25, 64
"""Pixels that a byte may become, and those of a large picture, for in many formats one of a single colour takes no bits
a pixel; photographs have 0.3 to 30 pixels a byte, plain drawings some hundreds, large ones less."""

_PLAIN = {
    **dict.fromkeys(("JPEG", "PNG", "TIFF", "WebP"), _LARGE),
    **{"AVIF": 1 << 24, "HEIC": 1 << 24, "JPEG XL": 1 << 23, "JPEG 2000": 1 << 23},
}
"""Pixels of a picture of these that may be of one colour: a second or so, or a quarter of a gigabyte, to decode."""

_PLAIN_SAMPLES, _SAMPLES_GROWTH = 1 << 27, 512
"""Bytes of the samples of an OpenEXR file that is believed, and those that a byte may become of a larger one."""

_LAYERED = 1 << 24
_LAYERED_GROWTH = 64
_FRAME = 1 << 14
"""Pixels of all frames of a JPEG XL, and of those a byte: honest layers have bytes. A frame counts as some at least."""

_BLOCK = 128
"""Samples that a code-block of a JPEG 2000 counts as: what a decoder keeps of it takes about as much memory."""

_SOF, _DC_ONLY = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}, frozenset((0xC3, 0xC7, 0xCB, 0xCF))
_SOS, _EOI = 0xDA, 0xD9
# In what is entropy-coded, FF is followed by 00 or a restart marker.
_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]", re.DOTALL)


def distinct_bytes(ranges: Iterable[tuple[int, int]]) -> int:
    """Count the bytes of a file that lie in at least one of some ranges, each its start and its length."""
    total = reached = 0
    for start, length in sorted(ranges):
        total += max(0, start + length - max(start, reached))
        reached = max(reached, start + length)
    return total


def check_jpeg(name: str, data: bytes, around: int = 0) -> tuple[int, int]:
    """Refuse a JPEG of more blocks than bits, or of a hundred scans.

    Every block has the code of its mean value, and a code has a bit at least; in lossless JPEG, every sample has one.

    Args:
        name: The file, for the message of an error.
        data: The whole JPEG.
        around: Pixels of the picture that it is a part of.

    Returns:
        Width and height.

    Raises:
        InputError: It claims what its bytes cannot hold, or is no JPEG.

    Source: ITU-T T.81, A.1.1 (sizes of components), F.1.2.1 and H.1.2.2 (codes), C.2 (their lengths).
    """
    try:
        parts, tail = segments.split(data)
    except InputError as error:
        raise InputError(f"{name}: {error}") from error
    frame = next((part for part in parts if part.marker in _SOF), None)
    if frame is None or len(frame.body) < 6 or len(frame.body) < 6 + 3 * frame.body[5]:
        return 0, 0  # the decoder will say what is wrong
    height, width = int.from_bytes(frame.body[1:3], "big"), int.from_bytes(frame.body[3:5], "big")
    factors = [(frame.body[at] >> 4, frame.body[at] & 15) for at in range(7, 6 + 3 * frame.body[5], 3)]
    side = 1 if frame.marker in _DC_ONLY else 8
    widest, highest = max((h for h, _ in factors), default=1) or 1, max((v for _, v in factors), default=1) or 1
    codes = sum(-(-width * h // (widest * side)) * -(-height * v // (highest * side)) for h, v in factors)
    most = max(FEW_SCANS, min(MAX_SCANS, SCANNED_PIXELS // max(1, around, width * height)))
    scans, end = _scans(tail, most)
    if scans > most:
        refuse(f"{name}: is stored in more than {most} scans; save it again in an editor, or with jpegtran.")
    if width * height > _SMALL and codes > 8 * end:
        _refuse(name, width, height)
    check_plain(name, "JPEG", width, height, end)
    return width, height


def check_png(name: str, data: bytes, width: int, height: int, bits: int) -> None:
    """Refuse a PNG whose compressed pixels cannot become as many as it claims, or that libpng does not read.

    Args:
        name: The file, for the message of an error.
        data: The whole file.
        width: As its header says.
        height: As its header says.
        bits: Of a pixel.

    Raises:
        InputError: It claims what its bytes cannot hold, or is no PNG.
    """
    if max(width, height) > _PNG_SIDE:
        raise InputError(f"{name}: a PNG of more than {_PNG_SIDE:,} pixels a side is not read; export a TIFF.")
    stored = sum(end - start for kind, start, end in png.walk(data) if kind == b"IDAT")
    if width * height > _SMALL and height * (width * bits // 8) > stored * _DEFLATE_GROWTH:
        _refuse(name, width, height)
    check_plain(name, "PNG", width, height, stored, bits)


def check_webp(name: str, data: bytes) -> tuple[int, int]:
    """Refuse a WebP of far more pixels than a picture has in so few bytes.

    Returns:
        Width and height.

    Raises:
        InputError: It claims what its bytes do not hold, or is no WebP.
    """
    try:
        width, height = max(webp.sizes(data), key=prod, default=(0, 0))
        frames = sum(kind == b"ANMF" for kind, _ in webp.chunks_of(data))
    except InputError as error:
        raise damaged(name, "WebP") from error
    check_plain(name, "WebP", width, height * max(1, frames), len(data))
    return width, height


def check_plain(name: str, kind: str, width: int, height: int, size: int, bits: int = 24) -> None:
    """Refuse a picture of far more pixels than one has in so few bytes, though its format would allow them.

    Args:
        name: The file, for the message of an error.
        kind: Its format, as in `_PLAIN`.
        width: As its header says.
        height: As its header says.
        size: Bytes of the file, or of its pixels.
        bits: Of a pixel; one of 16 bits a channel counts as two.

    Raises:
        InputError: It claims what its bytes do not hold.
    """
    if width * height * bits // 24 > _most(kind, size):
        _refuse(name, width, height)


def _most(kind: str, size: int) -> int:
    """Pixels that a picture of so many bytes may claim."""
    return max(_PLAIN[kind], min(_GROWTH * size, max(_LARGE, _LARGE_GROWTH * size)))


def check_avif(name: str, data: bytes) -> int:
    """Refuse a sequence, and an AVIF of far more pixels than one has in so few bytes, whatever they are made of.

    Returns:
        About how many bytes of memory it takes to decode it.

    Raises:
        InputError: It claims what its bytes do not hold, or is no AVIF.
    """
    from gamutcli.images import av1

    try:
        is_sequence, properties, items = bmff.is_sequence(data), bmff.properties(data), bmff.items_of(data, b"av01")
        claimed = [struct.unpack_from(">II", body, 4) for kind, body in properties if kind == b"ispe"]
        pixels = sum(av1.pixels_of(item) for item in items)
    except (InputError, ValueError, struct.error) as error:
        raise damaged(name, "AVIF") from error
    if is_sequence:
        raise InputError(f"{name}: is a sequence of pictures; export one of them.")
    width, height = max(claimed, key=prod, default=(0, 0))
    check_size(name, width, height)
    check_plain(name, "AVIF", width, height, len(data))
    if pixels > 2 * _most("AVIF", len(data)):
        _refuse(name, width, height)
    return 6 * int(width) * int(height)


def check_samples(name: str, samples: int, size: int) -> None:
    """Refuse an OpenEXR file of far more samples, of 16 bits at least, than its codings make of pictures.

    Args:
        name: The file, for the message of an error.
        samples: In all channels of all its pictures, for all are decoded.
        size: Bytes of the file.

    Raises:
        InputError: It claims what its bytes do not hold.
    """
    if 2 * samples > max(_PLAIN_SAMPLES, _SAMPLES_GROWTH * size):
        refuse(f"{name}: claims {samples:,} samples, more than pictures of so few bytes have; export it again.")


def check_jxl(name: str, data: bytes) -> Header:
    """Refuse a JPEG XL of far more pixels than one has in so few bytes, or of far more frames than it has pixels.

    Returns:
        Its header.

    Raises:
        InputError: It claims what its bytes do not hold, or is no JPEG XL.
    """
    from gamutcli.images.jxl_frames import frames_of
    from gamutcli.images.jxl_header import read_header

    with decoding(name, "JPEG XL"):
        try:
            codestream = jxl.whole_codestream(data)
            header = read_header(codestream)
        except InputError as error:
            raise damaged(name, "JPEG XL") from error
        check_size(name, header.width, header.height)
        pixels = header.width * header.height
        check_plain(name, "JPEG XL", header.width, header.height, len(data))
        most = max(2 * pixels, _LAYERED, _LAYERED_GROWTH * len(data))
        try:
            for number, frame in enumerate(frames_of(codestream, header), 1):
                most -= max(_FRAME, pixels if frame.is_shown else frame.width * frame.height)
                if most < 0:
                    refuse(f"{name}: holds {number:,} frames or more, too many for its bytes; export one picture.")
                    break
        except NotImplementedError as error:
            raise InputError(f"{name}: its frames are coded in a way that is not read here; save it again.") from error
    return header


def check_jp2(name: str, data: bytes, codestream: bytes) -> Size:
    """Refuse a JPEG 2000 of more packets than bytes, for each takes one at least, or of far more pixels.

    Returns:
        What its header says.

    Raises:
        InputError: It claims what its bytes do not hold, or is no JPEG 2000.
    """
    from gamutcli.images import jp2_codestream

    with decoding(name, "JPEG 2000"):
        size = jp2_codestream.read_size(codestream)
        width, height = size.sides
        check_size(name, width, height)
        asked = jp2_codestream.asked_by(codestream, size)
    samples = max(asked.samples, asked.blocks * _BLOCK)
    if asked.packets > len(data) or samples > 3 * _most("JPEG 2000", len(data)):
        _refuse(name, width, height)
    return size


def _refuse(name: str, width: int, height: int) -> None:
    refuse(f"{name}: claims {width} x {height} pixels, more than pictures of so few bytes have; export it again.")


def _scans(tail: bytes, most: int) -> tuple[int, int]:
    """Count the scans from the first on, up to one more than `most`, and find where the last of them ends."""
    scans, at = 0, 0
    while match := _MARKER.search(tail, at):
        marker = tail[match.start() + 1]
        if marker == _EOI:
            return scans, match.start()
        scans += marker == _SOS
        if scans > most:
            break
        at = match.end() + int.from_bytes(tail[match.end() : match.end() + 2], "big")
    return scans, len(tail)
