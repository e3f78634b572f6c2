"""What reduce is to do, and all that can be wrong with that, before any work is done."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from gamutcli import gpu, images, storage
from gamutcli.arrays import StrPath
from gamutcli.color import tolerance
from gamutcli.color.gamut import Correction
from gamutcli.errors import UsageError
from gamutcli.fitting.presets import Preset
from gamutcli.payload.sidecar import check_targets
from gamutcli.weights import SHIPPED, Weights, find_shipped, read_weights


@dataclass(frozen=True, eq=False)
class Plan:
    """What is to be done, all that the user may have got wrong checked.

    Attributes:
        preset: How much work the fit does, and on what.
        max_payload: The user's limit, bytes.
        format: Of the reduced file.
        quality: As given; None is the format's own default.
        subsampling: Of a JPEG or AVIF.
        carrier: As given.
        seed: Of all that is random.
        device: As given.
        start: The weights that the fit starts from; None: random ones.
    """

    preset: Preset
    max_payload: int | None
    format: str
    quality: int | None
    subsampling: str
    carrier: str
    seed: int
    device: str
    start: Weights | None

    @property
    def correction(self) -> Correction:
        """Which pixels the decoder will correct."""
        quality = images.lossy_quality(self.format, self.quality)
        return Correction(tolerance.of_format(self.format, quality), self.preset.every_pixel)


def make_plan(
    source: StrPath,
    target: StrPath,
    preset: Preset,
    max_payload: int | None,
    quality: int | None,
    subsampling: str,
    carrier: str,
    seed: int,
    device: str,
    init: StrPath | None,
    overwrite: bool,
) -> Plan:
    """Check everything that can be checked before any work is done; the arguments are those of ``reduce_image``."""
    gpu.check(device)
    format = images.format_of(target)
    check_targets(target, carrier, overwrite)
    storage.check_other(target, source)
    start = None if init is None else _find_start(init, preset)
    return Plan(preset, max_payload, format, quality, subsampling, carrier, seed, device, start)


def _find_start(init: StrPath, preset: Preset) -> Weights:
    """Find the weights that a fit is to start from."""
    shape = preset.shape
    weights = find_shipped(shape) if init == SHIPPED else read_weights(Path(init))
    if weights is None:
        raise UsageError(f"no weights ship for the network of preset {preset.name}; make some with `gamut pretrain`.")
    if weights.shape != shape:
        raise UsageError(
            f"{os.fspath(init)}: is for {weights.shape.depth} hidden layers of {weights.shape.hidden} units, not for "
            f"the network of preset {preset.name} ({shape.depth} of {shape.hidden}); make weights for it with `gamut "
            "pretrain`."
        )
    return weights
