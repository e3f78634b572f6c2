"""The report: one page that holds everything, says what eval says, and trusts no file name."""

from __future__ import annotations

import base64
import io
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

from gamutcli import evaluate, reduce_image, write_report
from gamutcli.cli import run
from gamutcli.color.icc import read_profile
from gamutcli.color.spaces import PROPHOTO, SRGB, rgb_to_rgb
from gamutcli.errors import InputError, OutputError, UsageError
from gamutcli.evaluation import publish_report, section_of
from gamutcli.images.picture import turn
from gamutcli.report import introduction
from gamutcli.report.charts import chromaticities, spectral_locus, triangle
from gamutcli.report.shown import Smaller, mask_png, outside_mask
from tests.support.pictures import sample_crop, wide_codes, write_tiff
from tests.support.presets import changed_presets

CRAFTED = "<script>alert(1)</script>&\"'.png"


class Page(HTMLParser):
    """What of a page the tests look at."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.cells: list[str] = []
        self._cell = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._cell = tag == "td"

    def handle_data(self, data: str) -> None:
        if self._cell:
            self.cells.append(data)

    def handle_endtag(self, tag: str) -> None:
        self._cell = False

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]

    def image(self, alternative: str) -> Image.Image:
        source = next(image["src"] for image in self.all("img") if alternative in (image["alt"] or ""))
        return Image.open(io.BytesIO(base64.b64decode((source or "").partition(",")[2])))


@pytest.fixture(scope="module")
def album(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """originals/a.tif and b.tif, a.jpg and b.png made of them, and reports on one and on both. Read only."""
    folder = tmp_path_factory.mktemp("album")
    (folder / "originals").mkdir()
    write_tiff(folder / "originals" / "a.tif", wide_codes(60, 90))
    write_tiff(folder / "originals" / "b.tif", sample_crop("pavilion", 352, 96))
    with changed_presets("fast", steps=60):
        reduce_image(folder / "originals" / "a.tif", folder / "a.jpg", preset="fast")
        reduce_image(folder / "originals" / "b.tif", folder / "b.png", preset="fast")
    pairs = [(folder / name, folder / "originals" / f"{name[0]}.tif") for name in ("a.jpg", "b.png")]
    evaluate(*pairs[0], report_file=folder / "one.html")
    write_report(pairs, folder / "both.html")
    return folder


def text_of(album: Path, name: str = "one.html") -> str:
    return (album / name).read_text("utf-8")


def test_the_page_needs_no_network(album: Path) -> None:
    text = re.sub(r"data:image/[a-z]+;base64,[A-Za-z0-9+/=]+", "data:", text_of(album, "both.html"))
    assert not re.search(r"https?:|//[a-z]|@import|<link[^>]+stylesheet|<script[^>]+src", text)
    for _, attributes in Page(text).elements:
        assert not {"srcset", "data-src"} & set(attributes)
        assert (attributes.get("src") or "data:").startswith("data:")
        assert re.match(r"data:|#", attributes.get("href") or "#")
    assert "default-src 'none'" in text


def test_no_placeholder_is_left(album: Path) -> None:
    assert not re.search(r"\$[a-z{]", text_of(album))


def test_the_figures_are_those_of_evaluate(album: Path) -> None:
    found = evaluate(album / "a.jpg", album / "originals" / "a.tif")
    cells = Page(text_of(album)).cells
    shown = iter(cells)
    for region in ("all", "og", "in"):
        for name, digits in (("psnr_{}", 2), ("rmse_{}", 5), ("de2000_{}_mean", 2), ("de2000_{}_p99", 2)):
            for scores in (found.plain, found.restored):
                assert next(shown) == f"{getattr(scores, name.format(region)):.{digits}f}"
    text = text_of(album)
    assert f"{found.payload_bytes:,} bytes" in text
    assert f"{found.og_pct:.1f} %" in text
    assert "90 × 60" in text


def test_map_chromaticities_and_percentages_are_explained(album: Path) -> None:
    for picture in ("one.html", "both.html"):
        count = 1 if picture == "one.html" else 2
        words = " ".join(text_of(album, picture).split())
        for beginning in ("Each pixel shows how far", "Each dot is a colour", "Those are shares of the original"):
            assert words.count(beginning) == count


def test_out_of_gamut_is_one_figure(album: Path) -> None:
    found = evaluate(album / "a.jpg", album / "originals" / "a.tif")
    words = " ".join(text_of(album, "one.html").split())
    assert f"Out of gamut for sRGB: {found.og_pct:.1f} %" in words
    assert words.count(f"{found.og_pct:.1f} %") >= 2


def test_evaluate_returns_the_same_with_a_report_and_without(album: Path, tmp_path: Path) -> None:
    pair = (album / "a.jpg", album / "originals" / "a.tif")
    assert evaluate(*pair, report_file=tmp_path / "r.html") == evaluate(*pair)


def test_the_same_pictures_give_the_same_page(album: Path, tmp_path: Path) -> None:
    evaluate(album / "a.jpg", album / "originals" / "a.tif", report_file=tmp_path / "again.html")
    assert (tmp_path / "again.html").read_bytes() == (album / "one.html").read_bytes()


def test_several_pictures_get_an_overview_with_links_and_means(album: Path) -> None:
    page = Page(text_of(album, "both.html"))
    targets = {attributes.get("id") for attributes in page.all("article")}
    assert {f"#{target}" for target in targets} == {link["href"] for link in page.all("a")} != set()
    found = [evaluate(album / name, album / "originals" / f"{name[0]}.tif") for name in ("a.jpg", "b.png")]
    mean = np.mean([one.restored.psnr_og for one in found if one.restored.psnr_og is not None])
    assert f"{mean:.2f}" in page.cells
    assert not Page(text_of(album)).all("a")


def test_a_report_can_start_with_a_title_and_a_table_of_its_own(album: Path, tmp_path: Path) -> None:
    sections = [section_of(album / "a.jpg", album / "originals" / "a.tif")]
    before = introduction("Mine <1>", "Means & more", (("method", "dB"), [("<b>clip", "31.50")]))
    publish_report(sections, tmp_path / "r.html", overwrite=False, introduction=before)
    text = text_of(tmp_path, "r.html")
    assert "<h1>Mine &lt;1&gt;</h1>" in text
    assert text.index("Means &amp; more") < text.index("&lt;b&gt;clip") < text.index("<article")
    assert Page(text).cells[0] == "31.50"


def test_several_untagged_references(album: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_tiff(tmp_path / "a.tif", wide_codes(60, 90), space=None)
    write_tiff(tmp_path / "b.tif", sample_crop("pavilion", 352, 96), space=None)
    words = ["eval", album / "a.jpg", album / "b.png", "--gt", tmp_path, "--report", tmp_path / "r.html"]
    assert run([*map(str, words), "--assume-profile", "prophoto"]) == 0
    assert (tmp_path / "r.html").read_bytes() == (album / "both.html").read_bytes()
    pairs = [(album / name, tmp_path / f"{name[0]}.tif") for name in ("a.jpg", "b.png")]
    write_report(pairs, tmp_path / "again.html", assume_profile="prophoto")
    assert (tmp_path / "again.html").read_bytes() == (album / "both.html").read_bytes()


def test_the_pictures_are_in_display_p3(album: Path) -> None:
    page = Page(text_of(album))
    for kind in ("a.jpg, plain", "a.jpg, restored"):
        image = page.image(kind)
        assert image.size == (90, 60)
        profile = read_profile(image.info["icc_profile"])
        assert profile.space is not None
        assert profile.space.name == "displayp3"


def test_the_restored_picture_shows_more_than_srgb(album: Path) -> None:
    page = Page(text_of(album))
    srgb = ImageCms.createProfile("sRGB")
    edges = {}
    for kind in ("plain", "restored"):
        image = page.image(f"a.jpg, {kind}")
        p3 = ImageCms.ImageCmsProfile(io.BytesIO(image.info["icc_profile"]))
        # What sRGB has no code for ends at one of its limits, or came from there.
        there = ImageCms.profileToProfile(image, p3, srgb)
        back = ImageCms.profileToProfile(there, srgb, p3) if there else image
        edges[kind] = np.abs(np.asarray(back).astype(int) - np.asarray(image)).max(axis=-1)
    assert (edges["restored"] > 12).mean() > 4 * (edges["plain"] > 12).mean() + 0.02


def test_names_are_escaped(album: Path, tmp_path: Path) -> None:
    crafted = tmp_path / CRAFTED.replace("/", "∕")
    crafted.write_bytes((album / "b.png").read_bytes())
    evaluate(crafted, album / "originals" / "b.tif", report_file=tmp_path / "r.html")
    text = (tmp_path / "r.html").read_text("utf-8")
    assert "<script>alert" not in text
    assert "&lt;script&gt;alert(1)" in text
    assert len(Page(text).all("script")) == 1
    assert any(crafted.name in (image["alt"] or "") for image in Page(text).all("img"))


def test_a_picture_without_lost_colors_has_a_report(tmp_path: Path) -> None:
    grey = write_tiff(tmp_path / "grey.tif", np.full((20, 30, 3), 30000, np.uint16))
    reduce_image(grey, tmp_path / "grey.png")
    evaluate(tmp_path / "grey.png", grey, report_file=tmp_path / "r.html")
    assert "No pixel of the original is out of gamut" in text_of(tmp_path, "r.html")


def test_a_restored_picture_without_an_error_has_a_report(album: Path, tmp_path: Path) -> None:
    original = album / "originals" / "a.tif"
    evaluate(original, original, report_file=tmp_path / "r.html")
    page = Page(text_of(tmp_path, "r.html"))
    assert "exact" in page.cells
    assert "Payload" not in text_of(tmp_path, "r.html")


def test_a_black_picture_has_a_report(tmp_path: Path) -> None:
    black = write_tiff(tmp_path / "black.tif", np.zeros((1, 1, 3), np.uint16))
    evaluate(black, black, report_file=tmp_path / "r.html")


def test_a_picture_on_its_side_is_shown_upright(tmp_path: Path) -> None:
    on_side = write_tiff(tmp_path / "a.tif", wide_codes(20, 30), extratags=[(274, "H", 1, 6, True)])
    evaluate(on_side, on_side, report_file=tmp_path / "r.html")
    page = Page(text_of(tmp_path, "r.html"))
    assert {page.image(name).size for name in (", plain", ", restored", "Map of the plain")} == {(20, 30)}


# Rules for the output


def test_an_existing_report_is_kept(album: Path, tmp_path: Path) -> None:
    target = tmp_path / "r.html"
    target.write_text("mine")
    with pytest.raises(OutputError, match="--overwrite"):
        evaluate(album / "a.jpg", album / "originals" / "a.tif", report_file=target)
    assert target.read_text("utf-8") == "mine"
    evaluate(album / "a.jpg", album / "originals" / "a.tif", report_file=target, overwrite=True)
    assert target.read_text("utf-8").startswith("<!DOCTYPE html>")


def test_a_picture_that_cannot_be_compared_leaves_no_report(album: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError):
        write_report([(album / "a.jpg", album / "originals" / "b.tif")], tmp_path / "r.html")
    assert not list(tmp_path.iterdir())


def test_a_report_on_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nothing to report"):
        write_report([], tmp_path / "r.html")


# The command


def test_the_command_finds_references_by_name(album: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["eval", album / "a.jpg", album / "b.png", "--gt", album / "originals", "--report", tmp_path / "r.html"]
    assert run([*map(str, words), "--json"]) == 0
    assert [Path(found["reference"]).name for found in json.loads(capsys.readouterr().out)] == ["a.tif", "b.tif"]
    assert (tmp_path / "r.html").read_bytes() == (album / "both.html").read_bytes()


def test_the_command_reports_on_what_could_be_compared(
    album: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "c.png").write_bytes((album / "b.png").read_bytes())
    words = ["eval", tmp_path / "c.png", album / "b.png", "--gt", album / "originals", "--report", tmp_path / "r.html"]
    assert run(list(map(str, words))) == 1
    assert "c.png: has no original in" in capsys.readouterr().err
    assert len(Page(text_of(tmp_path, "r.html")).all("article")) == 1


def test_two_originals_of_one_name_are_not_guessed_between(
    album: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("a.tif", "a.png"):
        write_tiff(tmp_path / name, wide_codes(60, 90))
    assert run(["eval", str(album / "a.jpg"), "--gt", str(tmp_path)]) == 1
    assert "a.png and a.tif" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("rest", "message"),
    [(["--gt", "originals/a.tif"], "is no folder"), (["--gt", "originals", "--map", "m.png"], "--report")],
)
def test_several_pictures_need_a_folder_and_have_no_single_map(
    album: Path, rest: list[str], message: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(album)
    assert run(["eval", "a.jpg", "b.png", *rest]) == 2
    assert message in capsys.readouterr().err


# What it is made of


def test_the_spectrum_is_that_of_the_standard_observer() -> None:
    colour = pytest.importorskip("colour")
    functions = colour.MSDS_CMFS["CIE 1931 2 Degree Standard Observer"]
    theirs = [colour.Luv_uv_to_xy(uv) for uv in spectral_locus()]
    expected = [functions[nm][:2] / functions[nm].sum() for nm in range(380, 701, 5)]
    np.testing.assert_allclose(theirs, expected, atol=1e-4)


def test_the_triangle_of_srgb_is_the_published_one() -> None:
    np.testing.assert_allclose(triangle(SRGB), [[0.4507, 0.5229], [0.125, 0.5625], [0.1754, 0.1579]], atol=1e-4)


def test_colors_lie_where_their_space_does() -> None:
    primaries = rgb_to_rgb(SRGB, PROPHOTO).T.astype(np.float32)
    np.testing.assert_allclose(chromaticities(primaries), triangle(SRGB), atol=1e-4)
    white = chromaticities(np.ones((1, 3), np.float32))
    np.testing.assert_allclose(white, [[0.1978, 0.4683]], atol=1e-4)
    assert not len(chromaticities(np.zeros((5, 3), np.float32)))


@pytest.mark.parametrize("rows", [1, 7, 64, 5000])
def test_a_large_picture_is_reduced_by_the_mean_light_of_squares(rows: int) -> None:
    light = np.random.default_rng(1).random((8, 2801, 3), dtype=np.float32)
    smaller = Smaller(*light.shape[:2])
    for top in range(0, len(light), rows):
        smaller.add(light[top : top + rows])
    assert smaller.linear.shape == (3, 934, 3)
    np.testing.assert_allclose(smaller.linear[1, 5], light[3:6, 15:18].mean(axis=(0, 1)), rtol=1e-5)
    np.testing.assert_allclose(smaller.linear[2, 933], light[6:, 2799:].mean(axis=(0, 1)), rtol=1e-5)


def test_a_mask_is_clear_where_nothing_is_marked() -> None:
    marked = np.random.default_rng(1).random((5, 9)) > 0.5
    with Image.open(io.BytesIO(mask_png(marked, 1))) as image:
        alpha = np.asarray(image.convert("RGBA"))[..., 3]
    np.testing.assert_array_equal(alpha, np.where(marked, 255, 0))


def test_what_is_outside_srgb_is_marked() -> None:
    colors = np.array([[0, 1, 0], [0.5, 0.5, 0.5], [1, 1, 1], [0, 0, 0]], np.float32)
    assert outside_mask(colors, SRGB).tolist() == [True, False, False, False]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_pictures_are_turned_as_pillow_turns_them(orientation: int) -> None:
    from PIL import ImageOps

    codes = np.arange(12, dtype=np.uint8).reshape(3, 4)
    image = Image.fromarray(codes)
    image.getexif()[274] = orientation
    np.testing.assert_array_equal(turn(codes, orientation), np.asarray(ImageOps.exif_transpose(image)))
