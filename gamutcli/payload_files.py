"""Payloads in files: looked at, taken out, put in, written to a file of their own. The pixels are never touched."""

from __future__ import annotations

import math
import os
from pathlib import Path

from gamutcli import images, storage
from gamutcli.arrays import StrPath
from gamutcli.containers import Metadata
from gamutcli.errors import NoPayload, PayloadError, PixelsChanged, UsageError
from gamutcli.fingerprint.match import Status, match
from gamutcli.measuring.stages import Stages
from gamutcli.payload import carriers
from gamutcli.payload.carriers import SIDECAR, Extracted
from gamutcli.payload.format import MAGIC, Payload
from gamutcli.payload.parts import MAX_PAYLOAD
from gamutcli.payload.sidecar import (
    SUFFIX,
    check_targets,
    former_sidecars,
    naming,
    orphan,
    path_beside,
    publish_reduced,
)
from gamutcli.restore import open_reduced, payload_alone, sound_payloads, unpack_found
from gamutcli.results import Info, Transfer

__all__ = ["Info", "Transfer", "embed_payload", "extract_payload", "inspect_image", "strip_payload"]


@images.heeding_allow_large
def inspect_image(source: StrPath, *, allow_large: bool = False) -> Info:
    """Tell what a reduced file holds, or a payload in a file of its own, which has no pixels to compare.

    Args:
        source: The file.
        allow_large: Tell it although a file claims more than the limits of SECURITY.md allow.

    Raises:
        NoPayload: There is none.
        PayloadError: It is damaged.
        InputError: The file cannot be read.
    """
    stages = Stages()
    alone = payload_alone(source)
    if alone is not None:
        size = Path(source).stat().st_size
        return _info(source, alone, size, "file", "payload", "", math.nan, orphan(source))
    reduced = open_reduced(source)
    found, matched = reduced.found, reduced.match
    stages.done(f"read it and compared its pixels (block means differ by {matched.difference:.1f} codes)")
    size = len(found.payload)
    notes = former_sidecars(source) if found.carrier == SIDECAR else ()
    return _info(
        source,
        reduced.payload,
        size,
        found.carrier,
        matched.status.value,
        matched.recognised,
        matched.difference,
        notes,
    )


def _info(
    source: StrPath,
    payload: Payload,
    size: int,
    carrier: str,
    status: str,
    recognised: str,
    difference: float,
    notes: tuple[str, ...],
) -> Info:
    shape = payload.network.shape if payload.network else None
    return Info(
        file=os.fspath(source),
        model=str(shape or "none"),
        hidden=shape.hidden if shape else 0,
        layers=shape.depth if shape else 0,
        payload_bytes=size,
        carrier=carrier,
        width=payload.fingerprint.width,
        height=payload.fingerprint.height,
        status=status,
        recognised=recognised,
        difference=difference,
        format_version=payload.version,
        tolerance=payload.correction.tolerance,
        adaptation=payload.adaptation,
        every_pixel=payload.correction.every_pixel,
        intent=payload.intent,
        notes=notes,
    )


def strip_payload(source: StrPath, target: StrPath, *, overwrite: bool = False) -> Transfer:
    """Write the same file without its payload: pixels and all other metadata stay byte by byte.

    Args:
        source: A reduced file.
        target: Of the same format. It may be the source itself, with ``overwrite``.
        overwrite: Whether an existing target may be replaced.

    Raises:
        NoPayload: There is nothing to take out.
        InputError, OutputError, UsageError: See ``gamutcli.errors``; nothing is left behind.
    """
    path = Path(source)
    _check_same_format(path, target)
    storage.check_target(target, overwrite)
    data = images.read_bytes(path)
    with naming(path):
        stripped = carriers.strip(data)
    if stripped == data:
        beside = path_beside(path)
        where = f"its payload is in {beside.name}" if beside.is_file() else "there is nothing to strip"
        raise NoPayload(f"{path}: holds no gamutcli payload; {where}.")
    notes: tuple[str, ...] = ()
    size = 0
    try:
        found = carriers.extract(data)
        size = len(found.payload) if found else 0
    except PayloadError:
        notes = ("the payload was damaged",)
    storage.publish(target, stripped, overwrite)
    return Transfer(os.fspath(target), os.fspath(source), "none", size, notes)


