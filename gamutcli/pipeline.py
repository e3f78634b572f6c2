"""The whole way, in one screen each: reduce, expand, inspect, evaluate.

reduce: read -> convert -> clip and round -> encode the picture -> *decode it again* -> fit -> quantise -> predict with
the quantised weights and measure -> pack -> embed -> publish.
expand: open -> extract -> unpack -> check the pixels -> decode -> predict residuals -> add -> encode -> publish.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from gamutcli import carriers, gpu, images, storage
from gamutcli.arrays import FloatArray
from gamutcli.color import SPACES
from gamutcli.errors import UsageError
from gamutcli.evaluation import FIT_SECONDS, evaluate, write_report
from gamutcli.fingerprint import GRID_SIDE, SMALL_GRID_SIDE, Status, fingerprint
from gamutcli.fit import Progress, fit
from gamutcli.gpu.fit import fit as fit_on_gpu
from gamutcli.metadata import made_true, orientation_of, private, read_metadata
from gamutcli.metrics import Comparison
from gamutcli.model import Correction, Network
from gamutcli.parallel import in_order, one_blas_thread
from gamutcli.payload import VERSION, Payload, overhead_bytes, pack
from gamutcli.presets import Preset, choose, fitting
from gamutcli.quantise import network_within, rounded
from gamutcli.restore import Restoration, checked, open_reduced
from gamutcli.results import Evaluation, ExpandResult, Info, ReduceResult, Scores
from gamutcli.sample import draw, draw_as_the_paper
from gamutcli.scene import Original, Scene, StrPath, clipped_codes, profile_of
from gamutcli.sidecar import check_targets, publish_reduced
from gamutcli.weights import SHIPPED, Weights, read_weights, shipped

__all__ = [
    "Evaluation",
    "ExpandResult",
    "Info",
    "Progress",
    "ReduceResult",
    "Scores",
    "evaluate",
    "expand_image",
    "inspect_image",
    "reduce_image",
    "write_report",
]


#: Pixels on which ``reduce_image`` measures what it wrote, at most, about.
MOST_MEASURED = 1 << 22


def reduce_image(
    source: StrPath,
    target: StrPath,
    *,
    preset: str | Preset = "balanced",
    model: str | None = None,
    max_payload: int | None = None,
    quality: int | None = None,
    subsampling: str = "4:4:4",
    carrier: str = "auto",
    assume_profile: str | None = None,
    seed: int = 0,
    device: str = "auto",
    init: StrPath | None = None,
    no_metadata: bool = False,
    strip_gps: bool = False,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> ReduceResult:
    """Reduce a wide-gamut picture to an sRGB file that carries what it takes to restore the lost colours.

    Args:
        source: 16-bit RGB TIFF or PNG with an ICC profile, an AVIF, or a camera RAW (with rawpy).
        target: .jpg, .png, .tif (8 bits), .webp, .avif or .jxl.
        preset: "fast", "balanced", "best" or "paper"; or one of one's own.
        model: Size of the paper's network; with the "paper" preset, by its name, only.
        max_payload: Largest payload wanted, bytes.
        quality: 1 to 100. None is the format's own default: 95 for JPEG, 90 for AVIF, lossless for WebP and JPEG XL,
            which are lossy with any number (JPEG XL below 100). PNG and TIFF are always lossless.
        subsampling: Of a JPEG or AVIF: "4:4:4", "4:2:2" or "4:2:0".
        carrier: "auto", "xmp", "exif", or "sidecar" for a file beside the target: photo.jpg.gamut.
        assume_profile: Name of an RGB space, for a source that does not name its own.
        seed: Same seed, same machine, same bytes.
        device: "auto", "cpu" or "cuda".
        init: The weights that the fit starts from: a file that ``pretrain`` made for a network of the preset's shape,
            or "shipped" for those of the package, if there are any; None: random ones.
        no_metadata: Leave out all metadata of the source but its orientation.
        strip_gps: Leave out where the picture was taken.
        overwrite: Whether an existing target may be replaced.
        progress: Called with (step, steps, loss) during the fit.

    Raises:
        InputError, OutputError, UsageError, DeviceError: See ``gamutcli.errors``; nothing is left behind.
    """
    chosen = choose(preset, model, max_payload) if isinstance(preset, str) else preset
    gpu.check(device)
    kind = images.format_of(target)
    check_targets(target, carrier, overwrite)
    storage.check_other(target, source)
    start = None if init is None else _start(init, chosen)
    picture = images.read_wide(source)
    profile, notes = profile_of(source, picture, assume_profile)
    with one_blas_thread():
        original = Original(picture.codes, profile)
        codes = clipped_codes(original, chosen.adaptation)
        encoded = images.encode_reduced(codes, kind, quality, subsampling, orientation_of(picture.metadata))
        del codes
        decoded = images.decode_reduced(encoded)
        correction = Correction(tolerance(kind, quality), chosen.every_pixel)
        scene = Scene(original, decoded, chosen.adaptation, correction)
        fitted = _fitted(scene, chosen, max_payload, seed, device, progress, start)
        network, notes = fitted.network, notes + fitted.notes
        plain, restored = _measured(scene, network, fitted.device)
        plain_scores, scores = plain.scores(), restored.scores()
        if network and not _better(scores, plain_scores):
            network, scores = None, plain_scores
            notes += ("the network did not come closer than the plain picture, so none is stored",)
        mark = fingerprint(decoded, fitted.grid_side if network else SMALL_GRID_SIDE)
        packed = pack(Payload(mark, chosen.adaptation, correction, network))
    kept = private(picture.metadata, no_metadata, strip_gps)
    metadata = made_true(kept, decoded.shape[1], decoded.shape[0], srgb=True)
    embedded = carriers.embed(encoded, packed, metadata, carrier)
    publish_reduced(target, embedded, packed, overwrite)
    storage.note(target, FIT_SECONDS, f"{fitted.seconds:.3f}")
    return ReduceResult(
        file=os.fspath(target),
        source=os.fspath(source),
        preset=chosen.name,
        model=_model_name(network),
        hidden=network.hidden if network else 0,
        layers=network.depth if network else 0,
        payload_bytes=len(packed),
        carrier=embedded.carrier,
        width=decoded.shape[1],
        height=decoded.shape[0],
        status=Status.OK.value,
        psnr_all=scores.psnr_all,
        psnr_og=scores.psnr_og,
        clip_psnr_all=plain_scores.psnr_all,
        clip_psnr_og=plain_scores.psnr_og,
        og_pct=plain.og_pct,
        fit_seconds=fitted.seconds,
        steps=fitted.steps,
        notes=notes + metadata.notes + embedded.notes,
    )


def expand_image(
    source: StrPath,
    target: StrPath,
    *,
    to: str = "prophoto",
    compression: str = "deflate",
    device: str = "auto",
    no_metadata: bool = False,
    strip_gps: bool = False,
    force: bool = False,
    overwrite: bool = False,
) -> ExpandResult:
    """Restore the wide-gamut picture from a reduced file.

    Args:
        source: A file that ``reduce_image`` wrote, or what other tools made of it.
        target: .tif or .png (16 bits); or .avif (10 bits; Display P3 or Rec. 2020), or .jxl (16 bits; also Adobe RGB).
        to: The RGB space of the target.
        compression: Of a TIFF: "none", "lzw", "deflate" or "zstd".
        device: "auto", "cpu" or "cuda".
        no_metadata: Leave out all metadata of the source but its orientation.
        strip_gps: Leave out where the picture was taken.
        force: Expand although the pixels have changed.
        overwrite: Whether an existing target may be replaced.

    Raises:
        NoPayload: There is nothing to restore from.
        PayloadError: The payload is damaged.
        PixelsChanged: The picture was edited since, and ``force`` is false.
        InputError, OutputError, UsageError, DeviceError: See ``gamutcli.errors``; nothing is left behind.
    """
    if to not in SPACES:
        raise UsageError(f"unknown space {to!r}; choose one of {', '.join(SPACES)}")
    gpu.check(device)
    images.format_of(target)
    storage.check_target(target, overwrite)
    storage.check_other(target, source)
    reduced = open_reduced(source)
    notes = checked(source, reduced, force)
    metadata = private(read_metadata(carriers.strip(reduced.data)), no_metadata, strip_gps)
    restoration = reduced.restoration(SPACES[to], device)

    def write(path: Path) -> None:
        images.write_wide(path, restoration.encoded_strips(), SPACES[to], metadata, compression)

    with one_blas_thread():
        storage.publish(target, write, overwrite)
    height, width, _ = reduced.srgb_codes.shape
    clipped = 100 * restoration.clipped / (height * width)
    if to != "prophoto" and clipped:
        notes += (f"{clipped:.2g} % of the pixels do not fit into {SPACES[to].title} and were clipped",)
    return ExpandResult(
        file=os.fspath(target),
        source=os.fspath(source),
        to=to,
        status=reduced.match.status.value,
        width=width,
        height=height,
        og_pct=100 * restoration.corrected / (height * width),
        clipped_pct=clipped,
        device=restoration.device,
        notes=notes,
    )


def inspect_image(source: StrPath) -> Info:
    """Tell what a reduced file holds.

    Raises:
        NoPayload: There is none.
        PayloadError: It is damaged.
        InputError: The file cannot be read.
    """
    reduced = open_reduced(source)
    payload, network = reduced.payload, reduced.payload.network
    return Info(
        file=os.fspath(source),
        model=_model_name(network),
        hidden=network.hidden if network else 0,
        layers=network.depth if network else 0,
        payload_bytes=reduced.payload_bytes,
        carrier=reduced.carrier,
        width=payload.fingerprint.width,
        height=payload.fingerprint.height,
        status=reduced.match.status.value,
        recognised=reduced.match.recognised,
        difference=reduced.match.difference,
        format_version=VERSION,
        tolerance=payload.correction.tolerance,
        adaptation=payload.adaptation,
        every_pixel=payload.correction.every_pixel,
        notes=(),
    )


def tolerance(kind: str, quality: int | None) -> int:
    """How far compression moves a clipped code, measured on photographs."""
    if images.is_lossless(kind, quality):
        return 0
    quality = images.DEFAULT_QUALITY.get(kind, 0) if quality is None else quality
    if kind in ("webp", "jxl"):
        return 32  # one halves the size of its colours, the other codes in a space where sRGB has no edges
    if kind == "avif":
        return 4 if quality >= 98 else 10
    return min(20, round(5 + 0.75 * (100 - quality)))


@dataclass(frozen=True)
class _Fitted:
    """A quantised network, or None, with what it took."""

    network: Network | None
    grid_side: int = SMALL_GRID_SIDE
    steps: int = 0
    seconds: float = 0.0
    device: str = "cpu"
    notes: tuple[str, ...] = ()


def _start(init: StrPath, preset: Preset) -> Weights:
    """Find the weights that a fit is to start from."""
    shape = preset.inputs, preset.hidden, preset.depth
    weights = shipped(*shape) if init == SHIPPED else read_weights(Path(init))
    if weights is None:
        raise UsageError(f"no weights ship for the network of preset {preset.name}; make some with `gamut pretrain`.")
    if not weights.suit(*shape):
        raise UsageError(
            f"{os.fspath(init)}: is for {weights.depth} hidden layers of {weights.hidden} units, not for the network "
            f"of preset {preset.name} ({preset.depth} of {preset.hidden}); make weights for it with `gamut pretrain`."
        )
    return weights


def _fitted(
    scene: Scene,
    preset: Preset,
    max_payload: int | None,
    seed: int,
    device: str,
    progress: Progress | None,
    start: Weights | None,
) -> _Fitted:
    """Draw a sample, fit, quantise; no network where there is nothing to restore or no room for it."""
    began = time.perf_counter()
    drawn = draw_as_the_paper if preset.every_pixel else draw
    sample = drawn(scene, preset.inputs, preset.samples, seed)
    if sample is None:
        return _Fitted(None, notes=("no colour was clipped: the payload holds no network",))
    preset = fitting(preset, sample.pixels, max_payload, lossless=not scene.correction.tolerance)
    notes: tuple[str, ...] = ()
    if start and start.suit(preset.inputs, preset.hidden, preset.depth):
        preset = replace(preset, steps=preset.meta_steps or preset.steps, residual_unit=start.residual_unit)
    elif start:
        notes = (
            f"fitted from random weights: --init is for {start.hidden} units, and this picture gets {preset.hidden}",
        )
        start = None
    device = gpu.device_for(device, gpu.fit_seconds(preset))
    fitted = (fit_on_gpu if device == "cuda" else fit)(
        sample, preset, seed, progress, start_weights=start.weights if start else None
    )
    if preset.payload is None:
        scale = float(np.float32(fitted.residual_scale))
        plainly = Network(preset.inputs, tuple(map(rounded, fitted.weights)), scale)
        return _Fitted(plainly, GRID_SIDE, fitted.steps, time.perf_counter() - began, device, notes)
    side = GRID_SIDE if preset.payload >= 4096 and preset.hidden >= 32 else SMALL_GRID_SIDE
    room = preset.payload - overhead_bytes(side, preset.inputs)
    network = network_within(fitted, sample, preset.inputs, room)
    if network is None:
        notes += (f"no network fits into {preset.payload} bytes, so none is stored",)
    return _Fitted(network, side, fitted.steps, time.perf_counter() - began, device, notes)


def _measured(scene: Scene, network: Network | None, device: str) -> tuple[Comparison, Comparison]:
    """Errors of the plain and the restored picture against the original, without colour differences.

    Of a large picture every so many strips are measured, ``MOST_MEASURED`` pixels in all: they say the same.
    """
    restoration = Restoration(scene.srgb_codes, scene.adaptation, scene.correction, network, device=device)
    plain, restored = Comparison(color_differences=False), Comparison(color_differences=False)

    def strip(rows: slice) -> tuple[FloatArray, FloatArray, FloatArray]:
        return scene.original.strip(rows), restoration.plain(rows), restoration.linear(rows)[0].clip(0, 1)

    height, width = scene.original.size
    some = scene.strips()[:: max(1, height * width // MOST_MEASURED)]
    for truth, before, after in in_order(strip, some):
        plain.add(before, truth)
        restored.add(after, truth)
    return plain, restored


def _better(scores: Scores, plain: Scores) -> bool:
    # A figure that is not a number compares false.
    return scores.rmse_all is not None and plain.rmse_all is not None and scores.rmse_all < plain.rmse_all


def _model_name(network: Network | None) -> str:
    if network is None:
        return "none"
    return f"{network.depth}x{network.hidden}"
