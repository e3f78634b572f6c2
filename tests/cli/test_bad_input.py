"""Files that are not what was expected: one clear line and its exit code, or success; never half a file."""

from __future__ import annotations

import os
import struct
from collections.abc import Callable
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image

from tests.support.commands import Gamut, Outcome
from tests.support.pictures import wide_codes, write_tiff

pytestmark = pytest.mark.usefixtures("quick")

CODES = wide_codes(12, 16)


def empty(path: Path) -> None:
    path.write_bytes(b"")


def text(path: Path) -> None:
    path.write_text("this is no picture, whatever its name says\n" * 20, "utf-8")


def cmyk(path: Path) -> None:
    write_tiff(path, np.dstack([CODES, CODES[..., 0]]), photometric="separated")


def alpha(path: Path) -> None:
    write_tiff(path, np.dstack([CODES, CODES[..., 0]]), extrasamples=["unassalpha"])


def deep(path: Path) -> None:
    write_tiff(path, CODES.astype(np.uint32) << 16)


def pages(path: Path) -> None:
    write_tiff(path, np.stack([CODES, CODES]))


def cut_short(path: Path) -> None:
    write_tiff(path, CODES)
    path.write_bytes(path.read_bytes()[:-200])


def absurd(path: Path) -> None:
    """Claims 4 gigapixels in its header."""
    write_tiff(path, CODES, byteorder="<")
    data = bytearray(path.read_bytes())
    for tag in (256, 257):  # ImageWidth, ImageLength
        at = data.index(struct.pack("<H", tag), 8)
        data[at : at + 12] = struct.pack("<HHII", tag, 4, 1, 65_000)
    path.write_bytes(data)


def damaged_profile(path: Path) -> None:
    tifffile.imwrite(path, CODES, photometric="rgb", iccprofile=b"not a profile" * 20, metadata=None)


def untagged(path: Path) -> None:
    write_tiff(path, CODES, space=None)


def folder(path: Path) -> None:
    path.mkdir()


def circle(path: Path) -> None:
    path.symlink_to(path)


def nothing(path: Path) -> None:
    """Writes no file."""


UNREADABLE = [
    (nothing, "No such file"),
    (empty, "empty"),
    (text, "export the picture"),
    (folder, "folder"),
    (circle, "cannot be read"),
    (cmyk, "CMYK"),
    (alpha, "--background white"),
    (deep, "32 bits"),
    (pages, "--page N"),
    (cut_short, "cut short"),
    (absurd, "65000 x 65000"),
    (damaged_profile, "ICC profile"),
    (untagged, "--assume-profile prophoto"),
]


def assert_one_line(outcome: Outcome, path: Path, hint: str, code: int = 1) -> None:
    """The verdict on a bad file: exit code, one line on stderr that names the file, nothing on stdout."""
    assert outcome.code == code
    assert outcome.out == ""
    assert outcome.err.startswith("gamut: error: ")
    assert outcome.err.count("\n") == 1
    assert str(path) in outcome.err
    assert hint in outcome.err


@pytest.mark.parametrize(("make", "hint"), UNREADABLE)
def test_reduce_refuses(gamut: Gamut, tmp_path: Path, make: Callable[[Path], None], hint: str) -> None:
    make(tmp_path / "bad.tif")
    before = set(tmp_path.iterdir())
    outcome = gamut("reduce", tmp_path / "bad.tif", tmp_path / "out.jpg", "--preset", "fast")
    assert_one_line(outcome, tmp_path / "bad.tif", hint)
    assert set(tmp_path.iterdir()) == before


@pytest.mark.parametrize(
    ("make", "hint"), [(nothing, "No such file"), (empty, "empty"), (text, ""), (folder, "folder")]
)
@pytest.mark.parametrize("command", ["expand", "info", "eval"])
def test_the_other_commands_refuse(
    gamut: Gamut, album: Path, tmp_path: Path, command: str, make: Callable[[Path], None], hint: str
) -> None:
    bad = tmp_path / "bad.jpg"
    make(bad)
    before = set(tmp_path.iterdir())
    rest = {"expand": [tmp_path / "out.tif"], "info": [], "eval": ["--gt", album / "photo.tif"]}[command]
    assert_one_line(gamut(command, bad, *rest), bad, hint)
    assert set(tmp_path.iterdir()) == before


