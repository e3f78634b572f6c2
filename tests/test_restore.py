"""Of a file, the payload that fits its pixels is found, and no more work is done than a picture needs."""

from __future__ import annotations

import io
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gamutcli.arrays import CodeArray
from gamutcli.color.gamut import Correction
from gamutcli.containers import with_metadata
from gamutcli.errors import InputError, PayloadError
from gamutcli.evaluation import evaluate
from gamutcli.expand import expand_image
from gamutcli.fingerprint.match import fingerprint
from gamutcli.metadata import Metadata, read_metadata
from gamutcli.network import work
from gamutcli.network.shape import Network
from gamutcli.payload import carriers
from gamutcli.payload.format import Payload, pack
from gamutcli.payload.parts import MAX_PAYLOAD
from gamutcli.payload_files import extract_payload, inspect_image
from tests.support.networks import noise, zeros
from tests.support.pictures import write_tiff

# Work that a payload asks for.


def costly(path: Path, codes: CodeArray, shape: Network) -> Path:
    """A file with all that it takes to restore it through a network, every pixel of it."""
    payload = Payload(fingerprint(codes), "bradford", Correction(0, every_pixel=True), shape)
    file = io.BytesIO()
    Image.fromarray(codes).save(file, "PNG")
    path.write_bytes(carriers.embed(file.getvalue(), pack(payload), Metadata()).data)
    return path


def test_work_that_no_picture_needs_is_refused_unless_allowed(tmp_path: Path) -> None:
    codes = np.zeros((120, 120, 3), np.uint8)
    slow = costly(tmp_path / "slow.png", codes, zeros(1024, 8))
    write_tiff(tmp_path / "slow.tif", np.zeros((120, 120, 3), np.uint16))
    assert inspect_image(slow).model == "8x1024"
    with pytest.raises(
        InputError, match=r"slow.png: .* 1e\+11 multiplications, .* 8x1024 on 14,400 pixels.*--allow-slow"
    ):
        expand_image(slow, tmp_path / "r.tif")
    with pytest.raises(InputError, match="--allow-slow"):
        evaluate(slow, tmp_path / "slow.tif")
    assert not (tmp_path / "r.tif").exists()


def test_work_is_done_where_it_is_allowed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work, "LITTLE_WORK", 1000)
    slow = costly(tmp_path / "slow.png", np.zeros((20, 20, 3), np.uint8), zeros(300, 1))
    write_tiff(tmp_path / "slow.tif", np.zeros((20, 20, 3), np.uint16))
    with pytest.raises(InputError, match="--allow-slow"):
        expand_image(slow, tmp_path / "r.tif")
    assert expand_image(slow, tmp_path / "r.tif", allow_slow=True).og_pct == 100
    assert evaluate(slow, tmp_path / "slow.tif", allow_slow=True).payload_bytes


def test_work_is_in_proportion_to_the_bytes_of_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A plain picture of few bytes has as many pixels as a photograph, and no colours that need as much work."""
    monkeypatch.setattr(work, "LITTLE_WORK", 1000)
    small = costly(tmp_path / "small.png", np.zeros((40, 40, 3), np.uint8), zeros(8, 1))
    monkeypatch.setattr(work, "WORK_A_BYTE", 1 << 8)
    with pytest.raises(InputError, match="--allow-slow"):
        expand_image(small, tmp_path / "r.tif")
    small.write_bytes(small.read_bytes() + bytes(1 << 14))
    assert expand_image(small, tmp_path / "r.tif").og_pct == 100


def test_only_pixels_that_are_corrected_count_as_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work, "LITTLE_WORK", 1000)
    codes = np.full((20, 20, 3), 99, np.uint8)
    payload = Payload(fingerprint(codes), "bradford", Correction(0), zeros(300, 1))
    file = io.BytesIO()
    Image.fromarray(codes).save(file, "PNG")
    (tmp_path / "grey.png").write_bytes(carriers.embed(file.getvalue(), pack(payload), Metadata()).data)
    assert expand_image(tmp_path / "grey.png", tmp_path / "r.tif").og_pct == 0


# Good copies are found.


def with_payloads(path: Path, in_xmp: bytes, in_exif: bytes) -> Path:
    """A PNG of noise that holds two payloads."""
    file = io.BytesIO()
    Image.fromarray(noise(40, 60)).save(file, "PNG")
    first = carriers.embed(file.getvalue(), in_exif, Metadata(), "exif").data
    exif = read_metadata(first).exif
    second = carriers.embed(file.getvalue(), in_xmp, Metadata()).data
    path.write_bytes(with_metadata(second, Metadata(exif=exif)).data)
    return path


def made_for(codes: CodeArray) -> bytes:
    return pack(Payload(fingerprint(codes), "bradford", Correction(0), None))


def test_a_payload_of_another_picture_hides_none_behind_it(tmp_path: Path) -> None:
    own, foreign = made_for(noise(40, 60)), made_for(noise(40, 60, seed=1))
    for name, payloads in {"a.png": (own, foreign), "b.png": (foreign, own)}.items():
        assert inspect_image(with_payloads(tmp_path / name, *payloads)).status == "ok"
    neither = with_payloads(tmp_path / "c.png", foreign, foreign)
    assert inspect_image(neither).status == "changed"
    (tmp_path / "c.png.gamut").write_bytes(own)
    info = inspect_image(neither)
    assert (info.status, info.carrier) == ("ok", "sidecar")
    assert expand_image(neither, tmp_path / "r.tif").status == "ok"


def test_a_damaged_payload_hides_no_sidecar(tmp_path: Path) -> None:
    own = made_for(noise(40, 60))
    damaged = own[:-1] + bytes([own[-1] ^ 1])
    picture = with_payloads(tmp_path / "a.png", damaged, damaged)
    with pytest.raises(PayloadError, match="checksum"):
        inspect_image(picture)
    sidecar = tmp_path / "a.png.gamut"
    sidecar.write_bytes(own)
    assert inspect_image(picture).carrier == "sidecar"
    data = picture.read_bytes()
    at = data.index(b"gamut1:1/1:") + 12
    picture.write_bytes(data[:at] + b"!" + data[at + 1 :])
    assert inspect_image(picture).status == "ok"
    extract_payload(picture, tmp_path / "out.gamut")
    assert (tmp_path / "out.gamut").read_bytes() == own
    sidecar.write_bytes(damaged)
    with pytest.raises(PayloadError):
        inspect_image(picture)


def test_of_a_sidecar_no_more_is_read_than_a_payload_can_have(tmp_path: Path) -> None:
    Image.fromarray(noise(40, 60)).save(tmp_path / "a.png")
    with (tmp_path / "a.png.gamut").open("wb") as file:
        file.write(made_for(noise(40, 60)))
        file.truncate(1 << 32)
    tracemalloc.start()
    try:
        for name in ("a.png", "a.png.gamut"):
            with pytest.raises(PayloadError, match="checksum"):
                inspect_image(tmp_path / name)
        assert tracemalloc.get_traced_memory()[1] < 4 * MAX_PAYLOAD
    finally:
        tracemalloc.stop()
