"""Why the reproduction missed the paper's figures: its deviations one at a time, and together, on the paper's recipe.

Every variant is judged twice: by the truth, on the file that a decoder makes of the picture that the variant delivers;
and by its own figures, as the reproduction would have reported them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cache, cached_property
from pathlib import Path

from gamutcli.arrays import StrPath
from gamutcli.errors import InputError, UsageError
from gamutcli.experiments import why_output
from gamutcli.experiments.descent import descend
from gamutcli.experiments.deviations import NONE, Deviations, World
from gamutcli.experiments.folder import Record, ResultsFolder, Row, json_bytes
from gamutcli.experiments.markdown import mean
from gamutcli.experiments.pictures import Subject, digest, pictures_in
from gamutcli.experiments.recipe import META_STEPS, STEPS, preset_of, scale_steps
from gamutcli.experiments.runner import Findings, Job, anything_left, over_pictures
from gamutcli.experiments.spreadsheets import csv_bytes
from gamutcli.experiments.starts import identity, tell_flattered, weights_named
from gamutcli.experiments.variants import Variant, fit_in, verdict_of
from gamutcli.fitting.fit import Matrices
from gamutcli.fitting.presets import Preset
from gamutcli.parallel import one_blas_thread
from gamutcli.weights import Weights

#: Trained on where no other folder is named, as far as it is there.
TRAINING = Path("sample_images")


@dataclass(frozen=True)
class Case:
    """One row of the table.

    Attributes:
        variant: Its letter, or its word.
        title: What it does.
        deviations: From the paper.
    """

    variant: str
    title: str
    deviations: Deviations


PAPER, REPTILE, RANDOM, DESCENT = "paper", "Reptile", "random", "h"
CASES = (
    Case(PAPER, "the paper's recipe", NONE),
    Case("a", "read as 8 bits", Deviations(eight_bits=True)),
    Case("b", "read as BGR", Deviations(swapped=True)),
    Case("c", "curve not decoded", Deviations(encoded=True)),
    Case("d", "sRGB not rounded", Deviations(unrounded=True)),
    Case("e", "two scalings", Deviations(two_scalings=True)),
    Case("f", "mask without exception", Deviations(any_outside=True)),
    Case("g", "Adam at 1e-3", Deviations(slow_rate=True)),
    Case("i", "full-batch steps", Deviations(full_batch=True)),
    Case("all", "a to g, and i", Deviations(True, True, True, True, True, True, True, True)),
)
#: Rows of the second table: from which weights the short fit starts.
START_TITLES = {
    REPTILE: "from weights by Reptile",
    RANDOM: "from random weights",
    DESCENT: "from weights by one descent after the other",
}
FIGURES = (
    "psnr_og",
    "cost_db",
    "psnr_all",
    "clip_psnr_og",
    "own_psnr_og",
    "own_psnr_all",
    "own_clip_psnr_og",
    "flatters_db",
    "de2000_delivered",
    "steps",
    "seconds",
)
COLUMNS = ("picture", "variant", "title", "against", *FIGURES)


@dataclass(frozen=True, eq=False)
class Beginnings:
    """What the comparison of first weights needs.

    Attributes:
        reptile: Meta-learned weights of the chosen model.
        training: The pictures that plain descent goes through; at least one.
    """

    reptile: Weights
    training: tuple[Path, ...]

    @cached_property
    def digests(self) -> tuple[str, ...]:
        """SHA-256 of the files trained on."""
        return tuple(map(digest, self.training))

    @property
    def settings(self) -> dict[str, str]:
        """What of it decides the figures."""
        training = hashlib.sha256("".join(self.digests).encode()).hexdigest()
        return {"meta": identity(self.reptile), "train": f"{len(self.training)} pictures {training[:12]}"}

    def preset(self, model: str, steps: int) -> Preset:
        """The recipe of all that is compared: residuals in the units that the meta-learned weights predict them in."""
        return replace(preset_of(model, steps), residual_unit=self.reptile.residual_unit)

    def first_weights(self, model: str, steps_scale: float, seed: int) -> dict[str, Matrices | None]:
        """What short fits start from; None: at random."""
        descent = descend(self.training, self.preset(model, STEPS), steps_scale, seed)
        return {REPTILE: list(self.reptile.weights), RANDOM: None, DESCENT: descent}


def beginnings_for(model: str, init: StrPath | None, train: Path | None) -> Beginnings | None:
    """Find the first weights to compare.

    Args:
        model: One of ``presets.PAPER_MODELS``.
        init: A file of meta-learned weights, or ``weights.SHIPPED``; None: those that ship with the package, too.
        train: A folder of pictures; None: ``TRAINING``.

    Returns:
        None where there are no such weights, or ``TRAINING`` holds no pictures.

    Raises:
        InputError: A file or folder that was named cannot be used.
        UsageError: The file holds weights of another model.
    """
    preset = preset_of(model)
    reptile = weights_named(init, preset)
    if reptile and reptile.shape != preset.shape:
        raise UsageError(f"{init}: holds the weights of another network than --model {model}; name that of the file.")
    try:
        training = tuple(pictures_in(train or TRAINING))
    except InputError:
        # Nobody named it.
        if train is None:
            return None
        raise
    return Beginnings(reptile, training) if reptile else None


def why(job: Job, model: str = "23kb", beginnings: Beginnings | None = None) -> Findings:
    """Measure what each of the reproduction's deviations costs.

    Args:
        job: The pictures, and where the results go.
        model: One of ``presets.PAPER_MODELS``.
        beginnings: For the comparison of first weights, (h); without it, that is left out.

    Raises:
        GamutError: See ``ResultsFolder`` and ``over_pictures``.
    """
    settings = {**job.settings, "model": model, **(beginnings.settings if beginnings else {})}
    folder = ResultsFolder(job.output, "why", settings, ("why.md", "why.csv", "why.json"), job.overwrite)

    @cache
    def starts(found: Beginnings) -> dict[str, Matrices | None]:
        job.announce(f"one descent after the other over {len(found.training)} pictures")
        with one_blas_thread():
            return found.first_weights(model, job.steps_scale, job.seed)

    # First: a picture that cannot be trained on shall not cost every other picture its fits.
    if beginnings and anything_left(job, folder):
        starts(beginnings)

    def judge(subject: Subject) -> list[Row]:
        rows = list(_cases(subject, job, model))
        if beginnings:
            preset = beginnings.preset(model, scale_steps(META_STEPS, job.steps_scale))
            rows += _starts(subject, job, preset, starts(beginnings))
        return rows

    records = over_pictures(job, folder, judge)
    summary = _summary(records)
    notes = tuple(_notes(records, beginnings))
    configuration = folder.configuration(records)
    if beginnings:
        configuration["meta"] = dict(beginnings.reptile.provenance)
    data = {
        **configuration,
        "notes": notes,
        "summary": summary,
        "pictures": [asdict(record) for record in records],
    }
    text = why_output.text(summary, len(records))
    files = (
        folder.publish("why.md", why_output.document_of(text, records, configuration, notes)),
        folder.publish("why.csv", csv_bytes(COLUMNS, _all_rows(records))),
        folder.publish("why.json", json_bytes(data)),
    )
    return Findings(text, data, files, notes)


def _cases(subject: Subject, job: Job, model: str) -> Iterator[Row]:
    """The deviations, each for itself and together."""
    preset = preset_of(model, scale_steps(STEPS, job.steps_scale))
    right = World(subject.original, NONE, preset.adaptation)
    expected: float | None = None
    for case in CASES:
        job.announce(f"{subject.name}: {case.variant}, {case.title}")
        world = right if case.deviations == NONE else World(subject.original, case.deviations, preset.adaptation)
        row = _row(case.variant, case.title, world, right, fit_in(world, preset, job.seed))
        expected = row["psnr_og"] if case.variant == PAPER else expected
        yield _with_cost(row, PAPER, expected)


def _starts(subject: Subject, job: Job, preset: Preset, starts: dict[str, Matrices | None]) -> Iterator[Row]:
    """Short fits without deviations, from several first weights."""
    world = World(subject.original, NONE, preset.adaptation)
    expected: float | None = None
    for name, weights in starts.items():
        job.announce(f"{subject.name}: {START_TITLES[name]}")
        row = _row(name, START_TITLES[name], world, world, fit_in(world, preset, job.seed, weights))
        expected = row["psnr_og"] if name == REPTILE else expected
        yield _with_cost(row, REPTILE, expected)


def _row(name: str, title: str, world: World, right: World, variant: Variant) -> Row:
    verdict = verdict_of(world, variant.network, right.codes)
    return {
        "variant": name,
        "title": title,
        **asdict(verdict),
        "flatters_db": _difference(verdict.own_psnr_og, verdict.psnr_og),
        "steps": variant.steps,
        "seconds": variant.seconds,
    }


def _with_cost(row: Row, against: str, expected: float | None) -> Row:
    return {**row, "against": against, "cost_db": _difference(expected, row["psnr_og"])}


def _difference(value: float | None, other: float | None) -> float | None:
    return None if value is None or other is None else value - other


def _summary(records: Sequence[Record]) -> list[Row]:
    """Means over the pictures, and the worst cost; a figure that a picture does not have is left out."""
    found = []
    for rows in zip(*(record.rows for record in records), strict=True):
        words = {name: rows[0][name] for name in ("variant", "title", "against")}
        costs = [row["cost_db"] for row in rows if row["cost_db"] is not None]
        figures = {name: mean(row[name] for row in rows) for name in FIGURES}
        found.append({**words, **figures, "worst_cost_db": max(costs, default=None)})
    return found


def _notes(records: Sequence[Record], beginnings: Beginnings | None) -> Iterator[str]:
    """What the user should know of how it was measured."""
    if beginnings is None:
        yield why_output.NO_STARTS
        return
    both = sum(record.sha256 in beginnings.digests for record in records)
    if both:
        yield f"(h): {both} of {len(records)} pictures were also trained on by descent: its figures are too good"
    yield from (f"(h): {note}" for note in tell_flattered(records, [beginnings.reptile]))


def _all_rows(records: Sequence[Record]) -> Iterator[Row]:
    for record in records:
        yield from ({"picture": record.picture, **row} for row in record.rows)
