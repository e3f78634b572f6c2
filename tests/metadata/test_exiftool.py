"""All that exiftool reads in a source is in what is made of it, but for what docs/METADATA.md lists."""

from __future__ import annotations

import fnmatch
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import piexif
import pytest
from PIL import Image

from gamutcli.color.icc import write_profile
from gamutcli.color.spaces import PROPHOTO
from gamutcli.containers import with_metadata
from gamutcli.expand import expand_image
from gamutcli.images import encode_reduced
from gamutcli.metadata import make_true, read_metadata
from gamutcli.reduce import reduce_image
from tests.support.exiftool import needs_exiftool, read_tags, write_tags
from tests.support.markdown import ROOT
from tests.support.notes import BY_HEADER, tiff_with_note
from tests.support.pictures import wide_codes, write_tiff
from tests.support.presets import changed_presets

pytestmark = needs_exiftool

RESTORED = (("tif", "prophoto"), ("png", "prophoto"))
FORMATS = {"jpg": "jpeg", "png": "png", "webp": "webp", "avif": "avif", "jxl": "jxl", "tif": "tiff"}
_TIME, _PLACE = "2024:05:06 07:08:09", "Fjäll"


def _each(names: str, value: object) -> dict[str, object]:
    """The same value for several tags of EXIF."""
    return {f"EXIF:{name}": value for name in names.split()}


#: What photographers, cameras, scanners and editors write, as exiftool names it.
TAGS: dict[str, object] = {
    **_each("Make Model Software DocumentName PageName HostComputer ImageDescription", "A text"),
    **_each("OwnerName SerialNumber LensMake LensModel LensSerialNumber RelatedSoundFile", "A word"),
    **_each("SpectralSensitivity UniqueCameraModel CameraSerialNumber OriginalRawFileName", "A name"),
    **_each("XPTitle XPComment XPAuthor XPKeywords XPSubject", "From Windows"),
    **_each("ModifyDate DateTimeOriginal CreateDate", _TIME),
    **_each("OffsetTime OffsetTimeOriginal OffsetTimeDigitized", "+02:00"),
    **_each("SubSecTime SubSecTimeOriginal SubSecTimeDigitized ISO FocalLength", 7),
    **_each("ExposureProgram SensitivityType MeteringMode LightSource Flash CustomRendered ExposureMode", 1),
    **_each("WhiteBalance SceneCaptureType Contrast Saturation Sharpness SubjectDistanceRange SensingMethod", 1),
    **_each("FileSource Rating RatingPercent ImageNumber SelfTimerMode TimeZoneOffset", 1),
    **_each("FNumber ApertureValue MaxApertureValue BrightnessValue SubjectDistance", 2.5),
    **_each("ExposureCompensation DigitalZoomRatio AmbientTemperature Pressure", 1.5),
    "EXIF:Artist": "Jané Doe",
    "EXIF:Copyright": "© Jané Doe",
    "EXIF:Orientation": 6,
    "EXIF:XResolution": 300,
    "EXIF:YResolution": 300,
    "EXIF:ResolutionUnit": 2,
    "EXIF:ExposureTime": 0.004,
    "EXIF:ShutterSpeedValue": 0.004,
    "EXIF:UserComment": "Ein Kommentar: Fjäll",
    "EXIF:LensInfo": "24 70 2.8 4",
    "EXIF:SubjectArea": "1 2 3 4",
    "EXIF:FocalLengthIn35mmFormat": 50,
    "EXIF:ImageUniqueID": "0123456789abcdef0123456789abcdef",
    "EXIF:ColorSpace": 65535,
    "EXIF:InteropIndex": "R03",
    "EXIF:GPSLatitude": 60.1699,
    "EXIF:GPSLatitudeRef": "N",
    "EXIF:GPSLongitude": 24.9384,
    "EXIF:GPSLongitudeRef": "E",
    "EXIF:GPSAltitude": 26.5,
    "EXIF:GPSDateStamp": "2024:05:06",
    "EXIF:GPSTimeStamp": "07:08:09",
    "EXIF:GPSImgDirection": 123.5,
    "EXIF:GPSMapDatum": "WGS-84",
    "EXIF:GPSProcessingMethod": "GPS",
    "EXIF:GPSAreaInformation": _PLACE,
    **{f"IPTC:{name}": f"A {name}" for name in ("ObjectName", "Headline", "Caption-Abstract", "By-line", "Credit")},
    **{f"IPTC:{name}": f"A {name}" for name in ("Source", "CopyrightNotice", "City", "Sub-location", "Keywords")},
    "IPTC:DateCreated": "2024:05:06",
    "IPTC:Country-PrimaryLocationCode": "FIN",
    **{f"XMP-dc:{name}": f"A {name} {_PLACE}" for name in ("Title", "Description", "Creator", "Rights", "Subject")},
    **{f"XMP-photoshop:{name}": f"A {name}" for name in ("City", "Country", "Headline", "Credit", "Instructions")},
    "XMP-photoshop:ICCProfileName": "ProPhoto RGB",
    "XMP-exif:ColorSpace": 65535,
    "XMP-tiff:ImageWidth": 96,
    "XMP-xmp:Rating": 4,
    "XMP-xmp:Label": "Red",
    "XMP-xmp:CreatorTool": "An editor",
    "XMP-xmp:MetadataDate": _TIME,
    "XMP-xmpMM:DocumentID": "uuid:1",
    "XMP-xmpRights:UsageTerms": "Ask first",
    "XMP-lr:HierarchicalSubject": "Places|Finland",
    "XMP-aux:Lens": "A lens",
    "XMP-crs:Exposure2012": 1.5,
    "Photoshop:CopyrightFlag": 1,
    "Photoshop:URL": "https://example.org/jane",
    "Photoshop:GlobalAngle": 30,
}


