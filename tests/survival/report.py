"""The table as Markdown."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from .album import CARRIERS
from .judge import MEANING, Outcome, Verdict
from .tools import BUILD, TOOLS, version

OUTCOMES = BUILD / "outcomes.json"
TITLES = {"jpeg": "JPEG", "png": "PNG", "webp": "WebP", "tiff": "TIFF", "avif": "AVIF", "jxl": "JPEG XL"}

INTRO = """\
# What other people's tools do to the payload

`make survival` wrote this page: it reduces a photograph to every format, puts the payload into every carrier, lets the
tools below work on the files, and judges what comes out by what is known of the files that went in, not by what gamut
says of them. Carriers are those of `gamut reduce --carrier`; `xmp` is the default, `xmp+exif` and `extended-xmp` are
what becomes of it with payloads of about {two} and {three} bytes instead of {one}.
"""

RESAVED = """\
Behind *re-saved* stands how much closer to the original the restored picture is than the plain one, PSNR out of gamut;
untouched, the JPEG's is {best:.1f} dB closer. It is checked that this is more than nothing, and that no more was lost
than `expand` says, within the spread that docs/PIXELS.md shows. A blank means that the tool does not do this to such
files.
"""

SHORT = """\
## Short form

With the default carrier. Where tools differ, those that do otherwise than most are named.
"""

CONVERTERS = ("ImageMagick", "GraphicsMagick", "vips", "sharp", "Pillow")
# Rows of the short form: the label, and the operations in it, each "tool: start of what it does".
SHORT_ROWS = {
    "edit a tag (exiftool, exiv2)": ("exiftool: edit a tag", "exiv2: edit a tag"),
    "optimise (jpegtran, jpegoptim, optipng)": (
        "jpegtran: optimise, -copy",
        "jpegoptim: optimise",
        "optipng: optimise",
    ),
    "re-save (ImageMagick, GraphicsMagick, vips, sharp)": (
        "ImageMagick: re-save",
        "GraphicsMagick: re-save",
        "vips: re-save",
        "sharp: re-save",
    ),
    "re-save with exif= and xmp= (Pillow)": ("Pillow: save(exif=, xmp=",),
    "resize to 50 %": (
        "ImageMagick: resize",
        "GraphicsMagick: resize",
        "vips: resize",
        "sharp: resize",
        "Pillow: resize",
    ),
    "rotate, flip, crop": tuple(
        f"{tool}: {what}"
        for tool in ("jpegtran", "ImageMagick", "vips", "sharp", "Pillow")
        for what in ("rotate", "flip", "crop")
    ),
    "convert to PNG": tuple(f"{tool}: convert to png" for tool in CONVERTERS),
    "convert to WebP": tuple(f"{tool}: convert to webp" for tool in CONVERTERS),
    "brighten, saturate, grey, Display P3": (
        "jpegtran: grey",
        "ImageMagick: brighten",
        "ImageMagick: grey",
        "sharp: saturate",
        "sharp: convert to Display",
    ),
    "strip all, save without metadata": (
        "exiftool: strip all",
        "exiv2: strip all",
        "jpegoptim: strip all",
        "ImageMagick: strip all",
        "vips: strip all",
        "optipng: strip all",
        "sharp: default",
        "Pillow: save()",
    ),
}


@dataclass(frozen=True)
class Run:
    """What was run, and how it ended; no outcome where the tool does not do it.

    Attributes:
        format: Format of the file at the start.
        carrier: Its carrier.
        steps: The operations, in words.
        outcome: How it ended.
    """

    format: str
    carrier: str
    steps: tuple[str, ...]
    outcome: Outcome | None


@dataclass(frozen=True)
class Record:
    """All runs, and what the page says of the files.

    Attributes:
        runs: In the order in which they were run.
        payloads: Bytes of the payload of a JPEG, by carrier.
        best: How much closer to the original the restored JPEG is than the plain one, untouched, dB.
    """

    runs: tuple[Run, ...]
    payloads: dict[str, int]
    best: float

    def save(self, path: Path = OUTCOMES) -> None:
        """Write the record as JSON."""
        runs = [
            (
                run.format,
                run.carrier,
                run.steps,
                run.outcome and (run.outcome.verdict, run.outcome.detail, run.outcome.gain),
            )
            for run in self.runs
        ]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"runs": runs, "payloads": self.payloads, "best": self.best}, indent=0), "utf-8")

    @classmethod
    def load(cls, path: Path = OUTCOMES) -> Record:
        """Read a record."""
        told = json.loads(path.read_text("utf-8"))
        runs = (
            Run(format, carrier, tuple(steps), outcome and Outcome(Verdict(outcome[0]), *outcome[1:]))
            for format, carrier, steps, outcome in told["runs"]
        )
        return cls(tuple(runs), told["payloads"], told["best"])


def page(record: Record) -> str:
    """The whole page."""
    single = [run for run in record.runs if len(run.steps) == 1]
    sizes = {name: f"{round(record.payloads[name], -3):,}" for name in ("xmp", "xmp+exif", "extended-xmp")}
    parts = [
        INTRO.format(one=sizes["xmp"], two=sizes["xmp+exif"], three=sizes["extended-xmp"]),
        _table(("verdict", "means", "runs"), _counted(record.runs)),
        RESAVED.format(best=record.best),
        SHORT,
        _short(single),
        "## Tools\n",
        ", ".join(f"{tool.name} {version(tool)}" for tool in TOOLS.values() if tool.is_there) + ".\n",
    ]
    missing = ", ".join(tool.name for tool in TOOLS.values() if not tool.is_there)
    if missing:
        parts.append(f"Not installed, and not run: {missing}.\n")
    for format, carriers in CARRIERS.items():
        parts += [f"## {TITLES[format]}\n", _by_carrier([run for run in single if run.format == format], carriers)]
    parts += ["## Chains of three\n", "Drawn at random, once, from operations that keep metadata.\n"]
    chains = [run for run in record.runs if len(run.steps) > 1]
    parts.append(
        _table(
            ("file", "carrier", "tools", ""),
            [(TITLES[c.format], c.carrier, "; ".join(c.steps), _cell(c)) for c in chains],
        )
    )
    return "\n".join(parts)


def _counted(runs: Iterable[Run]) -> list[tuple[str, ...]]:
    counts = Counter(run.outcome.verdict for run in runs if run.outcome)
    return [(f"**{verdict}**", meaning, str(counts[verdict])) for verdict, meaning in MEANING.items()]


def _by_carrier(runs: list[Run], carriers: tuple[str, ...]) -> str:
    cells = {(run.steps[0], run.carrier): _cell(run) for run in runs}
    steps = dict.fromkeys(run.steps[0] for run in runs)
    rows = [(step, *(cells.get((step, carrier), "") for carrier in carriers)) for step in steps]
    return _table(("tool and operation", *carriers), [row for row in rows if any(row[1:])])


def _short(runs: list[Run]) -> str:
    rows = []
    for label, names in SHORT_ROWS.items():
        cells = []
        for format in CARRIERS:
            fit = [
                run for run in runs if run.format == format and run.carrier == "xmp" and run.steps[0].startswith(names)
            ]
            cells.append(_in_short([run for run in fit if run.outcome]))
        rows.append((label, *cells))
    return _table(("operation", *TITLES.values()), rows)


def _in_short(runs: list[Run]) -> str:
    counts = Counter(str(run.outcome.verdict) for run in runs if run.outcome)
    if not counts:
        return ""
    most, *others = sorted(counts, key=lambda verdict: (-counts[verdict], list(Verdict).index(Verdict(verdict))))
    dissent = []
    for verdict in others:
        tools = Counter(
            run.steps[0].partition(":")[0] for run in runs if run.outcome and run.outcome.verdict == verdict
        )
        dissent.append(f"{verdict}: {', '.join(tools)}")
    return f"{most} ({'; '.join(dissent)})" if dissent else most


def _cell(run: Run) -> str:
    if run.outcome is None:
        return "" if len(run.steps) == 1 else "a tool refused"
    shown = str(run.outcome.verdict)
    if run.outcome.verdict is Verdict.WRONG:
        return f"**{shown}**: {run.outcome.detail}"
    return shown if run.outcome.gain is None else f"{shown} +{run.outcome.gain:.1f} dB"


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
