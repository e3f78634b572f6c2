"""Addresses in place of file names: pictures come from buckets and go into them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.batches import files_of, objects, plain_picture, wide_picture
from tests.support.commands import Gamut

fsspec = pytest.importorskip("fsspec")

FAST = ("--preset", "fast")


class Memory:
    """The files of memory://."""

    def __init__(self) -> None:
        self.files = fsspec.filesystem("memory")

    def put(self, path: Path, key: str) -> str:
        """Put a file under a key; its address."""
        self.files.pipe_file(f"/{key}", path.read_bytes())
        return f"memory://{key}"

    def keys(self, below: str = "") -> list[str]:
        """All keys, but for those of manifests."""
        found = (key.lstrip("/") for key in self.files.find(f"/{below}"))
        return sorted(key for key in found if ".gamut-batch" not in key)

    def read(self, key: str) -> bytes:
        data: bytes = self.files.cat_file(f"/{key}")
        return data


@pytest.fixture
def memory() -> Iterator[Memory]:
    made = Memory()
    made.files.store.clear()
    made.files.pseudo_dirs[:] = [""]
    yield made
    made.files.store.clear()


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    return wide_picture(tmp_path / "photo.tif")


def test_one_picture_there_and_back_and_judged(gamut: Gamut, memory: Memory, photo: Path, tmp_path: Path) -> None:
    source = memory.put(photo, "in/photo.tif")
    reduced = gamut("reduce", source, "memory://out/photo.jpg", *FAST, "--json")
    assert (reduced.code, reduced.err) == (0, "")
    assert (reduced.json["source"], reduced.json["file"]) == (source, "memory://out/photo.jpg")
    gamut("reduce", photo, tmp_path / "photo.jpg", *FAST)
    assert memory.read("out/photo.jpg") == (tmp_path / "photo.jpg").read_bytes()

    told = gamut("info", "memory://out/photo.jpg")
    assert told.out.startswith("memory://out/photo.jpg\n")
    expanded = gamut("expand", "memory://out/photo.jpg", "memory://back/photo.tif")
    assert expanded.out.startswith("memory://out/photo.jpg -> memory://back/photo.tif: ")
    judged = gamut("eval", "memory://out/photo.jpg", "--gt", "memory://in", "--json")
    assert judged.json["reference"] == source
    assert judged.json["restored"]["psnr_og"] > judged.json["plain"]["psnr_og"]


def test_what_eval_draws_and_writes_goes_into_a_bucket_too(
    gamut: Gamut, memory: Memory, photo: Path, tmp_path: Path
) -> None:
    source = memory.put(photo, "in/photo.tif")
    gamut("reduce", source, "memory://out/photo.jpg", *FAST)
    words = ("eval", "memory://out/photo.jpg", "--gt", "memory://in")
    judged = gamut(*words, "--map", "memory://seen/map.png", "--report", "memory://seen/page.html")
    assert (judged.code, judged.err) == (0, "")
    (tmp_path / "here.jpg").write_bytes(memory.read("out/photo.jpg"))
    local = ("--map", tmp_path / "map.png", "--report", tmp_path / "page.html")
    assert gamut("eval", tmp_path / "here.jpg", "--gt", photo, *local).code == 0
    assert memory.read("seen/map.png") == (tmp_path / "map.png").read_bytes()
    assert memory.read("seen/page.html").decode() == (tmp_path / "page.html").read_text().replace(
        "here.jpg", "photo.jpg"
    )
    again = gamut(*words, "--map", "memory://seen/other.png", "--report", "memory://seen/page.html")
    assert (again.code, again.err) == (
        1,
        "gamut: error: memory://seen/page.html: exists already; use --overwrite to replace it.\n",
    )
    assert memory.keys("seen") == ["seen/map.png", "seen/page.html"], "both or none"


