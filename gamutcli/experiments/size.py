"""How good a picture gets for how many bytes: the paper's figure 8.

Four curves and their kin: the paper's networks in every form in which their weights could be stored; our own at
several limits, through the pipeline; an AVIF picture of what was lost; and the plain clip, which takes no bytes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from gamutcli.experiments import avif, plots
from gamutcli.experiments.folder import Record, ResultsFolder, Row, json_bytes
from gamutcli.experiments.markdown import document, mean, name_averaged, number, pictures, table
from gamutcli.experiments.ours import preset_named, reduced_with
from gamutcli.experiments.pictures import Subject
from gamutcli.experiments.recipe import STEPS, fit_as_the_paper, judge_fit, preset_of, scale_steps, scene_of
from gamutcli.experiments.runner import Findings, Job, over_pictures
from gamutcli.experiments.spreadsheets import csv_bytes
from gamutcli.experiments.stored import store_weights
from gamutcli.fitting.presets import PAPER_MODELS, PRESETS
from gamutcli.fitting.scene import Scene
from gamutcli.measuring.metrics import Comparison, Scores

#: What our networks are given with --max-payload, bytes.
LIMITS = (2000, 3000, 5000, 8000, 14_000, 23_000, 40_000)
#: What an AVIF picture of the residual may take.
AVIF_LIMITS = (2000, 5000, 12_000, 23_000, 40_000)
CLIP, AVIF, OURS, BEST = "clip", "AVIF of the residual", "ours", "ours, best"
PAPER = "paper, {}"
COLUMNS = ("picture", "curve", "point", "bytes", "psnr_og", "psnr_all", "fit_seconds")
TITLE = "Quality against size"
#: Colors of Okabe and Ito, told apart by the color-blind; markers and lines, by those who see none.
STYLES: dict[str, dict[str, Any]] = {
    OURS: {"color": "#d55e00", "marker": "o", "linewidth": 2.2},
    BEST: {"color": "#d55e00", "marker": "*", "markersize": 13, "linestyle": "none"},
    AVIF: {"color": "#009e73", "marker": "s", "linestyle": (0, (6, 2)), "linewidth": 1.8},
    **{
        # Hollow and dotted: deflated.
        PAPER.format(form): {"color": "#0072b2", "marker": marker, "linestyle": line, "markerfacecolor": face}
        for form, marker, line, face in (
            ("fp32", "D", "-", "#0072b2"),
            ("fp16", "P", "--", "#0072b2"),
            ("int8", "v", "-.", "#0072b2"),
            ("int8, deflated", "v", ":", "white"),
            ("6 bits", "^", (0, (8, 2, 2, 2, 2, 2)), "#0072b2"),
            ("6 bits, deflated", "^", ":", "white"),
        )
    },
}


def size(job: Job) -> Findings:
    """Measure PSNR against bytes on every picture.

    Raises:
        GamutError: See ``ResultsFolder`` and ``over_pictures``.
    """
    outputs = ("size.md", "size.csv", "size.json", *plots.file_names("size"))
    # They decide which rows a record has.
    limits = {"limits": LIMITS, "avif_limits": AVIF_LIMITS if avif.AVAILABLE else ()}
    folder = ResultsFolder(job.output, "size", {**job.settings, **limits}, outputs, job.overwrite)
    records = over_pictures(job, folder, lambda subject: list(_rows(subject, job)))
    with_og = [record for record in records if _has_og(record.rows)]
    means = _means(with_og or records)
    files, notes = _plot(folder, means, len(with_og))
    notes += tuple(_exact(means))
    if not avif.AVAILABLE:
        notes += ("the AVIF curve is left out, as this imagecodecs cannot write AVIF",)
    configuration = folder.configuration(records)
    data = {**configuration, "notes": notes, "mean": means, "pictures": [_as_data(record) for record in records]}
    text = f"Mean over {name_averaged(len(records), len(with_og))}:\n\n{_table(means)}"
    written = (
        folder.publish("size.md", _markdown(text, records, configuration, notes)),
        folder.publish("size.csv", csv_bytes(COLUMNS, _named_rows(records))),
        folder.publish("size.json", json_bytes(data)),
    )
    return Findings(text, data, written + files, notes)


def _rows(subject: Subject, job: Job) -> Iterator[Row]:
    """All points of one picture."""
    scene = scene_of(subject.original, PRESETS["balanced"])
    clip = judge_fit(scene, None, color_differences=False)
    yield _row(CLIP, "", 0, clip)
    for model in PAPER_MODELS:
        yield from _paper(subject, model, job)
    if avif.AVAILABLE:
        yield from _avif(scene, clip)
    yield from _ours(subject, job)


def _paper(subject: Subject, model: str, job: Job) -> Iterator[Row]:
    """One of the paper's networks, fitted once, in all forms."""
    preset = preset_of(model, scale_steps(STEPS, job.steps_scale))
    scene = scene_of(subject.original, preset)
    fitted = fit_as_the_paper(scene, preset, job.seed)
    for each in store_weights(fitted.network):
        scores = judge_fit(scene, each.network, color_differences=False)
        for form, taken in each.sizes.items():
            yield _row(PAPER.format(form), model, taken, scores, fitted.seconds)


