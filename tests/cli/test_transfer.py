"""gamut strip, extract and embed: payloads move, pixels and other metadata do not."""

from __future__ import annotations

import io
import shutil
from pathlib import Path

import pytest
from PIL import Image, ImageEnhance

from gamutcli.payload import carriers
from tests.support.commands import Gamut

extensions = pytest.mark.parametrize("extension", ["jpg", "png"])


def payload(path: Path) -> bytes:
    found = carriers.extract(path.read_bytes())
    assert found is not None
    return found.payload


@extensions
def test_there_and_back_gives_the_same_bytes(gamut: Gamut, album: Path, tmp_path: Path, extension: str) -> None:
    photo = album / f"photo.{extension}"
    assert gamut("extract", photo, tmp_path / "p.gamut").code == 0
    assert gamut("strip", photo, tmp_path / f"plain.{extension}").code == 0
    assert gamut("info", tmp_path / f"plain.{extension}").code == 3
    outcome = gamut("embed", tmp_path / f"plain.{extension}", tmp_path / "p.gamut", tmp_path / f"again.{extension}")
    assert (outcome.code, outcome.err) == (0, "")
    assert (tmp_path / f"again.{extension}").read_bytes() == photo.read_bytes()


@extensions
def test_stripping_keeps_pixels_and_profile(gamut: Gamut, album: Path, tmp_path: Path, extension: str) -> None:
    assert gamut("strip", album / f"photo.{extension}", tmp_path / f"plain.{extension}").code == 0
    with Image.open(album / f"photo.{extension}") as before, Image.open(tmp_path / f"plain.{extension}") as after:
        assert before.tobytes() == after.tobytes()
        assert before.info["icc_profile"] == after.info["icc_profile"]


def test_an_extracted_payload_is_the_sidecar_of_the_stripped_picture(gamut: Gamut, album: Path, tmp_path: Path) -> None:
    gamut("strip", album / "photo.jpg", tmp_path / "photo.jpg")
    gamut("extract", album / "photo.jpg", tmp_path / "photo.jpg.gamut")
    assert gamut("info", tmp_path / "photo.jpg", "--json").json["carrier"] == "sidecar"
    assert gamut("expand", tmp_path / "photo.jpg", tmp_path / "a.tif").code == 0
    assert gamut("expand", album / "photo.jpg", tmp_path / "b.tif").code == 0
    assert (tmp_path / "a.tif").read_bytes() == (tmp_path / "b.tif").read_bytes()


def test_a_payload_goes_from_picture_to_picture(gamut: Gamut, album: Path, tmp_path: Path) -> None:
    gamut("strip", album / "photo.jpg", tmp_path / "plain.jpg")
    assert gamut("embed", tmp_path / "plain.jpg", album / "photo.jpg", tmp_path / "both.jpg").code == 0
    assert payload(tmp_path / "both.jpg") == payload(album / "photo.jpg")


@pytest.mark.parametrize("carrier", ["exif", "sidecar"])
def test_the_carrier_can_be_chosen(gamut: Gamut, album: Path, tmp_path: Path, carrier: str) -> None:
    words = ("embed", album / "photo.jpg", album / "photo.jpg", tmp_path / "o.jpg", "--carrier", carrier, "--json")
    assert gamut(*words).json["carrier"] == carrier
    assert (tmp_path / "o.jpg.gamut").exists() == (carrier == "sidecar")
    assert gamut("info", tmp_path / "o.jpg", "--json").json["carrier"] == carrier


def test_a_picture_may_be_stripped_in_place(gamut: Gamut, album: Path, tmp_path: Path) -> None:
    photo = shutil.copy(album / "photo.png", tmp_path)
    assert gamut("strip", photo, photo).code == 1
    assert gamut("strip", photo, photo, "--overwrite").code == 0
    assert gamut("info", photo).code == 3


def test_a_payload_is_refused_by_another_picture(gamut: Gamut, album: Path, tmp_path: Path) -> None:
    Image.new("RGB", (90, 60), "teal").save(tmp_path / "other.jpg")
    words = ("embed", tmp_path / "other.jpg", album / "photo.jpg", tmp_path / "o.jpg")
    outcome = gamut(*words)
    assert outcome.code == 4
    assert "other.jpg" in outcome.err
    assert not (tmp_path / "o.jpg").exists()
    outcome = gamut(*words, "--force")
    assert outcome.code == 0
    assert "other pixels" in outcome.err
    assert gamut("info", tmp_path / "o.jpg").code == 4


def test_a_web_copy_takes_its_payload_back_with_a_warning(gamut: Gamut, album: Path, tmp_path: Path) -> None:
    with Image.open(album / "photo.jpg") as picture:
        picture.save(tmp_path / "web.jpg", quality=80)
    outcome = gamut("embed", tmp_path / "web.jpg", album / "photo.jpg", tmp_path / "o.jpg")
    assert outcome.code == 0
    assert "compressed again" in outcome.err


