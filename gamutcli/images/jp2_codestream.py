"""What a JPEG 2000 codestream asks of a decoder, from its headers alone: samples, code-blocks and packets.

Source: ISO/IEC 15444-1, annex A (markers), B.3 to B.10 (tiles, resolutions, precincts, code-blocks, packets).
"""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

_SIZ, _COD, _COC, _SOT, _SOD, _EOC = 0xFF51, 0xFF52, 0xFF53, 0xFF90, 0xFF93, 0xFFD9
_MOST_TILES, _MOST_COMPONENTS, _MOST_STYLES = 65535, 32, 32
_OWN_PRECINCTS = 1
_WHOLE = 15  # precincts of 2 to the power of this, where none are given


@dataclass(frozen=True)
class Size:
    """What SIZ says (A.5.1).

    Attributes:
        ends: Right and bottom of the picture, on the reference grid.
        starts: Left and top.
        tile: Width and height of a tile.
        first: Left and top of the first tile.
        components: Bits less one with a flag of the sign, and the steps across and down, of each.
    """

    ends: tuple[int, int]
    starts: tuple[int, int]
    tile: tuple[int, int]
    first: tuple[int, int]
    components: tuple[tuple[int, int, int], ...]

    @property
    def sides(self) -> tuple[int, int]:
        """Width and height of the picture."""
        return self.ends[0] - self.starts[0], self.ends[1] - self.starts[1]

    @property
    def is_subsampled(self) -> bool:
        """Whether components have fewer samples than others."""
        return len({step for _, *steps in self.components for step in steps}) > 1


class Style(NamedTuple):
    """How components are coded (A.6.1): layers are those of COD, whatever COC says."""

    layers: int
    levels: int
    block: tuple[int, int]
    precincts: tuple[int, ...]


class Asked(NamedTuple):
    """What there is to decode."""

    samples: int
    blocks: int
    packets: int


def read_size(codestream: bytes) -> Size:
    """Read the first segment of a codestream.

    Raises:
        ValueError: It is none, or its size cannot be.
    """
    if codestream[:4] != b"\xff\x4f\xff\x51" or len(codestream) < 42:
        raise ValueError("no codestream")
    ends, starts, tile, first = (struct.unpack_from(">2I", codestream, 8 + 8 * at) for at in range(4))
    (count,) = struct.unpack_from(">H", codestream, 40)
    components = tuple(struct.iter_unpack(">3B", codestream[42 : 42 + min(3 * count, len(codestream) - 42) // 3 * 3]))
    if not components or len(components) < count or count > _MOST_COMPONENTS:
        raise ValueError("components that cannot be")
    if not all(across and down for _, across, down in components):
        raise ValueError("components without samples")
    if not all(
        origin <= start < end and step for origin, start, end, step in zip(first, starts, ends, tile, strict=True)
    ):
        raise ValueError("a picture without pixels")
    if not all(origin + step > start for origin, start, step in zip(first, starts, tile, strict=True)):
        raise ValueError("a first tile without pixels")
    return Size(ends, starts, tile, first, components)


def asked_by(codestream: bytes, size: Size) -> Asked:
    """Count what a decoder has to do; of several styles of coding, the one that asks most stands for all.

    Raises:
        ValueError: It is damaged.
    """
    if prod(_tiles(size, axis) for axis in (0, 1)) > _MOST_TILES:
        raise ValueError("too many tiles")
    steps = Counter((across, down) for _, across, down in size.components)
    samples = sum(
        count * prod(-(-size.ends[axis] // step[axis]) + -size.starts[axis] // step[axis] for axis in (0, 1))
        for step, count in steps.items()
    )
    blocks = packets = 0
    for style in _styles(codestream, len(size.components)):
        asked = [_coded(size, style, step, count) for step, count in steps.items()]
        blocks = max(blocks, sum(each[0] for each in asked))
        packets = max(packets, sum(each[1] for each in asked))
    return Asked(samples, blocks, packets)


def _tiles(size: Size, axis: int) -> int:
    return -(-(size.ends[axis] - size.first[axis]) // size.tile[axis])


def _edges(size: Size, axis: int, step: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Begin and end of every column or row of tiles, in samples of a component."""
    origins = size.first[axis] + size.tile[axis] * np.arange(_tiles(size, axis), dtype=np.int64)
    begins = np.maximum(origins, size.starts[axis])
    ends = np.minimum(origins + size.tile[axis], size.ends[axis])
    return -(-begins // step), -(-ends // step)


def _coded(size: Size, style: Style, step: tuple[int, int], count: int) -> tuple[int, int]:
    """Code-blocks and packets of so many components of one size."""
    blocks = precincts = 0
    for level in range(style.levels + 1):
        shift = style.levels - level
        of_level = style.precincts[min(level, len(style.precincts) - 1)]
        numbers = []
        for axis in (0, 1):
            power = of_level >> 4 * axis & 15
            begins, ends = (-(-edge // (1 << shift)) for edge in _edges(size, axis, step[axis]))
            whole = np.where(ends > begins, -(-ends // (1 << power)) - begins // (1 << power), 0)
            # Bands but the lowest have half the size of their resolution, and blocks are no larger than precincts.
            half = min(level, 1)
            block = min(style.block[axis], max(0, power - half)) + half
            numbers.append((int(whole.sum()), int((-(-(ends - begins) // (1 << block))).sum())))
        precincts += numbers[0][0] * numbers[1][0]
        blocks += (3 if level else 1) * numbers[0][1] * numbers[1][1]
    return count * blocks, count * precincts * style.layers


def _styles(codestream: bytes, components: int) -> set[Style]:
    """Read COD and COC of the main header and of those of tiles."""
    found: set[Style] = set()
    layers, wide = 1, components > 256
    for marker, body in _segments(codestream):
        if marker == _COD and len(body) >= 10:
            layers = max(layers, int.from_bytes(body[2:4], "big"))
            found.add(_style(body[0], body[5:]))
        elif marker == _COC and len(body) >= 7 + wide:
            found.add(_style(body[1 + wide], body[2 + wide :]))
        if len(found) > _MOST_STYLES:
            raise ValueError("too many styles of coding")
    return {style._replace(layers=layers) for style in found}


def _style(flags: int, body: bytes) -> Style:
    levels = body[0]
    precincts = tuple(body[5 : 6 + levels]) if flags & _OWN_PRECINCTS else (_WHOLE * 17,)
    if levels > 32 or not precincts:
        raise ValueError("a style of coding that there is not")
    return Style(1, levels, ((body[1] & 15) + 2, (body[2] & 15) + 2), precincts)


def _segments(codestream: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the segments of the main header and of those of tile-parts; what is coded is left out."""
    at, tile_part, length = 2, 0, 0
    while at + 4 <= len(codestream):
        marker, size = struct.unpack_from(">HH", codestream, at)
        if marker == _EOC:
            return
        if marker == _SOD:
            if not length:  # this tile-part goes on to the end
                return
            at = tile_part + max(length, 12)
            continue
        if marker == _SOT:
            tile_part, length = at, int.from_bytes(codestream[at + 6 : at + 10], "big")
        yield marker, codestream[at + 4 : at + 2 + size]
        at += 2 + max(2, size)
