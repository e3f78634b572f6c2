"""A fitted network as bytes: what travels in the picture's metadata.

All numbers are little endian.  docs/FORMAT.md says the same at a stranger's pace.

    offset  bytes  field
    0       4      magic "GMUT"
    4       1      version: 1, or 2 where there are fields
    5       1      flags: 1 every pixel is corrected, 2 CAT02 instead of Bradford, 4 linear ProPhoto color input
    6       1      tolerance, codes
    7       1      blocks along a side of the grid of block means
    8       4, 4   width, height of the picture
    16      16     SHA-256 of its RGB codes, first 16 bytes
    32      1      octaves of x and y
    33      1      octaves of the color
    34      1      first octave, signed
    35      1      hidden layers; 0: no network, nothing to restore
    36      2      width of the hidden layers
    38      1      number of boxes
    39      1      0
    40      4      residual scale, float32
    44      2n     boxes: radius (+ 128: contrast with the mean, not the mean), octaves
    ..      ..     with version 2: the fields, see ``payload.fields``
    ..      ..     body, raw deflate: the grid (side * side * 3 bytes, each less its left neighbour), the int8 levels
                   of each layer (outputs x inputs), the scales of all layers (float16, one an output: all low
                   bytes, then all high bytes)
    end-4   4      CRC-32 of all before
"""

from __future__ import annotations

import math
import struct
import zlib
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from gamutcli.color.gamut import Correction
from gamutcli.color.spaces import Adaptation
from gamutcli.errors import PayloadError
from gamutcli.fingerprint.blocks import LostBlocks
from gamutcli.fingerprint.match import DIGEST_BYTES, Fingerprint
from gamutcli.network.shape import Box, Inputs, Layer, Network, Shape
from gamutcli.payload.fields import Fields, pack_fields, unpack_fields

Number = TypeVar("Number", bound=np.generic)

MAGIC = b"GMUT"
#: What is written wherever it says all there is to say, and what fields take.
VERSION, WITH_FIELDS = 1, 2
_HEADER = struct.Struct(f"<4sBBBBII{DIGEST_BYTES}sBBbBHBBf")
_EVERY_PIXEL, _CAT02, _PROPHOTO_INPUT = 1, 2, 4
_CONTRAST = 128
NO_FIELDS = Fields()

# Bounds that no written payload exceeds: whatever a file claims, nothing larger is ever allocated.
MAX_SIDE = 1 << 20
MAX_HIDDEN = 1024
MAX_LAYERS = 8
MAX_OCTAVES = 16
MAX_BOXES = 8
MAX_RADIUS = 64
MAX_GRID_SIDE = 32
MAX_TOLERANCE = 64
#: Far above what fits give, and far below what float32 cannot hold.
MAX_REACH = 1e24


@dataclass(frozen=True)
class Payload:
    """All that the decoder needs besides the picture.

    Attributes:
        fingerprint: The picture that the network was fitted to.
        adaptation: Between sRGB's white and ProPhoto's.
        correction: Which pixels are corrected.
        network: None where there was nothing to restore.
        blocks: Where lost colours are; None: wherever pixels look like it.
    """

    fingerprint: Fingerprint
    adaptation: Adaptation
    correction: Correction
    network: Network | None
    blocks: LostBlocks | None = None

    @property
    def fields(self) -> Fields:
        """What version 1 has no word for."""
        return Fields(self.correction.compression, self.blocks)

    @property
    def version(self) -> int:
        """Of the format that it is packed in."""
        return WITH_FIELDS if self.fields else VERSION


def pack(payload: Payload) -> bytes:
    """Turn a payload into bytes; the same payload always gives the same bytes."""
    mark, network = payload.fingerprint, payload.network
    inputs = network.inputs if network else Inputs(0, 0)
    shape = network.shape if network else None
    flags = (
        _EVERY_PIXEL * payload.correction.every_pixel
        + _CAT02 * (payload.adaptation == "cat02")
        + _PROPHOTO_INPUT * (inputs.color == "prophoto_linear")
    )
    header = _HEADER.pack(
        MAGIC,
        payload.version,
        flags,
        payload.correction.tolerance,
        mark.grid.shape[0],
        mark.width,
        mark.height,
        mark.digest,
        inputs.position_octaves,
        inputs.color_octaves,
        inputs.first_octave,
        shape.depth if shape else 0,
        shape.hidden if shape else 0,
        len(inputs.boxes),
        0,
        network.residual_scale if network else 0.0,
    )
    boxes = bytes(value for box in inputs.boxes for value in (box.radius + _CONTRAST * box.contrast, box.octaves))
    # Differences to the block on the left deflate better than means.
    parts = [np.diff(mark.grid, axis=1, prepend=np.uint8(0)).tobytes()]
    if network:
        parts += _network_parts(network)
    data = header + boxes + pack_fields(payload.fields) + _deflate(parts)
    return data + struct.pack("<I", zlib.crc32(data))


def network_bytes(network: Network) -> int:
    """How many bytes of a payload are the network's weights."""
    return len(_deflate(_network_parts(network)))


def overhead_bytes(grid_side: int, inputs: Inputs, fields: Fields = NO_FIELDS) -> int:
    """At most how many bytes of a payload are something else than weights."""
    return _HEADER.size + 2 * len(inputs.boxes) + len(pack_fields(fields)) + 3 * grid_side**2 + 16 + 4