def test_a_page_of_several_pictures_in_a_bucket_leaves_out_what_cannot_be_compared(
    gamut: Gamut, memory: Memory, photo: Path, tmp_path: Path
) -> None:
    for name in ("a", "b"):
        memory.put(photo, f"in/{name}.tif")
        gamut("reduce", photo, f"memory://out/{name}.jpg", *FAST)
    pictures = [f"memory://out/{name}.jpg" for name in ("a", "b", "c")]
    judged = gamut("eval", *pictures, "--gt", "memory://in", "--report", "memory://page.html", "--json")
    assert judged.code == 1
    assert [told.get("error", "") == "" for told in json.loads(judged.out)] == [True, True, False]
    page = memory.read("page.html").decode()
    assert (page.count('id="picture-'), "c.jpg" in page) == (2, False)
    gamut("eval", *pictures[2:], pictures[2], "--gt", "memory://in", "--report", "memory://none.html")
    assert not memory.files.exists("/none.html")


def test_a_page_to_look_at_pictures_of_a_bucket(gamut: Gamut, memory: Memory, photo: Path, tmp_path: Path) -> None:
    gamut("reduce", photo, "memory://out/photo.jpg", *FAST, "--carrier", "sidecar")
    shown = gamut("view", "memory://out/photo.jpg", "-o", "memory://out/page.html")
    assert (shown.code, shown.out, shown.err) == (0, "memory://out/page.html\n", "")
    gamut("reduce", photo, tmp_path / "photo.jpg", *FAST, "--carrier", "sidecar")
    gamut("view", tmp_path / "photo.jpg", "-o", tmp_path / "page.html")
    assert memory.read("out/page.html") == (tmp_path / "page.html").read_bytes()
    assert gamut("view", "memory://out/photo.jpg", "-o", "memory://out/page.html").code == 1
    (tmp_path / "bad").write_bytes(b"no picture")
    bad = gamut("view", memory.put(tmp_path / "bad", "bad.jpg"), "--no-open")
    assert (bad.code, bad.err.startswith("gamut: error: memory://bad.jpg: ")) == (1, True)


def test_only_one_end_may_be_remote(gamut: Gamut, memory: Memory, photo: Path, tmp_path: Path) -> None:
    assert gamut("reduce", photo, "memory://out/photo.jpg", *FAST).code == 0
    assert gamut("expand", "memory://out/photo.jpg", tmp_path / "back.tif").code == 0
    assert gamut("eval", "memory://out/photo.jpg", "--gt", photo).code == 0
    assert gamut("reduce", photo, "-o", "memory://web", *FAST, "--ext", "png").code == 0
    assert memory.keys() == ["out/photo.jpg", "web/photo.png"]


def test_a_sidecar_goes_with_its_picture(gamut: Gamut, memory: Memory, photo: Path) -> None:
    assert gamut("reduce", photo, "memory://out/photo.jpg", *FAST, "--carrier", "sidecar").code == 0
    assert memory.keys() == ["out/photo.jpg", "out/photo.jpg.gamut"]
    assert json.loads(gamut("info", "memory://out/photo.jpg", "--json").out)["carrier"] == "sidecar"
    assert gamut("expand", "memory://out/photo.jpg", "memory://out/back.tif").code == 0
    assert {told["file"]: told["status"] for told in objects(gamut("audit", "memory://out", "--json").out)[:-1]} == {
        "memory://out/back.tif": "none",
        "memory://out/photo.jpg": "ok",
    }


