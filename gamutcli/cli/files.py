"""Which output belongs to which input."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Sequence
from pathlib import Path

from gamutcli.cli.options import ORIGINALS, OTHER_ORIGINALS
from gamutcli.cli.piping import DASH
from gamutcli.errors import InputError, OutputError, UsageError
from gamutcli.storage import remote
from gamutcli.storage.remote import name_of


def pair(files: Sequence[Path], folder: Path | None, extension: str) -> list[tuple[Path, Path]]:
    """Turn `IN OUT` or `IN... -o DIR` into pairs of input and output.

    Args:
        files: The file names as given.
        folder: What -o names, if it was given.
        extension: Of the outputs in the folder, without its dot.

    Raises:
        UsageError: The output is missing, is an input too, or two inputs would be written to it.
        OutputError: The output is a folder.
    """
    if folder is None:
        pairs = [_single(files)]
    else:
        pairs = [(source, folder / f"{source.stem}.{extension}") for source in files]
        if DASH in files:
            raise UsageError("-: standard input has no name that it could have in a folder; give - and OUT.")
    _refuse_collisions(pairs)
    return pairs


def make_folder(folder: Path | None) -> None:
    """Make the folder that -o names, where it was given and is missing.

    Raises:
        OutputError: It cannot be made.
    """
    if folder is None or remote.address_of(folder):
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{folder}: cannot make this folder ({error.strerror}); name another with -o.") from error


def _single(files: Sequence[Path]) -> tuple[Path, Path]:
    if len(files) == 1:
        raise UsageError(f"{files[0]}: no output named; give IN and OUT, or -o DIR.")
    if len(files) > 2:
        raise UsageError(f"{len(files)} files but no folder to write to; give one IN and one OUT, or -o DIR.")
    source, target = files
    if target.is_dir():
        raise OutputError(f"{target}: is a folder; name a file in it, or give -o {target} to write into it.")
    return source, target


def _refuse_collisions(pairs: Sequence[tuple[Path, Path]]) -> None:
    sources: set[str] = set()
    for source, _ in pairs:
        if source != DASH and os.path.realpath(source) in sources:
            raise UsageError(f"{source}: is named twice; name every input once.")
        sources.add(os.path.realpath(source))  # which, unlike Path.resolve, leaves links in a circle as they are
    taken: dict[str, tuple[Path, Path]] = {}
    for source, target in pairs:
        if target != DASH and os.path.realpath(target) in sources:
            raise UsageError(f"{target}: is an input too; name another output.")
        other, same = taken.setdefault(_as_any_system_tells_apart(target), (source, target))
        if other != source:
            names = f"{target}" if same == target else f"{same} and {target}, one file on many systems"
            raise UsageError(
                f"{other} and {source}: would both be written to {names}; nothing was done. Rename one, or give each "
                "its own folder or output."
            )


def _as_any_system_tells_apart(target: Path) -> str:
    """What is the same for names that macOS and Windows take for one."""
    return unicodedata.normalize("NFC", str(target)).casefold()


def reference_of(source: Path, reference: Path) -> Path:
    """Find the original of a picture: the file that is named, or the one in that folder with the picture's name.

    A TIFF, PNG or AVIF of that name is it before files of other formats are, which may be copies of it.

    Raises:
        InputError: The folder holds none, or more than one, beside the picture itself.
    """
    if not is_folder(reference):
        return reference
    named = sorted(path for path in _files_in(reference) if path.stem == source.stem)
    others = [path for path in named if os.path.realpath(path) != os.path.realpath(source)]
    found = [path for path in others if path.suffix.lower() in ORIGINALS]
    found = found or [path for path in others if path.suffix.lower() in OTHER_ORIGINALS]
    if not found:
        raise InputError(
            f"{name_of(source)}: has no original in {name_of(reference)}; it would be named {source.stem}.tif or .png."
        )
    if len(found) > 1:
        names = " and ".join(path.name for path in found)
        raise InputError(
            f"{name_of(source)}: has several originals in {name_of(reference)} ({names}); name one with --gt."
        )
    return found[0]


def is_folder(path: Path) -> bool:
    """Tell folders, those of buckets included."""
    address = remote.address_of(path)
    return path.is_dir() if address is None else remote.is_folder(address)


def _files_in(folder: Path) -> list[Path]:
    address = remote.address_of(folder)
    if address is None:
        return list(folder.iterdir())
    return [folder / name for name, is_below in remote.list_folder(address) if not is_below]


def copy_time(source: Path, target: Path) -> None:
    """Give the target the source's access and modification time."""
    status = source.stat()
    os.utime(target, ns=(status.st_atime_ns, status.st_mtime_ns))