def listed() -> list[str]:
    """The tags that docs/METADATA.md says may differ."""
    page = (ROOT / "docs" / "METADATA.md").read_text(encoding="utf-8")
    table = page.partition("<!-- The test reads this table")[2].partition("\n## ")[0]
    rows = [row.split("|")[1] for row in table.splitlines() if row.startswith("| `")]
    return [name for row in rows for name in re.findall(r"`([^`]+)`", row)]


def differing(before: dict[str, Any], after: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Tags that are gone or differ, and are not listed."""
    names = {name for name in before if before[name] != after.get(name)}
    free = {name for name in names if any(fnmatch.fnmatchcase(name, pattern) for pattern in listed())}
    return {name: (before.get(name), after.get(name)) for name in sorted(names - free)}


@pytest.fixture(scope="module", autouse=True)
def cheap() -> Iterator[None]:
    with changed_presets("fast", hidden=8, depth=2, steps=20, batch=256, samples=1024):
        yield


def write_source(path: Path, order: str) -> Path:
    """A TIFF of this byte order with all `TAGS`."""
    write_tiff(path, wide_codes(48, 64), byteorder=order)
    write_tags(path, TAGS)
    return path


@pytest.mark.parametrize("order", ["<", ">"], ids=["little", "big"])
def test_all_but_what_is_listed_comes_through(order: str, tmp_path: Path) -> None:
    source = write_source(tmp_path / "source.tif", order)
    paths = []
    for suffix in FORMATS:
        paths.append(tmp_path / f"reduced.{suffix}")
        reduce_image(source, paths[-1], preset="fast")
        for restored, space in RESTORED:
            paths.append(tmp_path / f"{suffix}_restored.{restored}")
            expand_image(tmp_path / f"reduced.{suffix}", paths[-1], to=space)
    found = read_tags([source, *paths], "-struct")
    before = found.pop("source.tif")
    assert len(before) > 130
    for name, after in found.items():
        if "webp" in name:  # is stored upright
            assert after.get("EXIF:Orientation", 1) == 1
            after["EXIF:Orientation"] = before["EXIF:Orientation"]
    assert {name: differing(before, after) for name, after in found.items()} == {name: {} for name in found}
    assert all(after["EXIF:ColorSpace"] == (1 if "reduced" in name else 65535) for name, after in found.items())


def test_nothing_is_made_up(tmp_path: Path) -> None:
    source = write_source(tmp_path / "source.tif", "<")
    reduce_image(source, tmp_path / "reduced.tif", preset="fast")
    expand_image(tmp_path / "reduced.tif", tmp_path / "restored.tif")
    found = read_tags(sorted(tmp_path.iterdir()), "-struct")
    for path in ("reduced.tif", "restored.tif"):
        assert differing(found[path], found["source.tif"]) == {}


def test_an_avif_restored_is_turned_upright_and_says_so(tmp_path: Path) -> None:
    source = write_source(tmp_path / "source.tif", "<")
    reduce_image(source, tmp_path / "reduced.jpg", preset="fast")
    expand_image(tmp_path / "reduced.jpg", tmp_path / "restored.avif", to="displayp3")
    found = read_tags([source, tmp_path / "restored.avif"], "-struct")
    differ = differing(found["source.tif"], found["restored.avif"])
    assert differ == {"EXIF:Orientation": (6, None)}


def test_the_note_comes_through_beside_all_the_rest(tmp_path: Path) -> None:
    source = tmp_path / "source.tif"
    source.write_bytes(tiff_with_note(BY_HEADER["Sony"], ">", 1000, codes=wide_codes(48, 64)))
    for suffix in FORMATS:
        reduce_image(source, tmp_path / f"reduced.{suffix}", preset="fast")
        expand_image(tmp_path / f"reduced.{suffix}", tmp_path / f"{suffix}_restored.tif")
    found = read_tags(sorted(tmp_path.iterdir()), "-u")
    before = found.pop("source.tif")
    assert before["MakerNotes:CreativeStyle"] == "Vivid"
    assert {name: differing(before, after) for name, after in found.items()} == {name: {} for name in found}


def jpeg_source() -> bytes:
    stream = io.BytesIO()
    thumbnail = encode_reduced(np.zeros((12, 16, 3), np.uint8), "jpeg")
    block = piexif.dump({"0th": {271: b"Maker"}, "1st": {259: 6}, "thumbnail": thumbnail})
    icc = write_profile(PROPHOTO)
    Image.fromarray(np.zeros((16, 24, 3), np.uint8)).save(stream, "JPEG", exif=block, icc_profile=icc, dpi=(300, 300))
    return stream.getvalue()


def other_source(suffix: str) -> bytes:
    codes = np.zeros((16, 24, 3), np.uint8)
    if suffix == "jp2":
        return bytes(imagecodecs.jpeg2k_encode(codes, codecformat="jp2"))
    return with_metadata(
        encode_reduced(codes, FORMATS[suffix]), make_true(read_metadata(jpeg_source()), 24, 16, True)
    ).data


@pytest.mark.parametrize("suffix", [*FORMATS, "jp2"])
def test_from_every_format_that_is_read_into_every_format_that_is_written(suffix: str, tmp_path: Path) -> None:
    source = tmp_path / f"source.{suffix}"
    source.write_bytes(jpeg_source() if suffix == "jpg" else other_source(suffix))
    # exiftool writes these where the format has a place for them.
    has_no_place = () if suffix in ("jpg", "png", "tif") else ("IPTC", "Photoshop")
    write_tags(source, {name: value for name, value in TAGS.items() if not name.startswith(has_no_place)})
    metadata = read_metadata(source)
    for written, format in FORMATS.items():
        true = make_true(metadata, 24, 16, True)
        assert true.notes == ()
        data = encode_reduced(np.zeros((16, 24, 3), np.uint8), format)
        (tmp_path / f"written.{written}").write_bytes(with_metadata(data, true).data)
    found = read_tags(sorted(tmp_path.iterdir()), "-struct")
    before = found.pop(f"source.{suffix}")
    assert before["EXIF:LensModel"] == "A word"
    assert {name: differing(before, after) for name, after in found.items()} == {name: {} for name in found}