def extract_payload(source: StrPath, target: StrPath, *, overwrite: bool = False) -> Transfer:
    """Write the payload of a reduced file to a file of its own.

    Args:
        source: A reduced file; its sidecar is looked at as well.
        target: A .gamut file; named like the picture with .gamut behind (photo.jpg.gamut), it is the sidecar of a
            picture beside it.
        overwrite: Whether an existing target may be replaced.

    Raises:
        NoPayload: There is nothing to take out.
        PayloadError: The payload is damaged.
        InputError, OutputError, UsageError: See ``gamutcli.errors``; nothing is left behind.
    """
    if Path(target).suffix.lower() != SUFFIX:
        raise UsageError(f"{os.fspath(target)}: a payload is a {SUFFIX} file; name it so.")
    storage.check_target(target, overwrite)
    path = Path(source)
    found, _ = next(sound_payloads(path, images.read_bytes(path)))
    storage.publish(target, found.payload, overwrite)
    return Transfer(os.fspath(target), os.fspath(source), found.carrier, len(found.payload))


@images.heeding_allow_large
def embed_payload(
    picture: StrPath,
    payload: StrPath,
    target: StrPath,
    *,
    carrier: str = "auto",
    force: bool = False,
    allow_large: bool = False,
    overwrite: bool = False,
) -> Transfer:
    """Write the same file with a payload in it: pixels and all other metadata stay byte by byte.

    Args:
        picture: A file that shows what the payload was made for; one that it holds is replaced.
        payload: A .gamut file, or a picture that holds the payload.
        target: Of the picture's format. It may be the picture itself, with ``overwrite``.
        carrier: "auto", "xmp", "exif", or "sidecar" for a file beside the target.
        force: Embed although the pixels are not those that the payload was made for.
        allow_large: Embed although a file claims more than the limits of SECURITY.md allow.
        overwrite: Whether existing targets may be replaced.

    Raises:
        NoPayload: There is none to embed.
        PayloadError: It is damaged.
        PixelsChanged: It was made for another picture, and ``force`` is false.
        InputError, OutputError, UsageError: See ``gamutcli.errors``; nothing is left behind.
    """
    path, origin = Path(picture), Path(payload)
    _check_same_format(path, target)
    check_targets(target, carrier, overwrite)
    data = images.read_bytes(path)
    given = images.read_bytes(origin)
    if given.startswith(MAGIC):
        found = Extracted(given[: MAX_PAYLOAD + 1], "file")
        made_for = unpack_found(origin, found)
    else:
        found, made_for = next(sound_payloads(origin, given))
    mark = made_for.fingerprint
    notes: tuple[str, ...] = ()
    matched = match(mark, images.decode_reduced(data, str(path)))
    if matched.status is Status.CHANGED:
        if not force:
            raise PixelsChanged(
                f"{path}: is not the picture that the payload in {origin} was made for, or was edited since (block "
                f"means differ by {matched.difference:.1f} codes); use --force to embed it all the same."
            )
        notes = ("the payload was made for other pixels",)
    elif matched.status is Status.RECOMPRESSED:
        notes = (f"the picture was {matched.recognised} since: colours come back less exactly",)
    with naming(path):
        embedded = carriers.embed(data, found.payload, Metadata(), carrier)
    publish_reduced(target, embedded, found.payload, overwrite)
    return Transfer(os.fspath(target), os.fspath(picture), embedded.carrier, len(found.payload), notes + embedded.notes)


def _check_same_format(source: Path, target: StrPath) -> None:
    if images.format_of(source) != images.format_of(target):
        raise UsageError(f"{os.fspath(target)}: is not of the format of {source}; pixels are not converted here.")
