"""AVIF and HEIF: XMP and EXIF as items of the file's ``meta`` box.

An item is named in ``iinf``, found through ``iloc`` and tied to the picture in ``iref``. Our items are appended in a
``mdat`` box of their own; the ``meta`` box grows, so the offsets in ``iloc`` to what comes after it grow as well.

Source: ISO/IEC 14496-12, 8.11 (items); ISO/IEC 23008-12, annex A (Exif and XMP items).
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from dataclasses import replace

from gamutcli.containers.blocks import Blocks, Written, with_iptc_in_exif
from gamutcli.containers.items import CUT, Box, Item, Location, Meta, boxes_of, ranges_of, read_meta
from gamutcli.containers.xmp import MAX_PACKET
from gamutcli.errors import InputError

_BRANDS = frozenset({b"avif", b"mif1", b"miaf", b"heic", b"heix", b"heim", b"heis"})
_SEQUENCES = frozenset({b"moov", b"moof"})
_XMP_TYPE = b"application/rdf+xml"


def recognises(data: bytes) -> bool:
    """Tell whether this is an AVIF or HEIF file."""
    if data[4:8] != b"ftyp":
        return False
    end = min(len(data), int.from_bytes(data[:4], "big"), 256)
    return any(data[start : start + 4] in _BRANDS for start in (8, *range(16, end, 4)))


def read(data: bytes) -> Blocks:
    """Return the metadata of an AVIF or HEIF file.

    Raises:
        InputError: Not such a file, or cut short.
    """
    found = _metadata(data, _meta_of(data)).values()
    return Blocks(
        exif=tuple(block for kind, block in found if kind == b"Exif" and block),
        xmp=tuple(packet for kind, packet in found if kind == b"mime" and packet),
    )


def _meta_of(data: bytes) -> Meta:
    if not recognises(data):
        raise InputError("not an AVIF or HEIF file")
    return read_meta(data)


def has_gain_map(data: bytes) -> bool:
    """Tell whether the picture comes with a map of how much brighter an HDR screen is to show it.

    Source: ISO 21496-1 (a "tmap" item); Apple's auxiliary picture.

    Raises:
        InputError: Not such a file, or cut short.
    """
    meta = _meta_of(data)
    mapped = any(item.kind == b"tmap" for item in meta.items)
    return mapped or b":aux:hdrgainmap\0" in data[meta.box.body : meta.box.end]


def items_of(data: bytes, kind: bytes) -> list[bytes]:
    """Return the bytes of every item of a kind, such as b"av01".

    Raises:
        InputError: Not an AVIF or HEIF file, cut short, or its items share more bytes than there are.
    """
    meta = _meta_of(data)
    found = [ranges_of(data, meta, item.number) for item in meta.items if item.kind == kind]
    if sum(end - start for ranges in found for start, end in ranges) > 2 * len(data):
        raise InputError(CUT)
    return [b"".join(data[start:end] for start, end in ranges) for ranges in found]


def is_sequence(data: bytes) -> bool:
    """Tell whether the file holds a film, or pictures that follow one another.

    Raises:
        InputError: It is cut short.
    """
    return any(box.kind in _SEQUENCES for box in boxes_of(data, 0, len(data)))


def properties(data: bytes) -> list[tuple[bytes, bytes]]:
    """Return kind and content of the properties of the file's picture, such as its size (``ispe``) and colours.

    Raises:
        InputError: Not an AVIF or HEIF file, or cut short.
    """
    meta = _meta_of(data)
    outer = next((child for child in meta.children if child.kind == b"iprp"), None)
    if outer is None:
        raise InputError(CUT)
    boxes = list(boxes_of(data, outer.body, outer.end))
    known = [box for parent in boxes if parent.kind == b"ipco" for box in boxes_of(data, parent.body, parent.end)]
    found = []
    try:
        for box in boxes:
            if box.kind == b"ipma":
                found += [known[index - 1] for index in _associated(data[box.body : box.end], meta.primary) if index]
    except (IndexError, struct.error) as error:
        raise InputError(CUT) from error
    return [(box.kind, data[box.body : box.end]) for box in found]


def _associated(table: bytes, item: int) -> Iterator[int]:
    """Yield the numbers of an item's properties; 0 is none."""
    version, wide = table[0], table[3] & 1
    (count,) = struct.unpack_from(">I", table, 4)
    position = 8
    for _ in range(count):
        number, entries = struct.unpack_from(">HB" if version < 1 else ">IB", table, position)
        position += 3 if version < 1 else 5
        for _ in range(entries):
            index = struct.unpack_from(">H" if wide else ">B", table, position)[0] & (0x7FFF if wide else 0x7F)
            position += 2 if wide else 1
            if number == item:
                yield index


