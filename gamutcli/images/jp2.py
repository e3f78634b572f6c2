"""Read a JPEG 2000: a file with boxes that say the colours (.jp2, .jpx, .jph), or a bare codestream (.j2k, .j2c).

Source: ISO/IEC 15444-1, annexes A (codestream) and I (boxes of JP2); ISO/IEC 15444-2, annex M (those of JPX).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import replace

from gamutcli.color.cicp import named_space
from gamutcli.color.icc import Profile, profile_of
from gamutcli.color.spaces import PROPHOTO, SRGB
from gamutcli.errors import InputError
from gamutcli.images.channels import Samples, picture_of, samples_of
from gamutcli.images.claims import check_jp2
from gamutcli.images.files import damaged, decoding
from gamutcli.images.jp2_codestream import Size
from gamutcli.images.picture import COARSE_COLORS, Picture
from gamutcli.images.reading import Reading, choose
from gamutcli.images.silence import silenced
from gamutcli.metadata import read_metadata

_BY_NUMBER, _RESTRICTED_ICC, _ANY_ICC, _BY_H273 = 1, 2, 3, 5  # methods of a colr box
_CMYK, _SRGB, _GREY, _SYCC, _ROMM = 12, 16, 17, 18, 21  # numbers of colour spaces
_OPACITY, _PREMULTIPLIED = 1, 2  # types of a channel
_SIGNED = 0x80
_BYTES = 24  # of memory a pixel that decoding takes, about: numbers of 32 bits, twice
_BOXES_OF_BOXES = (b"jp2h", b"jpch", b"jplh", b"cgrp")


def read_jp2(name: str, data: bytes, reading: Reading) -> Picture:
    """Read a JPEG 2000 of up to 16 bits.

    Raises:
        InputError: It is damaged or cut short, absurdly large, of signed samples, or its colours are not known.
    """
    import imagecodecs

    choose(name, reading, 1)
    boxes = list(_boxes(name, data)) if data[4:8] == b"jP  " else [(b"jp2c", data)]
    codestream = next((body for kind, body in boxes if kind == b"jp2c"), b"")
    size = check_jp2(name, data, codestream)
    depth = _depth(name, size, boxes)
    meaning = _meaning(name, boxes)
    width, height = size.sides
    with decoding(name, "JPEG 2000", _BYTES * width * height), silenced():
        codes = imagecodecs.jpeg2k_decode(_hide_profile(data))
    if codes.shape[:2] != size.sides[::-1]:
        raise damaged(name, "JPEG 2000")
    samples = _with_alpha(samples_of(codes, (1 << depth) - 1), boxes)
    notes = (COARSE_COLORS,) if size.is_subsampled else ()
    return picture_of(name, samples, meaning, read_metadata(data), reading, notes)


def _hide_profile(data: bytes) -> bytes:
    """Hide a restricted profile from the decoder, which would convert the codes to sRGB with it."""
    end = max(0, data.find(b"jp2c"))
    return data[:end].replace(b"colr\2", b"colr\3") + data[end:]


def _boxes(name: str, data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield kind and content of every box, of those that hold others theirs."""
    at = 0
    while at < len(data):
        if at + 8 > len(data):
            raise damaged(name, "JPEG 2000")
        length, kind = struct.unpack_from(">I4s", data, at)
        start = at + 8
        if length == 1:
            length, start = int.from_bytes(data[start : start + 8], "big"), at + 16
        end = len(data) if length == 0 else at + length
        if not start <= end <= len(data):
            raise damaged(name, "JPEG 2000")
        if kind in _BOXES_OF_BOXES:
            yield from _boxes(name, data[start:end])
        else:
            yield kind, data[start:end]
        at = end


def _depth(name: str, size: Size, boxes: list[tuple[bytes, bytes]]) -> int:
    """Return the bits of a sample, of a palette those of its colours (I.5.3.4)."""
    palette = next((body for kind, body in boxes if kind == b"pclr"), b"")
    depths = tuple(palette[3 : 3 + palette[2]]) if len(palette) > 3 else tuple(depth for depth, *_ in size.components)
    if any(depth & _SIGNED for depth in depths):
        raise InputError(f"{name}: its samples are signed; convert it to 16 bits, unsigned.")
    if len(set(depths)) > 1 or max(depths) > 15:
        bits = ", ".join(str(depth + 1) for depth in depths)
        raise InputError(f"{name}: its channels have {bits} bits; convert it to 16 bits.")
    return depths[0] + 1


def _meaning(name: str, boxes: list[tuple[bytes, bytes]]) -> bytes | Profile | None:
    """Find out what the codes mean: of several colr boxes the first that is understood counts."""
    numbers = []
    for kind, body in boxes:
        if kind != b"colr" or len(body) < 7:
            continue
        method, number = body[0], int.from_bytes(body[3:7], "big")
        if method in (_RESTRICTED_ICC, _ANY_ICC):
            return body[3:]
        if method == _BY_H273:
            space = named_space(name, *struct.unpack_from(">HH", body, 3))
            if space is not None:
                return profile_of(space)
        elif method == _BY_NUMBER and number in (_SRGB, _SYCC, _ROMM):
            return profile_of(PROPHOTO if number == _ROMM else SRGB)
        numbers.append(number)
    unknown = [number for number in numbers if number not in (_GREY, _CMYK)]
    if unknown:
        raise InputError(
            f"{name}: its colours (JPEG 2000's number {unknown[0]}) are not known here; export it as a 16-bit "
            "ProPhoto TIFF."
        )
    return None


def _with_alpha(samples: Samples, boxes: list[tuple[bytes, bytes]]) -> Samples:
    """Say which of the channels is of transparency: a box of channel definitions does; without it, none is."""
    if any(kind == b"colr" and body[:1] == b"\1" and body[3:7] == _CMYK.to_bytes(4, "big") for kind, body in boxes):
        return replace(samples, mode="cmyk", alpha=None)
    body = next((body for kind, body in boxes if kind == b"cdef"), b"\0\0")
    kinds = [kind for _, kind, _ in struct.iter_unpack(">3H", body[2 : 2 + (len(body) - 2) // 6 * 6])]
    if _PREMULTIPLIED in kinds:
        return replace(samples, alpha="associated")
    return replace(samples, alpha="straight" if _OPACITY in kinds else None)
