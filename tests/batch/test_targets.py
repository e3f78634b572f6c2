from __future__ import annotations

import pytest

from gamutcli.batch.targets import Targets
from gamutcli.errors import UsageError


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("{stem}{suffix}", "day 1/photo.v2.jpg"),
        ("{name}{suffix}", "day 1/photo.v2.tif.jpg"),
        ("{stem}-{kind}-web{suffix}", "day 1/photo.v2-tif-web.jpg"),
    ],
)
def test_templates(template: str, expected: str) -> None:
    assert Targets(".jpg", template).name("day 1/photo.v2.tif") == expected


def test_a_name_without_suffix() -> None:
    assert Targets(".jpg").name("photo") == "photo.jpg"


@pytest.mark.parametrize(
    "template",
    ["{stem}", "{suffix}", "x{suffix}", "{stem}.png", "web/{stem}{suffix}", ".{stem}{suffix}", "{a}", "{", "{0}"],
)
def test_what_is_no_template(template: str) -> None:
    with pytest.raises(UsageError, match="--name"):
        Targets(".jpg", template)


def test_a_name_is_given_away_once_also_where_systems_tell_less_apart() -> None:
    targets = Targets(".jpg")
    assert targets.take("day/photo.jpg", "a") == "new"
    assert targets.take("photo.jpg", "a") == "new"
    assert targets.take("day/photo.jpg", "a") == "again"
    assert targets.take("day/Photo.jpg", "b") == "taken"
    assert targets.take("u\u0308.jpg", "c") == "new"
    assert targets.take("\u00fc.jpg", "d") == "taken"
