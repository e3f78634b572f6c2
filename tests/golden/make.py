"""Make the golden files: what this version writes, and what it decodes to.

    python -m tests.golden.make

What is here must decode for ever and is never made anew: files that are missing are added, and nothing else is done.

payloads/NAME.gamut   bare payloads of networks with weights at random, one for each way a network can be made
payloads.json         what unpacking them gives, and a few residuals that they predict
reduced/NAME          reduced pictures, one for each format and carrier
restored/NAME.tif     what they expand to
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from gamutcli.arrays import Code16Array, CodeArray, FloatArray
from gamutcli.color.compression import Compression, Side
from gamutcli.color.gamut import Correction
from gamutcli.expand import expand_image
from gamutcli.fingerprint.match import fingerprint
from gamutcli.images import decode_reduced
from gamutcli.metadata import Metadata
from gamutcli.network.predict import Predictor
from gamutcli.network.shape import Box, Inputs
from gamutcli.payload import carriers
from gamutcli.payload.format import Payload, pack, unpack
from gamutcli.reduce import reduce_image
from tests.support.blocks import lost_blocks
from tests.support.networks import EVERY_KIND, network
from tests.support.pictures import sample_crop, write_tiff
from tests.support.presets import changed_presets

HERE = Path(__file__).parent

#: Coffee by scikit-image, public domain: a third of it is clipped.
LARGE = sample_crop("espresso", 224, 288, 56, 80)
SMALL = sample_crop("espresso", 232, 300, 32, 48)
#: Dark greys, which sRGB can hold.
GREYS: Code16Array = np.tile(np.arange(4000, 40000, 1500, dtype=np.uint16)[None, :, None], (16, 1, 3))

#: Name of the reduced file: the original, and how it is reduced. One is the format's default everywhere: XMP.
REDUCED: dict[str, tuple[Code16Array, dict[str, Any]]] = {
    "wide-network.png": (LARGE, {"preset": "balanced"}),
    "default.png": (SMALL, {}),
    "default.jpg": (SMALL, {}),
    "chroma-subsampled.jpg": (SMALL, {"subsampling": "4:2:0", "quality": 90}),
    "default.tif": (SMALL, {}),
    "default.webp": (SMALL, {}),
    "default.avif": (SMALL, {}),
    "default.jxl": (SMALL, {}),
    "paper.png": (SMALL, {"preset": "paper"}),
    "paper.jpg": (SMALL, {"preset": "paper"}),
    "exif.jpg": (SMALL, {"carrier": "exif"}),
    "exif.png": (SMALL, {"carrier": "exif"}),
    "sidecar.jpg": (SMALL, {"carrier": "sidecar"}),
    "nothing-to-restore.png": (GREYS, {}),
    "perceptual.png": (SMALL, {"intent": "perceptual"}),
}

#: Name of a reduced file with a network so wide that one segment does not hold it: its width, and the carrier.
SPLIT = {"xmp-and-exif.jpg": (200, "xmp+exif"), "extended-xmp.jpg": (290, "extended-xmp")}

#: Another network for the default JPEG, with all that version 2 has.
FIELDS = "perceptual-in-blocks.jpg"
CURVES = Compression(Side(6553, 12288, 3, 328), Side(9000, 11469, 5, 52428))

INPUTS = {
    **EVERY_KIND,
    "early octaves": Inputs(3, 2, (Box(3, 1),), first_octave=-3),
    "no position": Inputs(0, 4, (Box(1, 2, contrast=True), Box(1, 2))),
    "no color": Inputs(6, 0),
}


def picture() -> CodeArray:
    """A picture of 20 x 24 pixels from a sum, a good part of it clipped."""
    y, x, channel = np.ogrid[0:20, 0:24, 0:3]
    codes: CodeArray = (((37 * y + 91 * x + 61 * channel + 13 * x * y) % 320) - 32).clip(0, 255).astype(np.uint8)
    return codes


def payloads() -> dict[str, Payload]:
    """One for each way a network can be made."""
    mark = fingerprint(picture())
    made = {
        name: Payload(mark, "bradford", Correction(6), network(inputs, hidden=16, depth=3))
        for name, inputs in INPUTS.items()
    }
    made["the paper's"] = replace(
        made["the paper's"], adaptation="cat02", correction=Correction(0, True), network=network(INPUTS["the paper's"])
    )
    made["one layer, small grid"] = Payload(
        fingerprint(picture(), 8), "bradford", Correction(0), network(INPUTS["codes"], hidden=5, depth=1)
    )
    made["no network"] = Payload(fingerprint(picture(), 8), "bradford", Correction(0), None)
    small = Payload(fingerprint(picture(), 8), "bradford", Correction(0), network(INPUTS["codes"], hidden=5, depth=1))
    lost = lost_blocks(np.arange(20 * 24).reshape(20, 24) % 24 < 16)
    made["perceptual"] = replace(small, correction=Correction(0, False, CURVES))
    made["perceptual, no network"] = replace(small, correction=Correction(0, False, CURVES), network=None)
    made["blocks"] = replace(small, correction=Correction(6), blocks=lost)
    made["perceptual, blocks"] = replace(small, correction=Correction(6, False, CURVES), blocks=lost)
    return {name.replace(" ", "-").replace("'", "").replace(",", ""): payload for name, payload in made.items()}


def residuals(payload: Payload) -> FloatArray:
    """(n, 3) what the network predicts for every twentieth pixel of the picture; (0, 3) without a network."""
    if payload.network is None:
        return np.empty((0, 3), np.float32)
    places = np.arange(0, 20 * 24, 20)
    return Predictor(payload.network, picture(), payload.adaptation).residuals(slice(0, 20), places)


def described(payload: Payload) -> dict[str, Any]:
    """All that a payload says, in words and digests; what version 1 has no word for, where it says that."""
    mark, found = payload.fingerprint, payload.network
    told: dict[str, Any] = {}
    if payload.correction.compression:
        told["compression"] = asdict(payload.correction.compression)
    if payload.blocks:
        told["blocks"] = payload.blocks.bits.hex()
    return told | {
        "size": [mark.width, mark.height],
        "digest": mark.digest.hex(),
        "grid": [mark.grid.shape[0], _sha256(mark.grid)],
        "adaptation": payload.adaptation,
        "tolerance": payload.correction.tolerance,
        "every_pixel": payload.correction.every_pixel,
        "network": found
        and {
            "position_octaves": found.inputs.position_octaves,
            "color_octaves": found.inputs.color_octaves,
            "first_octave": found.inputs.first_octave,
            "color": found.inputs.color,
            "boxes": [[box.radius, box.octaves, box.contrast] for box in found.inputs.boxes],
            "layers": [[*layer.levels.shape, _sha256(layer.levels), _sha256(layer.scale)] for layer in found.layers],
            "residual_scale": found.residual_scale,
        },
    }


def make() -> None:
    """Write the files that are missing."""
    for name in ("payloads", "reduced", "restored"):
        (HERE / name).mkdir(exist_ok=True)
    known = HERE / "payloads.json"
    expected = json.loads(known.read_text("utf-8")) if known.exists() else {}
    for name, payload in payloads().items():
        if name in expected:
            continue
        data = pack(payload)
        (HERE / "payloads" / f"{name}.gamut").write_bytes(data)
        predicted = [[float(f"{value:.7g}") for value in row] for row in residuals(payload).tolist()]
        expected[name] = {**described(unpack(data)), "residuals": predicted}
    # Fits of a second, so that files stay small.
    work = {"steps": 200, "batch": 512, "samples": 4096}
    with (
        changed_presets("fast", "paper", hidden=12, **work),
        changed_presets("balanced", hidden=32, **work),
        tempfile.TemporaryDirectory() as folder,
    ):
        for name, (codes, settings) in REDUCED.items():
            if (HERE / "reduced" / name).exists():
                continue
            original = write_tiff(Path(folder) / "original.tif", codes)
            reduce_image(original, HERE / "reduced" / name, **{"preset": "fast", **settings})
            expand_image(HERE / "reduced" / name, HERE / "restored" / f"{name}.tif", device="cpu")
    default = carriers.strip((HERE / "reduced" / "default.jpg").read_bytes())
    mark = fingerprint(decode_reduced(default))
    embedded = {
        name: Payload(mark, "bradford", Correction(9), network(INPUTS["codes"], hidden, depth=2))
        for name, (hidden, _) in SPLIT.items()
    }
    lost = np.zeros((mark.height, mark.width), bool)
    lost[:20, 8:] = True
    embedded[FIELDS] = Payload(mark, "bradford", Correction(9, False, CURVES), network(), lost_blocks(lost))
    for name, payload in embedded.items():
        if (HERE / "reduced" / name).exists():
            continue
        (HERE / "reduced" / name).write_bytes(carriers.embed(default, pack(payload), Metadata()).data)
        expand_image(HERE / "reduced" / name, HERE / "restored" / f"{name}.tif", device="cpu")
    lines = (f"{json.dumps(name)}: {json.dumps(entry)}" for name, entry in expected.items())
    known.write_text("{\n" + ",\n".join(lines) + "\n}\n", "utf-8")


def _sha256(values: np.ndarray[Any, Any]) -> str:
    return hashlib.sha256(np.ascontiguousarray(values).tobytes()).hexdigest()[:16]


if __name__ == "__main__":
    make()
