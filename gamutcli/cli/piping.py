"""- as a file name: a picture comes from standard input, or goes to standard output. So with those in buckets.

The pipeline works on files, so these lie in a private temporary folder meanwhile. No message names them.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from gamutcli import storage
from gamutcli.errors import GamutError, UsageError
from gamutcli.storage import remote

if TYPE_CHECKING:
    from gamutcli.cli.console import Outcomes

#: What stands for standard input, and for standard output.
DASH = Path("-")
#: What a file from standard input is named, so that its suffix tells its format.
SUFFIXES = {"jpeg": ".jpg", "png": ".png", "tiff": ".tif", "webp": ".webp", "avif": ".avif", "jxl": ".jxl"}


@contextmanager
def receiving(outcomes: Outcomes, source: Path) -> Iterator[Path]:
    """Give the file to read: the source, or what came from standard input or a bucket where that is - or an address.

    Args:
        outcomes: Learns what the file is called.
        source: As given.

    Raises:
        UsageError: A terminal stands where a picture should come from.
    """
    address = remote.address_of(source)
    if address is not None:
        with remote.fetching(address) as file:
            outcomes.rename(file, address, address)
            yield file
        return
    if source != DASH:
        yield source
        return
    if sys.stdin.isatty():
        raise UsageError("-: standard input is a terminal; pipe a picture into it, or name a file.")
    from tempfile import TemporaryDirectory  # once it is sure to be needed

    with TemporaryDirectory(prefix="gamut-") as folder:
        file = _filled(Path(folder))
        outcomes.rename(file, "standard input")
        yield file


@contextmanager
def sent(outcomes: Outcomes, target: Path, suffix: str, *, overwrite: bool) -> Iterator[Path]:
    """Give the file to write: the target, or one that goes elsewhere in the end where that is - or an address.

    Args:
        outcomes: Learns what the file is called, and that results go to stderr.
        target: As given.
        suffix: Of the file that goes to standard output, with its dot.
        overwrite: Whether a file in a bucket may be replaced.

    Raises:
        UsageError: A terminal stands where a picture should go.
    """
    address = remote.address_of(target)
    if address is not None:
        with _uploaded(outcomes, address, overwrite) as file:
            yield file
        return
    if target != DASH:
        yield target
        return
    if sys.stdout.isatty():
        raise UsageError("-: standard output is a terminal; pipe it into a file or a program, or name a file.")
    import shutil
    from tempfile import TemporaryDirectory

    outcomes.leave_stdout()
    with TemporaryDirectory(prefix="gamut-") as folder:
        file = Path(folder, "stdout" + suffix)
        outcomes.rename(file, "standard output")
        yield file
        if file.exists():  # else it failed
            with file.open("rb") as picture:
                shutil.copyfileobj(picture, sys.stdout.buffer)


@contextmanager
def _uploaded(outcomes: Outcomes, address: str, overwrite: bool) -> Iterator[Path]:
    with remote.sending(address, overwrite) as file:
        outcomes.rename(file, address, address)
        yield file


@contextmanager
def placed(target: Path | None, *, overwrite: bool) -> Iterator[Path | None]:
    """Give the file to write: the target, or one that goes up in the end where that is an address.

    Args:
        target: As given; None where nothing is wanted.
        overwrite: Whether it may be replaced.

    Raises:
        OutputError: It cannot be written, which is told before any work is spent on it.
    """
    address = None if target is None else remote.address_of(target)
    if address is not None:
        with remote.sending(address, overwrite) as file:
            yield file
        return
    if target is not None:
        storage.check_target(target, overwrite)
    yield target


@contextmanager
def brought(sources: Sequence[Path]) -> Iterator[list[Path]]:
    """Give files to read for several pictures, those in buckets included; errors name these as they were given."""
    with ExitStack() as stack:
        files, names = [], {}
        for source in sources:
            address = remote.address_of(source)
            files.append(source if address is None else stack.enter_context(remote.fetching(address)))
            names[str(files[-1])] = remote.name_of(source)
        try:
            yield files
        except GamutError as error:
            told = str(error)
            for file, name in names.items():
                told = told.replace(file, name)
            raise type(error)(told) from error


def refuse_dash(source: Path, target: Path, *, preserve_time: bool, carrier: str = "auto") -> None:
    """Refuse options that need a file of this machine where - or an address was given.

    Raises:
        UsageError: One was.
    """
    if DASH in (source, target) and preserve_time:
        raise UsageError("-: has no time to preserve; leave out -p, or name files.")
    for address in filter(None, map(remote.address_of, (source, target))):
        if preserve_time:
            raise UsageError(f"{address}: has no time that could be set or preserved; leave out -p.")
    if target == DASH and carrier == "sidecar":
        raise UsageError("-: standard output has no place for a sidecar; choose another --carrier, or name a file.")


def _filled(folder: Path) -> Path:
    """Write standard input to a file whose suffix says what it holds."""
    import shutil

    from gamutcli.images import sniff
    from gamutcli.payload.format import MAGIC

    path = folder / "stdin"
    with path.open("wb") as file:
        shutil.copyfileobj(sys.stdin.buffer, file)
    with path.open("rb") as file:
        beginning = file.read(16)
    suffix = ".gamut" if beginning.startswith(MAGIC) else SUFFIXES.get(sniff(beginning), "")
    return path.rename(path.with_suffix(suffix))