@pytest.mark.parametrize("extension", ["jpg", "png"])
@pytest.mark.parametrize("share", [0.3, 0.9])
def test_a_reduced_picture_that_was_cut_short(
    gamut: Gamut, album: Path, tmp_path: Path, extension: str, share: float
) -> None:
    whole = (album / f"photo.{extension}").read_bytes()
    bad = tmp_path / f"bad.{extension}"
    bad.write_bytes(whole[: int(len(whole) * share)])
    outcome = gamut("expand", bad, tmp_path / "out.tif")
    assert outcome.code in (1, 3, 4)
    assert_one_line(outcome, bad, "", outcome.code)
    assert list(tmp_path.iterdir()) == [bad]


def test_eight_bits_are_accepted_with_a_warning(gamut: Gamut, tmp_path: Path) -> None:
    write_tiff(tmp_path / "a.tif", (CODES >> 8).astype(np.uint8))
    outcome = gamut("reduce", tmp_path / "a.tif", tmp_path / "a.png", "--preset", "fast")
    assert outcome.code == 0
    assert outcome.err.startswith(f"gamut: warning: {tmp_path / 'a.tif'}: 8-bit input")


@pytest.mark.parametrize(("space", "title"), [("adobergb", "Adobe RGB"), ("displayp3", "Display P3")])
def test_another_space_is_converted_and_said_so(gamut: Gamut, tmp_path: Path, space: str, title: str) -> None:
    write_tiff(tmp_path / "a.tif", CODES, space=space)
    outcome = gamut("reduce", tmp_path / "a.tif", tmp_path / "a.png", "--preset", "fast")
    assert outcome.code == 0
    assert outcome.err.startswith("gamut: warning: ")
    assert title in outcome.err


def test_an_assumed_profile_is_taken(gamut: Gamut, tmp_path: Path) -> None:
    untagged(tmp_path / "a.tif")
    write_tiff(tmp_path / "b.tif", CODES)
    for name, extra in (("a", ["--assume-profile", "prophoto"]), ("b", [])):
        assert gamut("reduce", tmp_path / f"{name}.tif", tmp_path / f"{name}.png", "--preset", "fast", *extra).code == 0
    with Image.open(tmp_path / "a.png") as assumed, Image.open(tmp_path / "b.png") as tagged:
        np.testing.assert_array_equal(np.asarray(assumed), np.asarray(tagged))


def test_a_16_bit_png_goes_in_as_well(gamut: Gamut, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(imagecodecs.png_encode(CODES))
    outcome = gamut(
        "reduce", tmp_path / "a.png", tmp_path / "b.png", "--assume-profile", "prophoto", "--preset", "fast"
    )
    assert outcome.code == 0


@pytest.mark.parametrize("extension", ["png", "jpg"])
def test_a_picture_that_fits_into_srgb(gamut: Gamut, tmp_path: Path, extension: str) -> None:
    tame = np.broadcast_to(np.linspace(8000, 60000, 16, dtype=np.uint16)[None, :, None], (12, 16, 3))
    source, reduced, restored = tmp_path / "a.tif", tmp_path / f"a.{extension}", tmp_path / "b.tif"
    write_tiff(source, tame)
    said = gamut("reduce", source, reduced, "--preset", "fast", "--json")
    assert said.code == 0
    assert said.json["og_pct"] == 0
    assert said.json["psnr_og"] is None
    assert gamut("info", reduced).code == 0
    assert gamut("expand", reduced, restored).code == 0
    difference = tifffile.imread(restored).astype(int) - tame
    assert np.abs(difference).max() < 1.5 * 257


@pytest.mark.fit
def test_a_picture_with_every_pixel_out_of_gamut(gamut: Gamut, tmp_path: Path) -> None:
    wild = np.zeros((12, 16, 3), np.uint16)
    wild[..., 1] = np.linspace(30000, 60000, 16, dtype=np.uint16)
    source, reduced, restored = write_tiff(tmp_path / "a.tif", wild), tmp_path / "a.png", tmp_path / "b.tif"
    said = gamut("reduce", source, reduced, "--preset", "fast", "--json")
    assert said.code == 0
    assert said.json["og_pct"] == 100
    assert gamut("expand", reduced, restored).code == 0
    found = gamut("eval", restored, "--gt", source, "--json").json["restored"]
    assert found["psnr_og"] > said.json["clip_psnr_og"] + 10
    assert found["psnr_in"] is None


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (7, 1), (2, 3), (17, 31)])
@pytest.mark.parametrize("extension", ["png", "jpg"])
def test_odd_sizes(gamut: Gamut, tmp_path: Path, size: tuple[int, int], extension: str) -> None:
    height, width = size
    source = write_tiff(tmp_path / "a.tif", wide_codes(90, 90)[40 : 40 + height, 59 : 59 + width])
    reduced, restored = tmp_path / f"a.{extension}", tmp_path / "b.tif"
    assert gamut("reduce", source, reduced, "--preset", "fast").code == 0
    assert gamut("expand", reduced, restored).code == 0
    assert tifffile.imread(restored).shape == (height, width, 3)


