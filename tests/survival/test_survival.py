"""What other people's tools leave of the payload, gamut gives back or says that it is gone; never wrong and silent."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests.survival.album import Album, Subject, names
from tests.survival.chains import Chain, chains
from tests.survival.judge import Outcome, Verdict, gain_of, outcome_of
from tests.survival.operations import OPERATIONS, CannotDoThis, Operation
from tests.survival.report import Record, Run
from tests.survival.tools import TOOLS

pytestmark = pytest.mark.survival

EVERY_ONE = [
    pytest.param(format, carrier, operation, id=f"{format}-{carrier}-{operation}")
    for format, carrier in names()
    for operation in OPERATIONS
    if format in operation.reads
]

#: What must never lose a default JPEG's payload, and which of it keeps the pixels as well.
LOSSLESS = (
    "exiftool: edit a tag",
    "exiv2: edit a tag",
    "jpegtran: optimise, -copy all",
    "jpegtran: progressive, -copy all",
    "jpegoptim: optimise",
    "jhead: write a comment",
    "ImageMagick: convert to png",
    "GraphicsMagick: convert to png",
    "vips: convert to png",
    "sharp: convert to png",
)
LOSSY = (
    "jpegoptim: quality 75",
    "ImageMagick: re-save, quality 85",
    "ImageMagick: resize to 50 %",
    "ImageMagick: convert to webp",
    "GraphicsMagick: re-save, quality 85",
    "vips: re-save, quality 85",
    "vips: convert to webp",
    "sharp: re-save, quality 85",
    "sharp: convert to avif",
    "Pillow: save(exif=, xmp=, quality=85)",
)
EDITS = (
    "exiftool: copy all tags to another picture",
    "jpegtran: grey, -copy all",
    "ImageMagick: brighten by 5 %",
    "ImageMagick: grey",
    "sharp: saturate by 10 %",
    "sharp: convert to Display P3",
)


@pytest.fixture(scope="session")
def album(tmp_path_factory: pytest.TempPathFactory) -> Album:
    return Album(tmp_path_factory.mktemp("album"))


@pytest.fixture(scope="session")
def runs(album: Album) -> Iterator[list[Run]]:
    """Takes down what was run, and writes it for the table at the end."""
    taken: list[Run] = []
    yield taken
    jpegs = {carrier: album.subject(format, carrier) for format, carrier in names() if format == "jpeg"}
    sizes = {carrier: len(subject.payload) for carrier, subject in jpegs.items()}
    Record(tuple(taken), sizes, gain_of(jpegs["xmp"])).save()


def run(subject: Subject, operations: Sequence[Operation], folder: Path, runs: list[Run] | None = None) -> Outcome:
    missing = [operation.tool for operation in operations if not TOOLS[operation.tool].is_there]
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)}")
    outcome = None
    try:
        outcome = outcome_of(subject, operations, folder)
    except CannotDoThis as refusal:
        pytest.skip(str(refusal))
    finally:
        if runs is not None:
            runs.append(Run(subject.format, subject.carrier, tuple(map(str, operations)), outcome))
    return outcome


@pytest.mark.parametrize(("format", "carrier", "operation"), EVERY_ONE)
def test_no_tool_makes_gamut_wrong_and_silent(
    format: str, carrier: str, operation: Operation, album: Album, runs: list[Run], tmp_path: Path
):
    outcome = run(album.subject(format, carrier), [operation], tmp_path, runs)
    assert outcome.verdict is not Verdict.WRONG, outcome.detail


@pytest.mark.parametrize("chain", chains(), ids=str)
def test_nor_do_three_in_a_row(chain: Chain, album: Album, runs: list[Run], tmp_path: Path):
    outcome = run(album.subject(chain.format, chain.carrier), chain.operations, tmp_path, runs)
    assert outcome.verdict is not Verdict.WRONG, outcome.detail


@pytest.mark.parametrize(
    ("name", "verdict"),
    [
        *((name, Verdict.KEPT) for name in LOSSLESS),
        *((name, Verdict.RESAVED) for name in LOSSY),
        *((name, Verdict.EDITED) for name in EDITS),
    ],
)
def test_a_default_jpeg_comes_through(name: str, verdict: Verdict, album: Album, tmp_path: Path):
    (operation,) = [each for each in OPERATIONS if str(each) == name]
    assert run(album.subject("jpeg", "xmp"), [operation], tmp_path).verdict is verdict
