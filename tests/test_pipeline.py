"""The whole way through the library, judged by the files that it writes."""

from __future__ import annotations

import io
import math
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from PIL import Image, ImageEnhance

from gamutcli import parallel, reduce, restore
from gamutcli.arrays import Code16Array, CodeArray
from gamutcli.color import tolerance
from gamutcli.color.gamut import Correction
from gamutcli.color.spaces import PROPHOTO, SPACES
from gamutcli.containers import with_metadata
from gamutcli.errors import InputError, NoPayload, OutputError, PayloadError, PixelsChanged, UsageError
from gamutcli.evaluation import evaluate
from gamutcli.expand import expand_image
from gamutcli.fingerprint.match import fingerprint
from gamutcli.fitting.presets import WIDTHS, choose
from gamutcli.images import decode_reduced, encode_reduced, lossy_quality, read_wide, write_wide
from gamutcli.metadata import Metadata, read_metadata
from gamutcli.network import predict
from gamutcli.network.shape import Inputs, Layer, Network, Shape
from gamutcli.payload import carriers
from gamutcli.payload.format import Payload, pack
from gamutcli.payload.parts import MAX_PAYLOAD
from gamutcli.payload_files import extract_payload, inspect_image
from gamutcli.reduce import reduce_image
from gamutcli.restore import Restoration, open_reduced
from gamutcli.results import Evaluation
from tests.support import reference
from tests.support.networks import network, noise
from tests.support.pictures import sample_crop, wide_codes, write_tiff
from tests.support.presets import changed_presets

CROPS = {
    "espresso": sample_crop("espresso", 224, 288),
    "pavilion": sample_crop("pavilion", 352, 96),
    "astronaut": sample_crop("astronaut", 64, 144),
    "fabrics": sample_crop("fabrics", 320, 432),
}
PHOTO = CROPS["espresso"]
kinds = pytest.mark.parametrize("kind", ["png", "jpg"])


@pytest.fixture(scope="module", autouse=True)
def cheap() -> Iterator[None]:
    """Presets that take tenths of a second."""
    with changed_presets("fast", "paper"):
        yield


@pytest.fixture(scope="module")
def album(cheap: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """photo.tif, and what `reduce_image` and `expand_image` make of it. Read only."""
    folder = tmp_path_factory.mktemp("album")
    write_tiff(folder / "photo.tif", PHOTO)
    for kind in ("png", "jpg"):
        reduce_image(folder / "photo.tif", folder / f"photo.{kind}", preset="fast")
        expand_image(folder / f"photo.{kind}", folder / f"photo-{kind}.tif")
    return folder


def pixels(path: Path) -> CodeArray:
    """What a viewer shows."""
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))


def plain_codes(path: Path) -> Code16Array:
    """The reduced picture as 16-bit ProPhoto codes, without its network."""
    reduced = open_reduced(path)
    payload = reduced.payload
    restoration = Restoration(reduced.srgb_codes, payload.adaptation, payload.correction, None)
    return np.concatenate(list(restoration.encoded_strips()))


def corrected(path: Path) -> NDArray[np.bool_]:
    """The pixels that the decoder corrects."""
    reduced = open_reduced(path)
    return reduced.payload.correction.mask(reduced.srgb_codes)


def with_other_pixels(source: Path, target: Path, image: Image.Image) -> Path:
    """A JPEG of other pixels that kept the payload, as editors keep metadata."""
    found = carriers.extract(source.read_bytes())
    assert found is not None
    file = io.BytesIO()
    image.save(file, "JPEG", quality=85)
    target.write_bytes(carriers.embed(file.getvalue(), found.payload, Metadata()).data)
    return target


# What comes back.


@pytest.mark.fit
@pytest.mark.parametrize("name", CROPS)
@kinds
def test_lost_colors_come_back(name: str, kind: str, tmp_path: Path) -> None:
    photo = write_tiff(tmp_path / "photo.tif", CROPS[name])
    result = reduce_image(photo, tmp_path / f"a.{kind}", preset="fast")
    assert result.psnr_og is not None
    assert result.clip_psnr_og is not None
    assert result.psnr_og > result.clip_psnr_og + (8 if kind == "png" else 3)
    expand_image(tmp_path / f"a.{kind}", tmp_path / "r.tif")
    found = reference.figures(
        reference.prophoto_linear(tifffile.imread(tmp_path / "r.tif")), reference.prophoto_linear(CROPS[name])
    )
    assert found.psnr_og == pytest.approx(result.psnr_og, abs=0.02)


