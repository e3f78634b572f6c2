"""The paper's Table 1, and the reproduction's: every method on every picture of a folder."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from gamutcli import report, storage
from gamutcli.evaluation import publish_report, section_of
from gamutcli.experiments import table_output
from gamutcli.experiments.folder import Record, ResultsFolder, Row, json_bytes
from gamutcli.experiments.markdown import pictures
from gamutcli.experiments.methods import KEYS, META, Method, Starts, choose_methods, title_of
from gamutcli.experiments.ours import preset_named
from gamutcli.experiments.pictures import Subject, assumed_for
from gamutcli.experiments.runner import Findings, Job, over_rows
from gamutcli.experiments.starts import tell_flattered
from gamutcli.images.reading import Reading
from gamutcli.reduce import reduce_image
from gamutcli.weights import Weights

#: The preset whose results the report shows.
SHOWN = "balanced"


def table(
    job: Job, methods: Sequence[str] | None = None, starts: Starts | None = None, report_file: Path | None = None
) -> Findings:
    """Measure methods on every picture.

    Args:
        job: The pictures, and where the results go.
        methods: Keys of ``methods.KEYS``; None: all that can be measured.
        starts: Weights of a meta-initialisation by model, see ``methods.starts_in``; rows without are left out.
        report_file: A page to show the table on, and the pictures as restored with preset balanced.

    Raises:
        UsageError: See ``methods.chosen``.
        GamutError: See ``ResultsFolder`` and ``over_rows``.
    """
    starts = starts or {}
    measured = choose_methods(methods, starts)
    by_key = {method.key: method for method in measured}
    outputs = ("table.md", "table.csv", "table.json")
    folder = ResultsFolder(job.output, "table", job.settings, outputs, job.overwrite)
    if report_file:
        storage.check_target(report_file, job.overwrite)

    def judge(subject: Subject, identity: Row) -> Row:
        return by_key[identity["method"]].measure(subject, job)

    records = over_rows(job, folder, [method.identity for method in measured], judge)
    means = table_output.means(records)
    used = _used(measured, starts)
    notes = (*_notes(methods, by_key, means, records), *tell_flattered(records, used.values()))
    configuration = {**folder.configuration(records), **_origins(used)}
    files = [
        folder.publish("table.md", table_output.markdown(means, records, configuration, notes)),
        folder.publish("table.csv", table_output.csv(records)),
        folder.publish("table.json", json_bytes(table_output.data(means, records, configuration, notes))),
    ]
    if report_file:
        _write_report(report_file, job, folder, means, records)
        files.append(report_file)
    return Findings(
        table_output.text(means, len(records)),
        table_output.data(means, records, configuration, notes),
        tuple(files),
        notes,
    )


def _notes(
    wanted: Sequence[str] | None, measured: Mapping[str, Method], means: Sequence[Row], records: Sequence[Record]
) -> Iterator[str]:
    """What the user should know of the figures."""
    missing = [title_of(key) for key in KEYS if wanted is None and key not in measured]
    if missing:
        yield (
            f"left out, as there are no weights to start from: {', '.join(missing)}; name a folder of them with "
            "--weights (`gamut pretrain` makes them)"
        )
    for row in means:
        exact = max(row["exact_all"], row["exact_og"])
        if exact:
            yield f"{title_of(row['method'])}: {exact} exact, with an infinite PSNR that is left out of the mean"
    without = sum(record.rows[0]["rmse_og"] is None for record in records)
    if without:
        yield f"pictures without a pixel out of gamut, which have no figures OG: {without} of {len(records)}"


def _used(measured: Sequence[Method], starts: Starts) -> dict[str, Weights]:
    """The first weights of the rows that have some, by model."""
    used = {method.key.removesuffix(META) for method in measured if method.weights}
    return {model: weights for model, weights in starts.items() if model in used}


def _origins(used: Starts) -> dict[str, Any]:
    """Where the first weights come from, by model."""
    found = {model: {"sha256": weights.digest, **weights.provenance} for model, weights in used.items()}
    return {"meta": found} if found else {}


def _write_report(
    report_file: Path, job: Job, folder: ResultsFolder, means: Sequence[Row], records: Sequence[Record]
) -> None:
    """A page that shows the table and the pictures, plain and restored."""
    paths = {path.name: path for path in job.pictures}
    sections = []
    for record in records:
        path = paths[record.picture]
        with job.guard(path):
            job.announce(f"{record.picture}: for the report")
            # A file that names its profile is not told of an option that nobody gave.
            assumed = assumed_for(path)
            reduced = _reduced(job, folder, path, assumed)
            sections.append(section_of(reduced, path, device="cpu", reading=Reading(assumed)))
    heading = "Mean over " + pictures(len(records))
    introduction = report.introduction(table_output.TITLE, heading, table_output.cells(means))
    publish_report(sections, report_file, job.overwrite, introduction=introduction)


def _reduced(job: Job, folder: ResultsFolder, picture: Path, assumed: str | None) -> Path:
    """A picture reduced to a file, which stays for a run that resumes."""
    companions = folder.companions(picture)
    target = companions / f"{picture.stem}.png"
    if not target.is_file():
        companions.mkdir(exist_ok=True)
        preset = preset_named(SHOWN, job.steps_scale)
        reduce_image(picture, target, preset=preset, assume_profile=assumed, seed=job.seed, device="cpu")
    return target
