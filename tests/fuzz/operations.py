"""What is tried with a mutant, and what must hold when it succeeds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

import numpy as np

import gamutcli
from gamutcli.arrays import CodeArray
from gamutcli.batch.audit import look_at
from gamutcli.batch.names import Name
from gamutcli.errors import GamutError
from gamutcli.fitting.presets import PRESETS
from gamutcli.images import decode_reduced
from gamutcli.images.original import read_source
from gamutcli.metadata import read_metadata
from gamutcli.payload import carriers
from gamutcli.payload.carriers import SIDECAR
from gamutcli.payload.format import unpack
from gamutcli.payload.sidecar import all_payloads_of
from gamutcli.weights import read_weights

#: A fit of no use, for what comes before and after it.
HASTY = replace(PRESETS["fast"], hidden=4, steps=2, batch=16, samples=64)


class Broken(Exception):
    """Something succeeded that should not have, or came out wrong."""


@dataclass(frozen=True)
class Mutant:
    """A mutant on the disk.

    Attributes:
        path: The file; what lies beside it has its name and more.
        seed: Bytes that it was made of.
        chance: Decides what else is chosen.
    """

    path: Path
    seed: bytes
    chance: Random


Operation = Callable[[Mutant], str]


def info(mutant: Mutant) -> str:
    return gamutcli.inspect_image(mutant.path).status


def expand(mutant: Mutant) -> str:
    """What is restored in silence is of the very pixels that the payload was made for."""
    suffix, to = mutant.chance.choice(
        ((".tif", "prophoto"),) * 4
        + ((".png", "prophoto"), (".png", "displayp3"), (".jxl", "rec2020"), (".avif", "rec2020"))
    )
    result = gamutcli.expand_image(mutant.path, mutant.path.with_name(f"restored{suffix}"), to=to, overwrite=True)
    told = [note for note in result.notes if "picture was" in note]
    if (result.status == "ok") and not told:
        _must_be_known(mutant)
    elif not told:
        raise Broken(f"status {result.status}, and no note says so")
    return result.status


def _must_be_known(mutant: Mutant) -> None:
    data = mutant.path.read_bytes()
    codes = decode_reduced(data)
    marks = [unpack(found.payload).fingerprint for found in _sound(mutant.path, data)]
    if not any((mark.height, mark.width, 3) == codes.shape and mark.digest == _digest(codes) for mark in marks):
        raise Broken("restored in silence, though no payload knows these pixels")


def _sound(path: Path, data: bytes) -> list[carriers.Extracted]:
    found = []
    for each in all_payloads_of(path, data):
        try:
            unpack(each.payload)
        except GamutError:
            continue
        found.append(each)
    return found


def _digest(codes: CodeArray) -> bytes:
    import hashlib

    return hashlib.sha256(codes.tobytes()).digest()[:16]


def strip(mutant: Mutant) -> str:
    """What is stripped holds no payload any more, and shows the same."""
    target = mutant.path.with_name("stripped" + mutant.path.suffix)
    gamutcli.strip_payload(mutant.path, target, overwrite=True)
    try:
        left = carriers.extract(target.read_bytes())
    except GamutError as error:
        raise Broken(f"what was stripped cannot be looked into, or holds a payload: {error}") from error
    if left is not None:
        raise Broken(f"what was stripped holds a payload in {left.carrier}")
    _must_show_the_same(mutant.path, target)
    return "stripped"


def embed(mutant: Mutant) -> str:
    """What has a payload embedded gives it back, and shows the same."""
    payload = mutant.path.with_name("given.gamut")
    target = mutant.path.with_name("embedded" + mutant.path.suffix)
    carrier = mutant.chance.choice(("auto", "auto", "xmp", "exif", SIDECAR))
    done = gamutcli.embed_payload(mutant.path, payload, target, carrier=carrier, force=True, overwrite=True)
    found = carriers.extract(target.read_bytes())
    if carrier == SIDECAR:
        if found is not None:
            raise Broken("a payload beside the picture, and one in it")
    elif found is None or found.payload != payload.read_bytes():
        raise Broken("what was embedded is not found again")
    _must_show_the_same(mutant.path, target)
    return done.carrier


def extract(mutant: Mutant) -> str:
    """What is extracted can be unpacked."""
    target = mutant.path.with_name("taken.gamut")
    done = gamutcli.extract_payload(mutant.path, target, overwrite=True)
    unpack(target.read_bytes())
    return done.carrier


def audit(mutant: Mutant) -> str:
    finding = look_at(Name(str(mutant.path), mutant.path.name), pixels=mutant.chance.random() < 0.5)
    return "nothing" if finding is None else finding.status


def reduce(mutant: Mutant) -> str:
    """A source that is read, is reduced, and what comes of it is sound."""
    suffix = mutant.chance.choice((".png", ".png", ".jpg", ".tif", ".webp", ".jxl", ".avif"))
    target = mutant.path.with_name("reduced" + suffix)
    gamutcli.reduce_image(
        mutant.path, target, preset=HASTY, assume_profile="adobergb", background=(0, 0, 0), overwrite=True
    )
    status = gamutcli.inspect_image(target).status
    if status != "ok":
        raise Broken(f"what was just reduced is {status}")
    return "reduced"


def read(mutant: Mutant) -> str:
    source = read_source(mutant.path)
    if not np.isfinite(source.original.strip(slice(0, 2))).all():
        raise Broken("a picture of numbers that are none")
    return "read"


def metadata(mutant: Mutant) -> str:
    found = read_metadata(mutant.path)
    return f"{found.exif is not None} {found.xmp is not None}"


def weights(mutant: Mutant) -> str:
    return str(read_weights(mutant.path).shape)


def start(mutant: Mutant) -> str:
    """A fit begins from the weights."""
    target = mutant.path.with_name("reduced.png")
    photo = mutant.path.with_name("photo.tif")
    held = read_weights(mutant.path)
    preset = replace(HASTY, inputs=held.inputs, hidden=held.shape.hidden, depth=held.shape.depth)
    gamutcli.reduce_image(photo, target, preset=preset, init=mutant.path, overwrite=True)
    return "reduced"


def _must_show_the_same(one: Path, other: Path) -> None:
    try:
        shown = decode_reduced(one.read_bytes())
    except GamutError:
        return
    try:
        same = np.array_equal(shown, decode_reduced(other.read_bytes()))
    except GamutError as error:
        raise Broken(f"{other.name} shows nothing any more: {error}") from error
    if not same:
        raise Broken(f"{other.name} shows something else")


OF_REDUCED: tuple[Operation, ...] = (info, expand, strip, extract, embed, audit, metadata)
OF_SOURCES: tuple[Operation, ...] = (read, metadata, reduce)
OF_WEIGHTS: tuple[Operation, ...] = (weights, start)
