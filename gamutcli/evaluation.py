"""How close a picture comes to its original, with and without the network."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gamutcli import gpu, images, report, storage
from gamutcli.arrays import BoolArray, Code16Array, CodeArray, FloatArray, StrPath
from gamutcli.color.gamut import codes_to_prophoto
from gamutcli.color.gamut import srgb_codes as to_srgb_codes
from gamutcli.color.spaces import DISPLAY_P3, PROPHOTO, SRGB, apply_matrix, rgb_to_rgb
from gamutcli.errors import InputError, UsageError
from gamutcli.fingerprint.frame import UPRIGHT
from gamutcli.fingerprint.match import Match, block_means
from gamutcli.images.files import check_unchanged, state_of
from gamutcli.images.original import Original, Source, clip_to_srgb, read_source
from gamutcli.images.reading import AS_IT_IS, Reading
from gamutcli.measuring.maps import render_maps
from gamutcli.measuring.metrics import Comparison, Scores
from gamutcli.measuring.stages import Stages
from gamutcli.measuring.words import decibels
from gamutcli.metadata import orientation_of
from gamutcli.parallel import in_order, one_blas_thread, strips
from gamutcli.payload import carriers
from gamutcli.payload.sidecar import naming, path_beside
from gamutcli.restore import check_pixels, check_work, open_reduced
from gamutcli.results import Evaluation


@images.heeding_allow_large
def evaluate(
    source: StrPath,
    reference: StrPath,
    *,
    force: bool = False,
    allow_slow: bool = False,
    allow_large: bool = False,
    device: str = "auto",
    assume_profile: str | None = None,
    linear: bool = False,
    exposure: float = 0.0,
    page: int | None = None,
    background: tuple[int, int, int] | None = None,
    map_file: StrPath | None = None,
    map_range: float = 0.05,
    report_file: StrPath | None = None,
    overwrite: bool = False,
) -> Evaluation:
    """Compare a picture with its original, with and without the network.

    Args:
        source: A reduced file, expanded in memory; or a restored one, whose plain counterpart is the original
            clipped to sRGB and rounded to 8 bits.
        reference: The original, 16-bit TIFF or PNG with an ICC profile.
        force: Compare although the pixels of a reduced file have changed.
        allow_slow: Compare although the payload asks for more work than any picture is known to need.
        allow_large: Compare although a file claims more than the limits of SECURITY.md allow.
        device: "auto", "cpu" or "cuda".
        assume_profile: Name of an RGB space or path of an ICC profile, for a reference or a restored picture that does
            not name its own.
        linear: As ``reduce_image`` was told, as are the next three.
        exposure: See there.
        page: See there.
        background: See there.
        map_file: A PNG to draw error maps of the plain and the restored picture into.
        map_range: RMSE at the bright end of the maps' scale, linear ProPhoto units.
        report_file: An HTML page to show the comparison on; see ``write_report`` for several pictures on one.
        overwrite: Whether an existing map or report may be replaced.

    Raises:
        NoPayload, PayloadError, PixelsChanged: See ``expand_image``.
        InputError: A file cannot be read or does not say which colours it holds, or the sizes differ.
        UsageError: An unknown space.
        OutputError: The map or the report cannot be written; then neither is.
        DeviceError: "cuda" is wanted and not there.
    """
    targets = [target for target in (map_file, report_file) if target is not None]
    for target in targets:
        storage.check_target(target, overwrite)
    reading = Reading(assume_profile, linear, exposure, page, background)
    found = _judge(source, reference, force, allow_slow, device, reading, gather=bool(targets))
    outputs: list[tuple[StrPath, bytes]] = []
    if map_file is not None and found.exhibit:
        outputs.append((map_file, _map(found.evaluation, found.exhibit, map_range)))
    if report_file is not None:
        outputs.append((report_file, report.page([found.section(map_range)])))
    storage.publish_all(outputs, overwrite)
    return found.evaluation


@images.heeding_allow_large
def write_report(
    pairs: Iterable[tuple[StrPath, StrPath]],
    report_file: StrPath,
    *,
    force: bool = False,
    allow_slow: bool = False,
    allow_large: bool = False,
    device: str = "auto",
    assume_profile: str | None = None,
    linear: bool = False,
    exposure: float = 0.0,
    page: int | None = None,
    background: tuple[int, int, int] | None = None,
    map_range: float = 0.05,
    overwrite: bool = False,
) -> tuple[Evaluation, ...]:
    """Show how close pictures come to their originals, on one HTML page that needs no other file and no network.

    Args:
        pairs: Pictures, each with its original, as ``evaluate`` takes them; at least one.
        report_file: The page.
        force: Compare although the pixels of a reduced file have changed.
        allow_slow: Compare although the payload asks for more work than any picture is known to need.
        allow_large: Compare although a file claims more than the limits of SECURITY.md allow.
        device: "auto", "cpu" or "cuda".
        assume_profile: Name of an RGB space, for references and restored pictures that do not name their own.
        linear: As ``reduce_image`` was told, as are the next three.
        exposure: See there.
        page: See there.
        background: See there.
        map_range: RMSE at the bright end of the scale of all maps, linear ProPhoto units.
        overwrite: Whether an existing page may be replaced.

    Returns:
        The figures of each.

    Raises:
        UsageError: No pair was given.
        GamutError: See ``evaluate``. The first picture that cannot be compared ends it, and no page is written.
    """
    storage.check_target(report_file, overwrite)
    reading = Reading(assume_profile, linear, exposure, page, background)
    sections = [
        section_of(
            source,
            reference,
            force=force,
            allow_slow=allow_slow,
            device=device,
            reading=reading,
            map_range=map_range,
        )
        for source, reference in pairs
    ]
    publish_report(sections, report_file, overwrite)
    return tuple(section.evaluation for section in sections)


@images.heeding_allow_large
def section_of(
    source: StrPath,
    reference: StrPath,
    *,
    force: bool = False,
    allow_slow: bool = False,
    allow_large: bool = False,
    device: str = "auto",
    reading: Reading = AS_IT_IS,
    map_range: float = 0.05,
) -> report.Section:
    """Compare a picture with its original for a report; arguments and errors are those of ``evaluate``."""
    return _judge(source, reference, force, allow_slow, device, reading, gather=True).section(map_range)


def publish_report(
    sections: Sequence[report.Section],
    report_file: StrPath,
    overwrite: bool,
    introduction: report.Introduction | None = None,
) -> None:
    """Write a report of sections that were made one by one, perhaps after an introduction.

    Raises:
        UsageError: There is none.
        OutputError: The page cannot be written.
    """
    if not sections:
        raise UsageError(f"{os.fspath(report_file)}: nothing to report on; name at least one picture.")
    storage.publish(report_file, report.page(sections, introduction), overwrite)


@dataclass(frozen=True, eq=False)
class _Judged:
    """What was found of one picture.

    Attributes:
        evaluation: Its figures.
        plain: Where those of the plain picture come from.
        restored: Where those of the restored picture come from.
        exhibit: What can be shown of it, where that was to be gathered.
        orientation: How to turn it, as in EXIF.
    """

    evaluation: Evaluation
    plain: Comparison
    restored: Comparison
    exhibit: report.Exhibit | None
    orientation: int

    def section(self, map_range: float) -> report.Section:
        """Its part of a report."""
        assert self.exhibit is not None
        differences = (self.plain.differences("og"), self.restored.differences("og"))
        return report.section(self.evaluation, self.exhibit, differences, map_range, self.orientation)


def _judge(
    source: StrPath, reference: StrPath, force: bool, allow_slow: bool, device: str, reading: Reading, gather: bool
) -> _Judged:
    gpu.check(device)
    stages = Stages()
    unread = [(path, state_of(path)) for path in (source, reference)]
    wide = read_source(reference, reading)
    notes = wide.notes
    payload_bytes = intent = None
    restored_strip = plain_strip = None
    if _is_reduced(source):
        reduced = open_reduced(source)
        notes += check_pixels(source, reduced, force)
        check_work(source, reduced, allow_slow)
        _lies_alike(source, reduced.match, reference)
        original, orientation = _laid_alike(
            wide, orientation_of(reduced.metadata), reduced.srgb_codes.shape[:2], lambda: reduced.srgb_codes
        )
        payload_bytes, intent = len(reduced.found.payload), reduced.payload.intent
        _same_size(source, reduced.srgb_codes, reference, original)
        restoration = reduced.restoration(PROPHOTO, device)
        plain_strip, restored_strip = restoration.plain, restoration.rounded
    else:
        # What was chosen for the original holds for no other file; but neither may name its colours.
        other = read_source(source, Reading(reading.assume_profile))
        notes += other.notes
        original, orientation = _laid_alike(
            wide, orientation_of(other.metadata), other.original.size, lambda: clip_to_srgb(other.original)
        )
        _same_size(source, other.original.codes, reference, original)
        restored_strip = other.original.strip

        def plain_strip(rows: slice) -> FloatArray:
            linear = apply_matrix(original.strip(rows), rgb_to_rgb(PROPHOTO, SRGB))
            return codes_to_prophoto(to_srgb_codes(linear), "bradford")

    height, width = original.size
    stages.done(f"read both pictures, {width} x {height} pixels,")
    plain, restored = Comparison(), Comparison()
    exhibit = report.Exhibit(height, width) if gather else None

    def strip(rows: slice) -> tuple[FloatArray, FloatArray, FloatArray, BoolArray, BoolArray]:
        og = original.og_mask(rows)
        beyond_p3 = original.og_mask(rows, DISPLAY_P3) if exhibit else og
        return original.strip(rows), plain_strip(rows), restored_strip(rows), og, beyond_p3

    with one_blas_thread():
        for truth, before, after, og, beyond_p3 in in_order(strip, strips(height, width)):
            plain.add(before, truth, og)
            restored.add(after, truth, og)
            if exhibit:
                exhibit.add(truth, before, after, beyond_p3)
    for path, state in unread:
        check_unchanged(path, state)
    stages.done("compared them")
    evaluation = Evaluation(
        file=os.fspath(source),
        reference=os.fspath(reference),
        width=width,
        height=height,
        og_pct=plain.og_pct,
        payload_bytes=payload_bytes,
        fit_seconds=None,
        plain=plain.scores(),
        restored=restored.scores(),
        intent=intent,
        notes=notes,
    )
    return _Judged(evaluation, plain, restored, exhibit, orientation)


def _map(evaluation: Evaluation, exhibit: report.Exhibit, limit: float) -> bytes:
    panels = [
        (f"clip {_psnr(evaluation.plain)}", exhibit.plain_map.rmse),
        (f"restored {_psnr(evaluation.restored)}", exhibit.restored_map.rmse),
    ]
    return render_maps(panels, limit)


def _is_reduced(source: StrPath) -> bool:
    """Tell a reduced file from a restored one, which holds more than 8 bits and has no payload."""
    path = Path(source)
    data = images.read_bytes(path, 16)
    if images.sniff(data) not in ("tiff", "png", "avif", "jxl") or path_beside(path).is_file():
        return True
    with naming(path):
        return carriers.extract(images.read_bytes(path)) is not None


def _lies_alike(source: StrPath, matched: Match, reference: StrPath) -> None:
    if matched.cropped or matched.frame.orientation != UPRIGHT:
        raise InputError(
            f"{os.fspath(source)}: was {matched.recognised} after it was reduced, so its pixels are not those of "
            f"{os.fspath(reference)}; compare a copy that lies as it did."
        )


def _laid_alike(
    wide: Source, orientation: int, size: tuple[int, ...], codes: Callable[[], CodeArray]
) -> tuple[Original, int]:
    """Lay an original as a picture of it lies: a WebP is stored upright, and so is what is restored from it.

    Where both say otherwise how they are to be turned, and either may be true since some tools drop what is said of it,
    the pixels decide.

    Args:
        wide: The original.
        orientation: Of the picture, as its file says.
        size: Of the picture: height, width.
        codes: Gives its pixels, or those of its plain counterpart.

    Returns:
        The original, and how to turn it for display.
    """
    own = orientation_of(wide.metadata)
    if orientation == own:
        return wide.original, own
    ways = [(wide.lying(orientation), orientation), (wide.original, own)]
    fitting = [way for way in ways if way[0].size == size]
    if len(fitting) < 2:
        return fitting[0] if fitting else ways[1]
    means = block_means(codes())
    return min(fitting, key=lambda way: float(np.abs(block_means(clip_to_srgb(way[0])) - means).mean()))


def _same_size(source: StrPath, codes: CodeArray | Code16Array, reference: StrPath, original: Original) -> None:
    height, width = original.size
    if codes.shape[:2] != (height, width):
        raise InputError(
            f"{os.fspath(source)}: is {codes.shape[1]} x {codes.shape[0]}, but {os.fspath(reference)} is "
            f"{width} x {height}; compare pictures of the same size."
        )


def _psnr(scores: Scores) -> str:
    """Of the pixels out of gamut, or of all where there are none: a picture without an error is exact."""
    value = scores.psnr_og if scores.psnr_og is not None else scores.psnr_all
    return "exact" if value is None else decibels(value, 1)
