"""Buckets of a real server, which answers with errors, slowly, or half: nothing is lost, and no key holds a part."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gamutcli.errors import OutputError
from gamutcli.storage import remote
from tests.support.batches import files_of, objects, plain_picture, shoot, started, wide_picture
from tests.support.buckets import Server, contents
from tests.support.commands import Gamut

pytest.importorskip("s3fs")
boto3 = pytest.importorskip("boto3")
pytest.importorskip("moto.server")
pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals are of Unix")

FAST = ("--preset", "fast")


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    made = Server()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", made.address)
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patch.setenv(name, "testing")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        patch.delenv("AWS_PROFILE", raising=False)
        yield made
    made.close()


@pytest.fixture
def bucket(server: Server, request: pytest.FixtureRequest) -> Iterator[str]:
    """A bucket of its own, of a server that behaves."""
    server.faults.share = 0.0
    name = f"b{abs(hash(request.node.name)):x}"
    boto3.client("s3").create_bucket(Bucket=name)
    yield name
    server.faults.share = 0.0


def put_all(bucket: str, folder: Path, below: str) -> None:
    client = boto3.client("s3")
    for name, data in files_of(folder).items():
        client.put_object(Bucket=bucket, Key=f"{below}/{name}", Body=data)


def states(out: str) -> list[str]:
    return [told["state"] for told in objects(out) if "file" in told]


def test_one_picture_there_and_back(gamut: Gamut, bucket: str, tmp_path: Path) -> None:
    photo = wide_picture(tmp_path / "photo.tif")
    assert gamut("reduce", photo, f"s3://{bucket}/a b/photo.jpg", *FAST).code == 0
    assert gamut("info", f"s3://{bucket}/a b/photo.jpg").code == 0
    assert gamut("expand", f"s3://{bucket}/a b/photo.jpg", f"s3://{bucket}/back.tif").code == 0
    gamut("reduce", photo, tmp_path / "photo.jpg", *FAST)
    gamut("expand", tmp_path / "photo.jpg", tmp_path / "back.tif")
    assert contents(bucket) == {
        "a b/photo.jpg": (tmp_path / "photo.jpg").read_bytes(),
        "back.tif": (tmp_path / "back.tif").read_bytes(),
    }
    again = gamut("reduce", photo, f"s3://{bucket}/a b/photo.jpg", *FAST)
    assert (again.code, "exists already" in again.err) == (1, True)


def test_processes_work_on_a_bucket_and_skip_what_is_done(gamut: Gamut, bucket: str, tmp_path: Path) -> None:
    shoot(tmp_path / "photos", 6)
    wide_picture(tmp_path / "photos/wide.tif")
    put_all(bucket, tmp_path / "photos", "photos")
    words = ("batch", "reduce", f"s3://{bucket}/photos", "-o", f"s3://{bucket}/web", *FAST, "-j", "2", "--json")
    assert states(gamut(*words).out) == ["done"] * 7
    gamut("batch", "reduce", tmp_path / "photos", "-o", tmp_path / "web", *FAST, "-j", "1")
    assert contents(bucket, "web/") == {f"web/{name}": data for name, data in files_of(tmp_path / "web").items()}
    assert states(gamut(*words).out) == ["skipped"] * 7
    plain_picture(tmp_path / "photos/day0/000.tif", 77)
    put_all(bucket, tmp_path / "photos", "photos")  # the others get a new time, and have the same bytes
    assert sorted(states(gamut(*words).out)) == ["refused"] + ["skipped"] * 6
    assert sorted(states(gamut(*words, "--overwrite").out)) == ["done"] + ["skipped"] * 6
    audited = gamut("audit", f"s3://{bucket}/web", "--json", "-j", "2")
    assert objects(audited.out)[-1] == {"counts": {"ok": 7}}


@pytest.mark.parametrize("kind", ["500", "slow", "cut", "unread", "unheard"])
def test_with_a_server_that_fails_often_nothing_is_lost_and_no_key_holds_a_part(
    gamut: Gamut, server: Server, bucket: str, tmp_path: Path, kind: str
) -> None:
    shoot(tmp_path / "photos", 6)
    put_all(bucket, tmp_path / "photos", "photos")
    gamut("batch", "reduce", tmp_path / "photos", "-o", tmp_path / "web", *FAST, "-j", "1")
    whole = {f"web/{name}": data for name, data in files_of(tmp_path / "web").items()}
    words = ("batch", "reduce", f"s3://{bucket}/photos", "-o", f"s3://{bucket}/web", *FAST, "-j", "2", "--json")
    server.faults.kinds, server.faults.share = (kind,), 0.25
    before = server.faults.count[kind]
    for _ in range(4):
        outcome = gamut(*words)
        assert contents_without_faults(server, bucket).items() <= whole.items()
        if outcome.code == 0:
            break
    assert outcome.code == 0, outcome.err
    assert server.faults.count[kind] > before
    assert contents_without_faults(server, bucket) == whole


#: Each command, as it reads from a bucket and writes into it what a calm server gets.
COMMANDS = (
    ("reduce", "s3://{}/photos/day0/000.tif", "s3://{}/web/a.jpg", "--carrier", "sidecar", *FAST),
    ("expand", "s3://{}/made/wide.jpg", "s3://{}/web/a.tif"),
    (
        *("eval", "s3://{}/made/wide.jpg", "--gt", "s3://{}/photos"),
        *("--map", "s3://{}/web/map.png", "--report", "s3://{}/web/page.html"),
    ),
    ("info", "s3://{}/made/wide.jpg"),
    ("view", "s3://{}/made/wide.jpg", "-o", "s3://{}/web/page.html"),
    ("batch", "expand", "s3://{}/made", "-o", "s3://{}/web", "-j", "2"),
    ("batch", "eval", "s3://{}/made", "--gt", "s3://{}/photos", "-o", "s3://{}/web", "-j", "2"),
    ("audit", "s3://{}/made", "--against", "s3://{}/photos", "-j", "2", "--fail-on", "any"),
)


@pytest.mark.parametrize("words", COMMANDS, ids=lambda words: " ".join(words[: 1 + (words[0] == "batch")]))
def test_every_command_comes_through_a_server_that_fails_often(
    gamut: Gamut, server: Server, bucket: str, tmp_path: Path, words: tuple[str, ...]
) -> None:
    shoot(tmp_path / "photos", 3)
    wide_picture(tmp_path / "photos/wide.tif")
    gamut("batch", "reduce", tmp_path / "photos", "-o", tmp_path / "made", *FAST, "-j", "1")
    put_all(bucket, tmp_path / "photos", "photos")
    put_all(bucket, tmp_path / "made", "made")
    said = [word.format(bucket) for word in words]
    calm = gamut(*said)
    assert calm.code == 0, calm.err
    whole = contents(bucket, "web/")
    boto3.resource("s3").Bucket(bucket).objects.filter(Prefix="web/").delete()
    server.faults.kinds, server.faults.share = ("500", "slow", "cut", "unread", "unheard"), 0.2
    before = sum(server.faults.count[kind] for kind in server.faults.kinds)
    for _ in range(5):
        outcome = gamut(*said, *(["--overwrite"] if "batch" not in said and whole else []))
        assert contents_without_faults(server, bucket).items() <= whole.items()
        assert "Traceback" not in outcome.err
        if outcome.code == 0 and sum(server.faults.count[kind] for kind in server.faults.kinds) > before:
            break
    assert outcome.code == 0, outcome.err
    assert contents_without_faults(server, bucket) == whole
    if not whole:
        assert outcome.out == calm.out


def contents_without_faults(server: Server, bucket: str) -> dict[str, bytes]:
    share, server.faults.share = server.faults.share, 0.0
    found = contents(bucket, "web/")
    server.faults.share = share
    return found


def test_a_server_that_never_answers_well_is_no_fault_of_the_pictures(
    gamut: Gamut, server: Server, bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shoot(tmp_path / "photos", 2)
    words = ("batch", "reduce", tmp_path / "photos", "-o", f"s3://{bucket}/web", *FAST, "-j", "1", "--json")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    remote._of.cache_clear()
    import s3fs

    s3fs.S3FileSystem.clear_instance_cache()
    outcome = gamut(*words)
    assert outcome.code == 1
    assert "cannot be reached" in outcome.err
    assert "Traceback" not in outcome.err
    monkeypatch.undo()
    remote._of.cache_clear()
    s3fs.S3FileSystem.clear_instance_cache()
    assert gamut(*words).code == 0
    assert len(contents(bucket, "web/")) == 2


def test_killed_in_the_middle_the_next_run_goes_on(gamut: Gamut, bucket: str, tmp_path: Path) -> None:
    shoot(tmp_path / "photos", 12)
    words = ("batch", "reduce", tmp_path / "photos", "-o", f"s3://{bucket}/web", *FAST, "-j", "2", "--json")
    with started(*words) as process:
        assert process.stdout is not None
        for _ in range(3):
            process.stdout.readline()
        process.kill()
        process.communicate()
    assert 3 <= len(contents(bucket, "web/")) < 12
    dates = times(bucket)
    outcome = gamut(*words)
    assert outcome.code == 0, outcome.err
    assert len(contents(bucket, "web/")) == 12
    assert dates.items() <= times(bucket).items(), "what was done was done again"


def times(bucket: str) -> dict[str, Any]:
    told = boto3.client("s3").list_objects_v2(Bucket=bucket, Prefix="web/").get("Contents", ())
    return {one["Key"]: one["LastModified"] for one in told if ".gamut-batch" not in one["Key"]}


def test_after_ctrl_c_what_was_done_is_known_without_a_look(gamut: Gamut, bucket: str, tmp_path: Path) -> None:
    shoot(tmp_path / "photos", 12)
    words = ("batch", "reduce", tmp_path / "photos", "-o", f"s3://{bucket}/web", *FAST, "-j", "1", "--json")
    with started(*words) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        process.communicate()
    assert process.returncode == 130
    done = objects(gamut(*words).out)[0]
    assert (done["state"], done["reason"]) == ("skipped", "done before")


def test_a_file_of_several_parts_goes_up_whole_and_only_where_there_is_none(
    server: Server, bucket: str, tmp_path: Path
) -> None:
    big = tmp_path / "big"
    big.write_bytes(os.urandom(1 << 20) * 120)
    server.faults.kinds, server.faults.share = ("500",), 0.2
    remote.upload(big, f"s3://{bucket}/big", overwrite=False)
    with pytest.raises(OutputError, match="exists already"):
        remote.upload(tmp_path / "big", f"s3://{bucket}/big", overwrite=False)
    remote.download(f"s3://{bucket}/big", tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == big.read_bytes()


def test_what_another_has_written_meanwhile_stays(bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "ours").write_text("ours")
    boto3.client("s3").put_object(Bucket=bucket, Key="key", Body=b"theirs")
    monkeypatch.setattr(remote, "check_free", lambda address, overwrite: None)  # it was free a moment ago
    with pytest.raises(OutputError, match="exists already"):
        remote.upload(tmp_path / "ours", f"s3://{bucket}/key", overwrite=False)
    assert contents(bucket) == {"key": b"theirs"}


def test_a_bucket_that_is_not_there(gamut: Gamut, server: Server, tmp_path: Path) -> None:
    outcome = gamut("info", "s3://nowhere-at-all/photo.jpg")
    assert (outcome.code, outcome.err) == (
        1,
        "gamut: error: s3://nowhere-at-all/photo.jpg: is not there, or no file; check the address.\n",
    )
    photo = plain_picture(tmp_path / "a.tif")
    put = gamut("reduce", photo, "s3://nowhere-at-all/photo.jpg", *FAST)
    assert (put.code, len(put.err.splitlines())) == (1, 1)


def test_without_the_library_it_says_what_to_install(tmp_path: Path) -> None:
    (tmp_path / "s3fs.py").write_text("raise ImportError('gone')")
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    with started("info", "s3://b/a.jpg", env={**os.environ, "PYTHONPATH": path}) as process:
        _, err = process.communicate()
    assert (process.returncode, err) == (2, "gamut: error: s3://: needs s3fs: pip install fsspec s3fs\n")
