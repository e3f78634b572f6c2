"""How near 0 and 255 counts as clipped after a lossy codec."""

from __future__ import annotations

import pytest

from gamutcli.color import tolerance
from gamutcli.color.gamut import Correction
from gamutcli.images import decode_reduced, encode_reduced, lossy_quality
from tests.support import reference
from tests.support.pipeline import CROPS


@pytest.mark.parametrize(("quality", "share"), [(85, 0.65), (95, 0.85), (100, 0.95)])
def test_most_clipped_pixels_of_a_jpeg_are_found(quality: int, share: float) -> None:
    for codes in CROPS.values():
        srgb = reference.reduced(codes)
        decoded = decode_reduced(encode_reduced(srgb, "jpeg", quality))
        clipped = Correction(0).mask(srgb)
        found = Correction(tolerance.of_format("jpeg", quality)).mask(decoded)[clipped].mean()
        assert found > share
        assert found > Correction(0).mask(decoded)[clipped].mean() + 0.05


def test_a_coarser_jpeg_needs_more_tolerance() -> None:
    wanted = [tolerance.of_format("jpeg", quality) for quality in range(1, 101)]
    assert wanted == sorted(wanted, reverse=True)
    assert tolerance.of_format("png", lossy_quality("png", 1)) == 0
