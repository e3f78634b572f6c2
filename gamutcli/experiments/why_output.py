"""What ``why`` tells: its tables, and in words what each deviation is and what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gamutcli.experiments.folder import Record, Row
from gamutcli.experiments.markdown import document, number, pictures, table

TITLE = "Why the reproduction missed the paper's figures"
#: A figure that is better than the truth by more than this, dB, is marked; and a cost above it is told.
MUCH = 0.5
#: A delivered picture that differs by more than this on average, CIEDE2000, has other colours: it can be seen.
VISIBLE = 1.0
NO_STARTS = (
    "(h), first weights by descent instead of Reptile, is left out, as there are no weights by Reptile for this model "
    "or no pictures to train on: give --init and --train"
)

ABOUT = """\
Every row is the paper's recipe with one deviation switched on, or all of them. PSNR is of linear ProPhoto RGB with peak
1; OG: out of gamut. *True* figures are of the 16-bit picture that a decoder makes of the 8-bit sRGB picture that the
variant delivers, against the original, over the pixels that are truly out of gamut. *Own* figures are what the
variant believes: its own values against its own ground truth, over its own mask. *Cost* is how much lower the true PSNR
OG is than that of the recipe without deviation, the mean of the pictures' differences and the worst; below zero is a
gain. *Clip* is the true PSNR OG without the network. *Delivered* is the mean CIEDE2000 between the sRGB picture that
other people see and the right one."""

LETTERS = """\
- (a) The picture is rounded to 8 bits a channel as it is read. Its own ground truth is that rounded picture.
- (b) Blue is read first and red last, and multiplied by the matrix for red, green, blue. The sRGB picture is written as
  it was read, blue first, so that its channels are where they belong; its colours are not. The decoder swaps back.
- (c) ProPhoto's curve is not decoded. All that follows is the paper's: matrix, clip, sRGB's curve, 8 bits, and back.
  So the sRGB picture is encoded twice, the network corrects encoded values, and the own figures are of encoded values.
  What is restored is decoded before it is held against the truth. That sRGB's curve is applied all the same is an
  assumption: without it too, about a third of the difference in colour would be left (twelve pictures).
- (d) The clip is not rounded to 8 bits, neither for the fit nor for the own figures. A file holds rounded codes, and so
  the true figures are of the same network on these.
- (e) Each of the five inputs is scaled to [-1, 1] by its smallest and largest value: of the sampled pixels for the fit,
  of all pixels when expanding, so that the network sees shifted inputs, most of all in the highest octaves.
- (f) A pixel with any channel outside is taken for out of gamut, also where all three are below 0 or all above 1. It
  decides what is sampled, and the own figures. ProPhoto RGB holds all of sRGB, so values from 0 to 1 give no such
  pixel, but for white by a rounding error: this row is there to show it.
- (g) Adam at 1e-3 instead of 5e-3.
- (i) Every step sees the whole sample (less one pixel where their number is odd). The work is that of the paper's
  recipe: as many steps as make the same number of pixel visits, and at least one; see the steps of each picture.
- All: (a) to (g) and (i) together; read as the reproduction read it, its result is the column of own figures.
- (h) First weights from plain gradient descent (rate 1e-2; 10,000 steps in all, in equal shares, times the scale of
  steps) on one training picture after the other, instead of Reptile; then a short fit without any other deviation. It
  is held against the same fit from weights by Reptile, and stands for itself: it is no part of "all". All three fits,
  and the descent, take residuals in the units that the weights by Reptile were learned in."""

_STARTS = "(h), short fits from several first weights, held against those by Reptile:"
_HEAD = (
    "variant",
    "true OG, dB",
    "cost: mean",
    "worst",
    "true all, dB",
    "clip, dB",
    "own OG, dB",
    "own - true",
    "delivered, dE",
    "steps",
    "fit, s",
)


def text(summary: Sequence[Row], count: int) -> str:
    """The tables of means over a number of pictures, and what they say."""
    cases, starts = _parted(summary)
    parts = [f"Mean over {pictures(count)}:", _table(cases), *_findings(cases)]
    if starts:
        parts += [_STARTS, _table(starts), *_findings(starts)]
    return "\n\n".join(parts)


def document_of(summary: str, records: Sequence[Record], configuration: dict[str, Any], notes: Sequence[str]) -> bytes:
    """The file for people: the summary, what the letters mean, and every picture."""
    parts = [ABOUT, summary, "## The deviations", LETTERS]
    if "meta" in configuration:
        origin = ", ".join(f"{name}: {value}" for name, value in configuration["meta"].items())
        parts.append(f"The weights by Reptile are from: {origin}.")
    for record in records:
        cases, starts = _parted(record.rows)
        parts += [f"## {record.picture}", *record.notes, _table(cases), *([_STARTS, _table(starts)] if starts else [])]
    return document(TITLE, configuration, parts, notes)


def flatters(row: Row) -> bool:
    """Whether a variant believes to be much better than it is."""
    return row["flatters_db"] is not None and row["flatters_db"] > MUCH


def _parted(rows: Sequence[Row]) -> tuple[list[Row], list[Row]]:
    """The deviations, held against the paper's recipe; and the short fits, held against each other."""
    cases = [row for row in rows if row["against"] == "paper"]
    return cases, [row for row in rows if row["against"] != "paper"]


def _table(rows: Sequence[Row]) -> str:
    return table(_HEAD, [_cells(row) for row in rows])


def _cells(row: Row) -> tuple[str, ...]:
    named = f"({row['variant']}) " if len(row["variant"]) == 1 else ""
    return (
        named + row["title"] if row["variant"] != "all" else f"all: {row['title']}",
        number(row["psnr_og"]),
        _with_sign(row["cost_db"]),
        # One picture has no worst.
        _with_sign(row.get("worst_cost_db", row["cost_db"])),
        number(row["psnr_all"]),
        number(row["clip_psnr_og"]),
        number(row["own_psnr_og"]),
        _with_sign(row["flatters_db"]) + " *" * flatters(row),
        number(row["de2000_delivered"]),
        number(row["steps"], 0),
        number(row["seconds"], 1),
    )


def _findings(rows: Sequence[Row]) -> list[str]:
    """What the table says, in sentences."""
    dear = sorted((row for row in rows if (row["cost_db"] or 0) > MUCH), key=lambda row: -row["cost_db"])
    flattering = [row for row in rows if flatters(row)]
    strange = [row for row in rows if row["de2000_delivered"] > VISIBLE]
    costs = ", ".join(f"{_name(row)} {row['cost_db']:.1f} dB" for row in dear)
    found = [f"Cost more than {MUCH} dB: {costs}." if dear else f"None costs more than {MUCH} dB."]
    if flattering:
        names = ", ".join(f"{_name(row)} by {row['flatters_db']:.1f} dB" for row in flattering)
        found.append(f"\\* The own figure is more than {MUCH} dB better than the truth: {names}.")
    if strange:
        names = ", ".join(f"{_name(row)} {row['de2000_delivered']:.1f}" for row in strange)
        found.append(
            "The delivered sRGB picture has other colours than it should, which matters more than any decibel: mean "
            f"CIEDE2000 {names}."
        )
    return found


def _name(row: Row) -> str:
    return f"({row['variant']})" if len(row["variant"]) == 1 else row["variant"]


def _with_sign(value: float | None) -> str:
    # Adding nothing makes -0.00 a +0.00.
    return "-" if value is None else f"{round(value, 2) + 0.0:+.2f}"
