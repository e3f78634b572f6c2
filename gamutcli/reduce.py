"""Reduce, in the six stages of the paper's figure: plan, read, render, fit, judge, publish.

The network is fitted to what a decoder will see: the picture is clipped, rounded and encoded, and then *decoded again*
before anything is fitted. What is judged, stored and told is the quantised network on that very picture.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, replace

import numpy as np

from gamutcli import gpu, images
from gamutcli.arrays import BoolArray, FloatArray, StrPath
from gamutcli.containers import Metadata
from gamutcli.fingerprint.match import GRID_SIDE, SMALL_GRID_SIDE, Status, fingerprint
from gamutcli.fitting.fit import Fit, Matrices, Progress
from gamutcli.fitting.ladder import climb, ladder_within
from gamutcli.fitting.perceptual import choose_compression, perceptual_codes
from gamutcli.fitting.presets import PRESETS, Preset, choose, narrow_to
from gamutcli.fitting.quantise import quantise_within, round_weights
from gamutcli.fitting.sample import Sample, draw_sample
from gamutcli.fitting.scene import Scene
from gamutcli.gpu.fit import fit_on
from gamutcli.images.original import Source, clip_and_count, read_source
from gamutcli.images.reading import Reading
from gamutcli.measuring.metrics import Comparison, Scores
from gamutcli.measuring.stages import Stages
from gamutcli.metadata import make_true, orientation_of, without_private
from gamutcli.network.shape import Network
from gamutcli.parallel import in_order, one_blas_thread
from gamutcli.payload import carriers
from gamutcli.payload.carriers import Embedded
from gamutcli.payload.fields import Fields
from gamutcli.payload.format import Payload, overhead_bytes, pack
from gamutcli.payload.sidecar import publish_reduced
from gamutcli.plan import PERCEPTUAL, RELATIVE, Plan, check_target_de, make_plan, refuse_reduced, short_of
from gamutcli.restore import Restoration
from gamutcli.results import ReduceResult
from gamutcli.weights import Weights

#: Pixels on which what was written is measured, at most, about.
MOST_MEASURED = 1 << 21
#: With fewer of them out of gamut, the whole picture is measured: spots may lie between the bands.
ENOUGH_MEASURED = 1 << 14
#: A network of so many units, in a payload of so many bytes, can afford the larger grid of block means.
LARGE_GRID_BYTES, LARGE_GRID_HIDDEN = 4096, 32


def reduce_image(
    source: StrPath,
    target: StrPath,
    *,
    preset: str | Preset = "balanced",
    model: str | None = None,
    max_payload: int | None = None,
    target_de: float | None = None,
    quality: int | None = None,
    subsampling: str = "4:4:4",
    carrier: str = "auto",
    assume_profile: str | None = None,
    linear: bool = False,
    exposure: float = 0.0,
    page: int | None = None,
    background: tuple[int, int, int] | None = None,
    intent: str = RELATIVE,
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
        source: Best a 16-bit TIFF or PNG with an ICC profile; or AVIF, JPEG XL, JPEG 2000, OpenEXR, JPEG, WebP, HEIC
            (where pi-heif is installed) or a camera RAW (where rawpy is).
        target: .jpg, .png, .tif (8 bits), .webp, .avif or .jxl.
        preset: "fast", "balanced", "best" or "paper"; or one of one's own.
        model: Size of the paper's network; with the "paper" preset, by its name, only.
        max_payload: Largest payload wanted, bytes.
        target_de: Take the smallest preset and network that leave 99 % of out-of-gamut pixels within this CIEDE2000, as
            measured on what is written; where none does, the nearest, and a note.
        quality: 1 to 100. None is the format's own default: 95 for JPEG, 90 for AVIF, lossless for WebP and JPEG XL,
            which are lossy with any number (JPEG XL below 100). PNG and TIFF are always lossless.
        subsampling: Of a JPEG or AVIF: "4:4:4", "4:2:2" or "4:2:0".
        carrier: "auto", "xmp", "exif", or "sidecar" for a file beside the target: photo.jpg.gamut.
        assume_profile: Name of an RGB space or path of an ICC profile, for a source that does not name its own.
        linear: Whether such a source holds light, not encoded by a curve.
        exposure: By how many EV its light is made brighter.
        page: Which picture of a file that holds several, counted from 1.
        background: 8-bit sRGB codes of the colour behind a source that is transparent in places.
        intent: "relative" clips what sRGB cannot hold; "perceptual" moves it inwards together with what lies near
            sRGB's boundary, which keeps texture and brings more back.
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
    if target_de is not None:
        check_target_de(target_de, preset, model, init)
    chosen = choose(preset, model, max_payload) if isinstance(preset, str) else preset
    plan = make_plan(
        source, target, chosen, max_payload, quality, subsampling, carrier, seed, device, init, overwrite, intent
    )
    stages = Stages()
    picture = read_source(source, Reading(assume_profile, linear, exposure, page, background))
    refuse_reduced(source, picture)
    images.check_side(target, plan.format, *picture.original.size)
    if plan.format in images.STORED_UPRIGHT:
        picture = picture.upright()
    height, width = picture.original.size
    stages.done(f"read {width} x {height} pixels")
    with one_blas_thread():
        rendered = render(picture, plan)
        stages.done(f"made {intent} sRGB, encoded as {plan.format} ({len(rendered.encoded):,} bytes) and decoded again")
        if target_de is None or not rendered.og_pixels:
            fitted, judged = fit_and_judge(rendered, plan, progress, stages)
        else:
            fitted, judged = fit_until(target_de, rendered, plan, progress, stages)
        packed = pack_payload(rendered.scene, judged.network, fitted.grid_side)
    kept = without_private(picture.metadata, no_metadata, strip_gps)
    embedded = publish(target, rendered, packed, kept, plan, overwrite)
    stages.done(f"wrote {len(embedded.data):,} bytes (payload: {embedded.carrier})")
    height, width, _ = rendered.scene.srgb_codes.shape
    shape = judged.network.shape if judged.network else None
    return ReduceResult(
        file=os.fspath(target),
        source=os.fspath(source),
        preset=fitted.preset,
        model=str(shape or "none"),
        hidden=shape.hidden if shape else 0,
        layers=shape.depth if shape else 0,
        payload_bytes=len(packed),
        carrier=embedded.carrier,
        width=width,
        height=height,
        status=Status.OK.value,
        psnr_all=judged.scores.psnr_all,
        psnr_og=judged.scores.psnr_og,
        clip_psnr_all=judged.plain_scores.psnr_all,
        clip_psnr_og=judged.plain_scores.psnr_og,
        de2000_og_mean=judged.scores.de2000_og_mean,
        de2000_og_p99=judged.scores.de2000_og_p99,
        clip_de2000_og_mean=judged.plain_scores.de2000_og_mean,
        clip_de2000_og_p99=judged.plain_scores.de2000_og_p99,
        og_pct=100 * rendered.og_pixels / (width * height),
        fit_seconds=fitted.seconds,
        steps=fitted.steps,
        target_de=target_de,
        tries=fitted.tries,
        intent=intent,
        notes=picture.notes + fitted.notes + judged.notes + embedded.notes,
    )


@dataclass(frozen=True, eq=False)
class Rendered:
    """The sRGB picture.

    Attributes:
        encoded: Its file, without metadata.
        scene: Both sides of it, as it was and as the decoder will see it.
        og_pixels: How many pixels of the original are out of gamut.
    """

    encoded: bytes
    scene: Scene
    og_pixels: int


def render(picture: Source, plan: Plan) -> Rendered:
    """Bring into sRGB, round, encode, and decode again."""
    adaptation, orientation = plan.preset.adaptation, orientation_of(picture.metadata)
    codes, og_pixels = clip_and_count(picture.original, adaptation)
    correction = plan.correction
    if plan.intent == PERCEPTUAL and og_pixels:
        lossless = not correction.tolerance
        compression = choose_compression(picture.original, adaptation, lossless)
        codes = perceptual_codes(picture.original, compression, adaptation, lossless)
        correction = replace(correction, compression=compression)
    encoded = images.encode_reduced(codes, plan.format, plan.quality, plan.subsampling, orientation)
    del codes
    decoded = images.decode_reduced(encoded)
    scene = Scene(picture.original, decoded, adaptation, correction)
    return Rendered(encoded, scene, og_pixels)


@dataclass(frozen=True)
class Fitted:
    """A quantised network, or None, with what it took.

    Attributes:
        preset: Name of what it was fitted with.
        network: None where there is nothing to restore, or no room.
        grid_side: Blocks along a side of the fingerprint that goes with it.
        steps: Optimiser steps that were done.
        seconds: Drawing the sample, fitting and rounding.
        device: Where.
        tries: How many networks were fitted before it was chosen, itself included; ``seconds`` are those of all.
        notes: What to tell the user.
    """

    preset: str
    network: Network | None
    grid_side: int = SMALL_GRID_SIDE
    steps: int = 0
    seconds: float = 0.0
    device: str = "cpu"
    tries: int = 1
    notes: tuple[str, ...] = ()


def fit_network(scene: Scene, og_pixels: int, plan: Plan, progress: Progress | None) -> Fitted:
    """Draw a sample, fit a network to it and quantise that.

    Args:
        scene: The picture.
        og_pixels: How many pixels of the original are out of gamut: without one there is nothing to restore, unless
            the preset corrects what lies in gamut too.
        plan: What is to be done.
        progress: Called with (step, steps, loss).
    """
    began = time.perf_counter()
    sample = draw_sample(plan.preset, scene, plan.seed) if og_pixels or plan.preset.every_pixel else None
    if sample is None:
        return Fitted(plan.preset.name, None, notes=("no colour was clipped: the payload holds no network",))
    lossless = not scene.correction.tolerance
    preset = narrow_to(plan.preset, sample.pixels, plan.max_payload, lossless)
    preset, start, notes = _choose_start(preset, plan.start)
    device = gpu.device_for(plan.device, gpu.fit_seconds(preset))
    fitted = fit_on(device, sample, preset, plan.seed, progress, start)
    network, grid_side = _quantise(fitted, sample, preset, Fields(scene.correction.compression, scene.blocks))
    if network is None:
        notes += (f"no network fits into {preset.payload} bytes, so none is stored",)
    seconds = time.perf_counter() - began
    return Fitted(preset.name, network, grid_side, fitted.steps, seconds, device, notes=notes)


@dataclass(frozen=True)
class Judged:
    """How close the picture comes to the original, without the network and with what is stored of it.

    Attributes:
        network: The network to store: the fitted one, if it is any good.
        plain_scores: Of the plain picture.
        scores: Of what the file will restore.
        notes: What to tell the user.
    """

    network: Network | None
    plain_scores: Scores
    scores: Scores
    notes: tuple[str, ...] = ()


def judge(scene: Scene, fitted: Fitted, og_pixels: int) -> Judged:
    """Measure the plain and the restored picture, a large one in bands; a network that does not help is not kept.

    Args:
        scene: The picture.
        fitted: The network.
        og_pixels: How many pixels of the original are out of gamut.
    """
    plain, restored = _compare(scene, fitted, scene.bands(MOST_MEASURED))
    if restored.og_pixels < min(og_pixels, ENOUGH_MEASURED):
        plain, restored = _compare(scene, fitted, scene.strips())
    plain_scores, scores = plain.scores(), restored.scores()
    if fitted.network and not _is_better(scores, plain_scores):
        note = "the network did not come closer than the plain picture, so none is stored"
        return Judged(None, plain_scores, plain_scores, (note,))
    return Judged(fitted.network, plain_scores, scores)


def fit_and_judge(rendered: Rendered, plan: Plan, progress: Progress | None, stages: Stages) -> tuple[Fitted, Judged]:
    """Fit a network as planned, and measure what it is worth."""
    fitted = fit_network(rendered.scene, rendered.og_pixels, plan, progress)
    stages.done(_fit_in_words(fitted))
    judged = judge(rendered.scene, fitted, rendered.og_pixels)
    stages.done("measured the restored colours")
    return fitted, judged


def fit_until(
    wanted: float, rendered: Rendered, plan: Plan, progress: Progress | None, stages: Stages
) -> tuple[Fitted, Judged]:
    """Fit networks until one brings the colours back within a difference, with as little effort as that takes.

    Args:
        wanted: 99th percentile of CIEDE2000 out of gamut.
        rendered: The picture.
        plan: What is to be done; its preset is replaced, its largest payload is not exceeded.
        progress: As of ``fit_network``, for each.
        stages: The clock.
    """
    ladder = ladder_within(plan.max_payload)
    tried: dict[int, tuple[Fitted, Judged]] = {}

    def measure(index: int) -> float:
        rung = ladder[index]
        way = replace(plan, preset=PRESETS[rung.preset], max_payload=rung.max_payload)
        tried[index] = fit_and_judge(rendered, way, progress, stages)
        return tried[index][1].scores.de2000_og_p99 or 0.0

    lossy = rendered.scene.correction.tolerance > 0
    found = climb(ladder, wanted, lossy, measure)
    fitted, judged = tried[found.index]
    fitted = replace(fitted, tries=found.tries, seconds=sum(other.seconds for other, _ in tried.values()))
    if not found.reached:
        note = short_of(wanted, judged.scores.de2000_og_p99 or 0.0, lossy)
        judged = replace(judged, notes=(*judged.notes, note))
    return fitted, judged


def pack_payload(scene: Scene, network: Network | None, grid_side: int) -> bytes:
    """Pack the network together with the fingerprint of the picture that it was fitted to."""
    mark = fingerprint(scene.srgb_codes, grid_side if network else SMALL_GRID_SIDE)
    return pack(Payload(mark, scene.adaptation, scene.correction, network, scene.blocks))


def publish(
    target: StrPath, rendered: Rendered, packed: bytes, metadata: Metadata, plan: Plan, overwrite: bool
) -> Embedded:
    """Embed the payload beside the camera's metadata, made true for this file, and let the file appear."""
    height, width, _ = rendered.scene.srgb_codes.shape
    true = make_true(metadata, width, height, srgb=True)
    embedded = carriers.embed(rendered.encoded, packed, true, plan.carrier)
    publish_reduced(target, embedded, packed, overwrite)
    return replace(embedded, notes=true.notes + embedded.notes)


