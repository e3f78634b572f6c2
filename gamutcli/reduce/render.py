"""The picture in sRGB, as a file, and as a decoder will see it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

from gamutcli import images
from gamutcli.fingerprint.match import digest
from gamutcli.fitting.curves import choose_compression
from gamutcli.fitting.perceptual import perceptual_codes
from gamutcli.fitting.scene import Scene
from gamutcli.images.original import Source, clip_and_mark
from gamutcli.metadata import orientation_of
from gamutcli.parallel import Later
from gamutcli.reduce.demands import decode_own
from gamutcli.reduce.judge import Plain, measure_plain
from gamutcli.reduce.plan import PERCEPTUAL, RELATIVE, Plan

CLIPPED = "clipped as with --intent relative, from which this picture's colours are foretold to come back closer"
STRETCHED = (
    "moving colours back stretches the noise of a lossy file: with --intent relative, which looks flatter, they would "
    "mostly come back a little closer"
)
#: Blocks of a clipped picture are kept where they leave out this share of the pixels that look clipped.
LEAST_SPARED = 1 / 3


@dataclass(frozen=True, eq=False)
class Rendered:
    """The sRGB picture.

    Attributes:
        encoded: Its file, without metadata.
        scene: Both sides of it, as it was and as the decoder will see it.
        plain: How close it comes to the original as it is.
        digest: Of the codes that the decoder will see.
        og_pixels: How many pixels of the original are out of gamut.
        intent: How they were brought into sRGB: not as was asked for, where the clip serves better.
        is_beyond: Whether a reader that trusts nobody refuses the file, for it is of few bytes and many pixels.
        notes: What to tell the user of the intent.
    """

    encoded: bytes
    scene: Scene
    plain: Later[Plain]
    digest: Later[bytes]
    og_pixels: int
    intent: str
    is_beyond: bool = False
    notes: tuple[str, ...] = ()


def render(picture: Source, plan: Plan) -> Rendered:
    """Bring into sRGB, round, encode, and decode again."""
    adaptation, orientation = plan.preset.adaptation, orientation_of(picture.metadata)
    original, correction = picture.original, plan.correction
    notes: tuple[str, ...] = ()
    codes, lost = clip_and_mark(original, adaptation)
    og_pixels, compression = lost.count, None
    if plan.intent == PERCEPTUAL and og_pixels:
        lossless = not correction.tolerance
        compression = choose_compression(original, adaptation, lossless)
        if compression is None:
            notes = (CLIPPED,)
        else:
            codes, lost = perceptual_codes(original, compression, adaptation, lossless)
            correction = replace(correction, compression=compression)
            notes = () if lossless else (STRETCHED,)
    blocks = lost.blocks() if correction.tolerance and og_pixels and not correction.every_pixel else None
    encoded = images.encode_reduced(codes, plan.format, plan.quality, plan.subsampling, orientation)
    del codes
    decoded, is_beyond = decode_own(encoded)
    scene = Scene(original, decoded, adaptation, correction, blocks)
    if compression is None:
        scene = _without_needless_blocks(scene)
    plain, mark = Later(partial(measure_plain, scene, og_pixels)), Later(partial(digest, decoded))
    return Rendered(encoded, scene, plain, mark, og_pixels, PERCEPTUAL if compression else RELATIVE, is_beyond, notes)


def _without_needless_blocks(scene: Scene) -> Scene:
    """Leave out what spares a decoder little: a payload of clipped colours is then of version 1, which all know."""
    if scene.blocks is None:
        return scene
    looking, marked = scene.count_apparent()
    return scene if marked <= (1 - LEAST_SPARED) * looking else replace(scene, blocks=None)
