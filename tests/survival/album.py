"""The files that the tools are let loose on: one photograph, reduced to every format, its payload in every carrier."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import tifffile

from gamutcli import expand_image, reduce_image
from gamutcli.arrays import Code16Array, CodeArray
from gamutcli.color.gamut import srgb_codes
from gamutcli.color.icc import write_profile
from gamutcli.color.spaces import PROPHOTO, SRGB, apply_matrix, rgb_to_rgb
from gamutcli.images import decode_reduced, encode_reduced
from gamutcli.metadata import Metadata
from gamutcli.network.shape import Layer, Network
from gamutcli.payload import carriers
from gamutcli.payload.format import pack, unpack
from gamutcli.payload.sidecar import path_beside

from .operations import EVERY, SUFFIX
from .tools import ROOT

HEIGHT, WIDTH = 256, 384
STEM = "photo"

# Of each format. The large payloads are of a JPEG only: nowhere else does their size matter.
CARRIERS = {
    "jpeg": ("xmp", "exif", "xmp+exif", "extended-xmp", "sidecar"),
    "png": ("xmp", "exif", "sidecar"),
    **{format: ("xmp", "exif") for format in EVERY if format not in ("jpeg", "png")},
}
# Hidden units that make a payload of about 65,000 and 110,000 bytes.
WIDENED = {"xmp+exif": 150, "extended-xmp": 205}

_CAMERA = (
    (271, "s", 0, "Camera works", True),
    (272, "s", 0, "Model 1", True),
    (274, "H", 1, 1, True),
    (306, "s", 0, "2024:05:06 07:08:09", True),
)


@dataclass(frozen=True)
class Subject:
    """A reduced file, and what is known of it.

    Attributes:
        format: Its format.
        carrier: Where its payload is.
        file: The file; a sidecar beside it where the carrier is one.
        other: A picture of the same format and size, without payload.
        payload: The bytes in it.
        codes: (height, width, 3) its pixels.
        restored: (height, width, 3) what expand makes of it.
        truth: (height, width, 3) the picture that it was made from, ROMM RGB codes.
    """

    format: str
    carrier: str
    file: Path
    other: Path
    payload: bytes
    codes: CodeArray
    restored: Code16Array
    truth: Code16Array


def names() -> Iterator[tuple[str, str]]:
    """Format and carrier of every subject."""
    yield from ((format, carrier) for format, of_it in CARRIERS.items() for carrier in of_it)


class Album:
    """Makes subjects when they are asked for, and keeps them.

    Args:
        folder: Where; empty.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._subjects: dict[tuple[str, str], Subject] = {}
        self._photograph = folder / "photograph.tif"
        self._truth: Code16Array = tifffile.imread(ROOT / "sample_images" / "dahlia.tif")[
            64 : 64 + HEIGHT, 96 : 96 + WIDTH
        ]
        tifffile.imwrite(
            self._photograph,
            self._truth,
            photometric="rgb",
            iccprofile=write_profile(PROPHOTO),
            extratags=_CAMERA,
            metadata=None,
        )

    def subject(self, format: str, carrier: str) -> Subject:
        """The file of this format with this carrier."""
        if (format, carrier) not in self._subjects:
            made = (
                self._reduced(format) if carrier == "xmp" else self._with_carrier(self.subject(format, "xmp"), carrier)
            )
            self._subjects[format, carrier] = made
        return self._subjects[format, carrier]

    def _place(self, format: str, carrier: str) -> Path:
        folder = self._folder / format / carrier
        folder.mkdir(parents=True)
        return folder / f"{STEM}{SUFFIX[format]}"

    def _reduced(self, format: str) -> Subject:
        file = self._place(format, "xmp")
        made = reduce_image(self._photograph, file, preset="fast", device="cpu")
        assert made.carrier == "xmp"
        data = file.read_bytes()
        other = file.with_name(f"other{SUFFIX[format]}")
        other.write_bytes(encode_reduced(_another_picture(), format))
        found = carriers.extract(data)
        assert found is not None  # reduce has said so
        return Subject(format, "xmp", file, other, found.payload, decode_reduced(data), _expanded(file), self._truth)

    def _with_carrier(self, subject: Subject, carrier: str) -> Subject:
        """The same picture, its payload elsewhere, and widened where the carrier is for large ones."""
        file = self._place(subject.format, carrier)
        payload = _widened(subject.payload, WIDENED[carrier]) if carrier in WIDENED else subject.payload
        asked = "auto" if carrier in WIDENED else carrier
        embedded = carriers.embed(carriers.strip(subject.file.read_bytes()), payload, Metadata(), asked)
        assert embedded.carrier == carrier
        file.write_bytes(embedded.data)
        if carrier == "sidecar":
            path_beside(file).write_bytes(payload)
        return replace(subject, carrier=carrier, file=file, payload=payload, restored=_expanded(file))


def _another_picture() -> CodeArray:
    codes = tifffile.imread(ROOT / "sample_images" / "fabrics.tif")[:HEIGHT, :WIDTH]
    linear = PROPHOTO.cctf_decoding(codes.astype(np.float32) / np.float32(65535))
    return srgb_codes(apply_matrix(linear, rgb_to_rgb(PROPHOTO, SRGB)))


def _expanded(file: Path) -> Code16Array:
    target = file.with_name("restored.tif")
    expand_image(file, target, device="cpu", compression="none", overwrite=True)
    codes: Code16Array = tifffile.imread(target)
    target.unlink()
    return codes


def _widened(data: bytes, hidden: int) -> bytes:
    """The same payload with units that say nothing to the network's output: it only takes more bytes."""
    payload = unpack(data)
    assert payload.network is not None
    random = np.random.default_rng(0)
    layers = []
    known = payload.network.layers
    widths = [payload.network.inputs.size, *[hidden] * (len(known) - 1), 3]
    for layer, (fan_in, outputs) in zip(known, pairwise(widths), strict=True):
        old_outputs, old_inputs = layer.levels.shape
        levels = np.zeros((outputs, fan_in), np.int8)
        levels[old_outputs:] = random.integers(-127, 128, (outputs - old_outputs, fan_in))
        levels[:old_outputs, :old_inputs] = layer.levels
        scale = np.full(outputs, 0.001, np.float16)
        scale[:old_outputs] = layer.scale
        layers.append(Layer(levels, scale))
    network = Network(payload.network.inputs, tuple(layers), payload.network.residual_scale)
    return pack(replace(payload, network=network))
