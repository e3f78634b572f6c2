"""TIFF directories that lie, or say things twice."""

from __future__ import annotations

import struct

import pytest

from gamutcli.containers import ifd


def block(*entries: tuple[int, int, int, bytes]) -> bytes:
    """A little-endian TIFF of one directory; each entry is tag, type, count and the field as stored."""
    rows = b"".join(struct.pack("<HHI4s", *entry) for entry in entries)
    return b"II*\0" + struct.pack("<IH", 8, len(entries)) + rows + bytes(4)


WIDTH_TWICE = block((256, 4, 1, b"\x30\0\0\0"), (256, 3, 1, b"\2\0\0\0"), (700, 1, 1, b"x\0\0\0"))


def entries(data: bytes | bytearray) -> list[tuple[int, int]]:
    directory = ifd.Tiff(data).directory()
    assert directory is not None
    return [(entry.tag, entry.type) for entry in directory.entries]


@pytest.mark.parametrize("kind", [16, 18])
def test_a_pointer_of_no_numbers_points_nowhere(kind: int) -> None:
    """Of BigTIFF's types, which the four bytes of a classic entry do not hold."""
    assert ifd.Tiff(block((ifd.EXIF_POINTER, kind, 0, bytes(4)))).directory((ifd.EXIF_POINTER,)) is None


def test_tags_that_are_there_twice_stay_so_when_another_is_set() -> None:
    """Readers differ in which they take: with one of them gone, a picture would have another size."""
    tiff = ifd.Tiff(WIDTH_TWICE)
    tiff.set((), 700, ifd.BYTE, b"longer than four bytes")
    assert entries(tiff.data) == [(256, 4), (256, 3), (700, 1)]
    tiff.set((), 282, ifd.SHORT, b"\1\0")
    assert entries(tiff.data) == [(256, 4), (256, 3), (282, 3), (700, 1)]


def test_a_tag_that_is_there_twice_is_once_when_it_is_set() -> None:
    tiff = ifd.Tiff(WIDTH_TWICE)
    tiff.set((), 256, ifd.SHORT, b"\7\0")
    assert entries(tiff.data) == [(256, 3), (700, 1)]
    directory = tiff.directory()
    assert directory is not None
    assert tiff.number(directory, 256) == 7


def test_a_value_that_says_to_stand_among_the_pixels_is_not_wiped() -> None:
    """Neither where strips say how long they are, nor where they do not."""
    pixels = bytes(range(1, 41))
    for sizes in ((279, 4, 1, struct.pack("<I", 40)), (279, 4, 0, bytes(4))):
        head = block((273, 4, 1, struct.pack("<I", 50)), sizes, (700, 1, 20, struct.pack("<I", 60)))
        assert len(head) == 50
        tiff = ifd.Tiff(head + pixels)
        tiff.remove((), 700)
        assert bytes(tiff.data[50:]) == pixels


def test_a_value_that_stands_for_itself_is_wiped() -> None:
    head = block((273, 4, 1, struct.pack("<I", 50)), (279, 4, 1, struct.pack("<I", 4)), (700, 1, 20, b"\x36\0\0\0"))
    tiff = ifd.Tiff(head + b"1234" + b"x" * 20 + b"end")
    tiff.remove((), 700)
    assert bytes(tiff.data[50:]) == b"1234" + bytes(20) + b"end"