def test_a_reduced_png_is_the_picture_clipped_and_rounded(album: Path) -> None:
    differences = np.abs(pixels(album / "photo.png").astype(int) - reference.reduced(PHOTO))
    # Float32 may round a code that lies halfway to the other side.
    assert differences.max() <= 1
    assert (differences > 0).mean() < 1e-3


@kinds
def test_a_reduced_picture_is_tagged_srgb(album: Path, kind: str) -> None:
    with Image.open(album / f"photo.{kind}") as image:
        assert b"sRGB" in image.info["icc_profile"]
        assert image.size == (96, 64)


@kinds
def test_pixels_that_were_not_clipped_come_back_exactly(album: Path, kind: str) -> None:
    restored, mask = tifffile.imread(album / f"photo-{kind}.tif"), corrected(album / f"photo.{kind}")
    assert 0.2 < mask.mean() < 0.9
    np.testing.assert_array_equal(restored[~mask], plain_codes(album / f"photo.{kind}")[~mask])


def test_in_gamut_pixels_of_a_png_are_as_good_as_8_bits_are(album: Path) -> None:
    restored = reference.prophoto_linear(tifffile.imread(album / "photo-png.tif"))[~corrected(album / "photo.png")]
    srgb = restored @ reference.prophoto_to_srgb().T
    np.testing.assert_array_equal(
        reference.srgb_codes(srgb), pixels(album / "photo.png")[~corrected(album / "photo.png")]
    )
    encoded = reference.srgb_linear(np.arange(256).astype(np.uint8))
    step = np.diff(encoded).max()
    truth = reference.prophoto_linear(PHOTO)[~corrected(album / "photo.png")]
    assert np.abs(restored - truth).max() < step


@kinds
def test_clipped_pixels_are_changed_for_the_better(album: Path, kind: str) -> None:
    truth, mask = reference.prophoto_linear(PHOTO), corrected(album / f"photo.{kind}")
    plain = reference.prophoto_linear(plain_codes(album / f"photo.{kind}"))
    restored = reference.prophoto_linear(tifffile.imread(album / f"photo-{kind}.tif"))
    before, after = (np.sqrt(((picture - truth)[mask] ** 2).mean()) for picture in (plain, restored))
    assert after < before / 1.4


@pytest.mark.parametrize(("quality", "share"), [(85, 0.65), (95, 0.85), (100, 0.95)])
def test_most_clipped_pixels_of_a_jpeg_are_found(quality: int, share: float) -> None:
    for codes in CROPS.values():
        srgb = reference.reduced(codes)
        decoded = decode_reduced(encode_reduced(srgb, "jpeg", quality))
        clipped = Correction(0).mask(srgb)
        found = Correction(tolerance.of_format("jpeg", quality)).mask(decoded)[clipped].mean()
        assert found > share
        assert found > Correction(0).mask(decoded)[clipped].mean() + 0.05


def test_a_coarser_jpeg_needs_more_tolerance() -> None:
    wanted = [tolerance.of_format("jpeg", quality) for quality in range(1, 101)]
    assert wanted == sorted(wanted, reverse=True)
    assert tolerance.of_format("png", lossy_quality("png", 1)) == 0


# The same again.


@kinds
def test_the_same_seed_gives_the_same_file(album: Path, kind: str, tmp_path: Path) -> None:
    reduce_image(album / "photo.tif", tmp_path / f"same.{kind}", preset="fast", seed=0)
    assert (tmp_path / f"same.{kind}").read_bytes() == (album / f"photo.{kind}").read_bytes()
    reduce_image(album / "photo.tif", tmp_path / f"other.{kind}", preset="fast", seed=1)
    assert (tmp_path / f"other.{kind}").read_bytes() != (album / f"photo.{kind}").read_bytes()
    np.testing.assert_array_equal(pixels(tmp_path / f"other.{kind}"), pixels(album / f"photo.{kind}"))


