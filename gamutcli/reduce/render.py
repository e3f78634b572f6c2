"""The picture in sRGB, as a file, and as a decoder will see it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from gamutcli import images
from gamutcli.fingerprint.blocks import lost_blocks
from gamutcli.fitting.perceptual import choose_compression, perceptual_codes
from gamutcli.fitting.scene import Scene
from gamutcli.images.original import Source, clip_and_count
from gamutcli.metadata import orientation_of
from gamutcli.reduce.plan import PERCEPTUAL, Plan


@dataclass(frozen=True, eq=False)
class Rendered:
    """The sRGB picture.

    Attributes:
        encoded: Its file, without metadata.
        scene: Both sides of it, as it was and as the decoder will see it.
        og_pixels: How many pixels of the original are out of gamut.
    """

    encoded: bytes
    scene: Scene
    og_pixels: int


def render(picture: Source, plan: Plan) -> Rendered:
    """Bring into sRGB, round, encode, and decode again."""
    adaptation, orientation = plan.preset.adaptation, orientation_of(picture.metadata)
    codes, og_pixels = clip_and_count(picture.original, adaptation)
    correction, blocks = plan.correction, None
    if plan.intent == PERCEPTUAL and og_pixels:
        lossless = not correction.tolerance
        compression = choose_compression(picture.original, adaptation, lossless)
        codes, moved = perceptual_codes(picture.original, compression, adaptation, lossless)
        correction = replace(correction, compression=compression)
        # Compression's own noise looks moved elsewhere, too.
        blocks = None if lossless else lost_blocks(moved)
    encoded = images.encode_reduced(codes, plan.format, plan.quality, plan.subsampling, orientation)
    del codes
    decoded = images.decode_reduced(encoded)
    scene = Scene(picture.original, decoded, adaptation, correction, blocks)
    return Rendered(encoded, scene, og_pixels)
