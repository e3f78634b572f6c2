"""How many steps a start from meta-learned weights saves: quality after some steps, with them and from random ones."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from gamutcli.arrays import StrPath
from gamutcli.errors import UsageError
from gamutcli.experiments import plots
from gamutcli.experiments.folder import Record, ResultsFolder, Row, json_bytes
from gamutcli.experiments.markdown import document, mean, name_averaged, number, pictures, table
from gamutcli.experiments.pictures import Subject
from gamutcli.experiments.recipe import judge_fit, preset_of, scale_steps, scene_of
from gamutcli.experiments.runner import Findings, Job, over_pictures
from gamutcli.experiments.spreadsheets import csv_bytes
from gamutcli.experiments.starts import identity, tell_flattered, weights_named
from gamutcli.fitting.fit import fit
from gamutcli.fitting.presets import PRESETS, Preset
from gamutcli.fitting.sample import Sample, draw_by_residual, draw_sample_as_the_paper
from gamutcli.network.shape import FloatNetwork
from gamutcli.weights import Weights

#: Looked at in a fit of the paper's network, whose rate is constant.
PAPER_STEPS = (75, 150, 300, 600, 1200, 2400, 4800, 9000)
#: Fits of our presets, whose rate decays, by the share of the preset's steps.
SHARES = (0.125, 0.25, 0.5, 1.0)
RANDOM, META = "random", "meta"
COLUMNS = ("picture", "start", "steps", "psnr_og", "psnr_all", "fit_seconds")
STYLES: dict[str, dict[str, Any]] = {
    RANDOM: {"color": "#0072b2", "marker": "s", "linestyle": (0, (6, 2))},
    META: {"color": "#d55e00", "marker": "o", "linewidth": 2.2},
}
LABELS = {RANDOM: "from random weights", META: "from meta-learned weights"}
TITLE = "Steps to equal quality"


def steps(job: Job, *, preset: str | None = None, model: str = "23kb", init: StrPath | None = None) -> Findings:
    """Measure quality after some steps on every picture, from random and from given weights.

    Args:
        job: What every experiment is told.
        preset: One of our presets; None: the paper's network.
        model: Size of the paper's network.
        init: File of the weights, or ``weights.SHIPPED``; None: those that ship for the network, too.

    Raises:
        UsageError: There are no weights for this network.
        GamutError: See ``ResultsFolder`` and ``over_pictures``.
    """
    chosen = PRESETS[preset] if preset else preset_of(model)
    weights = _weights_for(chosen, init)
    name = f"preset {preset}" if preset else f"the paper's network, {model}"
    outputs = ("steps.md", "steps.csv", "steps.json", *plots.file_names("steps"))
    settings = {**job.settings, "network": name, "weights": identity(weights)}
    folder = ResultsFolder(job.output, "steps", settings, outputs, job.overwrite)
    records = over_pictures(job, folder, lambda subject: list(_rows(subject, job, chosen, weights)))
    means = _means(records)
    compared = _compare(means, records)
    with_og = sum(_has_og(record.rows) for record in records)
    text = f"{TITLE}, {name}, mean over {name_averaged(len(records), with_og)}:\n\n{_table(compared)}"
    files, notes = _plot(folder, means, f"{TITLE}: {name}, {pictures(with_og)}")
    notes += (*_exact(means), *tell_flattered(records, [weights]))
    configuration = folder.configuration(records)
    data = {
        **configuration,
        "notes": notes,
        "mean": means,
        "compared": compared,
        "pictures": [{"picture": record.picture, "rows": record.rows} for record in records],
    }
    named = [{"picture": record.picture, **row} for record in records for row in record.rows]
    about = (
        'PSNR of linear ProPhoto RGB out of gamut, peak 1, of float weights. "Equal": the number of steps from '
        "meta-learned weights after which the mean curve has what the one from random weights has after those of the "
        'row, interpolated; "faster": their ratio, on the mean curve, and as the median over the pictures of their '
        "own curves' ratios. A picture whose curve from meta-learned weights never gets there counts as 0 in that "
        "median; a dash stands for never, and for a median of 0. A curve has no point where a picture is exact."
    )
    singles = [
        part
        for record in records
        for part in (f"## {record.picture}", *record.notes, _table(_compare(record.rows, [record])))
    ]
    written = (
        folder.publish("steps.md", document(TITLE, configuration, [about, text, *singles], notes)),
        folder.publish("steps.csv", csv_bytes(COLUMNS, named)),
        folder.publish("steps.json", json_bytes(data)),
    )
    return Findings(text, data, written + files, notes)


def steps_to(curve: Sequence[tuple[int, float]], wanted: float) -> float | None:
    """After how many steps a rising curve first has a quality, interpolated in the logarithm of the steps.

    Args:
        curve: Steps and decibels, by rising steps.
        wanted: Decibels.

    Returns:
        None where it never has; its first number of steps where it has from there on.
    """
    for index, (count, decibels) in enumerate(curve):
        if decibels < wanted:
            continue
        # There is no way to go a part of the way to infinity.
        if not index or math.isinf(decibels):
            return float(count)
        before, less = curve[index - 1]
        share = (wanted - less) / (decibels - less)
        return before * math.exp(share * math.log(count / before))
    return None


def _weights_for(preset: Preset, init: StrPath | None) -> Weights:
    found = weights_named(init, preset)
    if found is None:
        raise UsageError(
            f"no weights ship for the network of preset {preset.name}; make some with `gamut pretrain`, and name them "
            "with --init."
        )
    if found.shape != preset.shape:
        raise UsageError(
            f"{init}: is for {found.shape.depth} hidden layers of {found.shape.hidden}, not for this network."
        )
    return found


def _rows(subject: Subject, job: Job, preset: Preset, weights: Weights) -> Iterator[Row]:
    """All points of both curves of one picture."""
    scene = scene_of(subject.original, preset)
    drawn = draw_sample_as_the_paper if preset.every_pixel else draw_by_residual
    sample = drawn(scene, preset.inputs, preset.samples, job.seed)
    if sample is None:
        return
    for start in (RANDOM, META):
        given = weights if start == META else None
        for count, network, seconds in _networks(sample, preset, given, job):
            scores = judge_fit(scene, network, color_differences=False)
            yield {
                "start": start,
                "steps": count,
                "psnr_og": scores.psnr_og,
                "psnr_all": scores.psnr_all,
                "fit_seconds": seconds,
            }


def _networks(
    sample: Sample, preset: Preset, start: Weights | None, job: Job
) -> Iterator[tuple[int, FloatNetwork, float]]:
    """Networks after some steps, and the seconds that these took."""
    if start:
        preset = replace(preset, residual_unit=start.residual_unit)
    first = start.weights if start else None
    if preset.decay:
        for share in SHARES:
            some = replace(preset, steps=scale_steps(preset.steps, share * job.steps_scale))
            fitted = fit(sample, some, job.seed, start_weights=first)
            yield some.steps, FloatNetwork(preset.inputs, tuple(fitted.weights), fitted.residual_scale), fitted.seconds
        return
    counts = sorted({scale_steps(count, job.steps_scale) for count in PAPER_STEPS})
    fitted = fit(sample, replace(preset, steps=counts[-1]), job.seed, start_weights=first, snapshots_at=counts)
    for count, snapshot in zip(counts, fitted.snapshots, strict=True):
        network = FloatNetwork(preset.inputs, tuple(snapshot), fitted.residual_scale)
        yield count, network, fitted.seconds * count / counts[-1]


def _means(records: Sequence[Record]) -> list[Row]:
    """Both curves, as the mean over those pictures that have pixels out of gamut.

    Where some are exact, which ``exact_og`` counts, the mean has no PSNR: it would be one of other pictures.
    """
    found = []
    for rows in zip(*(record.rows for record in records if _has_og(record.rows)), strict=True):
        figures = {figure: mean(row[figure] for row in rows) for figure in COLUMNS[3:]}
        exact = sum(row["psnr_og"] is None for row in rows)
        figures["psnr_og"] = None if exact else figures["psnr_og"]
        found.append({**rows[0], **figures, "exact_og": exact})
    return found


def _has_og(rows: Sequence[Row]) -> bool:
    """Whether a picture has pixels out of gamut."""
    return any(row["psnr_og"] is not None for row in rows)


def _exact(means: Sequence[Row]) -> Iterator[str]:
    for row in means:
        if row["exact_og"]:
            yield (
                f"{LABELS[row['start']]}, {row['steps']:,} steps: {row['exact_og']} exact, with an infinite PSNR; the "
                "mean curve has no point there"
            )


def _compare(rows: Sequence[Row], records: Sequence[Record]) -> list[Row]:
    """Both curves beside each other, and how much faster the second gets where the first gets."""
    meta = _curve(rows, META)
    ratios = [_faster(record.rows) for record in records if _has_og(record.rows)]
    found = []
    for count, plain in _curve(rows, RANDOM):
        ahead = dict(meta).get(count)
        if ahead is None:
            continue
        equal = steps_to(meta, plain)
        found.append(
            {
                "steps": count,
                RANDOM: plain,
                META: ahead,
                "gain": ahead - plain,
                "equal": equal,
                "faster": count / equal if equal else None,
                "faster_median": statistics.median(ratio[count] for ratio in ratios),
            }
        )
    return found


def _faster(rows: Sequence[Row]) -> dict[int, float]:
    """By the steps from random weights, how much sooner a picture gets there from others; below 1: later; 0: never."""
    random, meta = (_curve(rows, start, exact=math.inf) for start in (RANDOM, META))
    found = ((count, steps_to(meta, decibels)) for count, decibels in random)
    return {count: count / equal if equal else 0.0 for count, equal in found}


def _curve(rows: Sequence[Row], start: str, exact: float | None = None) -> list[tuple[int, float]]:
    """Steps and decibels; without points that are exact, or with what stands for them."""
    points = (
        (row["steps"], exact if row["psnr_og"] is None else row["psnr_og"]) for row in rows if row["start"] == start
    )
    return [(count, decibels) for count, decibels in points if decibels is not None]


def _table(compared: Sequence[Row]) -> str:
    head = ("steps", "random, dB", "meta, dB", "gain, dB", "equal, steps", "faster", "faster, median")
    return table(
        head,
        [
            (
                number(row["steps"], 0),
                number(row[RANDOM]),
                number(row[META]),
                number(row["gain"]),
                number(row["equal"], 0),
                number(row["faster"], 1),
                number(row["faster_median"] or None, 1),
            )
            for row in compared
        ],
    )


def _plot(folder: ResultsFolder, means: list[Row], title: str) -> tuple[tuple[Path, ...], tuple[str, ...]]:
    curves = [plots.Curve(LABELS[start], _curve(means, start), style) for start, style in STYLES.items()]
    if not any(curve.points for curve in curves):
        return plots.left_out(folder, "steps", "no picture has a pixel out of gamut")
    return plots.publish(folder, "steps", lambda: plots.quality_by_steps(curves, title))
