"""`gamut batch`: folders in, folders out, and what is done is not done again."""

from __future__ import annotations

import io
import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

import click
import pytest

import gamutcli
from gamutcli.batch.manifest import FOLDER
from gamutcli.cli import gamut as root
from tests.support.batches import files_of, lines_of, objects, plain_picture, shoot, times_of, wide_picture
from tests.support.commands import Gamut

FAST = ("--preset", "fast", "-j", "1")


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Three pictures in two folders, one with colours that sRGB cannot hold."""
    plain_picture(tmp_path / "photos/a.tif")
    plain_picture(tmp_path / "photos/day/b.TIF", 1)
    wide_picture(tmp_path / "photos/day/c.tif")
    return tmp_path / "photos"


def states(outcome: Any) -> dict[str, str]:
    """What became of each result."""
    return {Path(told["file"]).name: told["state"] for told in objects(outcome.out) if "file" in told}


def test_results_are_what_the_single_command_writes_in_the_same_folders(
    gamut: Gamut, photos: Path, tmp_path: Path
) -> None:
    outcome = gamut("batch", "reduce", photos, "-o", tmp_path / "web", *FAST, "--quality", "90")
    assert outcome.code == 0
    assert outcome.err == "gamut: warning: 2 pictures: no colour was clipped: the payload holds no network\n"
    assert list(files_of(tmp_path / "web")) == ["a.jpg", "day/b.jpg", "day/c.jpg"]
    gamut("reduce", photos / "day/c.tif", tmp_path / "c.jpg", "--preset", "fast", "--quality", "90")
    assert (tmp_path / "web/day/c.jpg").read_bytes() == (tmp_path / "c.jpg").read_bytes()
    lines = outcome.out.splitlines()
    assert lines[0].startswith(f"done {tmp_path}/web/a.jpg: every colour fits into sRGB, ")
    assert "out of gamut" in lines[2]
    assert [line.split() for line in lines[3:7]] == [["done", "3"], ["skipped", "0"], ["failed", "0"], ["refused", "0"]]


def test_json_lines_have_the_fields_of_the_single_command(gamut: Gamut, photos: Path, tmp_path: Path) -> None:
    *pictures, end = objects(gamut("batch", "reduce", photos, "-o", tmp_path / "web", *FAST, "--json").out)
    single = gamut("reduce", photos / "a.tif", tmp_path / "a.jpg", "--preset", "fast", "--json").json
    assert set(single) < set(pictures[0])
    assert {told["state"] for told in pictures} == {"done"}
    assert end["counts"] == {"done": 3, "skipped": 0, "failed": 0, "refused": 0}
    assert (end["exit_code"], end["stopped"], end["pixels"]) == (0, "", 3 * 16 * 24)


@pytest.mark.parametrize("without_manifest", [False, True], ids=["as written down", "as a look shows"])
def test_what_is_done_is_skipped(gamut: Gamut, photos: Path, tmp_path: Path, without_manifest: bool) -> None:
    words = ("batch", "reduce", photos, "-o", tmp_path / "web", *FAST)
    gamut(*words)
    before = times_of(tmp_path / "web")
    if without_manifest:
        shutil.rmtree(tmp_path / "web" / FOLDER)
    outcome = gamut(*words, "--json")
    assert outcome.code == 0
    assert set(states(outcome).values()) == {"skipped"}
    assert times_of(tmp_path / "web") == before
    if without_manifest:  # it has cost one look, and is written down again
        assert gamut(*words).out.count("done before\n") == 3


@pytest.mark.parametrize("without_manifest", [False, True], ids=["as written down", "as a look shows"])
@pytest.mark.parametrize("change", ["source", "quality", "metadata", "network"])
def test_what_has_changed_is_reported_and_made_again_with_overwrite(
    gamut: Gamut, photos: Path, tmp_path: Path, change: str, without_manifest: bool
) -> None:
    (photos / "a.tif").unlink()
    words = ("batch", "reduce", photos, "-o", tmp_path / "web", *FAST)
    gamut(*words)
    before = files_of(tmp_path / "web")
    if without_manifest:
        shutil.rmtree(tmp_path / "web" / FOLDER)
    if change == "source":
        plain_picture(photos / "day/c.tif", 5)
    more = {"quality": ("--quality", "80"), "metadata": ("--carrier", "exif"), "network": ("--preset", "paper")}
    changed = (*words, *more.get(change, ()))
    outcome = gamut(*changed)
    assert outcome.code == 1
    assert f"gamut: error: {tmp_path}/web/day/c.jpg: " in outcome.err
    assert "--overwrite makes it again" in outcome.err
    assert files_of(tmp_path / "web") == before
    if change == "network":
        return  # takes its time
    assert gamut(*changed, "--overwrite").code == 0
    assert files_of(tmp_path / "web")["day/c.jpg"] != before["day/c.jpg"]
    assert gamut(*changed).code == 0


def test_a_source_that_was_only_touched_has_not_changed(gamut: Gamut, photos: Path, tmp_path: Path) -> None:
    words = ("batch", "reduce", photos, "-o", tmp_path / "web", *FAST)
    gamut(*words)
    os.utime(photos / "a.tif", (1, 1))
    assert set(states(gamut(*words, "--json")).values()) == {"skipped"}


def test_a_result_that_is_gone_or_damaged_is_not_done(gamut: Gamut, photos: Path, tmp_path: Path) -> None:
    words = ("batch", "reduce", photos, "-o", tmp_path / "web", *FAST)
    gamut(*words)
    (tmp_path / "web/a.jpg").unlink()
    damaged = tmp_path / "web/day/b.jpg"
    damaged.write_bytes(damaged.read_bytes()[:-100])
    outcome = gamut(*words, "--json")
    assert states(outcome) == {"a.jpg": "done", "b.jpg": "refused", "c.jpg": "skipped"}
    assert states(gamut(*words, "--json", "--overwrite")) == {"a.jpg": "skipped", "b.jpg": "done", "c.jpg": "skipped"}


def test_a_payload_that_was_taken_out_is_noticed(gamut: Gamut, photos: Path, tmp_path: Path) -> None:
    words = ("batch", "reduce", photos, "-o", tmp_path / "web", *FAST)
    gamut(*words)
    picture = tmp_path / "web/day/c.jpg"
    data = picture.read_bytes()
    picture.write_bytes(data.replace(b"gamut1:1/1", b"gamut0:1/1"))
    outcome = gamut(*words)
    assert outcome.code == 1
    assert f"{picture}: holds no payload that can be read, though it was made here" in outcome.err


def test_a_file_of_another_origin_is_never_replaced_unasked(gamut: Gamut, photos: Path, tmp_path: Path) -> None:
    (tmp_path / "web").mkdir()
    (tmp_path / "web/a.jpg").write_bytes(b"mine")
    words = ("batch", "reduce", photos, "-o", tmp_path / "web", *FAST)
    outcome = gamut(*words)
    assert outcome.code == 1
    assert "web/a.jpg: exists already and holds no payload" in outcome.err
    assert (tmp_path / "web/a.jpg").read_bytes() == b"mine"
    assert gamut(*words, "--overwrite").code == 0


def test_failures_are_told_again_and_tried_again_only_when_asked(gamut: Gamut, photos: Path, tmp_path: Path) -> None:
    bad = photos / "bad.tif"
    bad.write_bytes(b"II*\0 no picture")
    words = ("batch", "reduce", photos, "-o", tmp_path / "web", *FAST)
    first = gamut(*words)
    assert first.code == 1
    assert first.err.startswith(f"gamut: error: {bad}: ")
    again = gamut(*words, "--json")
    assert (again.code, states(again)["bad.jpg"]) == (1, "failed")
    assert "failed before; --retry-failed tries again" in again.err
    (end,) = (told["counts"] for told in objects(again.out) if "counts" in told)
    assert end == {"done": 0, "skipped": 3, "failed": 1, "refused": 0}
    assert gamut(*words, "--retry-failed").err == first.err.splitlines(keepends=True)[0]
    plain_picture(bad)  # another source: it has never failed
    assert gamut(*words).code == 0


def test_it_stops_after_so_many_failures(gamut: Gamut, tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    for number in range(9):
        (tmp_path / f"photos/{number}.tif").write_bytes(b"II*\0")
    outcome = gamut("batch", "reduce", tmp_path / "photos", "-o", tmp_path / "web", *FAST, "--max-failures", "3")
    assert outcome.code == 1
    assert outcome.err.count("error") == 4
    assert "3 failed, as many as --max-failures allows" in outcome.err
    assert len([line for line in lines_of(tmp_path / "web") if line["state"] == "failed"]) == 3


def test_two_that_would_become_one_file_are_told_apart(gamut: Gamut, photos: Path, tmp_path: Path) -> None:
    shutil.copy(photos / "a.tif", photos / "a.tiff")
    outcome = gamut("batch", "reduce", photos, "-o", tmp_path / "web", *FAST)
    assert outcome.code == 1
    assert f"{photos}/a.tiff: another picture is written to {tmp_path}/web/a.jpg" in outcome.err
    named = gamut("batch", "reduce", photos, "-o", tmp_path / "named", *FAST, "--name", "{stem}-{kind}{suffix}")
    assert named.code == 0
    assert {"a-tif.jpg", "a-tiff.jpg"} < set(files_of(tmp_path / "named"))


def test_a_picture_that_is_named_twice_is_done_once(gamut: Gamut, photos: Path, tmp_path: Path) -> None:
    outcome = gamut("batch", "reduce", photos, photos / "a.tif", "-o", tmp_path / "web", *FAST, "--json")
    assert objects(outcome.out)[-1]["counts"] == {"done": 3, "skipped": 0, "failed": 0, "refused": 0}


def test_three_shards_are_one_run(gamut: Gamut, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    photos = shoot(tmp_path / "photos", 8)
    wide_picture(photos / "wide.tif")
    gamut("batch", "reduce", photos, "-o", tmp_path / "one", *FAST)
    for index in (1, 2, 3):
        outcome = gamut("batch", "reduce", photos, "-o", tmp_path / "three", *FAST, "--shard", f"{index}/3")
        assert outcome.code == 0
    assert files_of(tmp_path / "three") == files_of(tmp_path / "one")
    monkeypatch.setenv("JOB_COMPLETION_INDEX", "1")
    monkeypatch.setenv("JOB_COMPLETIONS", "3")
    outcome = gamut("batch", "reduce", photos, "-o", tmp_path / "part", *FAST)
    assert "part 2/3 of the pictures, as JOB_COMPLETION_INDEX says" in outcome.err
    assert 0 < len(files_of(tmp_path / "part")) < 9
    gamut("batch", "reduce", photos, "-o", tmp_path / "part", *FAST, "--shard", "1/1")
    assert files_of(tmp_path / "part") == files_of(tmp_path / "one")


@pytest.mark.parametrize("null", [False, True])
def test_names_on_standard_input(
    gamut: Gamut, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, null: bool
) -> None:
    names = [str(photos / "a.tif"), str(photos / "day/b.TIF")]
    end = "\0" if null else "\n"
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(end.join(names).encode())))
    words = ("-", "--base", photos, "-o", tmp_path / "web", *FAST, *(("-0",) if null else ()))
    assert gamut("batch", "reduce", *words).code == 0
    assert list(files_of(tmp_path / "web")) == ["a.jpg", "day/b.jpg"]


def test_results_may_go_below_the_sources(gamut: Gamut, photos: Path) -> None:
    words = ("batch", "reduce", photos, "-o", photos / "web", *FAST, "--ext", "png")
    assert gamut(*words).code == 0
    again = gamut(*words, "--json")
    assert objects(again.out)[-1]["counts"] == {"done": 0, "skipped": 3, "failed": 0, "refused": 0}


def test_there_and_back_and_judged(gamut: Gamut, photos: Path, tmp_path: Path) -> None:
    gamut("batch", "reduce", photos, "-o", tmp_path / "web", *FAST)
    expanded = gamut("batch", "expand", tmp_path / "web", "-o", tmp_path / "back", "-j", "1", "--compression", "zstd")
    assert (expanded.code, list(files_of(tmp_path / "back"))) == (0, ["a.tif", "day/b.tif", "day/c.tif"])
    gamutcli.expand_image(tmp_path / "web/day/c.jpg", tmp_path / "c.tif", compression="zstd")
    assert (tmp_path / "back/day/c.tif").read_bytes() == (tmp_path / "c.tif").read_bytes()
    words = ("batch", "eval", tmp_path / "web", "--gt", photos, "-o", tmp_path / "figures", "-j", "1")
    judged = gamut(*words, "--json")
    assert judged.code == 0
    told = {Path(one["file"]).name: one for one in objects(judged.out) if "plain" in one}
    figures = json.loads((tmp_path / "figures/day/c.json").read_text())
    assert told["c.json"]["restored"] == figures["restored"]
    assert figures["restored"]["psnr_og"] > figures["plain"]["psnr_og"] + 3
    for command in (
        words,
        ("batch", "expand", tmp_path / "web", "-o", tmp_path / "back", "-j", "1", "--compression", "zstd"),
    ):
        shutil.rmtree(Path(command[command.index("-o") + 1]) / FOLDER)
        assert set(states(gamut(*command, "--json")).values()) == {"skipped"}


def test_eval_tells_which_has_no_original(gamut: Gamut, photos: Path, tmp_path: Path) -> None:
    gamut("batch", "reduce", photos, "-o", tmp_path / "web", *FAST)
    (photos / "a.tif").unlink()
    outcome = gamut("batch", "eval", tmp_path / "web", "--gt", photos, "-o", tmp_path / "f", "-j", "1", "--ext", "html")
    assert outcome.code == 1
    assert (
        outcome.err
        == f"gamut: error: {tmp_path}/web/a.jpg: has no original in {photos}; it would be named a.tif or the like.\n"
    )
    assert (tmp_path / "f/day/c.html").read_text().startswith("<!DOCTYPE html>")


def test_a_dry_run_says_what_would_be_done_and_touches_nothing(gamut: Gamut, photos: Path, tmp_path: Path) -> None:
    words = ("batch", "reduce", photos, "-o", tmp_path / "web", *FAST)
    outcome = gamut(*words, "--dry-run")
    assert outcome.code == 0
    assert outcome.out.count(f"would reduce {photos}/") == 3
    assert f"with one picture at a time, as {photos}/" in outcome.out
    assert not (tmp_path / "web").exists()
    gamut(*words)
    (tmp_path / "web/a.jpg").unlink()
    before = sorted((tmp_path / "web").rglob("*"))
    *_, end = objects(gamut(*words, "--dry-run", "--json").out)
    assert (end["counts"]["make"], end["counts"]["skipped"]) == (1, 2)
    assert end["basis"] == "as 3 done before took"
    assert end["seconds"] > 0
    assert sorted((tmp_path / "web").rglob("*")) == before


@pytest.mark.parametrize("words", [("empty",), ("photos", "--include", "*.xyz")])
def test_no_picture_is_an_error(gamut: Gamut, photos: Path, tmp_path: Path, words: tuple[str, ...]) -> None:
    (tmp_path / "empty").mkdir()
    outcome = gamut("batch", "reduce", tmp_path / words[0], *words[1:], "-o", tmp_path / "web", *FAST)
    assert outcome.code == 2
    assert "no picture was found" in outcome.err
    assert not (tmp_path / "web").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("gone", "-o", "web"), "does not exist"),
        (("photos", "-o", "photos"), "is a source too"),
        (("photos", "-o", "web", "--shard", "3/2"), "no part of a whole"),
        (("photos", "-o", "web", "--name", "x{suffix}"), "same name"),
        (("photos", "-o", "web", "-0"), "-0: is about names on standard input"),
        (("photos",), "Missing option '-o'"),
    ],
)
def test_what_cannot_be_used(
    gamut: Gamut, photos: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], said: str
) -> None:
    monkeypatch.chdir(photos.parent)
    outcome = gamut("batch", "reduce", *words, *FAST)
    assert outcome.code == 2
    assert said in outcome.err
    assert len(outcome.err.splitlines()) == 1


def test_a_file_in_place_of_the_folder_of_results(gamut: Gamut, photos: Path, tmp_path: Path) -> None:
    outcome = gamut("batch", "reduce", photos, "-o", photos / "a.tif", *FAST)
    assert (outcome.code, "is no folder" in outcome.err) == (1, True)
    below = gamut("batch", "reduce", photos, "-o", photos / "a.tif/web", *FAST)
    assert (below.code, below.err) == (1, f"gamut: error: {photos}/a.tif: is no folder; name another with -o.\n")


@pytest.mark.skipif(os.name == "nt", reason="names of Unix")
def test_a_line_is_a_picture_whatever_is_in_its_name(gamut: Gamut, tmp_path: Path) -> None:
    plain_picture(tmp_path / "photos/new\nline.tif")
    (tmp_path / "photos/\x1b[31mred.tif").write_bytes(b"II*\0")
    words = ("batch", "reduce", tmp_path / "photos", "-o", tmp_path / "web", *FAST)
    assert "would reduce" in gamut(*words, "--dry-run").out.splitlines()[1]
    outcome = gamut(*words)
    assert outcome.out.splitlines()[0].startswith(f"done {tmp_path}/web/new\\nline.jpg: ")
    assert outcome.err.splitlines()[0].startswith(f"gamut: error: {tmp_path}/photos/\\x1b[31mred.tif: ")
    assert objects(gamut(*words, "--json").out)[1]["file"] == f"{tmp_path}/web/new\nline.jpg"
    assert "\x1b" not in gamut("audit", tmp_path / "photos", "-j", "1").out


@pytest.mark.parametrize("command", ["reduce", "expand", "eval"])
def test_every_option_of_the_single_command_can_be_given(command: str) -> None:
    of_one = {"output", "map_file", "report_file"}
    batch = root.commands["batch"]
    assert isinstance(batch, click.Group)
    single = {p.name for p in root.commands[command].params if isinstance(p, click.Option)}
    many = {p.name for p in batch.commands[command].params}
    assert single - of_one <= many


def test_the_time_of_sources_can_be_kept(gamut: Gamut, photos: Path, tmp_path: Path) -> None:
    os.utime(photos / "a.tif", (1_000_000_000, 1_000_000_000))
    words = ("batch", "reduce", photos, "-o", tmp_path / "web", *FAST, "-p", "--include", "a.*")
    gamut(*words)
    assert (tmp_path / "web/a.jpg").stat().st_mtime == 1_000_000_000
    assert states(gamut(*words, "--json")) == {"a.jpg": "skipped"}


def test_quiet_says_errors_only(gamut: Gamut, photos: Path, tmp_path: Path) -> None:
    (photos / "bad.tif").write_bytes(b"II*\0")
    outcome = gamut("batch", "reduce", photos, "-o", tmp_path / "web", *FAST, "-q")
    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.err.count("\n") == 1