def unpack(data: bytes) -> Payload:
    """Turn bytes back into a payload.

    Raises:
        PayloadError: Not a payload, an unknown version, damaged, or with dimensions that no payload has.
    """
    if len(data) < _HEADER.size + 4 or data[:4] != MAGIC:
        raise PayloadError("this is not a gamutcli payload")
    if data[4] not in (VERSION, WITH_FIELDS):
        raise PayloadError(
            f"payload version {data[4]} is unknown here; this gamutcli reads versions {VERSION} and {WITH_FIELDS}"
        )
    if zlib.crc32(data[:-4]) != struct.unpack("<I", data[-4:])[0]:
        raise PayloadError("the payload is damaged: its checksum does not match")
    (_, _, flags, tolerance, side, width, height, digest, *numbers) = _HEADER.unpack_from(data)
    position, color, first, depth, hidden, boxes, zero, residual_scale = numbers
    bounded = (
        0 < width <= MAX_SIDE
        and 0 < height <= MAX_SIDE
        and 0 < side <= MAX_GRID_SIDE
        and max(position, color) <= MAX_OCTAVES
        and abs(first) <= MAX_OCTAVES
        and depth <= MAX_LAYERS
        and boxes <= MAX_BOXES
        and tolerance <= MAX_TOLERANCE
        and (0 < hidden <= MAX_HIDDEN and position + color > 0 if depth else hidden == 0)
        and math.isfinite(residual_scale)
        and flags < 8
        and zero == 0
    )
    body_start = _HEADER.size + 2 * boxes
    if not bounded or len(data) < body_start + 4:
        raise PayloadError("the payload's dimensions make no sense")
    pairs = data[_HEADER.size : body_start]
    inputs = Inputs(
        position,
        color,
        tuple(Box(r % _CONTRAST, octaves, r >= _CONTRAST) for r, octaves in zip(pairs[::2], pairs[1::2], strict=True)),
        "prophoto_linear" if flags & _PROPHOTO_INPUT else "srgb_codes",
        first,
    )
    if any(box.radius > MAX_RADIUS or box.octaves > MAX_OCTAVES for box in inputs.boxes):
        raise PayloadError("the payload's dimensions make no sense")
    fields = NO_FIELDS
    if data[4] == WITH_FIELDS:
        fields, size = unpack_fields(data[body_start:-4], height, width)
        body_start += size
    sizes = Shape(inputs, hidden, depth).layers if depth else ()
    body = _Body(data[body_start:-4], side * side * 3 + sum(o * i + 2 * o for i, o in sizes))
    grid = np.cumsum(body.take(np.uint8, side, side, 3), axis=1, dtype=np.uint8)
    levels = [body.take(np.int8, outputs, fan_in) for fan_in, outputs in sizes]
    scale_bytes = body.take(np.uint8, 2, sum(outputs for _, outputs in sizes))
    scales = np.ascontiguousarray(scale_bytes.T).view("<f2").astype(np.float16).ravel()
    layers = tuple(map(Layer, levels, np.split(scales, np.cumsum([outputs for _, outputs in sizes])[:-1])))
    if not np.isfinite(scales).all():
        raise PayloadError("the payload holds a weight that is not a number")
    network = Network(inputs, layers, residual_scale) if depth else None
    if network and not _reach(network) < MAX_REACH:
        raise PayloadError("the payload's weights make no sense")
    return Payload(
        Fingerprint(width, height, digest, grid),
        "cat02" if flags & _CAT02 else "bradford",
        Correction(tolerance, bool(flags & _EVERY_PIXEL), fields.compression),
        network,
        fields.blocks,
    )


def _reach(network: Network) -> float:
    """A bound that no number of the network's forward pass exceeds, whatever the picture."""
    reach = 1.0  # of sines and cosines
    for layer in network.layers:
        reach *= max(1.0, float(np.abs(layer.weight).sum(axis=1, dtype=np.float64).max()))
    return reach * max(1.0, abs(network.residual_scale))


class _Body:
    """The inflated body, taken apart from its start."""

    def __init__(self, deflated: bytes, size: int) -> None:
        inflater = zlib.decompressobj(wbits=-15)
        try:
            self._data = inflater.decompress(deflated, size + 1)
        except zlib.error as error:
            raise PayloadError(f"the payload is damaged: {error}") from error
        if len(self._data) != size or not inflater.eof or inflater.unused_data:
            raise PayloadError("the payload's length does not match its dimensions")
        self._at = 0

    def take(self, dtype: type[Number], *shape: int) -> NDArray[Number]:
        count = math.prod(shape)
        array = np.frombuffer(self._data, np.dtype(dtype).newbyteorder("<"), count, self._at)
        self._at += array.nbytes
        return array.astype(dtype).reshape(shape)


def _network_parts(network: Network) -> list[bytes]:
    """Levels layer by layer, then the low bytes of all scales, then their high ones."""
    scales = np.concatenate([layer.scale for layer in network.layers]).astype("<f2")
    low_high = scales.view(np.uint8).reshape(-1, 2).T
    return [*(layer.levels.tobytes() for layer in network.layers), low_high.tobytes()]


def _deflate(parts: list[bytes]) -> bytes:
    """Raw deflate, each part in blocks of its own, so that each gets Huffman codes that suit it."""
    packed = []
    for strategy in (zlib.Z_DEFAULT_STRATEGY, zlib.Z_HUFFMAN_ONLY):
        deflater = zlib.compressobj(9, wbits=-15, memLevel=9, strategy=strategy)
        data = b"".join(deflater.compress(part) + deflater.flush(zlib.Z_BLOCK) for part in parts)
        packed.append(data + deflater.flush())
    return min(packed, key=len)
