"""Expand, in four stages: open the reduced file, check its pixels, restore, publish.

Strips are restored while those before them are written: a picture is never in memory whole in 16 bits, where its
format allows that.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterator
from typing import BinaryIO

from gamutcli import gpu, images, storage
from gamutcli.arrays import Code16Array, StrPath
from gamutcli.color.spaces import SPACES, RGBSpace
from gamutcli.containers import Metadata
from gamutcli.errors import UsageError
from gamutcli.measuring.stages import Stages
from gamutcli.metadata import without_private
from gamutcli.parallel import one_blas_thread
from gamutcli.restore import Counts, Restoration, check_pixels, check_work, open_reduced
from gamutcli.results import ExpandResult


@images.heeding_allow_large
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
    allow_slow: bool = False,
    allow_large: bool = False,
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
        allow_slow: Expand although the payload asks for more work than any picture is known to need.
        allow_large: Expand although a file claims more than the limits of SECURITY.md allow.
        overwrite: Whether an existing target may be replaced.

    Raises:
        NoPayload: There is nothing to restore from.
        PayloadError: The payload is damaged.
        PixelsChanged: The picture was edited since, and ``force`` is false.
        InputError, OutputError, UsageError, DeviceError: See ``gamutcli.errors``; nothing is left behind.
    """
    check_request(source, target, to, compression, device, overwrite)
    stages = Stages()
    reduced = open_reduced(source)
    height, width, _ = reduced.srgb_codes.shape
    stages.done(f"read {width} x {height} pixels and their payload")
    notes = check_pixels(source, reduced, force)
    check_work(source, reduced, allow_slow)
    restoration = reduced.restoration(SPACES[to], device)
    metadata = without_private(reduced.metadata, no_metadata, strip_gps)
    counts = publish(target, restoration, SPACES[to], metadata, compression, overwrite)
    stages.done(f"restored {counts.corrected:,} pixels on {restoration.device} and wrote them")
    clipped_pct = 100 * counts.clipped / (height * width)
    if to != "prophoto" and clipped_pct:
        notes += (f"{clipped_pct:.2g} % of the pixels do not fit into {SPACES[to].title} and were clipped",)
    return ExpandResult(
        file=os.fspath(target),
        source=os.fspath(source),
        to=to,
        status=reduced.match.status.value,
        width=width,
        height=height,
        og_pct=100 * counts.corrected / (height * width),
        clipped_pct=clipped_pct,
        device=restoration.device,
        notes=notes,
    )


def check_request(source: StrPath, target: StrPath, to: str, compression: str, device: str, overwrite: bool) -> None:
    """Check everything that can be checked before any work is done; the arguments are those of ``expand_image``."""
    if to not in SPACES:
        raise UsageError(f"unknown space {to!r}; choose one of {', '.join(SPACES)}")
    gpu.check(device)
    images.check_wide(target, SPACES[to], compression)
    storage.check_target(target, overwrite)
    storage.check_other(target, source)


def publish(
    target: StrPath, restoration: Restoration, space: RGBSpace, metadata: Metadata, compression: str, overwrite: bool
) -> Counts:
    """Write the picture strip by strip, and let it appear whole.

    Returns:
        What was done to its pixels.
    """
    counts = Counts()
    height, width, _ = restoration.srgb_codes.shape

    def write(file: BinaryIO) -> None:
        nonlocal counts
        counts = _feed(
            restoration.encoded_strips(),
            lambda strips: images.write_wide(target, strips, space, metadata, compression, file, (height, width)),
        )

    with one_blas_thread():
        storage.publish(target, write, overwrite)
    return counts


def _feed(strips: Generator[Code16Array, None, Counts], write: Callable[[Iterator[Code16Array]], None]) -> Counts:
    """Pass on what a generator yields, and return what it returns."""
    returned = []

    def passed_on() -> Iterator[Code16Array]:
        returned.append((yield from strips))

    write(passed_on())
    return returned[0]
