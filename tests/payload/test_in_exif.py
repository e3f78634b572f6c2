"""EXIF blocks: a part in the user comment, and the rest where it was."""

from __future__ import annotations

import contextlib

import piexif
import pytest

from gamutcli.containers import exif
from gamutcli.errors import InputError
from gamutcli.payload import in_exif
from gamutcli.payload.parts import join, parse, split
from tests.support.camera import camera_exif, noise

PAYLOAD = noise(3000)
EARLIER = "4d4d002a0000001a000190000007000000043032333200000000000187690004000000010000000800000000"
(LINE,) = split(PAYLOAD, [len(PAYLOAD)])


def load(block: bytes) -> dict[str, dict[int, object]]:
    tags = piexif.load(b"Exif\0\0" + block)
    tags["0th"].pop(piexif.ImageIFD.ExifTag, None)  # where a directory stands is not what it says
    return tags


def test_a_new_block_is_read_by_others_and_vanishes_again():
    block = in_exif.insert(None, LINE)
    assert load(block)["Exif"][piexif.ExifIFD.UserComment] == b"ASCII\0\0\0" + LINE
    assert in_exif.remove(block) is None


@pytest.mark.parametrize("order", ["big", "little"])
def test_a_camera_block_keeps_every_tag_and_the_place_of_its_maker_note(order):
    block = camera_exif(thumbnail=4000)
    if order == "little":
        block = little_endian_block()
    filled = in_exif.insert(block, LINE)
    assert filled.find(b"Maker") == block.find(b"Maker")
    before, after = load(block), load(filled)
    assert after["Exif"].pop(piexif.ExifIFD.UserComment) == b"ASCII\0\0\0" + LINE
    assert after == before
    assert load(in_exif.remove(filled)) == before
    assert LINE[:20] not in in_exif.remove(filled)


def little_endian_block() -> bytes:
    """A block without an Exif directory: it has to be made."""
    return b"II*\0\x08\0\0\0" + b"\x01\0" + b"\x12\x01\x03\0\x01\0\0\0\x06\0\0\0" + bytes(4) + b"Maker"


@pytest.mark.parametrize(
    ("comment", "kept"),
    [
        (b"ASCII\0\0\0By the sea", b"By the sea\n"),
        (b"UNICODE\0" + "Fjäll".encode("utf-16-be"), "Fjäll\n".encode("utf-16-be")),
        (bytes(8) + b"plain", b"plain\n"),
        (b"ASCII\0\0\0" + b" " * 200, b""),
        (bytes(264), b""),
    ],
    ids=["ascii", "unicode", "undefined", "blank", "zeros"],
)
def test_what_the_comment_says_already_stays_in_front(comment, kept):
    filled = in_exif.insert(camera_exif(comment=comment), LINE)
    said = load(filled)["Exif"][piexif.ExifIFD.UserComment]
    assert said[8:].startswith(kept)
    assert join(parse(in_exif.text_of(filled))) == [PAYLOAD]
    emptied = load(in_exif.remove(filled))["Exif"].get(piexif.ExifIFD.UserComment, b"")
    assert emptied[8:] == (comment[8:] if kept else b"")


def test_a_block_whose_comment_shares_its_place_with_another_tag_is_refused():
    """The old comment would be wiped, and the camera's name with it."""
    words = b"ASCII\0\0\0Cam"
    block = camera_exif(comment=words, maker_note=0)
    at = block.find(words)
    name = (271).to_bytes(2, "big") + b"\0\x02" + (4).to_bytes(4, "big") + b"Cam\0"
    assert name in block
    shared = block.replace(name, name[:4] + len(words).to_bytes(4, "big") + at.to_bytes(4, "big"))
    assert in_exif.text_of(shared) == b"Cam"
    with pytest.raises(InputError, match="without losing another tag"):
        in_exif.insert(shared, LINE)
    assert in_exif.room(shared, 60_000) == 0


def test_a_new_block_of_other_bytes_vanishes_too():
    """As earlier versions made it: the Exif directory first."""
    assert in_exif.remove(bytes.fromhex(EARLIER)) is None


@pytest.mark.parametrize("size", [1 << 20, 0xFFFF_FFF0])
def test_lengths_that_lie_cost_nothing(size):
    block = b"MM\0*\0\0\0\x08" + b"\0\x01" + b"\x01\x0e\0\x01" + size.to_bytes(4, "big") + bytes(8)
    assert LINE in in_exif.insert(block, LINE)


def test_room_is_what_fits():
    block = camera_exif(comment=b"UNICODE\0" + "é".encode("utf-16-be"))
    for candidate in (None, camera_exif(), block):
        room = in_exif.room(candidate, 20_000)
        (line,) = split(noise(room), [room])
        assert 20_000 - 20 < len(in_exif.insert(candidate, line)) <= 20_000


def test_dropping_the_thumbnail_frees_its_bytes():
    block = camera_exif(thumbnail=4000)
    shorter = exif.without_thumbnail(block)
    assert len(shorter) < len(block) - 4000
    before, after = load(block), load(shorter)
    assert after["thumbnail"] is None
    assert not after["1st"]
    assert {name: after[name] for name in ("0th", "Exif", "GPS")} == {
        name: before[name] for name in ("0th", "Exif", "GPS")
    }


def test_without_a_thumbnail_nothing_changes():
    assert exif.without_thumbnail(camera_exif()) == camera_exif()
    assert exif.without_thumbnail(b"broken") == b"broken"


def test_a_part_in_a_broken_block_is_still_found():
    assert join(parse(in_exif.text_of(b"II*\0\xff\xff\xff\xff" + LINE))) == [PAYLOAD]


def test_damage_never_escapes_as_another_error():
    block = in_exif.insert(camera_exif(thumbnail=500), LINE)
    for cut in range(0, len(block), 13):
        survive(block[:cut])
    for position in range(0, 400):
        for value in (0x00, 0xFF):
            survive(block[:position] + bytes([value]) + block[position + 1 :])


def survive(block: bytes) -> None:
    in_exif.text_of(block)
    in_exif.remove(block)
    exif.without_thumbnail(block)
    in_exif.room(block, 60_000)
    with contextlib.suppress(InputError):
        in_exif.insert(block, LINE)
