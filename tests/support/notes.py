"""Maker notes as cameras write them, and TIFF files with one at a place of one's choice."""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np

from gamutcli.arrays import Code16Array
from gamutcli.color.icc import write_profile
from gamutcli.color.spaces import PROPHOTO

ASCII, SHORT, LONG, UNDEFINED = 2, 3, 4, 7

Tags = dict[int, tuple[int, bytes]]


def text(value: str, size: int) -> tuple[int, bytes]:
    return ASCII, value.encode().ljust(size, b"\0")


def blob(value: bytes) -> tuple[int, bytes]:
    return UNDEFINED, value


@dataclass(frozen=True)
class Maker:
    """How a maker's cameras write their note.

    Attributes:
        make: What the file says of its maker.
        head: Bytes before the directory.
        tags: Of the directory: field type and bytes.
        from_note: Where in the note its offsets begin to count; None: they count from the TIFF header.
        order: The note's own byte order; None: that of the file.
        footer: Whether the place of the note follows it, as in Canon's.
    """

    make: str
    head: bytes
    tags: Tags
    from_note: int | None = None
    order: str | None = None
    footer: bool = False

    def note(self, order: str, place: int) -> bytes:
        """The note as it stands at a place of a file of this byte order."""
        order = self.order or order
        base = place if self.from_note is None else -self.from_note
        note = self.head + directory(self.tags, order, base + len(self.head))
        if self.footer:
            note += (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(f"{order}I", place)
        return note


def directory(tags: Tags, order: str, at: int, following: int = 0) -> bytes:
    """A directory and its values, for a place that offsets are counted to."""
    rows, values = [struct.pack(f"{order}H", len(tags))], b""
    behind = at + 2 + 12 * len(tags) + 4
    for tag, (kind, data) in sorted(tags.items()):
        field = data.ljust(4, b"\0")
        if len(data) > 4:
            field = struct.pack(f"{order}I", behind + len(values))
            values += data + bytes(len(data) % 2)
        rows.append(struct.pack(f"{order}HHI", tag, kind, len(data) // {SHORT: 2, LONG: 4}.get(kind, 1)) + field)
    return b"".join([*rows, struct.pack(f"{order}I", following), values])


_OLYMPUS = {0x0207: text("SX957", 12), 0x0209: blob(b"OLYMPUS DIGITAL CAMERA\0".ljust(32)), 0x0200: text("x", 2)}
_NIKON = {0x0004: text("NORMAL", 8), 0x0005: text("SUNNY", 13), 0x0001: blob(b"0210")}
_NIKON_HEAD = b"Nikon\0\x02\x10\0\0"

#: Those whose offsets count from the TIFF header.
BY_HEADER = {
    "Sony": Maker("SONY", b"SONY DSC \0\0\0", {0xB000: blob(b"\3\1\0\0"), 0xB020: text("Vivid", 16)}),
    "Canon": Maker(
        "Canon",
        b"",
        {0x0006: text("Canon EOS 5D", 32), 0x0007: text("Firmware Version 1.1.1", 24), 0x0009: text("Jane Doe", 32)},
        footer=True,
    ),
    "Panasonic": Maker(
        "Panasonic",
        b"Panasonic\0\0\0",
        {0x0086: (SHORT, b"\0\1" * 2), 0x0051: text("LUMIX G VARIO 14-42", 34), 0x0052: text("9876543210987", 14)},
    ),
    "Minolta": Maker("Minolta Co., Ltd.", b"", {0x0000: blob(b"MLT0"), 0x0050: text("A Minolta value", 20)}),
    "Sigma": Maker(
        "SIGMA", b"SIGMA\0\0\0\1\0", {0x0002: text("1003597", 8), 0x0003: text("SINGLE", 7), 0x0006: text("MF-S", 5)}
    ),
    "Ricoh": Maker(
        "RICOH", b"Ricoh\0\0\0", {0x0001: text("Rdc", 4), 0x0002: text("Rev0113", 8), 0x0005: blob(b"0123456789abcdef")}
    ),
    "Olympus": Maker("OLYMPUS OPTICAL CO.,LTD", b"OLYMP\0\1\0", _OLYMPUS),
    "Nikon 2": Maker("NIKON", b"Nikon\0\1\0", {0x0002: text("08.00", 6), 0x0009: text("SUNNY A VALUE", 14)}, order="<"),
    "Pentax": Maker(
        "Asahi Optical Co.,Ltd", b"AOC\0II", {0x0000: blob(b"\3\0\0\0"), 0x0229: text("1234567", 8)}, order="<"
    ),
}

#: Those whose offsets count from the note itself.
BY_NOTE = {
    "Nikon 3": Maker("NIKON CORPORATION", _NIKON_HEAD + b"MM\0*\0\0\0\x08", _NIKON, from_note=10, order=">"),
    "Olympus 2": Maker("OLYMPUS IMAGING CORP.", b"OLYMPUS\0II\3\0", _OLYMPUS, from_note=0, order="<"),
    "Fujifilm": Maker(
        "FUJIFILM",
        b"FUJIFILM\x0c\0\0\0",
        {0x0000: blob(b"0130"), 0x0010: text("FC  A1234567", 48), 0x1000: text("NORMAL", 8)},
        from_note=0,
        order="<",
    ),
    "Apple": Maker("Apple", b"Apple iOS\0\0\1MM", {0x000B: text("A-BURST-OF-PICTURES", 37)}, from_note=0, order=">"),
}

MAKERS = BY_HEADER | BY_NOTE


def tiff_with_note(maker: Maker, order: str, place: int, *, codes: Code16Array | None = None) -> bytes:
    """A 16-bit ProPhoto TIFF of this byte order whose maker note stands at `place`, 400 or more."""
    pixels = np.zeros((8, 12, 3), np.uint16) if codes is None else codes

    def number(kind: int, *values: int) -> tuple[int, bytes]:
        return kind, struct.pack(f"{order}{len(values)}{'I' if kind == LONG else 'H'}", *values)

    note = maker.note(order, place)
    height, width, _ = pixels.shape
    behind = place + len(note) + len(note) % 2
    strip = behind + 1024
    image = {
        0x0100: number(LONG, width),
        0x0101: number(LONG, height),
        0x0102: number(SHORT, 16, 16, 16),
        0x0103: number(SHORT, 1),
        0x0106: number(SHORT, 2),
        0x010F: text(maker.make, len(maker.make) + 1),
        0x0110: text("A camera", 9),
        0x0111: number(LONG, strip),
        0x0115: number(SHORT, 3),
        0x0116: number(LONG, height),
        0x0117: number(LONG, pixels.nbytes),
        0x8769: number(LONG, 8),
        0x8773: blob(write_profile(PROPHOTO)),
    }
    # The note's entry holds its place; a value of four bytes is taken for one that stands in the entry.
    exif = directory({0x9000: blob(b"0232"), 0x927C: (LONG, struct.pack(f"{order}I", place))}, order, 8)
    exif = exif.replace(
        struct.pack(f"{order}HHI", 0x927C, LONG, 1), struct.pack(f"{order}HHI", 0x927C, UNDEFINED, len(note))
    )
    first = strip + pixels.nbytes
    file = bytearray(first)
    file[:8] = (b"II" if order == "<" else b"MM") + struct.pack(f"{order}HI", 42, first)
    file[8 : 8 + len(exif)] = exif
    file[place : place + len(note)] = note
    file[strip : strip + pixels.nbytes] = pixels.astype(f"{order}u2").tobytes()
    return bytes(file) + directory(image, order, first)