def test_an_existing_key_is_never_replaced_unasked(gamut: Gamut, memory: Memory, photo: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("mine")
    memory.put(tmp_path / "mine", "out/photo.jpg")
    outcome = gamut("reduce", photo, "memory://out/photo.jpg", *FAST)
    assert outcome.code == 1
    assert outcome.err == "gamut: error: memory://out/photo.jpg: exists already; use --overwrite to replace it.\n"
    assert memory.read("out/photo.jpg") == b"mine"
    assert gamut("reduce", photo, "memory://out/photo.jpg", *FAST, "--overwrite").code == 0


def test_errors_name_addresses_and_the_next_file_has_its_turn(
    gamut: Gamut, memory: Memory, photo: Path, tmp_path: Path
) -> None:
    (tmp_path / "bad").write_bytes(b"II*\0")
    bad = memory.put(tmp_path / "bad", "bad.tif")
    outcome = gamut("reduce", "memory://gone.tif", bad, photo, "-o", "memory://web", *FAST)
    assert outcome.code == 1
    first, second, last = outcome.err.splitlines()
    assert first == "gamut: error: memory://gone.tif: is not there, or no file; check the address."
    assert second.startswith("gamut: error: memory://bad.tif: ")
    assert last == "gamut: error: 2 of 3 files failed"
    assert memory.keys("web") == ["web/photo.jpg"]


def states(outcome: Any) -> dict[str, str]:
    return {told["file"]: told["state"] for told in objects(outcome.out) if "file" in told}


@pytest.fixture
def photos(memory: Memory, tmp_path: Path) -> str:
    for name in ("a.tif", "day/b.TIF", ".hidden/c.tif", "notes.txt"):
        memory.put(plain_picture(tmp_path / "photo.tif", len(name)), f"photos/{name}")
    memory.put(wide_picture(tmp_path / "photo.tif"), "photos/day/deep/wide.tif")
    return "memory://photos"


def test_a_folder_of_a_bucket(gamut: Gamut, memory: Memory, photos: str, tmp_path: Path) -> None:
    words = ("batch", "reduce", photos, "-o", "memory://web", *FAST, "--json")
    outcome = gamut(*words)
    assert outcome.code == 0, outcome.err
    assert memory.keys("web") == ["web/a.jpg", "web/day/b.jpg", "web/day/deep/wide.jpg"]
    assert states(outcome) == dict.fromkeys((f"memory://{key}" for key in memory.keys("web")), "done")

    assert set(states(gamut(*words)).values()) == {"skipped"}
    assert gamut(*words[:-1]).out.count("done before\n") == 3

    local = gamut("batch", "reduce", photos, "-o", tmp_path / "web", *FAST)
    assert local.code == 0, local.err
    assert {f"web/{name}": data for name, data in files_of(tmp_path / "web").items()} == {
        key: memory.read(key) for key in memory.keys("web")
    }
    shards = [gamut(*words[:3], "-o", "memory://part", *FAST, "--shard", f"{index}/2") for index in (1, 2)]
    assert [outcome.code for outcome in shards] == [0, 0]
    assert [memory.read(key) for key in memory.keys("part")] == [memory.read(key) for key in memory.keys("web")]


def test_what_has_changed_is_reported_and_made_again_with_overwrite(
    gamut: Gamut, memory: Memory, photos: str, tmp_path: Path
) -> None:
    words = ("batch", "reduce", photos, "-o", "memory://web", *FAST, "--json")
    gamut(*words)
    before = memory.read("web/a.jpg")
    memory.put(plain_picture(tmp_path / "photo.tif", 99), "photos/a.tif")
    outcome = gamut(*words)
    assert outcome.code == 1
    assert states(outcome)["memory://web/a.jpg"] == "refused"
    assert "memory://web/a.jpg: its source has changed since it was made; --overwrite makes it again" in outcome.err
    assert memory.read("web/a.jpg") == before
    assert states(gamut(*words, "--overwrite"))["memory://web/a.jpg"] == "done"
    assert memory.read("web/a.jpg") != before
    assert set(states(gamut(*words)).values()) == {"skipped"}


def test_without_manifests_or_with_other_bytes_a_result_is_looked_at(gamut: Gamut, memory: Memory, photos: str) -> None:
    words = ("batch", "reduce", photos, "-o", "memory://web", *FAST, "--json")
    gamut(*words)
    memory.files.rm("/web/.gamut-batch", recursive=True)
    assert set(states(gamut(*words)).values()) == {"skipped"}
    data = memory.read("web/a.jpg")
    memory.files.pipe_file("/web/a.jpg", data[:-1] + b"\0")
    assert states(gamut(*words))["memory://web/a.jpg"] == "refused"


def test_a_failure_is_told_again_and_no_key_appears(gamut: Gamut, memory: Memory, photos: str, tmp_path: Path) -> None:
    (tmp_path / "bad").write_bytes(b"II*\0")
    memory.put(tmp_path / "bad", "photos/bad.tif")
    words = ("batch", "reduce", photos, "-o", "memory://web", *FAST, "--json")
    first = gamut(*words)
    assert (first.code, states(first)["memory://web/bad.jpg"]) == (1, "failed")
    assert "memory://photos/bad.tif: " in first.err
    assert "failed before; --retry-failed tries again" in gamut(*words).err
    assert "web/bad.jpg" not in memory.keys("web")


def test_there_and_back_and_judged_in_a_bucket(gamut: Gamut, memory: Memory, photos: str) -> None:
    gamut("batch", "reduce", photos, "-o", "memory://web", *FAST)
    assert gamut("batch", "expand", "memory://web", "-o", "memory://back").code == 0
    assert gamut("batch", "eval", "memory://web", "--gt", photos, "-o", "memory://figures").code == 0
    assert memory.keys("back") == ["back/a.tif", "back/day/b.tif", "back/day/deep/wide.tif"]
    figures = json.loads(memory.read("figures/day/deep/wide.json"))
    assert figures["restored"]["psnr_og"] > figures["plain"]["psnr_og"]
    assert (figures["file"], figures["reference"]) == (
        "memory://web/day/deep/wide.jpg",
        "memory://photos/day/deep/wide.tif",
    )
    memory.files.rm("/figures/.gamut-batch", recursive=True)
    again = gamut("batch", "eval", "memory://web", "--gt", photos, "-o", "memory://figures", "--json")
    assert set(states(again).values()) == {"skipped"}


def test_an_audit_of_a_bucket(gamut: Gamut, memory: Memory, photos: str, tmp_path: Path) -> None:
    gamut("batch", "reduce", photos, "-o", "memory://web", *FAST)
    memory.put(tmp_path / "photo.tif", "web/stray.tif")
    memory.files.pipe_file("/web/gone.jpg.gamut", b"payload")
    memory.files.rm("/web/a.jpg")
    outcome = gamut("audit", "memory://web", "--against", photos, "--json")
    found = {told["file"]: told["status"] for told in objects(outcome.out) if "file" in told}
    assert found == {
        "memory://web/day/b.jpg": "ok",
        "memory://web/day/deep/wide.jpg": "ok",
        "memory://web/gone.jpg.gamut": "orphaned",
        "memory://web/stray.tif": "none",
        "memory://photos/a.tif": "undelivered",
    }


def test_a_dry_run_and_a_pattern_and_names_one_by_one(
    gamut: Gamut, memory: Memory, photos: str, tmp_path: Path
) -> None:
    words = ("batch", "reduce", "memory://photos/day/**/*.tif", "-o", "memory://web", *FAST)
    outcome = gamut(*words, "--dry-run")
    assert "would reduce memory://photos/day/deep/wide.tif -> memory://web/deep/wide.jpg" in outcome.out
    assert memory.keys("web") == []
    named = gamut("batch", "reduce", f"{photos}/day/b.TIF", "--base", photos, "-o", "memory://web", *FAST)
    assert (named.code, memory.keys("web")) == (0, ["web/day/b.jpg"])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("info", "ftp://host/a.jpg"), "ftp://: is no address that is known; there are s3://, gs://, memory://"),
        (("batch", "reduce", "memory://a", "-o", "memory://a"), "is a source too"),
        (("reduce", "memory://a.tif", "b.jpg", "-p"), "has no time that could be set"),
        (("pretrain", "memory://a", "-o", "b.safetensors"), "an address cannot be used here"),
        (("eval", "memory://a.jpg", "--gt", "b.tif", "--map", "memory://m.jpg"), "what is written here is .png"),
        (("view", "memory://a.jpg", "--no-open"), "memory://a.jpg: is not there"),
        (("batch", "reduce", "memory://none", "-o", "memory://web"), "is not there"),
    ],
)
def test_what_cannot_be_used(gamut: Gamut, memory: Memory, words: tuple[str, ...], said: str) -> None:
    outcome = gamut(*words)
    assert said in outcome.err
    assert outcome.code in (1, 2)
    assert len(outcome.err.splitlines()) == 1
