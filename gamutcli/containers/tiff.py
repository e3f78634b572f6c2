"""TIFF: XMP in tag 700, EXIF as directories of the file itself.

Strips and tiles are found by absolute offsets, so they stay where they are: a new directory and new values are
appended. Only the first picture of a file is looked at.

Source: TIFF 6.0; XMP specification part 3, 1.1.8; Exif 3.0 (CIPA DC-008), 4.6.3.
"""

from __future__ import annotations

from gamutcli.containers import ifd
from gamutcli.containers.blocks import Blocks, Written
from gamutcli.errors import InputError

_XMP_TAG, _IPTC_TAG = 700, 33723

#: Tags of TIFF 6.0 that describe a photograph; the others below 700 say how its own pixels are stored. Description,
#: make, model, orientation, resolution (x, y, unit), software, date and time, artist, host computer.
DESCRIPTIVE = frozenset({270, 271, 272, 274, 282, 283, 296, 305, 306, 315, 316})
# Later ones that belong to the file: XMP, IPTC, Photoshop's resources, ICC profile, Photoshop's layers, pointers.
_OF_THE_FILE = frozenset({_XMP_TAG, _IPTC_TAG, 34377, 34675, 37724, ifd.EXIF_POINTER, ifd.GPS_POINTER})


def recognises(data: bytes) -> bool:
    """Tell whether this is a TIFF or BigTIFF file."""
    return data.startswith((b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"))


def read(data: bytes) -> Blocks:
    """Return the XMP packet of a file; its EXIF is its own directories, which are no block.

    Raises:
        InputError: Damaged, or without a picture.
    """
    return Blocks(xmp=_packets(ifd.Tiff(data)))


def write(data: bytes, blocks: Blocks) -> Written:
    """Return the file with this packet and no other; the tags of EXIF blocks are copied into its own directories.

    Raises:
        InputError: Damaged, or without a picture.
    """
    tiff = ifd.Tiff(data)
    current = _packets(tiff)
    for block in blocks.exif:
        _copy_exif(ifd.Tiff(block), tiff)
    if blocks.iptc is not None:
        tiff.set((), _IPTC_TAG, ifd.UNDEFINED, blocks.iptc)
    # What is set last ends the file, where it can be cut off again.
    if not blocks.xmp:
        tiff.remove((), _XMP_TAG)
    elif blocks.xmp[:1] != current:
        tiff.set((), _XMP_TAG, ifd.BYTE, blocks.xmp[0])
    return Written(bytes(tiff.data))


def _packets(tiff: ifd.Tiff) -> tuple[bytes, ...]:
    directory = tiff.directory()
    if directory is None:
        raise InputError("the TIFF file holds no picture")
    entry = directory.get(_XMP_TAG)
    return () if entry is None else (tiff.value(entry),)


def _copy_exif(source: ifd.Tiff, target: ifd.Tiff) -> None:
    """Copy a camera's tags into a file: those of its first directory that describe, and all of Exif and GPS."""
    for path in ((), (ifd.EXIF_POINTER,), (ifd.GPS_POINTER,)):
        directory = source.directory(path)
        entries = () if directory is None else directory.entries
        values = {
            entry.tag: (entry.type, source.value_in_order(entry, target.order))
            for entry in entries
            if entry.size and (_describes(entry.tag) if not path else entry.tag != ifd.INTEROP_POINTER)
        }
        if values:
            target.update(path, values)


def _describes(tag: int) -> bool:
    return tag in DESCRIPTIVE or (tag >= 700 and tag not in _OF_THE_FILE)
