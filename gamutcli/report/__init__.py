"""A report on restored pictures: one page of HTML that holds all it shows and asks no network for anything."""

from __future__ import annotations

import base64
import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from importlib.resources import files
from statistics import fmean
from string import Template

from gamutcli.arrays import DoubleArray
from gamutcli.color.spaces import DISPLAY_P3, SRGB
from gamutcli.measuring.maps import CAPTION, ticks, viridis
from gamutcli.measuring.metrics import Scores
from gamutcli.report.charts import chromaticity_diagram, histogram
from gamutcli.report.shown import Exhibit, map_png, mask_png, outside_mask, screen_jpeg
from gamutcli.results import Evaluation

__all__ = ["Exhibit", "Introduction", "Section", "introduction", "page", "section"]

REGIONS = {"all": "All pixels", "og": "Out of gamut", "in": "In gamut"}
FIGURES = {"psnr": "PSNR, dB", "rmse": "RMSE", "de2000_mean": "ΔE2000, mean", "de2000_p99": "ΔE2000, 99th percentile"}
DIGITS = {"psnr": 2, "rmse": 5, "de2000_mean": 2, "de2000_p99": 2}
#: Of the columns of the overview, where each cell stands alone.
LABELS = (
    *(f"{figure}, {kind}" for figure in ("PSNR OG, dB", "ΔE2000 OG") for kind in ("plain", "restored")),
    *("Out of gamut", "Payload, bytes"),
)
KINDS = {"original": "Original", "plain": "Plain, clipped to sRGB", "restored": "Restored"}


@dataclass(frozen=True)
class Section:
    """The part of a report on one picture.

    Attributes:
        evaluation: Its figures.
        html: What is shown of it.
    """

    evaluation: Evaluation
    html: str


def section(
    evaluation: Evaluation,
    exhibit: Exhibit,
    differences: tuple[DoubleArray, DoubleArray],
    map_range: float,
    orientation: int,
) -> Section:
    """Put one picture into words and pictures.

    Args:
        evaluation: Its figures.
        exhibit: What was gathered of it.
        differences: CIEDE2000 of the plain and the restored picture over out-of-gamut pixels.
        map_range: RMSE at the bright end of the maps' scale.
        orientation: How to turn the picture, as in EXIF.
    """
    plain, restored = exhibit.plain.linear, exhibit.restored.linear
    beyond = {name: outside_mask(restored, space) for name, space in (("srgb", SRGB), ("p3", DISPLAY_P3))}
    rows, columns = restored.shape[:2]
    width, height = (rows, columns) if orientation >= 5 else (columns, rows)
    name = _text(os.path.basename(evaluation.file))  # noqa: PTH119 (a path from anywhere)
    colors = exhibit.colors()
    html = _template("section.html").substitute(
        name=name,
        facts=_facts(evaluation),
        notes="".join(f'<p class="note">{_text(note)}</p>' for note in evaluation.notes),
        ratio=f"{width / height:.5f}",
        width=width,
        height=height,
        plain=_data("jpeg", screen_jpeg(plain, orientation)),
        restored=_data("jpeg", screen_jpeg(restored, orientation)),
        beyond_srgb=_data("png", mask_png(beyond["srgb"], orientation)),
        beyond_p3=_data("png", mask_png(beyond["p3"], orientation)),
        srgb_share=_share(evaluation.og_pct / 100),
        p3_share=_share(exhibit.p3_share),
        plain_map=_data("png", map_png(exhibit.plain_map.rmse, map_range, orientation)),
        restored_map=_data("png", map_png(exhibit.restored_map.rmse, map_range, orientation)),
        plain_rmse=_number(evaluation.plain.rmse_all, 5),
        restored_rmse=_number(evaluation.restored.rmse_all, 5),
        scale=_scale(map_range),
        diagrams="".join(
            f"<figure>{chromaticity_diagram(colors[kind], kind, f'Chromaticities: {title}')}"
            f"<figcaption>{title}</figcaption></figure>"
            for kind, title in KINDS.items()
        ),
        histogram=_histogram(evaluation, *differences),
        table=_table(evaluation),
    )
    return Section(evaluation, html)


