"""gamut eval: how close a picture is to its reference, with and without the network."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gamutcli.cli import options
from gamutcli.cli.console import Outcomes, columns, percent, render
from gamutcli.cli.files import is_folder, reference_of
from gamutcli.cli.options import ORIGINALS, OTHER_ORIGINALS
from gamutcli.cli.piping import placed, receiving
from gamutcli.cli.types import FileName
from gamutcli.errors import UsageError
from gamutcli.measuring.words import decibels
from gamutcli.storage.remote import name_of

if TYPE_CHECKING:
    from rich.table import Table

    from gamutcli.results import Evaluation, Scores

#: Characters that the table with lines is wide.
FRAMED = 52
REGIONS = {"all": "all pixels", "og": "out of gamut", "in": "in gamut"}


@click.command("eval")
@click.argument("sources", nargs=-1, required=True, type=options.REMOTE_PICTURE, metavar="IN...")
@options.option(
    "--gt",
    "reference",
    type=FileName((*ORIGINALS, *OTHER_ORIGINALS), remote=True),
    required=True,
    metavar="REF",
    help="The original picture, or a folder of originals with the names of the inputs.",
)
@options.option("--map", "map_file", type=options.REMOTE_MAP, metavar="FILE.png", help="Draw maps of the errors.")
@options.map_range
@options.option("--report", "report_file", type=options.REMOTE_PAGE, metavar="FILE.html", help="Show it all on a page.")
@options.reading
@options.overwrite
@options.force
@options.allow_slow
@options.allow_large
@options.device
@options.speech
def evaluate(
    sources: tuple[Path, ...],
    reference: Path,
    map_file: Path | None,
    map_range: float,
    report_file: Path | None,
    overwrite: bool,
    force: bool,
    allow_slow: bool,
    allow_large: bool,
    device: str,
    quiet: bool,
    verbose: int,
    as_json: bool,
    **choices: Any,
) -> int:
    """Compare pictures with their references.

    IN is a reduced picture, expanded in memory, or a restored one. Beside it the plain picture is judged: the one that
    other viewers show, without the network; for a restored picture, the original clipped to 8-bit sRGB.

    RMSE and PSNR are of linear ProPhoto RGB with peak 1; dE2000 is the colour difference CIEDE2000 under D50, its mean
    and 99th percentile.

    Several pictures need a folder of references: photo.jpg is compared with DIR/photo.tif, or .tiff, .png, .avif, and
    where there is none, with one of another format that can be read.

    --report writes one page of HTML for all of them, with pictures, maps and charts; it needs no network. A picture
    that cannot be compared is left out of it.

    \b
    Examples:
      gamut eval photo.jpg --gt photo.tif
      gamut eval restored.tif --gt photo.tif --json
      gamut eval photo.jpg --gt photo.tif --map errors.png
      gamut eval photo.jpg --gt untagged.tif --assume-profile prophoto
      gamut eval reduced/*.jpg --gt originals/ --report report.html
    """
    from gamutcli.evaluation import evaluate as evaluate_image
    from gamutcli.evaluation import publish_report, section_of
    from gamutcli.images.reading import Reading

    if len(sources) > 1 and not is_folder(reference):
        raise UsageError(f"{name_of(reference)}: is no folder; several pictures need a folder of references.")
    if len(sources) > 1 and map_file is not None:
        raise UsageError(f"{map_file}: a map is of one picture; show several with --report.")
    _refuse_inputs((map_file, report_file), (*sources, reference))
    shared, own = (report_file, None) if len(sources) > 1 else (None, report_file)
    outcomes = Outcomes(len(sources), quiet=quiet, verbose=verbose, as_json=as_json)
    how: dict[str, Any] = {
        "force": force,
        "allow_slow": allow_slow,
        "allow_large": allow_large,
        "device": device,
        "map_range": map_range,
    }
    sections = []
    with placed(shared, overwrite=overwrite) as page:
        for source in sources:
            with (
                outcomes.file(source),
                receiving(outcomes, source) as file,
                receiving(outcomes, reference_of(source, reference)) as original,
            ):
                # The map and the page of one picture appear together or not at all, on this machine.
                with (
                    placed(map_file, overwrite=overwrite) as map_out,
                    placed(own, overwrite=overwrite) as page_out,
                    outcomes.progress(file),
                ):
                    if page is None:
                        files: dict[str, Any] = {"map_file": map_out, "report_file": page_out, "overwrite": overwrite}
                        result = evaluate_image(file, original, **files, **how, **choices)
                    else:
                        sections.append(section_of(file, original, reading=Reading(**choices), **how))
                        result = sections[-1].evaluation
                outcomes.result(file, result, _summary)
        if page is not None and sections:
            publish_report(sections, page, overwrite)
    return outcomes.close()


def _refuse_inputs(targets: tuple[Path | None, ...], inputs: tuple[Path, ...]) -> None:
    """Let no map and no page replace a picture, --overwrite or not."""
    given = {os.path.realpath(path) for path in inputs}
    for target in targets:
        if target is not None and os.path.realpath(target) in given:
            raise UsageError(f"{target}: is an input too; name another output.")


def _summary(result: Evaluation) -> str:
    facts = [f"{result.width} x {result.height} px", f"{percent(result.og_pct)} out of gamut"]
    if result.payload_bytes is not None:
        facts.append(f"payload {result.payload_bytes:,} bytes, intent {result.intent}")
    return f"{result.file} against {result.reference}: {', '.join(facts)}\n{render(_table(result))}"


def _table(result: Evaluation) -> Table:
    """The figures in a table with lines, or without them where it would be wider than the terminal."""
    from rich import box
    from rich.table import Table

    plain, restored = _figures(result.plain), _figures(result.restored)
    narrow = columns() < FRAMED
    table = Table(box=None, pad_edge=False) if narrow else Table("pixels", box=box.HEAVY_HEAD)
    table.add_column("figure")
    for title in ("plain", "restored"):
        table.add_column(title, justify="right")
    for region, title in REGIONS.items():
        if narrow:
            table.add_row(f"{title}:")
        for number, figure in enumerate(restored[region]):
            cells = (figure, plain[region][figure], restored[region][figure])
            table.add_row(*cells) if narrow else table.add_row("" if number else title, *cells)
        table.add_section()
    return table


def _figures(scores: Scores) -> dict[str, dict[str, str]]:
    """The cells of one column, by region and figure."""

    def number(name: str, digits: int) -> str:
        value = getattr(scores, name)
        return "-" if value is None else f"{value:.{digits}f}"

    return {
        region: {
            "PSNR": decibels(getattr(scores, f"psnr_{region}")),
            "RMSE": number(f"rmse_{region}", 5),
            "dE2000 mean": number(f"de2000_{region}_mean", 2),
            "dE2000 99 %": number(f"de2000_{region}_p99", 2),
        }
        for region in REGIONS
    }
