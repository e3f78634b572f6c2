"""The picture in sRGB, as a file, and as a decoder will see it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from gamutcli import images
from gamutcli.fingerprint.blocks import lost_blocks
from gamutcli.fitting.curves import choose_compression
from gamutcli.fitting.perceptual import perceptual_codes
from gamutcli.fitting.scene import Scene
from gamutcli.images.original import Source, clip_and_count
from gamutcli.images.steer import encode_steered
from gamutcli.metadata import orientation_of
from gamutcli.reduce.plan import PERCEPTUAL, RELATIVE, Plan

#: The subsampling with which coefficients are chosen: without one, that is.
FULL_COLOR = "4:4:4"
CLIPPED = "clipped as with --intent relative, from which this picture's colours are foretold to come back closer"
STEERED = (
    "clipped as with --intent relative, for moving colours back would stretch a JPEG's noise; its coefficients were "
    "chosen for the lost colours instead"
)


@dataclass(frozen=True, eq=False)
class Rendered:
    """The sRGB picture.

    Attributes:
        encoded: Its file, without metadata.
        scene: Both sides of it, as it was and as the decoder will see it.
        og_pixels: How many pixels of the original are out of gamut.
        intent: How they were brought into sRGB: not as was asked for, where the clip serves better.
        notes: What to tell the user of that.
    """

    encoded: bytes
    scene: Scene
    og_pixels: int
    intent: str
    notes: tuple[str, ...] = ()


def render(picture: Source, plan: Plan) -> Rendered:
    """Bring into sRGB, round, encode, and decode again."""
    adaptation, orientation = plan.preset.adaptation, orientation_of(picture.metadata)
    original, correction, blocks = picture.original, plan.correction, None
    notes: tuple[str, ...] = ()
    codes, og_pixels = clip_and_count(original, adaptation)
    encoded = compression = None
    if plan.intent == PERCEPTUAL and og_pixels:
        lossless = not correction.tolerance
        if plan.format == "jpeg" and plan.subsampling == FULL_COLOR:
            encoded, lost = encode_steered(original, adaptation, images.lossy_quality("jpeg", plan.quality) or 0)
            blocks, notes = lost_blocks(lost), (STEERED,)
        elif compression := choose_compression(original, adaptation, lossless):
            codes, moved = perceptual_codes(original, compression, adaptation, lossless)
            correction = replace(correction, compression=compression)
            # Compression's own noise looks moved elsewhere, too.
            blocks = None if lossless else lost_blocks(moved)
        else:
            notes = (CLIPPED,)
    if encoded is None:
        encoded = images.encode_reduced(codes, plan.format, plan.quality, plan.subsampling, orientation)
    del codes
    decoded = images.decode_reduced(encoded)
    scene = Scene(original, decoded, adaptation, correction, blocks)
    return Rendered(encoded, scene, og_pixels, PERCEPTUAL if compression else RELATIVE, notes)
