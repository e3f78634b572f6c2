"""`gamut audit`: which deliveries still hold their colours."""

from __future__ import annotations

import csv
import io
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

import gamutcli
from gamutcli.batch.audit import find_undelivered
from gamutcli.batch.names import Name
from tests.support.batches import objects, plain_picture
from tests.support.commands import Gamut


def resave(path: Path, change: Callable[[Image.Image], Image.Image]) -> None:
    """Change the pixels of a picture and keep its metadata, as editors do."""
    with Image.open(path) as image:
        changed, xmp = change(image.convert("RGB")), image.info["xmp"]
    changed.save(path, xmp=xmp)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Originals in photos/, and of each a delivery in web/ that something else has happened to."""
    folder = tmp_path_factory.mktemp("audit")
    web = folder / "web/day"
    web.mkdir(parents=True)
    for number, name in enumerate(("good", "beside", "resized", "edited", "torn", "stripped", "lost", "forgotten")):
        source = plain_picture(folder / f"photos/day/{name}.tif", number)
        if name != "forgotten":
            carrier = "sidecar" if name in ("beside", "lost") else "auto"
            gamutcli.reduce_image(source, web / f"{name}.jpg", preset="fast", carrier=carrier)
    resave(web / "resized.jpg", lambda image: image.resize((12, 8)))
    resave(web / "edited.jpg", lambda image: Image.effect_noise(image.size, 90).convert("RGB"))
    data = (web / "torn.jpg").read_bytes()
    (web / "torn.jpg").write_bytes(data.replace(b"gamut1:1/1", b"gamut1:1/2"))
    with Image.open(web / "stripped.jpg") as image:
        image.convert("RGB").save(web / "stripped.jpg")
    (web / "lost.jpg").unlink()
    (web / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    return folder


@pytest.fixture
def album(made: Path, tmp_path: Path) -> Path:
    shutil.copytree(made, tmp_path / "album")
    return tmp_path / "album"


EXPECTED = {
    "beside.jpg": "ok",
    "broken.png": "unreadable",
    "edited.jpg": "ok",
    "good.jpg": "ok",
    "lost.jpg.gamut": "orphaned",
    "resized.jpg": "recompressed",
    "stripped.jpg": "none",
    "torn.jpg": "damaged",
}


@pytest.mark.parametrize("jobs", [1, 2])
@pytest.mark.parametrize("pixels", [False, True])
def test_every_fate_is_told(gamut: Gamut, album: Path, pixels: bool, jobs: int) -> None:
    more = ("--pixels",) if pixels else ()
    *found, end = objects(gamut("audit", album / "web", "--json", "-j", jobs, *more).out)
    expected = {**EXPECTED, "edited.jpg": "changed"} if pixels else EXPECTED
    statuses = {Path(one["file"]).name: one["status"] for one in found}
    statuses.pop("resized.jpg") if pixels else None  # so small a picture is told from its kind by little
    assert statuses == {name: status for name, status in expected.items() if name in statuses}
    assert sum(end["counts"].values()) == len(EXPECTED)


def test_what_is_ok_is_counted_and_what_is_not_is_listed(gamut: Gamut, album: Path) -> None:
    outcome = gamut("audit", album / "web", "-j", 1)
    assert outcome.code == 0
    assert f"damaged {album}/web/day/torn.jpg: the payload is incomplete" in outcome.out
    assert "good.jpg" not in outcome.out
    assert ["ok", "3"] in [line.split() for line in outcome.out.splitlines()]


def test_originals_are_named_and_those_not_delivered_told(gamut: Gamut, album: Path) -> None:
    words = ("audit", album / "web", "--against", album / "photos", "-j", 1)
    rows = list(csv.DictReader(io.StringIO(gamut(*words, "--csv").out)))
    by_name = {Path(row["file"]).name: row for row in rows}
    assert by_name["good.jpg"]["original"] == str(album / "photos/day/good.tif")
    assert {name for name, row in by_name.items() if row["status"] == "undelivered"} == {"forgotten.tif", "lost.tif"}


def test_a_folder_of_originals_that_cannot_be_looked_into_is_told_as_such() -> None:
    names = [Name("photos/day", "day", "photos/day: cannot be looked into."), Name("photos/a.tif", "a.tif")]
    found = [(finding.file, finding.status) for finding in find_undelivered(names, set())]
    assert found == [("photos/day", "unreadable"), ("photos/a.tif", "undelivered")]


@pytest.mark.parametrize(
    ("fail_on", "code"), [("none,damaged", 1), ("any", 1), ("changed", 0), ("ok", 1), ("nonsense", 2)]
)
def test_the_exit_code_is_as_asked(gamut: Gamut, album: Path, fail_on: str, code: int) -> None:
    outcome = gamut("audit", album / "web", "-j", 1, "-q", "--fail-on", fail_on)
    assert (outcome.code, outcome.out) == (code, "")
    assert len(outcome.err.splitlines()) == min(code, 1)


def test_nothing_to_look_at_is_an_error(gamut: Gamut, tmp_path: Path) -> None:
    assert gamut("audit", tmp_path, "-j", 1).code == 2