def write(data: bytes, blocks: Blocks) -> Written:
    """Return the file with these blocks and no other XMP or EXIF; pixels and every other item stay as they are.

    Raises:
        InputError: Not such a file, cut short, or a sequence of pictures, whose tables are not followed here.
    """
    if is_sequence(data):
        raise InputError("the file is a sequence of pictures, which cannot carry a payload: use --carrier sidecar")
    blocks = with_iptc_in_exif(blocks)
    data = _close(data)
    meta = _meta_of(data)
    wanted = {*((b"Exif", block) for block in blocks.exif), *((b"mime", packet) for packet in blocks.xmp)}
    current = _metadata(data, meta)
    gone = {number for number, found in current.items() if found not in wanted}
    wanted -= set(current.values())
    ours = [(b"Exif", b"Exif\0", bytes(4) + block) for block in blocks.exif if (b"Exif", block) in wanted]
    ours += [(b"mime", b"XMP\0" + _XMP_TYPE + b"\0", packet) for packet in blocks.xmp if (b"mime", packet) in wanted]
    data, dropped = _wipe(data, meta, gone)
    taken = {item.number for item in meta.items} | {place.number for place in meta.locations}
    numbers = [number for number in range(1, len(taken) + len(ours) + 1) if number not in taken][: len(ours)]
    items = [item for item in meta.items if item.number not in gone]
    items += [_item(number, kind, name) for number, (kind, name, _) in zip(numbers, ours, strict=True)]

    def packed(grown: int) -> bytes:
        """Return the new meta box, when it is longer by `grown` bytes than the old one."""

        def moved(offset: int) -> int:
            removed = sum(box.end - box.start for box in dropped if box.start < offset)
            return offset - removed + (grown if offset >= meta.box.end else 0)

        places = [_move(place, moved) for place in meta.locations if place.number not in gone]
        position = moved(len(data))
        for number, (_, _, content) in zip(numbers, ours, strict=True):
            places.append(Location(number, 0, 0, ((position + 8, len(content)),)))
            position += 8 + len(content)
        return _packed_meta(data, meta, items, places, gone, numbers)

    # Its length does not depend on the offsets in it.
    new_meta = packed(len(packed(0)) - (meta.box.end - meta.box.start))
    kept = [box for box in boxes_of(data, 0, len(data)) if box not in dropped]
    whole = [new_meta if box.start == meta.box.start else _raw(data, box) for box in kept]
    # A box for each item, so that it can be dropped without moving another.
    return Written(b"".join([*whole, *(_pack(b"mdat", content) for _, _, content in ours)]))


def _metadata(data: bytes, meta: Meta) -> dict[int, tuple[bytes, bytes]]:
    """Return kind and content of every item that holds EXIF, without the offset before it, or XMP."""
    found = {}
    room = 2 * MAX_PACKET
    for item in meta.items:
        if item.kind != b"Exif" and (item.kind != b"mime" or item.content_type != _XMP_TYPE):
            continue
        ranges = ranges_of(data, meta, item.number)
        room -= sum(end - start for start, end in ranges)
        if room < 0:
            raise InputError("the AVIF or HEIF file holds more metadata than can be read")
        body = b"".join(data[start:end] for start, end in ranges)
        start = 4 + int.from_bytes(body[:4], "big") if item.kind == b"Exif" else 0
        found[item.number] = (item.kind, body[start:])
    return found