def test_the_same_picture_in_another_file_gives_the_same_result(album: Path, tmp_path: Path) -> None:
    write_tiff(tmp_path / "photo.tif", PHOTO, compression="zlib", predictor=True, byteorder=">", rowsperstrip=5)
    write_wide(tmp_path / "photo16.png", PHOTO, PROPHOTO, Metadata())
    expected = carriers.extract((album / "photo.png").read_bytes())
    for source in ("photo.tif", "photo16.png"):
        reduce_image(tmp_path / source, tmp_path / "again.png", preset="fast", overwrite=True)
        assert carriers.extract((tmp_path / "again.png").read_bytes()) == expected
        np.testing.assert_array_equal(pixels(tmp_path / "again.png"), pixels(album / "photo.png"))


@kinds
def test_strips_do_not_show(album: Path, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parallel, "STRIP_PIXELS", 500)
    monkeypatch.setattr(predict, "CHUNK", 70)
    expand_image(album / f"photo.{kind}", tmp_path / "strips.tif")
    whole = tifffile.imread(album / f"photo-{kind}.tif").astype(int)
    assert np.abs(tifffile.imread(tmp_path / "strips.tif") - whole).max() <= 1


# The figures.


@kinds
def test_evaluate_agrees_with_the_definitions(album: Path, kind: str) -> None:
    truth = reference.prophoto_linear(PHOTO)
    found = evaluate(album / f"photo.{kind}", album / "photo.tif")
    pictures = {
        "plain": reference.plain(pixels(album / f"photo.{kind}")),
        "restored": reference.prophoto_linear(tifffile.imread(album / f"photo-{kind}.tif")),
    }
    for name, picture in pictures.items():
        expected, scores = reference.figures(picture, truth), getattr(found, name)
        assert scores.psnr_all == pytest.approx(expected.psnr_all, abs=0.01)
        assert scores.psnr_og == pytest.approx(expected.psnr_og, abs=0.01)
        assert scores.psnr_in == pytest.approx(expected.psnr_in, abs=0.01)
        assert scores.psnr_og == pytest.approx(-20 * math.log10(scores.rmse_og), abs=1e-6)
        assert found.og_pct == pytest.approx(expected.og_pct, abs=0.05)


@kinds
def test_reduce_reports_what_evaluate_measures(kind: str, tmp_path: Path) -> None:
    photo = write_tiff(tmp_path / "photo.tif", CROPS["fabrics"])
    said = reduce_image(photo, tmp_path / f"a.{kind}", preset="fast")
    found = evaluate(tmp_path / f"a.{kind}", photo)
    for name in ("all", "og"):
        assert getattr(said, f"psnr_{name}") == pytest.approx(getattr(found.restored, f"psnr_{name}"), abs=0.02)
        assert getattr(said, f"clip_psnr_{name}") == pytest.approx(getattr(found.plain, f"psnr_{name}"), abs=0.02)
    assert said.og_pct == found.og_pct
    assert said.payload_bytes == found.payload_bytes
    assert found.fit_seconds is None or found.fit_seconds == pytest.approx(said.fit_seconds, abs=0.001)
    info = inspect_image(tmp_path / f"a.{kind}")
    assert (info.payload_bytes, info.hidden, info.layers, info.model) == (
        said.payload_bytes,
        said.hidden,
        said.layers,
        said.model,
    )
    assert (info.width, info.height, info.status, info.carrier) == (96, 64, "ok", said.carrier)


def test_a_spot_between_the_bands_that_are_measured_is_measured_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    grey = np.full((240, 160, 3), 30000, np.uint16)
    grey[100:124, 60:100] = wide_codes(24, 40)
    monkeypatch.setattr(reduce, "MOST_MEASURED", 3000)
    photo = write_tiff(tmp_path / "photo.tif", grey)
    said = reduce_image(photo, tmp_path / "a.png", preset="fast")
    found = evaluate(tmp_path / "a.png", photo)
    assert said.psnr_og == pytest.approx(found.restored.psnr_og, abs=0.02)
    assert said.model != "none"


@kinds
def test_a_restored_file_gets_the_figures_of_the_reduced_one(album: Path, kind: str) -> None:
    in_memory = evaluate(album / f"photo.{kind}", album / "photo.tif").restored
    on_disk = evaluate(album / f"photo-{kind}.tif", album / "photo.tif").restored
    for name in ("psnr_all", "psnr_og", "psnr_in", "de2000_og_mean", "de2000_og_p99"):
        assert getattr(on_disk, name) == pytest.approx(getattr(in_memory, name), abs=0.01)


