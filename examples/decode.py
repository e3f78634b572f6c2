"""Expand a reduced picture into a 16-bit ProPhoto TIFF, with nothing of gamutcli: docs/FORMAT.md as a program.

    python examples/decode.py IN OUT.tif

IN is a JPEG or PNG whose payload is in its XMP packet, where `gamut reduce` puts it. Needs numpy and Pillow. Numbers in
the comments are sections of docs/FORMAT.md.
"""

from __future__ import annotations

import base64
import hashlib
import math
import re
import struct
import sys
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import reduce
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
from PIL import Image

NAMESPACE = "https://gamutcli.github.io/ns/1.0/"
PROPERTY = f"{{{NAMESPACE}}}Payload"
PART = re.compile(r"gamut1:([0-9]{1,3})/([0-9]{1,3}):([0-9a-f]{16}):([A-Za-z0-9+/]*={0,2})")
HEADER = struct.Struct("<4sBBBBII16sBBbBHBBf")
EVERY_PIXEL, WITH_CAT02, LINEAR_COLOR = 1, 2, 4
MAX_PACKET, MAX_PAYLOAD = 8 << 20, 4 << 20
SPACE, INTENT, BLOCKS = 1, 2, 3  # fields of version 2
CHUNK = 1 << 14  # pixels at a time


class DecodeError(Exception):
    """There is no payload, or it cannot be decoded."""


# 1. Finding the payload


def packets(data: bytes) -> Iterator[bytes]:
    """Yield the XMP packets of a JPEG or PNG file."""
    if data.startswith(b"\xff\xd8"):
        yield from jpeg_packets(data)
    elif data.startswith(b"\x89PNG\r\n\x1a\n"):
        yield from png_packets(data)
    else:
        raise DecodeError("neither JPEG nor PNG")


def jpeg_packets(data: bytes) -> Iterator[bytes]:
    """Go through the segments before the pixels."""
    signature = b"http://ns.adobe.com/xap/1.0/\0"
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF and data[at + 1] != 0xDA:
        if data[at + 1] == 0xFF:  # fill
            at += 1
            continue
        end = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        if data[at + 1] == 0xE1 and data.startswith(signature, at + 4):
            yield data[at + 4 + len(signature) : end]
        at = end


def png_packets(data: bytes) -> Iterator[bytes]:
    """Go through the text chunks."""
    at = 8
    while at + 12 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        keyword, _, rest = data[at + 8 : at + 8 + length].partition(b"\0")
        at += 12 + length
        if kind not in (b"iTXt", b"zTXt", b"tEXt") or keyword != b"XML:com.adobe.xmp" or len(rest) > MAX_PACKET:
            continue
        compressed = kind == b"zTXt" or (kind == b"iTXt" and rest[0] == 1)
        text = {b"iTXt": rest[2:].split(b"\0", 2)[-1], b"zTXt": rest[1:], b"tEXt": rest}[kind]
        yield zlib.decompressobj().decompress(text, MAX_PACKET) if compressed else text


def find_payload(data: bytes) -> bytes:
    """Join the parts that a file's XMP packets hold."""
    groups: dict[tuple[str, int], dict[int, bytes]] = {}
    for packet in packets(data):
        plain = packet.replace(b"\0", b"")  # UTF-16 as well
        if b"<!DOCTYPE" in plain or NAMESPACE.encode() not in plain:
            continue
        for element in ElementTree.fromstring(packet).iter():
            values = [element.text or ""] if element.tag == PROPERTY else []
            for value in [*values, element.get(PROPERTY, "")]:
                for index, total, digest, text in PART.findall(re.sub(r"\s", "", value)):
                    groups.setdefault((digest, int(total)), {})[int(index)] = base64.b64decode(text)
    if not groups:
        raise DecodeError("no payload in the XMP packet")
    for (digest, total), bodies in groups.items():
        if sorted(bodies) == list(range(1, total + 1)):
            payload = b"".join(bodies[index] for index in sorted(bodies))
            if hashlib.sha256(payload).hexdigest().startswith(digest):
                return payload
    raise DecodeError("the payload is incomplete or damaged")


