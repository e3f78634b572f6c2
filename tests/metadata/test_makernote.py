"""Maker notes keep every value: in the reduced and in the restored file, of every kind, in both byte orders."""

from __future__ import annotations

import io
import struct
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
import tifffile
from PIL import Image

from gamutcli.color.icc import write_profile
from gamutcli.color.spaces import DISPLAY_P3, PROPHOTO
from gamutcli.containers import with_metadata
from gamutcli.expand import expand_image
from gamutcli.fitting import presets
from gamutcli.images import encode_reduced, write_wide
from gamutcli.images.write import COMPRESSIONS
from gamutcli.metadata import EXIF_LIMIT, Metadata, make_true, read_metadata
from gamutcli.metadata.ifd import MAKER_NOTE, Directories, data_entry, write_block
from gamutcli.metadata.rules import parse_exif
from gamutcli.payload_files import embed_payload, extract_payload, strip_payload
from gamutcli.reduce import reduce_image
from tests.support.camera import text_entry
from tests.support.exiftool import needs_exiftool, needs_exiv2, read_tags, read_with_exiv2
from tests.support.notes import BY_HEADER, BY_NOTE, MAKERS, Maker, tiff_with_note
from tests.support.pictures import wide_codes

REDUCED = {"jpg": "jpeg", "png": "png", "webp": "webp", "avif": "avif", "jxl": "jxl", "tif": "tiff"}
RESTORED = {"tif": PROPHOTO, "png": PROPHOTO, "avif": DISPLAY_P3, "jxl": DISPLAY_P3}
ORDERS = [pytest.param("<", id="little"), pytest.param(">", id="big")]
NEAR, FAR = 1000, 70_002


def note_in(metadata: Metadata) -> tuple[bytes, int | None, str]:
    """The note, where it stands, and the byte order of what it stands in."""
    found = parse_exif(metadata.exif)
    return found.exif[MAKER_NOTE].data, found.exif[MAKER_NOTE].place, found.order


def written(folder: Path, source: bytes) -> list[Path]:
    """Files of every format that reduce and expand write, with the metadata of a source."""
    metadata = read_metadata(source)
    paths = []
    for suffix, format in REDUCED.items():
        path = folder / f"reduced.{suffix}"
        reduced = with_metadata(
            encode_reduced(np.zeros((8, 12, 3), np.uint8), format), make_true(metadata, 12, 8, True)
        )
        assert reduced.notes == ()
        path.write_bytes(reduced.data)
        paths.append(path)
    for suffix, space in RESTORED.items():
        path = folder / f"restored.{suffix}"
        write_wide(path, np.zeros((8, 12, 3), np.uint16), space, read_metadata(folder / "reduced.jpg"))
        paths.append(path)
    return paths


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("maker", BY_HEADER.values(), ids=BY_HEADER)
def test_a_note_that_counts_from_the_header_keeps_its_place_and_its_bytes(
    maker: Maker, order: str, tmp_path: Path
) -> None:
    source = tiff_with_note(maker, order, NEAR)
    for path in written(tmp_path, source):
        assert note_in(read_metadata(path)) == (maker.note(order, NEAR), NEAR, order)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("maker", BY_HEADER.values(), ids=BY_HEADER)
def test_one_that_stood_too_far_away_counts_anew(maker: Maker, order: str, tmp_path: Path) -> None:
    source = tiff_with_note(maker, order, FAR)
    for path in written(tmp_path, source):
        note, place, kept_order = note_in(read_metadata(path))
        assert place is not None
        assert place < 2000
        assert kept_order == order
        assert note == maker.note(order, place)


@pytest.mark.parametrize("place", [NEAR, FAR])
@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("maker", BY_NOTE.values(), ids=BY_NOTE)
def test_a_note_that_counts_from_itself_goes_anywhere(maker: Maker, order: str, place: int, tmp_path: Path) -> None:
    source = tiff_with_note(maker, order, place)
    metadata = read_metadata(source)
    assert metadata.exif is not None
    assert len(metadata.exif) < 600
    for path in written(tmp_path, source):
        assert note_in(read_metadata(path))[0] == maker.note(order, 0)


