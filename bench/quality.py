#!/usr/bin/env python3
"""Sets the presets beside the plain clip, the paper's recipe and an AVIF picture of the same bytes.

Each preset runs as a user runs it: `gamut reduce` and `gamut expand`, each a process of its own; the restored file is
judged against the original.  PSNR is over linear ProPhoto RGB, dE is CIEDE2000, "out" is out of gamut.  Seconds of the
fit are the command's own; those of reduce and expand are whole processes.  "Over AVIF" is the gain over the best AVIF
picture of the residual (gamutcli/experiments/avif.py) that takes no more bytes than the payload.

Use: quality.py [--presets LIST] [--no-paper] [--avif LIST] [--ext png|jpg] [--json FILE] [TIFF or folder...]
     (default: the pictures of sample_images)
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from files import listed
from originals import Picture, linear_pixels
from processes import gamut

from gamutcli.experiments.avif import AVAILABLE as AVIF_AVAILABLE
from gamutcli.experiments.avif import AvifResidual
from gamutcli.measuring.metrics import Scores

PAPER = "paper"


@dataclass(frozen=True)
class Row:
    """One method on one picture; what a method does not have is None.

    ``over_paper`` and ``over_avif`` are gains in ``psnr_og``: over the paper's recipe, and over an AVIF residual of no
    more bytes.
    """

    method: str
    psnr_og: float | None
    psnr_all: float | None
    de2000_og: float | None
    bytes: int
    fit_s: float | None = None
    reduce_s: float | None = None
    expand_s: float | None = None
    over_paper: float | None = None
    over_avif: float | None = None


NUMBERS = tuple(field.name for field in fields(Row) if field.name != "method")
HEAD = ("PSNR out", "PSNR all", "dE out", "bytes", "fit s", "reduce s", "expand s", "over paper", "over AVIF")
FORMATS = ("{:.2f}", "{:.2f}", "{:.2f}", "{:,.0f}", "{:.2f}", "{:.2f}", "{:.2f}", "{:+.2f}", "{:+.2f}")
WIDTHS = tuple(max(8, len(title)) for title in HEAD)


class Subject:
    """One picture, and what every method on it is set beside."""

    def __init__(self, path: Path, extension: str, sizes: Sequence[int], speed: int) -> None:
        self.picture = Picture(path, extension)
        self._path = path
        self._extension = extension
        self._sizes = sizes
        self._avif: AvifResidual | None = None
        if sizes:
            self._avif = AvifResidual(self.picture.original, self.picture.plain, self.picture.corrected, speed)

    def rows(self, presets: Sequence[str]) -> Iterator[Row]:
        """All methods, one by one: clip, the paper's recipe if asked for, AVIF, the other presets."""
        paper = self._preset_row(PAPER) if PAPER in presets else None
        for row in self._rows(paper, [preset for preset in presets if preset != PAPER]):
            yield replace(row, over_paper=_gain(row.psnr_og, paper.psnr_og)) if paper else row

    def _rows(self, paper: Row | None, presets: Iterable[str]) -> Iterator[Row]:
        yield Row("clip", *_figures(self.picture.plain_scores), bytes=0)
        if paper:
            yield paper
        if self._avif:
            for size in self._sizes:
                yield self._avif_row(self._avif, size)
        for preset in presets:
            yield self._preset_row(preset)

    def _avif_row(self, avif: AvifResidual, size: int) -> Row:
        """The best AVIF picture of at most that many bytes; nothing is corrected when none is so small."""
        found = avif.within(size)
        scores = self.picture.scores(avif.restored(found)) if found else self.picture.plain_scores
        return Row(f"AVIF {size:,} B", *_figures(scores), bytes=found.size if found else 0)

    def _preset_row(self, preset: str) -> Row:
        """Reduce, expand and judge with a preset; a number is the largest payload wanted, bytes."""
        options = ("--max-payload", preset) if preset.isdecimal() else ("--preset", preset)
        with tempfile.TemporaryDirectory() as folder:
            reduced, restored = f"{folder}/reduced.{self._extension}", f"{folder}/restored.tif"
            reduce = gamut("reduce", self._path, reduced, *options, "--json", "-q")
            expand = gamut("expand", reduced, restored, "-q")
            scores = self.picture.scores(linear_pixels(Path(restored)))
        size = reduce.json["payload_bytes"]
        peer = self._avif.within(size) if self._avif else None
        return Row(
            f"{int(preset):,} B" if preset.isdecimal() else preset,
            *_figures(scores),
            bytes=size,
            fit_s=reduce.json["fit_seconds"],
            reduce_s=reduce.seconds,
            expand_s=expand.seconds,
            over_avif=_gain(scores.psnr_og, peer.psnr_og) if peer else None,
        )


def summary(pictures: dict[str, list[Row]]) -> dict[str, dict[str, Any]]:
    """By method: the mean of every figure; the gains over the paper and over AVIF as mean, median and worst.

    ``fit_share`` is the time of all fits over that of the paper's.
    """
    found: dict[str, dict[str, Any]] = {}
    for rows in zip(*pictures.values(), strict=True):
        figures: dict[str, Any] = {name: _mean(_known(rows, name)) for name in NUMBERS}
        for name in ("over_paper", "over_avif"):
            figures[name] = _spread(_known(rows, name))
        found[rows[0].method] = figures
    paper_seconds = found[PAPER]["fit_s"] if PAPER in found else None
    for figures in found.values():
        seconds = figures["fit_s"]
        figures["fit_share"] = seconds / paper_seconds if paper_seconds and seconds is not None else None
    return found


def _figures(scores: Scores) -> tuple[float | None, float | None, float | None]:
    return scores.psnr_og, scores.psnr_all, scores.de2000_og_mean