# 2. The payload


@dataclass(frozen=True)
class Step:
    """One of the two steps of the perceptual intent: K, L, V and U of the page."""

    knee: int
    limit: int
    levels: int
    bound: int


@dataclass(frozen=True)
class Payload:
    """What the header and the body say."""

    flags: int
    tolerance: int
    size: tuple[int, int]  # height, width
    digest: bytes
    grid: np.ndarray
    position_octaves: int
    color_octaves: int
    first_octave: int
    boxes: list[tuple[int, bool, int]]  # radius, contrast, octaves
    layers: list[np.ndarray]  # weights, (outputs, inputs)
    residual_scale: float
    steps: tuple[Step, Step] | None  # below, above
    blocks: np.ndarray | None  # (rows, columns) bool


def unpack(data: bytes) -> Payload:
    """Read a payload; nothing is allocated by a number that has not been checked (5)."""
    if not 48 <= len(data) <= MAX_PAYLOAD or data[:4] != b"GMUT":
        raise DecodeError("not a payload")
    if data[4] not in (1, 2):
        raise DecodeError(f"payload version {data[4]}: a newer program is needed")
    if zlib.crc32(data[:-4]) != int.from_bytes(data[-4:], "little"):
        raise DecodeError("the payload is damaged: wrong checksum")
    (_, _, flags, tolerance, side, width, height, digest, *numbers) = HEADER.unpack_from(data)
    position, color, first, depth, hidden, box_count, zero, scale = numbers
    body_at = 44 + 2 * box_count
    pairs = zip(data[44:body_at:2], data[45:body_at:2], strict=False)
    boxes = [(radius % 128, radius >= 128, octaves) for radius, octaves in pairs]
    sane = flags <= 7 and tolerance <= 64 and 1 <= side <= 32 and zero == 0 and math.isfinite(scale)
    sane &= 1 <= width <= 1 << 20 and 1 <= height <= 1 << 20
    sane &= position <= 16 and color <= 16 and -16 <= first <= 16
    sane &= depth <= 8 and (1 <= hidden <= 1024 and position + color > 0 if depth else hidden == 0)
    sane &= box_count <= 8 and body_at + 4 <= len(data)
    if not sane or any(radius > 64 or octaves > 16 for radius, _, octaves in boxes):
        raise DecodeError("the payload's numbers are out of bounds")

    fields: dict[int, bytes] = {}
    if data[4] == 2:
        fields, taken = read_fields(data[body_at:-4])
        body_at += taken
    inputs = 4 * position + 6 * (color + sum(octaves for *_, octaves in boxes))
    widths = [inputs] + [hidden] * depth + [3] if depth else []
    shapes = list(zip(widths[1:], widths[:-1], strict=True))
    outputs = sum(widths[1:])
    body = inflate(data[body_at:-4], 3 * side**2 + sum(rows * columns for rows, columns in shapes) + 2 * outputs)

    grid = np.cumsum(np.frombuffer(body, np.uint8, 3 * side**2).reshape(side, side, 3), axis=1, dtype=np.uint8)
    low_high = np.frombuffer(body, np.uint8, 2 * outputs, len(body) - 2 * outputs).reshape(2, outputs)
    scales = np.frombuffer(low_high.T.tobytes(), "<f2").astype(np.float32)
    if not np.isfinite(scales).all():
        raise DecodeError("the payload holds a scale that is not a number")
    layers = []
    at, row = 3 * side**2, 0
    for rows, columns in shapes:
        levels = np.frombuffer(body, np.int8, rows * columns, at).reshape(rows, columns)
        layers.append(levels * scales[row : row + rows, None])
        at, row = at + rows * columns, row + rows
    reach = math.prod(max(1.0, float(np.abs(layer).sum(axis=1, dtype=float).max())) for layer in layers)
    if not reach * max(1.0, abs(scale)) < 1e24:
        raise DecodeError("the payload's weights make no sense")
    steps = read_intent(fields[INTENT]) if INTENT in fields else None
    marked = read_blocks(fields[BLOCKS], height, width) if BLOCKS in fields else None
    octaves = position, color, first
    return Payload(flags, tolerance, (height, width), digest, grid, *octaves, boxes, layers, scale, steps, marked)


