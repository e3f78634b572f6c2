"""The scripts that editors of photographs call do what they say; where an editor is here, it is the one that calls."""

from __future__ import annotations

import os
import re
import shlex
import shutil
from pathlib import Path

import click
import pytest

import gamutcli
from gamutcli.cli import gamut as root
from tests.support.batches import files_of, plain_picture, wide_picture
from tests.support.launchers import attempt, call, install
from tests.support.markdown import ROOT
from tests.support.pictures import sample_crop, write_tiff

EDITOR = ROOT / "examples/editor"

pytestmark = pytest.mark.skipif(os.name == "nt", reason="scripts of Unix")


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with two pictures that were exported, under names as people give them, and `gamut` in .bin/."""
    wide_picture(tmp_path / "it's an export/photo 1.tif")
    plain_picture(tmp_path / "it's an export/day/$HOME.tif")
    install(tmp_path)
    return tmp_path


def parsed(words: list[str]) -> dict[str, object]:
    """What click makes of a command line."""
    command: click.Command = root
    context = click.Context(root)
    while isinstance(command, click.Group):
        _, child, words = command.resolve_command(context, words)
        assert child is not None
        command = child
    return command.make_context(command.name, [*words]).params


def test_after_an_export_its_files_are_reduced_beside_them(place: Path) -> None:
    exported = place / "it's an export"
    call(place, EDITOR / "after-export.sh", exported / "photo 1.tif", exported / "day/$HOME.tif")
    assert {"photo 1.jpg", "day/$HOME.jpg", "gamut.log"} == set(files_of(exported / "reduced"))
    assert gamutcli.inspect_image(exported / "reduced/photo 1.jpg").status == "ok"
    assert "done " in (exported / "reduced/gamut.log").read_text()


def test_an_export_that_is_repeated_is_made_again(place: Path) -> None:
    photo = place / "it's an export/photo 1.tif"
    call(place, EDITOR / "after-export.sh", photo)
    before = files_of(photo.parent / "reduced")["photo 1.jpg"]
    plain_picture(photo)
    call(place, EDITOR / "after-export.sh", photo)
    assert files_of(photo.parent / "reduced")["photo 1.jpg"] != before


@pytest.mark.parametrize(("script", "words"), [("after-export.sh", ()), ("rawtherapee.sh", ("web",))])
def test_without_files_a_script_says_its_use(place: Path, script: str, words: tuple[str, ...]) -> None:
    done = attempt(place, EDITOR / script, *words)
    assert (done.returncode, done.stderr.startswith(f"usage: {script} ")) == (2, True)


def test_an_export_that_cannot_be_reduced_is_no_success_and_the_log_says_why(place: Path) -> None:
    (bad := place / "bad.tif").write_bytes(b"II*\0")
    assert attempt(place, EDITOR / "after-export.sh", bad).returncode == 1
    assert "bad.tif: " in (place / "reduced/gamut.log").read_text()


def test_the_script_for_windows_says_what_gamut_understands() -> None:
    """No interpreter of such scripts is here: what it makes of its arguments is put in as documented."""
    data = (EDITOR / "after-export.bat").read_bytes()
    assert data.count(b"\r\n") == data.count(b"\n")  # as that interpreter wants it
    (line,) = re.findall(r"^gamut (.*?)\r$", data.decode("ascii"), re.MULTILINE)
    files, folder = ["C:/my exports/a b.tif", "C:/my exports/c.tif"], "C:/my exports/"
    words = shlex.split(line.replace("%*", shlex.join(files)).replace("%~dp1", folder))
    given = parsed(words)
    assert given["sources"] == tuple(files)
    assert (given["base"], given["output"]) == (Path("C:/my exports/."), Path("C:/my exports/reduced"))
    assert given["overwrite"] is True


def test_the_line_for_digikam_with_the_names_that_it_puts_in(place: Path) -> None:
    line = (EDITOR / "digikam.txt").read_text()
    out = place / "BatchTool.digikamtempfile.jpg"
    out.touch()  # as digiKam makes it before
    named = line.replace("$INPUT", f'"{place}/it\'s an export/photo 1.tif"').replace("$OUTPUT", f'"{out}"')
    call(place, "sh", "-c", named)
    assert gamutcli.inspect_image(out).status == "ok"


@pytest.mark.skipif(shutil.which("rawtherapee-cli") is None, reason="no RawTherapee")
def test_rawtherapee_develops_in_a_wide_space_and_what_it_wrote_is_reduced(place: Path) -> None:
    photo = write_tiff(place / "it's an export/dahlia.tif", sample_crop("dahlia", 140, 250))
    call(place, EDITOR / "rawtherapee.sh", place / "web", photo, HOME=str(place))
    assert gamutcli.inspect_image(place / "web/dahlia.jpg").hidden > 0, "no colour was outside sRGB"


def test_the_script_for_rawtherapee_is_one(place: Path) -> None:
    call(place, "sh", "-n", EDITOR / "rawtherapee.sh")
    assert (EDITOR / "rawtherapee-wide.pp3").read_text() == "[Color Management]\nOutputProfile=RTv4_Large\n"


@pytest.mark.skipif(not (luac := shutil.which("luac") or shutil.which("luac5.4")), reason="no Lua")
def test_the_script_for_darktable_is_lua(place: Path) -> None:
    assert luac is not None
    call(place, luac, "-p", EDITOR / "gamut.lua")


@pytest.mark.skipif(shutil.which("darktable-cli") is None, reason="no darktable")
def test_darktable_hands_an_export_to_gamut(place: Path) -> None:
    """Without a window there is no export module: what it would call is called when a picture has been exported."""
    photo = write_tiff(place / "it's an export/dahlia.tif", sample_crop("dahlia", 140, 250))
    handler = (
        f'local gamut = dofile("{EDITOR / "gamut.lua"}") '
        'require("darktable").register_event("through", "intermediate-export-image", '
        "function(event, image, exported, format, storage) "
        "gamut.store(storage, image, format, exported, 1, 1, true, {}) end)"
    )
    exported = place / "to/dahlia.tif"
    exported.parent.mkdir()
    core = ("--core", "--configdir", place / "config", "--library", ":memory:", "--luacmd", handler)
    depth = ("--conf", "plugins/imageio/format/tiff/bpp=16")
    said = call(place, "darktable-cli", photo, exported, "--icc-type", "PROPHOTO_RGB", *core, *depth, HOME=str(place))
    assert "out of gamut" in said
    assert gamutcli.inspect_image(photo.parent / "gamut/dahlia.jpg").hidden > 0
    assert not exported.exists(), "what was exported was temporary"