def _gain(ours: float | None, theirs: float | None) -> float | None:
    if ours is None or theirs is None or not math.isfinite(ours - theirs):
        return None
    return ours - theirs


def _known(rows: Iterable[Row], name: str) -> list[float]:
    """One figure of those rows that have it; an infinite PSNR has no mean."""
    values = (getattr(row, name) for row in rows)
    return [value for value in values if value is not None and math.isfinite(value)]


def _mean(values: list[float]) -> float | None:
    return statistics.fmean(values) if values else None


def _spread(values: list[float]) -> dict[str, float] | None:
    if not values:
        return None
    return {"mean": statistics.fmean(values), "median": statistics.median(values), "worst": min(values)}


def cells(figures: Iterable[float | None], formats: Iterable[str]) -> list[str]:
    """Figures as text: a dash for what is not there."""
    return [
        "-" if value is None else "exact" if math.isinf(value) else how.format(value)
        for value, how in zip(figures, formats, strict=True)
    ]


def line(first: str, rest: Iterable[str], widths: Iterable[int], first_width: int = 14) -> str:
    """One row of a Markdown table that also reads well as it is."""
    return f"| {first:<{first_width}} | {' | '.join(f'{cell:>{n}}' for cell, n in zip(rest, widths, strict=True))} |"


def rule(widths: Sequence[int], first_width: int = 14) -> str:
    """The line below a head."""
    return f"|{'-' * (first_width + 2)}|{'|'.join('-' * (width + 1) + ':' for width in widths)}|"


def show_row(row: Row) -> None:
    """Print one method on one picture."""
    print(line(row.method, cells((getattr(row, number) for number in NUMBERS), FORMATS), WIDTHS), flush=True)


def show_summary(pictures: dict[str, list[Row]], found: dict[str, dict[str, Any]]) -> None:
    """Print the pictures side by side, the means, and the gains."""
    widths, names = [max(8, len(method)) for method in found], max(map(len, [*pictures, "picture"]))
    decimals = ["{:.2f}"] * len(found)
    print("\nPSNR out of gamut, dB\n")
    print(line("picture", found, widths, names), rule(widths, names), sep="\n")
    for name, rows in pictures.items():
        print(line(name, cells((row.psnr_og for row in rows), decimals), widths, names))
    print(line("MEAN", cells((figures["psnr_og"] for figures in found.values()), decimals), widths, names))

    numbers = len(NUMBERS) - 2  # The gains follow below.
    print(f"\nMEAN of {len(pictures)}\n")
    print(line("method", HEAD[:numbers], WIDTHS[:numbers]), rule(WIDTHS[:numbers]), sep="\n")
    for method, figures in found.items():
        means = cells((figures[name] for name in NUMBERS[:numbers]), FORMATS[:numbers])
        print(line(method, means, WIDTHS[:numbers]))

    head, widths = ("over the paper", "over AVIF of its size", "fit"), [24, 24, 8]
    print("\nGain out of gamut, dB, MEAN / MEDIAN / WORST picture; time of the fits as a share of the paper's\n")
    print(line("method", head, widths), rule(widths), sep="\n")
    for method, figures in found.items():
        share = cells([figures["fit_share"]], ["{:.3f}"])
        print(line(method, [_told(figures["over_paper"]), _told(figures["over_avif"]), *share], widths))


def _told(spread: dict[str, float] | None) -> str:
    return " / ".join(f"{value:+.2f}" for value in spread.values()) if spread else "-"


def as_json(pictures: dict[str, list[Row]], found: dict[str, dict[str, Any]], extension: str) -> str:
    """Everything; an infinite PSNR is null."""
    rows = {name: [asdict(row) for row in rows] for name, rows in pictures.items()}
    for row in (row for several in rows.values() for row in several):
        for key, value in row.items():
            if isinstance(value, float) and not math.isfinite(value):
                row[key] = None
    return json.dumps({"ext": extension, "pictures": rows, "summary": found}, indent=1, allow_nan=False)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Sets the presets beside clip, paper and AVIF.")
    parser.add_argument("pictures", nargs="*", type=Path)
    parser.add_argument(
        "--presets",
        default="fast,balanced,best,3000",
        help="names, or numbers of bytes for --max-payload (default: %(default)s)",
    )
    parser.add_argument("--no-paper", action="store_true", help="leave out the paper's recipe, the slowest")
    parser.add_argument("--avif", default="5000,12000,23000", help="sizes in bytes; '' for none (default: %(default)s)")
    parser.add_argument("--avif-speed", type=int, default=6, help="of the encoder, 0 to 10 (default: %(default)s)")
    parser.add_argument("--ext", choices=("png", "jpg"), default="png", help="kind of the reduced files")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every figure there too")
    given = parser.parse_args(arguments)
    presets = [*([] if given.no_paper else [PAPER]), *filter(None, given.presets.split(","))]
    sizes = [int(size) for size in given.avif.split(",") if size]
    if sizes and not AVIF_AVAILABLE:
        print("This imagecodecs cannot write AVIF: that baseline is left out.")
        sizes = []
    pictures: dict[str, list[Row]] = {}
    for path in listed(given.pictures):
        name = path.stem if path.stem not in pictures else str(path)
        subject = Subject(path, given.ext, sizes, given.avif_speed)
        height, width, _ = subject.picture.original.shape
        print(f"\n{name}, {width} x {height}, {subject.picture.og_pct:.1f} % out of gamut, {given.ext}\n")
        print(line("method", HEAD, WIDTHS), rule(WIDTHS), sep="\n", flush=True)
        rows = pictures[name] = []
        for row in subject.rows(presets):
            rows.append(row)
            show_row(row)
    found = summary(pictures)
    show_summary(pictures, found)
    if given.json:
        given.json.write_text(as_json(pictures, found, given.ext) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
