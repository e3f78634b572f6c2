"""Files in buckets, by their addresses: s3://bucket/key, gs://bucket/key; memory://key is of this process alone.

What is worked on is always a file of this machine: it comes down first, and what was made goes up in the end, under its
final key by a request that is carried out whole or not at all. fsspec knows how; it is imported with the first address.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import posixpath
import re
import time
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from gamutcli.errors import GamutError, InputError, OutputError, UsageError

#: What knows the files of an address, by how that begins.
_LIBRARIES = {"s3": "s3fs", "gs": "gcsfs", "memory": "fsspec"}
_ADDRESS = re.compile(r"([a-z][a-z0-9+.-]+):/+(.*)", re.IGNORECASE | re.DOTALL)
#: Seconds before what broke off is tried again, each time.
_PAUSES = (0.5, 1.0, 2.0)
#: Errors that another try does not mend.
_LASTING = (GamutError, FileNotFoundError, FileExistsError, PermissionError, IsADirectoryError, NotADirectoryError)
_SIDECAR = ".gamut"

Value = TypeVar("Value")


class Look(NamedTuple):
    """What a bucket says of a file.

    Attributes:
        size: In bytes.
        stamp: Another number for another content.
    """

    size: int
    stamp: int


def is_address(name: str | os.PathLike[str]) -> bool:
    """Tell addresses from names of files on this machine."""
    return isinstance(name, str) and "://" in name and _ADDRESS.fullmatch(name) is not None


def address_of(path: str | os.PathLike[str]) -> str | None:
    """Return the address that was given as a path, which has lost a slash; None where it is none."""
    found = _ADDRESS.fullmatch(path if isinstance(path, str) else Path(path).as_posix())
    return f"{found[1]}://{found[2]}" if found else None


def name_of(path: str | os.PathLike[str]) -> str:
    """Return a path as it was given."""
    return address_of(path) or os.fspath(path)


def look(address: str, *, fresh: bool = True) -> Look | None:
    """Look at a file without reading it; None where there is none.

    Args:
        address: Of the file.
        fresh: Whether what a listing has said before does not count.
    """
    files = _files(address)

    def ask() -> dict[str, Any] | None:
        if fresh:
            files.invalidate_cache(posixpath.dirname(files._strip_protocol(address)))
        try:
            told: dict[str, Any] = files.info(address)
        except FileNotFoundError:
            return None
        return told if told.get("type") == "file" else None

    told = _patiently(address, ask)
    return None if told is None else Look(int(told["size"] or 0), _stamp(told))


def is_folder(address: str) -> bool:
    """Tell whether there are files below an address."""
    return bool(_patiently(address, lambda: _files(address).isdir(address)))


def list_folder(address: str) -> list[tuple[str, bool]]:
    """Return the names right below an address, in their order, and of each whether there is more below it.

    Raises:
        InputError: It cannot be looked into.
    """
    found = _patiently(address, lambda: _files(address).ls(address, detail=True, refresh=True))
    names = ((posixpath.basename(told["name"].rstrip("/")), told["type"] == "directory") for told in found)
    return sorted((name, below) for name, below in names if name)


def match_pattern(pattern: str) -> list[str]:
    """Return the addresses of the files that a pattern means, in their order."""
    files = _files(pattern)
    found = _patiently(pattern, lambda: files.glob(pattern, detail=True))
    protocol = pattern.partition("://")[0]
    return sorted(f"{protocol}://{name.lstrip('/')}" for name, told in found.items() if told["type"] == "file")


def download(address: str, target: Path) -> None:
    """Write a remote file to one of this machine.

    Raises:
        InputError: There is none, or it cannot be had whole.
    """
    files = _files(address)

    def fetch() -> None:
        told = files.info(address)
        if told.get("type") != "file":
            raise FileNotFoundError(address)
        files.get_file(address, str(target))
        if target.stat().st_size != told["size"]:
            raise OSError(f"{target.stat().st_size:,} of {told['size']:,} bytes came")

    _patiently(address, fetch)


def download_with_sidecar(address: str, target: Path) -> None:
    """Write a remote picture, and its sidecar where it has one, to files of this machine.

    Raises:
        InputError: There is none, or it cannot be had whole.
    """
    download(address, target)
    if look(address + _SIDECAR) is not None:
        download(address + _SIDECAR, target.with_name(target.name + _SIDECAR))


def check_free(address: str, overwrite: bool) -> None:
    """Refuse a target that is there already, before any work is spent on it.

    Raises:
        OutputError: It is, and may not be replaced.
    """
    if not overwrite and look(address) is not None:
        raise _exists(address)


def upload(source: Path, address: str, overwrite: bool) -> None:
    """Write a file of this machine to a remote one, which appears whole or not at all.

    Raises:
        OutputError: It is there already and may not be replaced, or it cannot be written.
    """
    files = _files(address)

    def put() -> None:
        check_free(address, overwrite)
        files.put_file(str(source), address, mode="overwrite" if overwrite else "create")

    try:
        _patiently(address, put, OutputError)
    except FileExistsError as error:
        # A first try may have come to its end unheard.
        if _content(files, address) != source.read_bytes():
            raise _exists(address) from error


def upload_with_sidecar(source: Path, address: str, overwrite: bool) -> None:
    """Write a picture, after its sidecar where it has one, to remote files.

    Raises:
        OutputError: One is there already and may not be replaced, or cannot be written.
    """
    sidecar = source.with_name(source.name + _SIDECAR)
    if sidecar.exists():
        upload(sidecar, address + _SIDECAR, overwrite)
    upload(source, address, overwrite)


@contextlib.contextmanager
def fetching(address: str) -> Iterator[Path]:
    """Give a file of this machine for a remote picture, with its sidecar; it goes in the end.

    Raises:
        InputError: There is none, or it cannot be had whole.
    """
    from tempfile import TemporaryDirectory  # once it is sure to be needed

    with TemporaryDirectory(prefix="gamut-") as folder:
        file = Path(folder, posixpath.basename(address))
        download_with_sidecar(address, file)
        yield file


@contextlib.contextmanager
def sending(address: str, overwrite: bool) -> Iterator[Path]:
    """Give a file of this machine to write; in the end it goes up, with its sidecar, if it was written.

    Raises:
        OutputError: Something is there already and may not be replaced, or cannot be written.
    """
    from tempfile import TemporaryDirectory  # once it is sure to be needed

    check_free(address, overwrite)
    with TemporaryDirectory(prefix="gamut-") as folder:
        file = Path(folder, posixpath.basename(address))
        yield file
        if file.exists():  # else there was nothing to write
            upload_with_sidecar(file, address, overwrite)


def _files(address: str) -> Any:
    return _of(address.partition("://")[0].lower())


@cache
def _of(protocol: str) -> Any:
    library = _LIBRARIES.get(protocol)
    if library is None:
        known = ", ".join(f"{name}://" for name in _LIBRARIES)
        raise UsageError(f"{protocol}://: is no address that is known; there are {known}.")
    try:
        import fsspec

        kind = fsspec.get_filesystem_class(protocol)
    except ImportError as error:
        named = library if library == "fsspec" else f"fsspec {library}"
        raise UsageError(f"{protocol}://: needs {library}: pip install {named}") from error
    # A server that does not answer is asked again; what folders hold is kept for a few of them.
    patience = {"config_kwargs": {"connect_timeout": 10, "read_timeout": 30}} if protocol == "s3" else {}
    return kind(max_paths=16, **patience)


def _patiently(address: str, do: Callable[[], Value], kind: type[GamutError] = InputError) -> Value:
    """Do something with a remote file, and try again what breaks off."""
    for pause in (*_PAUSES, None):
        try:
            return do()
        except _LASTING as error:
            if isinstance(error, (GamutError, FileExistsError)):
                raise
            if isinstance(error, PermissionError):  # perhaps for as long as a key has run out
                raise RemoteError(f"{address}: is kept back ({_words(error)}); check your rights.") from error
            raise kind(f"{address}: is not there, or no file; check the address.") from error
        except Exception as error:
            # Whatever a library raises: there is no end of kinds, and none is a fault of a picture's.
            if pause is None or type(error).__name__ == "NoCredentialsError":
                raise RemoteError(f"{address}: cannot be reached ({_words(error)}); try again later.") from error
            time.sleep(pause)
    raise AssertionError("the last pause is none")


class RemoteError(OutputError):
    """A bucket does not answer as it should: no fault of a file's, and gone another time."""


def _words(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__


def _exists(address: str) -> OutputError:
    return OutputError(f"{address}: exists already; use --overwrite to replace it.")


def _content(files: Any, address: str) -> bytes:
    content: bytes = _patiently(address, lambda: files.cat_file(address))
    return content


def _stamp(told: dict[str, Any]) -> int:
    """Make a number of what changes with a file: a digest where the bucket has one, or else a time."""
    marks = (told.get(name) for name in ("ETag", "etag", "md5Hash", "LastModified", "updated", "mtime", "created"))
    mark = next((str(mark) for mark in marks if mark), "")
    return int.from_bytes(hashlib.blake2b(mark.encode(), digest_size=7).digest())
