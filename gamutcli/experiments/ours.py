"""Our own networks, through the pipeline that users run: reduced to a PNG file, opened again, judged."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from gamutcli.color.spaces import PROPHOTO
from gamutcli.experiments.judging import compare
from gamutcli.experiments.pictures import Subject
from gamutcli.experiments.recipe import scale_steps
from gamutcli.fitting.presets import PRESETS, Preset
from gamutcli.measuring.maps import ErrorMap
from gamutcli.measuring.metrics import Scores
from gamutcli.reduce import reduce_image
from gamutcli.restore import open_reduced


@dataclass(frozen=True)
class Reduction:
    """What came of reducing a picture to a file.

    Attributes:
        payload_bytes: What it takes in the file, all included.
        fit_seconds: Drawing, fitting and rounding.
        scores: Of what the file restores.
    """

    payload_bytes: int
    fit_seconds: float
    scores: Scores


def preset_named(name: str, steps_scale: float) -> Preset:
    """One of our presets, its steps scaled."""
    preset = PRESETS[name]
    return replace(preset, steps=scale_steps(preset.steps, steps_scale))


def reduced_with(
    subject: Subject,
    preset: Preset,
    max_payload: int | None,
    seed: int,
    folder: Path,
    errors: ErrorMap | None = None,
    color_differences: bool = True,
) -> Reduction:
    """Reduce a picture to a PNG file, open the file, and judge what it restores.

    It runs on the CPU, as the paper's recipe does here: so seconds compare.

    Args:
        subject: The picture.
        preset: How; see ``preset_named``.
        max_payload: The user's limit, bytes; None: the preset's.
        seed: Of the fit.
        folder: For the file, which does not stay.
        errors: A new map, which gathers the errors by place as well.
        color_differences: Whether CIEDE2000 is wanted, which takes seconds.
    """
    file = folder / "reduced.png"
    try:
        result = reduce_image(
            subject.path,
            file,
            preset=preset,
            max_payload=max_payload,
            assume_profile="prophoto",
            seed=seed,
            device="cpu",
            overwrite=True,
        )
        reduced = open_reduced(file)
    finally:
        file.unlink(missing_ok=True)
    scores = compare(reduced.restoration(PROPHOTO, "cpu"), subject.original, errors, color_differences)
    return Reduction(result.payload_bytes, result.fit_seconds, scores)