def read_fields(data: bytes) -> tuple[dict[int, bytes], int]:
    """Read the fields of version 2 at the start of some bytes; return them, and how many bytes they take."""
    end = 2 + int.from_bytes(data[:2], "little")
    fields: dict[int, bytes] = {}
    at = 2
    if len(data) < end:
        raise DecodeError("the payload's fields are cut short")
    while at < end:
        number, size = data[at], int.from_bytes(data[at + 1 : at + 3], "little")
        at += 3 + size
        if at > end or number <= max(fields, default=0):
            raise DecodeError("the payload's fields make no sense")
        if number not in (SPACE, INTENT, BLOCKS):
            raise DecodeError(f"payload field {number}: a newer program is needed")
        fields[number] = data[at - size : at]
    if fields.get(SPACE, b"\0") != b"\0":
        raise DecodeError("the base picture is not sRGB: a newer program is needed")
    return fields, end


def read_intent(content: bytes) -> tuple[Step, Step]:
    """Read how colours were moved into sRGB."""
    if len(content) != 15 or content[0] != 1:
        raise DecodeError("an intent other than perceptual: a newer program is needed")
    below, above = (Step(*struct.unpack_from("<HHBH", content, at)) for at in (1, 8))
    for step in (below, above):
        if step.knee > 1 << 15 or step.limit < 8192 or step.levels % 2 == 0 or step.levels > 15:
            raise DecodeError("the payload's curves make no sense")
    return below, above


