"""Each delivery has its original: in the same place, or in the folder itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from gamutcli.batch.originals import Originals
from gamutcli.errors import InputError
from gamutcli.storage import remote


def test_the_same_place_comes_before_the_folder_itself(tmp_path: Path) -> None:
    for name in ("day/a.tif", "a.png", "b.tif", ".c.tif"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    originals = Originals(tmp_path)
    assert originals.of("day/a.jpg", "web/day/a.jpg") == f"{tmp_path}/day/a.tif"
    assert originals.of("other/a.jpg", "web/other/a.jpg") == f"{tmp_path}/a.png"
    assert originals.of("day/b.jpg", "web/day/b.jpg") == f"{tmp_path}/b.tif"
    assert originals.find("c.jpg", "web/c.jpg") == ""


def test_several_are_none(tmp_path: Path) -> None:
    for name in ("a.tif", "a.png"):
        (tmp_path / name).touch()
    with pytest.raises(InputError, match=r"has several originals .*\(a\.png and a\.tif\)"):
        Originals(tmp_path).of("a.jpg", "web/a.jpg")
    assert Originals(tmp_path, (".tif",)).of("a.jpg", "web/a.jpg") == f"{tmp_path}/a.tif"


def test_a_bucket_that_does_not_answer_is_not_one_without_originals(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = [remote.RemoteError("s3://b/day: cannot be reached"), [("a.tif", False)]]

    def answer(address: str) -> list[tuple[str, bool]]:
        found = answers.pop(0)
        if isinstance(found, Exception):
            raise found
        return found

    monkeypatch.setattr(remote, "list_folder", answer)
    originals = Originals(Path("s3://b"))
    with pytest.raises(remote.RemoteError):
        originals.of("day/a.jpg", "web/day/a.jpg")
    assert originals.of("day/a.jpg", "web/day/a.jpg") == "s3://b/day/a.tif"
