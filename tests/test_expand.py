"""What `expand_image` makes of a reduced file, whatever became of it on its way."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from PIL import Image, ImageEnhance

from gamutcli import parallel
from gamutcli.arrays import CodeArray
from gamutcli.color.gamut import Correction
from gamutcli.color.spaces import PROPHOTO, SPACES
from gamutcli.errors import InputError, NoPayload, PayloadError, PixelsChanged
from gamutcli.evaluation import evaluate
from gamutcli.expand import expand_image
from gamutcli.fingerprint.match import fingerprint
from gamutcli.images import encode_reduced, read_wide
from gamutcli.metadata import Metadata
from gamutcli.network import predict
from gamutcli.payload import carriers
from gamutcli.payload.format import Payload, pack
from gamutcli.payload_files import inspect_image
from gamutcli.reduce import reduce_image
from tests.support import reference
from tests.support.networks import network
from tests.support.pictures import sample_crop, write_tiff
from tests.support.pipeline import PHOTO, corrected, extensions, pixels, plain_codes

pytestmark = pytest.mark.usefixtures("cheap")


# What comes back.


@extensions
def test_pixels_that_were_not_clipped_come_back_exactly(album: Path, extension: str) -> None:
    restored, mask = tifffile.imread(album / f"photo-{extension}.tif"), corrected(album / f"photo.{extension}")
    assert 0.2 < mask.mean() < 0.9
    np.testing.assert_array_equal(restored[~mask], plain_codes(album / f"photo.{extension}")[~mask])


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


@extensions
def test_clipped_pixels_are_changed_for_the_better(album: Path, extension: str) -> None:
    truth, mask = reference.prophoto_linear(PHOTO), corrected(album / f"photo.{extension}")
    plain = reference.prophoto_linear(plain_codes(album / f"photo.{extension}"))
    restored = reference.prophoto_linear(tifffile.imread(album / f"photo-{extension}.tif"))
    before, after = (np.sqrt(((picture - truth)[mask] ** 2).mean()) for picture in (plain, restored))
    assert after < before / 1.4


@extensions
def test_strips_do_not_show(album: Path, extension: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parallel, "STRIP_PIXELS", 500)
    monkeypatch.setattr(predict, "MOST_PIXELS", 70)
    expand_image(album / f"photo.{extension}", tmp_path / "strips.tif")
    whole = tifffile.imread(album / f"photo-{extension}.tif").astype(int)
    assert np.abs(tifffile.imread(tmp_path / "strips.tif") - whole).max() <= 1


def test_expand_says_how_much_it_corrected(album: Path, tmp_path: Path) -> None:
    result = expand_image(album / "photo.png", tmp_path / "r.tif")
    assert result.og_pct == pytest.approx(100 * corrected(album / "photo.png").mean())
    assert (result.width, result.height, result.status, result.to) == (96, 64, "ok", "prophoto")
    assert result.notes == ()


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


# What became of the picture on its way.


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


def with_other_pixels(source: Path, target: Path, image: Image.Image) -> Path:
    """A JPEG of other pixels that kept the payload, as editors keep metadata."""
    found = carriers.extract(source.read_bytes())
    assert found is not None
    file = io.BytesIO()
    image.save(file, "JPEG", quality=85)
    target.write_bytes(carriers.embed(file.getvalue(), found.payload, Metadata()).data)
    return target


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


@extensions
def test_a_picture_without_a_payload_says_so(album: Path, extension: str, tmp_path: Path) -> None:
    bare = tmp_path / f"bare.{extension}"
    bare.write_bytes(carriers.strip((album / f"photo.{extension}").read_bytes()))
    for use in (inspect_image, lambda path: expand_image(path, tmp_path / "r.tif")):
        with pytest.raises(NoPayload):
            use(bare)
    assert not (tmp_path / "r.tif").exists()


@extensions
def test_a_damaged_payload_is_an_error(album: Path, extension: str, tmp_path: Path) -> None:
    data = (album / f"photo.{extension}").read_bytes()
    found = carriers.extract(data)
    assert found is not None
    damaged = bytearray(found.payload)
    damaged[len(damaged) // 2] ^= 0xFF
    (tmp_path / f"a.{extension}").write_bytes(carriers.embed(carriers.strip(data), bytes(damaged), Metadata()).data)
    with pytest.raises(PayloadError):
        expand_image(tmp_path / f"a.{extension}", tmp_path / "r.tif")
    assert not (tmp_path / "r.tif").exists()


def test_a_forged_network_of_huge_weights_is_refused(album: Path, tmp_path: Path) -> None:
    forged = replace(network(), residual_scale=3e38)
    packed = pack(Payload(fingerprint(pixels(album / "photo.png")), "bradford", Correction(0), forged))
    bare = carriers.strip((album / "photo.png").read_bytes())
    (tmp_path / "a.png").write_bytes(carriers.embed(bare, packed, Metadata()).data)
    with pytest.raises(PayloadError, match="make no sense"):
        expand_image(tmp_path / "a.png", tmp_path / "r.tif")
    assert not (tmp_path / "r.tif").exists()
