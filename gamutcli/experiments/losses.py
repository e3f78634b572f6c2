"""What a fit could predict and minimise instead: residuals in other domains, errors by other losses.

The networks have the preset's width and bytes, and are rounded as ``reduce`` rounds them; nothing is written to a file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from gamutcli.arrays import BoolArray, FloatArray
from gamutcli.color.differences import de76_weights, de94_weights
from gamutcli.errors import UsageError
from gamutcli.experiments.domains import DOMAINS, LINEAR, Domain, DomainRestoration, DomainScene
from gamutcli.experiments.edits import EDITS
from gamutcli.experiments.folder import Record, ResultsFolder, Row, json_bytes
from gamutcli.experiments.markdown import document, mean, number, pictures
from gamutcli.experiments.markdown import table as markdown_table
from gamutcli.experiments.ours import preset_named
from gamutcli.experiments.pictures import Subject
from gamutcli.experiments.recipe import scene_of
from gamutcli.experiments.runner import Findings, Job, over_rows
from gamutcli.experiments.spreadsheets import csv_bytes
from gamutcli.fitting.fit import fit
from gamutcli.fitting.presets import Preset, narrow_to
from gamutcli.fitting.quantise import quantise_within
from gamutcli.fitting.sample import draw_by_residual
from gamutcli.measuring.metrics import Comparison, ErrorSum, squared_error
from gamutcli.network.shape import Network
from gamutcli.parallel import in_order
from gamutcli.payload.format import network_bytes

TITLE = "What a fit predicts and minimises"
FIGURES = ("psnr_og", "de2000_og_mean", "de2000_og_p99", *EDITS)
COLUMNS = ("picture", "variant", "bytes", *FIGURES)
HEADS = ("variant", "bytes", "PSNR OG", "dE mean", "dE 99 %", "+1 EV", "shadows", "warmer", "saturated")


@dataclass(frozen=True)
class Variant:
    """One way to fit.

    Attributes:
        domain: What is predicted.
        loss: What squared linear errors count by; None: all the same.
        share: Power of that.
    """

    domain: Domain = LINEAR
    loss: Callable[[FloatArray], FloatArray] | None = None
    share: float = 1.0


#: By their names; the first is what ``reduce`` does.
VARIANTS = {
    **{name: Variant(domain) for name, domain in DOMAINS.items()},
    "linear, loss dE76": Variant(loss=de76_weights),
    "linear, loss dE94": Variant(loss=de94_weights),
    "linear, loss dE94, half": Variant(loss=de94_weights, share=0.5),
    "linear, loss dE94, quarter": Variant(loss=de94_weights, share=0.25),
}


def losses(job: Job, *, preset: str = "fast", variants: Sequence[str] | None = None) -> Findings:
    """Fit every picture in every way, and judge the restored pictures as they are and after edits.

    Args:
        job: What every experiment is told.
        preset: Of the networks: "fast", "balanced" or "best".
        variants: Names of ``VARIANTS``; None: all.

    Raises:
        UsageError: An unknown name, or none.
        GamutError: See ``ResultsFolder`` and ``over_rows``.
    """
    chosen = preset_named(preset, job.steps_scale)
    unknown = set(variants or ()) - set(VARIANTS)
    if unknown or (variants is not None and not variants):
        raise UsageError(f"unknown variants {sorted(unknown)}; choose from {'; '.join(VARIANTS)}.")
    names = [name for name in VARIANTS if variants is None or name in variants]
    outputs = ("losses.md", "losses.csv", "losses.json")
    folder = ResultsFolder(job.output, "losses", {**job.settings, "preset": preset}, outputs, job.overwrite)

    def judge(subject: Subject, identity: Row) -> Row:
        return _row(subject, VARIANTS[identity["variant"]], chosen, job.seed)

    records = over_rows(job, folder, [{"variant": name} for name in names], judge)
    means = list(_means(names, records))
    text = f"{TITLE}, preset {preset}, mean over {pictures(len(records))}:\n\n{_table(means)}"
    configuration = folder.configuration(records)
    about = (
        "PSNR in dB of linear ProPhoto RGB and dE2000, both over the pixels out of gamut, in the restored picture, and "
        "PSNR after the same edit of it and of its original: one EV brighter, shadows lifted, a warmer white, a fifth "
        "more saturation."
    )
    singles = [part for record in records for part in (f"## {record.picture}", *record.notes, _table(record.rows))]
    named = [{"picture": record.picture, **row} for record in records for row in record.rows]
    data: dict[str, Any] = {
        **configuration,
        "mean": means,
        "pictures": [{"picture": record.picture, "rows": record.rows} for record in records],
    }
    files = (
        folder.publish("losses.md", document(TITLE, configuration, [about, text, *singles], ())),
        folder.publish("losses.csv", csv_bytes(COLUMNS, named)),
        folder.publish("losses.json", json_bytes(data)),
    )
    return Findings(text, data, files)


def _row(subject: Subject, variant: Variant, preset: Preset, seed: int) -> Row:
    plain = scene_of(subject.original, preset)
    scene = DomainScene(
        plain.original,
        plain.srgb_codes,
        plain.adaptation,
        plain.correction,
        domain=variant.domain,
        loss=variant.loss,
        share=variant.share,
    )
    network = _fitted_to(scene, preset, seed)
    return {"bytes": network_bytes(network) if network else 0, **_judge(scene, network)}


def _fitted_to(scene: DomainScene, preset: Preset, seed: int) -> Network | None:
    sample = draw_by_residual(scene, preset.inputs, preset.samples, seed)
    if sample is None:
        return None
    narrowed = narrow_to(preset, sample.pixels, None)
    assert narrowed.payload is not None
    return quantise_within(fit(sample, narrowed, seed), sample, narrowed.inputs, narrowed.payload)


def _judge(scene: DomainScene, network: Network | None) -> Row:
    restoration = DomainRestoration(scene.srgb_codes, scene.adaptation, scene.correction, network)
    restoration.domain = scene.domain
    comparison = Comparison(regions=("og",))
    edited = {name: ErrorSum() for name in EDITS}

    def strip(rows: slice) -> tuple[FloatArray, FloatArray, BoolArray]:
        return restoration.rounded(rows), scene.original.strip(rows), scene.original.og_mask(rows)

    for restored, true, og in in_order(strip, scene.strips()):
        comparison.add(restored, true, og)
        for name, edit in EDITS.items():
            edited[name].add(squared_error(edit(restored[og]), edit(true[og])))
    scores = comparison.scores()
    return {
        "psnr_og": scores.psnr_og,
        "de2000_og_mean": scores.de2000_og_mean,
        "de2000_og_p99": scores.de2000_og_p99,
        **{name: errors.psnr for name, errors in edited.items()},
    }


def _means(names: Sequence[str], records: Sequence[Record]) -> Iterator[Row]:
    for index, name in enumerate(names):
        rows = [record.rows[index] for record in records]
        yield {"variant": name, **{figure: mean(row[figure] for row in rows) for figure in ("bytes", *FIGURES)}}


def _table(rows: Sequence[Row]) -> str:
    cells = ([row["variant"], number(row["bytes"], 0), *(number(row[figure]) for figure in FIGURES)] for row in rows)
    return markdown_table(HEADS, cells)
