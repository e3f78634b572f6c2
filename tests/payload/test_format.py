"""A payload comes back as it went in; a damaged or hostile one is refused before anything is allocated."""

from __future__ import annotations

import contextlib
import random
import struct
import tracemalloc
import zlib
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gamutcli.color.gamut import Correction
from gamutcli.color.spaces import Adaptation
from gamutcli.errors import PayloadError
from gamutcli.fingerprint.match import Fingerprint, fingerprint
from gamutcli.network.predict import Predictor
from gamutcli.network.shape import Box, Inputs, Layer, Network
from gamutcli.payload.format import Payload, network_bytes, overhead_bytes, pack, unpack
from tests.support.networks import CODES, CODES_AND_BOXES, EVERY_KIND, network, noise

PICTURE = noise(24, 40)
SMALL = Payload(fingerprint(PICTURE), "bradford", Correction(6), network(hidden=8))
#: A decoder of a small payload has no business with more than this.
MEMORY = 2_000_000


def resealed(data: bytes) -> bytes:
    """The data with a checksum that fits: what a forger would write."""
    return data[:-4] + struct.pack("<I", zlib.crc32(data[:-4]))


def assert_same(found: Payload, expected: Payload) -> None:
    mark, known = found.fingerprint, expected.fingerprint
    assert (mark.width, mark.height, mark.digest) == (known.width, known.height, known.digest)
    np.testing.assert_array_equal(mark.grid, known.grid)
    assert (found.adaptation, found.correction) == (expected.adaptation, expected.correction)
    assert (found.network is None) == (expected.network is None)
    if found.network and expected.network:
        assert found.network.inputs == expected.network.inputs
        assert found.network.residual_scale == expected.network.residual_scale
        for layer, original in zip(found.network.layers, expected.network.layers, strict=True):
            np.testing.assert_array_equal(layer.weight, original.weight)


def assert_refused_or_sane(data: bytes) -> None:
    """A payload that may say anything: no error but PayloadError, and no more memory than it may take."""
    tracemalloc.start()
    try:
        with contextlib.suppress(PayloadError):
            unpack(data)
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < MEMORY


# There and back.


@pytest.mark.parametrize("inputs", EVERY_KIND.values(), ids=EVERY_KIND.keys())
@pytest.mark.parametrize("depth", [1, 3])
@pytest.mark.parametrize("adaptation", ["bradford", "cat02"])
@pytest.mark.parametrize("correction", [Correction(0), Correction(12), Correction(4, every_pixel=True)])
def test_a_payload_comes_back(inputs: Inputs, depth: int, adaptation: Adaptation, correction: Correction) -> None:
    payload = Payload(fingerprint(PICTURE), adaptation, correction, network(inputs, hidden=9, depth=depth))
    assert_same(unpack(pack(payload)), payload)


@given(
    width=st.integers(1, 1 << 20),
    height=st.integers(1, 1 << 20),
    digest=st.binary(min_size=16, max_size=16),
    position=st.integers(1, 14),
    color=st.integers(0, 14),
    first=st.integers(-3, 3),
    boxes=st.lists(st.builds(Box, st.integers(1, 40), st.integers(0, 5), st.booleans()), max_size=4),
    hidden=st.integers(1, 20),
    depth=st.integers(1, 5),
    tolerance=st.integers(0, 12),
)
def test_any_shape_of_network_comes_back(
    width: int,
    height: int,
    digest: bytes,
    position: int,
    color: int,
    first: int,
    boxes: list[Box],
    hidden: int,
    depth: int,
    tolerance: int,
) -> None:
    inputs = Inputs(position, color, tuple(boxes), first_octave=first)
    mark = Fingerprint(width, height, digest, fingerprint(PICTURE).grid)
    payload = Payload(mark, "bradford", Correction(tolerance), network(inputs, hidden, depth))
    assert_same(unpack(pack(payload)), payload)


def test_a_payload_without_a_network_comes_back_and_is_small() -> None:
    payload = Payload(fingerprint(PICTURE), "bradford", Correction(6), None)
    assert_same(unpack(pack(payload)), payload)
    assert len(pack(payload)) < 1000


