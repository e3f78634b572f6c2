"""The pictures of a folder: what is none is left out, and what cannot be read is told in one line."""

from __future__ import annotations

from pathlib import Path

import pytest

from gamutcli.errors import InputError
from gamutcli.experiments.pictures import assumed_for, open_subject, pictures_in
from tests.support.commands import Gamut
from tests.support.pictures import wide_codes, write_tiff


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    write_tiff(folder / "a.tif", wide_codes(16, 24))
    return folder


def test_pictures_are_found_by_their_names(photos: Path) -> None:
    for name in ("b.PNG", "c.tiff", ".hidden.tif", "text.txt"):
        (photos / name).write_bytes(b"something")
    assert [path.name for path in pictures_in(photos)] == ["a.tif", "b.PNG", "c.tiff"]


def test_a_folder_named_as_a_picture_is_none(photos: Path, tmp_path: Path) -> None:
    (photos / "b.tif").mkdir()
    assert [path.name for path in pictures_in(photos)] == ["a.tif"]
    (tmp_path / "others" / "x.tif").mkdir(parents=True)
    with pytest.raises(InputError, match="holds no TIFF or PNG picture"):
        pictures_in(tmp_path / "others")


def test_a_folder_that_cannot_be_read_is_told(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(folder: Path) -> None:
        raise PermissionError(13, "Permission denied", str(folder))

    monkeypatch.setattr(Path, "iterdir", refuse)
    with pytest.raises(InputError, match=r"photos: cannot be read \(Permission denied\); check"):
        pictures_in(photos)


def test_a_link_that_leads_nowhere_stops_no_other(gamut: Gamut, photos: Path, tmp_path: Path) -> None:
    (photos / "gone.tif").symlink_to(tmp_path / "nowhere.tif")
    words = ("experiment", "table", photos, "-o", tmp_path / "out", "--methods", "clip")
    for _ in range(2):
        outcome = gamut(*words)
        assert outcome.code == 1
        assert "gone.tif: cannot be read" in outcome.err
        assert "1 of 2 files failed" in outcome.err
        assert "Mean over 1 picture:" in outcome.out


def test_results_in_the_folder_of_the_pictures_are_refused(gamut: Gamut, photos: Path) -> None:
    outcome = gamut("experiment", "table", photos, "-o", photos, "--methods", "clip")
    assert outcome.code == 2
    assert "name another folder with -o" in outcome.err
    assert [path.name for path in photos.iterdir()] == ["a.tif"]


def test_only_a_picture_without_a_profile_is_taken_as_something(photos: Path) -> None:
    assert assumed_for(photos / "a.tif") is None
    assert assumed_for(write_tiff(photos / "b.tif", wide_codes(16, 24), space=None)) == "prophoto"
    assert "taken as ProPhoto RGB" in open_subject(photos / "b.tif").notes[0]
