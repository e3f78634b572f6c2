"""gamut reduce: a wide-gamut picture becomes an ordinary sRGB file that remembers its colours."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gamutcli.cli import options
from gamutcli.cli.console import Outcomes, gain, percent
from gamutcli.cli.files import copy_time, make_folder, pair
from gamutcli.cli.piping import receiving, refuse_dash, sent
from gamutcli.cli.types import Bytes, FileName
from gamutcli.cli.variables import give_way
from gamutcli.measuring.words import difference

if TYPE_CHECKING:
    from gamutcli.results import ReduceResult


@click.command()
@options.targets(*options.CARRYING, *options.READ_ONLY, *options.RAW)
@options.choice(
    "--ext", values=options.REDUCED_EXTENSIONS, default="jpg", show_default=True, help="Format of what -o and - write."
)
@options.choice(
    "--preset",
    values=options.PRESETS,
    default="balanced",
    show_default=True,
    help="Effort of the fit; paper is the published recipe.",
)
@options.intent
@options.choice("--model", values=options.MODELS, help="Size of the network, with --preset paper.")
@options.option(
    "--max-payload",
    type=Bytes(),
    metavar="BYTES",
    help="Largest payload wanted, as 3000, 3k or 12KB (1k is 1000; 1KiB is 1024).",
)
@options.option(
    "--target-de",
    type=click.FloatRange(min=0, min_open=True),
    metavar="N",
    help="As little effort and as few bytes as bring 99 % of the lost colours back within dE N (CIEDE2000).",
)
@options.option(
    "--quality",
    type=click.IntRange(1, 100),
    metavar="1-100",
    help="Of a JPEG (95 if not given) or AVIF (90); makes a WebP or JPEG XL lossy, which is else lossless.",
)
@options.choice(
    "--subsampling",
    values=options.SUBSAMPLINGS,
    default="4:4:4",
    show_default=True,
    help="Of a JPEG's or AVIF's colours.",
)
@options.carrier
@options.reading
@options.option(
    "--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Same seed, same machine, same bytes."
)
@options.option(
    "--init",
    type=FileName((".safetensors",), words=("shipped",)),
    metavar="FILE|shipped",
    help="Start the fit from weights that `gamut pretrain` made, or from those that ship for the paper's networks.",
)
@options.allow_large
@options.privacy
@options.device
@options.speech
def reduce(
    files: tuple[Path, ...],
    output: Path | None,
    overwrite: bool,
    preserve_time: bool,
    ext: str,
    carrier: str,
    quiet: bool,
    verbose: int,
    as_json: bool,
    **settings: Any,
) -> int:
    """Write an sRGB file that remembers wider colours.

    IN is best a 16-bit TIFF or PNG with an ICC profile. AVIF, JPEG XL, JPEG 2000 and OpenEXR go in too, and so do JPEG,
    WebP and, with pi-heif, HEIC, whose 8 bits have lost something before; with rawpy, a camera RAW. OUT is a .jpg or
    .png that looks right in any viewer, or a .webp, .avif, .jxl or 8-bit .tif. A small network, fitted to this picture,
    goes into its metadata, from which `gamut expand` restores the lost colours. One of them may be -, standard input or
    output.

    \b
    Examples:
      gamut reduce photo.tif photo.jpg
      gamut reduce photo.tif photo.png --preset best
      gamut reduce photo.tif photo.png --target-de 1.5
      gamut reduce photo.tif photo.png --intent perceptual
      gamut reduce photo.tif photo.webp
      gamut reduce photo.tif photo.jpg --carrier sidecar
      gamut reduce *.tif -o web --ext jpg --quality 90
      gamut reduce - - --ext png < photo.tif > photo.png
      gamut reduce photo.tif photo.png --preset paper --init shipped
      gamut reduce untagged.tif photo.jpg --assume-profile prophoto
      gamut reduce cutout.tif photo.jpg --background white
      gamut reduce scans.tif photo.jpg --page 2
    """
    jobs = pair(files, output, ext)
    give_way(settings, preset="balanced", target_de=None)
    from gamutcli.reduce import reduce_image

    for source, target in jobs:
        refuse_dash(source, target, preserve_time=preserve_time, carrier=carrier)
    make_folder(output)
    outcomes = Outcomes(len(jobs), quiet=quiet, verbose=verbose, as_json=as_json)
    for source, target in jobs:
        with outcomes.file(source), receiving(outcomes, source) as file:
            with (
                sent(outcomes, target, f".{ext}", overwrite=overwrite) as out,
                outcomes.progress(file) as progress,
            ):
                result = reduce_image(file, out, carrier=carrier, overwrite=overwrite, progress=progress, **settings)
                if preserve_time:
                    copy_time(file, out)
            outcomes.result(file, result, _summary)
    return outcomes.close()


def _colors(result: ReduceResult) -> str:
    """How near the lost colours come back, mean and 99th percentile, beside how far off they are without network."""
    mean, p99 = difference(result.de2000_og_mean), difference(result.de2000_og_p99)
    if not result.hidden:
        return f"colours off by dE {mean}, 99 % below {p99}, "
    plain_mean, plain_p99 = difference(result.clip_de2000_og_mean), difference(result.clip_de2000_og_p99)
    return f"colours back to within dE {mean} (plain {plain_mean}), 99 % below {p99} (plain {plain_p99}), "


def _summary(result: ReduceResult) -> str:
    head = f"{result.source} -> {result.file}: "
    if result.psnr_og is None:
        return head + "every colour fits into sRGB; nothing to remember"
    return head + (
        f"{result.payload_bytes:,} bytes ({result.carrier}, network {result.model}) for {percent(result.og_pct)} "
        f"out of gamut, {_colors(result)}PSNR {gain(result.clip_psnr_all, result.psnr_all)}, "
        f"out of gamut {gain(result.clip_psnr_og, result.psnr_og)}, "
        f"fitted in {result.fit_seconds:.1f} s{_taken(result)}"
    )


def _taken(result: ReduceResult) -> str:
    """What was taken to come within --target-de."""
    if result.target_de is None:
        return ""
    tries = "1 try" if result.tries == 1 else f"{result.tries} tries"
    return f" ({tries}: preset {result.preset}, {result.steps:,} steps)"