@dataclass(frozen=True)
class Introduction:
    """What a report can start with: a title of its own, and figures that are not of single pictures.

    Attributes:
        title: Of the page, plain text.
        html: Below the title.
    """

    title: str
    html: str


def introduction(title: str, heading: str, table: tuple[Sequence[str], Sequence[Sequence[str]]]) -> Introduction:
    """A table to start a report with; all texts are plain.

    Args:
        title: Of the page.
        heading: Of the table.
        table: Its head, and its rows, whose first cells name them.
    """
    head, rows = table
    titles = "".join(f'<th scope="col">{_text(title)}</th>' for title in head)
    labels = [_text(title) for title in head[1:]]
    lines = (_row(_text(first), labels, list(map(_text, cells))) for first, *cells in rows)
    shown = f"<thead><tr>{titles}</tr></thead><tbody>{''.join(lines)}</tbody>"
    return Introduction(title, _wrap("introduction", heading, shown))


def page(sections: Sequence[Section], introduction: Introduction | None = None) -> bytes:
    """Put a report together.

    Args:
        sections: At least one.
        introduction: What comes before them.

    Returns:
        An HTML page, UTF-8.
    """
    evaluations = [part.evaluation for part in sections]
    names = [_text(os.path.basename(found.file)) for found in evaluations]  # noqa: PTH119
    title = names[0] if len(names) == 1 else f"{len(names)} pictures"
    html = _template("page.html").substitute(
        title=_text(introduction.title) if introduction else title,
        style=_template("style.css").template,
        script=_template("script.js").template,
        introduction=introduction.html if introduction else "",
        overview=_overview(names, evaluations) if len(names) > 1 else "",
        sections="".join(
            f'<article id="picture-{number}">{part.html}</article>' for number, part in enumerate(sections, 1)
        ),
    )
    # A name that is no text in the file system's encoding is shown with question marks.
    return html.encode("utf-8", "replace")


def _template(name: str) -> Template:
    return Template(files(__name__).joinpath(name).read_text("utf-8"))


def _text(text: str) -> str:
    return escape(text, quote=True)


def _data(format: str, content: bytes) -> str:
    return f"data:image/{format};base64,{base64.b64encode(content).decode()}"


def _share(share: float) -> str:
    return "< 0.1 %" if 0 < share < 0.001 else f"{100 * share:.1f} %"


def _number(value: float | None, digits: int) -> str:
    if value is None:
        return "–"
    return "exact" if math.isinf(value) else f"{value:.{digits}f}"


def _facts(evaluation: Evaluation) -> str:
    facts = {
        "Reference": os.path.basename(evaluation.reference),  # noqa: PTH119
        "Size": f"{evaluation.width} × {evaluation.height}",
        "Out of gamut": _share(evaluation.og_pct / 100),
    }
    if evaluation.payload_bytes is not None:
        facts["Payload"] = f"{evaluation.payload_bytes:,} bytes"
    return "".join(f"<div><dt>{term}</dt><dd>{_text(fact)}</dd></div>" for term, fact in facts.items())


def _scale(limit: float) -> str:
    """The color bar that the maps share."""
    colors = ", ".join("#" + bytes(color).hex() for color in viridis()[::15].tolist())
    # The last but one may lie too close to the limit for two labels.
    marks = [tick for tick in ticks(limit) if tick == limit or tick <= 0.9 * limit]
    labels = "".join(
        f'<span style="left:{100 * tick / limit:.2f}%">{"≥ " if tick == limit else ""}{tick:.4g}</span>'
        for tick in marks
    )
    bar = f'<div class="bar" style="background:linear-gradient(to right, {colors})"></div>'
    return f'<div class="scale">{bar}<div class="ticks">{labels}</div><p>{CAPTION}</p></div>'


