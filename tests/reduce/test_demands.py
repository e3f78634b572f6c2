"""A large, plain picture of few bytes is written, and said to need an option, by the checks that expand makes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from gamutcli.errors import InputError
from gamutcli.expand import expand_image
from gamutcli.images import claims
from gamutcli.network import work
from gamutcli.reduce import reduce_image
from tests.support.pictures import write_tiff

pytestmark = pytest.mark.usefixtures("cheap")

FORMATS = ["png", "jpg", "tif", "webp", "avif", "jxl"]


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    """A grey picture with a saturated patch."""
    codes = np.full((240, 320, 3), 30_000, np.uint16)
    codes[60:120, 80:160] = (60_000, 2_000, 1_500)
    return write_tiff(tmp_path / "plain.tif", codes)


def demands(notes: tuple[str, ...]) -> list[str]:
    return [note.split(":")[0] for note in notes if note.startswith("expand will want")]


@pytest.mark.parametrize("extension", FORMATS)
def test_nothing_is_said_where_expand_asks_for_nothing(plain: Path, extension: str, tmp_path: Path) -> None:
    assert demands(reduce_image(plain, tmp_path / f"a.{extension}", preset="fast").notes) == []
    assert expand_image(tmp_path / f"a.{extension}", tmp_path / "r.tif").og_pct > 0


@pytest.mark.parametrize("carrier", ["auto", "sidecar"])
@pytest.mark.parametrize("extension", FORMATS)
def test_pixels_beyond_belief_are_announced(
    plain: Path, extension: str, carrier: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claims, "_PLAIN", dict.fromkeys(claims._PLAIN, 1 << 12))
    monkeypatch.setattr(claims, "_GROWTH", 1)
    source = write_tiff(tmp_path / "photo.tif", np.random.default_rng(0).integers(0, 65536, (240, 320, 3), np.uint16))
    small, large = tmp_path / f"a.{extension}", tmp_path / f"b.{extension}"
    said = reduce_image(plain, small, preset="fast", carrier=carrier)
    assert demands(said.notes) == ["expand will want --allow-large"]
    with pytest.raises(InputError, match="--allow-large"):
        expand_image(small, tmp_path / "r.tif")
    assert expand_image(small, tmp_path / "r.tif", allow_large=True).og_pct > 0
    assert demands(reduce_image(source, large, preset="fast", carrier=carrier).notes) == []
    expand_image(large, tmp_path / "s.tif")


def test_bytes_of_metadata_count_where_expand_counts_them(
    plain: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the pixels alone would be refused for may be believed of the file that holds the payload, too."""
    monkeypatch.setattr(claims, "_GROWTH", 1)
    whole = reduce_image(plain, tmp_path / "a.webp", preset="fast")
    size = (tmp_path / "a.webp").stat().st_size
    monkeypatch.setattr(claims, "_most", lambda kind, found: (1 << 20) * (kind != "WebP" or found >= size))
    assert demands(reduce_image(plain, tmp_path / "b.webp", preset="fast").notes) == []
    expand_image(tmp_path / "b.webp", tmp_path / "r.tif")
    beside = reduce_image(plain, tmp_path / "c.webp", preset="fast", carrier="sidecar")
    assert demands(beside.notes) == ["expand will want --allow-large"]
    assert whole.payload_bytes == beside.payload_bytes


@pytest.mark.parametrize("carrier", ["auto", "sidecar"])
@pytest.mark.parametrize("extension", ["png", "jpg"])
def test_work_beyond_need_is_announced(
    plain: Path, extension: str, carrier: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(work, "LITTLE_WORK", 0)
    monkeypatch.setattr(work, "WORK_A_BYTE", 1 << 10)
    small = tmp_path / f"a.{extension}"
    said = reduce_image(plain, small, preset="fast", carrier=carrier)
    assert demands(said.notes) == ["expand will want --allow-slow"]
    with pytest.raises(InputError, match="--allow-slow"):
        expand_image(small, tmp_path / "r.tif")
    assert expand_image(small, tmp_path / "r.tif", allow_slow=True).og_pct > 0
