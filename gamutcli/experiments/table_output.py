"""What ``table`` tells: its means, beside what the reproduction reports, as Markdown, CSV and data."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from gamutcli.experiments.folder import Record, Row
from gamutcli.experiments.markdown import document, mean, number, pictures
from gamutcli.experiments.markdown import table as markdown_table
from gamutcli.experiments.methods import title_of
from gamutcli.experiments.published import PUBLISHED
from gamutcli.experiments.spreadsheets import csv_bytes

TITLE = "The paper's Table 1 on these pictures"
#: Figures of a row: what they are called, and how many digits are shown.
FIGURES = {
    "bytes": ("metadata, bytes", 0),
    "rmse_all": ("RMSE", 5),
    "rmse_og": ("RMSE OG", 5),
    "psnr_all": ("PSNR, dB", 2),
    "psnr_og": ("PSNR OG, dB", 2),
    "de2000_og_mean": ("dE2000 OG", 2),
    "fit_seconds": ("optimisation, s", 1),
}
#: Those that the reproduction reports too.
SHARED = ("rmse_all", "rmse_og", "psnr_all", "psnr_og", "fit_seconds")
#: Of soft clip only: how much it changes the reduced picture.
CHANGED = "shown_de2000_mean"
COLUMNS = ("picture", "method", "weights", *FIGURES, CHANGED)

ABOUT = """\
RMSE and PSNR (peak 1) are of linear ProPhoto RGB, of the restored picture rounded to 16 bits; OG: over the pixels of
the original that sRGB cannot hold. dE2000 OG is their mean CIEDE2000 under D50. The mean PSNR is the mean of the
pictures' PSNR. Names ending in + enc are the paper's networks, from random weights; with + meta, from a
meta-initialisation. The names are the paper's; the bytes are those of the weights here, as float32, with neither biases
nor padding. For fast, balanced and best they are the whole payload in the file. Optimisation is on the CPU."""


def means(records: Sequence[Record]) -> list[Row]:
    """The mean of every method over the pictures; a figure that a picture does not have is left out.

    ``exact_all`` and ``exact_og`` count pictures that were restored without an error, and so have no finite PSNR.
    """
    found = []
    for rows in zip(*(record.rows for record in records), strict=True):
        figures = {name: mean(row[name] for row in rows) for name in (*FIGURES, CHANGED)}
        exact = {f"exact_{region}": sum(row[f"rmse_{region}"] == 0 for row in rows) for region in ("all", "og")}
        identity = {name: rows[0][name] for name in ("method", "weights")}
        found.append({**identity, "title": title_of(rows[0]["method"]), **figures, **exact})
    return found


def text(found: Sequence[Row], count: int) -> str:
    """The table of means, and what the reproduction reports."""
    parts = [f"Mean over {pictures(count)}:", markdown_table(*cells(found))]
    soft = next((row[CHANGED] for row in found if row["method"] == "soft"), None)
    if soft is not None:
        parts.append(
            "Soft clip buys its figures with the picture that viewers show, where colours within sRGB make room for "
            f"those beyond: it differs from the plain clip by dE2000 {soft:.2f} on average. All others leave it alone."
        )
    parts += [
        "What the reproduction reports, on *its* pictures and its machine, beside ours on these:",
        _beside_published(found),
    ]
    return "\n\n".join(parts)


def cells(rows: Sequence[Row]) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """The head and the lines of a table with a row a method."""
    head = ("method", *(title for title, _ in FIGURES.values()))
    return head, [(title_of(row["method"]), *(_cell(row, name) for name in FIGURES)) for row in rows]


def markdown(found: Sequence[Row], records: Sequence[Record], configuration: Row, notes: Sequence[str]) -> bytes:
    """The file for people."""
    parts = [ABOUT, text(found, len(records))]
    for record in records:
        parts += [f"## {record.picture}", *record.notes, markdown_table(*cells(record.rows))]
    return document(TITLE, configuration, parts, notes)


def csv(records: Sequence[Record]) -> bytes:
    """The file for spreadsheets: a line for each picture and method."""
    return csv_bytes(COLUMNS, _rows(records))


def data(found: Sequence[Row], records: Sequence[Record], configuration: Row, notes: Sequence[str]) -> dict[str, Any]:
    """The file for programs; an infinite PSNR is null where the RMSE is 0."""
    return {
        **configuration,
        "notes": list(notes),
        "mean": list(found),
        "published": [asdict(each) for each in PUBLISHED],
        "pictures": [{"picture": each.picture, "sha256": each.sha256, "notes": list(each.notes)} for each in records],
        "rows": list(_rows(records)),
    }


def _rows(records: Sequence[Record]) -> Iterator[Row]:
    for record in records:
        yield from ({"picture": record.picture, **row} for row in record.rows)


def _beside_published(found: Sequence[Row]) -> str:
    """The paper's networks: both attempts of the reproduction, then ours."""
    ours = {row["method"]: row for row in found}
    lines = []
    for method in dict.fromkeys(each.method for each in PUBLISHED):
        for each in PUBLISHED:
            if each.method == method:
                theirs = (_number(getattr(each, name), name, theirs=True) for name in SHARED)
                lines.append((title_of(method), f"theirs, attempt {each.attempt}", *theirs))
        if method in ours:
            lines.append((title_of(method), "ours", *(_cell(ours[method], name) for name in SHARED)))
    head = ("network", "whose", *(FIGURES[name][0] for name in SHARED))
    return markdown_table(head, lines)


def _cell(row: Row, name: str) -> str:
    exact = name.startswith("psnr") and row[name] is None and row[name.replace("psnr", "rmse")] == 0
    return "exact" if exact else _number(row[name], name)


def _number(value: float | None, name: str, theirs: bool = False) -> str:
    # Their digits are those of their report.
    digits = {"rmse_all": 4, "rmse_og": 4, "fit_seconds": 0} if theirs else {}
    return number(value, digits.get(name, FIGURES[name][1]))