def read_blocks(content: bytes, height: int, width: int) -> np.ndarray:
    """Read which blocks hold lost colours: (rows, columns) bool."""
    rows, columns = -(-height // 16), -(-width // 16)
    if rows * columns > 1 << 24:
        raise DecodeError("the payload's blocks are too many")
    bits = np.frombuffer(inflate(content, -(-rows * columns // 8)), np.uint8)
    return np.unpackbits(bits, count=rows * columns).reshape(rows, columns).astype(bool)


def inflate(deflated: bytes, size: int) -> bytes:
    """Inflate exactly so many bytes."""
    inflater = zlib.decompressobj(wbits=-15)
    body = inflater.decompress(deflated, size + 1)
    if len(body) != size or not inflater.eof or inflater.unused_data:
        raise DecodeError("the payload's body has the wrong length")
    return body


# 3. Do the pixels fit?


def is_exact(payload: Payload, codes: np.ndarray) -> bool:
    """Whether these are the very pixels that the payload was made for; warn if not, and refuse another picture."""
    digest = hashlib.sha256(codes.tobytes()).digest()[:16]
    if codes.shape[:2] == payload.size and digest == payload.digest:
        return True
    side = len(payload.grid)
    rows, columns = block_weights(codes.shape[0], side), block_weights(codes.shape[1], side)
    means = np.stack([rows @ codes[..., channel] @ columns.T for channel in range(3)], axis=-1)
    difference = np.abs(means - payload.grid).mean()
    if difference >= 1:
        raise DecodeError(f"the picture was edited: block means differ by {difference:.1f} codes")
    print("warning: the picture was compressed again or scaled; colours come back less exactly", file=sys.stderr)
    return False


def block_weights(count: int, side: int) -> np.ndarray:
    """(side, count): the share of each pixel in each block."""
    edges = np.arange(side + 1) * count / side
    pixels = np.arange(count)
    overlap = np.minimum(edges[1:, None], pixels + 1) - np.maximum(edges[:-1, None], pixels)
    return overlap.clip(0) * side / count


# 4. Decoding the picture

BRADFORD = (
    (0.529292999, 0.330116148, 0.140590853),
    (0.098360085, 0.873469920, 0.028169994),
    (0.016876120, 0.117658738, 0.865465142),
)
CAT02 = (
    (0.528734646, 0.333936378, 0.137328976),
    (0.097587195, 0.878989713, 0.023423092),
    (0.016384538, 0.106579789, 0.877035673),
)

LUMINANCE = np.array([13933, 46871, 4732]) / 65536


def light_of(codes: np.ndarray) -> np.ndarray:
    """Linear sRGB of codes, which may be fractions (4.2)."""
    encoded = codes / 255
    return np.where(encoded < 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)


def to_prophoto(light: np.ndarray, flags: int) -> np.ndarray:
    """(..., 3) linear sRGB to linear ProPhoto RGB (4.2)."""
    return (light @ np.array(CAT02 if flags & WITH_CAT02 else BRADFORD).T).astype(np.float32)


def in_marked_blocks(payload: Payload, codes: np.ndarray) -> np.ndarray:
    """(height, width) bool: which pixels lie in blocks that hold lost colours (4.1)."""
    if payload.blocks is None:
        return np.ones(codes.shape[:2], bool)
    rows, columns = (
        np.arange(count) * known // count // 16 for count, known in zip(codes.shape, payload.size, strict=False)
    )
    return payload.blocks[np.ix_(rows, columns)]


def moved_pixels(payload: Payload, codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(height, width) bool each: which pixels were moved below, and above (4.1)."""
    if payload.steps is None:
        return np.zeros((2, *codes.shape[:2]), bool)
    below, above = payload.steps
    light = np.floor(65535 * light_of(np.arange(256)) + 0.5).astype(np.int64)[codes]
    least, greatest = light.min(axis=2), light.max(axis=2)
    luminance = light @ np.array([13933, 46871, 4732])
    moved_below = (least * 2**32 < below.knee * luminance) & (luminance >= 65536 * below.bound)
    moved_above = (65536 * (65535 - greatest) < above.knee * (65535 - least)) & (least < above.bound)
    return moved_below, moved_above


def corrected_pixels(payload: Payload, codes: np.ndarray) -> np.ndarray:
    """(height, width) bool: which pixels go through the network, those in unmarked blocks included (4.1)."""
    if not payload.layers or payload.flags & EVERY_PIXEL:
        return np.full(codes.shape[:2], bool(payload.layers))
    low, high = payload.tolerance, 255 - payload.tolerance
    least, most = codes.min(axis=2), codes.max(axis=2)
    return ((least <= low) | (most >= high)) & (most > low) & (least < high)


def move_back(light: np.ndarray, codes: np.ndarray, payload: Payload, moved: np.ndarray, exact: bool) -> None:
    """Undo the steps of the perceptual intent in (height, width, 3) linear sRGB, in place (4.3)."""
    assert payload.steps
    below, above = payload.steps
    moved_below, moved_above = moved

    def fraction(pixels: np.ndarray, limiting: np.ndarray, levels: int) -> np.ndarray:
        a, b = (pixels[np.arange(len(pixels)), (limiting + k) % 3].astype(int) for k in (1, 2))
        return ((a + levels // 2 * b) % levels if exact else levels // 2) / levels

    def far(room: np.ndarray, step: Step, power: float) -> np.ndarray:
        knee, limit = step.knee / 65536, step.limit / 8192
        return np.where(room < knee, limit - (limit - 1 + knee) * (room / knee) ** power, 1 - room)

    def undo_below(rgb: np.ndarray, least: np.ndarray) -> np.ndarray:
        grey = (rgb @ LUMINANCE)[:, None]
        return grey + (rgb - grey) * far(least[:, None] / grey, below, 0.5) / (1 - rgb.min(axis=1)[:, None] / grey)

    if moved_above.any():
        pixels, rgb = codes[moved_above], light[moved_above]
        limiting = pixels.argmax(axis=1)
        top = light_of(np.maximum(pixels.max(axis=1) - fraction(pixels, limiting, above.levels), 0))[:, None]
        grey = rgb.min(axis=1)[:, None]
        stretch = far((1 - top) / (1 - grey), above, 1) * (1 - grey) / (rgb.max(axis=1)[:, None] - grey)
        rgb = grey + (rgb - grey) * stretch
        luminance = rgb @ LUMINANCE
        both = (luminance >= max(1, below.bound) / 65535) & (rgb.min(axis=1) < below.knee / 65536 * luminance)
        rgb[both] = undo_below(rgb[both], rgb[both].min(axis=1))
        light[moved_above] = rgb
    alone = moved_below & ~moved_above
    if alone.any():
        pixels = codes[alone]
        limiting = pixels.argmin(axis=1)
        least = light_of(np.minimum(pixels.min(axis=1) + fraction(pixels, limiting, below.levels), 255))
        light[alone] = undo_below(light[alone], least)


def box_means(codes: np.ndarray, radius: int) -> np.ndarray:
    """(height, width, 3) means in quarter codes (4.4)."""
    sums = codes.astype(np.int32)
    for axis, count in enumerate(codes.shape[:2]):
        shifts = range(-radius, radius + 1)
        sums = reduce(np.add, (sums.take(np.arange(k, k + count).clip(0, count - 1), axis) for k in shifts))
    area = (2 * radius + 1) ** 2
    return (4 * sums + area // 2) // area


def waves(inputs: np.ndarray, octaves: int, first: int) -> np.ndarray:
    """(n,) inputs to (n, 2 * octaves): all sines, then all cosines (4.5)."""
    angles = inputs[:, None] * (np.pi * 2.0 ** (first + np.arange(octaves)))
    return np.concatenate([np.sin(angles), np.cos(angles)], axis=1).astype(np.float32)


def residuals(
    payload: Payload, codes: np.ndarray, plain: np.ndarray, corrected: np.ndarray
) -> Iterator[tuple[np.ndarray, ...]]:
    """Yield rows and columns of corrected pixels, some at a time, and their (n, 3) residuals (4.4 to 4.6)."""
    means = {radius: box_means(codes, radius) for radius, _, _ in payload.boxes}
    height, width, _ = codes.shape
    all_rows, all_columns = np.nonzero(corrected)
    for start in range(0, len(all_rows), CHUNK):
        rows, columns = all_rows[start : start + CHUNK], all_columns[start : start + CHUNK]
        own = codes[rows, columns].astype(int)
        places = [(2 * rows + 1) / height - 1, (2 * columns + 1) / width - 1]
        inputs = [(place, payload.position_octaves) for place in places]
        linear = plain[rows, columns].astype(float)
        colors = 2 * linear - 1 if payload.flags & LINEAR_COLOR else 2 * own / 255 - 1
        inputs += [(color, payload.color_octaves) for color in colors.T]
        for radius, contrast, octaves in payload.boxes:
            mean = means[radius][rows, columns]
            values = (4 * own - mean).clip(-64, 64) / 64 if contrast else 2 * mean / 1020 - 1
            inputs += [(value, octaves) for value in values.T]
        above = np.concatenate([waves(value, octaves, payload.first_octave) for value, octaves in inputs], axis=1)
        for weights in payload.layers[:-1]:
            above = np.maximum(above @ weights.T, 0)
        yield rows, columns, payload.residual_scale * (above @ payload.layers[-1].T)


def encode(linear: np.ndarray) -> np.ndarray:
    """Linear ProPhoto RGB to 16-bit codes (4.7)."""
    light = linear.clip(0, 1).astype(float)
    encoded = np.where(light < 1 / 512, 16 * light, light ** (1 / 1.8))
    return np.floor(65535 * encoded + 0.5).astype("<u2")


# The file


def prophoto_profile() -> bytes:
    """An ICC profile, version 4, of ProPhoto RGB."""

    def fixed(kind: bytes, *values: float) -> bytes:
        return kind + struct.pack(f">{len(values)}i", *(round(65536 * value) for value in values))

    def text(words: str) -> bytes:
        return struct.pack(">4s4xII2s2sII", b"mluc", 1, 12, b"en", b"US", 2 * len(words), 28) + words.encode(
            "utf-16-be"
        )

    xyz = b"XYZ \0\0\0\0"
    curve = fixed(b"para\0\0\0\0\0\3\0\0", 1.8, 1, 0, 1 / 16, 1 / 32)
    tags = {
        b"desc": text("ProPhoto RGB"),
        b"cprt": text("Public domain"),
        b"wtpt": fixed(xyz, 0.9642, 1, 0.8249),
        b"rXYZ": fixed(xyz, 0.7977, 0.2880, 0),
        b"gXYZ": fixed(xyz, 0.1352, 0.7119, 0),
        b"bXYZ": fixed(xyz, 0.0313, 0.0001, 0.8249),
        **dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve),
    }
    table, body = struct.pack(">I", len(tags)), b""
    for name, tag in tags.items():
        table += struct.pack(">4sII", name, 132 + 12 * len(tags) + len(body), len(tag))
        body += tag + bytes(-len(tag) % 4)
    header = struct.pack(">I4xI", 128 + len(table) + len(body), 0x04300000) + b"mntrRGB XYZ "
    header += fixed(struct.pack(">6H4s28x", 2025, 1, 1, 0, 0, 0, b"acsp"), 0.9642, 1, 0.8249)
    return header.ljust(128, b"\0") + table + body


def tiff(codes: np.ndarray) -> bytes:
    """A TIFF file of one uncompressed strip."""
    height, width, _ = codes.shape
    profile = prophoto_profile()
    bits_at = 8 + 2 + 12 * 11 + 4
    profile_at = bits_at + 6
    pixels_at = profile_at + len(profile) + len(profile) % 2
    if pixels_at + codes.nbytes >= 1 << 32:
        raise DecodeError("the picture is too large for a TIFF file")
    short, long, undefined = 3, 4, 7
    entries = [
        (256, long, 1, width),
        (257, long, 1, height),
        (258, short, 3, bits_at),  # bits a sample
        (259, short, 1, 1),  # no compression
        (262, short, 1, 2),  # RGB
        (273, long, 1, pixels_at),
        (277, short, 1, 3),  # samples a pixel
        (278, long, 1, height),  # rows a strip
        (279, long, 1, codes.nbytes),
        (284, short, 1, 1),  # samples side by side
        (34675, undefined, len(profile), profile_at),
    ]
    directory = b"".join(struct.pack("<HHII", *entry) for entry in entries)
    head = b"II*\0" + struct.pack("<IH", 8, len(entries)) + directory + bytes(4) + struct.pack("<3H", 16, 16, 16)
    return (head + profile).ljust(pixels_at, b"\0") + codes.tobytes()


def main(source: str, target: str) -> None:
    """Expand one file."""
    payload = unpack(find_payload(Path(source).read_bytes()))
    with Image.open(source) as image:
        if image.mode not in ("RGB", "L", "P"):
            raise DecodeError(f"a picture of mode {image.mode}; RGB is needed")
        codes = np.asarray(image.convert("RGB"))
    exact = is_exact(payload, codes)
    light = light_of(codes)
    plain = to_prophoto(light, payload.flags)
    marked = in_marked_blocks(payload, codes)
    moved = [pixels & marked for pixels in moved_pixels(payload, codes)]
    corrected = (corrected_pixels(payload, codes) | moved[0] | moved[1]) & marked
    if payload.steps:
        move_back(light, codes, payload, moved, exact)
    linear = to_prophoto(light, payload.flags)
    if payload.layers:
        for rows, columns, residual in residuals(payload, codes, plain, corrected):
            linear[rows, columns] += residual
    Path(target).write_bytes(tiff(encode(linear)))


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: python decode.py IN OUT.tif")
    try:
        main(*sys.argv[1:])
    except (DecodeError, OSError, ValueError, zlib.error, ElementTree.ParseError) as error:
        sys.exit(f"{sys.argv[1]}: {error}")
