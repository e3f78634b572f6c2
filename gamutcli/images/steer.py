"""A JPEG whose coefficients are chosen: exact where it counts, at the cost of what no decoder shows.

A JPEG holds luma and chroma, which reach beyond red, green and blue from 0 to 255; a decoder limits them.  So where a
channel is clipped, anything beyond its bound is the same picture.  This leaves one of three numbers free, and with it
the rounding of coefficients can be steered so that the two other channels come closer.  Any decoder shows the result.

Each coefficient may be rounded to the farther side.  What that does to the errors is a quadratic form, of which the
first and the second derivative are two transforms away: so the best of many are taken at once, a few times over.
"""

from __future__ import annotations

import io
from functools import lru_cache

import numpy as np

from gamutcli.arrays import BoolArray, CodeArray, DoubleArray, FloatArray
from gamutcli.color.spaces import PROPHOTO, SRGB, Adaptation, apply_matrix, rgb_to_rgb
from gamutcli.images.encode import encode_planes
from gamutcli.images.original import Original
from gamutcli.parallel import STRIP_PIXELS, in_order

#: How far beyond their bounds, in codes, clipped channels are aimed.
BEYOND = 20
#: Rounds of choices, and how many frequencies a block may choose in each.
ROUNDS, CHOICES = 12, 4
#: Second derivatives change slowly: they are computed every so many rounds.
RENEWED = 4
#: What an error of a code counts, where nothing is restored; and added to its light, where something is: a network
#: reads the codes.
PLAIN_WEIGHT, CODE_WEIGHT = 2.0, 2.0
#: What an error of light counts, against those.
LIGHT_WEIGHT = 100.0
#: What bits count: of a coefficient that becomes other than 0, and of one that grows.
FIRST_BITS, MORE_BITS = 0.9, 0.3
#: Blocks that are worked on at once.
CHUNK = 1 << 9

#: Red, green and blue from luma and chroma, less their middles (ITU-T T.871).
_TO_RGB = np.array([[1, 0, 1.402], [1, -0.114 * 1.772 / 0.587, -0.299 * 1.402 / 0.587], [1, 1.772, 0]], np.float32)
_TO_YCC = np.linalg.inv(_TO_RGB).astype(np.float32)
_MIDDLES = np.array([0, 128, 128], np.float32)


