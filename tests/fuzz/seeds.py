"""Whole files that mutants are made of: the golden ones, also with a camera's metadata, and sources of every kind."""

from __future__ import annotations

import io
import json
import tempfile
from dataclasses import dataclass, field
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from PIL import Image

from gamutcli.containers import Metadata
from gamutcli.network.shape import Inputs
from gamutcli.payload import carriers
from gamutcli.weights import Weights, pack_weights
from tests.golden.make import HERE, picture
from tests.support.camera import CAMERA_PACKET, camera_exif
from tests.support.inputs import INPUTS

GOLDEN = HERE / "reduced"


@dataclass(frozen=True)
class File:
    """A file, and what lies beside it by the suffix behind its name."""

    suffix: str
    data: bytes
    beside: dict[str, bytes] = field(default_factory=dict)


@cache
def reduced(suffix: str) -> tuple[File, ...]:
    """Reduced pictures of a format: the small golden ones, plain and with all that a camera writes."""
    files = []
    for path in sorted(GOLDEN.glob("*" + suffix)):
        data = path.read_bytes()
        sidecar = path.with_name(path.name + ".gamut")
        files.append(File(suffix, data, {".gamut": sidecar.read_bytes()} if sidecar.exists() else {}))
        found = carriers.extract(data)
        if found is not None and len(data) < 10_000:
            shot = Metadata(camera_exif(thumbnail=300, comment=b"ASCII\0\0\0said"), CAMERA_PACKET)
            carrier = "exif" if "exif" in path.name else "auto"
            files.append(File(suffix, carriers.embed(data, found.payload, shot, carrier).data))
    return tuple(sorted(files, key=lambda file: len(file.data) > 50_000))


@cache
def payloads() -> tuple[bytes, ...]:
    """Bare payloads, all of the same picture."""
    return tuple(path.read_bytes() for path in sorted((HERE / "payloads").iterdir()))


@cache
def bare() -> dict[str, bytes]:
    """That picture, without payload, by suffix."""
    made = {}
    for suffix, settings in ((".png", {}), (".tif", {}), (".webp", {"lossless": True, "exact": True})):
        stream = io.BytesIO()
        kind = {".png": "PNG", ".tif": "TIFF", ".webp": "WEBP"}[suffix]
        Image.fromarray(picture()).save(stream, kind, **settings)
        made[suffix] = stream.getvalue()
    return made


@cache
def wide(suffix: str) -> tuple[File, ...]:
    """Sources of a format: a small one of every kind that docs/INPUTS.md lists, refused ones included."""
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for kind in INPUTS:
            for name, make in kind.makers:
                path = Path(folder, name)
                if path.suffix != suffix or not all(map(find_spec, kind.needs)) or "cut short" in kind.kind:
                    continue
                try:
                    make(path)
                except NotImplementedError:  # an encoder that older versions of a library lack
                    continue
                if path.stat().st_size < 200_000:
                    found.append(File(suffix, path.read_bytes()))
    return tuple(found)


@cache
def weights() -> tuple[bytes, ...]:
    """Small files of weights."""
    inputs = Inputs(2, 1)
    layers = tuple(np.zeros(shape, np.float32) for shape in ((4, inputs.size), (4, 4), (3, 4)))
    packed = [pack_weights(Weights(inputs, layers, unit, {"pictures": "a.tif"})) for unit in (None, 0.5)]
    return tuple(map(_in_one_order, packed))


def _in_one_order(data: bytes) -> bytes:
    """The same file with its words in order: the library writes them as they come."""
    length = int.from_bytes(data[:8], "little")
    head = json.dumps(json.loads(data[8 : 8 + length]), sort_keys=True).encode()
    return len(head).to_bytes(8, "little") + head + data[8 + length :]