def _choose_start(preset: Preset, start: Weights | None) -> tuple[Preset, Matrices | None, tuple[str, ...]]:
    """Return how to fit, what to start from, and what to tell of it: a narrowed network has another shape."""
    if start is None:
        return preset, None, ()
    if start.shape != preset.shape:
        wide, narrow = start.shape.hidden, preset.hidden
        return (
            preset,
            None,
            (f"fitted from random weights: --init is for {wide} units, and this picture gets {narrow}",),
        )
    steps = preset.meta_steps or preset.steps
    return replace(preset, steps=steps, residual_unit=start.residual_unit), list(start.weights), ()


def _quantise(fitted: Fit, sample: Sample, preset: Preset, fields: Fields) -> tuple[Network | None, int]:
    """Return the network, None where it does not fit into the preset's bytes, and the side of its fingerprint."""
    if preset.payload is None:
        scale = float(np.float32(fitted.residual_scale))
        return Network(preset.inputs, tuple(map(round_weights, fitted.weights)), scale), GRID_SIDE
    is_large = preset.payload >= LARGE_GRID_BYTES and preset.hidden >= LARGE_GRID_HIDDEN
    side = GRID_SIDE if is_large else SMALL_GRID_SIDE
    room = preset.payload - overhead_bytes(side, preset.inputs, fields)
    return quantise_within(fitted, sample, preset.inputs, room), side


