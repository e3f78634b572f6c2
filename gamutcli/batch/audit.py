"""What became of delivered pictures: which still hold their colours, found without decoding pixels."""

from __future__ import annotations

import multiprocessing
import posixpath
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from gamutcli import images
from gamutcli.batch.digests import state_of
from gamutcli.batch.headers import read_head
from gamutcli.batch.names import Name
from gamutcli.batch.sizes import pixels_of
from gamutcli.errors import GamutError, NoPayload, PayloadError, explain
from gamutcli.fingerprint.match import match
from gamutcli.payload.format import Payload, unpack
from gamutcli.payload.sidecar import SUFFIX, payload_of
from gamutcli.storage import remote

OK, RECOMPRESSED, CHANGED, DAMAGED = "ok", "recompressed", "changed", "damaged"
NONE, ORPHANED, UNREADABLE, UNDELIVERED = "none", "orphaned", "unreadable", "undelivered"
#: In the order in which they are told.
STATUSES = (OK, RECOMPRESSED, CHANGED, DAMAGED, NONE, ORPHANED, UNREADABLE, UNDELIVERED)
#: Files that a process looks at before it tells.
_BUNDLE = 32


@dataclass(frozen=True)
class Finding:
    """What was found of one file.

    Attributes:
        file: The picture; of an orphaned sidecar, that; of what was not delivered, the original.
        status: One of `STATUSES`.
        carrier: Where the payload is; empty where there is none.
        payload_bytes: Its size.
        original: The picture that it was made from, where originals were looked for.
        reason: In words, where the status is not "ok".
    """

    file: str
    status: str
    carrier: str = ""
    payload_bytes: int = 0
    original: str = ""
    reason: str = ""


def audit(names: Iterable[Name | None], *, pixels: bool, jobs: int) -> Iterator[Finding]:
    """Look at pictures, in their order.

    Args:
        names: Pictures and sidecars.
        pixels: Whether to decode them, and to compare them with what their payloads were made for.
        jobs: Processes that look.
    """
    found = (name for name in names if name is not None)
    bundles = iter(lambda: tuple(islice(found, _BUNDLE)), ())
    if jobs == 1:
        for bundle in bundles:
            yield from _look_at_all(bundle, pixels)
        return
    with ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn")) as pool:
        waiting: list[Future[list[Finding]]] = []
        for bundle in bundles:
            waiting.append(pool.submit(_look_at_all, bundle, pixels))
            if len(waiting) > 2 * jobs:  # never all at once
                yield from waiting.pop(0).result()
        for future in waiting:
            yield from future.result()


def find_undelivered(originals: Iterable[Name | None], delivered: set[str]) -> Iterator[Finding]:
    """Tell which originals have no delivery: no picture of their name in the same place below its folder, or in it.

    Args:
        originals: All of them.
        delivered: What `place_of` says of every delivery.
    """
    for name in originals:
        if name is None:
            continue
        place = place_of(name.relative)
        if name.problem:
            yield Finding(name.source, UNREADABLE, reason=name.problem)
        elif not {place, posixpath.basename(place)} & delivered:
            yield Finding(name.source, UNDELIVERED, reason="has no delivery")


def place_of(relative: str) -> str:
    """What a picture and its original have in common: the name below their folders without its suffix."""
    return posixpath.splitext(relative)[0]


def _look_at_all(names: tuple[Name, ...], pixels: bool) -> list[Finding]:
    found = (look_at(name, pixels) for name in names)
    return [finding for finding in found if finding is not None]


def look_at(name: Name, pixels: bool) -> Finding | None:
    """Tell what became of one picture, or of one sidecar; None of a sidecar whose picture is there to tell."""
    if name.problem:
        return Finding(name.source, UNREADABLE, reason=name.problem)
    if not remote.is_address(name.source):
        return _look_at_file(name, pixels)
    if name.source.endswith(SUFFIX):
        return _look_at_sidecar(name)
    try:
        with remote.fetching(name.source) as file:
            found = _look_at_file(Name(str(file), name.relative), pixels)
            return found and replace(found, file=name.source, reason=found.reason.replace(str(file), name.source))
    except GamutError as error:
        return Finding(name.source, UNREADABLE, reason=str(error))


def _look_at_sidecar(name: Name) -> Finding | None:
    """Tell a sidecar whose picture is gone."""
    picture = name.source[: -len(SUFFIX)]
    if not posixpath.basename(picture).count(".") or state_of(picture) is not None:
        return None
    state = state_of(name.source)
    return Finding(name.source, ORPHANED, "sidecar", state.size if state else 0, reason="its picture is gone")


def _look_at_file(name: Name, pixels: bool) -> Finding | None:
    path = Path(name.source)
    if path.suffix.lower() == SUFFIX:
        return _look_at_sidecar(name)
    try:
        data = images.read_bytes(path) if pixels else read_head(path)
        found = payload_of(path, data)
        payload = unpack(found.payload)
        status, reason = _compare(path, payload, data, pixels)
        return Finding(name.source, status, found.carrier, len(found.payload), reason=reason)
    except NoPayload as error:
        return Finding(name.source, NONE, reason=str(error))
    except PayloadError as error:
        return Finding(name.source, DAMAGED, reason=str(error))
    except (GamutError, OSError) as error:
        return Finding(name.source, UNREADABLE, reason=explain(name.source, error))


def _compare(path: Path, payload: Payload, data: bytes, pixels: bool) -> tuple[str, str]:
    mark = payload.fingerprint
    if not pixels:
        count = pixels_of(str(path))
        if count == mark.width * mark.height:
            return OK, ""
        return RECOMPRESSED, f"has {count:,} pixels; {mark.width} x {mark.height} were reduced"
    matched = match(mark, images.decode_reduced(data, str(path)))
    return matched.status.value, matched.recognised
