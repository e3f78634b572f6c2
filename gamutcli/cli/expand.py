"""gamut expand: the wide-gamut picture comes back."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gamutcli.cli import options
from gamutcli.cli.console import Outcomes, percent
from gamutcli.cli.files import copy_time, make_folder, pair
from gamutcli.cli.piping import DASH, receiving, refuse_dash, sent

if TYPE_CHECKING:
    from gamutcli.results import ExpandResult


@click.command()
@options.targets(*options.CARRYING)
@options.choice(
    "--ext", values=options.WIDE_EXTENSIONS, default="tif", show_default=True, help="Format of what -o and - write."
)
@options.choice(
    "--to", values=options.TARGET_SPACES, default="prophoto", show_default=True, help="Colour space of the result."
)
@options.choice(
    "--compression", values=options.COMPRESSIONS, default="deflate", show_default=True, help="Of a TIFF; all lossless."
)
@options.force
@options.allow_slow
@options.allow_large
@options.privacy
@options.device
@options.speech
def expand(
    files: tuple[Path, ...],
    output: Path | None,
    overwrite: bool,
    preserve_time: bool,
    ext: str,
    to: str,
    compression: str,
    quiet: bool,
    verbose: int,
    as_json: bool,
    **settings: Any,
) -> int:
    """Bring the wide-gamut picture back.

    IN is a file that `gamut reduce` wrote, or a copy of it that kept its metadata. OUT is a 16-bit .tif or .png with an
    ICC profile; or, for wide-gamut screens, a 10-bit .avif (--to displayp3 or rec2020) or 16-bit .jxl (also adobergb).
    Colours inside sRGB come back as they are; those outside are predicted by the network in the file. IN and OUT may be
    -, standard input and output.

    A picture that was compressed again, resized or cropped is expanded with a warning that says about what it costs;
    one that was rotated or flipped is restored so. One whose pixels have been edited is refused with exit code 4,
    unless --force is given. A payload that asks for far more work than gamut's own do is refused, unless --allow-slow
    is given.

    \b
    Examples:
      gamut expand photo.jpg restored.tif
      gamut expand photo.jpg restored.png --overwrite
      gamut expand photo.jpg screen.avif --to displayp3
      gamut expand web/*.jpg -o restored --compression zstd
      gamut expand - - --ext png < photo.jpg > restored.png
    """
    jobs = pair(files, output, ext)
    from gamutcli.color.spaces import SPACES  # once they are sure to be needed: they bring numpy
    from gamutcli.expand import expand_image
    from gamutcli.images import check_wide

    for source, target in jobs:
        refuse_dash(source, target, preserve_time=preserve_time)
        check_wide(f"-.{ext}" if target == DASH else target, SPACES[to], compression)
    make_folder(output)
    outcomes = Outcomes(len(jobs), quiet=quiet, verbose=verbose, as_json=as_json)
    for source, target in jobs:
        with outcomes.file(source), receiving(outcomes, source) as file:
            with sent(outcomes, target, f".{ext}", overwrite=overwrite) as out, outcomes.progress(file):
                result = expand_image(file, out, to=to, compression=compression, overwrite=overwrite, **settings)
                if preserve_time:
                    copy_time(file, out)
            outcomes.result(file, result, _summary)
    return outcomes.close()


def _summary(result: ExpandResult) -> str:
    from gamutcli.color.spaces import SPACES

    bits = "10" if result.file.lower().endswith(".avif") else "16"
    return (
        f"{result.source} -> {result.file}: {result.width} x {result.height} px, {bits}-bit {SPACES[result.to].title}, "
        f"{percent(result.og_pct)} of the pixels looked clipped and were corrected ({result.device})"
    )