def _avif(scene: Scene, clip: Scores) -> Iterator[Row]:
    """The best AVIF picture within each limit; where none is so small, no bytes and the plain picture."""
    residual = avif.residual_of(scene)
    for limit in AVIF_LIMITS:
        found = residual.within(limit)
        if found is None:
            yield _row(AVIF, f"{limit:,} bytes", 0, clip)
            continue
        restored = residual.restoring(found)
        comparison = Comparison(color_differences=False)
        for rows in scene.strips():
            comparison.add(restored(rows), scene.original.strip(rows), scene.original.og_mask(rows))
        yield _row(AVIF, f"{limit:,} bytes", found.size, comparison.scores())


def _ours(subject: Subject, job: Job) -> Iterator[Row]:
    """Our own networks, from files that the pipeline wrote."""
    wanted = [("balanced", limit, OURS, f"{limit:,} bytes") for limit in LIMITS]
    with TemporaryDirectory() as folder:
        for name, limit, curve, point in [*wanted, ("best", None, BEST, "")]:
            preset = preset_named(name, job.steps_scale)
            found = reduced_with(subject, preset, limit, job.seed, Path(folder), color_differences=False)
            yield _row(curve, point, found.payload_bytes, found.scores, found.fit_seconds)


def _row(curve: str, point: str, taken: int, scores: Scores, seconds: float | None = None) -> Row:
    return {
        "curve": curve,
        "point": point,
        "bytes": taken,
        "psnr_og": scores.psnr_og,
        "psnr_all": scores.psnr_all,
        "fit_seconds": seconds,
    }


def _means(records: Sequence[Record]) -> list[Row]:
    """The mean of every point over the pictures, all or none of which have pixels out of gamut.

    ``exact_all`` and ``exact_og`` count pictures that were restored without an error: their infinite PSNR is left out.
    """
    found = []
    og = _has_og(records[0].rows)
    for rows in zip(*(record.rows for record in records), strict=True):
        figures = {name: mean(row[name] for row in rows) for name in COLUMNS[3:]}
        exact = {f"exact_{region}": sum(row[f"psnr_{region}"] is None for row in rows) for region in ("all", "og")}
        if not og:
            exact["exact_og"] = 0
        found.append({"curve": rows[0]["curve"], "point": rows[0]["point"], **figures, **exact})
    # Curve by curve, the points by their size.
    order = [CLIP, *STYLES]
    return sorted(found, key=lambda row: (order.index(row["curve"]), row["bytes"]))


def _has_og(rows: Sequence[Row]) -> bool:
    """Whether a picture, or the mean, has pixels out of gamut: which the clip always gets wrong."""
    return any(row["curve"] == CLIP and row["psnr_og"] is not None for row in rows)


def _exact(means: Sequence[Row]) -> Iterator[str]:
    for row in means:
        exact = max(row["exact_all"], row["exact_og"])
        if exact:
            named = f"{row['curve']}, {row['point']}" if row["point"] else row["curve"]
            yield f"{named}: {exact} exact, with an infinite PSNR that is left out of the mean"


def _plot(folder: ResultsFolder, means: list[Row], count: int) -> tuple[tuple[Path, ...], tuple[str, ...]]:
    def points(curve: str) -> list[tuple[float, float]]:
        rows = [row for row in means if row["curve"] == curve and row["bytes"] and row["psnr_og"] is not None]
        return [(row["bytes"], row["psnr_og"]) for row in rows]

    curves = [plots.Curve(curve, points(curve), style) for curve, style in STYLES.items()]
    if not any(curve.points for curve in curves):
        return plots.left_out(folder, "size", "no picture has a pixel out of gamut")
    clip = next(row["psnr_og"] for row in means if row["curve"] == CLIP)
    title = f"{TITLE}, mean over {pictures(count)}" if count > 1 else TITLE
    return plots.publish(folder, "size", lambda: plots.quality_by_size(curves, clip, title))


def _table(rows: Sequence[Row]) -> str:
    head = ("curve", "point", "bytes", "PSNR OG, dB", "PSNR all, dB", "fit, s")
    og = _has_og(rows)
    return table(
        head,
        [
            (
                row["curve"],
                row["point"],
                number(row["bytes"], 0),
                _decibels(row["psnr_og"], og),
                _decibels(row["psnr_all"], True),
                number(row["fit_seconds"], 1),
            )
            for row in rows
        ],
    )


def _decibels(psnr: float | None, pixels: bool) -> str:
    """A PSNR; where there are pixels and none, there was no error."""
    return "exact" if pixels and psnr is None else number(psnr)


def _markdown(text: str, records: Sequence[Record], configuration: dict[str, Any], notes: Sequence[str]) -> bytes:
    about = (
        "PSNR of linear ProPhoto RGB with peak 1; OG: out of gamut. Bytes are those of the weights as stored, scales "
        "included, for the paper's networks; of the whole payload for ours; of the file for AVIF. Where nothing fits "
        "into a limit, a picture stays as it is and takes no bytes. All means are over the same pictures: those with "
        "pixels out of gamut, where there are any."
    )
    parts = [about, text]
    for record in records:
        parts += [f"## {record.picture}", *record.notes, _table(record.rows)]
    return document(TITLE, configuration, parts, notes)


def _named_rows(records: Sequence[Record]) -> list[Row]:
    return [{"picture": record.picture, **row} for record in records for row in record.rows]


def _as_data(record: Record) -> dict[str, Any]:
    return {"picture": record.picture, "sha256": record.sha256, "notes": record.notes, "rows": record.rows}
