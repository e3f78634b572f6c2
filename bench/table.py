#!/usr/bin/env python3
"""Measures the README's table of the sample pictures: what a plain sRGB file keeps, and what gamut gives back.

Every figure comes from files that the command line wrote, judged by `gamut eval` against the original.

Use: table.py [--preset NAME] [--write] [TIFF or folder...]      (default: the pictures of sample_images)
     table.py --check    compares the README with what is measured here, and fails where they differ
     table.py --kernels  measures with each kernel of OpenBLAS, and says by how much they differ
"""

from __future__ import annotations

import argparse
import os
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from figures import block, publish, table
from files import listed
from machine import described
from processes import gamut

NAME = "samples"
EXTENSIONS = ("jpg", "png")
KERNELS = ("Prescott", "Nehalem", "Sandybridge", "Haswell", "SkylakeX")


@dataclass(frozen=True)
class Column:
    """A figure of the table.

    Attributes:
        title: Its head.
        form: How it is shown.
        tolerance: By how much it may differ with the processor and the versions of libraries, for one picture.
    """

    title: str
    form: str
    tolerance: float


COLUMNS = (
    Column("out of gamut, %", "{:.1f}", 0.1),
    Column("JPEG: plain, dB", "{:.1f}", 0.1),
    Column("restored", "**{:.1f}**", 0.5),
    Column("dE2000 plain", "{:.2f}", 0.02),
    Column("restored", "**{:.2f}**", 0.05),
    Column("PNG: plain, dB", "{:.1f}", 0.1),
    Column("restored", "**{:.1f}**", 1.0),
    Column("dE2000 plain", "{:.2f}", 0.02),
    Column("restored", "**{:.2f}**", 0.05),
    Column("payload, bytes", "{:,.0f}", 1500.0),  # rounding may end at other levels: 866 between kernels
)


def figures(picture: Path, folder: Path, preset: str, environment: Mapping[str, str] | None = None) -> list[float]:
    """Reduce and judge one picture as JPEG and PNG; the order is that of COLUMNS."""
    found: list[float] = []
    for extension in EXTENSIONS:
        reduced = folder / f"reduced.{extension}"
        gamut("reduce", picture, reduced, "--preset", preset, "--overwrite", "-q", environment=environment)
        told = gamut("eval", reduced, "--gt", picture, "--json", "-q", environment=environment).json
        found += [] if found else [told["og_pct"]]
        found += [told[file][name] for name in ("psnr_og", "de2000_og_mean") for file in ("plain", "restored")]
    return [*found, told["payload_bytes"]]


def measured(
    pictures: Sequence[Path], preset: str, environment: Mapping[str, str] | None = None
) -> Iterator[tuple[str, list[float]]]:
    """A row for each picture, and the mean."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for picture in pictures:
            rows.append(figures(picture, Path(folder), preset, environment))
            yield picture.stem, rows[-1]
    yield "mean", [sum(column) / len(rows) for column in zip(*rows, strict=True)]


def shown(rows: Sequence[tuple[str, list[float]]]) -> str:
    """The table, and what it was measured on."""
    lines = [
        (name, *(column.form.format(value) for column, value in zip(COLUMNS, row, strict=True))) for name, row in rows
    ]
    return f"\n{table(('picture', *(column.title for column in COLUMNS)), lines)}\n\nMeasured on: {described()}.\n"


def differences(old: str, rows: Sequence[tuple[str, list[float]]]) -> Iterator[str]:
    """Say what a published table has otherwise than within the tolerance."""
    published = {}
    for line in old.splitlines():
        name, *cells = (cell.strip(" *") for cell in line.strip("|").split("|"))
        if len(cells) == len(COLUMNS) and re.match(r"[\d.,]+$", cells[0]):
            published[name] = [float(cell.replace(",", "")) for cell in cells]
    if list(published) != [name for name, _ in rows]:
        yield f"rows: {', '.join(published) or 'none'} are published, {', '.join(name for name, _ in rows)} measured"
        return
    for name, row in rows:
        for column, here, there in zip(COLUMNS, row, published[name], strict=True):
            if not abs(here - there) <= column.tolerance + 0.5 * 10 ** -(1 if ".1f" in column.form else 2):
                yield f"{name}, {column.title}: {there:,} is published, {here:,.2f} measured, within {column.tolerance}"


def spread(pictures: Sequence[Path], preset: str) -> str:
    """By how much the kernels of OpenBLAS differ: the largest difference of a picture, and of the mean."""
    tables = [
        [row for _, row in measured(pictures, preset, {**os.environ, "OPENBLAS_CORETYPE": kernel})]
        for kernel in KERNELS
    ]
    ranges = [[max(values) - min(values) for values in zip(*rows, strict=True)] for rows in zip(*tables, strict=True)]
    single, mean = [max(column) for column in zip(*ranges[:-1], strict=True)], ranges[-1]
    for column, largest in zip(COLUMNS, single, strict=True):
        if largest > column.tolerance:
            raise SystemExit(f"{column.title}: kernels differ by {largest:.2f}, more than {column.tolerance} allow")
    return (
        f"With the kernels of OpenBLAS for five generations of processors ({', '.join(KERNELS)})\n"
        f"restored figures of a picture differ by up to {single[2]:.2f} dB (JPEG) and {single[6]:.2f} dB (PNG), means "
        f"by {mean[2]:.2f} and {mean[6]:.2f} dB, over {len(pictures)} of the sample pictures."
    )


def main() -> None:
    """Measure, and print, write or check."""
    parser = argparse.ArgumentParser(description="Measures the table of the sample pictures.")
    parser.add_argument("pictures", nargs="*", type=Path)
    parser.add_argument("--preset", default="balanced")
    parser.add_argument("--write", action="store_true", help="put the table into the README")
    parser.add_argument("--check", action="store_true", help="fail where the README differs by more than is allowed")
    parser.add_argument("--kernels", action="store_true", help="measure how much processors differ, instead")
    given = parser.parse_args()
    pictures = listed(given.pictures)
    if given.kernels:
        publish("kernels", spread(pictures, given.preset), given.write)
        return
    rows = list(measured(pictures, given.preset))
    if given.check:
        print(shown(rows))
        found = list(differences(block(NAME), rows))
        if found:
            raise SystemExit("The README differs from what is measured here:\n" + "\n".join(found))
        print(f"The README's figures of {len(rows) - 1} pictures hold.")
    else:
        publish(NAME, shown(rows), given.write)


if __name__ == "__main__":
    main()
