"""Where the errors are: maps of the plain clip, the paper's networks and ours side by side, the paper's figure 1."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import quote

from gamutcli.experiments.folder import Record, ResultsFolder, Row, json_bytes
from gamutcli.experiments.markdown import document, mean, number, table
from gamutcli.experiments.ours import preset_named, reduced_with
from gamutcli.experiments.pictures import Subject
from gamutcli.experiments.recipe import STEPS, fit_as_the_paper, judge_fit, preset_of, scale_steps, scene_of
from gamutcli.experiments.runner import Findings, Job, over_pictures
from gamutcli.fitting.presets import PRESETS
from gamutcli.measuring.maps import ErrorMap, render_maps
from gamutcli.measuring.metrics import Scores
from gamutcli.measuring.words import decibels

#: The sizes of the paper's own figure.
MODELS = ("23kb", "53kb")
OURS = "balanced"
TITLE = "Maps of the errors"


@dataclass(frozen=True, eq=False)
class _Panel:
    """One map, and where its figures come from."""

    method: str
    errors: ErrorMap
    scores: Scores

    @property
    def title(self) -> str:
        """What stands above it."""
        return f"{self.method}: {_decibels(self.scores.psnr_og)}"


def maps(job: Job, map_range: float) -> Findings:
    """Draw a file of maps for every picture.

    Args:
        job: The pictures, and where to draw.
        map_range: RMSE at the bright end of the scale of all maps, linear ProPhoto units.

    Raises:
        GamutError: See ``ResultsFolder`` and ``over_pictures``.
    """
    drawings = [file_of_maps(path) for path in job.pictures]
    settings = {**job.settings, "map_range": map_range}
    folder = ResultsFolder(job.output, "maps", settings, ("maps.md", "maps.json", *drawings), job.overwrite)

    def judge(subject: Subject) -> list[Row]:
        panels = list(_panels(subject, job))
        # As everybody's screen shows the picture that reduce writes.
        plain = scene_of(subject.original, PRESETS[OURS]).srgb_codes
        drawn = render_maps([(panel.title, panel.errors.rmse) for panel in panels], map_range, ("sRGB", plain))
        # Before the record: a picture that has one has been drawn.
        folder.publish(file_of_maps(subject.path), drawn)
        return [_row(panel) for panel in panels]

    records = over_pictures(job, folder, judge, lambda path: folder.path / file_of_maps(path))
    configuration = folder.configuration(records)
    pictures = [
        {
            "picture": record.picture,
            "sha256": record.sha256,
            "file": file_of_maps(Path(record.picture)),
            "notes": record.notes,
            "maps": record.rows,
        }
        for record in records
    ]
    text = _table(records)
    data = {**configuration, "pictures": pictures}
    written = (
        folder.publish("maps.md", _markdown(text, records, configuration)),
        folder.publish("maps.json", json_bytes(data)),
        *(folder.path / file_of_maps(Path(record.picture)) for record in records),
    )
    return Findings(text, data, written)


def file_of_maps(picture: Path) -> str:
    """Name of the file that holds a picture's maps."""
    return f"maps-{picture.name}.png"


def _panels(subject: Subject, job: Job) -> Iterator[_Panel]:
    """All maps of one picture, from the plain clip on."""
    size = subject.original.size
    errors = ErrorMap(*size)
    yield _Panel("clip", errors, judge_fit(scene_of(subject.original, PRESETS[OURS]), None, errors, False))
    for model in MODELS:
        preset = preset_of(model, scale_steps(STEPS, job.steps_scale))
        scene = scene_of(subject.original, preset)
        network = fit_as_the_paper(scene, preset, job.seed).network
        errors = ErrorMap(*size)
        yield _Panel(f"paper {model}", errors, judge_fit(scene, network, errors, False))
    errors = ErrorMap(*size)
    with TemporaryDirectory() as folder:
        preset = preset_named(OURS, job.steps_scale)
        found = reduced_with(subject, preset, None, job.seed, Path(folder), errors, False)
    yield _Panel(f"ours, {OURS}", errors, found.scores)


def _row(panel: _Panel) -> Row:
    scores = panel.scores
    return {
        "method": panel.method,
        "psnr_og": scores.psnr_og,
        "psnr_all": scores.psnr_all,
        "rmse_og": scores.rmse_og,
        "rmse_all": scores.rmse_all,
    }


def _table(records: Sequence[Record]) -> str:
    """PSNR out of gamut and of all pixels, a line a picture, and their means."""
    methods = [row["method"] for row in records[0].rows]
    lines = [[record.picture, *(_pair(row["psnr_og"], row["psnr_all"]) for row in record.rows)] for record in records]
    means = [
        _pair(*(mean(record.rows[index][name] for record in records) for name in ("psnr_og", "psnr_all")))
        for index in range(len(methods))
    ]
    return table(["PSNR OG / all, dB", *methods], [*lines, ["mean", *means]])


def _pair(og: float | None, everything: float | None) -> str:
    return f"{number(og)} / {number(everything)}"


def _decibels(psnr_og: float | None) -> str:
    if psnr_og is None:
        return "nothing out of gamut"
    told = decibels(psnr_og, 1)
    return told if told == "exact" else f"{told} OG"


def _markdown(text: str, records: Sequence[Record], configuration: dict[str, Any]) -> bytes:
    about = (
        "Root mean squared error of every pixel, linear ProPhoto RGB, beside the picture as plain sRGB; titles and "
        "table: PSNR with peak 1. OG: out of gamut."
    )
    parts = [about, text]
    for record in records:
        # As bytes: a name need not be text.
        name = quote(os.fsencode(file_of_maps(Path(record.picture))))
        parts += [f"## {record.picture}", *record.notes, f"![{record.picture}: maps of the errors]({name})"]
    return document(TITLE, configuration, parts, ())
