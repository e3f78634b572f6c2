"""How many steps a start from meta-learned weights saves: quality after some steps, with them and from random ones."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from gamutcli.errors import UsageError
from gamutcli.experiments import plots
from gamutcli.experiments.folder import Record, ResultsFolder, Row, json_bytes
from gamutcli.experiments.markdown import document, mean, number, table
from gamutcli.experiments.pictures import Subject
from gamutcli.experiments.recipe import judged, preset_of, scaled, scene_of
from gamutcli.experiments.runner import Findings, Job, over_pictures
from gamutcli.experiments.tables import csv_bytes
from gamutcli.fit import fit
from gamutcli.model import FloatNetwork
from gamutcli.presets import PRESETS, Preset
from gamutcli.sample import Sample, draw, draw_as_the_paper
from gamutcli.weights import Weights, read_weights, shipped

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


def steps(job: Job, *, preset: str | None = None, model: str = "23kb", init: Path | None = None) -> Findings:
    """Measure quality after some steps on every picture, from random and from given weights.

    Args:
        job: What every experiment is told.
        preset: One of our presets; None: the paper's network.
        model: Size of the paper's network.
        init: File of the weights; None: those that ship for the network.

    Raises:
        UsageError: There are no weights for this network.
        GamutError: See ``ResultsFolder`` and ``over_pictures``.
    """
    chosen = PRESETS[preset] if preset else preset_of(model)
    weights = _weights_for(chosen, init)
    name = f"preset {preset}" if preset else f"the paper's network, {model}"
    outputs = ("steps.md", "steps.csv", "steps.json", *plots.file_names("steps"))
    settings = {**job.settings, "network": name, "weights": weights.digest[:16]}
    folder = ResultsFolder(job.output, "steps", settings, outputs, job.overwrite)
    records = over_pictures(job, folder, lambda subject: list(_rows(subject, job, chosen, weights)))
    means = _means(records)
    og = [row for row in means if row["psnr_og"] is not None]
    compared = _compared(means, records)
    text = f"{TITLE}, {name}, mean over {len(records)} pictures:\n\n{_table(compared)}"
    files, notes = _plotted(folder, og, f"{TITLE}: {name}, {len(records)} pictures")
    configuration = folder.configuration()
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
        "own curves' ratios."
    )
    pictures = [
        part
        for record in records
        for part in (f"## {record.picture}", *record.notes, _table(_compared(record.rows, [record])))
    ]
    written = (
        folder.publish("steps.md", document(TITLE, configuration, [about, text, *pictures], notes)),
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
        if not index:
            return float(count)
        before, less = curve[index - 1]
        share = (wanted - less) / (decibels - less)
        return before * math.exp(share * math.log(count / before))
    return None


def _weights_for(preset: Preset, init: Path | None) -> Weights:
    found = read_weights(init) if init else shipped(preset.inputs, preset.hidden, preset.depth)
    if found is None:
        raise UsageError(
            f"no weights ship for the network of preset {preset.name}; make some with `gamut pretrain`, and name them "
            "with --init."
        )
    if not found.suit(preset.inputs, preset.hidden, preset.depth):
        raise UsageError(f"{init}: is for {found.depth} hidden layers of {found.hidden}, not for this network.")
    return found


def _rows(subject: Subject, job: Job, preset: Preset, weights: Weights) -> Iterator[Row]:
    """All points of both curves of one picture."""
    scene = scene_of(subject.original, preset)
    drawn = draw_as_the_paper if preset.every_pixel else draw
    sample = drawn(scene, preset.inputs, preset.samples, job.seed)
    if sample is None:
        return
    for start in (RANDOM, META):
        given = weights if start == META else None
        for count, network, seconds in _networks(sample, preset, given, job):
            scores = judged(scene, network, color_differences=False)
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
            some = replace(preset, steps=scaled(preset.steps, share * job.steps_scale))
            fitted = fit(sample, some, job.seed, start_weights=first)
            yield some.steps, FloatNetwork(preset.inputs, tuple(fitted.weights), fitted.residual_scale), fitted.seconds
        return
    counts = sorted({scaled(count, job.steps_scale) for count in PAPER_STEPS})
    fitted = fit(sample, replace(preset, steps=counts[-1]), job.seed, start_weights=first, snapshots_at=counts)
    for count, snapshot in zip(counts, fitted.snapshots, strict=True):
        network = FloatNetwork(preset.inputs, tuple(snapshot), fitted.residual_scale)
        yield count, network, fitted.seconds * count / counts[-1]


def _means(records: Sequence[Record]) -> list[Row]:
    """Both curves, as the mean over those pictures that have pixels out of gamut."""
    with_rows = [record.rows for record in records if record.rows and record.rows[0]["psnr_og"] is not None]
    return [
        {**rows[0], **{figure: mean(row[figure] for row in rows) for figure in COLUMNS[3:]}}
        for rows in zip(*with_rows, strict=True)
    ]


def _compared(rows: Sequence[Row], records: Sequence[Record]) -> list[Row]:
    """Both curves beside each other, and how much faster the second gets where the first gets."""
    random, meta = _curve(rows, RANDOM), _curve(rows, META)
    ratios = [_faster(_curve(record.rows, RANDOM), _curve(record.rows, META)) for record in records]
    found = []
    for index, ((count, plain), (_, ahead)) in enumerate(zip(random, meta, strict=True)):
        equal = steps_to(meta, plain)
        known = [ratio[index] for ratio in ratios if index < len(ratio) and ratio[index] is not None]
        found.append(
            {
                "steps": count,
                RANDOM: plain,
                META: ahead,
                "gain": ahead - plain,
                "equal": equal,
                "faster": count / equal if equal else None,
                "faster_median": statistics.median(known) if known else None,  # type: ignore[type-var]
            }
        )
    return found


def _faster(random: Sequence[tuple[int, float]], meta: Sequence[tuple[int, float]]) -> list[float | None]:
    """For every point of the first curve, how much sooner the second gets there; below 1: later; None: never."""
    found = ((count, steps_to(meta, decibels)) for count, decibels in random)
    return [count / equal if equal else None for count, equal in found]


def _curve(rows: Sequence[Row], start: str) -> list[tuple[int, float]]:
    return [(row["steps"], row["psnr_og"]) for row in rows if row["start"] == start and row["psnr_og"] is not None]


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
                number(row["faster_median"], 1),
            )
            for row in compared
        ],
    )


def _plotted(folder: ResultsFolder, means: list[Row], title: str) -> tuple[tuple[Path, ...], tuple[str, ...]]:
    curves = [plots.Curve(LABELS[start], _curve(means, start), style) for start, style in STYLES.items()]
    if not curves[0].points:
        missing = " and ".join(plots.file_names("steps"))
        return (), (f"{missing} were not drawn, as no picture has a pixel out of gamut",)
    return plots.publish(folder, "steps", lambda: plots.quality_by_steps(curves, title))
