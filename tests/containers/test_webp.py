"""WebP files of one chunk that become extended ones."""

from __future__ import annotations

import io
import struct

import numpy as np
import pytest
from PIL import Image

from gamutcli.containers import Blocks, webp
from tests.support.camera import CAMERA_PACKET


def simple() -> bytes:
    stream = io.BytesIO()
    Image.fromarray(np.arange(36, dtype=np.uint8).reshape(3, 4, 3)).save(stream, "WEBP", lossless=True)
    return stream.getvalue()


def with_chunks(data: bytes, *chunks: tuple[bytes, bytes]) -> bytes:
    body = data[8:] + b"".join(kind + struct.pack("<I", len(body)) + body for kind, body in chunks)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def shown(data: bytes) -> bytes:
    with Image.open(io.BytesIO(data)) as image:
        return image.tobytes()


@pytest.mark.parametrize("more", [(b"VP8X", bytes(10)), (b"VP8L", simple()[20:])])
def test_what_means_nothing_behind_the_pixels_of_a_simple_file_does_not_spoil_the_extended_one(
    more: tuple[bytes, bytes],
) -> None:
    data = with_chunks(simple(), more, (b"zzzz", b"kept"))
    assert shown(data) == shown(simple())
    written = webp.write(data, Blocks(xmp=(CAMERA_PACKET,))).data
    assert shown(written) == shown(simple())
    assert [kind for kind, _ in webp.chunks_of(written)] == [b"VP8X", b"VP8L", b"zzzz", b"XMP "]


@pytest.mark.parametrize("lossless", [True, False])
def test_a_profile_is_put_where_libwebp_puts_it(lossless: bool) -> None:
    picture = Image.fromarray(np.arange(108, dtype=np.uint8).reshape(6, 6, 3))
    without, with_it = io.BytesIO(), io.BytesIO()
    picture.save(without, "WEBP", lossless=lossless)
    picture.save(with_it, "WEBP", lossless=lossless, icc_profile=b"a profile")
    assert webp.with_profile(without.getvalue(), b"a profile") == with_it.getvalue()
