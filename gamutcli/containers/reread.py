"""A second opinion on an EXIF block: what piexif finds in it, before and after something was added.

Our own surgery goes by what our own reader finds; this is another's.

piexif trusts lengths and pointers, and makes a number of every byte: a block that lies would cost gigabytes. So it is
asked only where our reader finds all values in their place, and of a sensible size.
"""

from __future__ import annotations

import struct
from typing import Any

import piexif

from gamutcli.containers import ifd
from gamutcli.errors import InputError

# Bytes of all values together; an EXIF segment of a JPEG holds 65,527.
_LIMIT = 1 << 20
_POINTERS = (ifd.EXIF_POINTER, ifd.GPS_POINTER, ifd.INTEROP_POINTER)
_PATHS = ((), (ifd.EXIF_POINTER,), (ifd.GPS_POINTER,), (ifd.EXIF_POINTER, ifd.INTEROP_POINTER))


def same_but_comment(before: bytes, after: bytes) -> bool:
    """Tell whether piexif finds the same in two blocks, user comment and places of directories left out.

    A block that piexif cannot read in the first place counts as the same.
    """
    old = _tags(before)
    return old is None or old == _tags(after)


def _tags(block: bytes) -> dict[str, Any] | None:
    """All that piexif finds; None where it finds its way no more."""
    if not _is_sound(block):
        return None
    try:
        tags: dict[str, Any] = piexif.load(block)
    except (ValueError, TypeError, KeyError, IndexError, struct.error):
        return None
    tags["Exif"].pop(piexif.ExifIFD.UserComment, None)
    for directory in ("0th", "Exif"):
        for pointer in _POINTERS:
            tags[directory].pop(pointer, None)
    return tags


def _is_sound(block: bytes) -> bool:
    """Tell whether every value lies in the block, no tag or pointer is ambiguous, and all are of a sensible size."""
    size = 0
    try:
        tiff = ifd.Tiff(block)
        found = [tiff.directory(path) for path in _PATHS]
        if tiff.width != 4 or found[0] is None:
            return False
        for directory in [*found, tiff.following(found[0])]:
            entries = () if directory is None else directory.entries
            if len({entry.tag for entry in entries}) < len(entries):
                return False
            for entry in entries:
                size += entry.size
                if entry.tag in _POINTERS and not _is_plain(entry):
                    return False
                if size > _LIMIT or tiff.extent(entry)[1] > len(block):
                    return False
    except InputError:
        return False
    return True


def _is_plain(pointer: ifd.Entry) -> bool:
    """Tell whether a pointer is of the usual kind and leads somewhere: piexif follows 0 as well."""
    return (pointer.type, pointer.count) == (ifd.LONG, 1) and any(pointer.field)
