"""What cannot be read is called by its name, with why and with what helps."""

from __future__ import annotations

from pathlib import Path

import pytest

from gamutcli.errors import InputError
from gamutcli.images import read_wide, sniff
from gamutcli.images.identify import _BEGINNINGS, _FORMATS, identify, refusal, title
from tests.support.strangers import MET, written_by_pillow

# Formats that are read, or developed where rawpy is installed.
READ = {"tiff", "png", "jpeg", "webp", "avif", "heic", "jxl", "jp2", "exr", "raw"}


@pytest.mark.parametrize("name", MET)
def test_what_cannot_be_read_is_named_with_the_way_out(tmp_path: Path, name: str) -> None:
    data, what, way_out = MET[name]
    (tmp_path / name).write_bytes(data)
    with pytest.raises(InputError) as caught:
        read_wide(tmp_path / name)
    said = str(caught.value)
    assert said.startswith(f"{tmp_path / name}: is {what}")
    assert way_out in said
    assert "\n" not in said
    assert said.endswith(".")


@pytest.mark.parametrize("name", sorted(set(_FORMATS) - READ))
def test_every_refusal_says_what_why_and_what_to_do(name: str) -> None:
    format = _FORMATS[name]
    assert format.why or name == "unknown"
    assert format.way_out
    assert title(name) == format.title


def test_every_kind_can_be_met() -> None:
    shown = {name for name, _ in _BEGINNINGS}
    assert shown <= set(_FORMATS)
    assert set(_FORMATS) - shown == {"tga", "text", "zeros", "unknown"}


@pytest.mark.parametrize("size", [0, 1, 3, 16, 40, 300, 4096])
@pytest.mark.parametrize("name", MET)
def test_a_file_of_any_length_has_a_kind(name: str, size: int) -> None:
    assert str(refusal(name, MET[name][0][:size])).startswith(f"{name}: is ")


@pytest.mark.parametrize("format", ["TIFF", "PNG", "JPEG", "WEBP", "AVIF"])
def test_what_is_read_is_known_by_sixteen_bytes(format: str) -> None:
    data = written_by_pillow(format)
    assert sniff(data[:16]) == identify("a.tga.jpg", data) == format.lower()


@pytest.mark.parametrize(
    "data",
    [
        b"FUJIFILMCCD-RAW 0201",
        b"\0\0\0\x18ftypcrx \0\0\0\1",
        b"\0MRM\0\0\1\0",
        b"FOVb\0\0\2\0",
        b"IIRO\x08\0\0\0",
        b"IIU\0\x08\0\0\0",
        b"II\x1a\0\0\0HEAPCCDR\2\0",
    ],
)
def test_raws_that_are_no_tiff_inside_are_known_without_their_names(data: bytes) -> None:
    assert sniff(data[:16]) == "raw"


def test_no_start_of_a_file_takes_long() -> None:
    for data in (b"<" * 4096, b" " * 4096, b"<!--" * 1024, b"<?xml " * 700, b"PK\3\4" * 1024):
        refusal("a", data)
