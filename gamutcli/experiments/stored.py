"""The paper's networks in every form in which a file could store their weights, with the bytes that each takes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gamutcli.arrays import FloatArray
from gamutcli.fitting.quantise import round_weights
from gamutcli.network.shape import FloatNetwork, Network
from gamutcli.payload.format import network_bytes

_HALF_MAX = float(np.finfo(np.float16).max)
SCALE_BYTES = 2  # float16, one an output row
#: Bits of a level, and what the form is called.
LEVELS = {8: "int8", 6: "6 bits"}
#: What a form is called that went through the payload's deflate as well.
DEFLATED = "{}, deflated"
#: All forms, from the largest to the smallest, or nearly so.
FORMS = ("fp32", "fp16", *(form for name in LEVELS.values() for form in (name, DEFLATED.format(name))))


@dataclass(frozen=True, eq=False)
class Stored:
    """A network as its weights come back from a file.

    Attributes:
        network: With those weights.
        sizes: Bytes that they take, by form; several forms may keep the same weights.
    """

    network: FloatNetwork | Network
    sizes: dict[str, int]


def store_weights(network: FloatNetwork) -> list[Stored]:
    """Store a network's weights in every one of ``FORMS``.

    What is the same for every picture, such as the number of hidden units, is not counted.
    """
    count = sum(weight.size for weight in network.weights)
    halves = FloatNetwork(network.inputs, tuple(map(_halve, network.weights)), network.residual_scale)
    return [
        Stored(network, {"fp32": 4 * count}),
        Stored(halves, {"fp16": 2 * count}),
        *(_in_levels(network, count, bits) for bits in LEVELS),
    ]


def _in_levels(network: FloatNetwork, count: int, bits: int) -> Stored:
    layers = tuple(round_weights(weight, bits) for weight in network.weights)
    coarse = Network(network.inputs, layers, network.residual_scale)
    scales = SCALE_BYTES * sum(len(weight) for weight in network.weights)
    name = LEVELS[bits]
    return Stored(coarse, {name: -(-bits * count // 8) + scales, DEFLATED.format(name): network_bytes(coarse)})


def _halve(weight: FloatArray) -> FloatArray:
    """What float16 keeps of weights; it would make the largest ones infinite."""
    return weight.clip(-_HALF_MAX, _HALF_MAX).astype(np.float16).astype(np.float32)
