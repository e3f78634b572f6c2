"""The pictures in sample_images are what their README says, and small enough for a repository."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import tifffile

from gamutcli.color import gamut, icc
from gamutcli.color import spaces as color

FOLDER = Path(__file__).parent.parent / "sample_images"
SAMPLES = sorted(FOLDER.glob("*.tif"))
README = (FOLDER / "README.md").read_text(encoding="utf-8")
# | `name.tif` | W x H | P % | what | author | licence |
ROW = re.compile(
    r"^\| `(?P<name>\w+\.tif)` \| (?P<width>\d+) x (?P<height>\d+) \| (?P<og_pct>[\d.]+) % \|(?P<rest>.*)\|$", re.M
)
LISTED = {row["name"]: row for row in ROW.finditer(README)}

each_sample = pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)


def og_pct(path: Path) -> float:
    prophoto_linear = color.decoding_table(color.PROPHOTO, 65536)[tifffile.imread(path)]
    srgb_linear = color.apply_matrix(prophoto_linear, color.rgb_to_rgb(color.PROPHOTO, color.SRGB))
    return 100.0 * float(gamut.og_mask(srgb_linear).mean())


def test_there_are_at_least_five_and_the_readme_lists_exactly_these() -> None:
    assert len(SAMPLES) >= 5
    assert set(LISTED) == {path.name for path in SAMPLES}


@each_sample
def test_sample_is_one_page_of_16_bit_rgb(path: Path) -> None:
    with tifffile.TiffFile(path) as file:
        assert len(file.pages) == 1
        page = file.pages.first
        assert page.bitspersample == 16
        assert page.samplesperpixel == 3
        assert page.photometric == tifffile.PHOTOMETRIC.RGB
        assert page.dtype == np.uint16


@each_sample
def test_sample_is_tagged_prophoto(path: Path) -> None:
    with tifffile.TiffFile(path) as file:
        data = file.pages.first.iccprofile
    assert data is not None, "no profile"
    assert icc.read_profile(data).space == color.PROPHOTO


@each_sample
def test_sample_is_small(path: Path) -> None:
    with tifffile.TiffFile(path) as file:
        height, width, _ = file.pages.first.shape
    assert 512 <= max(width, height) <= 1024
    assert path.stat().st_size < 3_000_000


@each_sample
def test_5_to_40_percent_leave_srgb(path: Path) -> None:
    assert 5.0 <= og_pct(path) <= 40.0


@each_sample
def test_no_color_is_clipped_in_prophoto(path: Path) -> None:
    codes = tifffile.imread(path)
    # A clipped color has a channel at an end and another elsewhere; black and white have all three there.
    ends = (codes == 0) | (codes == 65535)
    assert np.count_nonzero(ends.any(-1) & ~ends.all(-1)) / ends[..., 0].size < 1e-3


@each_sample
def test_readme_gives_size_and_share_as_they_are(path: Path) -> None:
    row = LISTED[path.name]
    with tifffile.TiffFile(path) as file:
        height, width, _ = file.pages.first.shape
    assert (int(row["width"]), int(row["height"])) == (width, height)
    assert float(row["og_pct"]) == pytest.approx(og_pct(path), abs=0.06)


@each_sample
def test_readme_and_file_name_author_licence_and_treatment(path: Path) -> None:
    what, author, licence = (cell.strip() for cell in LISTED[path.name]["rest"].split("|"))
    with tifffile.TiffFile(path) as file:
        tags = file.pages.first.tags
        artist, copyright_, description = (tags[code].value for code in ("Artist", "Copyright", "ImageDescription"))
    assert artist.casefold() == author.casefold()
    assert copyright_.split(",")[0].casefold() == licence.strip("[]").casefold()
    treatment = what.split(":")[0]
    assert treatment in ("regraded", "rendered")
    assert description.casefold().startswith(treatment)
