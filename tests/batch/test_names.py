from __future__ import annotations

import os
from pathlib import Path

import pytest

from gamutcli.batch.names import Filter, Search
from gamutcli.errors import UsageError

PICTURES = Filter((".tif", ".png"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in (
        "b.tif",
        "a.TIF",
        "notes.txt",
        "day 2/c.tif",
        "day 1/c.png",
        "day 1/deep/d.tif",
        ".trash/e.tif",
        "._b.tif",
    ):
        path = tmp_path / "photos" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return tmp_path / "photos"


def found(search: Search) -> list[str]:
    return [name.relative for name in search if name is not None]


def test_folders_are_gone_through_in_the_order_of_names_and_hidden_files_are_left_out(folder: Path) -> None:
    names = list(Search([str(folder)], PICTURES))
    assert found(Search([str(folder)], PICTURES)) == [
        "a.TIF",
        "b.tif",
        "day 1/c.png",
        "day 1/deep/d.tif",
        "day 2/c.tif",
    ]
    assert all(name and Path(name.source).is_file() for name in names)


def test_the_folder_of_results_is_left_out(folder: Path) -> None:
    assert "day 1/c.png" not in found(Search([str(folder)], PICTURES, without=folder / "day 1"))


def test_the_folder_of_results_may_be_made_meanwhile(folder: Path) -> None:
    names = iter(Search([str(folder)], PICTURES, without=folder / "day 2/web"))
    next(names)
    (folder / "day 2/web").mkdir()
    (folder / "day 2/web/c.tif").touch()
    assert [name.relative for name in names if name][-1] == "day 2/c.tif"


def test_links_to_folders_are_not_followed_and_links_to_files_are(folder: Path) -> None:
    (folder / "around").symlink_to(folder)
    (folder / "link.tif").symlink_to(folder / "b.tif")
    assert found(Search([str(folder)], PICTURES)).count("link.tif") == 1
    assert not any(name.startswith("around") for name in found(Search([str(folder)], PICTURES)))


@pytest.mark.parametrize(
    ("include", "exclude", "expected"),
    [
        (("*.PNG",), (), ["day 1/c.png"]),
        (("day 1/*",), (), ["day 1/c.png", "day 1/deep/d.tif"]),
        (("c.*",), ("day 2",), ["day 1/c.png"]),
        ((), ("day*", "a.tif"), ["b.tif"]),
        ((), ("day 1/deep/",), ["a.TIF", "b.tif", "day 1/c.png", "day 2/c.tif"]),
    ],
)
def test_patterns(folder: Path, include: tuple[str, ...], exclude: tuple[str, ...], expected: list[str]) -> None:
    assert found(Search([str(folder)], Filter(PICTURES.suffixes, include, exclude))) == expected


def test_globs_keep_the_folders_that_they_found(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert found(Search([f"{folder}/*/c.*"], PICTURES)) == ["day 1/c.png", "day 2/c.tif"]
    assert found(Search([f"{folder}/**/*"], PICTURES)) == found(Search([str(folder)], PICTURES))
    assert found(Search([f"{folder}/day*"], PICTURES)) == ["day 1/c.png", "day 1/deep/d.tif", "day 2/c.tif"]
    monkeypatch.chdir(folder)
    assert found(Search(["*.tif"], PICTURES)) == ["b.tif"]


def test_a_file_under_the_very_name_of_a_pattern_is_that_file(folder: Path) -> None:
    (folder / "x[1].tif").touch()
    (folder / "x1.tif").touch()
    assert found(Search([f"{folder}/x[1].tif"], PICTURES)) == ["x[1].tif"]


def test_single_files_keep_the_folders_that_they_are_named_with(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    assert found(Search(["./day 1/deep/d.tif", "notes.txt"], PICTURES)) == ["day 1/deep/d.tif", "notes.txt"]
    assert found(Search([str(folder / "day 1/c.png"), "../photos/b.tif"], PICTURES)) == ["c.png", "b.tif"]
    listing = [str(folder / "day 2/c.tif"), None, "", "a.TIF"]
    assert found(Search([], PICTURES, listing, base=folder)) == ["day 2/c.tif", "a.TIF"]


def test_a_source_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="does not exist"):
        list(Search([str(tmp_path / "x")], PICTURES))


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="nobody is kept out")
def test_a_folder_that_cannot_be_looked_into_is_told(folder: Path) -> None:
    (folder / "day 1").chmod(0)
    try:
        names = [name for name in Search([str(folder)], PICTURES) if name]
    finally:
        (folder / "day 1").chmod(0o755)
    assert [name.relative for name in names if "cannot be looked into" in name.problem] == ["day 1"]
    assert len(names) == 4
