"""What goes wrong with a picture, and what with the place that it lies in: only the one is remembered."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from gamutcli.batch.here import Here
from gamutcli.batch.names import Name
from gamutcli.batch.run import Order, run
from gamutcli.batch.units import DONE, FAILED, Outcome
from tests.support.batches import lines_of, plain_picture


def outcomes(order: Order, names: Iterator[Name]) -> list[Outcome]:
    told: list[Outcome] = []
    run(order, names, Here(), told.append)
    return told


@pytest.fixture
def order(tmp_path: Path) -> Order:
    return Order("reduce", tmp_path / "web", ".jpg", {"preset": "fast"})


def test_a_file_that_vanishes_is_told_and_tried_again_when_it_is_back(order: Order, tmp_path: Path) -> None:
    kept, gone = plain_picture(tmp_path / "a.tif"), plain_picture(tmp_path / "b.tif", 1)
    status = gone.stat()

    def names() -> Iterator[Name]:
        yield Name(str(gone), "b.tif")
        yield Name(str(kept), "a.tif")

    def names_of_what_vanishes() -> Iterator[Name]:
        gone.rename(tmp_path / "elsewhere")
        yield from names()

    first, second = outcomes(order, names_of_what_vanishes())
    assert (first.state, first.is_lasting, second.state) == (FAILED, False, DONE)
    assert first.reason.startswith(f"{gone}: cannot be read (No such file or directory)")
    (tmp_path / "elsewhere").rename(gone)
    assert gone.stat().st_mtime_ns == status.st_mtime_ns
    assert outcomes(order, names())[0].state == DONE


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="nobody is kept out")
def test_a_file_that_may_not_be_read_is_tried_again(order: Order, tmp_path: Path) -> None:
    photo = plain_picture(tmp_path / "a.tif")
    photo.chmod(0)
    (first,) = outcomes(order, iter([Name(str(photo), "a.tif")]))
    assert (first.state, first.is_lasting, first.reason) == (FAILED, False, f"{photo}: Permission denied.")
    photo.chmod(0o600)
    assert outcomes(order, iter([Name(str(photo), "a.tif")]))[0].state == DONE


def test_a_damaged_picture_is_remembered(order: Order, tmp_path: Path) -> None:
    (tmp_path / "a.tif").write_bytes(b"II*\0")
    (first,) = outcomes(order, iter([Name(str(tmp_path / "a.tif"), "a.tif")]))
    assert (first.state, first.is_lasting) == (FAILED, True)
    (again,) = outcomes(order, iter([Name(str(tmp_path / "a.tif"), "a.tif")]))
    assert "failed before" in again.reason


def test_where_a_folder_cannot_be_made_that_is_said_and_no_picture_blamed(order: Order, tmp_path: Path) -> None:
    photo = plain_picture(tmp_path / "day/a.tif")
    (tmp_path / "web").mkdir()
    (tmp_path / "web/day").write_text("in the way")
    (outcome,) = outcomes(order, iter([Name(str(photo), "day/a.tif")]))
    assert (
        outcome.reason == (f"{tmp_path}/web/day/a.jpg: its folder cannot be made (File exists); choose another place.")
        or "cannot be made (Not a directory)" in outcome.reason
    )
    assert [line["state"] for line in lines_of(tmp_path / "web")] == ["begun"]
