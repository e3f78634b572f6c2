"""The payload of a picture file: in its metadata, or in a sidecar, a small file of its own beside it.

The sidecar of photo.jpg is photo.jpg.gamut, so that photo.png beside it can have one too. It holds the packed payload
and nothing else; the digest in it says which picture it belongs to. A payload inside the picture comes first.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from gamutcli import storage
from gamutcli.arrays import StrPath
from gamutcli.errors import InputError, NoPayload, OutputError, PayloadError, UsageError
from gamutcli.images import read_bytes
from gamutcli.payload import carriers
from gamutcli.payload.carriers import SIDECAR, Embedded, Extracted
from gamutcli.payload.parts import MAX_PAYLOAD

SUFFIX = ".gamut"


def path_beside(picture: StrPath) -> Path:
    """Name the sidecar of a picture: photo.jpg has photo.jpg.gamut."""
    path = Path(picture)
    return path.with_name(path.name + SUFFIX)


def payload_of(picture: Path, data: bytes) -> Extracted:
    """Find the payload of a picture file: in it, or else in its sidecar.

    Args:
        picture: Where the file is.
        data: All its bytes.

    Raises:
        NoPayload: There is none in either place.
        PayloadError: It is damaged.
        InputError: The picture is damaged, or of a format that carries no payload; the sidecar cannot be read.
    """
    beside = path_beside(picture)
    try:
        with naming(picture):
            found = carriers.extract(data)
    except PayloadError:
        if not beside.is_file():
            raise
        found = None
    if found is not None:
        return found
    if not beside.is_file():
        raise NoPayload(
            f"{picture}: holds no gamutcli payload; it was not written by gamut reduce, or was stripped. A sidecar "
            f"would be {beside.name}."
        )
    return _of_sidecar(beside)


def all_payloads_of(picture: Path, data: bytes) -> Iterator[Extracted]:
    """Find every payload of a picture file, as ``payload_of`` finds the first; its sidecar's comes last."""
    first = payload_of(picture, data)
    yield first
    yield from (replace(first, payload=other, others=()) for other in first.others)
    beside = path_beside(picture)
    if first.carrier != SIDECAR and beside.is_file():
        last = _of_sidecar(beside)
        if last.payload not in (first.payload, *first.others):
            yield last


def _of_sidecar(path: Path) -> Extracted:
    """What a sidecar holds; no more is read than a payload can have, and a byte that makes a longer one damaged."""
    return Extracted(read_bytes(path, MAX_PAYLOAD + 1), SIDECAR)


def former_sidecars(picture: StrPath) -> tuple[str, ...]:
    """What to tell of sidecars that a killed run has kept under other names: it replaced one, and no picture yet."""
    beside = path_beside(picture)
    return tuple(
        f"{kept.name} is the former {beside.name}, kept by a run that was killed: rename it back, or reduce again "
        "with --overwrite"
        for kept in storage.kept_of(beside)
    )


def orphan(sidecar: StrPath) -> tuple[str, ...]:
    """What to tell of a sidecar whose picture is not there."""
    path = Path(sidecar)
    picture = path.with_suffix("")
    if path.suffix != SUFFIX or not picture.suffix or picture.exists():
        return ()
    return (f"its picture, {picture.name}, is not there: moved alone, or left by a run that was killed",)


def check_targets(target: StrPath, carrier: str, overwrite: bool) -> None:
    """Refuse a picture, or its sidecar where there will be one, that could not be written.

    Raises:
        OutputError: See `storage.check_target`.
    """
    storage.check_target(target, overwrite)
    if carrier != SIDECAR:
        return
    sidecar = path_beside(target)
    if not overwrite and sidecar.is_file() and not Path(target).exists():
        raise OutputError(
            f"{sidecar}: is there without its picture, as a killed run leaves it; use --overwrite to replace it."
        )
    storage.check_target(sidecar, overwrite)


def publish_reduced(target: StrPath, embedded: Embedded, payload: bytes, overwrite: bool) -> None:
    """Write a picture, and with it the sidecar where the payload is not inside; both or none appear.

    Raises:
        OutputError: One of them exists or cannot be written.
    """
    if embedded.carrier != SIDECAR:
        storage.publish(target, embedded.data, overwrite)
        return
    # The sidecar first: were the machine to stop in between, a sidecar without a picture misleads nobody.
    storage.publish_all([(path_beside(target), payload), (target, embedded.data)], overwrite)


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Say in the errors of the carriers, which know bytes only, which file they are about."""
    try:
        yield
    except (InputError, PayloadError, UsageError) as error:
        raise type(error)(f"{path}: {error}") from error