@needs_exiftool
@pytest.mark.parametrize("place", [NEAR, FAR])
@pytest.mark.parametrize("order", ORDERS)
def test_exiftool_reads_the_same_before_and_after(order: str, place: int, tmp_path: Path) -> None:
    sources, copies = [], []
    for number, maker in enumerate(MAKERS.values()):
        (folder := tmp_path / str(number)).mkdir()
        data = tiff_with_note(maker, order, place)
        sources.append(folder / f"{number}.tif")
        sources[-1].write_bytes(data)
        for path in written(folder, data):
            copies.append(path.rename(folder / f"{number}_{path.name}"))
    options = ("-u", "-MakerNotes:all", "-Warning")
    before, after = read_tags(sources, *options), read_tags(copies, *options)
    assert len(after) == len(MAKERS) * 10
    assert all(len(tags) >= 1 for tags in before.values())
    assert {name: tags for name, tags in after.items() if tags != before[f"{name.partition('_')[0]}.tif"]} == {}


@needs_exiv2
@pytest.mark.parametrize("place", [NEAR, FAR])
@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("maker", MAKERS.values(), ids=MAKERS)
def test_exiv2_reads_the_same_before_and_after(maker: Maker, order: str, place: int, tmp_path: Path) -> None:
    (tmp_path / "source.tif").write_bytes(tiff_with_note(maker, order, place))

    def of_the_maker(path: Path) -> dict[str, str]:
        places = ("Exif.Image.", "Exif.Photo.", "Exif.Iop.", "Exif.MakerNote.Offset", "Exif.Thumbnail.")
        return {key: value for key, value in read_with_exiv2(path).items() if not key.startswith(places)}

    before = of_the_maker(tmp_path / "source.tif")
    for path in written(tmp_path, (tmp_path / "source.tif").read_bytes()):
        if path.suffix not in (".avif", ".jxl"):  # which not every exiv2 reads
            assert of_the_maker(path) == before


@pytest.mark.parametrize("order", ORDERS)
def test_an_unknown_note_keeps_its_place_where_it_can(order: str, tmp_path: Path) -> None:
    unknown = Maker("A newcomer", b"HELLO\0", BY_HEADER["Sony"].tags)
    for path in written(tmp_path, tiff_with_note(unknown, order, 30_000)):
        assert note_in(read_metadata(path)) == (unknown.note(order, 30_000), 30_000, order)


def test_an_unknown_note_that_cannot_keep_its_place_is_left_out_and_that_is_said() -> None:
    found = read_metadata(tiff_with_note(Maker("A newcomer", b"HELLO\0", BY_HEADER["Sony"].tags), "<", FAR))
    assert MAKER_NOTE not in parse_exif(found.exif).exif
    assert found.notes == (
        "the camera's maker note was left out: its values are found by where it stood in the source, byte 70,002",
    )


def test_a_note_with_directories_of_its_own_is_not_counted_anew() -> None:
    nested = replace(BY_HEADER["Ricoh"], tags={**BY_HEADER["Ricoh"].tags, 0x2001: (7, b"[Ricoh Camera Info]\0" * 2)})
    assert MAKER_NOTE not in parse_exif(read_metadata(tiff_with_note(nested, "<", FAR)).exif).exif
    assert note_in(read_metadata(tiff_with_note(nested, "<", NEAR)))[1] == NEAR


def test_a_note_whose_offsets_lead_elsewhere_is_not_counted_anew() -> None:
    astray = bytearray(tiff_with_note(BY_HEADER["Sony"], "<", FAR))
    struct.pack_into("<I", astray, FAR + 12 + 2 + 12 + 8, 9)  # the second entry's value
    assert MAKER_NOTE not in parse_exif(read_metadata(bytes(astray)).exif).exif


def test_a_note_that_fills_the_block_is_left_out() -> None:
    large = Maker("SONY", b"SONY DSC \0\0\0", {0xB020: (7, bytes(EXIF_LIMIT))})
    found = read_metadata(tiff_with_note(large, "<", NEAR))
    assert found.notes == ("the EXIF data exceed one segment, left out: the maker note",)


@pytest.mark.parametrize("order", ORDERS)
def test_the_note_that_a_dng_keeps_in_a_tag_of_its_own_goes_back_to_its_place(order: Literal["<", ">"]) -> None:
    maker = BY_HEADER["Canon"]
    note = maker.note(order, NEAR)
    kept = (b"II" if order == "<" else b"MM") + struct.pack(">I", NEAR) + note
    private_data = b"Adobe\0Skip" + struct.pack(">I", 3) + b"abc\0MakN" + struct.pack(">I", len(kept)) + kept
    dng = write_block(Directories(order, {0x010F: text_entry("Canon"), 0xC634: data_entry(private_data)}))
    assert note_in(read_metadata(dng)) == (note, NEAR, order)
    cut = write_block(Directories(order, {0x010F: text_entry("Canon"), 0xC634: data_entry(private_data[:-20])}))
    assert MAKER_NOTE not in parse_exif(read_metadata(cut).exif).exif