def test_what_comes_back_predicts_the_same() -> None:
    found = unpack(pack(SMALL)).network
    assert found is not None
    assert SMALL.network is not None
    inside = np.arange(PICTURE.shape[0] * PICTURE.shape[1])
    before, after = (
        Predictor(one, PICTURE, "bradford").residuals(slice(0, 24), inside) for one in (SMALL.network, found)
    )
    np.testing.assert_array_equal(before, after)


def test_the_same_payload_gives_the_same_bytes() -> None:
    assert pack(SMALL) == pack(SMALL)
    assert pack(unpack(pack(SMALL))) == pack(SMALL)


def test_weights_take_about_a_byte_each_and_fewer_where_they_are_coarse() -> None:
    fitted = network(Inputs(12, 4, (Box(1, 2),)), hidden=64, depth=3)
    coarse = replace(fitted, layers=tuple(replace(layer, levels=layer.levels // 16) for layer in fitted.layers))
    weights = sum(layer.weight.size for layer in fitted.layers)
    assert len(pack(replace(SMALL, network=fitted))) < 1.05 * weights + 2000
    assert len(pack(replace(SMALL, network=coarse))) < 0.6 * weights + 2000


def test_the_size_of_a_payload_can_be_told_from_its_network() -> None:
    for inputs, hidden in ((CODES, 8), (CODES_AND_BOXES, 40)):
        fitted = network(inputs, hidden)
        packed = pack(replace(SMALL, network=fitted))
        assert len(packed) <= network_bytes(fitted) + overhead_bytes(SMALL.fingerprint.grid.shape[0], inputs)


# Damage.


def test_a_payload_cut_short_anywhere_is_refused() -> None:
    data = pack(SMALL)
    for length in range(len(data)):
        with pytest.raises(PayloadError):
            unpack(data[:length])


def test_any_flipped_byte_is_noticed() -> None:
    data = pack(SMALL)
    picks = random.Random(0)
    for place in range(len(data)):
        damaged = bytearray(data)
        damaged[place] ^= picks.randrange(1, 256)
        with pytest.raises(PayloadError):
            unpack(bytes(damaged))


@pytest.mark.parametrize("more", [b"\0", b"\0" * 4, b"more" * 100])
def test_bytes_after_the_end_are_noticed(more: bytes) -> None:
    data = pack(SMALL)
    for longer in (data + more, resealed(data + more), resealed(data[:-4] + more + data[-4:])):
        with pytest.raises(PayloadError):
            unpack(longer)


@pytest.mark.parametrize("data", [b"", b"\0", b"GIF89a" * 50, b"\xff" * 5000, bytes(range(256)) * 4])
def test_other_bytes_are_no_payload(data: bytes) -> None:
    with pytest.raises(PayloadError, match="not a gamutcli payload"):
        unpack(data)


@pytest.mark.parametrize("version", [0, 3, 99, 255])
def test_an_unknown_version_is_refused_by_its_number(version: int, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("gamutcli.payload.format.VERSION", version)
        data = pack(SMALL)
    with pytest.raises(PayloadError, match=f"version {version} "):
        unpack(data)


# Forgery: the checksum fits, so every field has to be looked at.


def test_a_forged_checksum_is_what_the_format_calls_one() -> None:
    assert resealed(pack(SMALL)) == pack(SMALL)


def test_forged_bytes_do_no_harm() -> None:
    data = pack(SMALL)
    picks = random.Random(1)
    for place, forged in product(range(min(len(data) - 4, 120)), (0, 1, 127, 128, 255)):
        changed = bytearray(data)
        changed[place] = forged
        assert_refused_or_sane(resealed(bytes(changed)))
    for _ in range(300):
        changed = bytearray(data)
        for _ in range(picks.randrange(1, 6)):
            changed[picks.randrange(5, len(data) - 4)] = picks.randrange(256)
        assert_refused_or_sane(resealed(bytes(changed)))


def test_a_forged_end_is_noticed() -> None:
    data = pack(SMALL)
    for length in range(5, len(data)):
        with pytest.raises(PayloadError):
            unpack(resealed(data[:length]))


FITTED = network(hidden=8)
HUGE_GRID = np.zeros((255, 255, 3), np.uint8)
ABSURD = {
    "no width": replace(SMALL, fingerprint=replace(SMALL.fingerprint, width=0)),
    "no height": replace(SMALL, fingerprint=replace(SMALL.fingerprint, height=0)),
    "width of billions": replace(SMALL, fingerprint=replace(SMALL.fingerprint, width=(1 << 32) - 1)),
    "height of billions": replace(SMALL, fingerprint=replace(SMALL.fingerprint, height=1 << 31)),
    "large grid": replace(SMALL, fingerprint=replace(SMALL.fingerprint, grid=HUGE_GRID)),
    "no grid": replace(SMALL, fingerprint=replace(SMALL.fingerprint, grid=HUGE_GRID[:0, :0])),
    "tolerance of everything": replace(SMALL, correction=Correction(200)),
    "octaves": replace(SMALL, network=replace(FITTED, inputs=replace(FITTED.inputs, position_octaves=200))),
    "color octaves": replace(SMALL, network=replace(FITTED, inputs=replace(FITTED.inputs, color_octaves=200))),
    "first octave": replace(SMALL, network=replace(FITTED, inputs=replace(FITTED.inputs, first_octave=100))),
    "many boxes": replace(SMALL, network=replace(FITTED, inputs=replace(FITTED.inputs, boxes=(Box(1, 1),) * 200))),
    "large box": replace(SMALL, network=replace(FITTED, inputs=replace(FITTED.inputs, boxes=(Box(255, 1),)))),
    "wide layers": replace(SMALL, network=replace(FITTED, layers=network(Inputs(1, 0), 60_000, 1).layers)),
    "many layers": replace(SMALL, network=network(Inputs(1, 0), 2, 100)),
    "boxes alone": replace(SMALL, network=network(Inputs(0, 0, (Box(1, 1),)), 8, 1)),
    "no inputs": replace(SMALL, network=replace(FITTED, inputs=Inputs(0, 0))),
    "scale is not a number": replace(SMALL, network=replace(FITTED, residual_scale=float("nan"))),
    "huge scale": replace(SMALL, network=replace(FITTED, residual_scale=1e30)),
    "scale is infinite": replace(SMALL, network=replace(FITTED, residual_scale=float("inf"))),
}


def refuse_in_little_memory(data: bytes) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(PayloadError):
            unpack(data)
        assert tracemalloc.get_traced_memory()[1] < MEMORY
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("payload", ABSURD.values(), ids=ABSURD.keys())
def test_absurd_dimensions_are_refused(payload: Payload) -> None:
    data = pack(payload)
    refuse_in_little_memory(data)


def test_a_body_that_inflates_without_end_is_left_alone() -> None:
    claimed = network(CODES, hidden=16, depth=1)
    flood = Layer(np.zeros((16, 500_000), np.int8), np.zeros(16, np.float16))
    data = pack(replace(SMALL, network=Network(claimed.inputs, (flood, claimed.layers[1]), 1.0)))
    assert len(data) < 100_000  # 8 MB of zeros in it
    refuse_in_little_memory(data)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_weight_that_is_not_a_number_is_refused(bad: float) -> None:
    first, *others = FITTED.layers
    scale = first.scale.copy()
    scale[0] = bad
    with pytest.raises(PayloadError, match="not a number"):
        unpack(pack(replace(SMALL, network=replace(FITTED, layers=(replace(first, scale=scale), *others)))))


def test_weights_that_overflow_together_are_refused() -> None:
    layers = tuple(replace(layer, scale=np.full_like(layer.scale, 65504)) for layer in network(depth=6).layers)
    with pytest.raises(PayloadError, match="make no sense"):
        unpack(pack(replace(SMALL, network=replace(FITTED, layers=layers))))


def test_a_large_but_sane_network_is_none_of_these() -> None:
    payload = replace(SMALL, network=network(hidden=128, depth=5))
    assert_same(unpack(pack(payload)), payload)


@pytest.mark.parametrize(
    ("at", "value"), [(5, 8), (6, 65), (7, 33), (32, 17), (33, 17), (34, 17), (35, 9), (38, 9), (39, 1)]
)
def test_each_field_of_version_1_has_its_bound(at: int, value: int) -> None:
    """Of the table in docs/FORMAT.md; one more than allowed, with a right checksum."""
    import struct
    import zlib

    from tests.golden.make import HERE

    data = bytearray((HERE / "payloads" / "codes.gamut").read_bytes()[:-4])
    data[at] = value
    with pytest.raises(PayloadError, match="make no sense"):
        unpack(bytes(data) + struct.pack("<I", zlib.crc32(data)))
