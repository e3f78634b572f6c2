"""What `reduce_image` writes, judged by the files and by what comes back of them."""

from __future__ import annotations

import math
import os
from pathlib import Path

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from PIL import Image

from gamutcli.arrays import Code16Array
from gamutcli.color.spaces import PROPHOTO
from gamutcli.errors import InputError, OutputError, UsageError
from gamutcli.evaluation import evaluate
from gamutcli.expand import expand_image
from gamutcli.images import read_wide, write_wide
from gamutcli.metadata import Metadata
from gamutcli.payload import carriers
from gamutcli.payload_files import inspect_image
from gamutcli.reduce import judge, reduce_image
from gamutcli.restore import Restoration
from gamutcli.results import Evaluation
from tests.support import reference
from tests.support.pictures import wide_codes, write_tiff
from tests.support.pipeline import CROPS, PHOTO, extensions, pixels, plain_codes
from tests.support.presets import changed_presets

pytestmark = pytest.mark.usefixtures("cheap")


# What is written.


@pytest.mark.fit
@pytest.mark.parametrize("name", CROPS)
@extensions
def test_lost_colors_come_back(name: str, extension: str, tmp_path: Path) -> None:
    photo = write_tiff(tmp_path / "photo.tif", CROPS[name])
    result = reduce_image(photo, tmp_path / f"a.{extension}", preset="fast")
    assert result.psnr_og is not None
    assert result.clip_psnr_og is not None
    assert result.psnr_og > result.clip_psnr_og + (8 if extension == "png" else 3)
    expand_image(tmp_path / f"a.{extension}", tmp_path / "r.tif")
    found = reference.figures(
        reference.prophoto_linear(tifffile.imread(tmp_path / "r.tif")), reference.prophoto_linear(CROPS[name])
    )
    assert found.psnr_og == pytest.approx(result.psnr_og, abs=0.02)


def test_a_source_that_is_changed_meanwhile_is_told_and_nothing_written(tmp_path: Path) -> None:
    photo, target = write_tiff(tmp_path / "photo.tif", PHOTO), tmp_path / "a.jpg"

    def change(*_: object) -> None:
        write_tiff(photo, PHOTO[::-1])
        os.utime(photo, ns=(0, 0))

    with pytest.raises(InputError, match="was changed while it was read"):
        reduce_image(photo, target, preset="fast", progress=change)
    assert [path.name for path in tmp_path.iterdir()] == ["photo.tif"]


def test_a_reduced_png_is_the_picture_clipped_and_rounded(album: Path) -> None:
    differences = np.abs(pixels(album / "photo.png").astype(int) - reference.reduced(PHOTO))
    # Float32 may round a code that lies halfway to the other side.
    assert differences.max() <= 1
    assert (differences > 0).mean() < 1e-3


@extensions
def test_a_reduced_picture_is_tagged_srgb(album: Path, extension: str) -> None:
    with Image.open(album / f"photo.{extension}") as image:
        assert b"sRGB" in image.info["icc_profile"]
        assert image.size == (96, 64)


@pytest.mark.parametrize("space", ["srgb", "adobergb", "displayp3", "rec2020"])
def test_pictures_in_other_spaces_are_converted(space: str, tmp_path: Path) -> None:
    photo = write_tiff(tmp_path / "photo.tif", PHOTO, space=space)
    said = reduce_image(photo, tmp_path / "a.png", preset="fast")
    assert any("converted to ProPhoto RGB" in note for note in said.notes)
    assert (said.og_pct == 0) == (space == "srgb")
    if space == "srgb":
        np.testing.assert_allclose(pixels(tmp_path / "a.png"), PHOTO / 257, atol=1)


def test_progress_is_told(album: Path, tmp_path: Path) -> None:
    told: list[int] = []
    result = reduce_image(
        album / "photo.tif", tmp_path / "a.png", preset="fast", progress=lambda step, steps, loss: told.append(step)
    )
    assert told[-1] == result.steps == 120
    assert result.fit_seconds > 0


@extensions
@pytest.mark.parametrize("limit", [700, 1500, 4000])
def test_the_largest_payload_is_respected(album: Path, extension: str, limit: int, tmp_path: Path) -> None:
    said = reduce_image(album / "photo.tif", tmp_path / f"a.{extension}", preset="fast", max_payload=limit)
    assert said.payload_bytes <= limit
    assert inspect_image(tmp_path / f"a.{extension}").payload_bytes == said.payload_bytes
    if said.model == "none":
        assert any("none is stored" in note for note in said.notes)
    if limit == 4000:
        assert said.model != "none"


# The same again.


