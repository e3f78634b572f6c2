"""gamut info: what is inside, and does it still fit."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image, ImageOps

from tests.support.commands import Gamut


def toned(source: Path, target: Path) -> Path:
    with Image.open(source) as picture:
        ImageOps.invert(picture).save(target, xmp=picture.info["xmp"])
    return target


@pytest.mark.parametrize("extension", ["png", "jpg"])
def test_a_person_reads_four_lines(gamut: Gamut, album: Path, extension: str) -> None:
    outcome = gamut("info", album / f"photo.{extension}")
    assert outcome.code == 0
    assert outcome.err == ""
    lines = outcome.out.splitlines()
    assert lines[0] == str(album / f"photo.{extension}")
    assert [line.split()[0] for line in lines[1:]] == ["picture", "payload", "network", "pixels"]
    assert "90 x 60 px" in lines[1]
    assert "unchanged" in lines[4]


def test_a_script_reads_an_object(gamut: Gamut, album: Path) -> None:
    found = gamut("info", album / "photo.jpg", "--json").json
    assert found["file"] == str(album / "photo.jpg")
    assert (found["width"], found["height"], found["status"], found["carrier"]) == (90, 60, "ok", "xmp")
    assert found["payload_bytes"] > 0
    assert {"model", "hidden", "layers"} <= found.keys()


def test_several_files_are_a_list_and_one_without_payload_counts(gamut: Gamut, album: Path, tmp_path: Path) -> None:
    Image.new("RGB", (4, 4)).save(tmp_path / "plain.png")
    outcome = gamut("info", "--json", album / "photo.jpg", tmp_path / "plain.png", album / "photo.png")
    assert outcome.code == 1
    first, second, third = outcome.json
    assert (first["status"], third["status"]) == ("ok", "ok")
    assert second["exit_code"] == 3


@pytest.mark.parametrize("name", ["plain.png", "plain.jpg"])
def test_no_payload_is_exit_code_3(gamut: Gamut, tmp_path: Path, name: str) -> None:
    Image.new("RGB", (4, 4)).save(tmp_path / name)
    outcome = gamut("info", tmp_path / name)
    assert outcome.code == 3
    assert outcome.out == ""
    assert name in outcome.err


def test_changed_pixels_are_exit_code_4(gamut: Gamut, album: Path, tmp_path: Path) -> None:
    outcome = gamut("info", toned(album / "photo.jpg", tmp_path / "toned.jpg"), "--json")
    assert outcome.code == 4
    assert outcome.json["status"] == "changed"


def test_quiet_answers_with_the_exit_code_alone(gamut: Gamut, album: Path) -> None:
    outcome = gamut("info", "-q", album / "photo.jpg")
    assert (outcome.code, outcome.out, outcome.err) == (0, "", "")


def test_a_damaged_payload_is_exit_code_4(gamut: Gamut, album: Path, tmp_path: Path) -> None:
    data = (album / "photo.jpg").read_bytes()
    middle = data.index(b"gamut") + 1500  # within the base64 of the payload
    damaged = data[:middle] + (b"AAAA" if data[middle : middle + 4] != b"AAAA" else b"BBBB") + data[middle + 4 :]
    (tmp_path / "damaged.jpg").write_bytes(damaged)
    outcome = gamut("info", tmp_path / "damaged.jpg")
    assert outcome.code == 4
    assert outcome.err.count("\n") == 1