@pytest.mark.parametrize("command", ["reduce", "expand"])
def test_targets_that_cannot_be_written(gamut: Gamut, album: Path, tmp_path: Path, command: str) -> None:
    source = album / ("photo.tif" if command == "reduce" else "photo.jpg")
    extension = "jpg" if command == "reduce" else "tif"
    (tmp_path / f"folder.{extension}").mkdir()
    (tmp_path / "file").write_bytes(b"")
    before = sorted(tmp_path.rglob("*"))
    for target, hint in (
        (tmp_path / f"folder.{extension}", "folder"),
        (tmp_path / "missing" / f"a.{extension}", "does not exist"),
        (tmp_path / "file" / f"a.{extension}", ""),
    ):
        assert_one_line(gamut(command, source, target), target, hint)
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="the superuser may write everywhere")
def test_a_folder_that_is_read_only(gamut: Gamut, album: Path, tmp_path: Path) -> None:
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o500)
    outcome = gamut("expand", album / "photo.jpg", locked / "a.tif")
    assert_one_line(outcome, locked / "a.tif", "not writable")


@pytest.mark.parametrize("command", ["reduce", "expand"])
def test_an_existing_target_is_kept(gamut: Gamut, album: Path, tmp_path: Path, command: str) -> None:
    source, target = (
        (album / "photo.tif", tmp_path / "a.jpg") if command == "reduce" else (album / "photo.jpg", tmp_path / "a.tif")
    )
    target.write_bytes(b"precious")
    assert_one_line(gamut(command, source, target), target, "--overwrite")
    assert target.read_bytes() == b"precious"
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.skipif(Path("/dev/nvidiactl").exists(), reason="there is one")
def test_no_cuda_device_is_one_line(gamut: Gamut, album: Path, tmp_path: Path) -> None:
    outcome = gamut("expand", album / "photo.jpg", tmp_path / "a.tif", "--device", "cuda")
    assert outcome.code == 1
    assert outcome.err.count("\n") == 1
    assert "--device cpu" in outcome.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.name != "posix", reason="pipes and devices of POSIX")
@pytest.mark.parametrize("command", ["info", "expand", "reduce", "strip", "view"])
def test_what_is_no_file_is_not_waited_for(gamut: Gamut, tmp_path: Path, command: str) -> None:
    """A pipe into which nobody writes, and a device without an end, under the names of pictures."""
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "zero.png").symlink_to("/dev/zero")
    out = tmp_path / "out.png"
    rest = {"info": [], "view": ["-o", out.with_suffix(".html")]}.get(command, [out])
    for name in ("pipe.png", "zero.png"):
        outcome = gamut(command, tmp_path / name, *rest)
        assert outcome.code == 1
        assert f"{name}: is a pipe or a device" in outcome.err
