"""gamut audit: which deliveries still hold their colours."""

from __future__ import annotations

import csv
import json
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gamutcli.cli import options
from gamutcli.cli.batch.options import SourceName
from gamutcli.cli.console import error, progress, render, say
from gamutcli.errors import UsageError
from gamutcli.measuring.words import printable
from gamutcli.storage.remote import address_of, name_of

if TYPE_CHECKING:
    from gamutcli.batch.audit import Finding
    from gamutcli.batch.names import Name

STATUSES = ("ok", "recompressed", "changed", "damaged", "none", "orphaned", "unreadable", "undelivered")


@click.command()
@click.argument("paths", nargs=-1, required=True, type=SourceName(options.CARRYING), metavar="PATH...")
@options.option(
    "--against", type=options.PLACE, metavar="SRC", help="Folder of originals: name each one, and those not delivered."
)
@options.option("--pixels", is_flag=True, help="Decode the pictures and compare their pixels as well.")
@options.option(
    "--fail-on",
    metavar="STATUS,...",
    help=f"Exit with 1 where there is one of these: {', '.join(STATUSES)}; or any, for all but ok.",
)
@options.option("--csv", "as_csv", is_flag=True, help="Print a table of comma-separated values.")
@options.option("-j", "--jobs", type=click.IntRange(min=1), metavar="N", help="Processes  [default: one a core]")
@options.quiet
@options.as_json
def audit(
    paths: tuple[str, ...],
    against: Path | None,
    pixels: bool,
    fail_on: str | None,
    as_csv: bool,
    jobs: int | None,
    quiet: bool,
    as_json: bool,
) -> int:
    """Tell which pictures still hold their colours.

    PATH is a folder of delivered pictures, a file or a pattern in quotes. Without decoding a pixel, each is told to be

    \b
    What a picture is:
      ok            it holds its payload, or has it beside it
      recompressed  the payload is there, but the picture was resized or compressed again
      changed       its pixels have been edited since
      damaged       the payload is torn
      none          there is no payload
      orphaned      of a sidecar: its picture is gone
      unreadable    it is no picture, or a damaged one
      undelivered   of an original: there is no picture of it

    Whether one was compressed again or edited at the same size is seen only with --pixels. What is ok is not listed,
    but counted; --json, an object a line, and --csv list everything.

    \b
    Examples:
      gamut audit web/
      gamut audit web/ --against photos/ --fail-on none,damaged,undelivered
      gamut audit web/ --pixels --csv > web.csv
    """
    refused = _statuses(fail_on)
    if as_csv and as_json:
        raise UsageError("--csv and --json: print the one or the other.")
    from gamutcli.batch import machine
    from gamutcli.batch.audit import audit as look
    from gamutcli.batch.audit import find_undelivered, place_of
    from gamutcli.batch.names import Filter, Search
    from gamutcli.batch.originals import Originals
    from gamutcli.images.identify import RAW_SUFFIXES

    originals = (*options.ORIGINALS, *options.CARRYING, *RAW_SUFFIXES)
    search = Search(paths, Filter((*options.CARRYING, *options.PAYLOAD)))
    teller = _Teller(quiet=quiet, as_json=as_json, as_csv=as_csv)
    places: dict[str, str] = {}

    def noted() -> Iterator[Name]:
        for name in search:
            if name is not None:
                if against is not None:
                    places[name.source] = name.relative
                yield name

    known = None if against is None else Originals(against, originals)
    delivered: set[str] = set()
    if any((address_of(path) or "").startswith("memory://") for path in paths):
        jobs = 1  # no other process has these
    for finding in look(noted(), pixels=pixels, jobs=jobs or machine.cores()):
        relative = places.pop(finding.file, "")
        if known is not None and relative and finding.status != "orphaned":
            delivered.add(place_of(relative))
        teller.tell(finding, known.find(relative, finding.file) if known is not None and relative else "")
    if against is not None:
        for finding in find_undelivered(Search([name_of(against)], Filter(tuple(dict.fromkeys(originals)))), delivered):
            teller.tell(finding, finding.file)
    return teller.close(refused)


def _statuses(text: str | None) -> frozenset[str]:
    words = frozenset(word.strip().lower() for word in (text or "").split(",") if word.strip())
    if "any" in words:
        return frozenset(STATUSES) - {"ok"}
    unknown = sorted(words - frozenset(STATUSES))
    if unknown:
        raise UsageError(f"--fail-on {unknown[0]}: is no status; there are {', '.join(STATUSES)}, and any.")
    return words


class _Teller:
    """Says what was found, one after the other, and in the end how much of each."""

    def __init__(self, *, quiet: bool, as_json: bool, as_csv: bool) -> None:
        self._quiet = quiet
        self._as_json = as_json
        self._table = csv.writer(sys.stdout, lineterminator="\n") if as_csv else None
        self._counts: Counter[str] = Counter()
        if self._table:
            self._table.writerow(["file", "status", "carrier", "payload_bytes", "original", "reason"])

    def tell(self, finding: Finding, original: str) -> None:
        """Say what was found of one."""
        self._counts[finding.status] += 1
        told = asdict(finding) | {"original": original}
        if self._as_json:
            say(json.dumps(told))
        elif self._table:
            self._table.writerow(told.values())
        elif finding.status != "ok" and not self._quiet:
            reason = finding.reason.removeprefix(f"{finding.file}: ")
            say(f"{finding.status} {printable(f'{finding.file}: {reason}')}")

    def close(self, refused: frozenset[str]) -> int:
        """Say how many there are of each, and return the exit code."""
        if not self._counts:
            raise UsageError("no picture was found; name files, or folders that hold pictures.")
        counts = {status: self._counts[status] for status in STATUSES if self._counts[status]}
        if self._as_json:
            say(json.dumps({"counts": counts}))
        elif self._table:
            progress(", ".join(f"{count:,} {status}" for status, count in counts.items()))
        elif not self._quiet:
            from rich.table import Table

            table = Table(box=None, pad_edge=False, show_header=False)
            table.add_column("status")
            table.add_column("count", justify="right")
            for status, count in counts.items():
                table.add_row(status, f"{count:,}")
            say(render(table))
        found = [
            f"{self._counts[status]:,} {status}" for status in STATUSES if status in refused and counts.get(status)
        ]
        if found:
            error(f"{', '.join(found)}, which --fail-on names")
        return int(bool(found))