@extensions
def test_the_same_seed_gives_the_same_file(album: Path, extension: str, tmp_path: Path) -> None:
    reduce_image(album / "photo.tif", tmp_path / f"same.{extension}", preset="fast", seed=0)
    assert (tmp_path / f"same.{extension}").read_bytes() == (album / f"photo.{extension}").read_bytes()
    reduce_image(album / "photo.tif", tmp_path / f"other.{extension}", preset="fast", seed=1)
    assert (tmp_path / f"other.{extension}").read_bytes() != (album / f"photo.{extension}").read_bytes()
    np.testing.assert_array_equal(pixels(tmp_path / f"other.{extension}"), pixels(album / f"photo.{extension}"))


def test_the_same_picture_in_another_file_gives_the_same_result(album: Path, tmp_path: Path) -> None:
    write_tiff(tmp_path / "photo.tif", PHOTO, compression="zlib", predictor=True, byteorder=">", rowsperstrip=5)
    write_wide(tmp_path / "photo16.png", PHOTO, PROPHOTO, Metadata())
    expected = carriers.extract((album / "photo.png").read_bytes())
    for source in ("photo.tif", "photo16.png"):
        reduce_image(tmp_path / source, tmp_path / "again.png", preset="fast", overwrite=True)
        assert carriers.extract((tmp_path / "again.png").read_bytes()) == expected
        np.testing.assert_array_equal(pixels(tmp_path / "again.png"), pixels(album / "photo.png"))


# Pictures of every kind.


def varied(height: int, width: int, low: float, high: float) -> NDArray[np.float64]:
    """Numbers that run from low to high."""
    return np.linspace(low, high, height * width).reshape(height, width)


def scene(name: str, height: int, width: int) -> Code16Array:
    ramp = varied(height, width, 0.3, 0.8)
    light = {
        "mixed": wide_codes(height, width) / 65535,
        "all out of gamut": np.stack([ramp, 0.2 * ramp, 0.1 * ramp], -1),
        "none out of gamut": np.stack([ramp, 0.95 * ramp, 0.9 * ramp], -1),
        "black": np.zeros((height, width, 3)),
        "white": np.ones((height, width, 3)),
    }[name]
    return np.round(65535 * light).astype(np.uint16)


SIZES = [(1, 1), (1, 7), (7, 1), (1, 300), (300, 1), (3, 5), (17, 23)]


SCENES = ["mixed", "all out of gamut", "none out of gamut", "black", "white"]


def there_and_back(codes: Code16Array, extension: str, folder: Path, preset: str = "fast") -> Evaluation:
    """Reduce and expand a picture; check what holds for any; give its figures."""
    photo = write_tiff(folder / "photo.tif", codes)
    said = reduce_image(photo, folder / f"a.{extension}", preset=preset)
    assert pixels(folder / f"a.{extension}").shape == codes.shape
    assert inspect_image(folder / f"a.{extension}").status == "ok"
    expand_image(folder / f"a.{extension}", folder / "r.tif")
    restored = read_wide(folder / "r.tif")
    assert restored.codes.shape == codes.shape
    assert restored.profile is not None
    assert restored.profile.space == PROPHOTO
    found = evaluate(folder / f"a.{extension}", photo)
    assert found.restored.rmse_all is not None
    assert found.plain.rmse_all is not None
    assert found.restored.rmse_all <= found.plain.rmse_all + 1e-5
    assert all(value is None or not math.isnan(value) for value in vars(found.restored).values())
    assert (said.model == "none") == (inspect_image(folder / f"a.{extension}").model == "none")
    assert {path.name for path in folder.iterdir()} == {"photo.tif", f"a.{extension}", "r.tif"}
    return found


@pytest.mark.fit
@extensions
@pytest.mark.parametrize("name", SCENES)
@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[1]}x{size[0]}")
def test_any_picture_goes_there_and_back(name: str, size: tuple[int, int], extension: str, tmp_path: Path) -> None:
    found = there_and_back(scene(name, *size), extension, tmp_path)
    if name == "all out of gamut":
        assert found.og_pct == 100
        assert found.restored.psnr_in is None
        if extension == "png":
            assert found.restored.psnr_og is not None
            assert found.plain.psnr_og is not None
            assert found.restored.psnr_og > found.plain.psnr_og + 6
    elif name != "mixed":
        assert found.og_pct == 0
        assert found.restored.psnr_og is None