def _fit_in_words(fitted: Fitted) -> str:
    if fitted.network is None:
        return f"looked for colours to fit, with preset {fitted.preset}, and stored no network,"
    shape = fitted.network.shape
    return (
        f"fitted {shape.depth} hidden layers of {shape.hidden} units in {fitted.steps:,} steps (preset "
        f"{fitted.preset}, {fitted.device}) and quantised them"
    )


def _compare(scene: Scene, fitted: Fitted, some: list[slice]) -> tuple[Comparison, Comparison]:
    """Errors of the plain and the restored picture against the original in some rows; dE out of gamut alone."""
    network, device, blocks = fitted.network, fitted.device, scene.blocks
    restoration = Restoration(
        scene.srgb_codes, scene.adaptation, scene.correction, network, device=device, blocks=blocks
    )
    plain, restored = Comparison(regions=("og",)), Comparison(regions=("og",))

    def strip(rows: slice) -> tuple[FloatArray, FloatArray, FloatArray, BoolArray]:
        restored = restoration.linear(rows)[0].clip(0, 1)
        return scene.original.strip(rows), restoration.plain(rows), restored, scene.original.og_mask(rows)

    for truth, before, after, og in in_order(strip, some):
        plain.add(before, truth, og)
        restored.add(after, truth, og)
    return plain, restored


def _is_better(scores: Scores, plain: Scores) -> bool:
    # A figure that is not a number compares false.
    return scores.rmse_all is not None and plain.rmse_all is not None and scores.rmse_all < plain.rmse_all
