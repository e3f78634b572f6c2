"""Reduce, in the six stages of the paper's figure: plan, read, render, fit, judge, publish.

The network is fitted to what a decoder will see: the picture is clipped, rounded and encoded, and then *decoded again*
before anything is fitted. What is judged, stored and told is the quantised network on that very picture.
"""

from __future__ import annotations

import os
from dataclasses import replace

from gamutcli import images
from gamutcli.arrays import StrPath
from gamutcli.containers import Metadata
from gamutcli.fingerprint.match import SMALL_GRID_SIDE, Status, fingerprint
from gamutcli.fitting.fit import Progress
from gamutcli.fitting.presets import Preset, choose
from gamutcli.images.files import check_unchanged, state_of
from gamutcli.images.original import read_source
from gamutcli.images.reading import Reading
from gamutcli.measuring.stages import Stages
from gamutcli.metadata import make_true, without_private
from gamutcli.network.shape import Network
from gamutcli.parallel import one_blas_thread
from gamutcli.payload import carriers
from gamutcli.payload.carriers import Embedded
from gamutcli.payload.format import Payload, pack
from gamutcli.payload.sidecar import publish_reduced
from gamutcli.reduce.demands import options_wanted
from gamutcli.reduce.plan import RELATIVE, Plan, check_target_de, make_plan, refuse_reduced
from gamutcli.reduce.render import Rendered, render
from gamutcli.reduce.search import fit_and_judge, fit_until
from gamutcli.results import ReduceResult


@images.heeding_allow_large
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
    allow_large: bool = False,
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
            sRGB's boundary, which keeps texture and brings more back of a lossless file; one where the clip is
            foretold to serve better is clipped, and the result says so.
        seed: Same seed, same machine, same bytes.
        device: "auto", "cpu" or "cuda".
        init: The weights that the fit starts from: a file that ``pretrain`` made for a network of the preset's shape,
            or "shipped" for those of the package, if there are any; None: random ones.
        no_metadata: Leave out all metadata of the source but its orientation.
        strip_gps: Leave out where the picture was taken.
        allow_large: Reduce although a file claims more than the limits of SECURITY.md allow.
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
    before = state_of(source)
    picture = read_source(source, Reading(assume_profile, linear, exposure, page, background))
    refuse_reduced(source, picture)
    images.check_side(target, plan.format, *picture.original.size)
    if plan.format in images.STORED_UPRIGHT:
        picture = picture.upright()
    height, width = picture.original.size
    stages.done(f"read {width} x {height} pixels")
    with one_blas_thread():
        rendered = render(picture, plan)
        stages.done(
            f"made {rendered.intent} sRGB, encoded as {plan.format} ({len(rendered.encoded):,} bytes) and decoded again"
        )
        if target_de is None or not rendered.og_pixels:
            fitted, judged = fit_and_judge(rendered, plan, progress, stages)
        else:
            fitted, judged = fit_until(target_de, rendered, plan, progress, stages)
        packed = pack_payload(rendered, judged.network, fitted.grid_side)
    check_unchanged(source, before)
    metadata = make_true(without_private(picture.metadata, no_metadata, strip_gps), width, height, srgb=True)
    encoded, og_pixels, done = rendered.encoded, rendered.og_pixels, rendered.intent
    codes, correction, is_beyond = rendered.scene.srgb_codes, rendered.scene.correction, rendered.is_beyond
    notes = picture.notes + rendered.notes
    del picture, rendered  # the original has done its work, and embedding copies the file
    embedded = publish(target, encoded, packed, metadata, plan, overwrite)
    stages.done(f"wrote {len(embedded.data):,} bytes (payload: {embedded.carrier})")
    wanted = options_wanted(embedded.data, judged.network, correction, codes, is_beyond)
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
        og_pct=100 * og_pixels / (width * height),
        fit_seconds=fitted.seconds,
        steps=fitted.steps,
        target_de=target_de,
        tries=fitted.tries,
        intent=done,
        notes=notes + fitted.notes + judged.notes + embedded.notes + wanted,
    )


def pack_payload(rendered: Rendered, network: Network | None, grid_side: int) -> bytes:
    """Pack the network together with the fingerprint of the picture that it was fitted to."""
    scene = rendered.scene
    mark = fingerprint(scene.srgb_codes, grid_side if network else SMALL_GRID_SIDE, rendered.digest.result())
    return pack(Payload(mark, scene.adaptation, scene.correction, network, scene.blocks))


def publish(
    target: StrPath, encoded: bytes, packed: bytes, metadata: Metadata, plan: Plan, overwrite: bool
) -> Embedded:
    """Embed the payload beside the camera's metadata, which are true for this file, and let the file appear."""
    embedded = carriers.embed(encoded, packed, metadata, plan.carrier)
    publish_reduced(target, embedded, packed, overwrite)
    return replace(embedded, notes=metadata.notes + embedded.notes)
