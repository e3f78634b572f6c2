"""What is mutated: a name, files to start from, how they are disturbed, and what is tried with the outcome."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from random import Random

from tests.fuzz import seeds
from tests.fuzz.chance import cut, scrambled
from tests.fuzz.content import weights
from tests.fuzz.content.payload import disturbed, in_lines
from tests.fuzz.formats import FORMATS, png
from tests.fuzz.operations import OF_REDUCED, OF_SOURCES, OF_WEIGHTS, Operation
from tests.fuzz.seeds import File
from tests.support.camera import CAMERA_PACKET, camera_exif, with_payload
from tests.support.sources import TAGGED

_SUFFIXES = (".jpg", ".png", ".tif", ".webp", ".avif", ".jxl")
_FRESH = {"exif": camera_exif(thumbnail=200), "xmp": CAMERA_PACKET, "icc": TAGGED}


@dataclass(frozen=True)
class Target:
    """One kind of mutants.

    Attributes:
        files: Where they start.
        mutate: A file that is disturbed.
        operations: What is tried, each for itself.
    """

    files: Callable[[], tuple[File, ...]]
    mutate: Callable[[Random, File], File]
    operations: tuple[Operation, ...]


def _in_its_format(chance: Random, file: File) -> File:
    """Other pieces, or nothing but other bytes, or fewer of them."""
    way = chance.random()
    if way < 0.85:
        return replace(file, data=FORMATS[file.suffix].disturbed(chance, file.data))
    return replace(file, data=cut(chance, file.data) if way < 0.88 else scrambled(chance, file.data))


def _in_its_content(name: str) -> Callable[[Random, File], File]:
    def mutate(chance: Random, file: File) -> File:
        return replace(file, data=FORMATS[file.suffix].with_content(chance, file.data, name, _FRESH[name]))

    return mutate


def _with_its_payload(chance: Random, file: File) -> File:
    """The picture that payloads were made for, with a disturbed one in it, beside it, or alone."""
    payload = disturbed(chance, chance.choice(seeds.payloads()))
    way = chance.random()
    if way < 0.2:
        return File(".gamut", payload)
    if way < 0.4:
        return File(file.suffix, file.data, {".gamut": payload})
    packet = with_payload(None, "gamut1:")
    pieces = FORMATS[file.suffix].split(file.data)
    line = in_lines(chance, payload) if chance.random() < 0.2 else _one_line(payload)
    held = FORMATS[file.suffix].wrap("xmp", packet.replace(b"gamut1:", line), Random(0))
    return File(file.suffix, FORMATS[file.suffix].join([pieces[0], held, *pieces[1:]]))


def _in_its_parts(chance: Random, file: File) -> File:
    """A sound payload in lines that are not, in one packet or several, one of them in a text chunk of another kind."""
    payload = chance.choice(seeds.payloads())
    if chance.random() < 0.2:
        payload = disturbed(chance, payload)
    pieces = FORMATS[file.suffix].split(file.data)
    for _ in range(chance.choice((1, 1, 2, 5))):
        packet = with_payload(chance.choice((None, CAMERA_PACKET)), "gamut1:")
        held = packet.replace(b"gamut1:", in_lines(chance, payload))
        pieces.insert(1, FORMATS[file.suffix].wrap("xmp", held, chance))
    if file.suffix == ".png" and chance.random() < 0.3:
        block = camera_exif(comment=b"ASCII\0\0\0" + in_lines(chance, payload)[:60_000])
        pieces.insert(1, png.wrap("exif", block, chance))
    return File(file.suffix, FORMATS[file.suffix].join(pieces))


def _beside(chance: Random, file: File) -> File:
    """A sidecar of any bytes beside a picture with or without a payload in it."""
    sound = file.beside.get(".gamut") or chance.choice(seeds.payloads())
    way = chance.random()
    if way < 0.4:
        sound = disturbed(chance, sound)
    elif way < 0.8:
        sound = scrambled(chance, sound)
    elif way < 0.9:
        sound += bytes(chance.choice((1, 1000, 5 << 20)))
    changed = _in_its_format(chance, file) if chance.random() < 0.3 else file
    return File(file.suffix, changed.data, {".gamut": sound})


def _one_line(payload: bytes) -> bytes:
    """The line of a payload, whole."""
    from gamutcli.payload.parts import frame

    return frame(payload, [len(payload)])[0]


def _all_reduced() -> tuple[File, ...]:
    return tuple(file for suffix in _SUFFIXES for file in seeds.reduced(suffix))


def _pictures() -> tuple[File, ...]:
    return tuple(File(suffix, data) for suffix, data in seeds.bare().items())


def _any_wide() -> tuple[File, ...]:
    return seeds.wide(".tif")[:8] + seeds.wide(".png")[:3] + seeds.wide(".jpg")[:3] + seeds.wide(".jxl")[:2]


TARGETS: dict[str, Target] = {
    "payload": Target(_pictures, _with_its_payload, OF_REDUCED),
    "parts": Target(_pictures, _in_its_parts, OF_REDUCED),
    "sidecar": Target(lambda: seeds.reduced(".jpg")[:6], _beside, OF_REDUCED),
    **{name: Target(_all_reduced, _in_its_content(name), OF_REDUCED) for name in ("xmp", "exif")},
    "icc": Target(_any_wide, _in_its_content("icc"), OF_SOURCES),
    **{
        suffix[1:]: Target(lambda suffix=suffix: seeds.reduced(suffix), _in_its_format, OF_REDUCED)  # type: ignore[misc]
        for suffix in _SUFFIXES
    },
    **{
        f"wide {suffix[1:]}": Target(lambda suffix=suffix: seeds.wide(suffix), _in_its_format, OF_SOURCES)  # type: ignore[misc]
        for suffix in (*_SUFFIXES, ".heic", ".jp2", ".exr", ".dng")
    },
    "weights": Target(
        lambda: tuple(File(".safetensors", data) for data in seeds.weights()),
        lambda chance, file: replace(file, data=weights.disturbed(chance, file.data)),
        OF_WEIGHTS,
    ),
}


def mutant_of(name: str, number: int, pool: tuple[File, ...] = ()) -> tuple[File, File, Random]:
    """The mutant of a target with a number: what it was made of, what came of it, and chance for what follows.

    Args:
        name: Of a target.
        number: The same number gives the same mutant, as long as the pool is the same.
        pool: Mutants that did something new, to start from as well.
    """
    chance = Random(f"{name} {number}")
    target = TARGETS[name]
    seed = chance.choice(pool) if pool and chance.random() < 0.4 else chance.choice(target.files())
    try:
        return seed, target.mutate(chance, seed), chance
    except Exception:  # a file of other pieces, such as a BigTIFF, or without any since it was disturbed before
        return seed, replace(seed, data=scrambled(chance, seed.data)), chance