def test_the_parts_of_a_cr3_are_one_block() -> None:
    def box(kind: bytes, *contents: bytes) -> bytes:
        return struct.pack(">I4s", 8 + sum(map(len, contents)), kind) + b"".join(contents)

    note = BY_HEADER["Canon"].note("<", 8)
    parts = box(b"CMT1", write_block(Directories("<", {0x010F: text_entry("Canon")})))
    parts += box(b"CMT2", write_block(Directories("<", {0xA434: text_entry("A lens")})))
    parts += box(b"CMT3", b"II*\0\x08\0\0\0" + note) + box(b"CMT4", write_block(Directories("<", {1: text_entry("N")})))
    inner = box(b"uuid", bytes.fromhex("85c0b687820f11e08111f4ce462b6a48"), parts)
    packet = box(b"uuid", bytes.fromhex("be7acfcb97a942e89c71999491e3afac"), b"<a packet>")
    found = read_metadata(box(b"ftyp", b"crx ", bytes(4), b"crx isom") + box(b"moov", inner) + packet)
    assert note_in(make_true(replace(found, xmp=None), 12, 8, True)) == (note, 8, "<")
    read = parse_exif(found.exif)
    assert (read.image[0x010F], read.exif[0xA434], read.gps[1]) == tuple(map(text_entry, ("Canon", "A lens", "N")))
    assert found.xmp == b"<a packet>"


@pytest.mark.usefixtures("cheap")
@pytest.mark.parametrize("order", ORDERS)
def test_a_note_survives_from_a_jpeg(order: str, tmp_path: Path) -> None:
    codes = (wide_codes(48, 64) >> 8).astype(np.uint8)
    block = read_metadata(tiff_with_note(BY_HEADER["Canon"], order, NEAR)).exif
    stream = io.BytesIO()
    Image.fromarray(codes).save(stream, "JPEG", icc_profile=write_profile(PROPHOTO), exif=b"Exif\0\0" + (block or b""))
    (tmp_path / "source.jpg").write_bytes(stream.getvalue())
    for suffix in REDUCED:
        reduce_image(tmp_path / "source.jpg", tmp_path / f"reduced.{suffix}", preset="fast")
        expand_image(tmp_path / f"reduced.{suffix}", tmp_path / "restored.tif", overwrite=True)
        for path in (tmp_path / f"reduced.{suffix}", tmp_path / "restored.tif"):
            assert note_in(read_metadata(path)) == (BY_HEADER["Canon"].note(order, NEAR), NEAR, order)


@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_pixels_are_the_same_in_a_file_of_the_order_that_a_note_needs(compression: str, tmp_path: Path) -> None:
    codes = wide_codes(300, 400)
    metadata = read_metadata(tiff_with_note(BY_HEADER["Sony"], ">", NEAR))
    write_wide(tmp_path / "a.tif", codes, PROPHOTO, metadata, compression)
    assert (tmp_path / "a.tif").read_bytes()[:2] == b"MM"
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "a.tif"), codes)


@pytest.fixture
def cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    small = replace(presets.PRESETS["fast"], hidden=8, depth=2, steps=20, batch=256, samples=1024)
    monkeypatch.setitem(presets.PRESETS, "fast", small)


@pytest.mark.usefixtures("cheap")
@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("suffix", REDUCED)
def test_the_note_survives_reducing_moving_the_payload_and_expanding(suffix: str, order: str, tmp_path: Path) -> None:
    maker = BY_HEADER["Canon"]
    (tmp_path / "source.tif").write_bytes(tiff_with_note(maker, order, NEAR, codes=wide_codes(48, 64)))
    expected = (maker.note(order, NEAR), NEAR, order)
    for carrier in ("auto", "exif"):
        reduced, bare, filled = (tmp_path / f"{name}.{suffix}" for name in ("reduced", "bare", "filled"))
        reduce_image(tmp_path / "source.tif", reduced, preset="fast", carrier=carrier, overwrite=True)
        assert note_in(read_metadata(reduced)) == expected
        extract_payload(reduced, tmp_path / "payload.gamut", overwrite=True)
        strip_payload(reduced, bare, overwrite=True)
        assert note_in(read_metadata(bare)) == expected
        embed_payload(bare, tmp_path / "payload.gamut", filled, carrier=carrier, overwrite=True)
        assert note_in(read_metadata(filled)) == expected
        expand_image(filled, tmp_path / "restored.tif", overwrite=True)
        assert note_in(read_metadata(tmp_path / "restored.tif")) == expected