def test_expand_says_how_much_it_corrected(album: Path, tmp_path: Path) -> None:
    result = expand_image(album / "photo.png", tmp_path / "r.tif")
    assert result.og_pct == pytest.approx(100 * corrected(album / "photo.png").mean())
    assert (result.width, result.height, result.status, result.to) == (96, 64, "ok", "prophoto")
    assert result.notes == ()


def test_progress_is_told(album: Path, tmp_path: Path) -> None:
    told: list[int] = []
    result = reduce_image(
        album / "photo.tif", tmp_path / "a.png", preset="fast", progress=lambda step, steps, loss: told.append(step)
    )
    assert told[-1] == result.steps == 120
    assert result.fit_seconds > 0


@kinds
@pytest.mark.parametrize("limit", [700, 1500, 4000])
def test_the_largest_payload_is_respected(album: Path, kind: str, limit: int, tmp_path: Path) -> None:
    said = reduce_image(album / "photo.tif", tmp_path / f"a.{kind}", preset="fast", max_payload=limit)
    assert said.payload_bytes <= limit
    assert inspect_image(tmp_path / f"a.{kind}").payload_bytes == said.payload_bytes
    if said.model == "none":
        assert any("none is stored" in note for note in said.notes)
    if limit == 4000:
        assert said.model != "none"


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


def there_and_back(codes: Code16Array, kind: str, folder: Path, preset: str = "fast") -> Evaluation:
    """Reduce and expand a picture; check what holds for any; give its figures."""
    photo = write_tiff(folder / "photo.tif", codes)
    said = reduce_image(photo, folder / f"a.{kind}", preset=preset)
    assert pixels(folder / f"a.{kind}").shape == codes.shape
    assert inspect_image(folder / f"a.{kind}").status == "ok"
    expand_image(folder / f"a.{kind}", folder / "r.tif")
    restored = read_wide(folder / "r.tif")
    assert restored.codes.shape == codes.shape
    assert restored.profile is not None
    assert restored.profile.space == PROPHOTO
    found = evaluate(folder / f"a.{kind}", photo)
    assert found.restored.rmse_all is not None
    assert found.plain.rmse_all is not None
    assert found.restored.rmse_all <= found.plain.rmse_all + 1e-5
    assert all(value is None or not math.isnan(value) for value in vars(found.restored).values())
    assert (said.model == "none") == (inspect_image(folder / f"a.{kind}").model == "none")
    assert {path.name for path in folder.iterdir()} == {"photo.tif", f"a.{kind}", "r.tif"}
    return found


@pytest.mark.fit
@kinds
@pytest.mark.parametrize("name", SCENES)
@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[1]}x{size[0]}")
def test_any_picture_goes_there_and_back(name: str, size: tuple[int, int], kind: str, tmp_path: Path) -> None:
    found = there_and_back(scene(name, *size), kind, tmp_path)
    if name == "all out of gamut":
        assert found.og_pct == 100
        assert found.restored.psnr_in is None
        if kind == "png":
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


# Other spaces.


@pytest.mark.parametrize("space", ["srgb", "adobergb", "displayp3", "rec2020"])
def test_pictures_in_other_spaces_are_converted(space: str, tmp_path: Path) -> None:
    photo = write_tiff(tmp_path / "photo.tif", PHOTO, space=space)
    said = reduce_image(photo, tmp_path / "a.png", preset="fast")
    assert any("converted to ProPhoto RGB" in note for note in said.notes)
    assert (said.og_pct == 0) == (space == "srgb")
    if space == "srgb":
        np.testing.assert_allclose(pixels(tmp_path / "a.png"), PHOTO / 257, atol=1)


