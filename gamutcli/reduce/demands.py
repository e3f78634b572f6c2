"""What expand will ask of its user: a large, plain picture of few bytes is what attacks are made of, too."""

from __future__ import annotations

from gamutcli import images
from gamutcli.arrays import CodeArray
from gamutcli.color.gamut import Correction
from gamutcli.network.shape import Network
from gamutcli.network.work import excess_work


def decode_own(encoded: bytes) -> tuple[CodeArray, bool]:
    """Decode what was just encoded, whatever it claims; tell whether others refuse it for that."""
    with images.believing() as claims:
        return images.decode_reduced(encoded), bool(claims)


def options_wanted(
    data: bytes, network: Network | None, correction: Correction, codes: CodeArray, is_beyond: bool
) -> tuple[str, ...]:
    """Tell which options expand will want for a file, from the very checks that it makes.

    Args:
        data: The whole file.
        network: That its payload holds.
        correction: Which pixels go through it.
        codes: (height, width, 3) uint8 what the file decodes to.
        is_beyond: Whether its pixels were refused before metadata made the file larger; else they are not now.
    """
    notes: tuple[str, ...] = ()
    if is_beyond and decode_own(data)[1]:
        height, width, _ = codes.shape
        notes += (
            f"expand will want --allow-large: {width} x {height} pixels in {len(data):,} bytes are more than is "
            "believed of a stranger's file",
        )
    excess = None if network is None else excess_work(network, correction, codes, len(data))
    if excess:
        notes += (
            f"expand will want --allow-slow: {excess} are more than a picture of {len(data):,} bytes is known to need",
        )
    return notes
