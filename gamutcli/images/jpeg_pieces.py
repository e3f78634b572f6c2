"""A large JPEG in pieces, on all processors: what lies between two restart markers is coded without the rest.

Source: ITU-T T.81, A.2 (order of the units), B.2.2 to B.2.4.4 (headers), E.1.4 (restart intervals).
"""

from __future__ import annotations

import re
import struct
from itertools import islice
from typing import NamedTuple

import numpy as np

from gamutcli.arrays import CodeArray
from gamutcli.containers import segments
from gamutcli.containers.segments import Segment
from gamutcli.parallel import in_order

#: Pixels of a piece, about: of one interval where it is written, of eight where it is read, for the numbers of restart
#: markers begin again with every ninth.
WRITTEN, READ = 1 << 17, 1 << 20
#: Pixels of a picture from which on it is worth it.
LARGE = 1 << 22
#: Bytes of tables that are copied for each piece: a picture has 2000 at most.
MOST_HEADER = 1 << 14

_DHT, _DQT, _DRI, _SOF0, _APP14 = 0xC4, 0xDB, 0xDD, 0xC0, 0xEE
_NEEDED = frozenset((_DHT, _DQT, _DRI, _SOF0, segments.APP0, _APP14))
_KNOWN = _NEEDED | {segments.COM, *range(segments.APP0, segments.APP0 + 16)}
_EOI = b"\xff\xd9"
_SIDE = 8
#: What may stand between coded pixels, where FF is followed by 00, and the end.
_MARKER = re.compile(rb"\xff[^\x00\xff]", re.DOTALL)


def encode_in_pieces(codes: CodeArray, quality: int, subsampling: str) -> bytes:
    """Encode a picture with restart markers, and with the Huffman codes of the standard's annex K.

    Codes made for the picture would need all of its coefficients at once: 2.8 to 3.7 times the time, for 1 to 5 % fewer
    bytes.

    Args:
        codes: (height, width, 3) uint8 sRGB.
        quality: 1 to 100.
        subsampling: "444", "422" or "420".

    Returns:
        The file, without profile; it decodes to the same codes as one in a single piece.
    """
    import imagecodecs

    height, width, _ = codes.shape
    unit_width, unit_height = _SIDE * (1 if subsampling == "444" else 2), _SIDE * (2 if subsampling == "420" else 1)
    units = max(1, WRITTEN // (width * unit_height))
    rows = units * unit_height

    def encode(top: int) -> bytes:
        piece = codes[top : top + rows]
        return bytes(imagecodecs.jpeg8_encode(piece, level=quality, subsampling=subsampling))

    header: list[Segment] = []
    written: list[bytes] = []
    for index, piece in enumerate(in_order(encode, range(0, height, rows))):
        parts, tail = segments.split(piece)
        start = _scan_start(tail)
        if not header:
            interval = segments.make(_DRI, struct.pack(">H", units * -(-width // unit_width)))
            header = [*(_with_height(part, height) for part in parts), interval]
            written.append(tail[:start])
        else:
            written.append(bytes((0xFF, 0xD0 + (index - 1) % 8)))
        written.append(tail[start:-2])
    return segments.join(header, b"".join([*written, _EOI]))


def decode_in_pieces(data: bytes) -> CodeArray | None:
    """Decode a large picture with restart markers; None of any other, and of a damaged one: decode it whole.

    Args:
        data: A JPEG file whose segments before the first scan are sound.

    Returns:
        (height, width, 3) uint8: what decoding it whole gives.
    """
    import imagecodecs

    found = _find_pieces(data)
    if found is None:
        return None
    codes = np.empty((found.height, found.width, 3), np.uint8)

    def decode(index: int) -> None:
        top = index * found.rows
        rows = slice(top, min(found.height, top + found.rows))
        header = [_with_height(part, rows.stop - rows.start) for part in found.header]
        scan = memoryview(data)[found.starts[index] : found.starts[index + 1]]
        imagecodecs.jpeg8_decode(segments.join(header, b"".join([found.scan_header, scan, _EOI])), out=codes[rows])

    try:
        for _ in in_order(decode, range(len(found.starts) - 1)):
            pass
    except (RuntimeError, ValueError):
        return None
    return codes


class _Pieces(NamedTuple):
    """Where the pieces of a file lie.

    Attributes:
        height: Of the picture, pixels.
        width: Likewise.
        rows: Of each piece but the last.
        header: The segments that each needs.
        scan_header: That of the only scan.
        starts: Where each piece starts in the file, and where the last ends.
    """

    height: int
    width: int
    rows: int
    header: list[Segment]
    scan_header: bytes
    starts: list[int]


def _find_pieces(data: bytes) -> _Pieces | None:
    """Find the pieces of a baseline JPEG in 4:4:4, each of whole rows of units: no decoder smooths across them."""
    parts, tail = segments.split(data)
    # With anything else before the scan, decoders disagree about what it means, or refuse the file.
    if any(part.marker not in _KNOWN for part in parts):
        return None
    header = [part for part in parts if part.marker in _NEEDED]
    frames = [part.body for part in header if part.marker == _SOF0]
    intervals = [part.body for part in header if part.marker == _DRI]
    if len(frames) != 1 or len(intervals) != 1 or len(intervals[0]) != 2 or len(frames[0]) != 15:
        return None
    if sum(len(part.raw) for part in header) > MOST_HEADER:
        return None
    precision, height, width, components = struct.unpack_from(">BHHB", frames[0])
    # Only a scan of all three components ends where the picture does.
    if precision != 8 or components != 3 or frames[0][7::3] != b"\x11\x11\x11" or tail[4:5] != b"\x03":
        return None
    units = -(-width // _SIDE)
    (interval,) = struct.unpack(">H", intervals[0])
    if height * width < LARGE or not interval or interval % units:
        return None
    rows = interval // units * _SIDE
    together = 8 * max(1, READ // (8 * rows * width))
    restarts = -(-height // rows) - 1
    start = len(data) - len(tail) + _scan_start(tail)
    ends = [match.end() for match in islice(_MARKER.finditer(data, start), restarts + 1)]
    numbers = [data[end - 1] for end in ends]
    if numbers != [*(0xD0 + index % 8 for index in range(restarts)), _EOI[1]]:
        return None
    starts = [start, *ends[together - 1 : -1 : together], ends[-1] - 2]
    return _Pieces(height, width, rows * together, header, tail[: _scan_start(tail)], starts)


def _scan_start(tail: bytes) -> int:
    """Where the coded pixels start in what begins with the header of their scan."""
    return 2 + int.from_bytes(tail[2:4], "big")


def _with_height(part: Segment, height: int) -> Segment:
    """The segment; of a frame, with another height."""
    if part.marker != _SOF0:
        return part
    return segments.make(_SOF0, part.body[:1] + height.to_bytes(2, "big") + part.body[3:])
