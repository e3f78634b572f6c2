"""What reduce is to do, and all that can be wrong with that, before any work is done."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from pathlib import Path

from gamutcli import gpu, images, storage
from gamutcli.arrays import StrPath
from gamutcli.color import tolerance
from gamutcli.color.gamut import Correction
from gamutcli.errors import InputError, PayloadError, UsageError
from gamutcli.fitting.presets import Preset
from gamutcli.images.original import Source
from gamutcli.images.picture import EIGHT_BITS
from gamutcli.payload import carriers
from gamutcli.payload.sidecar import check_targets, path_beside
from gamutcli.weights import SHIPPED, Weights, find_shipped, read_weights

#: The ICC's words: what sRGB cannot hold is clipped, or moved inwards together with what lies near it.
RELATIVE, PERCEPTUAL = INTENTS = ("relative", "perceptual")


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
        intent: One of ``INTENTS``.
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
    intent: str

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
    intent: str,
) -> Plan:
    """Check everything that can be checked before any work is done; the arguments are those of ``reduce_image``."""
    gpu.check(device)
    if intent not in INTENTS:
        raise UsageError(f"unknown intent {intent!r}; choose one of {', '.join(INTENTS)}")
    if intent == PERCEPTUAL and preset.every_pixel:
        raise UsageError("--intent perceptual does not go with --preset paper, whose pictures are clipped")
    format = images.format_of(target)
    check_targets(target, carrier, overwrite)
    storage.check_other(target, source)
    start = None if init is None else _find_start(init, preset)
    return Plan(preset, max_payload, format, quality, subsampling, carrier, seed, device, start, intent)


def check_target_de(wanted: float, preset: str | Preset, model: str | None, init: StrPath | None) -> None:
    """Refuse what does not go with ``target_de``, which chooses the preset and the network by itself.

    Raises:
        UsageError: A preset other than the default was named, a model or first weights; or nothing can be so near.
    """
    if not 0 < wanted < math.inf:
        raise UsageError(f"--target-de {wanted:g}: is no colour difference; 1 is about the least that can be seen.")
    for name, given in (
        ("--preset", preset != "balanced"),
        ("--model", model is not None),
        ("--init", init is not None),
    ):
        if given:
            raise UsageError(f"{name} does not go with --target-de, which chooses the network itself; leave one out.")


def short_of(wanted: float, left: float, lossy: bool) -> str:
    """Say that a wanted colour difference was not reached.

    Args:
        wanted: The 99th percentile that was.
        left: The one that is.
        lossy: Whether the file has losses of its own.
    """
    said = f"falls short of --target-de {wanted:g}: 99 % of the colours are back within dE {left:.2f}"
    if not lossy:
        return f"{said}, with the largest network there is"
    return f"{said}; a larger network hardly helps, since the file's own losses stay: raise --quality, or write a PNG"


def refuse_reduced(source: StrPath, picture: Source) -> None:
    """Refuse a file that is the result of this command: its pixels are what is left of the picture.

    Raises:
        InputError: The file holds a payload, or one lies beside it.
    """
    path = Path(source)
    if EIGHT_BITS not in picture.notes:  # a reduced file is of 8 bits; the others are not read a second time
        return
    try:
        is_reduced = path_beside(path).is_file() or carriers.extract(images.read_bytes(path)) is not None
    except PayloadError:
        is_reduced = True
    except InputError:  # of a format that carries no payload, or its metadata cannot be read
        return
    if is_reduced:
        raise InputError(f"{path}: is reduced already, and holds its lost colours; restore it with `gamut expand`.")


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