@pytest.mark.fit
@pytest.mark.parametrize("space", ["rec2020", "displayp3", "adobergb", "srgb"])
def test_a_picture_can_be_restored_into_another_space(album: Path, space: str, tmp_path: Path) -> None:
    result = expand_image(album / "photo.png", tmp_path / "r.tif", to=space)
    picture = read_wide(tmp_path / "r.tif")
    assert picture.profile is not None
    assert picture.profile.space == SPACES[space]
    as_prophoto = tifffile.imread(album / "photo-png.tif")
    back = picture.profile.to_rgb(PROPHOTO)
    linear = np.stack([picture.profile.decoding_table(65536)[c][picture.codes[..., c]] for c in range(3)], -1) @ back.T
    errors = np.abs(linear - reference.prophoto_linear(as_prophoto)).max(-1)
    assert np.median(errors) < 2e-3
    # What does not fit is clipped, and said so.
    assert (result.clipped_pct > 0) == any("do not fit" in note for note in result.notes)
    assert 100 * (errors > 0.02).mean() <= result.clipped_pct
    if space == "srgb":
        assert result.clipped_pct > 5


def test_a_picture_can_be_restored_into_a_png(album: Path, tmp_path: Path) -> None:
    expand_image(album / "photo.png", tmp_path / "r.png")
    np.testing.assert_array_equal(read_wide(tmp_path / "r.png").codes, tifffile.imread(album / "photo-png.tif"))


# What happens to files.