def _wipe(data: bytes, meta: Meta, numbers: set[int]) -> tuple[bytes, list[Box]]:
    """Return the file with the bytes of items wiped, and the ``mdat`` boxes that hold nothing else."""
    if not numbers:
        return data, []
    stores = [box for box in boxes_of(data, 0, len(data)) if box.kind == b"mdat"]
    inside = [*stores, *(child for child in meta.children if child.kind == b"idat")]
    used = [
        extent for item in meta.items if item.number not in numbers for extent in ranges_of(data, meta, item.number)
    ]
    ranges = {
        (start, end)
        for number in numbers
        for start, end in ranges_of(data, meta, number)
        if any(box.body <= start and end <= box.end for box in inside)
        and not any(start < used_end and used_start < end for used_start, used_end in used)
    }
    wiped = bytearray(data)
    for start, end in ranges:
        wiped[start:end] = bytes(end - start)
    return bytes(wiped), [box for box in stores if (box.body, box.end) in ranges]


def _close(data: bytes) -> bytes:
    """Return the file with a length in its last box, which may run "to the end" otherwise."""
    last = list(boxes_of(data, 0, len(data)))[-1]
    size = last.end - last.start
    if data[last.start : last.start + 4] != bytes(4) or size > 0xFFFFFFFF:
        return data
    return data[: last.start] + struct.pack(">I", size) + data[last.start + 4 :]


def _item(number: int, kind: bytes, strings: bytes) -> Item:
    """Make an entry of ``iinf``; `strings` are its name and, for a MIME item, its type."""
    head = struct.pack(">IHH4s", 2 << 24, number, 0, kind)
    return Item(number, kind, b"", _pack(b"infe", head + strings))


def _move(place: Location, moved: Callable[[int], int]) -> Location:
    """Return a location whose bytes have moved with the file's."""
    if place.method != 0 or place.reference:
        return place
    return replace(place, extents=tuple((moved(offset), length) for offset, length in place.extents))


def _packed_meta(
    data: bytes, meta: Meta, items: list[Item], places: list[Location], gone: set[int], added: list[int]
) -> bytes:
    """Return the ``meta`` box with other items in it."""
    count = struct.pack(">IH", 0, len(items)) if len(items) <= 0xFFFF else struct.pack(">II", 1 << 24, len(items))
    new = {
        b"iinf": _pack(b"iinf", count + b"".join(item.raw for item in items)),
        b"iloc": _packed_locations(places),
        b"iref": _packed_references(data, meta, gone, added),
    }
    parts = [data[meta.box.body : meta.box.body + 4]]
    for child in meta.children:
        parts.append(new.pop(child.kind, b"") if child.kind in (b"iinf", b"iloc", b"iref") else _raw(data, child))
    parts.append(new.pop(b"iref", b""))
    return _pack(b"meta", b"".join(parts))


def _packed_locations(places: list[Location]) -> bytes:
    """Return an ``iloc`` box, version 2: numbers of 4 bytes, offsets and lengths of 8."""
    packed = [struct.pack(">IHI", 2 << 24, 0x8800, len(places))]
    for place in places:
        packed.append(struct.pack(">IHHH", place.number, place.method, place.reference, len(place.extents)))
        packed += [struct.pack(">QQ", *extent) for extent in place.extents]
    return _pack(b"iloc", b"".join(packed))


def _packed_references(data: bytes, meta: Meta, gone: set[int], added: list[int]) -> bytes:
    """Return the ``iref`` box without items that are gone, and with new ones that describe the primary item."""
    old = next((child for child in meta.children if child.kind == b"iref"), None)
    wide = data[old.body] == 1 if old is not None else meta.primary > 0xFFFF
    width = 4 if wide else 2
    if meta.primary >> (8 * width):
        raise InputError(CUT)
    entries = []
    for entry in boxes_of(data, old.body + 4, old.end) if old is not None else ():
        if int.from_bytes(data[entry.body : entry.body + width], "big") not in gone:
            entries.append(_raw(data, entry))
    for number in added:
        entries.append(_pack(b"cdsc", struct.pack(">IHI" if wide else ">HHH", number, 1, meta.primary)))
    if not entries:
        return b""
    return _pack(b"iref", struct.pack(">I", 1 << 24 if wide else 0) + b"".join(entries))


def _raw(data: bytes, box: Box) -> bytes:
    return data[box.start : box.end]


def _pack(kind: bytes, body: bytes) -> bytes:
    if len(body) + 8 > 0xFFFFFFFF:
        raise InputError("the file would grow beyond 4 GB")
    return struct.pack(">I4s", len(body) + 8, kind) + body
