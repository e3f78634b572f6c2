"""Weights that a fit may start from: the files that hold them, and those that ship with the package.

A file is safetensors: a tensor a layer ("layer0", "layer1", ...; (outputs, inputs) float32), and in its metadata what
the network sees of a pixel and where the weights come from. No payload refers to such a file: a fit only starts from
it, and what it ends with is stored whole.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

from gamutcli.arrays import FloatArray
from gamutcli.errors import InputError
from gamutcli.network.shape import Box, Inputs, Shape
from gamutcli.payload.format import MAX_BOXES, MAX_OCTAVES, MAX_RADIUS

FORMAT = "gamutcli weights 1"
SUFFIX = ".safetensors"
#: Says, in place of a file's name, that the weights of this package are wanted.
SHIPPED = "shipped"
#: Far above what any network has, and little enough to read without a thought.
MAX_BYTES = 1 << 26


@dataclass(frozen=True, eq=False)
class Weights:
    """What a fit may start from.

    Attributes:
        inputs: What the network sees of a pixel.
        weights: One (outputs, inputs) float32 matrix a layer.
        residual_unit: What an output of 1.0 means, as in ``presets.Preset``.
        provenance: Where they come from, in words.
    """

    inputs: Inputs
    weights: tuple[FloatArray, ...]
    residual_unit: float | None
    provenance: Mapping[str, str]

    @property
    def shape(self) -> Shape:
        """Of the network that they are for."""
        return Shape(self.inputs, int(self.weights[0].shape[0]), len(self.weights) - 1)

    @property
    def digest(self) -> str:
        """SHA-256 of the numbers, layer by layer as little-endian float32: says that two files hold the same."""
        sha = hashlib.sha256()
        for weight in self.weights:
            sha.update(weight.astype("<f4").tobytes())
        return sha.hexdigest()

    def learned_from(self, picture_name: str) -> bool:
        """Whether they were learned from a picture: from a file of its name, or a version of it, name-1.tif."""
        versions = re.compile(re.escape(Path(picture_name).stem) + r"(-\d+)?")
        learned = self.provenance.get("pictures", "").split(", ")
        return any(versions.fullmatch(Path(name).stem) for name in learned)


def pack_weights(weights: Weights) -> bytes:
    """The bytes of a weights file."""
    described = {
        "format": FORMAT,
        "inputs": json.dumps(asdict(weights.inputs)),
        "residual_unit": json.dumps(weights.residual_unit),
        "sha256": weights.digest,
        "provenance": json.dumps(dict(weights.provenance)),
    }
    return pack_tensors(dict(_layers(weights.weights)), described)


def read_weights(path: Path) -> Weights:
    """Read a weights file.

    Raises:
        InputError: It cannot be read, is no such file, or its digest does not match.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}).") from error
    return unpack_weights(data, str(path))


def unpack_weights(data: bytes, name: str) -> Weights:
    """Read the bytes of a weights file; ``name`` is what errors call it."""
    tensors, described = unpack_tensors(data, name)
    if described.get("format") != FORMAT:
        raise InputError(f"{name}: holds no weights of gamutcli; make some with `gamut pretrain`.")
    try:
        layers = tuple(tensors[f"layer{number}"] for number in range(len(tensors)))
        provenance = {str(key): str(value) for key, value in json.loads(described["provenance"]).items()}
        unit = json.loads(described["residual_unit"])
        inputs = _inputs(json.loads(described["inputs"]))
        weights = Weights(inputs, layers, None if unit is None else float(unit), provenance)
        sizes = list(weights.shape.layers)
    except (KeyError, IndexError, TypeError, ValueError, OverflowError, AttributeError, RecursionError) as error:
        raise _damaged(name) from error
    sound = (
        [weight.shape[::-1] for weight in layers] == sizes
        and all(np.isfinite(weight).all() for weight in layers)
        and (weights.residual_unit is None or 0 < weights.residual_unit < math.inf)
        and weights.digest == described.get("sha256")
    )
    if not sound:
        raise _damaged(name)
    return weights


@lru_cache
def find_shipped(shape: Shape) -> Weights | None:
    """The weights in this package for a network of a shape; None where there are none."""
    for weights in all_shipped().values():
        if weights.shape == shape:
            return weights
    return None


@lru_cache
def all_shipped() -> dict[str, Weights]:
    """The weights in this package, by name."""
    found = sorted((file for file in files(__name__).iterdir() if file.name.endswith(SUFFIX)), key=lambda f: f.name)
    return {file.name.removesuffix(SUFFIX): unpack_weights(file.read_bytes(), file.name) for file in found}


def pack_tensors(tensors: Mapping[str, FloatArray], described: Mapping[str, str]) -> bytes:
    """Arrays and words as safetensors."""
    import safetensors.numpy  # once it is sure to be needed

    contiguous = {name: np.ascontiguousarray(tensor, np.float32) for name, tensor in tensors.items()}
    data: bytes = safetensors.numpy.save(contiguous, dict(described))
    return data


def unpack_tensors(data: bytes, name: str) -> tuple[dict[str, FloatArray], dict[str, str]]:
    """Arrays and words of a safetensors file; ``name`` is what errors call it.

    Raises:
        InputError: It is none, or holds something else than float32.
    """
    import safetensors.numpy

    try:
        tensors = safetensors.numpy.load(data)
    except (safetensors.SafetensorError, ValueError, KeyError, RecursionError) as error:
        raise _damaged(name) from error
    if len(data) > MAX_BYTES or any(tensor.dtype != np.float32 for tensor in tensors.values()):
        raise _damaged(name)
    # The library's loader of bytes leaves the words out; they lie in the JSON that every such file starts with.
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    return tensors, header.get("__metadata__") or {}


def _layers(weights: Sequence[FloatArray]) -> list[tuple[str, FloatArray]]:
    return [(f"layer{number}", weight) for number, weight in enumerate(weights)]


def _inputs(fields: dict[str, Any]) -> Inputs:
    inputs = Inputs(**{**fields, "boxes": tuple(Box(**box) for box in fields["boxes"])})
    octaves = (inputs.position_octaves, inputs.color_octaves, *(box.octaves for box in inputs.boxes))
    bounded = (
        all(type(number) is int and 0 <= number <= MAX_OCTAVES for number in (*octaves, abs(inputs.first_octave)))
        and all(type(box.radius) is int and 0 <= box.radius <= MAX_RADIUS for box in inputs.boxes)
        and all(type(box.contrast) is bool for box in inputs.boxes)
        and len(inputs.boxes) <= MAX_BOXES
        and inputs.color in ("srgb_codes", "prophoto_linear")
    )
    if not bounded:
        raise ValueError("no payload could hold a network with these inputs")
    return inputs


def _damaged(name: str) -> InputError:
    return InputError(f"{name}: is damaged, or no file of weights; make one with `gamut pretrain`.")
