"""Containers: the bytes of JPEG, PNG, TIFF, WebP, AVIF and JPEG XL files, of EXIF and XMP. No pixels, no payload.

Whole files go in and come out; pixels are never decoded, and what was not asked for is left as it was found.
"""

from __future__ import annotations

from typing import Protocol

from gamutcli.containers import bmff, jpeg, jxl, png, tiff, webp
from gamutcli.containers.blocks import Blocks, Metadata, Written, merge
from gamutcli.errors import InputError

__all__ = ["Blocks", "Container", "Metadata", "Written", "container_of", "with_metadata"]


class Container(Protocol):
    """A file format: what each module of this folder that is named after one can do."""

    def recognises(self, data: bytes) -> bool:
        """Tell a file of this format by its first bytes."""

    def read(self, data: bytes) -> Blocks:
        """Return the metadata of a file.

        Raises:
            InputError: Cut short or damaged.
        """

    def write(self, data: bytes, blocks: Blocks) -> Written:
        """Return the file with these blocks and no other XMP or EXIF, everything else as it was.

        Raises:
            InputError: Cut short, damaged, or a kind of file that cannot be written to.
        """


_CONTAINERS: tuple[Container, ...] = (jpeg, tiff, png, webp, bmff, jxl)


def container_of(data: bytes) -> Container:
    """Return the format of a file, told by its first bytes.

    Raises:
        InputError: None of these formats.
    """
    for container in _CONTAINERS:
        if container.recognises(data):
            return container
    raise InputError("neither JPEG, PNG, TIFF, WebP, AVIF nor JPEG XL: it cannot carry a payload")


def with_metadata(data: bytes, metadata: Metadata) -> Written:
    """Put metadata into a file, in place of its own; a block that is None leaves the file's own.

    Args:
        data: A whole file.
        metadata: The blocks; they are written as they are.

    Raises:
        InputError: The file is damaged, or of another format.
    """
    container = container_of(data)
    return container.write(data, merge(container.read(data), metadata))