def encode_steered(original: Original, adaptation: Adaptation, quality: int) -> tuple[bytes, BoolArray]:
    """Clip a picture to sRGB and encode it as a JPEG, steered at the colours that sRGB cannot hold.

    Args:
        original: The picture.
        adaptation: Between the whites.
        quality: 1 to 100.

    Returns:
        The file, without metadata, and (height, width) where those colours are.
    """
    (height, width), inwards = original.size, rgb_to_rgb(PROPHOTO, SRGB, adaptation)
    to_light = rgb_to_rgb(SRGB, PROPHOTO, adaptation)
    tables = _read_tables(encode_planes(np.zeros((8, 8, 3), np.uint8), quality))

    def steer(rows: slice) -> tuple[CodeArray, BoolArray]:
        linear = apply_matrix(original.strip(rows), inwards)
        lost = original.beyond(rows, linear) if adaptation == "bradford" else original.og_mask(rows)
        return steer_strip(_extend_codes(linear), lost, to_light, tables), lost

    planes, lost = np.empty((height, width, 3), np.uint8), np.empty((height, width), bool)
    step = 8 * max(1, STRIP_PIXELS // 32 // width)
    parts = [slice(top, min(height, top + step)) for top in range(0, height, step)]
    for rows, (steered, marked) in zip(parts, in_order(steer, parts), strict=True):
        planes[rows], lost[rows] = steered, marked
    return encode_planes(planes, quality), lost


def steer_strip(aims: FloatArray, counts: BoolArray, to_light: DoubleArray, tables: FloatArray) -> CodeArray:
    """Luma and chroma of some rows of blocks, from which an encoder makes the coefficients that are best.

    Args:
        aims: (rows, width, 3) what the codes of sRGB should be, unrounded and unclipped; the first row begins a block.
        counts: (rows, width) where light counts: at the colours to restore.
        to_light: (3, 3) from linear sRGB to the space in which light counts.
        tables: (3, 64) steps of the coefficients.
    """
    height, width, _ = aims.shape
    missing = (0, -height % 8), (0, -width % 8)
    aims = np.pad(aims, (*missing, (0, 0)), "edge").clip(-BEYOND, 255 + BEYOND)
    counts = np.pad(counts, missing)
    targets, marked = _to_blocks(aims), _to_blocks(counts[..., None])[0]
    planes = np.tensordot(_TO_YCC, targets, 1)
    some = np.flatnonzero(marked.any(axis=1))
    for start in range(0, some.size, CHUNK):
        part = some[start : start + CHUNK]
        planes[:, part] = _steer(targets[:, part], marked[part], (to_light.T @ to_light).astype(np.float32), tables)
    planes += _MIDDLES[:, None, None]
    tall, wide = counts.shape
    rows = planes.reshape(3, tall // 8, wide // 8, 8, 8).transpose(1, 3, 2, 4, 0).reshape(tall, wide, 3)
    rounded: CodeArray = np.rint(rows[:height, :width].clip(0, 255)).astype(np.uint8)
    return rounded


def _extend_codes(srgb_linear: FloatArray) -> FloatArray:
    """Light to unrounded codes, whose curve goes on beyond 0 and 1."""
    codes: FloatArray = 255 * SRGB.cctf_encoding(np.maximum(srgb_linear, 0))
    return np.where(srgb_linear < 0, np.float32(255 * 12.92) * srgb_linear, codes)


def _read_tables(jpeg: bytes) -> FloatArray:
    """(3, 64) steps of the coefficients of a JPEG's luma and chroma, row by row."""
    from PIL import Image

    with Image.open(io.BytesIO(jpeg)) as image:
        tables = image.quantization  # type: ignore[attr-defined]
        return np.array([tables[0], tables[1], tables[1]], np.float32)


def _steer(targets: FloatArray, counts: BoolArray, metric: FloatArray, tables: FloatArray) -> FloatArray:
    """Choose the coefficients of (3, n, 64) blocks, and return what an encoder makes them of."""
    steps, waves = tables[:, None, :], _waves()
    bounded = targets.clip(0, 255)
    clipped = (targets <= 0) * np.int8(-1) + (targets >= 255) * np.int8(1)
    slopes = _slope_of_light(bounded) * np.float32(LIGHT_WEIGHT) * counts
    weights = np.where(counts, np.float32(CODE_WEIGHT), np.float32(PLAIN_WEIGHT))
    levels = np.rint(np.tensordot(_TO_YCC, targets, 1) @ waves.T / steps)
    curvature = levels
    for index in range(ROUNDS):
        errors = np.tensordot(_TO_RGB, (levels * steps) @ waves, 1) - bounded
        held = errors * clipped <= 0  # beyond its bound, a clipped channel is as it should be
        errors *= held
        forces = slopes * np.tensordot(metric, slopes * errors, 1) * held + weights * errors
        gradient = np.tensordot(_TO_RGB.T, forces, 1) @ waves.T
        if index % RENEWED == 0:
            curvature = _curvature(slopes * held, weights * held, metric) @ np.square(waves.T)
        change = -np.sign(gradient)
        worth = steps * (0.5 * steps * curvature - np.abs(gradient)) + _bits(levels, change)
        if not _take_best(levels, change, worth):
            break
    chosen: FloatArray = (levels * steps) @ waves
    return chosen


def _take_best(levels: FloatArray, change: FloatArray, worth: FloatArray) -> bool:
    """Change the level that gains most of each group of frequencies of each block; tell if there is any."""
    blocks = worth.shape[1]
    grouped = worth.reshape(3, blocks, -1, CHOICES).transpose(1, 3, 0, 2).reshape(blocks, CHOICES, -1)
    best = grouped.argmin(axis=2)
    block, group = np.nonzero(np.take_along_axis(grouped, best[..., None], 2)[..., 0] < 0)
    plane, within = np.divmod(best[block, group], 64 // CHOICES)
    places = plane, block, within * CHOICES + group
    levels[places] += change[places]
    return bool(block.size)


def _curvature(slopes: FloatArray, weights: FloatArray, metric: FloatArray) -> FloatArray:
    """(3, n, 64) second derivatives of the errors by luma and chroma of each pixel."""
    found = np.tensordot(np.square(_TO_RGB.T), weights, 1)
    for plane in range(3):
        moved = slopes * _TO_RGB[:, plane, None, None]
        found[plane] += (moved * np.tensordot(metric, moved, 1)).sum(axis=0)
    return found


def _bits(levels: FloatArray, change: FloatArray) -> FloatArray:
    """What the bits count that a change takes or gives."""
    grows = np.sign(np.abs(levels + change) - np.abs(levels))
    to_or_from_zero = (levels == 0) | (levels + change == 0)
    found: FloatArray = np.where(to_or_from_zero, np.float32(FIRST_BITS), np.float32(MORE_BITS)) * grows
    return found


def _slope_of_light(codes: FloatArray) -> FloatArray:
    """Light by which a code differs from the one before."""
    upper = codes.clip(1, 255)
    found: FloatArray = np.subtract(SRGB.cctf_decoding(upper / 255), SRGB.cctf_decoding((upper - 1) / 255))
    return found


def _to_blocks(rows: FloatArray | BoolArray) -> FloatArray:
    height, width, channels = rows.shape
    blocks = rows.reshape(height // 8, 8, width // 8, 8, channels).transpose(4, 0, 2, 1, 3)
    return np.ascontiguousarray(blocks.reshape(channels, -1, 64))


@lru_cache
def _waves() -> FloatArray:
    """(64, 64): of each coefficient, what one unit of it is at each pixel."""
    order, place = np.arange(8)[:, None], np.arange(8)[None]
    cosines = 0.5 * np.cos((2 * place + 1) * order * np.pi / 16)
    cosines[0] /= np.sqrt(2)
    found: FloatArray = np.einsum("ux,vy->uvxy", cosines, cosines).reshape(64, 64).astype(np.float32)
    return found
