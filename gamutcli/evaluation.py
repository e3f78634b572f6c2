"""How close a picture comes to its original, with and without the network."""

from __future__ import annotations

import math
import os
from pathlib import Path

from gamutcli import carriers, gpu, images, storage
from gamutcli.arrays import Code16Array, CodeArray, FloatArray
from gamutcli.color import PROPHOTO, SRGB, apply_matrix, rgb_to_rgb
from gamutcli.errors import InputError
from gamutcli.fingerprint import Match
from gamutcli.frame import UPRIGHT
from gamutcli.gamut import srgb_codes as to_srgb_codes
from gamutcli.maps import ErrorMap, draw
from gamutcli.metrics import Comparison, Scores, squared_error
from gamutcli.model import codes_to_prophoto, strips
from gamutcli.parallel import in_order, one_blas_thread
from gamutcli.restore import checked, open_reduced
from gamutcli.results import Evaluation
from gamutcli.scene import Original, StrPath, profile_of
from gamutcli.sidecar import named, path_beside

#: Name of the note that ``reduce_image`` leaves beside a file, where the file system keeps such notes.
FIT_SECONDS = "gamutcli.fit_seconds"


def evaluate(
    source: StrPath,
    reference: StrPath,
    *,
    force: bool = False,
    device: str = "auto",
    map_file: StrPath | None = None,
    map_range: float = 0.05,
    overwrite: bool = False,
) -> Evaluation:
    """Compare a picture with its original, with and without the network.

    Args:
        source: A reduced file, expanded in memory; or a restored TIFF, whose plain counterpart is the original
            clipped to sRGB and rounded to 8 bits.
        reference: The original, 16-bit TIFF or PNG with an ICC profile.
        force: Compare although the pixels of a reduced file have changed.
        device: "auto", "cpu" or "cuda".
        map_file: A PNG to draw error maps of the plain and the restored picture into.
        map_range: RMSE at the bright end of the maps' scale, linear ProPhoto units.
        overwrite: Whether an existing map file may be replaced.

    Raises:
        NoPayload, PayloadError, PixelsChanged: See ``expand_image``.
        InputError: A file cannot be read, or the sizes differ.
        DeviceError: "cuda" is wanted and not there.
    """
    gpu.check(device)
    if map_file is not None:
        storage.check_target(map_file, overwrite)
    picture = images.read_wide(reference)
    profile, notes = profile_of(reference, picture, None)
    original = Original(picture.codes, profile)
    payload_bytes = fit_seconds = None
    restored_strip = plain_strip = None
    if _is_reduced(source):
        reduced = open_reduced(source)
        notes += checked(source, reduced, force)
        _lies_alike(source, reduced.match, reference)
        payload_bytes, fit_seconds = reduced.payload_bytes, storage.noted_number(source, FIT_SECONDS)
        _same_size(source, reduced.srgb_codes, reference, original)
        restoration = reduced.restoration(PROPHOTO, device)
        plain_strip, restored_strip = restoration.plain, restoration.rounded
    else:
        other = images.read_wide(source)
        other_profile, other_notes = profile_of(source, other, None)
        notes += other_notes
        _same_size(source, other.codes, reference, original)
        restored_strip = Original(other.codes, other_profile).strip

        def plain_strip(rows: slice) -> FloatArray:
            linear = apply_matrix(original.strip(rows), rgb_to_rgb(PROPHOTO, SRGB))
            return codes_to_prophoto(to_srgb_codes(linear), "bradford")

    height, width = original.size
    plain, restored = Comparison(), Comparison()
    maps = [ErrorMap(height, width), ErrorMap(height, width)] if map_file is not None else []

    def strip(rows: slice) -> tuple[FloatArray, FloatArray, FloatArray]:
        return original.strip(rows), plain_strip(rows), restored_strip(rows)

    with one_blas_thread():
        for truth, before, after in in_order(strip, strips(height, width)):
            plain.add(before, truth)
            restored.add(after, truth)
            for error_map, got in zip(maps, (before, after), strict=False):
                error_map.add(squared_error(got, truth))
    plain_scores, scores = plain.scores(), restored.scores()
    if map_file is not None:
        titles = (f"clip {_decibels(plain_scores)}", f"restored {_decibels(scores)}")
        panels = [(title, error_map.rmse) for title, error_map in zip(titles, maps, strict=True)]
        storage.publish(map_file, draw(panels, map_range), overwrite)
    return Evaluation(
        file=os.fspath(source),
        reference=os.fspath(reference),
        width=width,
        height=height,
        og_pct=plain.og_pct,
        payload_bytes=payload_bytes,
        fit_seconds=fit_seconds,
        plain=plain_scores,
        restored=scores,
        notes=notes,
    )


def _is_reduced(source: StrPath) -> bool:
    """Tell a reduced file from a restored one, which is a TIFF or PNG without a payload."""
    path = Path(source)
    data = images.read_bytes(path, 16)
    if images.sniff(data) not in ("tiff", "png") or path_beside(path).is_file():
        return True
    with named(path):
        return carriers.extract(images.read_bytes(path)) is not None


def _lies_alike(source: StrPath, found: Match, reference: StrPath) -> None:
    if found.cropped or found.frame.orientation != UPRIGHT:
        raise InputError(
            f"{os.fspath(source)}: was {found.recognised} after it was reduced, so its pixels are not those of "
            f"{os.fspath(reference)}; compare a copy that lies as it did."
        )


def _same_size(source: StrPath, codes: CodeArray | Code16Array, reference: StrPath, original: Original) -> None:
    height, width = original.size
    if codes.shape[:2] != (height, width):
        raise InputError(
            f"{os.fspath(source)}: is {codes.shape[1]} x {codes.shape[0]}, but {os.fspath(reference)} is "
            f"{width} x {height}; compare pictures of the same size."
        )


def _decibels(scores: Scores) -> str:
    value = scores.psnr_og if scores.psnr_og is not None else scores.psnr_all
    return "exact" if value is None or math.isinf(value) else f"{value:.1f} dB"