@pytest.mark.parametrize("name", ["none out of gamut", "black", "white"])
def test_a_picture_that_lost_no_color_needs_no_network(name: str, tmp_path: Path) -> None:
    photo = write_tiff(tmp_path / "photo.tif", scene(name, 9, 14))
    said = reduce_image(photo, tmp_path / "a.png", preset="fast")
    assert (said.model, said.hidden, said.layers, said.steps) == ("none", 0, 0, 0)
    assert said.payload_bytes < 1000
    assert any("no colour was clipped" in note for note in said.notes)
    result = expand_image(tmp_path / "a.png", tmp_path / "r.tif")
    assert result.og_pct == 0
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "r.tif"), plain_codes(tmp_path / "a.png"))


@pytest.mark.fit
@pytest.mark.parametrize("name", SCENES)
@pytest.mark.parametrize("size", [(1, 1), (17, 23)])
def test_the_papers_preset_takes_any_picture(name: str, size: tuple[int, int], tmp_path: Path) -> None:
    there_and_back(scene(name, *size), "png", tmp_path, preset="paper")


@pytest.mark.fit
def test_the_papers_preset_corrects_every_pixel_and_adapts_by_cat02(album: Path, tmp_path: Path) -> None:
    said = reduce_image(album / "photo.tif", tmp_path / "a.png", preset="paper", model="23kb")
    assert said.hidden == 32
    info = inspect_image(tmp_path / "a.png")
    assert (info.adaptation, info.every_pixel) == ("cat02", True)
    np.testing.assert_allclose(pixels(tmp_path / "a.png"), reference.reduced(PHOTO, "cat02"), atol=1)
    assert expand_image(tmp_path / "a.png", tmp_path / "r.tif").og_pct == 100
    assert said.psnr_og is not None
    assert said.clip_psnr_og is not None
    assert said.psnr_og > said.clip_psnr_og + 3


@pytest.mark.fit
@extensions
@pytest.mark.parametrize("preset", ["fast", "paper"])
@pytest.mark.parametrize("rate", [1e3, 1e30])
def test_a_fit_that_diverges_falls_back_to_the_plain_picture(
    album: Path, extension: str, preset: str, rate: float, tmp_path: Path
) -> None:
    with changed_presets(preset, rate=rate):
        said = reduce_image(album / "photo.tif", tmp_path / f"a.{extension}", preset=preset)
    assert said.psnr_all is not None
    assert said.clip_psnr_all is not None
    assert said.psnr_all >= said.clip_psnr_all
    assert said.model == "none"
    assert any("none is stored" in note for note in said.notes)
    expand_image(tmp_path / f"a.{extension}", tmp_path / "r.tif")
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "r.tif"), plain_codes(tmp_path / f"a.{extension}"))


# What happens to files.


@extensions
def test_an_existing_file_is_not_touched(album: Path, extension: str, tmp_path: Path) -> None:
    target = tmp_path / f"a.{extension}"
    target.write_text("mine")
    with pytest.raises(OutputError):
        reduce_image(album / "photo.tif", target, preset="fast")
    assert target.read_text("utf-8") == "mine"
    reduce_image(album / "photo.tif", target, preset="fast", overwrite=True)
    assert target.read_bytes() == (album / f"photo.{extension}").read_bytes()


def test_the_input_is_never_replaced_by_its_own_output(album: Path, tmp_path: Path) -> None:
    """Not even where replacing is allowed: what was clipped could not be had again."""
    for name, write in (("photo.tif", reduce_image), ("photo.png", expand_image)):
        source = tmp_path / name
        source.write_bytes((album / name).read_bytes())
        with pytest.raises(UsageError, match="is the input too; name another output"):
            write(source, source, overwrite=True)
        assert source.read_bytes() == (album / name).read_bytes()


def test_a_failure_at_the_end_leaves_nothing(album: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(carriers, "embed", fail)
    with pytest.raises(KeyboardInterrupt):
        reduce_image(album / "photo.tif", tmp_path / "a.png", preset="fast")
    monkeypatch.setattr(Restoration, "_encode", fail)
    with pytest.raises(KeyboardInterrupt):
        expand_image(album / "photo.png", tmp_path / "r.tif")
    assert list(tmp_path.iterdir()) == []


def test_a_spot_between_the_bands_that_are_measured_is_measured_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    grey = np.full((240, 160, 3), 30000, np.uint16)
    grey[100:124, 60:100] = wide_codes(24, 40)
    monkeypatch.setattr(judge, "MOST_MEASURED", 3000)
    photo = write_tiff(tmp_path / "photo.tif", grey)
    said = reduce_image(photo, tmp_path / "a.png", preset="fast")
    found = evaluate(tmp_path / "a.png", photo)
    assert said.psnr_og == pytest.approx(found.restored.psnr_og, abs=0.02)
    assert said.model != "none"