@pytest.fixture(scope="module")
def whole(cheap: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A whole photograph, whose block means a codec leaves alone: photo.tif and photo.jpg. Read only."""
    folder = tmp_path_factory.mktemp("whole")
    write_tiff(folder / "photo.tif", sample_crop("espresso", 0, 0, 400, 600))
    reduce_image(folder / "photo.tif", folder / "photo.jpg", preset="fast")
    return folder


@pytest.fixture
def shown(whole: Path) -> Image.Image:
    with Image.open(whole / "photo.jpg") as image:
        return image.convert("RGB")


@pytest.mark.fit
def test_a_picture_compressed_again_expands_with_a_warning(whole: Path, shown: Image.Image, tmp_path: Path) -> None:
    again = with_other_pixels(whole / "photo.jpg", tmp_path / "again.jpg", shown)
    assert inspect_image(again).status == "recompressed"
    result = expand_image(again, tmp_path / "r.tif")
    assert result.status == "recompressed"
    assert any("compressed again" in note for note in result.notes)
    found = evaluate(again, whole / "photo.tif")
    assert any("compressed again" in note for note in found.notes)
    assert found.restored.psnr_og is not None
    assert found.plain.psnr_og is not None
    assert found.restored.psnr_og > found.plain.psnr_og + 1


def test_a_resized_picture_expands_with_a_warning(whole: Path, shown: Image.Image, tmp_path: Path) -> None:
    smaller = with_other_pixels(whole / "photo.jpg", tmp_path / "smaller.jpg", shown.resize((301, 201)))
    result = expand_image(smaller, tmp_path / "r.tif")
    assert any("resized" in note and "6 dB" in note for note in result.notes)
    assert tifffile.imread(tmp_path / "r.tif").shape == (201, 301, 3)


def other_png(source: Path, target: Path, codes: CodeArray) -> Path:
    """A PNG of other pixels that kept the payload."""
    found = carriers.extract(source.read_bytes())
    assert found is not None
    target.write_bytes(carriers.embed(encode_reduced(codes, "png"), found.payload, Metadata()).data)
    return target


@pytest.mark.parametrize(
    ("turn", "words"),
    [
        (np.fliplr, "flipped left to right"),
        (lambda codes: np.rot90(codes, 2), "rotated by 180 degrees"),
        (np.rot90, "rotated by 90 degrees counterclockwise"),
    ],
    ids=["flipped", "half a turn", "a quarter"],
)
def test_a_turned_picture_is_restored_turned(
    album: Path, tmp_path: Path, turn: Callable[[NDArray[np.generic]], NDArray[np.generic]], words: str
) -> None:
    codes = np.ascontiguousarray(turn(pixels(album / "photo.png")))
    turned = other_png(album / "photo.png", tmp_path / "turned.png", codes)
    info = inspect_image(turned)
    assert (info.status, info.recognised) == ("ok", words)
    result = expand_image(turned, tmp_path / "r.tif")
    assert result.status == "ok"
    assert any(words in note for note in result.notes)
    expected = turn(tifffile.imread(album / "photo-png.tif")).astype(np.int64)
    # Sums of floats in another order may round otherwise.
    assert np.abs(tifffile.imread(tmp_path / "r.tif") - expected).max() <= 1
    with pytest.raises(InputError, match=words):
        evaluate(turned, album / "photo.tif")


def test_a_cropped_picture_is_restored_as_a_part(whole: Path, shown: Image.Image, tmp_path: Path) -> None:
    codes = np.ascontiguousarray(np.asarray(shown)[30:380, 41:560])
    part = other_png(whole / "photo.jpg", tmp_path / "part.png", codes)
    info = inspect_image(part)
    assert (info.status, info.recognised) == ("recompressed", "cropped")
    result = expand_image(part, tmp_path / "r.tif")
    assert any("cropped" in note for note in result.notes)
    expand_image(whole / "photo.jpg", tmp_path / "whole.tif")
    expected = tifffile.imread(tmp_path / "whole.tif")[30:380, 41:560].astype(np.int64)
    differences = np.abs(tifffile.imread(tmp_path / "r.tif") - expected).max(axis=-1)
    # What differs are pixels that count as clipped now.
    assert np.percentile(differences[8:-8, 8:-8], 90) <= 1


def test_a_part_that_was_resized_is_refused(whole: Path, shown: Image.Image, tmp_path: Path) -> None:
    part = np.asarray(shown.crop((60, 40, 500, 380)).resize((300, 220)))
    with pytest.raises(PixelsChanged, match="--force"):
        expand_image(other_png(whole / "photo.jpg", tmp_path / "part.png", part), tmp_path / "r.tif")


def test_an_edited_picture_is_refused_unless_forced(whole: Path, shown: Image.Image, tmp_path: Path) -> None:
    brighter = ImageEnhance.Brightness(shown).enhance(1.2)
    edited = with_other_pixels(whole / "photo.jpg", tmp_path / "edited.jpg", brighter)
    assert inspect_image(edited).status == "changed"
    with pytest.raises(PixelsChanged, match="--force"):
        expand_image(edited, tmp_path / "r.tif")
    with pytest.raises(PixelsChanged, match="--force"):
        evaluate(edited, whole / "photo.tif")
    assert not (tmp_path / "r.tif").exists()
    result = expand_image(edited, tmp_path / "r.tif", force=True)
    assert result.status == "changed"
    assert any("edited" in note for note in result.notes)
    assert any("edited" in note for note in evaluate(edited, whole / "photo.tif", force=True).notes)


@kinds
def test_a_picture_without_a_payload_says_so(album: Path, kind: str, tmp_path: Path) -> None:
    bare = tmp_path / f"bare.{kind}"
    bare.write_bytes(carriers.strip((album / f"photo.{kind}").read_bytes()))
    for use in (inspect_image, lambda path: expand_image(path, tmp_path / "r.tif")):
        with pytest.raises(NoPayload):
            use(bare)
    assert not (tmp_path / "r.tif").exists()


@kinds
def test_a_damaged_payload_is_an_error(album: Path, kind: str, tmp_path: Path) -> None:
    data = (album / f"photo.{kind}").read_bytes()
    found = carriers.extract(data)
    assert found is not None
    damaged = bytearray(found.payload)
    damaged[len(damaged) // 2] ^= 0xFF
    (tmp_path / f"a.{kind}").write_bytes(carriers.embed(carriers.strip(data), bytes(damaged), Metadata()).data)
    with pytest.raises(PayloadError):
        expand_image(tmp_path / f"a.{kind}", tmp_path / "r.tif")
    assert not (tmp_path / "r.tif").exists()


@kinds
def test_an_existing_file_is_not_touched(album: Path, kind: str, tmp_path: Path) -> None:
    target = tmp_path / f"a.{kind}"
    target.write_text("mine")
    with pytest.raises(OutputError):
        reduce_image(album / "photo.tif", target, preset="fast")
    assert target.read_text("utf-8") == "mine"
    reduce_image(album / "photo.tif", target, preset="fast", overwrite=True)
    assert target.read_bytes() == (album / f"photo.{kind}").read_bytes()


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


# Numbers out of hand.


@pytest.mark.fit
@kinds
@pytest.mark.parametrize("preset", ["fast", "paper"])
@pytest.mark.parametrize("rate", [1e3, 1e30])
def test_a_fit_that_diverges_falls_back_to_the_plain_picture(
    album: Path, kind: str, preset: str, rate: float, tmp_path: Path
) -> None:
    with changed_presets(preset, rate=rate):
        said = reduce_image(album / "photo.tif", tmp_path / f"a.{kind}", preset=preset)
    assert said.psnr_all is not None
    assert said.clip_psnr_all is not None
    assert said.psnr_all >= said.clip_psnr_all
    assert said.model == "none"
    assert any("none is stored" in note for note in said.notes)
    expand_image(tmp_path / f"a.{kind}", tmp_path / "r.tif")
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "r.tif"), plain_codes(tmp_path / f"a.{kind}"))


def test_a_forged_network_of_huge_weights_is_refused(album: Path, tmp_path: Path) -> None:
    forged = replace(network(), residual_scale=3e38)
    packed = pack(Payload(fingerprint(pixels(album / "photo.png")), "bradford", Correction(0), forged))
    bare = carriers.strip((album / "photo.png").read_bytes())
    (tmp_path / "a.png").write_bytes(carriers.embed(bare, packed, Metadata()).data)
    with pytest.raises(PayloadError, match="make no sense"):
        expand_image(tmp_path / "a.png", tmp_path / "r.tif")
    assert not (tmp_path / "r.tif").exists()


# Work that a payload asks for.


def costly(path: Path, codes: CodeArray, shape: Network) -> Path:
    """A file with all that it takes to restore it through a network, every pixel of it."""
    payload = Payload(fingerprint(codes), "bradford", Correction(0, every_pixel=True), shape)
    file = io.BytesIO()
    Image.fromarray(codes).save(file, "PNG")
    path.write_bytes(carriers.embed(file.getvalue(), pack(payload), Metadata()).data)
    return path


def zeros(hidden: int, depth: int) -> Network:
    inputs = Inputs(1, 1)
    layers = [
        Layer(np.zeros((outputs, fan_in), np.int8), np.ones(outputs, np.float16))
        for fan_in, outputs in Shape(inputs, hidden, depth).layers
    ]
    return Network(inputs, tuple(layers), 1.0)


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
    monkeypatch.setattr(restore, "MOST_FOREIGN_WORK", 1000)
    slow = costly(tmp_path / "slow.png", np.zeros((20, 20, 3), np.uint8), zeros(300, 1))
    write_tiff(tmp_path / "slow.tif", np.zeros((20, 20, 3), np.uint16))
    with pytest.raises(InputError, match="--allow-slow"):
        expand_image(slow, tmp_path / "r.tif")
    assert expand_image(slow, tmp_path / "r.tif", allow_slow=True).og_pct == 100
    assert evaluate(slow, tmp_path / "slow.tif", allow_slow=True).payload_bytes


def test_only_pixels_that_are_corrected_count_as_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(restore, "MOST_FOREIGN_WORK", 1000)
    codes = np.full((20, 20, 3), 99, np.uint8)
    payload = Payload(fingerprint(codes), "bradford", Correction(0), zeros(300, 1))
    file = io.BytesIO()
    Image.fromarray(codes).save(file, "PNG")
    (tmp_path / "grey.png").write_bytes(carriers.embed(file.getvalue(), pack(payload), Metadata()).data)
    assert expand_image(tmp_path / "grey.png", tmp_path / "r.tif").og_pct == 0


@pytest.mark.parametrize("model", ["best", "11kb", "137kb", "widest"])
def test_what_gamut_itself_makes_of_100_megapixels_is_no_such_work(model: str) -> None:
    preset = choose("best") if model in ("best", "widest") else choose("paper", model)
    preset = replace(preset, hidden=WIDTHS[-1]) if model == "widest" else preset
    layers = [Layer(np.zeros((o, i), np.int8), np.ones(o, np.float16)) for i, o in preset.shape.layers]
    a_pixel = restore.work_a_pixel(Network(preset.inputs, tuple(layers), 1.0))
    assert preset.hidden <= restore.WIDEST
    assert a_pixel <= restore.MOST_A_PIXEL
    megapixels = 40 if model == "widest" else 100
    assert megapixels * 1e6 * (a_pixel + restore.box_work_a_pixel(preset.inputs, 12_000)) <= restore.MOST_WORK


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