def test_nothing_to_strip_or_extract(gamut: Gamut, tmp_path: Path) -> None:
    Image.new("RGB", (4, 4)).save(tmp_path / "plain.jpg")
    assert gamut("strip", tmp_path / "plain.jpg", tmp_path / "o.jpg").code == 3
    assert gamut("extract", tmp_path / "plain.jpg", tmp_path / "o.gamut").code == 3
    assert gamut("embed", tmp_path / "plain.jpg", tmp_path / "plain.jpg", tmp_path / "o.jpg").code == 3
    assert [path.name for path in tmp_path.iterdir()] == ["plain.jpg"]


def test_a_damaged_payload_is_stripped_but_not_passed_on(gamut: Gamut, album: Path, tmp_path: Path) -> None:
    broken = bytearray(payload(album / "photo.jpg"))
    broken[50] ^= 1
    (tmp_path / "broken.gamut").write_bytes(broken)
    outcome = gamut("embed", album / "photo.jpg", tmp_path / "broken.gamut", tmp_path / "o.jpg")
    assert outcome.code == 4
    assert "broken.gamut" in outcome.err
    data = bytearray((album / "photo.jpg").read_bytes())
    data[data.index(b"<gamut:Payload>") + 200] ^= 2
    (tmp_path / "torn.jpg").write_bytes(data)
    assert gamut("extract", tmp_path / "torn.jpg", tmp_path / "o.gamut").code == 4
    outcome = gamut("strip", tmp_path / "torn.jpg", tmp_path / "o.jpg")
    assert outcome.code == 0
    assert "damaged" in outcome.err


@pytest.mark.parametrize(
    "words",
    [
        ("strip", "photo.jpg", "o.png"),
        ("extract", "photo.jpg", "o.bin"),
        ("embed", "photo.jpg", "photo.jpg", "o.png"),
    ],
)
def test_a_target_of_another_kind_is_a_usage_error(
    gamut: Gamut, album: Path, tmp_path: Path, words: tuple[str, ...]
) -> None:
    command, *sources, target = words
    outcome = gamut(command, *(album / name for name in sources), tmp_path / target)
    assert outcome.code == 2
    assert target in outcome.err
    assert not list(tmp_path.iterdir())


# Sidecars.


@pytest.fixture
def beside(gamut: Gamut, album: Path, tmp_path: Path, quick: None) -> Path:
    """photo.jpg with its sidecar."""
    target = tmp_path / "photo.jpg"
    outcome = gamut("reduce", album / "photo.tif", target, "--preset", "fast", "--carrier", "sidecar")
    assert (outcome.code, outcome.err) == (0, "")
    return target


@pytest.mark.fit
def test_reduce_writes_picture_and_sidecar(gamut: Gamut, album: Path, beside: Path) -> None:
    assert {path.name for path in beside.parent.iterdir()} == {"photo.jpg", "photo.jpg.gamut"}
    assert carriers.extract(beside.read_bytes()) is None
    assert gamut("expand", beside, beside.with_name("r.tif")).code == 0
    found = gamut("eval", beside, "--gt", album / "photo.tif", "--json").json
    assert found["payload_bytes"] == beside.with_name("photo.jpg.gamut").stat().st_size
    assert found["restored"]["psnr_og"] > found["plain"]["psnr_og"]


@pytest.mark.parametrize("existing", ["photo.jpg", "photo.jpg.gamut"])
def test_neither_of_both_files_is_overwritten_unasked(
    gamut: Gamut, album: Path, tmp_path: Path, quick: None, existing: str
) -> None:
    (tmp_path / existing).write_bytes(b"mine")
    words = ("reduce", album / "photo.tif", tmp_path / "photo.jpg", "--preset", "fast", "--carrier", "sidecar")
    outcome = gamut(*words)
    assert outcome.code == 1
    assert existing in outcome.err
    assert [path.name for path in tmp_path.iterdir()] == [existing]
    assert (tmp_path / existing).read_bytes() == b"mine"
    assert gamut(*words, "--overwrite").code == 0
    assert gamut("info", tmp_path / "photo.jpg").code == 0


def test_a_wrong_sidecar_is_refused(gamut: Gamut, beside: Path) -> None:
    with Image.open(io.BytesIO(beside.read_bytes())) as picture:
        ImageEnhance.Brightness(picture).enhance(1.4).save(beside)
    outcome = gamut("expand", beside, beside.with_name("r.tif"))
    assert outcome.code == 4
    assert "photo.jpg.gamut: belongs to another picture" in outcome.err
    assert gamut("info", beside).code == 4


def test_a_damaged_sidecar_is_told_by_its_own_name(gamut: Gamut, beside: Path) -> None:
    beside.with_name("photo.jpg.gamut").write_bytes(b"GMUT, or so it says")
    outcome = gamut("info", beside)
    assert outcome.code == 4
    assert "photo.jpg.gamut: " in outcome.err