def _histogram(evaluation: Evaluation, plain: DoubleArray, restored: DoubleArray) -> str:
    if not plain.size:
        return "<p>No pixel of the original is out of gamut.</p>"
    title = "How often which color difference occurs among out-of-gamut pixels, plain and restored"
    keys = "".join(
        f'<span class="key {kind}">{kind}, mean {_number(scores.de2000_og_mean, 2)}</span>'
        for kind, scores in (("plain", evaluation.plain), ("restored", evaluation.restored))
    )
    return f'<p class="keys">{keys}</p><figure>{histogram(plain, restored, title)}</figure>'


def _figure(scores: Scores, region: str, figure: str) -> float | None:
    kind, _, statistic = figure.partition("_")
    value: float | None = getattr(scores, "_".join(part for part in (kind, region, statistic) if part))
    return value


def _table(evaluation: Evaluation) -> str:
    rows = []
    for region, title in REGIONS.items():
        rows.append(f'<tr class="region"><th colspan="3" scope="rowgroup">{title}</th></tr>')
        for figure, label in FIGURES.items():
            values = (_figure(scores, region, figure) for scores in (evaluation.plain, evaluation.restored))
            cells = "".join(f"<td>{_number(value, DIGITS[figure])}</td>" for value in values)
            rows.append(f'<tr><th scope="row">{label}</th>{cells}</tr>')
    head = '<tr><td></td><th scope="col">plain</th><th scope="col">restored</th></tr>'
    return f"<table><thead>{head}</thead><tbody>{''.join(rows)}</tbody></table>"


def _overview(names: Sequence[str], evaluations: Sequence[Evaluation]) -> str:
    """A table with a row for every picture, and their means."""
    titles = ("Picture", "PSNR OG, dB", "ΔE2000 OG", "Out of gamut", "Payload, bytes")
    spans = (' rowspan="2"', *(' colspan="2"',) * 2, *(' rowspan="2"',) * 2)
    head = "".join(f'<th scope="col"{span}>{title}</th>' for title, span in zip(titles, spans, strict=True))
    numbers = [
        (
            found.plain.psnr_og,
            found.restored.psnr_og,
            found.plain.de2000_og_mean,
            found.restored.de2000_og_mean,
            found.og_pct,
            found.payload_bytes,
        )
        for found in evaluations
    ]
    rows = [
        _overview_row(f'<a href="#picture-{number}">{name}</a>', values)
        for number, (name, values) in enumerate(zip(names, numbers, strict=True), 1)
    ]
    means = _overview_row("Mean", [_mean(column) for column in zip(*numbers, strict=True)])
    kinds = '<th scope="col">plain</th><th scope="col">restored</th>' * 2
    table = f"<thead><tr>{head}</tr><tr>{kinds}</tr></thead><tbody>{''.join(rows)}</tbody><tfoot>{means}</tfoot>"
    return _wrap("pictures", "Pictures", table)


def _wrap(name: str, heading: str, table: str) -> str:
    """A part of the page with a heading and a wide table, whose rows are shown one below another on a phone.

    A cell carries the title of its column for that; the roles are said as a browser forgets them then.
    """
    box = f'<div class="scroll" tabindex="0" role="region" aria-labelledby="{name}">'
    title = f'<h2 id="{name}">{_text(heading)}</h2>'
    return f'<section>{title}{box}<table class="overview" role="table">{table}</table></div></section>'


def _overview_row(name: str, values: Sequence[float | None]) -> str:
    *qualities, share, payload = values
    cells = [
        *(_number(value, 2) for value in qualities),
        "–" if share is None else _share(share / 100),
        "–" if payload is None else f"{payload:,.0f}",
    ]
    return _row(name, LABELS, cells)


def _row(name: str, labels: Sequence[str], cells: Sequence[str]) -> str:
    """A row of a wide table; all texts are HTML."""
    told = "".join(
        f'<td role="cell" data-label="{label}">{cell}</td>' for label, cell in zip(labels, cells, strict=True)
    )
    return f'<tr role="row"><th scope="row" role="rowheader">{name}</th>{told}</tr>'


def _mean(values: Sequence[float | None]) -> float | None:
    """Of the finite ones: a picture without such pixels, or without an error, has no say."""
    known = [value for value in values if value is not None and math.isfinite(value)]
    return fmean(known) if known else None
