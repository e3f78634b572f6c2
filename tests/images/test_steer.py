"""A steered JPEG: any decoder shows it, and what is restored from is nearer to what it should be."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from gamutcli.arrays import DoubleArray
from gamutcli.color.spaces import PROPHOTO, SRGB, apply_matrix, rgb_to_rgb
from gamutcli.images.decode import decode_reduced
from gamutcli.images.encode import encode_reduced
from gamutcli.images.original import Original, clip_to_srgb, read_source
from gamutcli.images.steer import encode_steered
from tests.support.pictures import SAMPLES

#: No side is a multiple of a block's.
SHAPE = 203, 221


@pytest.fixture(scope="module")
def dahlia() -> Original:
    original = read_source(SAMPLES / "dahlia.tif").original
    return original.part(original.codes[60 : 60 + SHAPE[0], 120 : 120 + SHAPE[1]].copy())


def clipped_light(original: Original) -> DoubleArray:
    linear = apply_matrix(original.strip(slice(0, original.size[0])), rgb_to_rgb(PROPHOTO, SRGB))
    return linear.clip(0, 1).astype(np.float64)


def error(jpeg: bytes, original: Original, where: np.ndarray) -> float:
    """Root mean square error of linear ProPhoto RGB of a file, against the clipped picture before rounding."""
    light = SRGB.cctf_decoding(decode_reduced(jpeg) / 255) - clipped_light(original)
    return float(np.sqrt(np.square(light @ rgb_to_rgb(SRGB, PROPHOTO).T)[where].mean()))


@pytest.mark.parametrize("quality", [95, 75])
def test_lost_colours_are_nearer_in_about_as_many_bytes(quality: int, dahlia: Original) -> None:
    steered, lost = encode_steered(dahlia, "bradford", quality)
    plain = encode_reduced(clip_to_srgb(dahlia), "jpeg", quality)
    assert 0.05 < lost.mean() < 0.95
    assert error(steered, dahlia, lost) < 0.9 * error(plain, dahlia, lost)
    assert len(steered) < 1.1 * len(plain)


def test_other_colours_are_as_near_as_ever(dahlia: Original) -> None:
    steered, lost = encode_steered(dahlia, "bradford", 95)
    plain = encode_reduced(clip_to_srgb(dahlia), "jpeg", 95)
    assert error(steered, dahlia, ~lost) < 1.02 * error(plain, dahlia, ~lost)


def test_it_is_an_ordinary_jpeg_of_the_same_size_and_tables(dahlia: Original) -> None:
    files = encode_steered(dahlia, "bradford", 90)[0], encode_reduced(clip_to_srgb(dahlia), "jpeg", 90)
    steered, plain = (Image.open(io.BytesIO(data)) for data in files)
    assert steered.size == plain.size == SHAPE[::-1]
    assert steered.mode == "RGB"
    assert steered.quantization == plain.quantization  # type: ignore[attr-defined]
    assert steered.info["icc_profile"] == plain.info["icc_profile"]


def test_clipped_channels_stay_at_their_bounds(dahlia: Original) -> None:
    steered, lost = encode_steered(dahlia, "bradford", 95)
    plain = encode_reduced(clip_to_srgb(dahlia), "jpeg", 95)
    bound = (clip_to_srgb(dahlia) == 255) & lost[..., None]
    held = [float((decode_reduced(data)[bound] >= 253).mean()) for data in (steered, plain)]
    assert held[0] > 0.95
    assert held[0] > held[1]
