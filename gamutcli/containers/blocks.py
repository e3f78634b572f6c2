"""What a file holds besides pixels, in one shape for every format."""

from __future__ import annotations

from dataclasses import dataclass, replace

from gamutcli.containers import exif, xmp
from gamutcli.errors import InputError

MAX_EXIF_BLOCKS = 100
"""Most EXIF blocks of one file; a picture has one, and a JPEG two or three where tools disagree."""


@dataclass(frozen=True)
class Metadata:
    r"""Metadata of a picture, as the bytes that files hold.

    Attributes:
        exif: EXIF block: a TIFF header and directories, without "Exif\0\0" before it.
        xmp: XMP packet, UTF-8.
        iptc: IPTC-IIM records.
        notes: What to tell the user about metadata that was left out.
    """

    exif: bytes | None = None
    xmp: bytes | None = None
    iptc: bytes | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Blocks:
    """The metadata blocks of one file; a format may hold several of a kind.

    Attributes:
        exif: TIFF blocks.
        xmp: XMP packets.
        iptc: IPTC-IIM records to write; None leaves those in the file alone, and is what reading gives.
        extensions: Of a JPEG: XMP extensions, each joined; there should be one, and one is written.
        torn: Of a JPEG: what there is of an XMP extension that misses chunks; as it is, it stays in the file.
    """

    exif: tuple[bytes, ...] = ()
    xmp: tuple[bytes, ...] = ()
    iptc: bytes | None = None
    extensions: tuple[bytes, ...] = ()
    torn: bytes = b""

    def __post_init__(self) -> None:
        if len(self.exif) > MAX_EXIF_BLOCKS:
            raise InputError(f"more than {MAX_EXIF_BLOCKS} EXIF blocks are too many for a picture; export it again.")


@dataclass(frozen=True)
class Written:
    """A file with other blocks in it.

    Attributes:
        data: The whole file.
        notes: What the user should know of blocks that had to give way, one line each.
    """

    data: bytes
    notes: tuple[str, ...] = ()


def merge(current: Blocks, metadata: Metadata) -> Blocks:
    """Return what a file should hold: the blocks of another picture where there are any, else its own."""
    return Blocks(
        (metadata.exif,) if metadata.exif else current.exif,
        (metadata.xmp,) if metadata.xmp else current.xmp,
        metadata.iptc or None,
        () if metadata.xmp else current.extensions,
        b"" if metadata.xmp else current.torn,
    )


def whole_packet(blocks: Blocks) -> tuple[bytes | None, tuple[str, ...]]:
    """Return the first packet of a file with its extension in it, and what to tell the user of that."""
    first = blocks.xmp[0] if blocks.xmp else None
    if blocks.torn:
        return first, ("a part of the XMP was left out: its extension is not all there",)
    if not blocks.extensions:
        return first, ()
    try:
        return bytes(xmp.parse(first).with_all_of(xmp.parse(blocks.extensions[0]))), ()
    except InputError as error:
        return first, (f"a part of the XMP was left out: {error}",)


def with_iptc_in_exif(blocks: Blocks) -> Blocks:
    """Return the blocks with IPTC in the tag that TIFF has for it, for formats without a place of its own."""
    if not blocks.iptc:
        return blocks
    first = blocks.exif[0] if blocks.exif else None
    return replace(blocks, exif=(exif.with_iptc(first, blocks.iptc), *blocks.exif[1:]), iptc=None)
