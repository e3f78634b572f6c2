"""OpenEXR: light by chromaticities, layers, windows and alpha; OpenEXR's own library writes the files."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from gamutcli.color.spaces import PROPHOTO, REC2020, SPACES, SRGB, rgb_to_rgb
from gamutcli.errors import InputError
from gamutcli.images.original import Source, read_source
from gamutcli.images.read import read_wide
from gamutcli.images.reading import Reading
from tests.fuzz.formats.exr import EXR
from tests.support.pictures import wide_codes

LIGHT = PROPHOTO.cctf_decoding(wide_codes(40, 30) / 65535)
Channels = dict[str, NDArray[Any]]


@pytest.fixture
def openexr() -> Any:
    return pytest.importorskip("OpenEXR")


def light_of(source: Source) -> NDArray[np.float32]:
    return source.original.strip(slice(0, source.original.size[0]))


def rgb(light: NDArray[Any], prefix: str = "", kind: str = "float32") -> Channels:
    return {prefix + name: np.ascontiguousarray(light[..., n].astype(kind)) for n, name in enumerate("RGB")}


def chromaticities(space: str) -> tuple[float, ...]:
    known = SPACES[space]
    return tuple(value for point in (*known.primaries, known.white) for value in point)


def write(openexr: Any, path: Path, channels: Channels, **header: Any) -> Path:
    settings = {"compression": openexr.ZIP_COMPRESSION, "type": openexr.scanlineimage, **header}
    openexr.File(settings, channels).write(str(path))
    return path


@pytest.mark.parametrize("kind", ["float16", "float32"])
@pytest.mark.parametrize("space", SPACES)
def test_light_is_of_the_files_own_chromaticities(openexr: Any, tmp_path: Path, space: str, kind: str) -> None:
    own = LIGHT @ rgb_to_rgb(PROPHOTO, SPACES[space]).T
    path = write(openexr, tmp_path / "a.exr", rgb(own, kind=kind), chromaticities=chromaticities(space))
    picture = read_wide(path)
    assert picture.profile is not None
    assert picture.profile.space == SPACES[space]
    np.testing.assert_allclose(light_of(read_source(path)), LIGHT, atol=2e-3 if kind == "float16" else 5e-5)


def test_aces_and_xyz_are_light_too(openexr: Any, tmp_path: Path) -> None:
    for name, numbers in {
        "aces": (0.7347, 0.2653, 0.0, 1.0, 0.0001, -0.077, 0.32168, 0.33767),
        "xyz": (1.0, 0.0, 0.0, 1.0, 0.0, 0.0, 1 / 3, 1 / 3),
    }.items():
        grey = np.full((8, 9, 3), 0.18)
        path = write(openexr, tmp_path / f"{name}.exr", rgb(grey), chromaticities=numbers)
        np.testing.assert_allclose(light_of(read_source(path)), 0.18, atol=1e-4)


def test_without_chromaticities_it_is_rec_709_and_said_so(openexr: Any, tmp_path: Path) -> None:
    own = LIGHT @ rgb_to_rgb(PROPHOTO, SRGB).T
    source = read_source(write(openexr, tmp_path / "a.exr", rgb(own)))
    np.testing.assert_allclose(light_of(source), LIGHT, atol=5e-5)
    assert any("linear Rec. 709, as OpenEXR says" in note for note in source.notes)


def test_the_user_can_name_the_space_of_a_file_that_does_not(openexr: Any, tmp_path: Path) -> None:
    own = LIGHT @ rgb_to_rgb(PROPHOTO, REC2020).T
    path = write(openexr, tmp_path / "a.exr", rgb(own))
    np.testing.assert_allclose(light_of(read_source(path, Reading(assume_profile="rec2020"))), LIGHT, atol=5e-5)
    named = write(openexr, tmp_path / "b.exr", rgb(own), chromaticities=chromaticities("rec2020"))
    notes = read_source(named, Reading(assume_profile="srgb")).notes
    assert any("not --assume-profile srgb" in note for note in notes)


def test_exposure_brings_highlights_down(openexr: Any, tmp_path: Path) -> None:
    path = write(openexr, tmp_path / "a.exr", rgb(LIGHT * 8), chromaticities=chromaticities("prophoto"))
    assert any("clipped" in note for note in read_source(path).notes)
    np.testing.assert_allclose(light_of(read_source(path, Reading(exposure=-3))), LIGHT, atol=5e-5)


def test_luminance_alone_is_grey(openexr: Any, tmp_path: Path) -> None:
    path = write(openexr, tmp_path / "a.exr", {"Y": LIGHT[..., 1].astype(np.float32)})
    np.testing.assert_allclose(light_of(read_source(path)), np.repeat(LIGHT[..., 1:2], 3, axis=-1), atol=5e-5)


def test_opaque_alpha_goes_and_a_background_shows_through_the_rest(openexr: Any, tmp_path: Path) -> None:
    opaque = {**rgb(LIGHT), "A": np.ones(LIGHT.shape[:2], np.float32)}
    header = {"chromaticities": chromaticities("prophoto")}
    np.testing.assert_allclose(
        light_of(read_source(write(openexr, tmp_path / "a.exr", opaque, **header))), LIGHT, atol=5e-5
    )
    half = {**rgb(LIGHT * 0.5), "A": np.full(LIGHT.shape[:2], 0.5, np.float32)}
    path = write(openexr, tmp_path / "b.exr", half, **header)
    with pytest.raises(InputError, match="--background"):
        read_source(path)
    source = read_source(path, Reading(background=(0, 0, 0)))
    mixed = PROPHOTO.cctf_decoding(PROPHOTO.cctf_encoding(LIGHT) / 2)
    np.testing.assert_allclose(light_of(source), mixed, atol=2e-4)


def test_layers_beside_the_picture_are_left_out(openexr: Any, tmp_path: Path) -> None:
    channels = {**rgb(LIGHT), **rgb(LIGHT * 0, "diffuse."), "Z": LIGHT[..., 0].astype(np.float32)}
    path = write(openexr, tmp_path / "a.exr", channels, chromaticities=chromaticities("prophoto"))
    source = read_source(path)
    np.testing.assert_allclose(light_of(source), LIGHT, atol=5e-5)
    assert any("another picture in the file was left out" in note for note in source.notes)


def test_of_several_layers_the_user_chooses(openexr: Any, tmp_path: Path) -> None:
    channels = {**rgb(LIGHT, "view.combined."), **rgb(LIGHT / 2, "view.diffuse.")}
    path = write(openexr, tmp_path / "a.exr", channels, chromaticities=chromaticities("prophoto"))
    with pytest.raises(InputError, match=r"--page N.*1 view\.combined, 2 view\.diffuse"):
        read_source(path)
    np.testing.assert_allclose(light_of(read_source(path, Reading(page=2))), LIGHT / 2, atol=5e-5)


def test_of_several_parts_the_user_chooses(openexr: Any, tmp_path: Path) -> None:
    header = {"type": openexr.scanlineimage, "chromaticities": chromaticities("prophoto")}
    parts = [openexr.Part({**header, "name": name}, rgb(LIGHT * share)) for name, share in (("l", 1), ("r", 0.5))]
    openexr.File(parts).write(str(tmp_path / "a.exr"))
    with pytest.raises(InputError, match="holds 2 pictures"):
        read_source(tmp_path / "a.exr")
    np.testing.assert_allclose(light_of(read_source(tmp_path / "a.exr", Reading(page=2))), LIGHT / 2, atol=5e-5)


def test_tiles_are_read(openexr: Any, tmp_path: Path) -> None:
    tiles = openexr.TileDescription()
    tiles.xSize = tiles.ySize = 16
    header = {"type": openexr.tiledimage, "tiles": tiles, "chromaticities": chromaticities("prophoto")}
    path = write(openexr, tmp_path / "a.exr", rgb(LIGHT), **header)
    np.testing.assert_allclose(light_of(read_source(path)), LIGHT, atol=5e-5)


def test_a_margin_outside_the_display_window_is_cut_off(openexr: Any, tmp_path: Path) -> None:
    header = {
        "dataWindow": (np.array([-2, -3], np.int32), np.array([27, 36], np.int32)),
        "displayWindow": (np.array([0, 0], np.int32), np.array([24, 30], np.int32)),
        "chromaticities": chromaticities("prophoto"),
    }
    source = read_source(write(openexr, tmp_path / "a.exr", rgb(LIGHT), **header))
    np.testing.assert_allclose(light_of(source), LIGHT[3:34, 2:27], atol=5e-5)
    assert any("display window" in note for note in source.notes)


def test_whole_numbers_and_depth_alone_are_refused(openexr: Any, tmp_path: Path) -> None:
    whole = write(openexr, tmp_path / "a.exr", rgb(LIGHT * 100, kind="uint32"))
    with pytest.raises(InputError, match="whole numbers"):
        read_source(whole)
    depth = write(openexr, tmp_path / "b.exr", {"Z": LIGHT[..., 0].astype(np.float32)})
    with pytest.raises(InputError, match="no channels R, G and B"):
        read_source(depth)


def test_an_exr_cut_anywhere_is_refused_without_a_word_of_the_library(
    openexr: Any, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    whole = write(openexr, tmp_path / "a.exr", rgb(LIGHT)).read_bytes()
    for length in range(16, len(whole) - 1, len(whole) // 25):
        (tmp_path / "cut.exr").write_bytes(whole[:length])
        with pytest.raises(InputError, match=r"cut\.exr: "):
            read_source(tmp_path / "cut.exr")
    assert capfd.readouterr() == ("", "")


def test_without_openexr_the_refusal_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "OpenEXR", None)
    (tmp_path / "a.exr").write_bytes(b"v/1\x01" + bytes(100))
    with pytest.raises(InputError, match=r"is an OpenEXR file; .*pip install OpenEXR"):
        read_source(tmp_path / "a.exr")


def test_chromaticities_of_another_type_are_damage(openexr: Any, tmp_path: Path) -> None:
    path = write(openexr, tmp_path / "a.exr", rgb(LIGHT), chromaticities=chromaticities("prophoto"))
    other = {b"chromaticities\0chromaticities\0": b"chromaticities\0string\0"}
    pieces = [replace(piece, kind=other.get(piece.kind, piece.kind)) for piece in EXR.split(path.read_bytes())]
    path.write_bytes(EXR.join(pieces))
    with pytest.raises(InputError, match=r"a\.exr: the OpenEXR file is damaged"):
        read_wide(path)


def test_primaries_on_one_line_are_damage(openexr: Any, tmp_path: Path) -> None:
    path = write(openexr, tmp_path / "a.exr", rgb(LIGHT), chromaticities=(0.1, 0.1, 0.2, 0.2, 0.3, 0.3, 0.3127, 0.329))
    with pytest.raises(InputError, match=r"a\.exr: the OpenEXR file is damaged"):
        read_wide(path)
