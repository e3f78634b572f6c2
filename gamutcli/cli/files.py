"""Which output belongs to which input."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from gamutcli.errors import InputError, OutputError, UsageError

#: Suffixes of originals that are looked for in a folder.
ORIGINALS = (".tif", ".tiff", ".png", ".avif")


def pair(files: Sequence[Path], folder: Path | None, extension: str) -> list[tuple[Path, Path]]:
    """Turn `IN OUT` or `IN... -o DIR` into pairs of input and output; makes the folder where it is missing.

    Args:
        files: The file names as given.
        folder: What -o names, if it was given.
        extension: Of the outputs in the folder, without its dot.

    Raises:
        UsageError: The output is missing, is an input too, or two inputs would be written to it.
        OutputError: The folder cannot be made.
    """
    if folder is None:
        pairs = [_single(files)]
    else:
        pairs = [(source, folder / f"{source.stem}.{extension}") for source in files]
    _refuse_collisions(pairs)
    if folder is not None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(f"{folder}: cannot make this folder ({error.strerror}); name another with -o.") from error
    return pairs


def _single(files: Sequence[Path]) -> tuple[Path, Path]:
    if len(files) == 1:
        raise UsageError(f"{files[0]}: no output named; give IN and OUT, or -o DIR.")
    if len(files) > 2:
        raise UsageError(f"{len(files)} files but no folder to write to; give one IN and one OUT, or -o DIR.")
    return files[0], files[1]


def _refuse_collisions(pairs: Sequence[tuple[Path, Path]]) -> None:
    sources = {source.resolve() for source, _ in pairs}
    taken: dict[Path, Path] = {}
    for source, target in pairs:
        if target.resolve() in sources:
            raise UsageError(f"{target}: is an input too; name another output.")
        other = taken.setdefault(target, source)
        if other != source:
            raise UsageError(
                f"{source}: would be written to {target}, as {other} would; write them to different folders."
            )


def reference_of(source: Path, reference: Path) -> Path:
    """Find the original of a picture: the file that is named, or the one in that folder with the picture's name.

    Raises:
        InputError: The folder holds none, or more than one, beside the picture itself.
    """
    if not reference.is_dir():
        return reference
    found = sorted(
        path
        for path in reference.iterdir()
        if path.stem == source.stem and path.suffix.lower() in ORIGINALS and path.resolve() != source.resolve()
    )
    if not found:
        raise InputError(f"{source}: has no original in {reference}; it would be named {source.stem}.tif or .png.")
    if len(found) > 1:
        names = " and ".join(path.name for path in found)
        raise InputError(f"{source}: has several originals in {reference} ({names}); name one with --gt.")
    return found[0]


def copy_time(source: Path, target: Path) -> None:
    """Give the target the source's access and modification time."""
    status = source.stat()
    os.utime(target, ns=(status.st_atime_ns, status.st_mtime_ns))
